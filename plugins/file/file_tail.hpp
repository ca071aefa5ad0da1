// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "plugins/file/files.hpp"

namespace sluice::file_plugin {

// Bytes of a file, lent to the records cut out of it; shared by them and the task, freed by the last one.
class Block {
 public:
  // For bytes from `offset` of the file on. They get the same place within a 4 KiB page as they have in the file: some
  // processors copy four times slower when the target lies a few bytes further in its page than the source.
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

// Follows one file by byte position: waits until it exists, notices that it grew, was cut short, or was replaced by
// another file under the same name. Knows nothing of lines. Keeps no bytes: what is not consumed is read again, so a
// tail that is rewritten in place before its line is complete is read as it is then.
// Owned by the source task, used by its poll only.
class FileTail {
 public:
  FileTail(Files& files, Events& events, std::string path, uint64_t position)
      : files_(files), events_(events), path_(std::move(path)), position_(position) {}

  enum class State {
    kData,       // there are bytes behind `from`
    kNothing,    // the file ends at `from`, or does not exist yet
    kRestarted,  // what was read behind position() does not count any more; position() may be 0 now
  };

  // Looks at the file; `from` >= position() is how far the caller has read already without consuming.
  Result<State> look(uint64_t from);
  // Reads behind `from`, at most `size` bytes and at most what the file had at the last look().
  Result<std::shared_ptr<Block>> read(uint64_t from, size_t size);

  uint64_t position() const { return position_; }
  void consume(uint64_t bytes) { position_ += bytes; }
  // Known size of the file behind `from`.
  uint64_t available(uint64_t from) const { return info_.size > from ? info_.size - from : 0; }
  bool is_open() const { return file_ != nullptr; }

 private:
  // look() without change: is the name still this file? Every so many looks, and when something moved.
  static constexpr uint32_t kLooksPerNameCheck = 30;

  Result<State> open_first();
  Result<State> check_name(uint64_t from);
  Result<State> switch_to(std::unique_ptr<File> next, const FileInfo& info, uint64_t from);
  Status adopt(std::unique_ptr<File> file);

  Files& files_;
  Events& events_;
  std::string path_;
  uint64_t position_;
  std::unique_ptr<File> file_;
  FileInfo info_;
  uint32_t quiet_looks_ = 0;
  bool waiting_reported_ = false;
  bool gone_ = false;  // the name is away; the open file is followed on
};

}  // namespace sluice::file_plugin
