// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_disk.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice::testing {
namespace {

std::string text_of(FakeDisk& disk, const std::string& path) {
  return std::string(as_text(disk.content(path)));
}

std::unique_ptr<File> make_file(FakeDisk& disk, const std::string& path, std::string_view text) {
  auto file = std::move(disk.open(path, OpenMode::kOpenOrCreate)).value();
  EXPECT_TRUE(file->write_at(0, as_bytes(text)).ok());
  return file;
}

TEST(FakeDisk, syncedBytesOfASyncedNameSurviveEveryCrash) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FakeDisk disk(seed);
    ASSERT_TRUE(disk.create_directories("d").ok());
    ASSERT_TRUE(disk.sync_directory(".").ok());
    auto file = make_file(disk, "d/a", "hello");
    ASSERT_TRUE(file->sync().ok());
    ASSERT_TRUE(disk.sync_directory("d").ok());
    disk.crash();
    EXPECT_EQ(text_of(disk, "d/a"), "hello");
    EXPECT_EQ(file->sync().error().kind, ErrorKind::kIo);  // a handle from before the crash is dead
  }
}

TEST(FakeDisk, whatIsNotSyncedIsSometimesLost) {
  std::set<bool> bytes_kept, name_kept, folder_kept;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FakeDisk disk(seed);
    auto synced = make_file(disk, "a", "old");
    ASSERT_TRUE(synced->sync().ok());
    ASSERT_TRUE(disk.sync_directory(".").ok());
    ASSERT_TRUE(synced->write_at(0, as_bytes("new")).ok());
    auto other = make_file(disk, "b", "x");
    ASSERT_TRUE(other->sync().ok());
    ASSERT_TRUE(disk.create_directories("f").ok());
    disk.crash();
    bytes_kept.insert(text_of(disk, "a") == "new");
    name_kept.insert(*disk.exists("b"));
    folder_kept.insert(*disk.exists("f"));
  }
  EXPECT_EQ(bytes_kept.size(), 2u);
  EXPECT_EQ(name_kept.size(), 2u);
  EXPECT_EQ(folder_kept.size(), 2u);
}

TEST(FakeDisk, anUnsyncedWriteMayTearAtSectors) {
  bool torn = false;
  for (uint64_t seed = 0; seed < 50 && !torn; ++seed) {
    FakeDisk disk(seed);
    auto file = make_file(disk, "a", std::string(2048, 'o'));
    ASSERT_TRUE(file->sync().ok());
    ASSERT_TRUE(disk.sync_directory(".").ok());
    ASSERT_TRUE(file->write_at(0, as_bytes(std::string(2048, 'n'))).ok());
    disk.crash();
    auto text = text_of(disk, "a");
    for (size_t i = 0; i < 2048; i += 512) EXPECT_EQ(text.substr(i, 512), std::string(512, text[i]));
    torn = text.find('o') != std::string::npos && text.find('n') != std::string::npos;
  }
  EXPECT_TRUE(torn);
}

TEST(FakeDisk, aRenameIsAllOrNothing) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FakeDisk disk(seed);
    ASSERT_TRUE(make_file(disk, "a", "one")->sync().ok());
    ASSERT_TRUE(disk.sync_directory(".").ok());
    ASSERT_TRUE(make_file(disk, "a.tmp", "two")->sync().ok());
    ASSERT_TRUE(disk.rename("a.tmp", "a").ok());
    disk.crash();
    seen.insert(text_of(disk, "a"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"one", "two"}));
}

TEST(FakeDisk, aFailedSyncDropsTheBytesButKeepsThemReadable) {
  FakeDisk disk(1);
  auto file = make_file(disk, "a", "old");
  ASSERT_TRUE(file->sync().ok());
  ASSERT_TRUE(disk.sync_directory(".").ok());
  ASSERT_TRUE(file->write_at(0, as_bytes("new")).ok());
  disk.inject(DiskCall::kSync, DiskFault::kSyncDrops);
  EXPECT_EQ(file->sync().error().kind, ErrorKind::kIo);
  EXPECT_EQ(text_of(disk, "a"), "new");
  EXPECT_TRUE(file->sync().ok());  // the lie of real kernels
  disk.crash();
  EXPECT_EQ(text_of(disk, "a"), "old");
}

TEST(FakeDisk, injectionsHitTheNthCallOnTheNamedPath) {
  FakeDisk disk(1);
  auto a = make_file(disk, "a", "");
  auto b = make_file(disk, "b", "");
  disk.inject(DiskCall::kWrite, DiskFault::kNoSpace, 2, 1, "b");
  EXPECT_TRUE(a->write_at(0, as_bytes("1")).ok());
  EXPECT_TRUE(b->write_at(0, as_bytes("1")).ok());
  EXPECT_TRUE(a->write_at(1, as_bytes("2")).ok());
  EXPECT_EQ(b->write_at(1, as_bytes("2")).error().kind, ErrorKind::kRetriable);
  EXPECT_TRUE(b->write_at(1, as_bytes("2")).ok());
}

TEST(FakeDisk, capacityIsRespectedAndComesBackWithRemoval) {
  FakeDisk disk(1);
  disk.set_capacity(1000);
  auto a = make_file(disk, "a", std::string(600, 'a'));
  auto b = std::move(disk.open("b", OpenMode::kCreate)).value();
  EXPECT_EQ(b->allocate(600).error().kind, ErrorKind::kRetriable);
  EXPECT_EQ(b->write_at(0, as_bytes(std::string(600, 'b'))).error().kind, ErrorKind::kRetriable);
  EXPECT_EQ(*b->size(), 400u);  // what fitted
  ASSERT_TRUE(disk.remove("a").ok());
  EXPECT_TRUE(b->write_at(0, as_bytes(std::string(600, 'b'))).ok());
  EXPECT_EQ(*disk.free_bytes("."), 400u);
}

TEST(FakeDisk, afterPowerOffNothingChangesUntilTheCrash) {
  FakeDisk disk(1);
  auto file = make_file(disk, "a", "x");
  ASSERT_TRUE(file->sync().ok());
  ASSERT_TRUE(disk.sync_directory(".").ok());
  disk.power_off_after(2);
  EXPECT_TRUE(file->write_at(0, as_bytes("y")).ok());
  EXPECT_FALSE(file->sync().ok());
  EXPECT_FALSE(file->write_at(0, as_bytes("z")).ok());
  EXPECT_TRUE(disk.powered_off());
  disk.crash();
  EXPECT_NE(text_of(disk, "a"), "z");
  EXPECT_TRUE(disk.open("a", OpenMode::kRead).ok());
}

TEST(FakeDisk, locksAreExclusiveAndEndWithTheHandle) {
  FakeDisk disk(1);
  auto lock = disk.lock("lock");
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(disk.lock("lock").error().kind, ErrorKind::kConflict);
  lock->reset();
  EXPECT_TRUE(disk.lock("lock").ok());
}

TEST(FakeDisk, atomicFileWriteSurvivesAPowerLossAtEveryStep) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (uint64_t step = 1; step < 8; ++step) {
      FakeDisk disk(seed);
      ASSERT_TRUE(write_file_atomically(disk, "m", as_bytes("one")).ok());
      disk.power_off_after(step);
      bool written = write_file_atomically(disk, "m", as_bytes("second")).ok();
      disk.crash();
      auto text = text_of(disk, "m");
      EXPECT_TRUE(text == "second" || (text == "one" && !written)) << seed << " " << step << " " << text;
    }
  }
}

}  // namespace
}  // namespace sluice::testing
