// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <sluice/testkit/driver.hpp>
#include <sluice/testkit/fake_host.hpp>

#include "plugins/file/files_source_task.hpp"
#include "plugins/file/gzip_member.hpp"

namespace sluice::file_plugin::test {

using Lines = std::vector<std::string>;

// A FileSource through the C ABI over real files in a temporary folder.
class FilesSourceFixture : public testing::Test {
 protected:
  ~FilesSourceFixture() override {
    for (const std::string& violation : host_.violations()) ADD_FAILURE() << violation;
    EXPECT_EQ(host_.live_batches(), 0u);
    EXPECT_EQ(host_.live_schemas(), 0u);
  }

  std::filesystem::path at(const std::string& name) { return host_.root() / name; }
  void append(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(at(name).parent_path());
    std::ofstream(at(name), std::ios::app | std::ios::binary) << text;
  }
  // In place: the inode stays.
  void rewrite(const std::string& name, const std::string& text) {
    std::ofstream(at(name), std::ios::trunc | std::ios::binary) << text;
  }
  void rename(const std::string& from, const std::string& to) {
    std::filesystem::rename(at(from), at(to));
  }
  void remove(const std::string& name) { std::filesystem::remove(at(name)); }
  std::string content(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(at(name), std::ios::binary).rdbuf();
    return text.str();
  }
  void copy(const std::string& from, const std::string& to) { append(to, content(from)); }
  void copytruncate(const std::string& from, const std::string& to) {
    copy(from, to);
    rewrite(from, "");
  }
  // As gzip does it: the compressed file appears beside the other one, which goes then.
  void compress(const std::string& name) {
    const auto modified = std::filesystem::last_write_time(at(name));
    append(name + ".gz", gzip_member(content(name)).value());
    std::filesystem::last_write_time(at(name + ".gz"), modified);
    remove(name);
  }

  testkit::ConfigMap config(const testkit::ConfigMap& changes) {
    testkit::ConfigMap config = {
        {"file", "app.log"},       {"topic", "lines"},         {"file.exclude", ""},
        {"gzip", "true"},          {"encoding", "utf-8"},      {"invalid.bytes", "replace"},
        {"line.end", "any"},       {"skip.header.lines", "0"}, {"skip.footer.lines", "0"},
        {"record.key", "none"},    {"record.headers", ""},     {"rescan.interval.ms", "10"},
        {"rotated.wait.ms", "60"}, {"finish.after.ms", "0"},   {"max.files", "1000"},
        {"max.open.files", "100"}, {"batch.size", "2000"},     {"max.line.bytes", "1000"},
        {"long.lines", "fail"}};
    for (const auto& [key, value] : changes) config[key] = value;
    return config;
  }
  testkit::SourceDriver source(const testkit::ConfigMap& changes = {}) {
    return testkit::SourceDriver::of<FilesSourceTask>(host_, config(changes));
  }
  // The values of `count` records, and of any that come though there should be no more.
  Lines read(testkit::SourceDriver& task, size_t count) {
    const testkit::Outcome outcome = task.poll_until(count, std::chrono::seconds(10));
    EXPECT_TRUE(outcome.ok()) << outcome.text;
    const testkit::Outcome more = task.poll_until(count + 1, std::chrono::milliseconds(60));
    EXPECT_TRUE(more.ok()) << more.text;
    return values(task);
  }
  static Lines values(const testkit::SourceDriver& task) {
    Lines lines;
    for (const testkit::Record& record : task.records())
      lines.push_back(record.value.value_or("(null)"));
    return lines;
  }
  // One task's life: reads, makes all durable, ends.
  Lines run(size_t count, const testkit::ConfigMap& changes = {}) {
    testkit::SourceDriver task = source(changes);
    const testkit::Outcome started = task.start();
    EXPECT_TRUE(started.ok()) << started.text;
    const Lines lines = read(task, count);
    EXPECT_TRUE(task.make_durable().ok());
    return lines;
  }
  bool has_event(const std::string& kind, const std::string& text = "") {
    for (const testkit::Event& event : host_.events()) {
      if (event.kind == kind && event.text.find(text) != std::string::npos) return true;
    }
    return false;
  }
  // Polls until something is true that follows from polling.
  template <class Condition>
  bool until(testkit::SourceDriver& task, Condition&& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline ||
          !task.poll_until(task.records().size() + 1, std::chrono::milliseconds(20)).ok()) {
        return false;
      }
      if (!task.make_durable().ok()) return false;
    }
    return true;
  }
  // Of the file that was called so when it was last stored.
  std::string stored(const std::string& path) {
    for (const auto& [partition, offset] : host_.all_stored_offsets()) {
      if (offset.find("\"path\":\"" + path + "\"") != std::string::npos) return offset;
    }
    return "";
  }
  // "position":N of a stored offset.
  bool stored_at(const std::string& path, uint64_t position) {
    return stored(path).find("\"position\":" + std::to_string(position) + "}") !=
               std::string::npos ||
           stored(path).find("\"position\":" + std::to_string(position) + ",") != std::string::npos;
  }

  testkit::FakeHost host_;
};

}  // namespace sluice::file_plugin::test
