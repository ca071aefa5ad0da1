// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "plugins/file/line_input.hpp"

namespace sluice::file_plugin {

// Follows one file by byte position: waits until it exists, notices that it grew, was cut short, or
// was replaced by another file under the same name. Knows nothing of lines. Keeps no bytes: what is
// not consumed is read again, so a tail that is rewritten in place before its line is complete is
// read as it is then. Owned by the source task, used by its poll only.
class FileTail final : public LineInput {
 public:
  FileTail(Files& files, Events& events, std::string path, uint64_t position)
      : files_(files), events_(events), path_(std::move(path)), position_(position) {}

  Result<State> look(uint64_t from) override;
  Result<std::shared_ptr<Block>> read(uint64_t from, size_t size) override;
  uint64_t position() const override { return position_; }
  void consume(uint64_t bytes) override { position_ += bytes; }
  // Known size of the file behind `from`.
  uint64_t available(uint64_t from) const { return info_.size > from ? info_.size - from : 0; }
  bool is_open() const { return file_ != nullptr; }

 private:
  // look() without change: is the name still this file? Every so many looks, and when something
  // moved.
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
