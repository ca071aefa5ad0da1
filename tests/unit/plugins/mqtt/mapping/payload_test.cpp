// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/mapping/payload.hpp"

#include <zlib.h>
#include <zstd.h>

#include "batch_fixture.hpp"

namespace sluice::mqtt_plugin {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string pack(Compression kind, const std::string& text) {
  return kind == Compression::kGzip ? gzip(text) : zstd(text);
}

class PayloadTest : public BatchTest {
 protected:
  std::string decode(const PayloadOptions& options, std::string_view payload) {
    PayloadDecoder decoder(options);
    EXPECT_TRUE(decoder.start(context()).ok());
    sdk::Value value;
    if (auto problem = decoder.load(payload)) return "error: " + *problem;
    if (auto problem = decoder.value(*batch_, &value)) return "error: " + *problem;
    return text(value);
  }
  std::string json(std::string_view payload) {
    return decode({.format = PayloadFormat::kJson}, payload);
  }
};

TEST_F(PayloadTest, BytesAndStrings) {
  EXPECT_EQ(decode({}, std::string_view("\0\xff", 2)), "0x00ff");
  EXPECT_EQ(decode({.format = PayloadFormat::kString}, "h\xc3\xa4"), "\"h\xc3\xa4\"");
  EXPECT_EQ(decode({.format = PayloadFormat::kString}, ""), "\"\"");
  EXPECT_EQ(decode({.format = PayloadFormat::kString}, "\xff"), "error: the payload is not UTF-8");
}

TEST_F(PayloadTest, JsonIsSchemalessData) {
  EXPECT_EQ(json(R"({"b":[1,-2.5,"x",true,null],"a":{}})"),
            R"({"a":{},"b":[1,-2.5,"x",true,null]})");
  EXPECT_EQ(json("7"), "7");
  EXPECT_EQ(json(R"({"a":1,"b":2,"a":3})"), R"({"a":3,"b":2})");
  EXPECT_EQ(json("9223372036854775808").substr(0, 6), "error:");
  EXPECT_EQ(json("").substr(0, 6), "error:");
  EXPECT_EQ(json("{\"a\":1").substr(0, 6), "error:");
  EXPECT_EQ(json("\"\xff\"").substr(0, 6), "error:");
  EXPECT_EQ(json("NaN").substr(0, 6), "error:");
}

TEST_F(PayloadTest, LargeObjectsHaveEachKeyOnce) {
  std::string object = "{";
  for (int i = 0; i < 200; ++i)
    object += "\"k" + std::to_string(i % 100) + "\":" + std::to_string(i) + ",";
  object.back() = '}';
  PayloadDecoder decoder({.format = PayloadFormat::kJson});
  sdk::Value value;
  ASSERT_EQ(decoder.load(object), std::nullopt);
  ASSERT_EQ(decoder.value(*batch_, &value), std::nullopt);
  EXPECT_EQ(value.count(), 100u);
  EXPECT_EQ(value.get("k7").as_int(), 107);
}

TEST_F(PayloadTest, NestingIsBounded) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(json(nested(kMaxJsonDepth)), nested(kMaxJsonDepth));
  EXPECT_NE(json(nested(kMaxJsonDepth + 1)).find("nested deeper"), std::string::npos);
  EXPECT_EQ(json(nested(100'000)).substr(0, 6), "error:");
}

TEST_F(PayloadTest, DecompressesUpToTheBoundAndNoFurther) {
  for (const Compression kind : {Compression::kGzip, Compression::kZstd}) {
    const std::string content(100'000, 'x');
    const std::string packed = pack(kind, content);
    PayloadOptions options{
        .format = PayloadFormat::kString, .compression = kind, .max_bytes = content.size()};
    EXPECT_EQ(decode(options, packed), "\"" + content + "\"");
    options.max_bytes = content.size() - 1;
    EXPECT_NE(decode(options, packed).find("payload.max.bytes"), std::string::npos);
    options.max_bytes = 1;
    EXPECT_NE(decode(options, packed).find("payload.max.bytes"), std::string::npos);
    EXPECT_EQ(decode(options, pack(kind, "")), "\"\"");
    EXPECT_EQ(decode(options, "plain").substr(0, 6), "error:");
    EXPECT_EQ(decode(options, "").substr(0, 6), "error:");
  }
}

TEST_F(PayloadTest, SeveralMembersAreOneContent) {
  for (const Compression kind : {Compression::kGzip, Compression::kZstd}) {
    const PayloadOptions options{.format = PayloadFormat::kString, .compression = kind};
    EXPECT_EQ(decode(options, pack(kind, "one ") + pack(kind, "two")), "\"one two\"");
    EXPECT_EQ(decode(options, pack(kind, "one ") + "rest").substr(0, 6), "error:");
  }
}

TEST_F(PayloadTest, EveryTruncationAndBitFlipOfCompressedPayloadsIsAnswered) {
  std::string content;
  for (int i = 0; i < 40; ++i) content += "reading " + std::to_string(i * 7919) + "; ";
  for (const Compression kind : {Compression::kGzip, Compression::kZstd}) {
    const PayloadOptions options{
        .format = PayloadFormat::kBytes, .compression = kind, .max_bytes = 1 << 16};
    const std::string packed = pack(kind, content);
    for (size_t size = 0; size < packed.size(); ++size) {
      EXPECT_EQ(decode(options, packed.substr(0, size)).substr(0, 6), "error:") << size;
    }
    for (size_t bit = 0; bit < packed.size() * 8; ++bit) {
      std::string flipped = packed;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      decode(options, flipped);
    }
    EXPECT_EQ(decode({.format = PayloadFormat::kString, .compression = kind}, packed),
              "\"" + content + "\"");
  }
}

}  // namespace
}  // namespace sluice::mqtt_plugin
