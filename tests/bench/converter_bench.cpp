// SPDX-License-Identifier: Apache-2.0
// What one record costs in the converters, both directions. Times are per record.
#include <benchmark/benchmark.h>

#include "runtime/record/arena.hpp"
#include "runtime/record/converter.hpp"
#include "runtime/record/schema.hpp"
#include "runtime/record/value.hpp"

namespace sluice::record {
namespace {

constexpr int kBatch = 1024;

std::unique_ptr<Converter> make(const char* name, bool schemas) {
  config::ConfigMap config;
  if (!schemas) config["schemas.enable"] = "false";
  return make_converter(name, config, false).value();
}

void write(benchmark::State& state, const char* name, bool schemas, const sluice_schema* schema, sluice_value value) {
  auto converter = make(name, schemas);
  Arena arena;
  for (auto _ : state) {
    arena.reset();
    for (int i = 0; i < kBatch; ++i) {
      benchmark::DoNotOptimize(converter->from_connect("topic", schema, value, arena));
    }
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}

void read(benchmark::State& state, const char* name, bool schemas, const sluice_schema* schema, sluice_value value) {
  auto converter = make(name, schemas);
  Arena arena, kept;
  const auto bytes = *converter->from_connect("topic", schema, value, kept).value();
  for (auto _ : state) {
    arena.reset();
    for (int i = 0; i < kBatch; ++i) benchmark::DoNotOptimize(converter->to_connect("topic", bytes, arena));
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}

const std::string& line() {
  static const std::string text(100, 'x');
  return text;
}

// A row of eight fields, as change capture makes them.
const sluice_schema* row_schema() {
  static const sluice_schema* const schema = [] {
    sluice_schema_field fields[] = {{str("id"), int64_schema()},
                                    {str("name"), optional_string_schema()},
                                    {str("email"), optional_string_schema()},
                                    {str("amount"), primitive_schema(SLUICE_FLOAT64)},
                                    {str("count"), primitive_schema(SLUICE_INT32)},
                                    {str("active"), primitive_schema(SLUICE_BOOLEAN)},
                                    {str("note"), optional_string_schema()},
                                    {str("at"), int64_schema()}};
    sluice_schema d{};
    d.struct_size = sizeof d;
    d.type = SLUICE_STRUCT;
    d.name = str("example.Row");
    d.fields = fields;
    d.field_count = 8;
    return intern_schema(d).value();
  }();
  return schema;
}

sluice_value row() {
  static const sluice_value items[] = {int_value(123456), string_value("Ada Lovelace"), string_value("ada@example.org"),
                                       float_value(12.75), int_value(42, SLUICE_INT32), bool_value(true), null_value(),
                                       int_value(1709210096789)};
  return items_value(SLUICE_STRUCT, items, 8);
}

void string_write(benchmark::State& s) { write(s, "StringConverter", true, string_schema(), string_value(line())); }
void string_read(benchmark::State& s) { read(s, "StringConverter", true, string_schema(), string_value(line())); }
void json_schema_write(benchmark::State& s) { write(s, "JsonConverter", true, string_schema(), string_value(line())); }
void json_schema_read(benchmark::State& s) { read(s, "JsonConverter", true, string_schema(), string_value(line())); }
void json_plain_write(benchmark::State& s) { write(s, "JsonConverter", false, string_schema(), string_value(line())); }
void json_plain_read(benchmark::State& s) { read(s, "JsonConverter", false, string_schema(), string_value(line())); }
void json_row_write(benchmark::State& s) { write(s, "JsonConverter", true, row_schema(), row()); }
void json_row_read(benchmark::State& s) { read(s, "JsonConverter", true, row_schema(), row()); }

BENCHMARK(string_write);
BENCHMARK(string_read);
BENCHMARK(json_schema_write);
BENCHMARK(json_schema_read);
BENCHMARK(json_plain_write);
BENCHMARK(json_plain_read);
BENCHMARK(json_row_write);
BENCHMARK(json_row_read);

}  // namespace
}  // namespace sluice::record

BENCHMARK_MAIN();
