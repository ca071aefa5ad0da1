// SPDX-License-Identifier: Apache-2.0
#include "broker-core/model/partitioner.hpp"

#include <gtest/gtest.h>

namespace sluice::model {
namespace {

TEST(Partitioner, Murmur2OfKafkasOwnTests) {
  EXPECT_EQ(murmur2(as_bytes("21")), -973932308);
  EXPECT_EQ(murmur2(as_bytes("foobar")), -790332482);
  EXPECT_EQ(murmur2(as_bytes("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(murmur2(as_bytes("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(murmur2(as_bytes("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")), -58897971);
  EXPECT_EQ(murmur2(as_bytes("abc")), 479470107);
}

TEST(Partitioner, KeyToPartitionIsNeverNegative) {
  EXPECT_EQ(partition_for_key(as_bytes("21"), 1).value(), 0);
  EXPECT_EQ(partition_for_key(as_bytes("foobar"), 10).value(), (-790332482 & 0x7fffffff) % 10);
}

TEST(Partitioner, JavaStringHash) {
  EXPECT_EQ(java_string_hash(""), 0);
  EXPECT_EQ(java_string_hash("a"), 97);
  EXPECT_EQ(java_string_hash("hello"), 99162322);
  EXPECT_EQ(java_string_hash("polygenelubricants"),
            INT32_MIN);  // a well-known collision with MIN_VALUE
  EXPECT_EQ(java_string_hash("\xc3\xa4"), 0xe4);
  EXPECT_EQ(java_string_hash("\xe2\x82\xac"), 0x20ac);
  // U+1F600 is the pair d83d de00 in UTF-16: 0xd83d * 31 + 0xde00
  EXPECT_EQ(java_string_hash("\xf0\x9f\x98\x80"), 0xd83d * 31 + 0xde00);
  EXPECT_EQ(java_string_hash("\xff"), 0xfffd);
  EXPECT_EQ(java_string_hash("\xe2\x82"), 0xfffd * 31 + 0xfffd);
}

TEST(Partitioner, IdToPartition) {
  EXPECT_EQ(partition_for_id("polygenelubricants", 50).value(), 0);
  EXPECT_EQ(partition_for_id("hello", 50).value(), 99162322 % 50);
}

}  // namespace
}  // namespace sluice::model
