// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/disk.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace sluice {
namespace {

class PosixDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/sluice-disk-XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { EXPECT_TRUE(posix_disk().remove_all(directory_).ok()); }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string directory_;
};

TEST_F(PosixDiskTest, WritesManyPartsAtAPosition) {
  auto file = posix_disk().open(path("a"), OpenMode::kCreate);
  ASSERT_TRUE(file.ok());
  std::vector<std::string> texts(200, "xy");  // more parts than one call takes
  texts[100] = "";
  std::vector<ByteView> parts;
  for (const auto& text : texts) parts.push_back(as_bytes(text));
  ASSERT_TRUE((*file)->write_at(3, parts).ok());
  EXPECT_EQ(*(*file)->size(), 3u + 199 * 2);
  Bytes back(398);
  EXPECT_EQ(*(*file)->read_at(3, back), 398u);
  EXPECT_EQ(as_text(back).substr(0, 4), "xyxy");
  EXPECT_EQ(*(*file)->read_at(399, back), 2u) << "shorter at the end of the file";
  EXPECT_TRUE((*file)->sync().ok());
}

TEST_F(PosixDiskTest, SaysWhichFileAndWhy) {
  auto missing = posix_disk().open(path("none"), OpenMode::kRead);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(missing.error().message.find(path("none")), std::string::npos);
  ASSERT_TRUE(posix_disk().open(path("a"), OpenMode::kCreate).ok());
  EXPECT_EQ(posix_disk().open(path("a"), OpenMode::kCreate).error().kind, ErrorKind::kConflict);
}

TEST_F(PosixDiskTest, AFullDiskIsRetriable) {
  auto file = posix_disk().open("/dev/full", OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  auto status = (*file)->write_at(0, as_bytes("x"));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::kRetriable);
}

TEST_F(PosixDiskTest, LockIsExclusive) {
  auto first = posix_disk().lock(path(".lock"));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(posix_disk().lock(path(".lock")).error().kind, ErrorKind::kConflict);
  first->reset();
  EXPECT_TRUE(posix_disk().lock(path(".lock")).ok());
}

TEST_F(PosixDiskTest, ReplacesAFileAtomically) {
  ASSERT_TRUE(write_file_atomically(posix_disk(), path("f"), as_bytes("old")).ok());
  ASSERT_TRUE(write_file_atomically(posix_disk(), path("f"), as_bytes("newer")).ok());
  auto content = read_file(posix_disk(), path("f"), 100);
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(as_text(*content), "newer");
  EXPECT_EQ(*posix_disk().list(directory_), std::vector<std::string>{"f"}) << "no temporary file stays";
  EXPECT_EQ(read_file(posix_disk(), path("f"), 4).error().kind, ErrorKind::kInvalid);
}

TEST_F(PosixDiskTest, AllocatedFileHasItsSizeAndZeros) {
  auto file = posix_disk().open(path("a"), OpenMode::kCreate);
  ASSERT_TRUE((*file)->allocate(8192).ok());
  EXPECT_EQ(*(*file)->size(), 8192u);
  Bytes back(8192, std::byte{1});
  EXPECT_EQ(*(*file)->read_at(0, back), 8192u);
  EXPECT_EQ(back, Bytes(8192));
  ASSERT_TRUE((*file)->truncate(10).ok());
  EXPECT_EQ(*(*file)->size(), 10u);
}

}  // namespace
}  // namespace sluice
