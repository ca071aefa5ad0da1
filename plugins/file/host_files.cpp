// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/host_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <sluice/sdk/crash_point.hpp>

#include <array>
#include <cerrno>
#include <cstdio>

namespace sluice::file_plugin {

namespace {

constexpr const char* kMarkName = "user.sluice.base";
constexpr std::string_view kFileKey = "file";

int64_t nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

FileInfo info_of(const struct stat& raw) {
  FileInfo info;
  info.size = static_cast<uint64_t>(raw.st_size);
  info.device = raw.st_dev;
  info.inode = raw.st_ino;
  info.links = raw.st_nlink;
  info.changed_ns = nanoseconds(raw.st_ctim);
  info.modified_ns = nanoseconds(raw.st_mtim);
  info.regular = S_ISREG(raw.st_mode);
  return info;
}

FolderEntry::Kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FolderEntry::Kind::kFile;
  if (S_ISDIR(mode)) return FolderEntry::Kind::kFolder;
  return S_ISLNK(mode) ? FolderEntry::Kind::kLink : FolderEntry::Kind::kOther;
}

// A file descriptor that is closed in the end. Owned by whoever holds it.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  // What a late error of close could say was said by fdatasync before, where it matters.
  ~Descriptor() { ::close(fd_); }
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile : public File {
 public:
  explicit PosixFile(int fd) : fd_(fd) {}

  IoResult read_at(char* to, size_t size, uint64_t offset) override {
    uint64_t done = 0;
    while (done < size) {
      const ssize_t n =
          ::pread(fd_.get(), to + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return {errno, done};
      if (n == 0) break;
      done += static_cast<uint64_t>(n);
    }
    return {0, done};
  }

  IoResult write_at(std::string_view bytes, uint64_t offset) override {
    uint64_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return {errno, done};
      done += static_cast<uint64_t>(n);
    }
    return {0, done};
  }

  IoResult truncate(uint64_t size) override {
    return outcome(::ftruncate(fd_.get(), static_cast<off_t>(size)));
  }
  IoResult sync() override { return outcome(::fdatasync(fd_.get())); }
  IoResult lock() override { return outcome(::flock(fd_.get(), LOCK_EX | LOCK_NB)); }

  IoResult info(FileInfo* info) override {
    struct stat raw = {};
    if (::fstat(fd_.get(), &raw) != 0) return {errno, 0};
    *info = info_of(raw);
    return {};
  }

  IoResult read_mark(std::string* value) override {
    std::array<char, 64> text;
    const ssize_t size = ::fgetxattr(fd_.get(), kMarkName, text.data(), text.size());
    if (size < 0) return {errno, 0};
    value->assign(text.data(), static_cast<size_t>(size));
    return {};
  }
  IoResult write_mark(std::string_view value) override {
    return outcome(::fsetxattr(fd_.get(), kMarkName, value.data(), value.size(), 0));
  }

 private:
  static IoResult outcome(int result) { return {result == 0 ? 0 : errno, 0}; }
  Descriptor fd_;
};

std::pair<std::string, std::string> split_path(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

Result<std::unique_ptr<File>> HostFiles::open_flags(const std::string& path, uint32_t flags) {
  SLUICE_SDK_ASSIGN(const int fd, context_.open_file(kFileKey, path, flags));
  return std::unique_ptr<File>(std::make_unique<PosixFile>(fd));
}

Result<std::unique_ptr<File>> HostFiles::open(const std::string& path, Access access) {
  return open_flags(
      path, access == Access::kRead ? SLUICE_FILE_READ : SLUICE_FILE_READ | SLUICE_FILE_WRITE);
}

Result<std::unique_ptr<File>> HostFiles::create(const std::string& path) {
  auto existing = open(path, Access::kWrite);
  if (existing.ok() || existing.error().kind != SLUICE_NOT_CONNECTED) return existing;
  auto created = open_flags(path, SLUICE_FILE_READ | SLUICE_FILE_WRITE | SLUICE_FILE_CREATE);
  if (!created.ok()) {
    Error error = std::move(created).error();
    // Still "no such file": its directory is missing, and nobody is going to connect to anything.
    if (error.kind == SLUICE_NOT_CONNECTED) error.kind = SLUICE_FATAL;
    return error.with("cannot create 'file' = '" + path + "'");
  }
  SLUICE_SDK_ASSIGN(const int fd, open_directory_of(path));
  const Descriptor directory(fd);
  SLUICE_CRASH_POINT("file.created");
  if (::fsync(directory.get()) != 0) return io_error("syncing the directory of", path, errno);
  return created;
}

Result<int> HostFiles::open_directory_of(const std::string& path) {
  return context_.open_file(kFileKey, split_path(path).first,
                            SLUICE_FILE_READ | SLUICE_FILE_DIRECTORY);
}

Result<std::vector<FolderEntry>> HostFiles::list(const std::string& path, size_t max) {
  SLUICE_SDK_ASSIGN(const int fd,
                    context_.open_file(kFileKey, path, SLUICE_FILE_READ | SLUICE_FILE_DIRECTORY));
  const auto close = [](DIR* folder) { ::closedir(folder); };
  const std::unique_ptr<DIR, decltype(close)> folder(::fdopendir(fd), close);
  if (folder == nullptr) {
    const int error = errno;
    ::close(fd);
    return io_error("listing", path, error);
  }
  std::vector<FolderEntry> entries;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) {
      if (errno != 0) return io_error("listing", path, errno);
      return entries;
    }
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    struct stat raw = {};
    if (::fstatat(fd, entry->d_name, &raw, AT_SYMLINK_NOFOLLOW) != 0) continue;  // it went just now
    if (entries.size() >= max) {
      return Error::config("the folder '" + path + "' holds more than " + std::to_string(max) +
                           " names; move old files away, or raise max.files");
    }
    entries.push_back({std::string(name), kind_of(raw.st_mode), info_of(raw)});
  }
}

