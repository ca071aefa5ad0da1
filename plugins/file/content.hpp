// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "plugins/file/files.hpp"
#include "plugins/file/line_input.hpp"

namespace sluice::file_plugin {

// The bytes that a file stands for: its own, or, of a compressed one, those it was made from.
// Positions and fingerprints are of these, so compressing a file changes neither. Owned by the open
// file, used by the task's poll only.
class Content {
 public:
  virtual ~Content() = default;
  // Up to `size` bytes; fewer only where it ends now.
  virtual Result<size_t> read_at(char* to, size_t size, uint64_t offset) = 0;
  // Up to where it is known to go: behind `from`, if there is a byte behind `from` now.
  virtual Result<uint64_t> end(uint64_t from) = 0;
  // Nothing can follow what end() said: the end of a compressed file was seen.
  virtual bool complete() const = 0;
  // Bytes more than kLookBack before `from` will hardly be asked for again.
  virtual void keep(uint64_t from) = 0;

  static constexpr size_t kLookBack = 1024;
};

class PlainContent final : public Content {
 public:
  PlainContent(File& file, std::string path) : file_(file), path_(std::move(path)) {}
  Result<size_t> read_at(char* to, size_t size, uint64_t offset) override {
    const IoResult result = file_.read_at(to, size, offset);
    if (!result.ok()) return io_error("reading", path_, result.error);
    return static_cast<size_t>(result.bytes);
  }
  Result<uint64_t> end(uint64_t from) override {
    (void)from;
    FileInfo info;
    if (const IoResult result = file_.info(&info); !result.ok())
      return io_error("looking at", path_, result.error);
    return info.size;
  }
  bool complete() const override { return false; }
  void keep(uint64_t from) override { (void)from; }

 private:
  File& file_;
  std::string path_;
};

// A Content as the input of a LineSource. Whether it is still the same content is its user's
// business.
class ContentInput final : public LineInput {
 public:
  ContentInput(Content& content, uint64_t position) : content_(content), position_(position) {
    content_.keep(position);
  }
  Result<State> look(uint64_t from) override {
    if (end_ <= from) {
      SLUICE_SDK_ASSIGN(end_, content_.end(from));
    }
    return end_ > from ? State::kData : State::kNothing;
  }
  Result<std::shared_ptr<Block>> read(uint64_t from, size_t size) override {
    const uint64_t there = end_ > from ? end_ - from : 0;
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(size, there));
    auto block = std::make_shared<Block>(wanted, from);
    SLUICE_SDK_ASSIGN(const size_t read, content_.read_at(block->data(), wanted, from));
    if (read < wanted) end_ = from + read;
    block->set_size(read);
    return block;
  }
  uint64_t position() const override { return position_; }
  void consume(uint64_t bytes) override {
    position_ += bytes;
    content_.keep(position_);
  }

 private:
  Content& content_;
  uint64_t position_;
  uint64_t end_ = 0;  // as far as it is known
};

}  // namespace sluice::file_plugin
