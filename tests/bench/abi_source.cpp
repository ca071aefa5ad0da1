// SPDX-License-Identifier: Apache-2.0
// The source of abi_bench: lends records out of one buffer, as a connector lends its receive buffer.
#include <sluice/sdk.hpp>

namespace {

using namespace sluice::sdk;

constexpr auto kConfig = config_def(
    define("record.bytes", Type::kInt, Importance::kHigh, "Bytes of a record.").default_value("100").min(1));

class Lender : public SourceTask {
 public:
  Status start(const Config& config) override {
    SLUICE_SDK_ASSIGN(record_bytes_, config.get_int("record.bytes"));
    SLUICE_SDK_ASSIGN(topic_, context().topic("bench"));
    SLUICE_SDK_ASSIGN(partition_, context().partition({{"source", "lender"}}));
    buffer_.assign(size_t{1024} * static_cast<size_t>(record_bytes_), 'x');
    return ok();
  }
  Status poll(const PollLimits& limits, RecordBatch& batch) override {
    const std::string_view all = buffer_;
    const auto size = static_cast<size_t>(record_bytes_);
    for (uint32_t i = 0; i < limits.records_max; ++i) {
      batch.add(topic_).value(Value::bytes(all.substr(i % 1024 * size, size)));
    }
    position_ += limits.records_max;
    batch.offset(partition_, {{"position", position_}});
    return ok();
  }

 private:
  std::string buffer_;
  int32_t record_bytes_ = 0;
  uint32_t topic_ = 0;
  uint32_t partition_ = 0;
  int64_t position_ = 0;
};

}  // namespace

SLUICE_PLUGIN("abi_source", "1.0.0",
              source<Lender>("bench.Lender", "1.0.0", "Lends records.", kConfig).capabilities(kNonBlocking));
