// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/private_copy.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

namespace sluice::plugin {
namespace {

constexpr int64_t kMaxLibrary = int64_t{512} << 20;
constexpr size_t kBuffer = size_t{256} << 10;

Error failed(const std::string& what, int error) {
  auto kind = error == ENOENT || error == ENOTDIR ? ErrorKind::kNotFound : ErrorKind::kIo;
  return {kind, what + ": " + std::strerror(error)};
}

FileIdentity identity_of(const struct stat& st) {
  return {st.st_dev, st.st_ino, st.st_size, st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec,
          st.st_ctim.tv_sec * 1'000'000'000 + st.st_ctim.tv_nsec};
}

struct Fd {
  int value = -1;
  explicit Fd(int fd) : value(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (value >= 0) ::close(value);
  }
  int release() { return std::exchange(value, -1); }
};

// MFD_EXEC is newer than the oldest kernels we run on, and there the default.
int make_memfd(const std::string& name) {
  constexpr unsigned kExec = 0x10;
  int fd = ::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | kExec);
  if (fd < 0 && errno == EINVAL) fd = ::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return fd;
}

Result<int> make_target(const std::string& name, const std::string& scratch) {
  int fd = make_memfd(name);
  if (fd >= 0) return fd;
  int error = errno;
  if (!scratch.empty()) {
    fd = ::open(scratch.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0700);
    if (fd >= 0) return fd;
    error = errno;
  }
  return failed("making a private copy", error);
}

Status write_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    ssize_t n = ::write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("writing the private copy", errno);
    data += n;
    size -= static_cast<size_t>(n);
  }
  return ok();
}

struct Digest {
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};

  bool begin() { return context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1; }
  bool add(const char* data, size_t size) {
    return EVP_DigestUpdate(context.get(), data, size) == 1;
  }
  Result<std::string> hex() {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_DigestFinal_ex(context.get(), out, &size) != 1)
      return Error{ErrorKind::kFatal, "SHA-256 failed"};
    constexpr const char* kHex = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
      text += kHex[out[i] >> 4];
      text += kHex[out[i] & 15];
    }
    return text;
  }
};

// Copies and hashes. Returns the number of bytes.
Result<int64_t> copy(int from, int to, std::string& sha256) {
  Digest digest;
  if (!digest.begin()) return Error{ErrorKind::kFatal, "SHA-256 is not available"};
  std::vector<char> buffer(kBuffer);
  int64_t total = 0;
  for (;;) {
    ssize_t n = ::read(from, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("reading", errno);
    if (n == 0) break;
    total += n;
    if (total > kMaxLibrary) return Error{ErrorKind::kInvalid, "the file is larger than 512 MiB"};
    SLUICE_TRY(write_all(to, buffer.data(), static_cast<size_t>(n)));
    if (!digest.add(buffer.data(), static_cast<size_t>(n)))
      return Error{ErrorKind::kFatal, "SHA-256 failed"};
  }
  SLUICE_ASSIGN(sha256, digest.hex());
  return total;
}

Status check_one(const std::string& path, const char* what) {
  struct stat st;
  if (::stat(path.c_str(), &st) != 0) return failed(path, errno);
  if (st.st_uid != 0 && st.st_uid != ::geteuid()) {
    return Error{ErrorKind::kInvalid, std::string("the ") + what + " " + path +
                                          " belongs to user " + std::to_string(st.st_uid) +
                                          "; plugins must belong to root or to the user of the "
                                          "worker (chown it)"};
  }
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Error{ErrorKind::kInvalid,
                 std::string("the ") + what + " " + path +
                     " can be changed by other users; take that away with: chmod go-w " + path};
  }
  return ok();
}

}  // namespace

Result<FileIdentity> identify(const std::string& path) {
  struct stat st;
  if (::stat(path.c_str(), &st) != 0) return failed(path, errno);
  return identity_of(st);
}

Status check_permissions(const std::string& path) {
  std::error_code error;
  auto real = std::filesystem::canonical(path, error);
  if (error) return failed(path, error.value());
  SLUICE_TRY(check_one(real.string(), "file"));
  return check_one(real.parent_path().string(), "folder");
}

Result<PrivateCopy> PrivateCopy::make(const std::string& path, const std::string& scratch) {
  // Not blocking on a FIFO that somebody named .so.
  Fd from(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (from.value < 0) return failed("opening", errno);
  struct stat before, after;
  if (::fstat(from.value, &before) != 0) return failed("fstat", errno);
  if (!S_ISREG(before.st_mode)) return Error{ErrorKind::kInvalid, "no regular file"};
  if (before.st_size > kMaxLibrary)
    return Error{ErrorKind::kInvalid, "the file is larger than 512 MiB"};
  PrivateCopy out;
  SLUICE_ASSIGN(
      out.fd_,
      make_target("sluice-plugin:" + std::filesystem::path(path).filename().string(), scratch));
  SLUICE_ASSIGN(int64_t size, copy(from.value, out.fd_, out.sha256_));
  if (::fstat(from.value, &after) != 0) return failed("fstat", errno);
  if (identity_of(before) != identity_of(after) || size != after.st_size) {
    return Error{ErrorKind::kRetriable, "the file changed while it was read"};
  }
  out.identity_ = identity_of(after);
  out.size_ = static_cast<size_t>(size);
  SLUICE_TRY(out.map());
  return out;
}

Status PrivateCopy::map() {
  // Fails on the fallback file, which has no name and so needs no seal.
  (void)::fcntl(fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  if (size_ == 0) return ok();
  void* map = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd_, 0);
  if (map == MAP_FAILED) return failed("mapping the private copy", errno);
  map_ = map;
  return ok();
}

void PrivateCopy::reset() {
  if (kept_) return;
  if (map_ != nullptr) ::munmap(map_, size_);
  if (fd_ >= 0) ::close(fd_);
  map_ = nullptr;
  fd_ = -1;
}

PrivateCopy::PrivateCopy(PrivateCopy&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      map_(std::exchange(other.map_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      kept_(std::exchange(other.kept_, false)),
      sha256_(std::move(other.sha256_)),
      identity_(other.identity_) {}

PrivateCopy& PrivateCopy::operator=(PrivateCopy&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
    map_ = std::exchange(other.map_, nullptr);
    size_ = std::exchange(other.size_, 0);
    kept_ = std::exchange(other.kept_, false);
    sha256_ = std::move(other.sha256_);
    identity_ = other.identity_;
  }
  return *this;
}

PrivateCopy::~PrivateCopy() {
  reset();
}

std::string PrivateCopy::path() const {
  return "/proc/self/fd/" + std::to_string(fd_);
}

}  // namespace sluice::plugin
