// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

namespace sluice::sdk::detail {

// Bump memory of one batch: taken piece by piece, given back all at once. Chunks double up to a bound, and
// reset() keeps the largest, so that a reused batch of the usual size takes nothing from the heap.
class Arena {
 public:
  void* allocate(size_t size, size_t alignment) {
    size_t start = (used_ + alignment - 1) & ~(alignment - 1);
    if (chunks_.empty() || start + size > chunks_.back().size) {
      grow(size);
      start = 0;
    }
    used_ = start + size;
    return chunks_.back().memory.get() + start;
  }

  void reset() {
    if (chunks_.size() > 1) {
      const auto largest = std::max_element(chunks_.begin(), chunks_.end(),
                                            [](const Chunk& a, const Chunk& b) { return a.size < b.size; });
      std::iter_swap(chunks_.begin(), largest);
      chunks_.resize(1);
    }
    used_ = 0;
  }

  size_t capacity() const {
    size_t sum = 0;
    for (const Chunk& chunk : chunks_) sum += chunk.size;
    return sum;
  }

 private:
  struct Chunk {
    std::unique_ptr<std::byte[]> memory;  // aligned for any fundamental type
    size_t size = 0;
  };
  static constexpr size_t kFirstChunk = 16u << 10;
  static constexpr size_t kLargestStep = 4u << 20;

  void grow(size_t size) {
    const size_t step = chunks_.empty() ? kFirstChunk : std::min(chunks_.back().size * 2, kLargestStep);
    const size_t chunk = std::max(size, step);
    chunks_.push_back({std::make_unique_for_overwrite<std::byte[]>(chunk), chunk});
    used_ = 0;
  }

  std::vector<Chunk> chunks_;
  size_t used_ = 0;  // of the last chunk
};

}  // namespace sluice::sdk::detail
