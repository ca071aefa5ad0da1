// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/gzip_content.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "plugins/file/gzip_member.hpp"

namespace sluice::file_plugin {

namespace {
constexpr size_t kTrimFrom = 256u << 10;
}  // namespace

// zlib's state, ended with this.
struct GzipContent::Stream {
  z_stream z = {};
  bool ready = false;
  Stream() { ready = inflateInit2(&z, kGzip) == Z_OK; }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    if (ready) inflateEnd(&z);
  }
};

GzipContent::GzipContent(File& file, std::string path) : file_(file), path_(std::move(path)) {
  rewind();
}
GzipContent::~GzipContent() = default;

void GzipContent::rewind() {
  stream_ = std::make_unique<Stream>();
  input_.clear();
  input_at_ = 0;
  input_offset_ = 0;
  window_.clear();
  window_begin_ = 0;
  between_members_ = true;
  complete_ = false;
}

Error GzipContent::damaged(const char* why) const {
  return Error::fatal(
      "the gzip file '" + path_ + "' is damaged at its byte " +
      std::to_string(input_offset_ - (input_.size() - input_at_)) + " (byte " +
      std::to_string(window_begin_ + window_.size()) + " of its text): " + why +
      "; its lines before that were read. Restore it, or leave it out with file.exclude");
}

Error GzipContent::incomplete_error() const {
  return damaged("it ends in the middle of the compressed data, and nobody writes to it");
}

// More compressed bytes; false: the file has no more.
Result<bool> GzipContent::refill() {
  if (input_at_ < input_.size()) return true;
  input_.resize(kStep);
  input_at_ = 0;
  const IoResult result = file_.read_at(input_.data(), kStep, input_offset_);
  input_.resize(result.ok() ? static_cast<size_t>(result.bytes) : 0);
  if (!result.ok()) return io_error("reading", path_, result.error);
  input_offset_ += input_.size();
  return !input_.empty();
}

void GzipContent::trim() {
  const uint64_t wanted = keep_ > kLookBack ? keep_ - kLookBack : 0;
  if (wanted <= window_begin_) return;
  const auto drop = static_cast<size_t>(std::min<uint64_t>(wanted - window_begin_, window_.size()));
  if (drop < kTrimFrom) return;
  window_.erase(0, drop);
  window_begin_ += drop;
}

// Adds up to kStep bytes of text to the window.
Status GzipContent::inflate_step(bool* progress) {
  *progress = false;
  if (!stream_->ready) return Error::retriable("no memory to decompress '" + path_ + "'");
  trim();
  SLUICE_SDK_ASSIGN(const bool more, refill());
  if (!more) {
    complete_ = between_members_ && input_offset_ > 0;
    return sdk::ok();
  }
  complete_ = false;
  z_stream& z = stream_->z;
  const size_t before = window_.size();
  window_.resize(before + kStep);
  z.next_in = reinterpret_cast<Bytef*>(input_.data() + input_at_);
  z.avail_in = static_cast<uInt>(input_.size() - input_at_);
  z.next_out = reinterpret_cast<Bytef*>(window_.data() + before);
  z.avail_out = static_cast<uInt>(kStep);
  const int result = ::inflate(&z, Z_NO_FLUSH);
  const size_t used = input_.size() - z.avail_in - input_at_;
  const size_t made = kStep - z.avail_out;
  input_at_ += used;
  window_.resize(before + made);
  if (window_begin_ == 0 && head_.size() < kLookBack) {
    head_.assign(window_, 0, kLookBack);
  }
  *progress = used > 0 || made > 0;
  between_members_ = result == Z_STREAM_END;
  if (result == Z_STREAM_END) {
    inflateReset(&z);
    return sdk::ok();
  }
  if (result == Z_OK || result == Z_BUF_ERROR) return sdk::ok();
  if (result == Z_MEM_ERROR) return Error::retriable("no memory to decompress '" + path_ + "'");
  return damaged(z.msg != nullptr ? z.msg : "it is no gzip data");
}

Result<uint64_t> GzipContent::end(uint64_t from) {
  while (window_begin_ + window_.size() <= from) {
    bool progress = false;
    SLUICE_SDK_TRY(inflate_step(&progress));
    if (!progress) break;
  }
  return window_begin_ + window_.size();
}

Result<size_t> GzipContent::read_at(char* to, size_t size, uint64_t offset) {
  if (offset + size <= head_.size()) {
    std::memcpy(to, head_.data() + offset, size);
    return size;
  }
  if (offset < window_begin_) rewind();
  const uint64_t keep = std::exchange(keep_, std::min(keep_, offset));
  while (window_begin_ + window_.size() < offset + size) {
    keep_ = std::max(keep_, std::min(offset, window_begin_ + window_.size()));
    bool progress = false;
    const Status status = inflate_step(&progress);
    if (!status.ok()) {
      // What came before the damage counts; the error comes again when it is reached.
      if (window_begin_ + window_.size() > offset) break;
      keep_ = keep;
      return status.error();
    }
    if (!progress) break;
  }
  keep_ = keep;
  const uint64_t end = window_begin_ + window_.size();
  if (offset >= end) return size_t{0};
  const auto there = static_cast<size_t>(std::min<uint64_t>(size, end - offset));
  std::memcpy(to, window_.data() + (offset - window_begin_), there);
  return there;
}

}  // namespace sluice::file_plugin
