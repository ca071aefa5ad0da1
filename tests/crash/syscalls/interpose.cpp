// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/syscalls/interpose.hpp"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>

namespace sluice::syscalls {
namespace {

enum class Mode { kOff, kRecord, kArmed, kDead };

Mode mode = Mode::kOff;
std::vector<Call> calls;
Fault fault{};
uint64_t target = 0;
bool has_fired = false;

bool changes(Call call) {
  switch (call) {
    case Call::kCreate:
    case Call::kWrite:
    case Call::kSync:
    case Call::kTruncate:
    case Call::kAllocate:
    case Call::kRename:
    case Call::kUnlink:
    case Call::kMakeDirectory:
      return true;
    default:
      return false;
  }
}

enum class Verdict { kGo, kFail, kShort };

// Asked by each call before it is made; sets errno when it is to fail.
Verdict before(Call call) {
  if (mode == Mode::kOff) return Verdict::kGo;
  if (mode == Mode::kDead) {
    if (!changes(call)) return Verdict::kGo;
    errno = EIO;
    return Verdict::kFail;
  }
  calls.push_back(call);
  if (mode == Mode::kRecord) return Verdict::kGo;
  const bool now = calls.size() == target || (fault.for_ever && calls.size() > target);
  if (!now || !fits(fault, call)) return Verdict::kGo;
  has_fired = true;
  if (fault.error == 0) return Verdict::kShort;
  errno = fault.error;
  return Verdict::kFail;
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

const char* name_of(Call call) {
  static const char* const kNames[] = {"open",   "create",   "close",    "read", "write",
                                       "sync",   "truncate", "allocate", "stat", "rename",
                                       "unlink", "mkdir",    "list",     "lock", "statfs"};
  return kNames[static_cast<int>(call)];
}

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all = {
      {"EIO", EIO},
      {"ENOSPC", ENOSPC},
      {"EINTR", EINTR, false, true},
      {"EAGAIN", EAGAIN},
      {"EMFILE", EMFILE},
      {"ENOMEM", ENOMEM},
      {"short", 0, false, true},
      {"EIO for ever", EIO, true},
      {"ENOSPC for ever", ENOSPC, true},
  };
  return all;
}

bool fits(const Fault& what, Call call) {
  switch (what.error) {
    case 0:
      return call == Call::kRead || call == Call::kWrite;
    case EINTR:
      return call == Call::kOpen || call == Call::kCreate || call == Call::kRead ||
             call == Call::kWrite || call == Call::kSync || call == Call::kTruncate ||
             call == Call::kAllocate || call == Call::kLock;
    case EAGAIN:
      return call == Call::kRead || call == Call::kWrite || call == Call::kLock;
    case EMFILE:
      return call == Call::kOpen || call == Call::kCreate || call == Call::kList;
    case ENOSPC:
      return call == Call::kCreate || call == Call::kWrite || call == Call::kSync ||
             call == Call::kTruncate || call == Call::kAllocate || call == Call::kRename ||
             call == Call::kMakeDirectory;
    default:
      return call != Call::kClose;  // whose descriptor is gone whatever it answers
  }
}

void record() {
  calls.clear();
  mode = Mode::kRecord;
}
void arm(const Fault& what, uint64_t nth) {
  calls.clear();
  fault = what;
  target = nth;
  has_fired = false;
  mode = Mode::kArmed;
}
void die() {
  mode = Mode::kDead;
}
std::vector<Call> disarm() {
  mode = Mode::kOff;
  return std::move(calls);
}
bool fired() {
  return has_fired;
}

namespace {

int open_it(const char* symbol, const char* path, int flags, mode_t permissions) {
  static auto* const call = real<int(const char*, int, ...)>(symbol);
  const bool creates = (flags & O_CREAT) != 0;
  if (before(creates ? Call::kCreate : Call::kOpen) != Verdict::kGo) return -1;
  return call(path, flags, permissions);
}

ssize_t read_it(int fd, void* into, size_t size, off_t at) {
  static auto* const call = real<ssize_t(int, void*, size_t, off_t)>("pread");
  const Verdict verdict = before(Call::kRead);
  if (verdict == Verdict::kFail) return -1;
  return call(fd, into, verdict == Verdict::kShort && size > 1 ? size / 2 : size, at);
}

ssize_t write_it(int fd, const iovec* parts, int count, off_t at) {
  static auto* const call = real<ssize_t(int, const iovec*, int, off_t)>("pwritev");
  const Verdict verdict = before(Call::kWrite);
  if (verdict == Verdict::kFail) return -1;
  if (verdict == Verdict::kGo) return call(fd, parts, count, at);
  iovec part = parts[0];
  if (part.iov_len > 1) part.iov_len /= 2;
  return call(fd, &part, 1, at);
}

}  // namespace
}  // namespace sluice::syscalls

using sluice::syscalls::before;
using sluice::syscalls::Call;
using sluice::syscalls::real;
using sluice::syscalls::Verdict;

// Both names of each: which one a file uses depends on how it was compiled.
// NOLINTBEGIN
extern "C" {
int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t permissions = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return sluice::syscalls::open_it("open", path, flags, permissions);
}
int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t permissions = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return sluice::syscalls::open_it("open64", path, flags, permissions);
}
int openat(int folder, const char* path, int flags, ...) {
  static auto* const call = real<int(int, const char*, int, ...)>("openat");
  va_list rest;
  va_start(rest, flags);
  const mode_t permissions = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (before((flags & O_CREAT) != 0 ? Call::kCreate : Call::kOpen) != Verdict::kGo) return -1;
  return call(folder, path, flags, permissions);
}
int close(int fd) {
  static auto* const call = real<int(int)>("close");
  (void)before(Call::kClose);
  return call(fd);
}
ssize_t pread(int fd, void* into, size_t size, off_t at) {
  return sluice::syscalls::read_it(fd, into, size, at);
}
ssize_t pread64(int fd, void* into, size_t size, off_t at) {
  return sluice::syscalls::read_it(fd, into, size, at);
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t at) {
  return sluice::syscalls::write_it(fd, parts, count, at);
}
ssize_t pwritev64(int fd, const iovec* parts, int count, off_t at) {
  return sluice::syscalls::write_it(fd, parts, count, at);
}
int fdatasync(int fd) {
  static auto* const call = real<int(int)>("fdatasync");
  return before(Call::kSync) == Verdict::kGo ? call(fd) : -1;
}
int fsync(int fd) {
  static auto* const call = real<int(int)>("fsync");
  return before(Call::kSync) == Verdict::kGo ? call(fd) : -1;
}
int syncfs(int fd) noexcept {
  static auto* const call = real<int(int)>("syncfs");
  return before(Call::kSync) == Verdict::kGo ? call(fd) : -1;
}
int sync_file_range(int fd, off64_t at, off64_t size, unsigned flags) {
  static auto* const call = real<int(int, off64_t, off64_t, unsigned)>("sync_file_range");
  return before(Call::kSync) == Verdict::kGo ? call(fd, at, size, flags) : -1;
}
// Says ext4 whatever it is, so that the calls are the same on every machine.
int fstatfs(int fd, struct statfs* info) noexcept {
  static auto* const call = real<int(int, struct statfs*)>("fstatfs");
  if (before(Call::kStatFs) != Verdict::kGo) return -1;
  const int result = call(fd, info);
  info->f_type = 0xEF53;
  return result;
}
int ftruncate(int fd, off_t size) noexcept {
  static auto* const call = real<int(int, off_t)>("ftruncate");
  return before(Call::kTruncate) == Verdict::kGo ? call(fd, size) : -1;
}
int posix_fallocate(int fd, off_t at, off_t size) {
  static auto* const call = real<int(int, off_t, off_t)>("posix_fallocate");
  return before(Call::kAllocate) == Verdict::kGo ? call(fd, at, size) : errno;
}
int fstat(int fd, struct stat* info) noexcept {
  static auto* const call = real<int(int, struct stat*)>("fstat");
  return before(Call::kStat) == Verdict::kGo ? call(fd, info) : -1;
}
int stat(const char* path, struct stat* info) noexcept {
  static auto* const call = real<int(const char*, struct stat*)>("stat");
  return before(Call::kStat) == Verdict::kGo ? call(path, info) : -1;
}
int rename(const char* from, const char* to) noexcept {
  static auto* const call = real<int(const char*, const char*)>("rename");
  return before(Call::kRename) == Verdict::kGo ? call(from, to) : -1;
}
int unlink(const char* path) noexcept {
  static auto* const call = real<int(const char*)>("unlink");
  return before(Call::kUnlink) == Verdict::kGo ? call(path) : -1;
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  static auto* const call = real<int(int, const char*, int)>("unlinkat");
  return before(Call::kUnlink) == Verdict::kGo ? call(folder, path, flags) : -1;
}
int mkdir(const char* path, mode_t permissions) noexcept {
  static auto* const call = real<int(const char*, mode_t)>("mkdir");
  return before(Call::kMakeDirectory) == Verdict::kGo ? call(path, permissions) : -1;
}
DIR* opendir(const char* path) {
  static auto* const call = real<DIR*(const char*)>("opendir");
  return before(Call::kList) == Verdict::kGo ? call(path) : nullptr;
}
dirent* readdir(DIR* folder) {
  static auto* const call = real<dirent*(DIR*)>("readdir");
  return before(Call::kList) == Verdict::kGo ? call(folder) : nullptr;
}
int flock(int fd, int operation) noexcept {
  static auto* const call = real<int(int, int)>("flock");
  return before(Call::kLock) == Verdict::kGo ? call(fd, operation) : -1;
}
int statvfs(const char* path, struct statvfs* info) noexcept {
  static auto* const call = real<int(const char*, struct statvfs*)>("statvfs");
  return before(Call::kStatFs) == Verdict::kGo ? call(path, info) : -1;
}
}
// NOLINTEND
