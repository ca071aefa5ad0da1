// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_disk.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::testing {
namespace {

constexpr uint64_t kSector = 512;

std::string parent(const std::string& path) {
  auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool changes(DiskCall call) {
  return call != DiskCall::kOpen && call != DiskCall::kRead && call != DiskCall::kList;
}

const char* name_of(DiskCall call) {
  static constexpr const char* kNames[] = {"open", "create", "read", "write", "fdatasync", "truncate",
                                           "allocate", "rename", "remove", "create directory", "fsync", "list"};
  return kNames[static_cast<int>(call)];
}

Error fault_error(DiskCall call, const std::string& path, bool no_space) {
  return {no_space ? ErrorKind::kRetriable : ErrorKind::kIo,
          std::string(name_of(call)) + " " + path + ": " +
              (no_space ? "No space left on device" : "Input/output error") + " (injected)"};
}

Error missing(DiskCall call, const std::string& path) {
  return {ErrorKind::kNotFound, std::string(name_of(call)) + " " + path + ": No such file or directory"};
}

}  // namespace

// A handle to one inode; dead after the disk's next crash. `locked_path` is freed when it goes.
class FakeFile : public File {
 public:
  FakeFile(FakeDisk& disk, std::shared_ptr<FakeDisk::Inode> inode, std::string path, bool lock)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), lock_(lock),
        generation_(disk.generation_) {
  }
  ~FakeFile() override {
    std::lock_guard guard(disk_.mutex_);
    if (generation_ != disk_.generation_) return;
    if (lock_) disk_.locked_.erase(path_);
  }

  Result<size_t> read_at(uint64_t position, std::span<std::byte> into) override {
    std::lock_guard guard(disk_.mutex_);
    if (auto error = usable(DiskCall::kRead)) return *error;
    const Bytes& content = inode_->current;
    if (position >= content.size()) return size_t{0};
    size_t count = std::min<uint64_t>(into.size(), content.size() - position);
    std::memcpy(into.data(), content.data() + position, count);
    return count;
  }

  Status write_at(uint64_t position, std::span<const ByteView> parts) override {
    std::lock_guard guard(disk_.mutex_);
    DiskFault fault{};
    auto error = usable(DiskCall::kWrite, &fault);
    const bool partial = error && (fault == DiskFault::kShortNoSpace || fault == DiskFault::kShortIo);
    if (error && !partial) return *error;
    FakeDisk::Change change{position, {}, false};
    for (ByteView part : parts) change.bytes.insert(change.bytes.end(), part.begin(), part.end());
    if (partial && !change.bytes.empty()) change.bytes.resize(disk_.random_() % change.bytes.size());
    uint64_t end = position + change.bytes.size();
    if (end > inode_->current.size() && inode_->linked) {
      uint64_t more = end - inode_->current.size();
      if (disk_.used_ + more > disk_.capacity_) {
        uint64_t fits = disk_.capacity_ - std::min(disk_.capacity_, disk_.used_);
        uint64_t room = inode_->current.size() + fits;
        change.bytes.resize(room > position ? room - position : 0);
        if (!error) error = fault_error(DiskCall::kWrite, path_, true);
        end = position + change.bytes.size();
      }
    }
    if (!change.bytes.empty()) {
      if (end > inode_->current.size()) disk_.resize(*inode_, end);
      FakeDisk::apply(inode_->current, change);
      inode_->pending.push_back(std::move(change));
    }
    if (error) return *error;
    return ok();
  }

  Status sync() override {
    std::lock_guard guard(disk_.mutex_);
    DiskFault fault{};
    if (auto error = usable(DiskCall::kSync, &fault)) {
      if (fault == DiskFault::kSyncDrops) inode_->pending.clear();
      return *error;
    }
    for (const auto& change : inode_->pending) FakeDisk::apply(inode_->durable, change);
    inode_->pending.clear();
    return ok();
  }

  Status truncate(uint64_t size) override {
    std::lock_guard guard(disk_.mutex_);
    if (auto error = usable(DiskCall::kTruncate)) return *error;
    disk_.resize(*inode_, size);
    inode_->pending.push_back({size, {}, true});
    return ok();
  }

  Status allocate(uint64_t size) override {
    std::lock_guard guard(disk_.mutex_);
    if (auto error = usable(DiskCall::kAllocate)) return *error;
    if (size <= inode_->current.size()) return ok();
    if (inode_->linked && disk_.used_ + (size - inode_->current.size()) > disk_.capacity_) {
      return fault_error(DiskCall::kAllocate, path_, true);
    }
    disk_.resize(*inode_, size);
    inode_->pending.push_back({size, {}, true});
    return ok();
  }

