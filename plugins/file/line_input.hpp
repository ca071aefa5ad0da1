// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "plugins/file/files.hpp"

namespace sluice::file_plugin {

// Bytes of a file, lent to the records cut out of it; shared by them and the task, freed by the
// last one.
class Block {
 public:
  // For bytes from `offset` of the file on. They get the same place within a 4 KiB page as they
  // have in the file: some processors copy four times slower when the target lies a few bytes
  // further in its page than the source.
  Block(size_t capacity, uint64_t offset)
      : memory_(std::make_unique_for_overwrite<char[]>(capacity + kPage)),
        data_(memory_.get() + (offset - reinterpret_cast<uintptr_t>(memory_.get())) % kPage) {}
  char* data() { return data_; }
  const char* data() const { return data_; }
  size_t size() const { return size_; }
  void set_size(size_t size) { size_ = size; }

 private:
  static constexpr size_t kPage = 4096;
  std::unique_ptr<char[]> memory_;  // not zeroed
  char* data_;
  size_t size_ = 0;
};

// Where a LineSource gets its bytes from: something that grows, addressed by byte, with the
// position behind the last line that was taken. Owned by the source task, used by its poll only.
class LineInput {
 public:
  enum class State {
    kData,       // there are bytes behind `from`
    kNothing,    // it ends at `from`, or does not exist yet
    kRestarted,  // what was read behind position() does not count any more; position() may be 0 now
  };
  virtual ~LineInput() = default;
  // `from` >= position() is how far the caller has read already without consuming.
  virtual Result<State> look(uint64_t from) = 0;
  // Reads behind `from`, at most `size` bytes and at most what there was at the last look().
  virtual Result<std::shared_ptr<Block>> read(uint64_t from, size_t size) = 0;
  virtual uint64_t position() const = 0;
  virtual void consume(uint64_t bytes) = 0;
};

}  // namespace sluice::file_plugin
