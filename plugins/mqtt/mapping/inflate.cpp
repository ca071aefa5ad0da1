// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/inflate.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>

namespace sluice::mqtt_plugin {

namespace {

constexpr size_t kFirstBytes = 16u << 10;
constexpr int kGzipOnly = 16 + MAX_WBITS;
constexpr int kMaxWindowLog = 27;  // zstd's own bound for streams: 128 MiB

std::string too_large(size_t max_bytes) {
  return "the payload has more than " + std::to_string(max_bytes) +
         " bytes when it is decompressed (payload.max.bytes)";
}

}  // namespace

struct Inflater::Streams {
  z_stream gzip = {};
  bool gzip_ready = false;
  ZSTD_DCtx* zstd = nullptr;
  ~Streams() {
    if (gzip_ready) inflateEnd(&gzip);
    ZSTD_freeDCtx(zstd);
  }
};

Inflater::Inflater() : streams_(std::make_unique<Streams>()) {}
Inflater::~Inflater() = default;

std::optional<std::string> Inflater::inflate(Compression kind, std::string_view bytes,
                                             size_t max_bytes) {
  out_.resize(std::min(std::max(kFirstBytes, out_.size()), max_bytes));
  return kind == Compression::kGzip ? gzip(bytes, max_bytes) : zstd(bytes, max_bytes);
}

// False: the bound is reached.
bool Inflater::grow(size_t used, size_t max_bytes) {
  if (used < out_.size()) return true;
  if (out_.size() >= max_bytes) return false;
  out_.resize(std::min(std::max(out_.size() * 2, kFirstBytes), max_bytes));
  return true;
}

std::optional<std::string> Inflater::gzip(std::string_view bytes, size_t max_bytes) {
  z_stream& stream = streams_->gzip;
  if (!streams_->gzip_ready && inflateInit2(&stream, kGzipOnly) != Z_OK)
    return "no memory to decompress";
  streams_->gzip_ready = true;
  if (bytes.empty()) return "the payload is not gzip: it is empty";
  // zlib does not write to what it reads.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  size_t used = 0;
  while (stream.avail_in > 0) {  // one member after the other
    inflateReset(&stream);
    for (int code = Z_OK; code != Z_STREAM_END;) {
      if (!grow(used, max_bytes)) {
        // Full: only the end of the stream may follow.
        Bytef one = 0;
        stream.next_out = &one;
        stream.avail_out = 1;
        code = ::inflate(&stream, Z_NO_FLUSH);
        if (stream.avail_out == 0) return too_large(max_bytes);
      } else {
        stream.next_out = reinterpret_cast<Bytef*>(out_.data() + used);
        stream.avail_out = static_cast<uInt>(out_.size() - used);
        code = ::inflate(&stream, Z_NO_FLUSH);
        used = out_.size() - stream.avail_out;
      }
      if (code != Z_OK && code != Z_STREAM_END) {
        return std::string("the payload is not gzip: ") +
               (code == Z_BUF_ERROR ? "it ends too early"
                                    : (stream.msg == nullptr ? "it is damaged" : stream.msg));
      }
    }
  }
  out_.resize(used);
  return {};
}

std::optional<std::string> Inflater::zstd(std::string_view bytes, size_t max_bytes) {
  if (streams_->zstd == nullptr) {
    streams_->zstd = ZSTD_createDCtx();
    if (streams_->zstd == nullptr) return "no memory to decompress";
    ZSTD_DCtx_setParameter(streams_->zstd, ZSTD_d_windowLogMax, kMaxWindowLog);
  }
  if (bytes.empty()) return "the payload is not zstd: it is empty";
  ZSTD_DCtx_reset(streams_->zstd, ZSTD_reset_session_only);
  ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
  size_t used = 0;
  for (size_t left = 1; left != 0 || in.pos < in.size;) {
    char one = 0;
    const bool room = grow(used, max_bytes);
    ZSTD_outBuffer out =
        room ? ZSTD_outBuffer{out_.data(), out_.size(), used} : ZSTD_outBuffer{&one, 1, 0};
    const size_t read = in.pos;
    left = ZSTD_decompressStream(streams_->zstd, &out, &in);
    if (ZSTD_isError(left))
      return std::string("the payload is not zstd: ") + ZSTD_getErrorName(left);
    if (!room && out.pos > 0) return too_large(max_bytes);
    const bool moved = in.pos != read || (room && out.pos != used);
    if (room) used = out.pos;
    if (!moved && left != 0) return "the payload is not zstd: it ends too early";
  }
  out_.resize(used);
  return {};
}

}  // namespace sluice::mqtt_plugin
