// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/result.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace sluice {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Error{ErrorKind::kInvalid, "odd"};
  return value / 2;
}
Result<int> quarter(int value) {
  SLUICE_ASSIGN(int first, half(value));
  SLUICE_ASSIGN(int second, half(first));
  return second;
}
Status check(int value) {
  SLUICE_TRY(half(value));
  return ok();
}

TEST(Result, CarriesValueOrError) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_TRUE(check(2).ok());
  EXPECT_EQ(check(3).error().kind, ErrorKind::kInvalid);
}

TEST(Result, MovesOnlyTypes) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  auto moved = std::move(result).value();
  EXPECT_EQ(*moved, 7);
}

TEST(Result, ErrorGetsContext) {
  EXPECT_EQ((Error{ErrorKind::kIo, "no"}.with("reading x")).message, "reading x: no");
}

TEST(ResultDeathTest, ReadingTheWrongSideAborts) {
  EXPECT_DEATH({ (void)half(3).value(); }, "");
  EXPECT_DEATH({ (void)half(2).error(); }, "");
}

}  // namespace
}  // namespace sluice
