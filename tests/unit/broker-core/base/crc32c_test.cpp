// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/crc32c.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Crc32c, CheckValueOfTheStandard) { EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u); }

TEST(Crc32c, ZerosOfRfc3720) {
  std::array<std::byte, 32> zeros{};
  EXPECT_EQ(crc32c(zeros), 0x8a9136aau);
}

TEST(Crc32c, ContinuesFromASeed) {
  for (size_t cut = 0; cut <= 9; ++cut) {
    auto all = as_bytes("123456789");
    EXPECT_EQ(crc32c(all.subspan(cut), crc32c(all.first(cut))), 0xe3069283u) << cut;
  }
}

}  // namespace
}  // namespace sluice
