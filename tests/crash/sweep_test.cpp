// SPDX-License-Identifier: Apache-2.0
// Damage of every file of a small data directory, at every place: whatever the log then serves is
// exactly what was acknowledged, or it says that something is wrong. Never wrong data, never a
// crash.
#include <gtest/gtest.h>

#include <cstdlib>

#include "broker-core/storage/paths.hpp"
#include "broker-core/storage/swap_file.hpp"
#include "tests/unit/broker-core/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using Records = std::map<int64_t, std::string>;
using Files = std::map<std::string, Bytes>;

// What a stopped or killed process left, and what it had acknowledged.
struct Image {
  Files files;
  std::map<TopicPartition, Records> acknowledged;
};

void configure(LogHarness& harness) {
  harness.settings.commit_file_bytes = 16 * 1024;
  for (auto& [id, topic] : harness.topics) {
    topic.segment_bytes = 2048;
    topic.index_interval_bytes = 256;
  }
}

// Two topics, several segments, a checkpoint in the middle, frames behind it.
Image make_image(bool clean) {
  Image image;
  LogHarness harness;
  configure(harness);
  harness.open();
  int number = 0;
  auto append = [&](const TopicPartition& to, int records) {
    std::vector<std::string> values;
    for (int i = 0; i < records; ++i) values.push_back("value-" + std::to_string(number++));
    auto result = harness.append(to, values);
    ASSERT_TRUE(result.ok()) << result.error().message;
    for (size_t i = 0; i < values.size(); ++i) {
      image.acknowledged[to][(*result)[0].base_offset.value() + static_cast<int64_t>(i)] =
          values[i];
    }
  };
  for (int round = 0; round < 20; ++round)
    append(partition(static_cast<uint8_t>(1 + round % 2)), 3);
  EXPECT_TRUE(harness.log->checkpoint().ok());
  for (int round = 0; round < 12; ++round)
    append(partition(static_cast<uint8_t>(1 + round % 2)), 3);
  if (clean) {
    EXPECT_TRUE(harness.log->stop().ok());
  }
  harness.kill();
  for (const auto& path : harness.disk.files()) image.files[path] = harness.disk.content(path);
  return image;
}

// The same after a kill in the middle of a compaction: its output is whole, the swap file says what
// goes.
Image make_swap_image() {
  Image image = make_image(true);
  const std::string folder = "data/topics/" + partition_folder_name("one", partition(1));
  const std::string first = folder + "/" + numbered_name(0, "");
  for (const char* extension : kSegmentExtensions) {
    const auto there = image.files.find(first + extension);
    if (there != image.files.end()) image.files[first + extension + kCleaned] = there->second;
  }
  testing::FakeDisk disk(1);
  EXPECT_TRUE(disk.create_directories(folder).ok());
  EXPECT_TRUE(write_swap(disk, folder, {Offset(0), false, {Offset(0)}}).ok());
  image.files[first + ".swap"] = disk.content(first + ".swap");
  return image;
}

// One topic with one file of 64 KiB: its segment after a clean stop, or the commit log after a
// kill.
Image make_large_image(bool clean) {
  Image image;
  LogHarness harness;
  harness.settings.commit_file_bytes = 64 * 1024;
  for (auto& [id, topic] : harness.topics) topic.segment_bytes = 1 << 20;
  harness.open();
  const auto to = partition(1);
  for (int number = 0; number < 18 * 3; number += 3) {
    std::vector<std::string> values;
    for (int i = 0; i < 3; ++i) {
      values.push_back("value-" + std::to_string(number + i) + std::string(535, 'x'));
      image.acknowledged[to][number + i] = values.back();
    }
    EXPECT_TRUE(harness.append(to, values).ok());
  }
  if (clean) {
    EXPECT_TRUE(harness.log->stop().ok());
  }
  harness.kill();
  for (const auto& path : harness.disk.files()) image.files[path] = harness.disk.content(path);
  return image;
}

enum class Verdict { kHarmless, kDetected, kTornTail, kLost };

// Opens `files` as a data directory and reads everything.
Verdict judge(const Image& image, const Files& files, std::string& why) {
  LogHarness harness;
  configure(harness);
  // Folders are not damaged here; after a clean stop the commit log's is empty.
  for (const char* folder : {"data/commit", "data/topics"}) {
    EXPECT_TRUE(harness.disk.create_directories(folder).ok());
  }
  for (const auto& [path, content] : files) {
    const auto folder = path.substr(0, path.rfind('/'));
    EXPECT_TRUE(harness.disk.create_directories(folder).ok());
    auto file = harness.disk.open(path, OpenMode::kOpenOrCreate);
    if (!file.ok()) continue;  // the folder's own entry
    EXPECT_TRUE((*file)->write_at(0, content).ok());
  }
  if (auto status = harness.try_open(); !status.ok()) {
    why = status.error().message;
    return Verdict::kDetected;
  }
  const bool torn = harness.log->recovery().torn_tail_bytes > 0;
  size_t missing = 0;  // in silence, over all partitions
  bool detected = false;
  for (const auto& [tp, expected] : image.acknowledged) {
    auto records = harness.read_all(tp);
    if (!records.ok()) {
      why = records.error().message;
      EXPECT_TRUE(records.error().kind == ErrorKind::kCorrupt ||
                  records.error().kind == ErrorKind::kOutOfRange)
          << why;
      detected = true;
      continue;
    }
    for (const auto& [offset, value] : *records) {
      auto known = expected.find(offset);
      if (known == expected.end() || known->second != value) {
        ADD_FAILURE() << "wrong data at offset " << offset << ": " << value;
        return Verdict::kLost;
      }
    }
    missing += expected.size() - records->size();
  }
  if (missing == 0) return detected ? Verdict::kDetected : Verdict::kHarmless;
  why = std::to_string(missing) + " acknowledged records are not served";
  // Only the last round can look torn: nothing behind it says that it was whole.
  return torn && missing <= 3 ? Verdict::kTornTail : Verdict::kLost;
}

