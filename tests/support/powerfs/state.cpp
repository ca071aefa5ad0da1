// SPDX-License-Identifier: Apache-2.0
#include "tests/support/powerfs/state.hpp"

#include <cerrno>
#include <chrono>
#include <sstream>

namespace powerfs {
namespace {

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void put(std::string& content, const Write& write) {
  if (write.truncate) {
    content.resize(write.offset);
    return;
  }
  if (content.size() < write.offset + write.data.size()) content.resize(write.offset + write.data.size());
  content.replace(write.offset, write.data.size(), write.data);
}

uint64_t bytes_below(const Inode& inode) {
  uint64_t sum = inode.live.size();
  for (const auto& [name, child] : inode.names) sum += bytes_below(*child);
  return sum;
}

}  // namespace

State::State() : root(std::make_shared<Inode>()) {
  root->folder = true;
  root->mode = 0755;
}

InodePtr State::find(const std::string& path) const {
  InodePtr at = root;
  size_t begin = 1;
  while (begin < path.size() && at) {
    size_t end = path.find('/', begin);
    if (end == std::string::npos) end = path.size();
    auto found = at->names.find(path.substr(begin, end - begin));
    at = found == at->names.end() ? nullptr : found->second;
    begin = end + 1;
  }
  return at;
}

InodePtr State::parent_of(const std::string& path, std::string& name) const {
  size_t slash = path.rfind('/');
  name = path.substr(slash + 1);
  return slash == 0 ? root : find(path.substr(0, slash));
}

void State::link(const InodePtr& folder, const std::string& name, const InodePtr& target) {
  folder->names[name] = target;
  folder->changes.push_back({name, target});
}

void State::unlink(const InodePtr& folder, const std::string& name) {
  folder->names.erase(name);
  folder->changes.push_back({name, nullptr});
}

int State::write(Inode& file, uint64_t offset, const char* data, size_t size) {
  uint64_t end = offset + size;
  if (end > file.live.size() && used() + (end - file.live.size()) > capacity) return -ENOSPC;
  file.pending.push_back({offset, std::string(data, size), false});
  put(file.live, file.pending.back());
  file.modified_ns = now_ns();
  return static_cast<int>(size);
}

int State::resize(Inode& file, uint64_t size) {
  if (size > file.live.size() && used() + (size - file.live.size()) > capacity) return -ENOSPC;
  file.pending.push_back({size, "", true});
  put(file.live, file.pending.back());
  file.modified_ns = now_ns();
  return 0;
}

void State::sync(Inode& inode) {
  if (inode.folder) {
    for (auto& change : inode.changes) {
      if (change.target) {
        inode.durable_names[change.name] = change.target;
      } else {
        inode.durable_names.erase(change.name);
      }
    }
    inode.changes.clear();
    return;
  }
  for (const auto& write : inode.pending) put(inode.durable, write);
  inode.pending.clear();
}

uint64_t State::used() const { return capacity == UINT64_MAX ? 0 : bytes_below(*root); }

int State::enter(const std::string& operation, bool* half) {
  if (dead) return -EIO;
  ++counters.calls[operation];
  for (size_t i = 0; i < faults.size(); ++i) {
    Fault& fault = faults[i];
    if (fault.operation != operation || --fault.countdown > 0) continue;
    int code = fault.code;
    const bool partly = fault.half;
    if (!fault.sticky) faults.erase(faults.begin() + static_cast<std::ptrdiff_t>(i));
    if (partly && half) {
      *half = true;
      return 0;
    }
    return -code;
  }
  return 0;
}

void State::cut() {
  dead = true;
  ++counters.cuts;
}

void State::survive(const InodePtr& inode, std::mt19937_64& dice) {
  if (inode->folder) {
    // A prefix of the changes survives: a journal keeps their order.
    size_t kept = inode->changes.empty() ? 0 : dice() % (inode->changes.size() + 1);
    counters.lost_changes += inode->changes.size() - kept;
    inode->changes.resize(kept);
    sync(*inode);
    inode->names = inode->durable_names;
    for (auto& [name, child] : inode->names) survive(child, dice);
    return;
  }
  for (auto& write : inode->pending) {
    uint64_t fate = dice() % 3;
    if (fate == 0) {
      ++counters.lost_writes;
    } else if (fate == 1 || write.truncate || write.data.size() <= 512) {
      put(inode->durable, write);
    } else {  // torn: each sector by itself
      ++counters.torn_writes;
      for (size_t at = 0; at < write.data.size(); at += 512) {
        if (dice() % 2 == 0) continue;
        put(inode->durable, {write.offset + at, write.data.substr(at, 512), false});
      }
    }
  }
  inode->pending.clear();
  inode->live = inode->durable;
}

void State::restore(uint64_t seed) {
  std::mt19937_64 dice(seed);
  survive(root, dice);
  faults.clear();
  dead = false;
}

std::string command(State& state, const std::string& line) {
  std::lock_guard lock(state.mutex);
  std::istringstream in(line);
  std::string word;
  in >> word;
  if (word == "cut") {
    state.cut();
  } else if (word == "restore") {
    uint64_t seed = 0;
    in >> seed;
    state.restore(seed);
  } else if (word == "fault") {
    Fault fault;
    std::string how;
    if (!(in >> fault.operation >> fault.countdown >> fault.code)) return "error: fault OP NTH ERRNO [sticky|short]";
    in >> how;
    fault.sticky = how == "sticky";
    fault.half = how == "short";
    state.faults.push_back(fault);
  } else if (word == "clear") {
    state.faults.clear();
  } else if (word == "capacity") {
    in >> state.capacity;
  } else if (word == "stats") {
    std::ostringstream out;
    out << "cuts=" << state.counters.cuts << " lost_writes=" << state.counters.lost_writes
        << " torn_writes=" << state.counters.torn_writes << " lost_changes=" << state.counters.lost_changes;
    for (const auto& [name, count] : state.counters.calls) out << " " << name << "=" << count;
    return out.str();
  } else {
    return "error: unknown command " + word;
  }
  return "ok";
}

}  // namespace powerfs
