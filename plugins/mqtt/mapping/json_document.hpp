// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <sluice/sdk.hpp>
#include <string>
#include <string_view>

namespace sluice::mqtt_plugin {

// What a JSON value may be nested: as deep as the worker's converters write it.
inline constexpr int kMaxJsonDepth = 64;

// Empty: `pointer` is a JSON pointer (RFC 6901). Else what is wrong with it.
std::string_view why_no_json_pointer(std::string_view pointer);

// One JSON text after the other. Errors are texts for the record's error. Owned by a mapper, used
// by one thread; all views live until the next parse.
class JsonDocument {
 public:
  JsonDocument();
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  // nullopt: it is JSON. Else why it is none.
  std::optional<std::string> parse(std::string_view text);

  // Schemaless Connect data, copied into the batch: integers INT64, other numbers FLOAT64, objects
  // MAP of STRING, of equal keys the last.
  std::optional<std::string> to_value(sdk::RecordBatch& batch, sdk::Value* value) const;

  // The text of the string, number or boolean at `pointer`, appended to `out`.
  std::optional<std::string> append_scalar(const std::string& pointer, std::string& out) const;

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
};

}  // namespace sluice::mqtt_plugin
