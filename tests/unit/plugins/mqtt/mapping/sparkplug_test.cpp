// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/sparkplug.hpp"

#include <cstring>

#include "batch_fixture.hpp"

namespace sluice::mqtt_plugin {
namespace {

// Writes protobuf by hand, so that the reader is not tested against itself.
struct Proto {
  std::string bytes;
  Proto& varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(0x80 | (value & 0x7f));
    bytes += static_cast<char>(value);
    return *this;
  }
  Proto& number(uint32_t field, uint64_t value) { return varint(field << 3).varint(value); }
  Proto& text(uint32_t field, const std::string& value) {
    varint(field << 3 | 2).varint(value.size());
    bytes += value;
    return *this;
  }
  template <class T>
  Proto& fixed(uint32_t field, T value) {
    varint(field << 3 | (sizeof(T) == 4 ? 5 : 1));
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
};

class SparkplugTest : public BatchTest {
 protected:
  std::string decode(const std::string& payload) {
    auto decoder = SparkplugDecoder::make(context());
    EXPECT_TRUE(decoder.ok());
    sdk::Value value;
    if (auto problem = decoder->decode(payload, *batch_, &value)) return "error: " + *problem;
    EXPECT_EQ(value.count(), decoder->schema().raw()->field_count);
    return text(value);
  }
  // The long, double, boolean, string and bytes value of one metric.
  std::string metric(Proto proto) {
    auto decoder = SparkplugDecoder::make(context());
    sdk::Value value;
    if (auto problem = decoder->decode(Proto().text(2, proto.bytes).bytes, *batch_, &value))
      return "error: " + *problem;
    const sdk::Value found = value.at(4).at(0);
    std::string line;
    for (uint32_t i = 7; i < 12; ++i) line += (i == 7 ? "" : " ") + text(found.at(i));
    return line;
  }
};

std::string birth() {
  return Proto()
      .number(1, 1700000000000)
      .text(2, Proto()
                   .text(1, "temp")
                   .number(2, 7)
                   .number(3, 1700000000001)
                   .number(4, 9)
                   .fixed(12, 21.5f)
                   .bytes)
      .text(
          2,
          Proto().text(1, "on").number(4, 11).number(14, 1).text(8, "meta").text(9, "props").bytes)
      .number(3, 5)
      .text(4, "id")
      .text(5, "raw")
      .bytes;
}

TEST_F(SparkplugTest, APayloadWithAllItsFields) {
  EXPECT_EQ(decode(birth()),
            R"([1700000000000,5,"id",0x726177,[["temp",7,1700000000001,"Float",false,false,false,)"
            R"(null,21.5,null,null,null,null,null],["on",null,null,"Boolean",false,false,false,)"
            R"(null,null,true,null,null,0x6d657461,0x70726f7073]]])");
}

TEST_F(SparkplugTest, AnEmptyPayloadHasNothing) {
  EXPECT_EQ(decode(""), "[null,null,null,null,[]]");
}

TEST_F(SparkplugTest, IntegersHaveTheSignOfTheirType) {
  EXPECT_EQ(metric(Proto().number(4, 1).number(10, 0xffffffffu)), "-1 null null null null");
  EXPECT_EQ(metric(Proto().number(4, 1).number(10, 0xfe)), "-2 null null null null");
  EXPECT_EQ(metric(Proto().number(4, 2).number(10, 0xffff8000u)), "-32768 null null null null");
  EXPECT_EQ(metric(Proto().number(4, 3).number(10, 0x80000000u)),
            "-2147483648 null null null null");
  EXPECT_EQ(metric(Proto().number(4, 4).number(11, ~uint64_t{0})), "-1 null null null null");
  EXPECT_EQ(metric(Proto().number(10, 0xffffffffu).number(4, 7)), "4294967295 null null null null");
  EXPECT_EQ(metric(Proto().number(4, 8).number(11, ~uint64_t{0})),
            "null null null \"18446744073709551615\" null");
  EXPECT_EQ(metric(Proto().number(11, 42)), "42 null null null null");
}

TEST_F(SparkplugTest, OtherValuesAndTheLastOfSeveral) {
  EXPECT_EQ(metric(Proto().fixed(13, 2.5)), "null 2.5 null null null");
  EXPECT_EQ(metric(Proto().text(15, "t")), "null null null \"t\" null");
  EXPECT_EQ(metric(Proto().text(16, "b")), "null null null null 0x62");
  EXPECT_EQ(metric(Proto().text(17, "dataset")), "null null null null 0x64617461736574");
  EXPECT_EQ(metric(Proto().number(10, 1).text(15, "t")), "null null null \"t\" null");
  EXPECT_EQ(metric(Proto().number(7, 1)), "null null null null null");
  EXPECT_EQ(metric(Proto().number(99, 1).text(98, "x").number(10, 1)), "1 null null null null")
      << "unknown fields";
}

TEST_F(SparkplugTest, WhatIsNotSparkplugIsAnError) {
  for (const std::string& payload :
       {std::string("{\"a\":1}"), Proto().varint(0).bytes, Proto().varint(1 << 3 | 3).bytes,
        Proto().text(4, "\xff").bytes, Proto().text(2, Proto().text(1, "\xff").bytes).bytes,
        std::string("\x08") + std::string(10, '\xff'), Proto().number(1, ~uint64_t{0}).bytes,
        std::string("\x12\xff\xff\xff\xff\x0f")}) {
    EXPECT_EQ(decode(payload).substr(0, 6), "error:");
  }
  std::string many;
  for (size_t i = 0; i <= SparkplugDecoder::kMaxMetrics; ++i) many += Proto().text(2, "").bytes;
  EXPECT_NE(decode(many).find("metrics"), std::string::npos);
}

TEST_F(SparkplugTest, EveryTruncationAndBitFlipIsAnswered) {
  const std::string payload = birth();
  const std::string whole = decode(payload);
  size_t errors = 0;
  for (size_t size = 0; size < payload.size(); ++size) {
    const std::string cut = decode(payload.substr(0, size));
    EXPECT_NE(cut, whole);
    errors += cut.starts_with("error:");
  }
  EXPECT_GT(errors, payload.size() / 2);
  for (size_t bit = 0; bit < payload.size() * 8; ++bit) {
    std::string flipped = payload;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    decode(flipped);
    if (bit % 512 == 0) new_batch();
  }
}

}  // namespace
}  // namespace sluice::mqtt_plugin
