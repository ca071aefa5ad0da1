// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "broker-core/base/disk.hpp"

namespace sluice::testing {

enum class DiskCall { kOpen, kCreate, kRead, kWrite, kSync, kTruncate, kAllocate, kRename, kRemove,
                      kCreateDirectory, kSyncDirectory, kList };

enum class DiskFault {
  kNoSpace,     // ENOSPC, nothing done
  kIo,          // EIO, nothing done
  kShortNoSpace,  // a write: some prefix is written, then ENOSPC
  kShortIo,       // a write: some prefix is written, then EIO
  kSyncDrops,   // a sync: EIO, and the un-synced bytes count as clean from then on, as a real kernel does it:
                // still readable, but lost at a crash, and the next sync says that all is well
};

// A disk in memory that forgets what was not synced. Thread-safe. It outlives the logs that are opened on it:
// crash() stands for a power loss, after which all files handed out before are dead and the test opens anew.
// A process that only dies (kill -9) keeps all it wrote: just drop the objects and open again.
//
// What a crash may lose: bytes written after the last successful sync() of their file, and creates, renames
// and removes after the last sync_directory() of their folder. Each such write survives wholly, in part (pieces
// of 512 bytes), or not at all, each change of names independently of the others; the seed decides.
class FakeDisk : public Disk {
 public:
  explicit FakeDisk(uint64_t seed);
  ~FakeDisk() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_all(const std::string& path) override;
  Status create_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<bool> sync_all(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::unique_ptr<File>> lock(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& path) override;

  // --- what tests do to it
  // Power loss, and power back on.
  void crash();
  // From the n-th changing call from now on (1 = the next), every call fails with kIo until crash().
  void power_off_after(uint64_t changing_calls);
  bool powered_off() const;
  // Calls work again and nothing is lost: as if only the process had died, at the call where the power went off.
  void power_on();
  // The n-th (1 = next) call of this kind on a path containing `path_part` fails; then `times` - 1 more.
  void inject(DiskCall call, DiskFault fault, uint64_t nth = 1, uint64_t times = 1, std::string path_part = "");
  void clear_injections();
  // Bytes that all files together may have; beyond it writes and allocations fail with ENOSPC.
  void set_capacity(uint64_t bytes);
  uint64_t calls(DiskCall call) const;  // so far
  uint64_t changing_calls() const;      // writes, syncs, creates, renames, removes ... so far
  // Damage and inspection, past all caches: as if the medium had changed.
  Bytes content(const std::string& path) const;
  void overwrite(const std::string& path, uint64_t position, ByteView bytes);
  void cut(const std::string& path, uint64_t size);
  std::vector<std::string> files(const std::string& prefix = "") const;

 private:
  friend class FakeFile;
  struct Change {  // of a file's bytes, not synced yet
    uint64_t position = 0;
    Bytes bytes;
    bool resize = false;  // the file's size became `position`
  };
  struct Inode {
    Bytes current;
    Bytes durable;
    std::vector<Change> pending;
    bool linked = true;
  };
  struct NameChange {  // of a folder, not synced yet
    enum Kind { kLink, kUnlink, kMove, kMakeFolder, kRemoveFolder } kind;
    std::string folder;
    std::string path;
    std::string from;
    std::shared_ptr<Inode> inode;
  };
  struct Injection {
    DiskCall call;
    DiskFault fault;
    uint64_t skip;
    uint64_t times;
    std::string path_part;
  };

  std::optional<Error> before(DiskCall call, const std::string& path, DiskFault* fault = nullptr);
  static void apply(Bytes& content, const Change& change);
  void apply(const NameChange& change);
  void survive(Bytes& content, const Change& change, unsigned mode);
  void resize(Inode& inode, uint64_t size);
  void remember(NameChange change);
  void unlink(const std::string& path);

  mutable std::mutex mutex_;  // guards all below
  std::mt19937_64 random_;
  std::map<std::string, std::shared_ptr<Inode>> names_, durable_names_;
  std::set<std::string> folders_, durable_folders_;
  std::vector<NameChange> name_changes_;
  std::set<std::string> locked_;
  std::vector<Injection> injections_;
  std::map<DiskCall, uint64_t> calls_;
  uint64_t changing_ = 0;
  uint64_t power_off_at_ = UINT64_MAX;
  bool off_ = false;
  uint64_t generation_ = 0;
  uint64_t capacity_ = UINT64_MAX;
  uint64_t used_ = 0;
};

}  // namespace sluice::testing
