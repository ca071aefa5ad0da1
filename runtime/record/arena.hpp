// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

#include "broker-core/base/types.hpp"
#include "sdk/include/sluice/plugin.h"

namespace sluice::record {

// Memory of one batch: allocations only move a pointer, nothing is freed before reset(). Owned by the task that
// runs the batch, used by one thread at a time; what it handed out ends with reset() or with the arena. Chunks are
// kept over resets (up to kKeep bytes), so a task in its stride allocates nothing.
class Arena {
 public:
  static constexpr size_t kDefaultLimit = size_t{64} << 20;
  static constexpr size_t kFirstChunk = size_t{64} << 10;

  ~Arena() { release_schemas(); }
  explicit Arena(size_t limit = kDefaultLimit, size_t first_chunk = kFirstChunk)
      : limit_(limit), first_chunk_(first_chunk) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // nullptr when the arena's limit would be passed. `alignment` is a power of two of at most 4096.
  void* alloc(size_t size, size_t alignment = alignof(std::max_align_t)) {
    const auto at = (reinterpret_cast<uintptr_t>(at_) + (alignment - 1)) & ~(uintptr_t{alignment} - 1);
    const auto end = reinterpret_cast<uintptr_t>(end_);
    if (at_ == nullptr || at > end || size > end - at) return alloc_slow(size, alignment);
    at_ = reinterpret_cast<char*>(at + size);
    return reinterpret_cast<void*>(at);
  }

  // `count` objects, uninitialised; nullptr beyond the limit.
  template <class T>
  T* array(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (count > limit_ / sizeof(T)) return nullptr;
    return static_cast<T*>(alloc(count * sizeof(T), alignof(T)));
  }

  // A copy of `bytes`; data() == nullptr beyond the limit (never for empty input).
  std::string_view copy(std::string_view bytes) {
    auto* to = static_cast<char*>(alloc(bytes.size() ? bytes.size() : 1, 1));
    if (!to) return {};
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return {to, bytes.size()};
  }

  // Gives back the end of the newest allocation: [from, from + size) keeps only `used` bytes.
  void shrink(void* from, size_t size, size_t used) {
    if (static_cast<char*>(from) + size == at_) at_ = static_cast<char*>(from) + used;
  }
  // Makes the newest allocation longer in place; false if it is not the newest or its chunk has no room.
  bool extend(void* from, size_t size, size_t more) {
    if (static_cast<char*>(from) + size != at_ || static_cast<size_t>(end_ - at_) < more) return false;
    at_ += more;
    return true;
  }

  // Keeps a reference to `schema` until reset(): what is in the arena may point to it.
  void keep(const sluice_schema* schema) {
    if (schema != last_kept_) keep_slow(schema);
  }

  void reset();

  size_t reserved() const { return reserved_; }  // bytes held from the system
  size_t limit() const { return limit_; }

  // The opaque handle of the plugin ABI.
  sluice_arena* handle() { return reinterpret_cast<sluice_arena*>(this); }
  static Arena& from(sluice_arena* handle) { return *reinterpret_cast<Arena*>(handle); }

 private:
  static constexpr size_t kLargestChunk = size_t{4} << 20;
  static constexpr size_t kKeep = size_t{8} << 20;  // held over a reset

  struct Chunk {
    std::unique_ptr<char[]> memory;
    size_t size = 0;
  };

  void* alloc_slow(size_t size, size_t alignment);
  void keep_slow(const sluice_schema* schema);
  void release_schemas();
  void use(size_t chunk);

  char* at_ = nullptr;
  char* end_ = nullptr;
  size_t limit_;
  size_t first_chunk_;
  size_t reserved_ = 0;
  size_t current_ = 0;  // index of the chunk that at_ points into
  std::vector<Chunk> chunks_;
  const sluice_schema* last_kept_ = nullptr;
  std::vector<const sluice_schema*> kept_;
};

}  // namespace sluice::record
