// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/java_format.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sluice::config {
namespace {

TEST(JavaFormat, Doubles) {
  EXPECT_EQ(java_double(0), "0.0");
  EXPECT_EQ(java_double(-0.0), "-0.0");
  EXPECT_EQ(java_double(1), "1.0");
  EXPECT_EQ(java_double(100), "100.0");
  EXPECT_EQ(java_double(1234567), "1234567.0");
  EXPECT_EQ(java_double(12345678), "1.2345678E7");
  EXPECT_EQ(java_double(1e7), "1.0E7");
  EXPECT_EQ(java_double(0.001), "0.001");
  EXPECT_EQ(java_double(0.0001), "1.0E-4");
  EXPECT_EQ(java_double(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(java_double(123.456), "123.456");
  EXPECT_EQ(java_double(1e100), "1.0E100");
  EXPECT_EQ(java_double(std::numeric_limits<double>::max()), "1.7976931348623157E308");
  EXPECT_EQ(java_double(std::numeric_limits<double>::denorm_min()), "4.9E-324");
  EXPECT_EQ(java_double(std::nan("")), "NaN");
  EXPECT_EQ(java_double(-std::numeric_limits<double>::infinity()), "-Infinity");
}

TEST(JavaFormat, Floats) {
  EXPECT_EQ(java_float(1.5f), "1.5");
  EXPECT_EQ(java_float(0.1f), "0.1");
  EXPECT_EQ(java_float(3.4028235e38f), "3.4028235E38");
  EXPECT_EQ(java_float(1.4e-45f), "1.4E-45");
  EXPECT_EQ(java_float(16777216.f), "1.6777216E7");
}

TEST(JavaFormat, Integers) {
  EXPECT_EQ(parse_java_integer("+5", INT32_MIN, INT32_MAX), 5);
  EXPECT_EQ(parse_java_integer("-2147483648", INT32_MIN, INT32_MAX), INT32_MIN);
  EXPECT_EQ(parse_java_integer("9223372036854775807", INT64_MIN, INT64_MAX), INT64_MAX);
  for (const char* bad : {"", "+", "-", "+-5", "5 ", "0x10", "1.0", "1e3", "2147483648"}) {
    EXPECT_EQ(parse_java_integer(bad, INT32_MIN, INT32_MAX), std::nullopt) << bad;
  }
}

TEST(JavaFormat, ParsesDoubles) {
  EXPECT_EQ(parse_java_double("1.5"), 1.5);
  EXPECT_EQ(parse_java_double(" -1e3 "), -1000);
  EXPECT_EQ(parse_java_double("1."), 1);
  EXPECT_EQ(parse_java_double(".5f"), .5);
  EXPECT_EQ(parse_java_double("2d"), 2);
  EXPECT_EQ(parse_java_double("0x1p3"), 8);
  EXPECT_EQ(parse_java_double("1e999"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_java_double("-Infinity"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(parse_java_double("NaN").value()));
  for (const char* bad : {"", ".", "inf", "nan", "1,5", "abc", "1e", "--1", "0x10"}) {
    EXPECT_EQ(parse_java_double(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace sluice::config
