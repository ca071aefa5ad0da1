// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/arena.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace sluice::record {
namespace {

TEST(Arena, AlignsAndKeepsContents) {
  Arena arena;
  std::vector<std::pair<char*, size_t>> blocks;
  for (size_t i = 1; i < 2000; ++i) {
    const size_t alignment = size_t{1} << (i % 7);
    auto* block = static_cast<char*>(arena.alloc(i, alignment));
    ASSERT_NE(block, nullptr);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % alignment, 0u);
    std::memset(block, static_cast<int>(i & 0xff), i);
    blocks.emplace_back(block, i);
  }
  for (auto [block, size] : blocks) {
    for (size_t j = 0; j < size; ++j) ASSERT_EQ(static_cast<unsigned char>(block[j]), size & 0xff);
  }
}

TEST(Arena, IsBounded) {
  Arena arena(1 << 20);
  EXPECT_EQ(arena.alloc((1 << 20) + 1), nullptr);
  EXPECT_EQ(arena.array<double>(SIZE_MAX / 4), nullptr);
  size_t got = 0;
  while (arena.alloc(1000)) got += 1000;
  EXPECT_LE(got, size_t{1} << 20);
  EXPECT_GE(got, size_t{1} << 18);
  EXPECT_LE(arena.reserved(), (size_t{1} << 20) + 64);
  arena.reset();
  EXPECT_NE(arena.alloc(1000), nullptr);
}

TEST(Arena, ReusesChunksAfterReset) {
  Arena arena;
  for (int i = 0; i < 1000; ++i) ASSERT_NE(arena.alloc(1000), nullptr);
  const size_t reserved = arena.reserved();
  for (int round = 0; round < 10; ++round) {
    arena.reset();
    for (int i = 0; i < 1000; ++i) ASSERT_NE(arena.alloc(1000), nullptr);
    EXPECT_EQ(arena.reserved(), reserved);
  }
}

TEST(Arena, GivesLargeMemoryBack) {
  Arena arena;
  ASSERT_NE(arena.alloc(size_t{32} << 20), nullptr);
  arena.reset();
  EXPECT_LE(arena.reserved(), size_t{8} << 20);
  ASSERT_NE(arena.alloc(10), nullptr);
}

TEST(Arena, ShrinkAndExtend) {
  Arena arena;
  auto* a = static_cast<char*>(arena.alloc(100, 1));
  EXPECT_TRUE(arena.extend(a, 100, 50));
  arena.shrink(a, 150, 10);
  auto* b = static_cast<char*>(arena.alloc(1, 1));
  EXPECT_EQ(b, a + 10);
  EXPECT_FALSE(arena.extend(a, 10, 1));
  EXPECT_FALSE(arena.extend(b, 1, size_t{1} << 30));
  EXPECT_EQ(arena.copy("").size(), 0u);
  EXPECT_NE(arena.copy("").data(), nullptr);
}

}  // namespace
}  // namespace sluice::record
