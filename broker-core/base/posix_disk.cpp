// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>

#include "broker-core/base/disk.hpp"

namespace sluice {
namespace {

Error error_of(int code, const std::string& call, const std::string& path) {
  ErrorKind kind = ErrorKind::kIo;
  if (code == ENOENT) kind = ErrorKind::kNotFound;
  if (code == EEXIST) kind = ErrorKind::kConflict;
  if (code == ENOSPC || code == EDQUOT || code == EMFILE || code == ENFILE) kind = ErrorKind::kRetriable;
  return {kind, call + " " + path + ": " + std::strerror(code)};
}

template <class Call>
auto retry_interrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

class PosixFile : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<size_t> read_at(uint64_t position, std::span<std::byte> into) override {
    size_t done = 0;
    while (done < into.size()) {
      ssize_t got = retry_interrupted([&] {
        return ::pread(fd_, into.data() + done, into.size() - done, static_cast<off_t>(position + done));
      });
      if (got < 0) return error_of(errno, "read", path_);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  Status write_at(uint64_t position, std::span<const ByteView> parts) override {
    constexpr size_t kPartsMax = 64;  // of IOV_MAX = 1024; more brings nothing
    size_t part = 0;
    size_t skip = 0;  // bytes of parts[part] that are written already
    while (true) {
      while (part < parts.size() && parts[part].size() == skip) {
        ++part;
        skip = 0;
      }
      if (part == parts.size()) return ok();
      iovec vectors[kPartsMax];
      size_t count = 0;
      for (size_t i = part; i < parts.size() && count < kPartsMax; ++i, ++count) {
        size_t offset = i == part ? skip : 0;
        // writev's vectors lack const; it only reads.
        vectors[count] = {const_cast<std::byte*>(parts[i].data()) + offset, parts[i].size() - offset};
      }
      ssize_t wrote = retry_interrupted([&] {
        return ::pwritev(fd_, vectors, static_cast<int>(count), static_cast<off_t>(position));
      });
      if (wrote < 0) return error_of(errno, "write", path_);
      position += static_cast<uint64_t>(wrote);
      auto left = static_cast<size_t>(wrote);
      while (left > 0) {
        size_t available = parts[part].size() - skip;
        size_t taken = std::min(available, left);
        skip += taken;
        left -= taken;
        if (skip == parts[part].size()) {
          ++part;
          skip = 0;
        }
      }
    }
  }

  Status write_back(bool wait) override {
    const unsigned flags = wait ? SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER
                                : SYNC_FILE_RANGE_WRITE;
    if (retry_interrupted([&] { return ::sync_file_range(fd_, 0, 0, flags); }) < 0 && errno != ENOSYS) {
      return error_of(errno, "sync_file_range", path_);
    }
    return ok();
  }
  Status sync() override {
    if (retry_interrupted([&] { return ::fdatasync(fd_); }) < 0) return error_of(errno, "fdatasync", path_);
    return ok();
  }
  Status truncate(uint64_t size) override {
    if (retry_interrupted([&] { return ::ftruncate(fd_, static_cast<off_t>(size)); }) < 0) {
      return error_of(errno, "truncate", path_);
    }
    return ok();
  }
  Status allocate(uint64_t size) override {
    int code;
    do {
      code = ::posix_fallocate(fd_, 0, static_cast<off_t>(size));
    } while (code == EINTR);
    if (code != 0) return error_of(code, "allocate", path_);
    return ok();
  }
  Result<uint64_t> size() override {
    struct stat info{};
    if (::fstat(fd_, &info) < 0) return error_of(errno, "stat", path_);
    return static_cast<uint64_t>(info.st_size);
  }
  int fd() const { return fd_; }

 private:
  const int fd_;
  const std::string path_;
};

class PosixDisk : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC;
    switch (mode) {
      case OpenMode::kRead: flags |= O_RDONLY; break;
      case OpenMode::kReadWrite: flags |= O_RDWR; break;
      case OpenMode::kCreate: flags |= O_RDWR | O_CREAT | O_EXCL; break;
      case OpenMode::kOpenOrCreate: flags |= O_RDWR | O_CREAT; break;
    }
    int fd = retry_interrupted([&] { return ::open(path.c_str(), flags, 0640); });
    if (fd < 0) return error_of(errno, "open", path);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path));
  }
  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) < 0) return error_of(errno, "rename", from + " to " + to);
    return ok();
  }
  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) < 0) return error_of(errno, "remove", path);
    return ok();
  }
  Status remove_all(const std::string& path) override {
    std::error_code code;
    std::filesystem::remove_all(path, code);
    if (code) return error_of(code.value(), "remove", path);
    return ok();
  }
  Status create_directories(const std::string& path) override {
    std::error_code code;
    std::filesystem::create_directories(path, code);
    if (code) return error_of(code.value(), "create directory", path);
    return ok();
  }
  Status sync_directory(const std::string& path) override {
    int fd = retry_interrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return error_of(errno, "open", path);
    int code = retry_interrupted([&] { return ::fsync(fd); }) < 0 ? errno : 0;
    ::close(fd);
    if (code != 0) return error_of(code, "fsync", path);
    return ok();
  }
  Result<bool> sync_all(const std::string& path) override {
    // File systems whose syncfs() is known to flush the device. Others pass over what they cannot do (FUSE).
    constexpr std::array kKnown = {0xEF53L /* ext4 */, 0x58465342L /* xfs */, 0x9123683EL /* btrfs */,
                                   0xF2F52010L /* f2fs */, 0x01021994L /* tmpfs */};
    int fd = retry_interrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return error_of(errno, "open", path);
    const PosixFile directory(fd, path);
    struct statfs info{};
    if (retry_interrupted([&] { return ::fstatfs(fd, &info); }) < 0) return error_of(errno, "statfs", path);
    const auto type = static_cast<long>(info.f_type);
    if (std::find(kKnown.begin(), kKnown.end(), type) == kKnown.end()) return false;
    if (retry_interrupted([&] { return ::syncfs(fd); }) < 0) return error_of(errno, "syncfs", path);
    return true;
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return error_of(errno, "list", path);
    std::vector<std::string> names;
    errno = 0;
    while (dirent* entry = ::readdir(directory)) {
      std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(std::move(name));
      errno = 0;
    }
    int code = errno;
    ::closedir(directory);
    if (code != 0) return error_of(code, "list", path);
    std::sort(names.begin(), names.end());
    return names;
  }
  Result<bool> exists(const std::string& path) override {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return error_of(errno, "stat", path);
  }
  Result<std::unique_ptr<File>> lock(const std::string& path) override {
    int fd = retry_interrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640); });
    if (fd < 0) return error_of(errno, "open", path);
    auto file = std::make_unique<PosixFile>(fd, path);
    if (retry_interrupted([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) < 0) {
      if (errno == EWOULDBLOCK) return Error{ErrorKind::kConflict, path + " is locked by another process"};
      return error_of(errno, "lock", path);
    }
    return std::unique_ptr<File>(std::move(file));
  }
  Result<uint64_t> free_bytes(const std::string& path) override {
    struct statvfs info{};
    if (::statvfs(path.c_str(), &info) < 0) return error_of(errno, "statvfs", path);
    return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  }
};

}  // namespace

Disk& posix_disk() {
  static PosixDisk disk;
  return disk;
}

}  // namespace sluice
