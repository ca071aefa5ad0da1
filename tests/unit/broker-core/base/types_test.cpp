// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/types.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

static_assert(!std::is_convertible_v<int64_t, Offset>, "an offset is made explicitly");
static_assert(!std::is_convertible_v<Offset, int64_t>, "and read explicitly");
static_assert(!std::is_constructible_v<Offset, PartitionId>, "two tags never mix");

TEST(Offset, Arithmetic) {
  EXPECT_EQ(Offset(5) + 3, Offset(8));
  EXPECT_EQ(Offset(8) - Offset(5), 3);
  EXPECT_LT(Offset(1), Offset(2));
}

TEST(TopicId, PrintsAsKafkasUuid) {
  TopicId zero;
  EXPECT_EQ(zero.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
  TopicId one;
  for (size_t i = 0; i < one.bytes.size(); ++i) one.bytes[i] = static_cast<uint8_t>(0xf0 + i);
  EXPECT_EQ(one.to_string(), "8PHy8_T19vf4-fr7_P3-_w");  // base64.urlsafe_b64encode in Python
}

}  // namespace
}  // namespace sluice
