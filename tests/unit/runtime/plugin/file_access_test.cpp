// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/file_access.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdk/include/sluice/plugin.h"
#include "tests/unit/runtime/plugin/plugin_fixture.hpp"

namespace sluice::plugin {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TempFolder;
using testing::write_file;

constexpr uint32_t kRead = SLUICE_FILE_READ;
constexpr uint32_t kCreate = SLUICE_FILE_READ | SLUICE_FILE_WRITE | SLUICE_FILE_CREATE;

// All of it with openat2 and with the walk for kernels that lack it.
class FileAccessTest : public ::testing::TestWithParam<bool> {
 protected:
  FileAccessTest() {
    fs::create_directories(base_ / "root/sub");
    fs::create_directories(base_ / "second");
    fs::create_directories(base_ / "outside");
    write_file(base_ / "root/a", "A");
    write_file(base_ / "root/sub/b", "B");
    write_file(base_ / "second/c", "C");
    write_file(base_ / "outside/secret", "S");
    files_ = FileAccess::make({base_ / "root", base_ / "second"}).value();
    if (!GetParam()) std::const_pointer_cast<FileAccess>(files_)->disable_openat2();
  }
  // The contents, or the error's text.
  std::string open(const std::string& path, uint32_t flags = kRead) {
    auto fd = files_->open("file", path, flags);
    if (!fd.ok()) return kind_ = fd.error().kind, fd.error().message;
    char buffer[16];
    ssize_t n = flags & SLUICE_FILE_DIRECTORY ? 0 : ::read(*fd, buffer, sizeof(buffer));
    ::close(*fd);
    return std::string(buffer, static_cast<size_t>(std::max<ssize_t>(n, 0)));
  }
  TempFolder base_;
  std::shared_ptr<const FileAccess> files_;
  ErrorKind kind_ = ErrorKind::kFatal;
};

TEST_P(FileAccessTest, OpensFilesBelowItsRoots) {
  EXPECT_EQ(open(base_ / "root/a"), "A");
  EXPECT_EQ(open(base_ / "root/sub/../sub/b"), "B");
  EXPECT_EQ(open(base_ / "second/c"), "C");
  EXPECT_EQ(open("sub/b"), "B");  // relative to the first root
  EXPECT_EQ(open("new", kCreate), "");
  EXPECT_TRUE(fs::exists(base_ / "root/new"));
  EXPECT_EQ(open(base_ / "root/sub", SLUICE_FILE_READ | SLUICE_FILE_DIRECTORY), "");
  EXPECT_EQ(open(base_ / "root", SLUICE_FILE_READ | SLUICE_FILE_DIRECTORY), "");
}

TEST_P(FileAccessTest, RefusesEverythingElseAndSaysWhatToChange) {
  auto text = open(base_ / "outside/secret");
  EXPECT_EQ(kind_, ErrorKind::kInvalid);
  EXPECT_THAT(text, HasSubstr("file: " + (base_ / "outside/secret")));
  EXPECT_THAT(text, HasSubstr("add the file's folder to file.allowed.roots"));
  EXPECT_THAT(open("../outside/secret"), HasSubstr("outside of the folders"));
  EXPECT_THAT(open(base_ / "root/../outside/secret"), HasSubstr("outside of the folders"));
  EXPECT_THAT(open("/etc/passwd"), HasSubstr("outside of the folders"));
  EXPECT_THAT(open(base_ / "rootless", kCreate),
              HasSubstr("outside of the folders"));  // not below "root"
  EXPECT_FALSE(fs::exists(base_ / "rootless"));
  EXPECT_THAT(open(""), HasSubstr("is no path"));
  EXPECT_THAT(open(std::string("a\0b", 3)), HasSubstr("is no path"));
}

TEST_P(FileAccessTest, ResolvesLinksAndRefusesThoseThatLeadOut) {
  fs::create_symlink(base_ / "outside/secret", base_ / "root/out");
  fs::create_symlink(base_ / "outside", base_ / "root/outdir");
  fs::create_symlink(base_ / "second/c", base_ / "root/other");
  fs::create_symlink("sub", base_ / "root/inside");
  EXPECT_THAT(open(base_ / "root/out"),
              HasSubstr("that is " + fs::canonical(base_ / "outside/secret").string()));
  EXPECT_THAT(open(base_ / "root/outdir/secret"), HasSubstr("outside of the folders"));
  EXPECT_THAT(open(base_ / "root/outdir/new", kCreate), HasSubstr("outside of the folders"));
  EXPECT_FALSE(fs::exists(base_ / "outside/new"));
  EXPECT_EQ(open(base_ / "root/other"), "C");
  EXPECT_EQ(open(base_ / "root/inside/b"), "B");
  fs::create_symlink(base_ / "outside/later", base_ / "root/dangling");
  open(base_ / "root/dangling", kCreate);
  EXPECT_FALSE(fs::exists(base_ / "outside/later"));
}

TEST_P(FileAccessTest, TellsWhatIsThereFromWhatIsNot) {
  EXPECT_THAT(open("missing"), HasSubstr("no such file"));
  EXPECT_EQ(kind_, ErrorKind::kNotConnected);
  EXPECT_THAT(open("nofolder/x", kCreate), HasSubstr("the folder of the file does not exist"));
  EXPECT_EQ(kind_, ErrorKind::kInvalid);
  EXPECT_THAT(open("sub"), HasSubstr("is a folder"));
  EXPECT_THAT(open("a/x"), HasSubstr("no folder"));
  EXPECT_THAT(open("a", SLUICE_FILE_READ | SLUICE_FILE_DIRECTORY), HasSubstr("is no folder"));
  EXPECT_THAT(open("a", kCreate | SLUICE_FILE_EXCLUSIVE), HasSubstr("exists already"));
  EXPECT_EQ(kind_, ErrorKind::kConflict);
  ASSERT_EQ(::mkfifo((base_ / "root/pipe").c_str(), 0600), 0);
  EXPECT_THAT(open("pipe"), HasSubstr("no regular file"));  // and does not wait for a writer
}

INSTANTIATE_TEST_SUITE_P(Both, FileAccessTest, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "Openat2" : "Walk"; });

TEST(FileAccess, WithoutRootsOpensNothingAndNamesBadRoots) {
  auto none = FileAccess::make({}).value();
  EXPECT_THAT(none->open("file", "/etc/passwd", kRead).error().message,
              HasSubstr("file.allowed.roots"));
  auto bad = FileAccess::make({"/no/such/folder"});
  EXPECT_THAT(bad.error().message, HasSubstr("file.allowed.roots: /no/such/folder: "));
}

}  // namespace
}  // namespace sluice::plugin
