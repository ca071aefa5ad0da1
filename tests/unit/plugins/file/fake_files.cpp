// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/plugins/file/fake_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

namespace sluice::file_plugin::test {

namespace {

// A change that is not synced yet.
struct Change {
  uint64_t offset = 0;
  std::string bytes;
  bool truncate = false;  // to `offset`
};

// How much of a write happens when it is torn: sometimes half, sometimes hardly anything.
size_t torn_size(size_t size, uint64_t number) {
  constexpr size_t kParts[] = {2, 64, 100, 512};
  return size / kParts[number % 4];
}

void apply(std::string& content, const Change& change, size_t bytes) {
  if (change.truncate) {
    content.resize(change.offset, '\0');
    return;
  }
  if (content.size() < change.offset + bytes) content.resize(change.offset + bytes, '\0');
  content.replace(change.offset, bytes, change.bytes, 0, bytes);
}

}  // namespace

struct FakeFiles::Node {
  std::string content;
  std::string durable;
  std::vector<Change> pending;
  std::optional<std::string> mark;
  uint64_t inode = 0;
  uint64_t links = 1;
  int64_t changed = 0;
  bool regular = true;
  const void* lock = nullptr;

  void change(Change change) {
    apply(content, change, change.bytes.size());
    pending.push_back(std::move(change));
  }
  void settle() {
    durable = content;
    pending.clear();
  }
};

class FakeFile : public File {
 public:
  FakeFile(FakeFiles& files, std::shared_ptr<FakeFiles::Node> node) : files_(files), node_(std::move(node)) {}
  ~FakeFile() override {
    if (node_->lock == this) node_->lock = nullptr;
  }

  IoResult read_at(char* to, size_t size, uint64_t offset) override {
    if (const int error = files_.begin_operation()) return {error, 0};
    if (offset >= node_->content.size()) return {0, 0};
    const size_t n = std::min(size, node_->content.size() - static_cast<size_t>(offset));
    std::memcpy(to, node_->content.data() + offset, n);
    return {0, n};
  }
  IoResult write_at(std::string_view bytes, uint64_t offset) override {
    const bool was_dead = files_.dead_;
    if (const int error = files_.begin_operation()) {
      const size_t torn = was_dead ? 0 : torn_size(bytes.size(), files_.operations_);
      if (torn > 0) node_->change({offset, std::string(bytes.substr(0, torn))});
      return {error, torn};
    }
    const uint64_t end = offset + bytes.size();
    const uint64_t growth = end > node_->content.size() ? end - node_->content.size() : 0;
    if (growth > files_.space_) {
      const size_t fits = bytes.size() - static_cast<size_t>(growth - files_.space_);
      node_->change({offset, std::string(bytes.substr(0, fits))});
      files_.space_ = 0;
      return {ENOSPC, fits};
    }
    if (files_.space_ != UINT64_MAX) files_.space_ -= growth;
    node_->change({offset, std::string(bytes)});
    return {0, bytes.size()};
  }
  IoResult truncate(uint64_t size) override {
    if (const int error = files_.begin_operation()) return {error, 0};
    if (files_.space_ != UINT64_MAX && node_->content.size() > size) files_.space_ += node_->content.size() - size;
    node_->change({size, "", true});
    return {};
  }
  IoResult sync() override {
    if (const int error = files_.begin_operation()) return {error, 0};
    if (const int error = std::exchange(files_.next_sync_error, 0)) return {error, 0};
    node_->settle();
    return {};
  }
  IoResult info(FileInfo* info) override {
    if (const int error = files_.begin_operation()) return {error, 0};
    *info = {node_->content.size(), 1, node_->inode, node_->links, node_->changed, node_->regular};
    return {};
  }
  IoResult lock() override {
    if (const int error = files_.begin_operation()) return {error, 0};
    if (node_->lock != nullptr && node_->lock != this) return {EWOULDBLOCK, 0};
    node_->lock = this;
    return {};
  }
  IoResult read_mark(std::string* value) override {
    if (!files_.marks_supported) return {ENOTSUP, 0};
    if (!node_->mark) return {ENODATA, 0};
    *value = *node_->mark;
    return {};
  }
  IoResult write_mark(std::string_view value) override {
    if (!files_.marks_supported) return {ENOTSUP, 0};
    if (const int error = files_.begin_operation()) return {error, 0};
    node_->mark = value;
    return {};
  }

 private:
  FakeFiles& files_;
  std::shared_ptr<FakeFiles::Node> node_;
};

int FakeFiles::begin_operation() {
  if (dead_) return EIO;
  const uint64_t number = operations_++;
  if (number == die_at_) {
    dead_ = true;
    return EIO;
  }
  return number == fail_at_ ? fail_error_ : 0;
}

Result<std::unique_ptr<File>> FakeFiles::open(const std::string& path, Access) {
  if (const int error = begin_operation()) return io_error("opening", path, error);
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return Error::not_connected("'" + path + "' does not exist");
  return std::unique_ptr<File>(std::make_unique<FakeFile>(*this, found->second));
}

Result<std::unique_ptr<File>> FakeFiles::create(const std::string& path) {
  if (const int error = begin_operation()) return io_error("creating", path, error);
  if (!nodes_.contains(path)) write(path, "");
  return std::unique_ptr<File>(std::make_unique<FakeFile>(*this, nodes_.at(path)));
}

Status FakeFiles::rename(const std::string& from, const std::string& to) {
  const bool was_dead = dead_;
  if (const int error = begin_operation()) {
    // Dying in the middle: the rename may have happened all the same.
    if (!was_dead && operations_ % 2 == 0) move(from, to);
    return io_error("renaming to", to, error);
  }
  move(from, to);
  return sdk::ok();
}

std::string FakeFiles::content(const std::string& path) const { return nodes_.at(path)->content; }

void FakeFiles::write(const std::string& path, const std::string& text) {
  std::shared_ptr<Node>& node = nodes_[path];
  if (node == nullptr) {
    node = std::make_shared<Node>();
    node->inode = next_inode_++;
  }
  node->content = text;
  node->settle();
  ++node->changed;
}

void FakeFiles::append(const std::string& path, const std::string& text) { write(path, content(path) + text); }
void FakeFiles::cut(const std::string& path, size_t size) { write(path, content(path).substr(0, size)); }

void FakeFiles::remove(const std::string& path) {
  nodes_.at(path)->links = 0;
  nodes_.erase(path);
}

void FakeFiles::move(const std::string& from, const std::string& to) {
  if (nodes_.contains(to)) nodes_.at(to)->links = 0;
  nodes_[to] = nodes_.at(from);
  nodes_.erase(from);
  ++nodes_.at(to)->changed;
}

void FakeFiles::set_regular(const std::string& path, bool regular) { nodes_.at(path)->regular = regular; }

void FakeFiles::restart(bool power_lost, std::mt19937& dice) {
  dead_ = false;
  die_at_ = fail_at_ = UINT64_MAX;
  operations_ = 0;
  for (auto& [path, node] : nodes_) {
    node->lock = nullptr;
    if (!power_lost) continue;
    std::string content = node->durable;
    for (const Change& change : node->pending) {
      switch (dice() % 3) {
        case 0: break;
        case 1: apply(content, change, change.bytes.size()); break;
        case 2: apply(content, change, torn_size(change.bytes.size(), dice())); break;
      }
    }
    node->content = content;
    node->settle();
  }
}

bool FakeFiles::has_event(std::string_view kind) const {
  return std::any_of(events.begin(), events.end(), [&](const auto& event) { return event.first == kind; });
}

}  // namespace sluice::file_plugin::test
