// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/plugin_scan.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

namespace sluice::plugin {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFiles = 10'000;
// File times have the resolution of the kernel's tick, some file systems' one or two seconds.
constexpr int64_t kSettleNs = 3'000'000'000;

Result<std::vector<std::string>> read_folder(const std::string& path) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".so") continue;
    if (files.size() == kMaxFiles)
      return Error{ErrorKind::kInvalid, "more than 10000 libraries in " + path};
    files.push_back(it->path().string());
  }
  if (error) return Error{ErrorKind::kIo, path + ": " + error.message()};
  std::sort(files.begin(), files.end());
  return files;
}

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

PluginScan::Found PluginScan::scan() {
  Found out;
  std::set<std::string> seen;
  auto add = [&](const std::string& path) {
    auto identity = identify(path);
    if (!identity.ok()) return;  // gone since its folder was read
    if (seen.insert(path).second) out.files.emplace_back(path, *identity);
  };
  for (const auto& element : plugin_path_) {
    std::error_code error;
    if (!fs::is_directory(element, error)) {
      if (fs::exists(element, error))
        add(element);
      else
        out.unreadable.emplace_back(element, element + ": plugin.path: no such file or folder");
      continue;
    }
    auto identity = identify(element);
    auto& folder = folders_[element];
    if (identity.ok() && (!folder.settled || folder.identity != *identity)) {
      auto files = read_folder(element);
      if (!files.ok()) {
        out.unreadable.emplace_back(element, "plugin.path: " + files.error().message);
        folder.settled = false;
        folder.files.clear();
        continue;
      }
      folder = {*identity, now_ns() - std::max(identity->mtime_ns, identity->ctime_ns) > kSettleNs,
                std::move(*files)};
    }
    for (const auto& file : folder.files) add(file);
  }
  return out;
}

}  // namespace sluice::plugin