  Result<uint64_t> size() override {
    std::lock_guard guard(disk_.mutex_);
    if (generation_ != disk_.generation_) return Error{ErrorKind::kIo, path_ + ": the disk has crashed"};
    return static_cast<uint64_t>(inode_->current.size());
  }

 private:
  std::optional<Error> usable(DiskCall call, DiskFault* fault = nullptr) {
    if (generation_ != disk_.generation_) return Error{ErrorKind::kIo, path_ + ": the disk has crashed"};
    return disk_.before(call, path_, fault);
  }

  FakeDisk& disk_;
  const std::shared_ptr<FakeDisk::Inode> inode_;
  const std::string path_;
  const bool lock_;
  const uint64_t generation_;
};

FakeDisk::FakeDisk(uint64_t seed) : random_(seed) {
  for (const char* folder : {".", "/"}) {
    folders_.insert(folder);
    durable_folders_.insert(folder);
  }
}
FakeDisk::~FakeDisk() = default;

// Counts the call and says how it fails, if it does. With the lock held.
std::optional<Error> FakeDisk::before(DiskCall call, const std::string& path, DiskFault* fault) {
  ++calls_[call];
  if (off_) return Error{ErrorKind::kIo, path + ": the power is off"};
  if (changes(call) && ++changing_ >= power_off_at_) {
    off_ = true;
    return Error{ErrorKind::kIo, path + ": the power is off"};
  }
  for (auto it = injections_.begin(); it != injections_.end(); ++it) {
    if (it->call != call || path.find(it->path_part) == std::string::npos) continue;
    if (it->skip > 0) {
      --it->skip;
      continue;
    }
    DiskFault chosen = it->fault;
    if (--it->times == 0) injections_.erase(it);
    if (fault != nullptr) *fault = chosen;
    return fault_error(call, path, chosen == DiskFault::kNoSpace || chosen == DiskFault::kShortNoSpace);
  }
  return std::nullopt;
}

void FakeDisk::apply(Bytes& content, const Change& change) {
  if (change.resize) {
    content.resize(change.position);
    return;
  }
  uint64_t end = change.position + change.bytes.size();
  if (content.size() < end) content.resize(end);
  std::copy(change.bytes.begin(), change.bytes.end(),
            content.begin() + static_cast<std::ptrdiff_t>(change.position));
}

void FakeDisk::apply(const NameChange& change) {
  switch (change.kind) {
    case NameChange::kLink: durable_names_[change.path] = change.inode; break;
    case NameChange::kUnlink: durable_names_.erase(change.path); break;
    case NameChange::kMove:
      durable_names_[change.path] = change.inode;
      if (auto it = durable_names_.find(change.from);
          it != durable_names_.end() && it->second == change.inode) {
        durable_names_.erase(it);
      }
      break;
    case NameChange::kMakeFolder: durable_folders_.insert(change.path); break;
    case NameChange::kRemoveFolder: durable_folders_.erase(change.path); break;
  }
}

void FakeDisk::resize(Inode& inode, uint64_t size) {
  if (inode.linked) used_ = used_ - inode.current.size() + size;
  inode.current.resize(size);
}

void FakeDisk::remember(NameChange change) {
  change.folder = parent(change.path);
  name_changes_.push_back(std::move(change));
}

void FakeDisk::unlink(const std::string& path) {
  auto it = names_.find(path);
  it->second->linked = false;
  used_ -= it->second->current.size();
  names_.erase(it);
}

Result<std::unique_ptr<File>> FakeDisk::open(const std::string& path, OpenMode mode) {
  std::lock_guard guard(mutex_);
  auto it = names_.find(path);
  const bool create = it == names_.end() && (mode == OpenMode::kCreate || mode == OpenMode::kOpenOrCreate);
  const DiskCall call = create ? DiskCall::kCreate : DiskCall::kOpen;
  if (auto error = before(call, path)) return *error;
  if (it == names_.end() && (!create || !folders_.contains(parent(path)))) return missing(call, path);
  if (it != names_.end() && mode == OpenMode::kCreate) {
    return Error{ErrorKind::kConflict, "open " + path + ": File exists"};
  }
  if (create) {
    it = names_.emplace(path, std::make_shared<Inode>()).first;
    remember({NameChange::kLink, "", path, "", it->second});
  }
  return std::unique_ptr<File>(std::make_unique<FakeFile>(*this, it->second, path, false));
}

