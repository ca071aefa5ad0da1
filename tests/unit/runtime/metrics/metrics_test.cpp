// SPDX-License-Identifier: Apache-2.0
#include "runtime/metrics/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace sluice::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Metrics, ExposesCountersGaugesAndHistograms) {
  Registry registry;
  auto counter =
      registry.counter("records_total", "Records.", {{"task", "0"}, {"connector", "a\"b"}}).value();
  auto gauge = registry.gauge("lag", "Lag.").value();
  auto histogram = registry.histogram("seconds", "Time.", {0.5, 1}).value();
  counter->add(3);
  counter->add_fraction(0.5);
  gauge->set(-2);
  histogram->observe(0.5);
  histogram->observe(0.75);
  histogram->observe(100);
  auto text = registry.expose();
  EXPECT_THAT(text, HasSubstr("# HELP records_total Records.\n# TYPE records_total counter\n"));
  EXPECT_THAT(text, HasSubstr("records_total{connector=\"a\\\"b\",task=\"0\"} 3.5\n"));
  EXPECT_THAT(text, HasSubstr("lag -2\n"));
  EXPECT_THAT(text, HasSubstr("seconds_bucket{le=\"0.5\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("seconds_bucket{le=\"1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("seconds_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("seconds_sum 101.25\n"));
}

TEST(Metrics, TheSameSeriesIsOneObjectAndEndsWithItsLastHolder) {
  Registry registry;
  auto one = registry.counter("c", "", {{"a", "1"}}).value();
  EXPECT_EQ(one, registry.counter("c", "", {{"a", "1"}}).value());
  EXPECT_EQ(registry.series(), 1u);
  one.reset();
  EXPECT_EQ(registry.series(), 0u);
  EXPECT_THAT(registry.expose(), Not(HasSubstr("c{")));
  EXPECT_TRUE(registry.gauge("c", "").ok());  // nobody uses it as a counter any more
}

TEST(Metrics, RefusesBadNamesAndChangedKinds) {
  Registry registry;
  EXPECT_EQ(registry.counter("1x", "").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(registry.counter("", "").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(registry.counter("x", "", {{"__name", ""}}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(registry.counter("x", "", {{"a:b", ""}}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(registry.histogram("x", "", {2, 1}).error().kind, ErrorKind::kInvalid);
  auto held = registry.counter("x", "").value();
  EXPECT_EQ(registry.gauge("x", "").error().message, "metric 'x' exists already with another kind");
}

TEST(Metrics, CountsFromManyThreads) {
  Registry registry;
  std::vector<std::thread> threads;
  auto total = registry.counter("n", "").value();
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      auto mine = registry.counter("n", "").value();
      for (int n = 0; n < 1000; ++n) mine->add();
      EXPECT_THAT(registry.expose(), HasSubstr("# TYPE n counter"));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(total->value(), 4000);
}

}  // namespace
}  // namespace sluice::metrics
