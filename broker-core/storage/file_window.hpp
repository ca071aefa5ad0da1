// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "broker-core/base/disk.hpp"

namespace sluice::storage {

// A file read from front to back through one buffer of `step` bytes, which grows to the largest
// piece that is asked for. Borrows the file. One thread.
class FileWindow {
 public:
  FileWindow(File& file, uint64_t end, uint64_t step) : file_(&file), end_(end), step_(step) {}

  // Bytes from `at` on: `least` of them, fewer only before the end. Valid until the next call.
  Result<ByteView> view(uint64_t at, uint64_t least) {
    least = std::min(least, end_ - std::min(end_, at));
    if (at < start_ || at + least > start_ + bytes_.size()) {
      bytes_.resize(std::min(std::max(least, step_), end_ - at));
      SLUICE_ASSIGN(size_t got, file_->read_at(at, bytes_));
      bytes_.resize(got);
      start_ = at;
    }
    return ByteView(bytes_).subspan(std::min<uint64_t>(at - start_, bytes_.size()));
  }

 private:
  File* file_;
  uint64_t end_;
  uint64_t step_;
  Bytes bytes_;
  uint64_t start_ = 0;
};

}  // namespace sluice::storage
