// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>

#include "runtime/plugin/registry.hpp"

namespace sluice::plugin::testing {

// A folder that is gone at the end, and what is needed to fill it with libraries.
class TempFolder {
 public:
  TempFolder() {
    auto pattern = (std::filesystem::temp_directory_path() / "sluice-plugin-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string test_plugin(const std::string& name) {
  return std::string(SLUICE_TEST_PLUGINS) + "/" + name + ".so";
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// In place: the same inode, as a careless copy does it.
inline void write_file(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
  std::filesystem::permissions(path, std::filesystem::perms(0644));
}

inline std::string put_plugin(const TempFolder& folder, const std::string& name,
                              const std::string& as = "") {
  auto target = folder / (as.empty() ? name : as) + ".so";
  write_file(target, read_file(test_plugin(name)));
  return target;
}

inline RegistryOptions options_for(const TempFolder& plugins) {
  RegistryOptions options;
  options.plugin_path = {plugins.path()};
  options.probe_command = {SLUICE_TEST_PROBE, "__probe-plugin"};
  options.probe_in_background = false;
  return options;
}

// What the worker would answer to an instance; the test looks at what was asked and said.
class FakeServices : public InstanceServices {
 public:
  std::string setting(const std::string& name) override {
    std::lock_guard lock(mutex);
    auto it = settings.find(name);
    return it == settings.end() ? "" : it->second;
  }
  Result<std::optional<std::string>> read_offset(const std::string& partition) override {
    std::lock_guard lock(mutex);
    auto it = offsets.find(partition);
    if (it == offsets.end()) return std::optional<std::string>();
    return std::optional<std::string>(it->second);
  }
  Result<std::vector<std::pair<std::string, std::string>>> list_offsets() override {
    std::lock_guard lock(mutex);
    return std::vector<std::pair<std::string, std::string>>(offsets.begin(), offsets.end());
  }
  void wake() override { ++wakes; }
  void request_reconfiguration() override { ++reconfigurations; }
  void report_event(const std::string& kind, const std::string& text) override {
    std::lock_guard lock(mutex);
    events.push_back(kind + ": " + text);
  }

  std::mutex mutex;
  std::map<std::string, std::string> settings{{"connector.name", "c"}, {"task.id", "0"}};
  std::map<std::string, std::string> offsets;
  std::vector<std::string> events;
  std::atomic<int> wakes{0};
  std::atomic<int> reconfigurations{0};
};

}  // namespace sluice::plugin::testing
