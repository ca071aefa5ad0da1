// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/batch_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "runtime/record/schema.hpp"
#include "runtime/record/value.hpp"

namespace sluice::plugin {
namespace {

using record::items_value;
using record::string_value;

// A good batch of two records; each test breaks one thing.
struct Good {
  sluice_record records[2] = {};
  sluice_value entries[2] = {string_value("position"), record::int_value(1)};
  sluice_source_offset offsets[2] = {};
  sluice_header header{};
  sluice_batch batch{};
  BatchBounds bounds{10, 1, 1};
  Good() {
    for (auto& record : records) {
      record.value = string_value("v");
      record.partition = SLUICE_ANY_PARTITION;
    }
    header = {{"h", 1}, string_value("v"), nullptr};
    records[1].headers = &header;
    records[1].header_count = 1;
    for (uint32_t i = 0; i < 2; ++i) offsets[i] = {0, i, items_value(SLUICE_MAP, entries, 1)};
    batch.struct_size = sizeof(batch);
    batch.record_size = sizeof(sluice_record);
    batch.records = records;
    batch.record_count = 2;
    batch.offsets = offsets;
    batch.offset_count = 2;
  }
  std::string check() { return check_batch(batch, bounds).value_or("good"); }
};

std::string with(const std::function<void(Good&)>& change) {
  Good good;
  change(good);
  return good.check();
}

TEST(BatchCheck, TakesGoodBatches) {
  EXPECT_EQ(with([](Good&) {}), "good");
  EXPECT_EQ(with([](Good& g) {
              g.batch.record_count = 0;
              g.batch.offset_count = 1;
            }),
            "good");
  EXPECT_EQ(with([](Good& g) { g.offsets[0].offset = sluice_value{}; }), "good");
  EXPECT_EQ(with([](Good& g) { g.records[0].value = sluice_value{}; }), "good");
}

TEST(BatchCheck, NamesWhatIsWrongWithABatch) {
  EXPECT_EQ(with([](Good& g) { g.bounds.records_max = 1; }),
            "a batch of 2 records, at most 1 were asked for");
  EXPECT_EQ(with([](Good& g) { g.batch.records = nullptr; }), "a batch without its records");
  EXPECT_EQ(with([](Good& g) { g.batch.record_size = 8; }), "a batch with a record_size of 8");
  EXPECT_EQ(with([](Good& g) { g.batch.record_size = sizeof(sluice_record) + 1; }),
            "a batch with a record_size of " + std::to_string(sizeof(sluice_record) + 1));
  EXPECT_EQ(with([](Good& g) { g.batch.offsets = nullptr; }), "a batch without its offsets");
  EXPECT_EQ(with([](Good& g) { g.batch.offset_count = 1u << 30; }),
            "a batch with too many offsets");
}

TEST(BatchCheck, NamesWhatIsWrongWithARecord) {
  auto record = [](auto change) { return with([&](Good& g) { change(g.records[1]); }); };
  const std::string has = "record 1 of the batch has ";
  EXPECT_EQ(record([](auto& r) { r.topic = 1; }),
            has + "a topic number that intern_topic did not give");
  EXPECT_EQ(record([](auto& r) { r.partition = -2; }), has + "a negative partition");
  EXPECT_EQ(record([](auto& r) { r.flags = 1; }), has + "unknown flags");
  EXPECT_EQ(record([](auto& r) { r.key.type = 13; }), has + "a value of unknown type");
  EXPECT_EQ(record([](auto& r) { r.value.as.bytes = nullptr; }), has + "a string without bytes");
  EXPECT_EQ(record([](auto& r) { r.headers = nullptr; }), has + "a broken list of headers");
  EXPECT_EQ(record([](auto& r) { r.value = items_value(SLUICE_ARRAY, nullptr, 1); }),
            has + "an array, map or struct without items");
  EXPECT_EQ(record([](auto& r) { r.value_schema = record::int64_schema(); }),
            has + "a value of another type than its schema");
  EXPECT_EQ(record([&](auto& r) {
              static const sluice_value one[1] = {string_value("x")};
              r.value = items_value(SLUICE_STRUCT, one, 1);
            }),
            has + "a struct without a schema");
  EXPECT_EQ(with([](Good& g) { g.header.key.data = nullptr; }), has + "a header without a key");
}

TEST(BatchCheck, BoundsDepth) {
  std::vector<sluice_value> nested(100);
  nested[99] = record::int_value(1);
  for (size_t i = 99; i-- > 0;) nested[i] = items_value(SLUICE_ARRAY, &nested[i + 1], 1);
  EXPECT_EQ(with([&](Good& g) { g.records[0].value = nested[0]; }),
            "record 0 of the batch has a value nested too deeply");
  EXPECT_EQ(with([&](Good& g) { g.records[0].value = nested[50]; }), "good");
}

TEST(BatchCheck, NamesWhatIsWrongWithAnOffset) {
  auto offset = [](auto change) { return with([&](Good& g) { change(g.offsets[1]); }); };
  const std::string has = "offset 1 of the batch has ";
  EXPECT_EQ(offset([](auto& o) { o.partition = 1; }),
            has + "a partition number that intern_partition did not give");
  EXPECT_EQ(offset([](auto& o) { o.last_record = 2; }),
            has + "a last_record that is not in the batch");
  EXPECT_EQ(offset([](auto& o) { o.offset = record::int_value(1); }),
            has + "an offset that is no map");
  EXPECT_EQ(with([](Good& g) {
              g.offsets[0].last_record = 1;
              g.offsets[1].last_record = 0;
            }),
            has + "a last_record that goes back");
  EXPECT_EQ(with([](Good& g) { g.batch.record_count = 0; }),
            "offset 1 of the batch has a last_record that is not in the batch");
}

}  // namespace
}  // namespace sluice::plugin
