// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/payload.hpp"

#include <simdjson.h>

namespace sluice::mqtt_plugin {

using Problem = std::optional<std::string>;

sdk::Status PayloadDecoder::start(const sdk::Context& context) {
  if (options_.format != PayloadFormat::kSparkplugB) return sdk::ok();
  SLUICE_SDK_ASSIGN(sparkplug_, SparkplugDecoder::make(context));
  return sdk::ok();
}

Problem PayloadDecoder::load(std::string_view payload) {
  parsed_ = false;
  content_ = payload;
  if (options_.compression == Compression::kNone) return {};
  if (auto problem = inflater_.inflate(options_.compression, payload, options_.max_bytes))
    return problem;
  content_ = inflater_.out();
  return {};
}

Problem PayloadDecoder::parse() {
  if (parsed_) return {};
  if (auto problem = json_.parse(content_)) return problem;
  parsed_ = true;
  return {};
}

Problem PayloadDecoder::value(sdk::RecordBatch& batch, sdk::Value* value) {
  const bool own =
      options_.compression != Compression::kNone;  // decompressed bytes are overwritten by the next
  switch (options_.format) {
    case PayloadFormat::kBytes:
      *value = own ? batch.bytes(content_) : sdk::Value::bytes(content_);
      return {};
    case PayloadFormat::kString:
      if (!simdjson::validate_utf8(content_.data(), content_.size()))
        return "the payload is not UTF-8";
      *value = own ? batch.string(content_) : sdk::Value::string(content_);
      return {};
    case PayloadFormat::kJson:
      if (auto problem = parse()) return problem;
      return json_.to_value(batch, value);
    case PayloadFormat::kSparkplugB:
      return sparkplug_->decode(content_, batch, value);
  }
  return "the payload has an unknown format";
}

const sdk::Schema& PayloadDecoder::schema() const {
  return sparkplug_ ? sparkplug_->schema() : none_;
}

Problem PayloadDecoder::append_json(const std::string& pointer, std::string& out) {
  if (auto problem = parse()) return problem;
  return json_.append_scalar(pointer, out);
}

}  // namespace sluice::mqtt_plugin