struct Tally {
  std::map<Verdict, int> verdicts;
  std::string text() {
    return std::to_string(verdicts[Verdict::kDetected]) + " detected, " +
           std::to_string(verdicts[Verdict::kHarmless]) + " harmless, " +
           std::to_string(verdicts[Verdict::kTornTail]) + " taken for a torn last round";
  }
};

// Flips each `stride`-th bit of each file, one at a time.
void flip_bits(const Image& image, size_t stride) {
  Tally tally;
  for (const auto& [path, content] : image.files) {
    for (size_t bit = 0; bit < content.size() * 8; bit += stride) {
      Files damaged = image.files;
      damaged[path][bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      std::string why;
      Verdict verdict = judge(image, damaged, why);
      ++tally.verdicts[verdict];
      ASSERT_NE(verdict, Verdict::kLost) << path << ", bit " << bit << ": " << why;
    }
  }
  std::printf("bit flips: %s\n", tally.text().c_str());
  EXPECT_GT(tally.verdicts[Verdict::kDetected], 0);
  EXPECT_GT(tally.verdicts[Verdict::kHarmless], 0);
}

void truncate_files(const Image& image, size_t stride) {
  Tally tally;
  for (const auto& [path, content] : image.files) {
    for (size_t length = 0; length < content.size(); length += stride) {
      Files damaged = image.files;
      damaged[path].resize(length);
      std::string why;
      Verdict verdict = judge(image, damaged, why);
      ++tally.verdicts[verdict];
      ASSERT_NE(verdict, Verdict::kLost) << path << " cut to " << length << " bytes: " << why;
    }
  }
  std::printf("truncations: %s\n", tally.text().c_str());
  EXPECT_GT(tally.verdicts[Verdict::kDetected], 0);
}

// Every length of the one file whose name ends like that.
void truncate_file(const Image& image, const std::string& ending, size_t stride) {
  Tally tally;
  size_t swept = 0;
  for (const auto& [path, content] : image.files) {
    if (!path.ends_with(ending)) continue;
    EXPECT_GT(content.size(), 58u * 1024) << path;
    for (size_t length = 0; length < content.size(); length += stride, ++swept) {
      Files damaged = image.files;
      damaged[path].resize(length);
      std::string why;
      Verdict verdict = judge(image, damaged, why);
      ++tally.verdicts[verdict];
      ASSERT_NE(verdict, Verdict::kLost) << path << " cut to " << length << " bytes: " << why;
    }
  }
  std::printf("%zu lengths of *%s: %s\n", swept, ending.c_str(), tally.text().c_str());
  EXPECT_GT(tally.verdicts[Verdict::kDetected], 0);
}

// SLUICE_SWEEP_STRIDE=1 tries every place; in sanitized builds a prime step walks over all kinds of
// places in seconds.
size_t stride(size_t in_ci) {
  const char* text = std::getenv("SLUICE_SWEEP_STRIDE");
  return text ? std::strtoul(text, nullptr, 10) : in_ci;
}

TEST(Sweep, undamagedImagesServeEverything) {
  for (bool clean : {true, false}) {
    Image image = make_image(clean);
    std::string why;
    EXPECT_EQ(judge(image, image.files, why), Verdict::kHarmless) << why;
  }
}

TEST(Sweep, everyBitFlipAfterACleanStop) {
  flip_bits(make_image(true), stride(1));
}
TEST(Sweep, everyBitFlipAfterAKill) {
  flip_bits(make_image(false), stride(1));
}
TEST(Sweep, everyBitFlipOfACompactionsSwapFile) {
  const Image image = make_swap_image();
  std::string why;
  ASSERT_EQ(judge(image, image.files, why), Verdict::kHarmless) << why;
  Tally tally;
  for (const auto& [path, content] : image.files) {
    if (!path.ends_with(".swap")) continue;
    for (size_t bit = 0; bit < content.size() * 8; ++bit) {
      Files damaged = image.files;
      damaged[path][bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      const Verdict verdict = judge(image, damaged, why);
      ++tally.verdicts[verdict];
      ASSERT_NE(verdict, Verdict::kLost) << path << ", bit " << bit << ": " << why;
    }
  }
  std::printf("swap file: %s\n", tally.text().c_str());
  EXPECT_GT(tally.verdicts[Verdict::kDetected], 200);  // bits
}
TEST(Sweep, everyTruncationAfterACleanStop) {
  truncate_files(make_image(true), stride(3));
}
TEST(Sweep, everyTruncationAfterAKill) {
  truncate_files(make_image(false), stride(3));
}

TEST(Sweep, everyTruncationOfA64KiBSegment) {
  truncate_file(make_large_image(true), ".log", stride(1));
}
TEST(Sweep, everyTruncationOfA64KiBCommitLog) {
  truncate_file(make_large_image(false), ".commit", stride(1));
}

}  // namespace
}  // namespace sluice::storage