Status HostFiles::remove(const std::string& path) {
  SLUICE_SDK_ASSIGN(const int fd, open_directory_of(path));
  const Descriptor directory(fd);
  if (::unlinkat(directory.get(), split_path(path).second.c_str(), 0) != 0 && errno != ENOENT) {
    return io_error("deleting", path, errno);
  }
  if (::fsync(directory.get()) != 0)
    return Error::fatal(describe("syncing the directory of", path, errno));
  return sdk::ok();
}

Status HostFiles::rename(const std::string& from, const std::string& to) {
  SLUICE_SDK_ASSIGN(const int fd, open_directory_of(to));
  const Descriptor target(fd);
  SLUICE_SDK_ASSIGN(const int from_fd, open_directory_of(from));
  const Descriptor source(from_fd);
  const std::string from_name = split_path(from).second;
  const std::string to_name = split_path(to).second;
  SLUICE_CRASH_POINT("file.before_rename");
  if (::renameat(source.get(), from_name.c_str(), target.get(), to_name.c_str()) != 0) {
    return io_error("renaming to", to, errno);
  }
  SLUICE_CRASH_POINT("file.renamed");
  // First the new name: at no time the file is without one.
  if (::fsync(target.get()) != 0)
    return Error::fatal(describe("syncing the directory of", to, errno));
  if (split_path(from).first != split_path(to).first && ::fsync(source.get()) != 0) {
    return Error::fatal(describe("syncing the directory of", from, errno));
  }
  return sdk::ok();
}

Status HostFiles::make_folder(const std::string& path) {
  if (path.empty()) return sdk::ok();
  auto opened = context_.open_file(kFileKey, path, SLUICE_FILE_READ | SLUICE_FILE_DIRECTORY);
  if (opened.ok()) {
    ::close(*opened);
    return sdk::ok();
  }
  if (opened.error().kind != SLUICE_NOT_CONNECTED) return std::move(opened).error();
  const auto [parent, name] = split_path(path);
  if (parent != ".") SLUICE_SDK_TRY(make_folder(parent));
  SLUICE_SDK_ASSIGN(const int fd, open_directory_of(path));
  const Descriptor folder(fd);
  if (::mkdirat(folder.get(), name.c_str(), 0750) != 0 && errno != EEXIST)
    return io_error("making", path, errno);
  if (::fsync(folder.get()) != 0)
    return Error::fatal(describe("syncing the directory of", path, errno));
  return sdk::ok();
}

}  // namespace sluice::file_plugin
