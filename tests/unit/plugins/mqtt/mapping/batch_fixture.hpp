// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <sluice/sdk.hpp>
#include <sluice/testkit/driver.hpp>
#include <sluice/testkit/fake_host.hpp>
#include <string>
#include <vector>

namespace sluice::mqtt_plugin {

// A host, a call of it, and a batch to fill. Nothing may be left, and no law be broken, when the
// test ends.
class BatchTest : public testing::Test {
 protected:
  ~BatchTest() override {
    EXPECT_EQ(host_.live_schemas(), 0u);
    for (const std::string& violation : host_.violations()) ADD_FAILURE() << violation;
  }
  sdk::Context context() { return sdk::Context(host_.table(), fake_.raw()); }
  void new_batch() { batch_ = std::make_unique<sdk::RecordBatch>(pool_->take()); }
  static std::string text(const sdk::Value& value) { return testkit::describe(value); }

  // The records of the batch, as the worker gets them: `topic|key|value|headers`. Begins a new
  // batch.
  std::vector<std::string> take_records() {
    sluice_batch raw = {};
    raw.struct_size = sizeof(raw);
    batch_->finish(&raw);
    std::vector<std::string> lines;
    times_.clear();
    for (uint32_t i = 0; i < raw.record_count; ++i) {
      const sluice_record& record = raw.records[i];
      std::string line = fake_.topic_name(record.topic) + "|" + testkit::describe(record.key) +
                         "|" + testkit::describe(record.value) + "|";
      for (uint32_t h = 0; h < record.header_count; ++h) {
        line += (h == 0 ? "" : " ") + std::string(sdk::view(record.headers[h].key)) + "=" +
                testkit::describe(record.headers[h].value);
      }
      lines.push_back(line);
      times_.push_back(record.timestamp_ms);
    }
    raw.release(&raw);
    new_batch();
    return lines;
  }

  testkit::FakeHost host_;
  testkit::FakeContext& fake_ = host_.make_context();
  testkit::FakeContext::Call call_{fake_, "poll"};
  std::shared_ptr<sdk::detail::BatchPool> pool_ = std::make_shared<sdk::detail::BatchPool>();
  std::unique_ptr<sdk::RecordBatch> batch_ = std::make_unique<sdk::RecordBatch>(pool_->take());
  std::vector<int64_t> times_;  // of take_records
};

}  // namespace sluice::mqtt_plugin
