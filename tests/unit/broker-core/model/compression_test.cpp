// SPDX-License-Identifier: Apache-2.0
#include "broker-core/model/compression.hpp"

#include <gtest/gtest.h>

#include <random>

#include "broker-core/model/record_batch.hpp"

namespace sluice::model {
namespace {

constexpr Compression kCodecs[] = {Compression::kGzip, Compression::kSnappy, Compression::kLz4,
                                   Compression::kZstd};

TEST(CompressionCodecs, RoundTripOfManySizes) {
  std::mt19937_64 random(1);
  for (Compression codec : kCodecs) {
    for (size_t size : {0, 1, 100, 32'768, 65'536, 65'537, 300'000}) {
      Bytes plain(size);
      for (auto& byte : plain) byte = static_cast<std::byte>(random() % 7);
      auto packed = compress(codec, plain);
      ASSERT_TRUE(packed.ok());
      auto back = decompress(codec, *packed, size);  // the limit is inclusive
      ASSERT_TRUE(back.ok()) << back.error().message;
      EXPECT_EQ(*back, plain);
      if (size == 0) continue;
      auto bounded = decompress(codec, *packed, size - 1);
      ASSERT_FALSE(bounded.ok());
      EXPECT_EQ(bounded.error().kind, ErrorKind::kInvalid);
    }
  }
}

TEST(CompressionCodecs, BombIsStoppedAtTheLimit) {
  const Bytes zeros(16u << 20);
  for (Compression codec : kCodecs) {
    auto bomb = compress(codec, zeros);
    ASSERT_TRUE(bomb.ok());
    auto out = decompress(codec, *bomb, 1u << 20);
    ASSERT_FALSE(out.ok());
    EXPECT_EQ(out.error().kind, ErrorKind::kInvalid) << out.error().message;
  }
}

TEST(CompressionCodecs, EveryTruncationIsRefused) {
  const Bytes plain =
      to_bytes(std::string(500, 'x') + "some text that compresses less well 0123456789");
  for (Compression codec : kCodecs) {
    const Bytes packed = *compress(codec, plain);
    for (size_t size = 0; size < packed.size(); ++size) {
      auto out = decompress(codec, ByteView(packed).first(size), 1u << 20);
      // xerial's frame may end after its header: that is a valid, empty stream.
      if (codec == Compression::kSnappy && size == 16) continue;
      ASSERT_FALSE(out.ok()) << static_cast<int>(codec) << " cut to " << size;
    }
  }
}

TEST(CompressionCodecs, SnappyRawIsReadToo) {
  // length 5, one literal element of 5 bytes
  const Bytes raw = to_bytes(std::string("\x05\x10hello", 7));
  auto out = decompress(Compression::kSnappy, raw, 100);
  ASSERT_TRUE(out.ok()) << out.error().message;
  EXPECT_EQ(as_text(*out), "hello");
}

TEST(CompressionCodecs, SnappyClaimOfFourGigabytesTakesNoMemory) {
  const Bytes lie = to_bytes("\xff\xff\xff\xff\x0f");
  auto out = decompress(Compression::kSnappy, lie, SIZE_MAX / 2);
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().kind, ErrorKind::kCorrupt);
}

TEST(CompressionCodecs, SeveralGzipMembersAreOneStream) {
  Bytes both = *compress(Compression::kGzip, as_bytes("one "));
  const Bytes second = *compress(Compression::kGzip, as_bytes("two"));
  both.insert(both.end(), second.begin(), second.end());
  auto out = decompress(Compression::kGzip, both, 100);
  ASSERT_TRUE(out.ok()) << out.error().message;
  EXPECT_EQ(as_text(*out), "one two");
}

}  // namespace
}  // namespace sluice::model
