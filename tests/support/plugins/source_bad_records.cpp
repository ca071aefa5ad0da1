// SPDX-License-Identifier: Apache-2.0
// A source of numbers as text; it cannot decode the odd ones, and hands those out as they came, in bytes.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

constexpr auto kConfig = config_def(
    define("topic", Type::kString, Importance::kHigh, "Where records go.").default_value("fixture"),
    define("numbers", Type::kInt, Importance::kLow, "How many there are.").default_value("6"));

class Numbers : public SourceTask {
 public:
  Status start(const Config& config) override {
    SLUICE_SDK_ASSIGN(topic_, context().topic(config.get_string("topic")));
    SLUICE_SDK_ASSIGN(partition_, context().partition({{"source", "numbers"}}));
    SLUICE_SDK_ASSIGN(const Value stored, context().offset(partition_));
    next_ = stored.get("next").as_int().value_or(0);
    SLUICE_SDK_ASSIGN(end_, config.get_int("numbers"));
    return ok();
  }
  Status poll(const PollLimits&, RecordBatch& batch) override {
    for (uint32_t i = 0; i < 3 && next_ < end_; ++i, ++next_) {
      const std::string text = std::to_string(next_);
      if (next_ % 2 == 0) {
        batch.add(topic_).key(batch.string("even")).value(batch.string(text)).header("n", Value::int32(1));
        continue;
      }
      batch.add(topic_).key(batch.bytes("odd")).value(batch.bytes("\xff" + text)).header("n", Value::int32(2));
      context().record_error(i, Error::record(i, text + " is odd"));
      context().record_error(i, Error::record(i, "said twice"));
    }
    if (batch.size() > 0) batch.offset(partition_, {{"next", next_}});
    return ok();
  }

 private:
  uint32_t topic_ = 0;
  uint32_t partition_ = 0;
  int64_t next_ = 0;
  int64_t end_ = 0;
};
}  // namespace

SLUICE_PLUGIN("source_bad_records", "1.0.0",
              source<Numbers>("test.BadRecords", "1.0.0", "A fixture for tests.", kConfig));
