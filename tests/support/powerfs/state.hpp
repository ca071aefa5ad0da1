// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

// The model behind powerfs: a file system that keeps apart what a program sees (live) and what a power cut would
// leave (durable). Everything is in memory.
//
// What reaches "durable": a file's bytes and size by fsync or fdatasync of the file; creates, renames and removes of
// names by fsync of the folder only, as POSIX promises (ext4 is kinder).
// At a cut, each write that was not synced survives wholly, partly (in pieces of 512 bytes) or not at all, and each
// change of names survives or not, in order: a change survives only if all earlier ones of its folder do.
namespace powerfs {

struct Write {
  uint64_t offset = 0;
  std::string data;
  bool truncate = false;  // a change of size to `offset` in place of a write
};

struct Inode {
  bool folder = false;
  uint32_t mode = 0640;
  int64_t modified_ns = 0;
  std::string live;
  std::string durable;
  std::vector<Write> pending;                            // since the last sync, in order
  std::map<std::string, std::shared_ptr<Inode>> names;   // folder: what programs see
  std::map<std::string, std::shared_ptr<Inode>> durable_names;
  struct Change {
    std::string name;
    std::shared_ptr<Inode> target;                       // null: removed
  };
  std::vector<Change> changes;                           // folder: since its last sync, in order
};
using InodePtr = std::shared_ptr<Inode>;

// The n-th call of `operation` from now on fails with `code`; every later one too if `sticky`.
struct Fault {
  // write, fsync (of folders too), open, create (mkdir too), rename, truncate, fallocate, unlink
  // (rmdir too), read, stat, list
  std::string operation;
  int64_t countdown = 0;
  int code = 0;
  bool sticky = false;
  bool half = false;  // write or read half and report it
};

struct Counters {
  std::map<std::string, uint64_t> calls;
  uint64_t cuts = 0;
  uint64_t lost_writes = 0, torn_writes = 0, lost_changes = 0;
};

class State {
 public:
  State();
  // All members below are used with `mutex` held.
  std::mutex mutex;
  InodePtr root;
  bool dead = false;  // between cut and restore every call fails with EIO
  uint64_t capacity = UINT64_MAX;  // bytes of live data; beyond: ENOSPC
  std::vector<Fault> faults;
  Counters counters;

  InodePtr find(const std::string& path) const;               // null: ENOENT
  InodePtr parent_of(const std::string& path, std::string& name) const;
  void link(const InodePtr& folder, const std::string& name, const InodePtr& target);
  void unlink(const InodePtr& folder, const std::string& name);
  int write(Inode& file, uint64_t offset, const char* data, size_t size);
  int resize(Inode& file, uint64_t size);
  void sync(Inode& inode);
  uint64_t used() const;

  // 0, or the error that a fault wants for this call; counts it. EIO when dead.
  int enter(const std::string& operation, bool* half = nullptr);

  void cut();                        // the power goes: calls fail from now on
  void restore(uint64_t seed);       // what survived is what there is

 private:
  void survive(const InodePtr& inode, std::mt19937_64& dice);
};

// One line in, one line out: cut | restore SEED | fault OP NTH ERRNO [sticky|short] | clear | capacity BYTES | stats
std::string command(State& state, const std::string& line);

}  // namespace powerfs
