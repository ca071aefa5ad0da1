// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "broker-core/server/broker.hpp"
#include "runtime/log/embedded.hpp"
#include "runtime/log/source_offsets.hpp"
#include "tests/support/fake_disk.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/sim_executor.hpp"
#include "tests/unit/runtime/log/log_suite.hpp"

namespace sluice::log::suite {
namespace {

// Broker and log on the fake disk; either everything in one thread under a seed, or with the
// broker's own threads.
class EmbeddedFixture : public Fixture {
 public:
  explicit EmbeddedFixture(bool threads) : threads_(threads) {
    if (threads) timers_ = thread_executor("timers", 1);
    open();
  }
  ~EmbeddedFixture() override { close(); }

  Log& log() override { return *log_; }
  bool until(const std::function<bool()>& done) override {
    if (!threads_) {
      const auto end = clock_.steady() + std::chrono::seconds(60);
      while (!done()) {
        if (clock_.steady() > end) return false;
        if (!executor_.run_one()) executor_.advance(std::chrono::milliseconds(10));
      }
      return true;
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  void reopen() override {
    close();
    open();
  }

 private:
  void open() {
    server::Broker::Settings settings;
    settings.directory = "/data";
    settings.storage.commit_file_bytes = 1 << 20;
    server::Broker::Dependencies dependencies{disk_, threads_ ? system_clock() : clock_, random_,
                                              threads_ ? nullptr : &executor_};
    auto broker = server::Broker::open(settings, dependencies);
    ASSERT_TRUE(broker.ok()) << broker.error().message;
    broker_ = std::move(*broker);
    EmbeddedSettings log_settings;
    log_settings.epoch_file = "/data/connect/epoch";
    Executor& timers = threads_ ? *timers_ : static_cast<Executor&>(executor_);
    auto log = open_embedded_log(log_settings,
                                 {*broker_, disk_, threads_ ? system_clock() : clock_, timers});
    ASSERT_TRUE(log.ok()) << log.error().message;
    log_ = std::move(*log);
  }
  void close() {
    log_.reset();
    if (broker_) EXPECT_TRUE(broker_->stop().ok());
    broker_.reset();
    executor_.clear();
  }

  const bool threads_;
  sluice::testing::FakeDisk disk_{1};
  sluice::testing::SimClock clock_;
  sluice::testing::SimExecutor executor_{1, clock_};
  sluice::testing::SeededRandom random_{1};
  std::unique_ptr<Executor> timers_;
  std::unique_ptr<server::Broker> broker_;
  std::unique_ptr<Log> log_;
};

INSTANTIATE_TEST_SUITE_P(
    Embedded, LogSuite,
    ::testing::Values(Backend{"simulated", [] { return std::make_unique<EmbeddedFixture>(false); }},
                      Backend{"threaded", [] { return std::make_unique<EmbeddedFixture>(true); }}),
    [](const auto& info) { return info.param.name; });

TEST(SourceOffsets, KeysAreKafkaConnects) {
  EXPECT_EQ(source_offset_key("my \"c\"", R"({"filename":"/a"})"),
            R"(["my \"c\"",{"filename":"/a"}])");
  EXPECT_EQ(source_offset_key("a\x01\n", "{}"), "[\"a\\u0001\\n\",{}]");
}

TEST(EmbeddedLog, ADamagedEpochFileIsNamed) {
  sluice::testing::FakeDisk disk(1);
  sluice::testing::SimClock clock;
  sluice::testing::SimExecutor executor(1, clock);
  sluice::testing::SeededRandom random(1);
  server::Broker::Settings settings;
  settings.directory = "/data";
  auto broker = server::Broker::open(settings, {disk, clock, random, &executor});
  ASSERT_TRUE(broker.ok());
  ASSERT_TRUE(write_file_atomically(disk, "/data/epoch", as_bytes("12x")).ok());
  EmbeddedSettings log_settings;
  log_settings.epoch_file = "/data/epoch";
  auto log = open_embedded_log(log_settings, {**broker, disk, clock, executor});
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error().kind, ErrorKind::kCorrupt);
  EXPECT_NE(log.error().message.find("/data/epoch"), std::string::npos);
}

// Epochs that go back would have targets refuse every new owner.
TEST(EmbeddedLog, EpochsGrowOverAPowerCutRightAfterTheFirstStart) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    sluice::testing::FakeDisk disk(seed);
    int64_t last = 0;
    for (int start = 0; start < 3; ++start) {
      sluice::testing::SimClock clock;
      sluice::testing::SimExecutor executor(seed, clock);
      sluice::testing::SeededRandom random(seed);
      server::Broker::Settings settings;
      settings.directory = "/data";
      auto broker = server::Broker::open(settings, {disk, clock, random, &executor});
      ASSERT_TRUE(broker.ok()) << broker.error().message;
      EmbeddedSettings log_settings;
      log_settings.epoch_file = "/data/connect/epoch";
      auto log = open_embedded_log(log_settings, {**broker, disk, clock, executor});
      ASSERT_TRUE(log.ok()) << log.error().message;
      auto epoch = (*log)->fence("a task");
      ASSERT_TRUE(epoch.ok());
      EXPECT_GT(*epoch, last) << "seed " << seed;
      last = *epoch;
      disk.power_off_after(0);
      log->reset();
      broker->reset();
      disk.crash();
    }
  }
}

}  // namespace
}  // namespace sluice::log::suite