Status FakeDisk::rename(const std::string& from, const std::string& to) {
  std::lock_guard guard(mutex_);
  if (auto error = before(DiskCall::kRename, from)) return *error;
  auto it = names_.find(from);
  if (it == names_.end()) return missing(DiskCall::kRename, from);
  if (from == to) return ok();
  auto inode = it->second;
  if (names_.contains(to)) unlink(to);
  names_.erase(from);
  names_[to] = inode;
  remember({NameChange::kMove, "", to, from, inode});
  return ok();
}

Status FakeDisk::remove(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto error = before(DiskCall::kRemove, path)) return *error;
  if (!names_.contains(path)) return missing(DiskCall::kRemove, path);
  unlink(path);
  remember({NameChange::kUnlink, "", path, "", nullptr});
  return ok();
}

Status FakeDisk::remove_all(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto error = before(DiskCall::kRemove, path)) return *error;
  const std::string inside = path + "/";
  std::vector<std::string> gone;
  for (const auto& [name, inode] : names_) {
    if (name == path || name.starts_with(inside)) gone.push_back(name);
  }
  for (const auto& name : gone) {
    unlink(name);
    remember({NameChange::kUnlink, "", name, "", nullptr});
  }
  std::vector<std::string> folders;
  for (const auto& name : folders_) {
    if (name == path || name.starts_with(inside)) folders.push_back(name);
  }
  for (const auto& name : folders) {
    folders_.erase(name);
    remember({NameChange::kRemoveFolder, "", name, "", nullptr});
  }
  return ok();
}

Status FakeDisk::create_directories(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto error = before(DiskCall::kCreateDirectory, path)) return *error;
  std::vector<std::string> todo;
  for (std::string at = path; !folders_.contains(at); at = parent(at)) todo.push_back(at);
  for (auto it = todo.rbegin(); it != todo.rend(); ++it) {
    folders_.insert(*it);
    remember({NameChange::kMakeFolder, "", *it, "", nullptr});
  }
  return ok();
}

Status FakeDisk::sync_directory(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto error = before(DiskCall::kSyncDirectory, path)) return *error;
  if (!folders_.contains(path)) return missing(DiskCall::kSyncDirectory, path);
  std::vector<NameChange> left;
  for (auto& change : name_changes_) {
    if (change.folder == path) {
      apply(change);
    } else {
      left.push_back(std::move(change));
    }
  }
  name_changes_ = std::move(left);
  return ok();
}

// Counts as one sync.
Result<bool> FakeDisk::sync_all(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto error = before(DiskCall::kSync, path)) return *error;
  for (auto& [name, inode] : names_) {
    for (const auto& change : inode->pending) apply(inode->durable, change);
    inode->pending.clear();
  }
  for (const auto& change : name_changes_) apply(change);
  name_changes_.clear();
  return true;
}

Result<std::vector<std::string>> FakeDisk::list(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto error = before(DiskCall::kList, path)) return *error;
  if (!folders_.contains(path)) return missing(DiskCall::kList, path);
  std::vector<std::string> result;
  const std::string prefix = path + "/";
  for (auto it = names_.lower_bound(prefix); it != names_.end() && it->first.starts_with(prefix); ++it) {
    if (parent(it->first) == path) result.push_back(it->first.substr(prefix.size()));
  }
  for (auto it = folders_.lower_bound(prefix); it != folders_.end() && it->starts_with(prefix); ++it) {
    if (parent(*it) == path) result.push_back(it->substr(prefix.size()));
  }
  std::sort(result.begin(), result.end());
  return result;
}

Result<bool> FakeDisk::exists(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto error = before(DiskCall::kOpen, path)) return *error;
  return names_.contains(path) || folders_.contains(path);
}

Result<std::unique_ptr<File>> FakeDisk::lock(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto error = before(DiskCall::kOpen, path)) return *error;
  if (!folders_.contains(parent(path))) return missing(DiskCall::kOpen, path);
  if (!locked_.insert(path).second) {
    return Error{ErrorKind::kConflict, path + " is locked by another process"};
  }
  auto it = names_.find(path);
  if (it == names_.end()) {
    it = names_.emplace(path, std::make_shared<Inode>()).first;
    remember({NameChange::kLink, "", path, "", it->second});
  }
  return std::unique_ptr<File>(std::make_unique<FakeFile>(*this, it->second, path, true));
}

Result<uint64_t> FakeDisk::free_bytes(const std::string& path) {
  std::lock_guard guard(mutex_);
  if (auto error = before(DiskCall::kOpen, path)) return *error;
  return capacity_ - std::min(capacity_, used_);
}

