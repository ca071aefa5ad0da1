// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/runtime/task/runner_fixtures.hpp"

namespace sluice::task {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

TEST_F(SourceRunnerTest, RecordsAndTheirOffsetAreOneAppendAndThenAcknowledged) {
  send({"a", "b"}, 4);
  start();
  run();
  EXPECT_THAT(lines(), ElementsAre("a", "b"));
  EXPECT_EQ(offset(), R"({"position":4})");
  EXPECT_EQ(log_.offsets().begin()->first,
            (std::pair<std::string, std::string>("c", R"({"filename":"/a"})")));
  EXPECT_EQ(log_.appends(), 1u);
  EXPECT_THAT(source_.acks, ElementsAre(1u));
  EXPECT_EQ(source_.batches_alive, 0);
  EXPECT_EQ(state(), TaskState::kRunning);
  EXPECT_THAT(listener_.topics, ElementsAre("lines"));
  auto metrics = runner_->metrics();
  EXPECT_EQ(metrics.source_record_poll_total, 2u);
  EXPECT_EQ(metrics.source_record_write_total, 2u);
  EXPECT_EQ(metrics.source_record_active_count, 0u);
}

TEST_F(SourceRunnerTest, NothingIsAcknowledgedBeforeItIsDurable) {
  log_.hold(true);
  send({"a"}, 1);
  send({"b"}, 2);
  send({"c"}, 3);
  start();
  run();
  EXPECT_EQ(source_.polls, 4);  // what comes meanwhile is collected ...
  EXPECT_EQ(log_.held(), 1u);   // ... and waits for the append under way
  EXPECT_THAT(source_.acks, IsEmpty());
  EXPECT_EQ(runner_->metrics().source_record_active_count, 3u);
  log_.release(1);
  run();
  EXPECT_THAT(source_.acks, ElementsAre(1u));
  EXPECT_EQ(log_.held(), 1u);
  log_.release(1);
  run();
  EXPECT_THAT(source_.acks, ElementsAre(1u, 3u));
  EXPECT_THAT(lines(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(log_.appends(), 2u);
}

TEST_F(SourceRunnerTest, StopsPollingWhenTooMuchIsInFlight) {
  settings_.in_flight_bytes_max = 1000;
  log_.hold(true);
  for (int i = 0; i < 20; ++i) send({std::string(300, 'x')}, i);
  start();
  run();
  const int polls = source_.polls;
  EXPECT_EQ(polls, 4);
  run(10s);
  EXPECT_EQ(source_.polls, polls);
  log_.hold(false);
  log_.release();
  run();
  EXPECT_EQ(lines().size(), 20u);
}

TEST_F(SourceRunnerTest, AnAppendThatTheLogRefusesIsTriedAgainInOrder) {
  log_.fail_next({ErrorKind::kRetriable, "no space left on device"}, 3);
  send({"a"}, 1);
  send({"b"}, 2);
  start();
  run();
  EXPECT_THAT(lines(), IsEmpty());
  EXPECT_THAT(source_.acks, IsEmpty());
  EXPECT_EQ(runner_->metrics().log_retrying, 1u);
  EXPECT_THAT(listener_.events, ElementsAre("log-retry"));
  EXPECT_EQ(state(), TaskState::kRunning);
  run(20s);
  EXPECT_THAT(lines(), ElementsAre("a", "b"));
  EXPECT_EQ(source_.acks.back(), 2u);
  EXPECT_EQ(runner_->metrics().log_retrying, 0u);
  EXPECT_EQ(offset(), R"({"position":2})");
  EXPECT_EQ(source_.batches_alive, 0);
}

TEST_F(SourceRunnerTest, AFencedOwnerStopsWithoutAnAcknowledgement) {
  log_.hold(true);
  send({"a"}, 1);
  send({"b"}, 2);
  start();
  run();
  ASSERT_TRUE(log_.fence("c-0").ok());
  log_.release();
  run();
  EXPECT_EQ(state(), TaskState::kFailed);
  EXPECT_THAT(runner_->trace(), HasSubstr("fenced"));
  EXPECT_THAT(lines(), IsEmpty());
  EXPECT_THAT(source_.acks, IsEmpty());
  EXPECT_EQ(source_.destroyed, 1);
  EXPECT_EQ(source_.batches_alive, 0);
}

TEST_F(SourceRunnerTest, PollThatMayBeRetriedIsRetriedWithBackoff) {
  source_.fails(SLUICE_NOT_CONNECTED, "away");
  source_.fails(SLUICE_RETRIABLE, "busy", 5000);
  send({"a"}, 1);
  start();
  run(1s);
  EXPECT_THAT(lines(), IsEmpty());
  EXPECT_EQ(source_.polls, 2);  // the second failure asked for five seconds
  run(5s);
  EXPECT_THAT(lines(), ElementsAre("a"));
  EXPECT_EQ(runner_->metrics().total_retries, 2u);
}

TEST_F(SourceRunnerTest, AFatalPollFailsTheTaskAfterWhatWasPolledIsDurable) {
  log_.hold(true);
  send({"a"}, 1);
  send({"b"}, 2);
  source_.fails(SLUICE_FATAL, "disk on fire");
  start();
  run();
  EXPECT_EQ(state(), TaskState::kRunning);
  log_.hold(false);
  log_.release();
  run();
  EXPECT_EQ(state(), TaskState::kFailed);
  ASSERT_FALSE(listener_.states.empty());
  EXPECT_THAT(listener_.states.back().trace, HasSubstr("disk on fire"));
  EXPECT_TRUE(listener_.states.back().restartable);
  EXPECT_THAT(lines(), ElementsAre("a", "b"));
  EXPECT_EQ(source_.acks.back(), 2u);
  EXPECT_EQ(source_.stops, 1);
  EXPECT_EQ(source_.destroyed, 1);
}

TEST_F(SourceRunnerTest, AConfigErrorIsNotWorthARestart) {
  source_.fails(SLUICE_CONFIG_ERROR, "no such table");
  start();
  run();
  ASSERT_FALSE(listener_.states.empty());
  EXPECT_EQ(listener_.states.back().state, TaskState::kFailed);
  EXPECT_FALSE(listener_.states.back().restartable);
}

TEST_F(SourceRunnerTest, ABadRecordFailsTheTaskUnlessItIsTolerated) {
  send({"good"}, 1);
  source_.answers.push_back({{}, {{"x"}, {"y", {}, -1, 0, false}, {"z"}}, 2, 0});
  start();
  run();
  EXPECT_EQ(state(), TaskState::kFailed);
  EXPECT_THAT(runner_->trace(), HasSubstr("Tolerance exceeded in error handler"));
  EXPECT_FALSE(listener_.states.back().restartable);
  EXPECT_THAT(lines(), ElementsAre("good"));  // nothing of the bad batch, and not its offset
  EXPECT_EQ(offset(), R"({"position":1})");
  EXPECT_EQ(runner_->metrics().total_record_failures, 1u);
}

TEST_F(SourceRunnerTest, AToleratedBadRecordIsSkippedAndCounted) {
  settings_.errors.tolerate_all = true;
  source_.answers.push_back({{}, {{"x"}, {"y", {}, -1, 0, false}, {"z"}}, 2, 0});
  start();
  run();
  EXPECT_EQ(state(), TaskState::kRunning);
  EXPECT_THAT(lines(), ElementsAre("x", "z"));
  EXPECT_EQ(offset(), R"({"position":2})");
  EXPECT_EQ(runner_->metrics().total_records_skipped, 1u);
  EXPECT_EQ(runner_->metrics().total_record_failures, 0u);
}

TEST_F(SourceRunnerTest,
       ARecordThatThePluginCouldNotDecodeFailsTheTaskAndItsBatchIsNotAcknowledged) {
  log_.hold(true);
  send({"good"}, 1);
  source_.answers.push_back({{}, {{"x"}, {"?", {}, -1, 0, true, "no JSON"}}, 2, 0});
  start();
  run();
  log_.hold(false);
  log_.release();
  run();
  EXPECT_EQ(state(), TaskState::kFailed);
  EXPECT_THAT(runner_->trace(), HasSubstr("record 1 of the batch, topic lines: no JSON"));
  EXPECT_THAT(lines(), ElementsAre("good"));
  EXPECT_THAT(source_.acks, ElementsAre(1u));
  EXPECT_EQ(offset(), R"({"position":1})");
}

TEST_F(SourceRunnerTest, ARecordThatThePluginCouldNotDecodeIsSkippedWhereItIsTolerated) {
  settings_.errors.tolerate_all = true;
  settings_.errors.log = true;
  log_.fail_next({ErrorKind::kRetriable, "no space left on device"}, 2);
  source_.answers.push_back(
      {{}, {{"?", {}, -1, 0, true, "no JSON"}, {"x"}, {"?", {}, -1, 0, true, "no JSON"}}, 2, 0});
  start();
  run(20s);
  EXPECT_THAT(lines(), ElementsAre("x"));
  EXPECT_THAT(source_.acks, ElementsAre(1u));
  EXPECT_EQ(offset(), R"({"position":2})");
  EXPECT_EQ(runner_->metrics().total_records_skipped, 2u);  // once each, however often it was tried
  EXPECT_EQ(runner_->metrics().total_errors_logged, 2u);
}

TEST_F(SourceRunnerTest, APollThatFailsForOneRecordIsCalledAgainWithBackoff) {
  settings_.errors.tolerate_all = true;
  for (int i = 0; i < 1000; ++i) source_.fails(SLUICE_RECORD_ERROR, "no JSON");
  start();
  run(10s);
  EXPECT_LE(source_.polls, 12);
  EXPECT_GE(source_.polls, 3);
  EXPECT_EQ(state(), TaskState::kRunning);
}

TEST_F(SourceRunnerTest, ARecordLargerThanTheTopicTakesIsABadRecord) {
  settings_.errors.tolerate_all = true;
  ASSERT_TRUE(log_.create_topic({"lines", 1, 1, {{"max.message.bytes", "500"}}}).ok());
  send({std::string(200, 'a'), std::string(600, 'b'), std::string(200, 'c'), std::string(200, 'd')},
       1);
  start();
  run();
  EXPECT_THAT(lines(),
              ElementsAre(std::string(200, 'a'), std::string(200, 'c'), std::string(200, 'd')));
  EXPECT_EQ(runner_->metrics().total_records_skipped, 1u);
}

TEST_F(SourceRunnerTest, KeysDecideThePartitionAndTheRestTakesTurns) {
  ASSERT_TRUE(log_.create_topic({"lines", 4, 1, {}}).ok());
  source_.answers.push_back({{}, {{"1", "k"}, {"2", "k"}, {"3", {}, 3}, {"4"}, {"5"}}, 1, 0});
  send({"6"}, 2);
  start();
  run();
  std::map<std::string, int> where;
  for (int p = 0; p < 4; ++p) {
    auto fetched = log_.read({"lines", PartitionId(p)}, Offset(0), 1 << 20).value();
    ByteView rest(fetched.batches);
    while (!rest.empty()) {
      auto reader = model::RecordReader::open(rest).value();
      model::RecordView view;
      while (reader.next(view).value()) where[std::string(as_text(*view.value))] = p;
      rest = rest.subspan(reader.header().size());
    }
  }
  ASSERT_EQ(where.size(), 6u);
  EXPECT_EQ(where["1"], where["2"]);
  EXPECT_EQ(where["3"], 3);
  EXPECT_EQ(where["4"], where["5"]);
  EXPECT_NE(where["5"], where["6"]);
}

TEST_F(SourceRunnerTest, TopicsAreMadeByTheFirstGroupThatMatches) {
  source_.topics = {"orders-1", "other"};
  settings_.topic_creation = {{"big", {"orders.*"}, {}, 7, -1, {{"cleanup.policy", "compact"}}},
                              {"default", {}, {}, 2, -1, {}}};
  source_.answers.push_back({{}, {{"a", "k", -1, 0}, {"b", "k", -1, 1}}, 1, 0});
  start();
  run();
  auto orders = log_.topics("orders-1").value().at(0);
  EXPECT_EQ(orders.partitions, 7);
  EXPECT_EQ(orders.configs.at("cleanup.policy"), "compact");
  EXPECT_EQ(log_.topics("other").value().at(0).partitions, 2);
}

TEST_F(SourceRunnerTest, PauseStopsPollingAndResumeGoesOn) {
  start();
  run();
  runner_->pause(true);
  run();
  EXPECT_EQ(state(), TaskState::kPaused);
  const int polls = source_.polls;
  send({"a"}, 1);
  run(60s);
  EXPECT_EQ(source_.polls, polls);
  runner_->pause(false);
  run();
  EXPECT_EQ(state(), TaskState::kRunning);
  EXPECT_THAT(lines(), ElementsAre("a"));
}

TEST_F(SourceRunnerTest, StopDrainsAndThenReports) {
  log_.hold(true);
  send({"a"}, 1);
  send({"b"}, 2);
  start();
  run();
  bool stopped = false;
  runner_->stop([&] { stopped = true; });
  run();
  EXPECT_FALSE(stopped);
  log_.hold(false);
  log_.release();
  run();
  EXPECT_TRUE(stopped);
  EXPECT_EQ(state(), TaskState::kStopped);
  EXPECT_THAT(lines(), ElementsAre("a", "b"));
  EXPECT_EQ(source_.acks.back(), 2u);
  EXPECT_EQ(source_.destroyed, 1);
  bool again = false;
  runner_->stop([&] { again = true; });
  EXPECT_TRUE(again);
}

TEST_F(SourceRunnerTest, AnAbandonedTaskWritesNothingMore) {
  log_.hold(true);
  send({"a"}, 1);
  start();
  run();
  runner_->abandon();
  run();
  log_.release();
  EXPECT_THAT(lines(), IsEmpty());
  EXPECT_THAT(source_.acks, IsEmpty());
  EXPECT_EQ(source_.destroyed, 1);
  EXPECT_EQ(source_.batches_alive, 0);
}

TEST_F(SourceRunnerTest, IdleTasksCostFewPolls) {
  start();
  run(100s);
  EXPECT_LE(source_.polls, 102);
  send({"a"}, 1);
  source_.services->wake();
  run(1ms);
  EXPECT_THAT(lines(), ElementsAre("a"));
}

TEST_F(SourceRunnerTest, ASourceAtItsEndIdles) {
  send({"a"}, 1);
  source_.fails(SLUICE_END, "that was all");
  start();
  run();
  const int polls = source_.polls;
  run(60s);
  EXPECT_EQ(source_.polls, polls);
  EXPECT_EQ(state(), TaskState::kRunning);
  EXPECT_THAT(source_.acks, ElementsAre(1u));
}

TEST_F(SourceRunnerTest, OffsetsWithoutRecordsAreStoredToo) {
  source_.answers.push_back({{}, {}, 9, 0});
  start();
  run();
  EXPECT_EQ(offset(), R"({"position":9})");
  EXPECT_THAT(source_.acks, ElementsAre(1u));
}

}  // namespace
}  // namespace sluice::task
