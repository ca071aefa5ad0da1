// SPDX-License-Identifier: Apache-2.0
// Our batches read by kafka-python and its batches read by us, so that an error made alike in our
// encoder and decoder cannot hide.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "broker-core/model/record_batch.hpp"

namespace sluice::model {
namespace {

namespace fs = std::filesystem;

class Foreign : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "sluice-foreign-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Runs the script; returns what it printed. The system's python has the Debian packages.
  std::string run(const std::string& arguments, ByteView input = {}) {
    const fs::path in = folder_ / "in", out = folder_ / "out", err = folder_ / "err";
    std::ofstream(in, std::ios::binary) << as_text(input);
    const std::string command = "/usr/bin/python3 " SLUICE_FOREIGN_SCRIPT " " + arguments + " <" +
                                in.string() + " >" + out.string() + " 2>" + err.string();
    const int status = std::system(command.c_str());
    EXPECT_EQ(status, 0) << content(err);
    return content(out);
  }
  static std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder_;
};

void expect_the_scripts_records(ByteView batch) {
  ASSERT_TRUE(verify_batch_crc(batch).ok());
  auto reader = RecordReader::open(batch);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  RecordView record;
  auto next = [&] {
    auto more = reader->next(record);
    ASSERT_TRUE(more.ok()) << more.error().message;
    ASSERT_TRUE(*more);
  };
  next();
  EXPECT_EQ(record.timestamp, 1700000000123);
  EXPECT_EQ(as_text(*record.key), "key-1");
  EXPECT_EQ(as_text(*record.value), "value 1");
  ASSERT_EQ(record.headers.size(), 2u);
  EXPECT_EQ(record.headers[0].key, "h");
  EXPECT_EQ(as_text(*record.headers[0].value), "x");
  EXPECT_EQ(as_text(*record.headers[1].value), "");
  next();
  EXPECT_EQ(record.timestamp, 1700000000100);
  EXPECT_FALSE(record.key);
  next();
  EXPECT_FALSE(record.value);
  EXPECT_FALSE(record.headers.at(0).value);
  next();
  EXPECT_TRUE(record.key && record.key->empty());
  next();
  EXPECT_EQ(record.value->size(), 50'000u);
  EXPECT_EQ(record.offset.value(), 4);
  EXPECT_FALSE(*reader->next(record));
}

TEST_F(Foreign, TheirBatchesAreReadInEveryCodec) {
  for (int codec = 0; codec <= 4; ++codec) {
    const std::string batch = run("encode " + std::to_string(codec));
    ASSERT_GT(batch.size(), kBatchHeaderSize);
    ASSERT_EQ(read_batch_header(as_bytes(batch))->compression(), static_cast<Compression>(codec));
    expect_the_scripts_records(as_bytes(batch));
  }
}

TEST_F(Foreign, OurBatchEqualsTheirsByteForByte) {
  BatchBuilder builder;
  const HeaderView first[] = {{"h", as_bytes("x")}, {"empty", ByteView(as_bytes(""))}};
  const HeaderView third[] = {{"null", std::nullopt}};
  std::string longer;
  for (int i = 0; i < 5000; ++i) longer += "0123456789";
  builder.add(1700000000123, as_bytes("key-1"), as_bytes("value 1"), first);
  builder.add(1700000000100, std::nullopt, as_bytes("no key"));
  builder.add(1700000009999, as_bytes("tombstone"), std::nullopt, third);
  builder.add(1700000000123, as_bytes(""), as_bytes(""));
  builder.add(1700000000124, as_bytes("long"), as_bytes(longer));
  Bytes ours = builder.finish();
  expect_the_scripts_records(ours);
  Bytes theirs = to_bytes(run("encode 0"));
  stamp_batch(theirs, Offset(0),
              LeaderEpoch(0));  // the epoch is the broker's to set; clients write -1 or 0
  EXPECT_EQ(ours, theirs);
}

TEST_F(Foreign, OurBatchesAreReadByThemInEveryCodec) {
  BatchBuilder builder;
  const HeaderView headers[] = {{"trace", as_bytes("abc")}, {"null", std::nullopt}};
  builder.add(1700000000000, as_bytes("a"), as_bytes("first"), headers);
  builder.add(1700000000777, std::nullopt, std::nullopt);
  builder.add(1699999999999, as_bytes(""), as_bytes(std::string_view("\xff\x00z", 3)));
  Bytes batch = builder.finish();
  stamp_batch(batch, Offset(100), LeaderEpoch(3));
  const std::string expected =
      "[100,1700000000000,\"a\",\"first\",[[\"trace\",\"abc\"],[\"null\",null]]]\n"
      "[101,1700000000777,null,null,[]]\n"
      "[102,1699999999999,\"\",\"\\u00ff\\u0000z\",[]]\n";
  for (int codec = 0; codec <= 4; ++codec) {
    Bytes packed = *recompress_batch(batch, static_cast<Compression>(codec));
    EXPECT_EQ(run("decode", packed), expected) << "codec " << codec;
  }
}

}  // namespace
}  // namespace sluice::model
