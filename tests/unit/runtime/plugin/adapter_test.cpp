// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/runtime/plugin/plugin_fixture.hpp"

namespace sluice::plugin {
namespace {

using testing::FakeServices;
using ::testing::HasSubstr;
using testing::options_for;
using testing::put_plugin;
using testing::TempFolder;

// One class of one library, created as the worker does it.
class AdapterTest : public ::testing::Test {
 protected:
  ClassPtr use(const std::string& library) {
    put_plugin(folder_, library);
    registry_ = make_registry(options_for(folder_));
    return registry_->list().at(0);
  }
  Outcome poll(SourceTask& task, Batch& batch) {
    sluice_poll_limits limits{sizeof(limits), 100, 1 << 20, 0, 0};
    uint32_t idle = 0;
    return task.poll(limits, batch, failures_, idle);
  }
  std::unique_ptr<SourceTask> source(const std::string& library) {
    std::unique_ptr<SourceTask> task;
    auto outcome = registry_ptr(library)->create_source(cls_, {{"topic", "t"}, {"numbers", "6"}},
                                                        services_, task);
    EXPECT_TRUE(outcome.ok()) << outcome.text;
    return task;
  }
  std::unique_ptr<SinkTask> sink(const std::string& library) {
    std::unique_ptr<SinkTask> task;
    auto outcome = registry_ptr(library)->create_sink(cls_, {}, services_, task);
    EXPECT_TRUE(outcome.ok()) << outcome.text;
    return task;
  }
  PluginRegistry* registry_ptr(const std::string& library) {
    cls_ = use(library);
    return registry_.get();
  }

