// SPDX-License-Identifier: Apache-2.0
#include "broker-core/model/record_batch.hpp"

#include <gtest/gtest.h>

#include <random>

#include "broker-core/model/endian.hpp"

namespace sluice::model {
namespace {

struct Owned {
  int64_t timestamp;
  std::optional<std::string> key, value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  bool operator==(const Owned&) const = default;
};

std::optional<ByteView> view(const std::optional<std::string>& text) {
  return text ? std::optional(as_bytes(*text)) : std::nullopt;
}
std::optional<std::string> own(const std::optional<ByteView>& bytes) {
  return bytes ? std::optional(std::string(as_text(*bytes))) : std::nullopt;
}

void add(BatchBuilder& builder, const Owned& record) {
  std::vector<HeaderView> headers;
  for (const auto& [key, value] : record.headers) headers.push_back({key, view(value)});
  ASSERT_TRUE(builder.add(record.timestamp, view(record.key), view(record.value), headers));
}

std::vector<Owned> read_all(ByteView batch) {
  std::vector<Owned> out;
  auto reader = RecordReader::open(batch);
  EXPECT_TRUE(reader.ok()) << reader.error().message;
  if (!reader.ok()) return out;
  RecordView record;
  while (true) {
    auto more = reader->next(record);
    EXPECT_TRUE(more.ok()) << more.error().message;
    if (!more.ok() || !*more) return out;
    EXPECT_EQ(record.offset - reader->header().base_offset, static_cast<int64_t>(out.size()));
    Owned owned{record.timestamp, own(record.key), own(record.value), {}};
    for (const HeaderView& header : record.headers) {
      owned.headers.emplace_back(std::string(header.key), own(header.value));
    }
    out.push_back(std::move(owned));
  }
}

// Walks whatever is given; only that it ends, and that no sanitizer objects, matters.
void walk(ByteView bytes) {
  if (read_batch_header(bytes).ok()) (void)verify_batch_crc(bytes).ok();
  auto reader = RecordReader::open(bytes, 1u << 20);
  if (!reader.ok()) return;
  RecordView record;
  while (true) {
    auto more = reader->next(record);
    if (!more.ok() || !*more) return;
  }
}

Owned random_record(std::mt19937_64& random) {
  auto text = [&](size_t max) {
    std::string out(random() % (max + 1), '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
  };
  Owned record{
      static_cast<int64_t>(random() % 4 == 0 ? random() : 1'700'000'000'000 + random() % 1000),
      {},
      {},
      {}};
  if (random() % 4 != 0) record.key = text(40);
  if (random() % 4 != 0) record.value = text(random() % 16 == 0 ? 20'000 : 200);
  for (size_t i = random() % 4; i > 1; --i) {
    record.headers.emplace_back(text(10),
                                random() % 2 == 0 ? std::optional(text(20)) : std::nullopt);
  }
  return record;
}

TEST(RecordBatch, RoundTripOfRandomRecords) {
  std::mt19937_64 random(11);
  BatchBuilder builder;
  for (int round = 0; round < 60; ++round) {
    std::vector<Owned> records;
    size_t most = kBatchHeaderSize;
    for (size_t i = 1 + random() % 60; i > 0; --i) {
      records.push_back(random_record(random));
      add(builder, records.back());
      std::vector<HeaderView> headers;
      for (const auto& [key, value] : records.back().headers) headers.push_back({key, view(value)});
      most += BatchBuilder::record_size_max(view(records.back().key), view(records.back().value),
                                            headers);
      ASSERT_LE(builder.size_bytes(), most);
    }
    const size_t size = builder.size_bytes();
    Bytes batch = builder.finish();
    ASSERT_EQ(batch.size(), size);
    ASSERT_TRUE(builder.empty());
    ASSERT_TRUE(verify_batch_crc(batch).ok());
    ASSERT_EQ(read_all(batch), records);
    for (Compression codec :
         {Compression::kGzip, Compression::kSnappy, Compression::kLz4, Compression::kZstd}) {
      auto packed = recompress_batch(batch, codec);
      ASSERT_TRUE(packed.ok()) << packed.error().message;
      ASSERT_TRUE(verify_batch_crc(*packed).ok());
      ASSERT_EQ(read_all(*packed), records);
      ASSERT_EQ(*recompress_batch(*packed, Compression::kNone), batch);
    }
  }
}

TEST(RecordBatch, HeaderFields) {
  BatchBuilder builder(1000);
  EXPECT_TRUE(builder.finish().empty());
  for (int64_t timestamp : {500, 900, 400}) builder.add(timestamp, std::nullopt, as_bytes("v"));
  EXPECT_EQ(builder.count(), 3);
  Bytes batch = builder.finish();
  auto header = read_batch_header(batch);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->size(), batch.size());
  EXPECT_EQ(header->base_timestamp, 500);  // the first record's, not the smallest
  EXPECT_EQ(header->max_timestamp, 900);
  EXPECT_EQ(header->record_count, 3);
  EXPECT_EQ(header->last_offset_delta, 2);
  EXPECT_EQ(header->producer_id.value(), -1);
  EXPECT_EQ(header->base_sequence, -1);
  EXPECT_EQ(header->compression(), Compression::kNone);
  EXPECT_FALSE(header->control());
}

TEST(RecordBatch, StampNeedsNoNewCrc) {
  BatchBuilder builder;
  builder.add(1, as_bytes("k"), as_bytes("v"));
  builder.add(2, as_bytes("k"), std::nullopt);
  Bytes batch = builder.finish();
  stamp_batch(batch, Offset(1'234'567'890'123), LeaderEpoch(7));
  ASSERT_TRUE(verify_batch_crc(batch).ok());
  auto header = read_batch_header(batch);
  EXPECT_EQ(header->leader_epoch.value(), 7);
  EXPECT_EQ(header->last_offset().value(), 1'234'567'890'124);
  EXPECT_EQ(header->next_offset().value(), 1'234'567'890'125);
  auto reader = RecordReader::open(batch);
  RecordView record;
  ASSERT_TRUE(*reader->next(record));
  EXPECT_EQ(record.offset.value(), 1'234'567'890'123);
}

TEST(RecordBatch, LogAppendTimeGivesEveryRecordTheMaxTimestamp) {
  BatchBuilder builder;
  builder.add(10, std::nullopt, as_bytes("a"));
  builder.add(20, std::nullopt, as_bytes("b"));
  Bytes batch = builder.finish();
  batch[22] |= std::byte{8};
  auto records = read_all(batch);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].timestamp, 20);
  EXPECT_EQ(records[1].timestamp, 20);
}

TEST(RecordBatch, EveryTruncationIsRefused) {
  std::mt19937_64 random(3);
  BatchBuilder builder;
  for (int i = 0; i < 8; ++i) add(builder, random_record(random));
  Bytes batch = builder.finish();
  for (Compression codec : {Compression::kNone, Compression::kGzip, Compression::kSnappy,
                            Compression::kLz4, Compression::kZstd}) {
    Bytes packed = *recompress_batch(batch, codec);
    for (size_t size = 0; size < packed.size(); ++size) {
      Bytes cut(packed.begin(), packed.begin() + static_cast<ptrdiff_t>(size));
      ASSERT_FALSE(read_batch_header(cut).ok()) << size;
      ASSERT_FALSE(RecordReader::open(cut).ok());
      if (size < kBatchHeaderSize) continue;
      // A length that agrees with the cut passes the header; then the CRC must fail and the walk
      // must end.
      store_big<int32_t>(cut.data() + 8, static_cast<int32_t>(size - kBatchLengthPrefix));
      ASSERT_FALSE(verify_batch_crc(cut).ok()) << size;
      walk(cut);
    }
  }
}

TEST(RecordBatch, EveryBitFlipUnderTheCrcIsFoundAndNoneCrashes) {
  std::mt19937_64 random(5);
  BatchBuilder builder;
  for (int i = 0; i < 3; ++i)
    builder.add(1'700'000'000'000 + i, as_bytes("key"), as_bytes("some value"));
  const Bytes batch = builder.finish();
  for (size_t bit = 0; bit < batch.size() * 8; ++bit) {
    Bytes bad = batch;
    bad[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    if (bit / 8 >= 16) {
      ASSERT_FALSE(verify_batch_crc(bad).ok()) << bit;
    }
    walk(bad);
  }
  for (Compression codec :
       {Compression::kGzip, Compression::kSnappy, Compression::kLz4, Compression::kZstd}) {
    const Bytes packed = *recompress_batch(batch, codec);
    for (int i = 0; i < 800; ++i) {
      Bytes bad = packed;
      for (size_t n = 1 + random() % 4; n > 0; --n) {
        bad[kBatchHeaderSize + random() % (bad.size() - kBatchHeaderSize)] =
            static_cast<std::byte>(random());
      }
      walk(bad);
    }
  }
}

TEST(RecordBatch, FalseCountsAreRefused) {
  BatchBuilder builder;
  builder.add(1, std::nullopt, as_bytes("v"));
  Bytes batch = builder.finish();
  auto with = [&](size_t position, int32_t value) {
    Bytes bad = batch;
    store_big<int32_t>(bad.data() + position, value);
    return bad;
  };
  EXPECT_FALSE(read_batch_header(with(57, 2)).ok());  // more records than offsets
  EXPECT_FALSE(read_batch_header(with(57, -1)).ok());
  EXPECT_FALSE(read_batch_header(with(23, -1)).ok());
  EXPECT_FALSE(read_batch_header(with(8, 48)).ok());  // shorter than a header
  EXPECT_FALSE(read_batch_header(with(8, INT32_MAX)).ok());
  Bytes fewer = with(57, 0);  // bytes of a record, but a count of none
  auto reader = RecordReader::open(fewer);
  ASSERT_TRUE(reader.ok());
  RecordView record;
  EXPECT_FALSE(reader->next(record).ok());
  Bytes magic = batch;
  magic[16] = std::byte{1};
  EXPECT_NE(read_batch_header(magic).error().message.find("magic 1"), std::string::npos);
}

TEST(RecordBatch, UnknownCodecIsUnsupported) {
  BatchBuilder builder;
  builder.add(1, std::nullopt, as_bytes("v"));
  Bytes batch = builder.finish();
  batch[22] = std::byte{6};
  auto reader = RecordReader::open(batch);
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().kind, ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace sluice::model
