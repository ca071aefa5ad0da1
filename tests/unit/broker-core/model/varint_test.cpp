// SPDX-License-Identifier: Apache-2.0
#include "broker-core/model/varint.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace sluice::model {
namespace {

std::string hex_of(int64_t value) {
  std::array<std::byte, kVarlongMax> buffer;
  const std::byte* end = write_varint(buffer.data(), value);
  std::string out;
  for (const std::byte* at = buffer.data(); at != end; ++at) {
    char text[3];
    snprintf(text, sizeof(text), "%02x", static_cast<unsigned>(*at));
    out += text;
  }
  return out;
}

TEST(Varint, KnownBytes) {  // the encodings of Protocol Buffers' sint64
  EXPECT_EQ(hex_of(0), "00");
  EXPECT_EQ(hex_of(-1), "01");
  EXPECT_EQ(hex_of(1), "02");
  EXPECT_EQ(hex_of(63), "7e");
  EXPECT_EQ(hex_of(-64), "7f");
  EXPECT_EQ(hex_of(64), "8001");
  EXPECT_EQ(hex_of(-65), "8101");
  EXPECT_EQ(hex_of(INT32_MAX), "feffffff0f");
  EXPECT_EQ(hex_of(INT32_MIN), "ffffffff0f");
  EXPECT_EQ(hex_of(INT64_MAX), "feffffffffffffffff01");
  EXPECT_EQ(hex_of(INT64_MIN), "ffffffffffffffffff01");
}

TEST(Varint, RoundTripAndSize) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200'000; ++i) {
    const auto value = static_cast<int64_t>(random()) >> (random() % 64);
    std::array<std::byte, kVarlongMax> buffer;
    const auto size = static_cast<size_t>(write_varint(buffer.data(), value) - buffer.data());
    ASSERT_EQ(size, varint_size(value)) << value;
    size_t position = 0;
    ASSERT_EQ(read_varlong(ByteView(buffer.data(), size), position), value);
    ASSERT_EQ(position, size);
    if (value >= INT32_MIN && value <= INT32_MAX) {
      position = 0;
      ASSERT_EQ(read_varint(ByteView(buffer.data(), size), position), static_cast<int32_t>(value));
    }
    position = 0;
    ASSERT_EQ(read_varlong(ByteView(buffer.data(), size - 1), position), std::nullopt);
  }
}

TEST(Varint, TooLongIsRefused) {
  const std::array<std::byte, 11> ones = [] {
    std::array<std::byte, 11> bytes;
    bytes.fill(std::byte{0xff});
    return bytes;
  }();
  size_t position = 0;
  EXPECT_EQ(read_varint(ones, position), std::nullopt);
  position = 0;
  EXPECT_EQ(read_varlong(ones, position), std::nullopt);
}

}  // namespace
}  // namespace sluice::model
