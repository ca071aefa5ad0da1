// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/arena.hpp"

#include <algorithm>
#include <new>

#include "runtime/record/schema.hpp"

namespace sluice::record {

void Arena::use(size_t chunk) {
  current_ = chunk;
  at_ = chunks_[chunk].memory.get();
  end_ = at_ + chunks_[chunk].size;
}

void* Arena::alloc_slow(size_t size, size_t alignment) {
  if (size > limit_) return nullptr;
  const size_t needed = size + alignment;
  // A later chunk, kept from before the last reset, may have room.
  while (at_ != nullptr && current_ + 1 < chunks_.size()) {
    use(current_ + 1);
    if (chunks_[current_].size >= needed) return alloc(size, alignment);
  }
  size_t next = chunks_.empty() ? first_chunk_ : std::min(kLargestChunk, chunks_.back().size * 2);
  next = std::max(next, needed);
  if (reserved_ + next > limit_) next = needed;
  if (reserved_ + next > limit_ + alignment) return nullptr;
  std::unique_ptr<char[]> memory(new (std::nothrow) char[next]);
  if (!memory) return nullptr;
  chunks_.push_back({std::move(memory), next});
  reserved_ += next;
  use(chunks_.size() - 1);
  return alloc(size, alignment);
}

void Arena::keep_slow(const sluice_schema* schema) {
  last_kept_ = schema;
  if (std::find(kept_.rbegin(), kept_.rend(), schema) != kept_.rend()) return;
  retain_schema(schema);
  kept_.push_back(schema);
}

void Arena::release_schemas() {
  for (const auto* schema : kept_) release_schema(schema);
  kept_.clear();
  last_kept_ = nullptr;
}

void Arena::reset() {
  release_schemas();
  while (reserved_ > kKeep && chunks_.size() > 1) {
    reserved_ -= chunks_.back().size;
    chunks_.pop_back();
  }
  if (chunks_.empty()) return;
  if (chunks_.size() == 1 && chunks_[0].size > kKeep) {
    chunks_.clear();
    reserved_ = 0;
    at_ = end_ = nullptr;
    return;
  }
  use(0);
}

}  // namespace sluice::record
