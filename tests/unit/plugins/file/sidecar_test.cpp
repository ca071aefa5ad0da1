// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/sidecar.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <optional>
#include <string>

#include "tests/unit/plugins/file/fake_files.hpp"

namespace sluice::file_plugin {
namespace {

SidecarState some_state(uint64_t sequence = 7) {
  SidecarState state;
  state.sequence = sequence;
  state.epoch = 3;
  state.file_length = 123456789012;
  state.tail_size = 4096;
  state.tail_crc = 0xDEADBEEF;
  state.positions = {{"lines", 0, 42}, {"lines", 1, 0}, {"t\xC3\xB6pic", 7, INT64_MAX}};
  return state;
}

TEST(SidecarFormat, RoundTrip) {
  const SidecarState state = some_state();
  const std::string slot = encode_slot(state, slot_size_for(state));
  EXPECT_EQ(slot.size(), kMinSlotSize);
  const DecodedSlot decoded = decode_slot(slot);
  ASSERT_EQ(decoded.kind, SlotKind::kValid) << decoded.why;
  EXPECT_EQ(decoded.state, state);
}

TEST(SidecarFormat, GrowsWithThePartitions) {
  SidecarState state = some_state();
  for (int32_t i = 0; i < 1000; ++i) state.positions.push_back({"another-topic", i, i});
  const size_t size = slot_size_for(state);
  EXPECT_EQ(size, 32768u);
  EXPECT_EQ(decode_slot(encode_slot(state, size)).state, state);
}

TEST(SidecarFormat, NoCutAndNoFlippedBitIsTakenForTheState) {
  const SidecarState state = some_state();
  const std::string slot = encode_slot(state, kMinSlotSize);
  const size_t used = slot.find_last_not_of('\0') + 1;
  for (size_t size = 0; size < slot.size(); ++size) {
    ASSERT_NE(decode_slot(std::string_view(slot).substr(0, size)).kind, SlotKind::kValid) << size;
  }
  for (size_t bit = 0; bit < used * 8; ++bit) {
    std::string flipped = slot;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_EQ(decode_slot(flipped).kind, SlotKind::kDamaged) << bit;
  }
  EXPECT_EQ(decode_slot(std::string(kMinSlotSize, '\0')).kind, SlotKind::kEmpty);
}

// Every torn write of the next state over the one before last.
TEST(SidecarFormat, EveryMixtureOfOldAndNewSlotIsOneOfBothOrDamaged) {
  SidecarState next = some_state(9);
  next.positions[0].next_offset = 99;
  const std::string before = encode_slot(some_state(7), kMinSlotSize);
  const std::string after = encode_slot(next, kMinSlotSize);
  for (size_t size = 0; size <= before.size(); ++size) {
    const DecodedSlot decoded = decode_slot(after.substr(0, size) + before.substr(size));
    if (decoded.kind == SlotKind::kValid) {
      ASSERT_TRUE(decoded.state == some_state(7) || decoded.state == next) << size;
    }
  }
}

TEST(SidecarFormat, Crc32cIsTheStandardOne) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xE3069283u);
}

class SidecarTest : public testing::Test {
 protected:
  std::optional<Sidecar> open() {
    auto opened = Sidecar::open(files_, files_, "out");
    if (!opened.ok()) {
      error_ = opened.error();
      return std::nullopt;
    }
    return std::move(opened).value();
  }
  void make() {
    Sidecar sidecar = Sidecar::create(files_, "out", some_state(0)).value();
    for (int i = 0; i < 3; ++i) {
      SidecarState state = sidecar.state();
      ++state.file_length;
      ASSERT_TRUE(sidecar.store(files_, state).ok());
    }
  }

  static constexpr const char* kPath = "out.sluice-offsets";
  test::FakeFiles files_;
  Error error_;
};

TEST_F(SidecarTest, NoneIsNoError) { EXPECT_FALSE(open().has_value()); }

