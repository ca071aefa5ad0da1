// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <sluice/sdk.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::mqtt_plugin {

// Sparkplug B payloads (Eclipse Tahu's protobuf) as structs:
//   org.sluice.mqtt.SparkplugB { timestamp, seq INT64?; uuid STRING?; body BYTES?; metrics ARRAY of
//   Metric } org.sluice.mqtt.SparkplugMetric { name STRING?; alias, timestamp INT64?; datatype
//   STRING?; is_historical,
//     is_transient, is_null BOOLEAN; long_value INT64?; double_value FLOAT64?; boolean_value
//     BOOLEAN?; string_value STRING?; bytes_value BYTES?; metadata, properties BYTES? }
// Integers have the sign of their datatype; those beyond INT64 stand in string_value. Data sets,
// templates, extensions, metadata and properties stay the protobuf that they are. Owned by a
// mapper, used by one thread.
class SparkplugDecoder {
 public:
  static constexpr size_t kMaxMetrics = 65536;

  static sdk::Result<SparkplugDecoder> make(const sdk::Context& context);

  // nullopt: *value is a struct of schema(), whose text and bytes are copied into the batch. Else
  // why there is none.
  std::optional<std::string> decode(std::string_view payload, sdk::RecordBatch& batch,
                                    sdk::Value* value);
  const sdk::Schema& schema() const { return payload_; }

 private:
  sdk::Schema payload_;
  std::vector<sdk::Value> metrics_;  // scratch of decode
};

}  // namespace sluice::mqtt_plugin
