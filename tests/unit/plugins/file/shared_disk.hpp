// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "plugins/file/files.hpp"

namespace sluice::file_plugin::test {

// A folder in memory with a clock of its own, of which one process reads while another one changes
// it: `before_operation` is called before each single system call of the reader. One thread.
class SharedDisk {
 public:
  struct Node {
    explicit Node(SharedDisk& disk) : disk(disk) {}
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    // It has neither a name nor somebody who has it open any more.
    ~Node() { disk.free_inodes_.insert(inode); }

    SharedDisk& disk;
    std::string content;
    uint64_t inode = 0;
    int64_t modified_ns = 0;
    int64_t changed_ns = 0;
    bool named = true;
  };

  int64_t now_ns = kStart;
  bool reuse_inodes = true;  // at once, as ext4 does
  std::function<void()> before_operation = [] {};
  std::function<void(const std::string&)> on_event = [](const std::string&) {};

  // --- what the other process does; paths have the folder in front
  bool exists(const std::string& path) const { return nodes_.contains(path); }
  const std::string& content(const std::string& path) const { return nodes_.at(path)->content; }
  std::shared_ptr<Node> create(const std::string& path);
  void append(Node& node, const std::string& text);
  void cut(const std::string& path);
  void move(const std::string& from, const std::string& to);
  void remove(const std::string& path);
  void copy_time(const std::string& from, const std::string& to);

  // --- the reader's view of it; is to be gone before the disk
  std::unique_ptr<Disk> reader();

 private:
  class Reader;
  class OpenNode;
  static constexpr int64_t kStart = 1'800'000'000'000'000'000;
  static constexpr int64_t kTick = 4'000'000;  // the kernel's times of files have no finer steps
  int64_t file_time() const { return now_ns / kTick * kTick; }

  std::set<uint64_t> free_inodes_;
  uint64_t next_inode_ = 1;
  std::map<std::string, std::shared_ptr<Node>> nodes_;
};

}  // namespace sluice::file_plugin::test