TEST_F(SidecarTest, TheLastStateCounts) {
  make();
  const auto sidecar = open();
  ASSERT_TRUE(sidecar.has_value());
  EXPECT_EQ(sidecar->state().sequence, 4u);
  EXPECT_EQ(sidecar->state().file_length, some_state().file_length + 3);
  EXPECT_TRUE(files_.events.empty());
}

TEST_F(SidecarTest, ADamagedSlotLeavesTheOtherAndIsReported) {
  make();
  std::string bytes = files_.content(kPath);
  bytes[20] = static_cast<char>(bytes[20] ^ 1);  // slot 0 holds number 4
  files_.write(kPath, bytes);
  const auto sidecar = open();
  ASSERT_TRUE(sidecar.has_value());
  EXPECT_EQ(sidecar->state().sequence, 3u);
  EXPECT_TRUE(files_.has_event("offsets-slot-damaged"));
}

TEST_F(SidecarTest, TwoDamagedSlotsAreAnErrorThatChangesNothing) {
  make();
  std::string bytes = files_.content(kPath);
  bytes[20] = static_cast<char>(bytes[20] ^ 1);
  bytes[kMinSlotSize + 20] = static_cast<char>(bytes[kMinSlotSize + 20] ^ 1);
  files_.write(kPath, bytes);
  EXPECT_FALSE(open().has_value());
  EXPECT_EQ(error_.kind, SLUICE_CONFIG_ERROR);
  EXPECT_NE(error_.message.find(kPath), std::string::npos);
  EXPECT_NE(error_.message.find("checksum"), std::string::npos) << error_.message;
  EXPECT_EQ(files_.content(kPath), bytes);
}

TEST_F(SidecarTest, EveryCutOfTheFileIsAnError) {
  make();
  const std::string bytes = files_.content(kPath);
  for (size_t size = 0; size < bytes.size(); ++size) {
    files_.write(kPath, bytes.substr(0, size));
    error_ = {};
    ASSERT_FALSE(open().has_value()) << size;
    ASSERT_EQ(error_.kind, SLUICE_CONFIG_ERROR) << size << ": " << error_.message;
  }
}

TEST_F(SidecarTest, ItIsLocked) {
  make();
  const auto first = open();
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(open().has_value());
  EXPECT_EQ(error_.kind, SLUICE_RETRIABLE);
}

TEST_F(SidecarTest, GrowsIntoALargerOne) {
  make();
  {
    auto sidecar = open();
    SidecarState state = sidecar->state();
    for (int32_t i = 0; i < 1000; ++i) state.positions.push_back({"another-topic", i, i});
    ASSERT_TRUE(sidecar->store(files_, state).ok());
    state = sidecar->state();
    state.epoch = 12;
    ASSERT_TRUE(sidecar->store(files_, state).ok());
  }
  const auto again = open();
  ASSERT_TRUE(again.has_value()) << error_.message;
  EXPECT_EQ(again->state().positions.size(), 1003u);
  EXPECT_EQ(again->state().epoch, 12);
  EXPECT_EQ(again->state().sequence, 6u);
}

TEST_F(SidecarTest, ADeletedOneIsNoticedAtTheNextStore) {
  make();
  auto sidecar = open();
  files_.remove(kPath);
  const Status status = sidecar->store(files_, sidecar->state());
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, SLUICE_FATAL);
}

TEST_F(SidecarTest, AStoreThatFailsForSpaceCanBeRepeated) {
  make();
  auto sidecar = open();
  SidecarState state = sidecar->state();
  state.epoch = 77;
  files_.fail_at(files_.operations() + 1, ENOSPC);
  EXPECT_EQ(sidecar->store(files_, state).error().kind, SLUICE_RETRIABLE);
  ASSERT_TRUE(sidecar->store(files_, state).ok());
  EXPECT_EQ(sidecar->state().sequence, 5u);
}

}  // namespace
}  // namespace sluice::file_plugin
