// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <sluice/sdk.hpp>
#include <string>
#include <string_view>

#include "plugins/mqtt/mapping/inflate.hpp"
#include "plugins/mqtt/mapping/json_document.hpp"
#include "plugins/mqtt/mapping/payload_options.hpp"
#include "plugins/mqtt/mapping/sparkplug.hpp"

namespace sluice::mqtt_plugin {

// Payload -> value. One message at a time: load() it, then ask for its value and its parts. Owned
// by a mapper, used by one thread.
class PayloadDecoder {
 public:
  explicit PayloadDecoder(PayloadOptions options) : options_(options) {}
  // Has the worker make the schemas that the format needs.
  sdk::Status start(const sdk::Context& context);

  // nullopt: the payload is there, decompressed. Else why not. `payload` must live as long as the
  // batch.
  std::optional<std::string> load(std::string_view payload);
  std::optional<std::string> value(sdk::RecordBatch& batch, sdk::Value* value);
  // The schema of the values; empty: schemaless.
  const sdk::Schema& schema() const;
  // The text at a JSON pointer, appended.
  std::optional<std::string> append_json(const std::string& pointer, std::string& out);

 private:
  std::optional<std::string> parse();

  PayloadOptions options_;
  Inflater inflater_;
  JsonDocument json_;
  std::optional<SparkplugDecoder> sparkplug_;
  sdk::Schema none_;
  std::string_view content_;
  bool parsed_ = false;
};

}  // namespace sluice::mqtt_plugin
