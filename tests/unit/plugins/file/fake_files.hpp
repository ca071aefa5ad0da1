// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "plugins/file/files.hpp"

namespace sluice::file_plugin::test {

// A directory in memory that counts operations, fails or dies at a chosen one, runs out of space, and can be killed
// (locks go, contents stay) or lose power (what was not synced stays, goes, or is torn, by dice). One thread.
class FakeFiles : public Files, public Events {
 public:
  struct Node;

  Result<std::unique_ptr<File>> open(const std::string& path, Access access) override;
  Result<std::unique_ptr<File>> create(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  void report(std::string_view kind, const std::string& text) override {
    events.emplace_back(std::string(kind), text);
  }

  // What a test does from outside.
  bool exists(const std::string& path) const { return nodes_.contains(path); }
  std::string content(const std::string& path) const;
  void write(const std::string& path, const std::string& text);
  void append(const std::string& path, const std::string& text);
  void cut(const std::string& path, size_t size);
  void remove(const std::string& path);
  void move(const std::string& from, const std::string& to);
  void set_regular(const std::string& path, bool regular);

  // All operations from number `at` (counted from 0) on fail: the process is dead. A write is torn.
  void die_at(uint64_t at) { die_at_ = at; }
  bool dead() const { return dead_; }
  // The next process. `power_lost`: with the fate of what was not synced drawn from `dice`.
  void restart(bool power_lost, std::mt19937& dice);

  // Only operation `at` fails, with this errno.
  void fail_at(uint64_t at, int error) { fail_at_ = at, fail_error_ = error; }
  void set_space(uint64_t bytes) { space_ = bytes; }
  uint64_t operations() const { return operations_; }

  std::vector<std::pair<std::string, std::string>> events;
  bool marks_supported = true;
  int next_sync_error = 0;
  bool has_event(std::string_view kind) const;

 private:
  friend class FakeFile;
  // errno of this operation; 0: go on.
  int begin_operation();

  std::map<std::string, std::shared_ptr<Node>> nodes_;
  uint64_t operations_ = 0;
  uint64_t die_at_ = UINT64_MAX;
  uint64_t fail_at_ = UINT64_MAX;
  int fail_error_ = 0;
  uint64_t space_ = UINT64_MAX;
  bool dead_ = false;
  uint64_t next_inode_ = 1;
};

}  // namespace sluice::file_plugin::test
