// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/plugins/file/shared_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "plugins/file/rotation_name.hpp"

namespace sluice::file_plugin::test {

namespace {

FileInfo info_of(const SharedDisk::Node& node) {
  return {node.content.size(), 1,    node.inode,      node.named ? 1u : 0u,
          node.changed_ns,     true, node.modified_ns};
}

}  // namespace

class SharedDisk::OpenNode : public File {
 public:
  OpenNode(SharedDisk& disk, std::shared_ptr<Node> node) : disk_(disk), node_(std::move(node)) {}
  IoResult read_at(char* to, size_t size, uint64_t offset) override {
    disk_.before_operation();
    if (offset >= node_->content.size()) return {0, 0};
    const size_t n = std::min(size, node_->content.size() - static_cast<size_t>(offset));
    std::memcpy(to, node_->content.data() + offset, n);
    return {0, n};
  }
  IoResult info(FileInfo* info) override {
    disk_.before_operation();
    *info = info_of(*node_);
    return {};
  }
  // A source only reads.
  IoResult write_at(std::string_view, uint64_t) override { return {EROFS, 0}; }
  IoResult truncate(uint64_t) override { return {EROFS, 0}; }
  IoResult sync() override { return {EROFS, 0}; }
  IoResult lock() override { return {EROFS, 0}; }
  IoResult read_mark(std::string*) override { return {EROFS, 0}; }
  IoResult write_mark(std::string_view) override { return {EROFS, 0}; }

 private:
  SharedDisk& disk_;
  const std::shared_ptr<Node> node_;
};

class SharedDisk::Reader : public Disk {
 public:
  explicit Reader(SharedDisk& disk) : disk_(disk) {}
  Result<std::unique_ptr<File>> open(const std::string& path, Access) override {
    disk_.before_operation();
    const auto found = disk_.nodes_.find(path);
    if (found == disk_.nodes_.end()) return Error::not_connected("'" + path + "' does not exist");
    return std::unique_ptr<File>(std::make_unique<OpenNode>(disk_, found->second));
  }
  // As readdir and fstatat give it: all names at once, then what is behind each of them.
  Result<std::vector<FolderEntry>> list(const std::string& folder, size_t) override {
    disk_.before_operation();
    std::vector<std::string> paths;
    for (const auto& [path, node] : disk_.nodes_) {
      if (folder_of(path) == folder) paths.push_back(path);
    }
    std::sort(paths.begin(), paths.end(), [](const std::string& a, const std::string& b) {
      return std::hash<std::string>()(a) < std::hash<std::string>()(b);
    });
    std::vector<FolderEntry> entries;
    for (const std::string& path : paths) {
      disk_.before_operation();
      const auto found = disk_.nodes_.find(path);
      if (found == disk_.nodes_.end()) continue;
      entries.push_back(
          {std::string(file_name_of(path)), FolderEntry::Kind::kFile, info_of(*found->second)});
    }
    return entries;
  }
  void report(std::string_view kind, const std::string& text) override {
    disk_.on_event(std::string(kind) + ": " + text);
  }
  Result<std::unique_ptr<File>> create(const std::string&) override { return read_only(); }
  Status rename(const std::string&, const std::string&) override { return read_only(); }
  Status remove(const std::string&) override { return read_only(); }
  Status make_folder(const std::string&) override { return read_only(); }

 private:
  static Error read_only() { return Error::fatal("a source only reads"); }
  SharedDisk& disk_;
};

std::unique_ptr<Disk> SharedDisk::reader() {
  return std::make_unique<Reader>(*this);
}

std::shared_ptr<SharedDisk::Node> SharedDisk::create(const std::string& path) {
  auto node = std::make_shared<Node>(*this);
  if (reuse_inodes && !free_inodes_.empty()) {
    node->inode = *free_inodes_.begin();
    free_inodes_.erase(free_inodes_.begin());
  } else {
    node->inode = next_inode_++;
  }
  node->modified_ns = node->changed_ns = file_time();
  return nodes_[path] = node;
}

void SharedDisk::append(Node& node, const std::string& text) {
  node.content += text;
  node.modified_ns = node.changed_ns = file_time();
}

void SharedDisk::cut(const std::string& path) {
  Node& node = *nodes_.at(path);
  node.content.clear();
  node.modified_ns = node.changed_ns = file_time();
}

void SharedDisk::move(const std::string& from, const std::string& to) {
  nodes_[to] = nodes_.at(from);
  nodes_.erase(from);
  nodes_.at(to)->changed_ns = file_time();
}

void SharedDisk::remove(const std::string& path) {
  nodes_.at(path)->named = false;
  nodes_.at(path)->changed_ns = file_time();
  nodes_.erase(path);
}

void SharedDisk::copy_time(const std::string& from, const std::string& to) {
  nodes_.at(to)->modified_ns = nodes_.at(from)->modified_ns;
  nodes_.at(to)->changed_ns = file_time();
}

}  // namespace sluice::file_plugin::test
