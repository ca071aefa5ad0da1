// SPDX-License-Identifier: Apache-2.0
// Kafka Connect's own converters wrote vectors.json (ConverterVectors.java beside it); ours must give the same bytes.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime/record/arena.hpp"
#include "runtime/record/converter.hpp"
#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

using Json = nlohmann::json;
using Text = std::optional<std::string>;

const Json& vectors() {
  static const Json all = Json::parse(std::ifstream(SLUICE_VECTORS));
  return all;
}

Text text_of(const Json& row, const char* name) {
  return row.at(name).is_null() ? Text() : Text(row.at(name).get<std::string>());
}

std::unique_ptr<Converter> json(const config::ConfigMap& config) {
  return make_converter("JsonConverter", config, false).value();
}

Text write(Converter& converter, const SchemaAndValue& data, Arena& arena) {
  auto bytes = converter.from_connect("t", data.schema, data.value, arena);
  if (!bytes.ok()) return "error: " + bytes.error().message;
  return *bytes ? Text(std::string(as_text(**bytes))) : Text();
}

Text rewrite(Converter& converter, const std::string& bytes, Arena& arena) {
  auto data = converter.to_connect("t", as_bytes(bytes), arena);
  if (!data.ok()) return "error: " + data.error().message;
  return write(*json({}), *data, arena);
}

TEST(ConverterVectors, WritesTheBytesOfKafka) {
  int compared = 0;
  for (const auto& row : vectors()) {
    if (row.at("kind") != "data") continue;
    SCOPED_TRACE(row.at("name").get<std::string>());
    const std::string envelope = row.at("envelope");
    // Schemaless data that JSON cannot tell apart.
    if (text_of(row, "rewritten") != envelope || row.at("name") == "schemaless map of longs") continue;
    Arena arena;
    // The data as it was before a default took the place of a null.
    auto keep_nulls = json({{"replace.null.with.default", "false"}});
    auto data = keep_nulls->to_connect(
        "t", as_bytes(std::string_view(row.at("nodefault").get_ref<const std::string&>())), arena);
    ASSERT_TRUE(data.ok()) << data.error().message;
    EXPECT_EQ(write(*json({}), *data, arena), envelope);
    EXPECT_EQ(write(*keep_nulls, *data, arena), text_of(row, "nodefault"));
    EXPECT_EQ(write(*json({{"schemas.enable", "false"}}), *data, arena), text_of(row, "plain"));
    EXPECT_EQ(write(*json({{"decimal.format", "numeric"}}), *data, arena), text_of(row, "numeric"));
    if (text_of(row, "string") != "[bytes]") {
      EXPECT_EQ(write(*make_converter("StringConverter", {}, false).value(), *data, arena), text_of(row, "string"));
    }
    auto header = make_header_converter("SimpleHeaderConverter", {}).value();
    auto bytes = header->from_connect("t", "h", data->schema, data->value, arena);
    ASSERT_TRUE(bytes.ok());
    EXPECT_EQ(*bytes ? Text(std::string(as_text(**bytes))) : Text(), text_of(row, "header"));
    ++compared;
  }
  EXPECT_GE(compared, 90);
}

TEST(ConverterVectors, ReadsTheBytesOfKafka) {
  int compared = 0;
  for (const auto& row : vectors()) {
    if (row.at("kind") != "data") continue;
    SCOPED_TRACE(row.at("name").get<std::string>());
    Arena arena;
    auto converter = json({});
    Text rewritten = text_of(row, "rewritten");
    const std::string envelope = row.at("envelope");
    if (envelope.ends_with(":-0.0}")) rewritten = envelope;  // Java's BigDecimal loses the sign, ours keeps it
    for (int again = 0; again < 2; ++again) {                // the second time through the cache of schemas
      EXPECT_EQ(rewrite(*converter, envelope, arena), rewritten);
    }
    EXPECT_EQ(rewrite(*converter, row.at("numeric"), arena), rewritten);
    ++compared;
  }
  EXPECT_GE(compared, 90);
}

TEST(ConverterVectors, ReadsAndRefusesAsKafka) {
  int compared = 0;
  for (const auto& row : vectors()) {
    if (row.at("kind") != "read") continue;
    SCOPED_TRACE(row.at("name").get<std::string>());
    Arena arena;
    EXPECT_EQ(rewrite(*json({{"schemas.enable", row.at("schemas")}}), row.at("bytes"), arena),
              text_of(row, "result"));
    ++compared;
  }
  EXPECT_GE(compared, 30);
}

// Kafka throws on "null" (a header of null is meant) and makes schemas with a null inside for empty containers, which
// nothing can read again; ours are null and schemaless. These are all the differences.
const std::set<std::string>& different_headers() {
  static const std::set<std::string> names = {"null", "[]", "{}"};
  return names;
}

TEST(ConverterVectors, GuessesTheTypesOfHeadersAsKafka) {
  int compared = 0;
  for (const auto& row : vectors()) {
    if (row.at("kind") != "header") continue;
    const std::string name = row.at("text");
    SCOPED_TRACE(name);
    Arena arena;
    auto data =
        make_header_converter("SimpleHeaderConverter", {}).value()->to_connect("t", "h", as_bytes(name), arena);
    ASSERT_TRUE(data.ok());
    const Text ours = write(*json({}), *data, arena);
    if (different_headers().count(name)) {
      EXPECT_NE(ours, text_of(row, "result"));
    } else {
      EXPECT_EQ(ours, text_of(row, "result"));
    }
    ++compared;
  }
  EXPECT_GE(compared, 40);
}

}  // namespace
}  // namespace sluice::record