  TempFolder folder_;
  FakeServices services_;
  std::unique_ptr<PluginRegistry> registry_;
  ClassPtr cls_;
  std::vector<RecordFailure> failures_;  // of the last poll
};

struct OneRecord {
  sluice_record record{};
  int released = 0;
  Batch batch;
  OneRecord() {
    batch.raw()->records = &record;
    batch.raw()->record_count = 1;
    batch.raw()->record_size = sizeof(record);
    batch.raw()->private_data = this;
    batch.raw()->release = [](sluice_batch* b) {
      b->release = nullptr;
      ++static_cast<OneRecord*>(b->private_data)->released;
    };
  }
};

TEST_F(AdapterTest, AnExceptionFromPollFailsTheTaskWithItsText) {
  auto task = source("bad_poll_throws");
  Batch batch;
  auto outcome = poll(*task, batch);
  EXPECT_EQ(outcome.status, SLUICE_FATAL);
  EXPECT_EQ(outcome.text,
            "the plugin broke its contract in poll: it threw an exception: thrown by poll");
}

TEST_F(AdapterTest, OffsetsOutsideOfTheBatchFailTheTask) {
  auto task = source("bad_offsets");
  Batch batch;
  auto outcome = poll(*task, batch);
  EXPECT_EQ(outcome.status, SLUICE_FATAL);
  EXPECT_THAT(outcome.text,
              HasSubstr("offset 0 of the batch has a last_record that is not in the batch"));
  EXPECT_TRUE(batch.empty());
}

TEST_F(AdapterTest, AnUnknownStatusFailsTheTask) {
  auto task = source("bad_status");
  Batch batch;
  auto outcome = poll(*task, batch);
  EXPECT_EQ(outcome.status, SLUICE_FATAL);
  EXPECT_THAT(outcome.text, HasSubstr("unknown status"));
}

TEST_F(AdapterTest, RecordsThatASourceCouldNotDecodeComeWithTheirBatch) {
  auto task = source("source_bad_records");
  Batch batch;
  ASSERT_TRUE(poll(*task, batch).ok());
  ASSERT_EQ(batch.size(), 3u);
  ASSERT_EQ(failures_.size(), 1u);
  EXPECT_EQ(failures_[0].index, 1u);
  EXPECT_EQ(failures_[0].outcome.text, "1 is odd");  // the first report counts
  ASSERT_TRUE(poll(*task, batch).ok());
  ASSERT_EQ(failures_.size(), 2u);
  EXPECT_EQ(failures_[0].index, 0u);
  EXPECT_EQ(failures_[1].index, 2u);
}

TEST_F(AdapterTest, ABadRecordOutsideOfTheBatchFailsTheTask) {
  auto task = source("bad_record_error");
  Batch batch;
  auto outcome = poll(*task, batch);
  EXPECT_EQ(outcome.status, SLUICE_FATAL);
  EXPECT_EQ(outcome.text,
            "the plugin broke its contract in poll: record_error names record 3 of a batch of 3");
  EXPECT_TRUE(batch.empty());
}

TEST_F(AdapterTest, ABatchIsReleasedOnceEvenIfThePluginKeepsTheFunctionSet) {
  auto task = source("bad_release_keeps");
  Batch batch;
  auto outcome = poll(*task, batch);
  ASSERT_TRUE(outcome.ok()) << outcome.text;
  EXPECT_NE(batch.raw()->release, nullptr);
  batch.reset();
  EXPECT_EQ(batch.raw()->release, nullptr);
}

TEST_F(AdapterTest, ASinkThatReleasesThroughACopyFailsWithoutADoubleFree) {
  auto task = sink("bad_sink_releases_twice");
  OneRecord one;
  std::vector<RecordFailure> failures;
  auto outcome = task->put(one.batch, failures);
  EXPECT_EQ(outcome.status, SLUICE_FATAL);
  EXPECT_THAT(outcome.text, HasSubstr("released the batch through a copy"));
  EXPECT_EQ(one.released, 1);
  EXPECT_TRUE(one.batch.empty());
}

TEST_F(AdapterTest, WhatASinkNeverReleasesIsFreedWithItsTask) {
  auto task = sink("bad_sink_leaks");
  OneRecord one;
  std::vector<RecordFailure> failures;
  EXPECT_TRUE(task->put(one.batch, failures).ok());
  one.batch.reset();
  EXPECT_EQ(one.released, 0);
  task.reset();
  EXPECT_EQ(one.released, 1);
}

TEST_F(AdapterTest, ACommitBeyondWhatWasPutFailsTheTask) {
  auto task = sink("bad_sink_offsets");
  std::vector<sluice_partition_offset> partitions{{task->intern_topic("t"), 0, 5}};
  auto outcome = task->commit(partitions);
  EXPECT_EQ(outcome.status, SLUICE_FATAL);
  EXPECT_THAT(outcome.text, HasSubstr("it answered offset 1005 where 5 was the end"));
  EXPECT_EQ(partitions[0].next_offset, 5);
}

TEST_F(AdapterTest, ASinkThatAsksToBeOpenedAgainIsHeard) {
  auto task = sink("sink_reopens");
  OneRecord one;
  std::vector<RecordFailure> failures;
  auto put = task->put(one.batch, failures);
  EXPECT_EQ(put.status, SLUICE_REOPEN);
  EXPECT_EQ(put.text, "serialization failure in put");
  std::vector<sluice_partition_offset> partitions{{task->intern_topic("t"), 0, 5}};
  auto commit = task->commit(partitions);
  EXPECT_EQ(commit.status, SLUICE_REOPEN);
  EXPECT_EQ(commit.text, "serialization failure in commit");
}

TEST_F(AdapterTest, ConnectorsWithoutControlCodeHaveOneTaskWithTheirConfig) {
  auto cls = use("good_source");
  std::unique_ptr<Connector> connector;
  ASSERT_TRUE(registry_->create_connector(cls, {{"topic", "x"}}, services_, connector).ok());
  std::vector<config::ConfigMap> configs;
  ASSERT_TRUE(connector->task_configs(8, configs).ok());
  EXPECT_THAT(configs, ::testing::ElementsAre(config::ConfigMap{{"topic", "x"}}));
  Validation validation;
  EXPECT_TRUE(registry_->validate(cls, {{"topic", "x"}}, services_, validation).ok());
  std::vector<Finding> findings;
  EXPECT_EQ(registry_->check(cls, {}, services_, findings).status, SLUICE_UNSUPPORTED);
}

TEST_F(AdapterTest, ACheckSaysWhatItFoundUntilItFailed) {
  auto cls = use("good_check");
  std::vector<Finding> findings;
  auto passed = registry_->check(cls, {{"topic", "x"}}, services_, findings);
  EXPECT_TRUE(passed.ok()) << passed.text;
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, "topic");
  EXPECT_EQ(findings[0].text, "x is there");
  findings.clear();
  auto failed = registry_->check(cls, {{"topic", "away"}}, services_, findings);
  EXPECT_EQ(failed.status, SLUICE_NOT_CONNECTED);
  EXPECT_EQ(failed.text, "the other side is away");
  EXPECT_EQ(findings.size(), 1u);
}

}  // namespace
}  // namespace sluice::plugin
