// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/java_text.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>

// The expected texts were printed by a JDK 17.
namespace sluice::file_plugin {
namespace {

using std::string_view_literals::operator""sv;

TEST(JavaText, Doubles) {
  EXPECT_EQ(java_double(0), "0.0");
  EXPECT_EQ(java_double(-0.0), "-0.0");
  EXPECT_EQ(java_double(1), "1.0");
  EXPECT_EQ(java_double(100), "100.0");
  EXPECT_EQ(java_double(1e7), "1.0E7");
  EXPECT_EQ(java_double(9999999), "9999999.0");
  EXPECT_EQ(java_double(1.0E-3), "0.001");
  EXPECT_EQ(java_double(9.99e-4), "9.99E-4");
  EXPECT_EQ(java_double(123456.789), "123456.789");
  EXPECT_EQ(java_double(-2.5e-10), "-2.5E-10");
  EXPECT_EQ(java_double(1.7976931348623157E308), "1.7976931348623157E308");
  EXPECT_EQ(java_double(4.9E-324), "4.9E-324");
  EXPECT_EQ(java_double(1e21), "1.0E21");
  EXPECT_EQ(java_double(0.1), "0.1");
  EXPECT_EQ(java_double(123456789012.0), "1.23456789012E11");
  EXPECT_EQ(java_double(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(java_double(-std::numeric_limits<double>::infinity()), "-Infinity");
}

TEST(JavaText, Floats) {
  EXPECT_EQ(java_float(1), "1.0");
  EXPECT_EQ(java_float(0.1f), "0.1");
  EXPECT_EQ(java_float(3.4028235E38f), "3.4028235E38");
  EXPECT_EQ(java_float(1.4E-45f), "1.4E-45");
  EXPECT_EQ(java_float(16777216), "1.6777216E7");
  EXPECT_EQ(java_float(1e10f), "1.0E10");
}

TEST(JavaText, Dates) {
  EXPECT_EQ(java_date(0), "Thu Jan 01 00:00:00 UTC 1970");
  EXPECT_EQ(java_date(1234567890123), "Fri Feb 13 23:31:30 UTC 2009");
  EXPECT_EQ(java_date(-1), "Wed Dec 31 23:59:59 UTC 1969");
  EXPECT_EQ(java_date(4102444799999), "Thu Dec 31 23:59:59 UTC 2099");
}

TEST(JavaText, Decimals) {
  const struct {
    std::string_view unscaled;
    int32_t scale;
    std::string_view text;
  } cases[] = {
      {"\x00"sv, 0, "0"}, {"\x00"sv, 2, "0.00"}, {"\x00"sv, -2, "0E+2"}, {"\x30\x39"sv, 2, "123.45"},
      {"\xCF\xC7"sv, 2, "-123.45"}, {"\x05"sv, 5, "0.00005"}, {"\x05"sv, 8, "5E-8"}, {"\xFB"sv, 7, "-5E-7"},
      {"\x30\x39"sv, -3, "1.2345E+7"}, {"\x01"sv, -1, "1E+1"},
      {"\x01\x8E\xE9\x0F\xF6\xC3\x73\xE0\xEE\x4E\x3F\x0A\xD2"sv, 10, "12345678901234567890.1234567890"},
      {"\x80"sv, 0, "-128"}, {"\x80\x00"sv, 3, "-32.768"}, {"\x00\xFF"sv, 0, "255"}, {"\x07"sv, 6, "0.000007"},
      {"\x07"sv, 7, "7E-7"},
      {"\x80\x00\x00\x00"sv, 0, "-2147483648"}, {"\x00\x80\x00\x00\x00"sv, 0, "2147483648"},
  };
  for (const auto& c : cases) EXPECT_EQ(java_decimal(c.unscaled, c.scale), c.text);
}

}  // namespace
}  // namespace sluice::file_plugin