// mode: 0 = lost, 1 = kept, 2 = each piece of 512 bytes for itself.
void FakeDisk::survive(Bytes& content, const Change& change, unsigned mode) {
  if (mode == 0) return;
  if (mode == 1 || change.resize) return apply(content, change);
  uint64_t at = change.position;
  const uint64_t end = change.position + change.bytes.size();
  while (at < end) {
    uint64_t stop = std::min(end, (at / kSector + 1) * kSector);
    if (random_() % 2 == 0) {
      auto from = change.bytes.begin() + static_cast<std::ptrdiff_t>(at - change.position);
      apply(content, {at, Bytes(from, from + static_cast<std::ptrdiff_t>(stop - at)), false});
    }
    at = stop;
  }
}

void FakeDisk::crash() {
  std::lock_guard guard(mutex_);
  const unsigned names_mode = random_() % 3;  // all lost, all kept, each for itself
  for (const auto& change : name_changes_) {
    bool kept = names_mode == 2 ? random_() % 2 == 0 : names_mode == 1;
    if (!kept) continue;
    if (change.kind == NameChange::kRemoveFolder) continue;  // only a synced removal takes a folder away
    apply(change);
  }
  name_changes_.clear();
  // A name whose folder was never synced into its own parent is not reachable.
  auto reachable = [&](const std::string& path) {
    for (std::string at = parent(path);; at = parent(at)) {
      if (!durable_folders_.contains(at)) return false;
      if (at == "/" || at == ".") return true;
    }
  };
  std::erase_if(durable_folders_, [&](const std::string& folder) {
    return folder != "/" && folder != "." && !reachable(folder);
  });
  std::erase_if(durable_names_, [&](const auto& entry) { return !reachable(entry.first); });

  const unsigned data_mode = random_() % 4;  // all lost, all kept, pieces of each, mixed
  names_ = durable_names_;
  folders_ = durable_folders_;
  used_ = 0;
  for (auto& [path, inode] : names_) {
    for (const auto& change : inode->pending) {
      survive(inode->durable, change, data_mode == 3 ? random_() % 3 : data_mode);
    }
    inode->pending.clear();
    inode->current = inode->durable;
    inode->linked = true;
    used_ += inode->current.size();
  }
  locked_.clear();
  injections_.clear();
  off_ = false;
  power_off_at_ = UINT64_MAX;
  ++generation_;
}

void FakeDisk::power_off_after(uint64_t changing_calls) {
  std::lock_guard guard(mutex_);
  power_off_at_ = changing_ + changing_calls;
}

bool FakeDisk::powered_off() const {
  std::lock_guard guard(mutex_);
  return off_;
}

void FakeDisk::power_on() {
  std::lock_guard guard(mutex_);
  off_ = false;
  power_off_at_ = UINT64_MAX;
}

void FakeDisk::inject(DiskCall call, DiskFault fault, uint64_t nth, uint64_t times, std::string path_part) {
  std::lock_guard guard(mutex_);
  injections_.push_back({call, fault, nth - 1, times, std::move(path_part)});
}

void FakeDisk::clear_injections() {
  std::lock_guard guard(mutex_);
  injections_.clear();
}

void FakeDisk::set_capacity(uint64_t bytes) {
  std::lock_guard guard(mutex_);
  capacity_ = bytes;
}

uint64_t FakeDisk::calls(DiskCall call) const {
  std::lock_guard guard(mutex_);
  auto it = calls_.find(call);
  return it == calls_.end() ? 0 : it->second;
}

uint64_t FakeDisk::changing_calls() const {
  std::lock_guard guard(mutex_);
  return changing_;
}

Bytes FakeDisk::content(const std::string& path) const {
  std::lock_guard guard(mutex_);
  auto it = names_.find(path);
  return it == names_.end() ? Bytes() : it->second->current;
}

void FakeDisk::overwrite(const std::string& path, uint64_t position, ByteView bytes) {
  std::lock_guard guard(mutex_);
  auto it = names_.find(path);
  if (it == names_.end()) return;
  Change change{position, Bytes(bytes.begin(), bytes.end()), false};
  apply(it->second->current, change);
  apply(it->second->durable, change);
}

void FakeDisk::cut(const std::string& path, uint64_t size) {
  std::lock_guard guard(mutex_);
  auto it = names_.find(path);
  if (it == names_.end()) return;
  resize(*it->second, size);
  it->second->durable.resize(size);
  it->second->pending.clear();
}

std::vector<std::string> FakeDisk::files(const std::string& prefix) const {
  std::lock_guard guard(mutex_);
  std::vector<std::string> result;
  for (const auto& [path, inode] : names_) {
    if (path.starts_with(prefix)) result.push_back(path);
  }
  return result;
}

}  // namespace sluice::testing
