// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/file_access.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "sdk/include/sluice/plugin.h"

namespace sluice::plugin {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxPath = 4096;
constexpr mode_t kFileMode = 0640;

int open_flags(uint32_t flags) {
  if (flags & SLUICE_FILE_DIRECTORY) return O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  int out = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;  // not waiting for the other end of a pipe
  bool read = (flags & SLUICE_FILE_READ) != 0;
  bool write = (flags & SLUICE_FILE_WRITE) != 0;
  out |= write ? (read ? O_RDWR : O_WRONLY) : O_RDONLY;
  if (flags & SLUICE_FILE_CREATE) out |= O_CREAT;
  if (flags & SLUICE_FILE_EXCLUSIVE) out |= O_EXCL;
  return out;
}

// The part of `path` below `root`; nullopt if it lies elsewhere. Both are free of links and dots.
std::optional<std::string> below(const std::string& root, const std::string& path) {
  if (path == root) return ".";
  auto prefix = root == "/" ? root : root + "/";
  if (path.compare(0, prefix.size(), prefix) != 0) return std::nullopt;
  return path.substr(prefix.size());
}

Error io_error(const std::string& key, const std::string& path, uint32_t flags, int error) {
  auto place = key + ": " + path + ": ";
  switch (error) {
    case ENOENT:
      if (flags & SLUICE_FILE_CREATE)
        return {ErrorKind::kInvalid, place + "the folder of the file does not exist; create it"};
      return {ErrorKind::kNotConnected, place + "no such file"};
    case ENOTDIR:
      return {ErrorKind::kInvalid,
              place + ((flags & SLUICE_FILE_DIRECTORY) ? "is no folder"
                                                       : "a part of the path is no folder")};
    case EISDIR:
      return {ErrorKind::kInvalid, place + "is a folder, a file is needed"};
    case EACCES:
    case EPERM:
      return {ErrorKind::kInvalid, place + "the worker's user may not open it (" +
                                       std::strerror(error) + "); check its owner and mode"};
    case EEXIST:
      return {ErrorKind::kConflict, place + "exists already"};
    case ELOOP:
      return {ErrorKind::kNotConnected, place + "is a symbolic link to a file that does not exist"};
    case EMFILE:
    case ENFILE:
      return {ErrorKind::kRetriable, place + std::strerror(error)};
    default:
      return {ErrorKind::kIo, place + std::strerror(error)};
  }
}

// Every component but the last as a folder that is no link.
int walk(int root, const std::string& relative, int flags) {
  int at = ::fcntl(root, F_DUPFD_CLOEXEC, 0);
  if (at < 0) return -errno;
  fs::path path(relative);
  for (auto part = path.begin(); part != path.end(); ++part) {
    bool last = std::next(part) == path.end();
    int next = ::openat(at, part->c_str(),
                        (last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC) | O_NOFOLLOW, kFileMode);
    int error = errno;
    ::close(at);
    if (next < 0) return -error;
    at = next;
  }
  return at;
}

}  // namespace

Result<std::shared_ptr<const FileAccess>> FileAccess::make(const std::vector<std::string>& roots) {
  std::shared_ptr<FileAccess> out(new FileAccess);
  for (const auto& path : roots) {
    std::error_code error;
    auto real = fs::canonical(path, error);
    Root root{real.string(), -1};
    if (!error) {
      root.fd = ::open(root.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
      if (root.fd < 0) error = std::error_code(errno, std::generic_category());
    }
    if (error) {
      return Error{ErrorKind::kInvalid, "file.allowed.roots: " + path + ": " + error.message()};
    }
    out->roots_.push_back(std::move(root));
  }
  return std::shared_ptr<const FileAccess>(std::move(out));
}

FileAccess::~FileAccess() {
  for (const auto& root : roots_) ::close(root.fd);
}

// The descriptor, or the errno, negative.
int FileAccess::open_below(const Root& root, const std::string& relative, int flags) const {
  if (use_openat2_) {
    open_how how{};
    how.flags = static_cast<uint64_t>(flags);
    how.mode = (flags & O_CREAT) ? kFileMode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    int fd = static_cast<int>(::syscall(SYS_openat2, root.fd, relative.c_str(), &how, sizeof(how)));
    if (fd >= 0) return fd;
    // Sandboxes answer EPERM to system calls that they do not know; the walk then gives the true
    // reason.
    if (errno != ENOSYS && errno != EPERM) return -errno;
  }
  return walk(root.fd, relative, flags);
}

Result<int> FileAccess::open(const std::string& key, const std::string& path,
                             uint32_t flags) const {
  if (path.empty() || path.size() > kMaxPath || path.find('\0') != std::string::npos) {
    return Error{ErrorKind::kInvalid, key + ": '" + path.substr(0, 200) + "' is no path"};
  }
  if (roots_.empty()) {
    return Error{
        ErrorKind::kInvalid,
        key + ": " + path + ": the worker allows no files; name the folder in file.allowed.roots"};
  }
  std::error_code error;
  auto full = fs::path(path).is_absolute() ? fs::path(path) : fs::path(roots_.front().path) / path;
  auto real = fs::weakly_canonical(full, error);
  if (error) return io_error(key, path, flags, error.value());
  auto text = real.string();
  if (text.size() > 1 && text.back() == '/') text.pop_back();
  std::string allowed;
  for (const auto& root : roots_) {
    allowed += (allowed.empty() ? "" : ", ") + root.path;
    auto relative = below(root.path, text);
    if (!relative) continue;
    int fd = open_below(root, *relative, open_flags(flags));
    if (fd < 0) return io_error(key, path, flags, -fd);
    struct stat st{};
    if (::fstat(fd, &st) != 0 || (!(flags & SLUICE_FILE_DIRECTORY) && !S_ISREG(st.st_mode))) {
      ::close(fd);
      if (S_ISDIR(st.st_mode)) return io_error(key, path, flags, EISDIR);
      return Error{ErrorKind::kInvalid, key + ": " + path + ": is no regular file"};
    }
    return fd;
  }
  auto shown = text == full.lexically_normal().string() ? path : path + " (that is " + text + ")";
  return Error{ErrorKind::kInvalid,
               key + ": " + shown + ": outside of the folders that this worker may use (" +
                   allowed +
                   "); add the file's folder to file.allowed.roots in the worker's properties"};
}

}  // namespace sluice::plugin
