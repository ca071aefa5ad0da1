// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/checkpoint.hpp"
#include "broker-core/storage/commit_reader.hpp"
#include "broker-core/storage/paths.hpp"
#include "tests/unit/broker-core/storage/log_fixture.hpp"

// What the log does about bytes that changed under it.
namespace sluice::storage {
namespace {

struct Place {
  std::string file;
  uint64_t byte = 0;
  uint64_t length = 0;
};

std::vector<Place> frames_of(LogHarness& h) {
  std::vector<Place> places;
  auto checkpoint = read_checkpoint(h.disk, "data");
  auto scan = scan_commit_log(h.disk, "data", (*checkpoint)->replay,
                              [&](const Frame& frame, const std::string& file, uint64_t byte) -> Status {
                                places.push_back({file, byte, frame.header.length});
                                return ok();
                              });
  EXPECT_TRUE(scan.ok()) << scan.error().message;
  return places;
}

// Five acknowledged appends, then the process dies.
std::unique_ptr<LogHarness> five_appends() {
  auto h = std::make_unique<LogHarness>();
  h->settings.commit_file_bytes = 16 * 1024;
  h->open();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(h->append(partition(1), {"value" + std::to_string(i)}).ok());
  h->kill();
  return h;
}

TEST(Damage, aTornLastFrameIsCutAtEveryLength) {
  const uint64_t length = frames_of(*five_appends()).back().length;
  for (uint64_t keep = 0; keep <= length; ++keep) {
    auto h = five_appends();
    auto last = frames_of(*h).back();
    // The seal behind the frame is written after its sync, so a frame that was not synced has none.
    h->disk.overwrite(last.file, last.byte + keep, Bytes(last.length + kFrameAlignment + kFrameHeaderSize - keep));
    h->open();
    // The last byte of a frame may be the zero that was written over it.
    auto records = *h->read_all(partition(1));
    const bool whole = keep == length || (keep + 1 == length && records.size() == 5);
    EXPECT_EQ(records.size(), whole ? 5u : 4u) << keep;
    if (keep >= kFrameHeaderSize && !whole) {
      EXPECT_GE(h->log->recovery().torn_tail_bytes, last.length) << keep;
    }
    EXPECT_EQ((*h->append(partition(1), {"next"}))[0].base_offset, Offset(whole ? 5 : 4));
    h->crash();
    h->open();
    EXPECT_EQ(h->read_all(partition(1))->size(), whole ? 6u : 5u);
  }
}

class DamagedFrame : public ::testing::TestWithParam<int> {};

TEST_P(DamagedFrame, everyByteCounts) {  // of the last one too: the seal behind it says that it was durable
  auto places = frames_of(*five_appends());
  const Place middle = places[static_cast<size_t>(GetParam())];
  for (uint64_t byte = 0; byte < middle.length; byte += 3) {
    auto h = five_appends();
    auto content = h->disk.content(middle.file);
    const std::byte flipped[] = {content[middle.byte + byte] ^ std::byte(1 << byte % 8)};
    h->disk.overwrite(middle.file, middle.byte + byte, flipped);
    auto status = h->try_open();
    ASSERT_FALSE(status.ok()) << byte;
    EXPECT_EQ(status.error().kind, ErrorKind::kCorrupt);
    EXPECT_NE(status.error().message.find(middle.file + ", byte " + std::to_string(middle.byte)), std::string::npos)
        << status.error().message;
    EXPECT_NE(status.error().message.find("sluice log verify"), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, DamagedFrame, ::testing::Values(0, 2, 4));

TEST(Damage, aLostFrameBeforeALaterFileIsNoticed) {
  LogHarness h;
  h.settings.commit_file_bytes = 8 * 1024;
  h.settings.checkpoint_bytes = 1 << 20;
  h.open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(h.append(partition(1), {std::string(1500, 'x')}).ok());
  h.kill();
  auto places = frames_of(h);
  ASSERT_NE(places.front().file, places.back().file);
  const Place* last_of_first = nullptr;
  for (const auto& place : places) {
    if (place.file == places.front().file) last_of_first = &place;
  }
  h.disk.overwrite(last_of_first->file, last_of_first->byte, Bytes(last_of_first->length));
  EXPECT_EQ(h.try_open().error().kind, ErrorKind::kCorrupt);
}

// What a frame refers to was synced before the frame was written: if it is not there, that is damage, of its partition
// alone.
TEST(Damage, whatTheCommitLogRefersToIsGuarded) {
  const std::string path =
      "data/topics/" + partition_folder_name("one", partition(1)) + "/" + numbered_name(0, ".log");
  auto two_partitions = [] {
    auto h = std::make_unique<LogHarness>();
    h->settings.write_through_bytes = 1;
    h->open();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(h->append(partition(1), {"value" + std::to_string(i)}).ok());
    EXPECT_TRUE(h->append(partition(2), {"other"}).ok());
    h->kill();
    return h;
  };
  const size_t size = two_partitions()->disk.content(path).size();
  for (size_t byte = 0; byte <= size; byte += 5) {
    for (bool cut : {false, true}) {
      if (byte == size || (cut && byte + 5 > size)) continue;
      auto h = two_partitions();
      if (cut) {
        auto file = h->disk.open(path, OpenMode::kReadWrite);
        ASSERT_TRUE((*file)->truncate(byte).ok());
      } else {
        const std::byte flipped[] = {h->disk.content(path)[byte] ^ std::byte(1 << byte % 8)};
        h->disk.overwrite(path, byte, flipped);
      }
      h->open();
      auto result = h->log->read(partition(1), Offset(0), 1000);
      ASSERT_FALSE(result.ok()) << byte << " " << cut;
      EXPECT_NE(result.error().message.find(path + ", byte "), std::string::npos) << result.error().message;
      EXPECT_EQ(h->append(partition(1), {"more"}).error().kind, ErrorKind::kCorrupt);
      EXPECT_EQ(h->read_all(partition(2))->size(), 1u);
      EXPECT_TRUE(h->append(partition(2), {"more"}).ok());
    }
  }
  auto h = two_partitions();
  h->crash();
  h->open();
  EXPECT_EQ(h->read_all(partition(1))->size(), 3u);
}

TEST(Damage, headersOfCommitFilesAndTheCheckpointAreGuarded) {
  auto clean = five_appends();
  const std::string commit = frames_of(*clean)[0].file;
  for (const std::string& path : {commit, std::string("data/checkpoint")}) {
    const size_t size = path == commit ? 36 : clean->disk.content(path).size();
    for (size_t byte = 0; byte < size; ++byte) {
      auto h = five_appends();
      const std::byte flipped[] = {h->disk.content(path)[byte] ^ std::byte{4}};
      h->disk.overwrite(path, byte, flipped);
      auto status = h->try_open();
      ASSERT_FALSE(status.ok()) << path << " " << byte;
      EXPECT_NE(status.error().message.find(path), std::string::npos);
    }
  }
  auto h = five_appends();
  ASSERT_TRUE(h->disk.remove("data/checkpoint").ok());
  EXPECT_EQ(h->try_open().error().kind, ErrorKind::kCorrupt);
}

TEST(Damage, aFlippedBitInASegmentOrSidecarIsNeverServed) {
  LogHarness base;
  base.settings.commit_file_bytes = 8 * 1024;
  base.open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(base.append(partition(1), {"value" + std::to_string(i)}).ok());
  ASSERT_TRUE(base.append(partition(2), {"other"}).ok());
  ASSERT_TRUE(base.log->stop().ok());
  const std::string stem = "data/topics/" + partition_folder_name("one", partition(1)) + "/" + numbered_name(0, "");
  const auto good = *([&] { base.open(); return base.read_all(partition(1)); })();
  base.kill();
  for (const char* extension : {".log", ".check"}) {
    const std::string path = stem + extension;
    const Bytes content = base.disk.content(path);
    for (size_t bit = 0; bit < content.size() * 8; ++bit) {
      const std::byte flipped[] = {content[bit / 8] ^ std::byte(1 << bit % 8)};
      base.disk.overwrite(path, bit / 8, flipped);
      base.open();
      int errors = 0;
      for (int64_t offset = 0; offset < 3; ++offset) {
        auto result = base.log->read(partition(1), Offset(offset), 1);
        if (result.ok()) {
          for (auto& [at, value] : records_of(result->batches)) EXPECT_EQ(value, good.at(at));
        } else {
          EXPECT_EQ(result.error().kind, ErrorKind::kCorrupt);
          EXPECT_NE(result.error().message.find("offset"), std::string::npos);
          ++errors;
        }
      }
      EXPECT_GT(errors, 0) << path << " bit " << bit;
      EXPECT_TRUE(base.log->state(partition(1))->offline.has_value());
      EXPECT_FALSE(base.append(partition(1), {"no"}).ok());
      EXPECT_TRUE(base.append(partition(2), {"yes"}).ok());  // the others go on
      auto findings = verify_directory(base.disk, "data", nullptr);
      EXPECT_TRUE(findings.ok() && !findings->empty() && findings->front().damage) << path << " bit " << bit;
      base.kill();
      base.disk.overwrite(path, bit / 8, {&content[bit / 8], 1});
    }
  }
}

TEST(Damage, aBatchMovedFromAnotherPartitionIsNotServed) {
  LogHarness h;
  h.open();
  ASSERT_TRUE(h.append(partition(1), {"mine"}).ok());
  ASSERT_TRUE(h.append(partition(2), {"your"}).ok());
  ASSERT_TRUE(h.log->stop().ok());
  const auto path = [](uint8_t topic, const char* name) {
    return "data/topics/" + partition_folder_name(name, partition(topic)) + "/" + numbered_name(0, ".log");
  };
  h.disk.overwrite(path(1, "one"), 0, h.disk.content(path(2, "two")));  // Kafka's CRC holds
  h.open();
  EXPECT_EQ(h.read_all(partition(1)).error().kind, ErrorKind::kCorrupt);
}

TEST(Damage, damagedOrMissingIndexesAreRebuilt) {
  LogHarness h;
  h.open();
  for (int i = 0; i < 40; ++i) {
    std::vector<PartitionAppend> entries;
    entries.push_back({partition(1), batch({std::string(1000, 'x')}, 1000 + i)});
    ASSERT_TRUE(h.append(std::move(entries)).ok());
  }
  ASSERT_TRUE(h.log->stop().ok());
  const auto files = h.disk.files("data/topics/one-0");
  for (int way = 0; way < 3; ++way) {
    for (const auto& path : files) {
      if (!path.ends_with("index")) continue;
      if (way == 0) {
        ASSERT_TRUE(h.disk.remove(path).ok());
      }
      if (way == 1) h.disk.cut(path, h.disk.content(path).size() / 2);
      if (way == 2) h.disk.overwrite(path, 0, Bytes(h.disk.content(path).size(), std::byte{0x55}));
    }
    h.open();
    for (int i = 0; i < 40; ++i) {
      auto found = h.log->offset_for_timestamp(partition(1), TimestampMs(1000 + i));
      ASSERT_TRUE(found.ok()) << found.error().message;
      EXPECT_EQ(*found, Offset(i)) << way;
    }
    EXPECT_EQ(h.read_all(partition(1))->size(), 40u);
    ASSERT_TRUE(h.log->stop().ok());
  }
}

TEST(Damage, aSegmentThatIsCutOrGoneTakesItsPartitionOffline) {
  for (bool remove : {false, true}) {
    for (size_t which : {0, 1, 2}) {
      LogHarness h;
      h.open();
      for (int i = 0; i < 40; ++i) ASSERT_TRUE(h.append(partition(1), {std::string(1000, 'x')}).ok());
      ASSERT_TRUE(h.log->stop().ok());
      std::vector<std::string> logs;
      for (const auto& path : h.disk.files("data/topics/one-0")) {
        if (path.ends_with(".log")) logs.push_back(path);
      }
      ASSERT_GE(logs.size(), 3u);
      if (remove) {
        ASSERT_TRUE(h.disk.remove(logs[which]).ok());
      } else {
        h.disk.cut(logs[which], 700);
      }
      h.open();
      EXPECT_EQ(h.read_all(partition(1)).error().kind, ErrorKind::kCorrupt) << remove << which;
      EXPECT_TRUE(h.append(partition(2), {"yes"}).ok());
      auto findings = verify_directory(h.disk, "data", nullptr);
      EXPECT_TRUE(findings.ok() && !findings->empty() && findings->front().damage);
    }
  }
}

TEST(Verify, aHealthyDirectoryHasNoFindingsAndProgressReachesTheEnd) {
  LogHarness h;
  h.open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(h.append(partition(1, i % 3), {std::string(1000, 'x')}).ok());
  for (bool clean : {false, true}) {
    if (clean) {
      h.open();
      ASSERT_TRUE(h.log->stop().ok());
    } else {
      h.kill();
    }
    uint64_t done = 0, total = 0;
    auto findings = verify_directory(h.disk, "data", [&](uint64_t d, uint64_t t) {
      EXPECT_GE(d, done);
      done = d;
      total = t;
    });
    ASSERT_TRUE(findings.ok());
    for (const auto& finding : *findings) EXPECT_FALSE(finding.damage) << finding.file << " " << finding.text;
    EXPECT_EQ(done, total);
    EXPECT_GT(total, 50'000u);
  }
}

}  // namespace
}  // namespace sluice::storage
