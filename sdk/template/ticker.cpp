// SPDX-License-Identifier: Apache-2.0
#include <sluice/sdk.hpp>

namespace {

using namespace sluice::sdk;

constexpr auto kConfig = config_def(
    define("topic", Type::kString, Importance::kHigh, "Where the ticks go.").non_empty(),
    define("limit", Type::kLong, Importance::kLow, "How many ticks, over all restarts.")
        .default_value("10")
        .min(1));

// Writes the numbers 1 .. limit. Remembers the last one, so a restart goes on behind it.
class Ticker : public SourceTask {
 public:
  Status start(const Config& config) override {
    SLUICE_SDK_ASSIGN(limit_, config.get_long("limit"));
    SLUICE_SDK_ASSIGN(topic_, context().topic(config.get_string("topic")));
    SLUICE_SDK_ASSIGN(partition_, context().partition({{"source", "ticker"}}));
    SLUICE_SDK_ASSIGN(const Value stored, context().offset(partition_));
    last_ = stored.get("tick").as_int().value_or(0);
    return ok();
  }

  Status poll(const PollLimits& limits, RecordBatch& batch) override {
    if (last_ >= limit_) return Error::end();
    while (last_ < limit_ && batch.size() < limits.records_max) {
      ++last_;
      batch.add(topic_).value(batch.string(std::to_string(last_)));
    }
    batch.offset(partition_, {{"tick", last_}});
    return ok();
  }

 private:
  int64_t limit_ = 0;
  int64_t last_ = 0;
  uint32_t topic_ = 0;
  uint32_t partition_ = 0;
};

}  // namespace

SLUICE_PLUGIN("ticker", "1.0.0",
              source<Ticker>("org.example.TickerSource", "1.0.0", "Counts.", kConfig)
                  .capabilities(kNonBlocking));
