// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/context.hpp>

#include "plugins/file/files.hpp"

namespace sluice::file_plugin {

// The disk as the worker lets a task see it: each path goes through the worker, which confines it
// to file.allowed.roots and resolves symbolic links. Owned by a task; calls from the task's calls
// only.
class HostFiles : public Disk {
 public:
  explicit HostFiles(const sdk::Context& context) : context_(context) {}

  Result<std::unique_ptr<File>> open(const std::string& path, Access access) override;
  Result<std::unique_ptr<File>> create(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Result<std::vector<FolderEntry>> list(const std::string& path, size_t max) override;
  Status remove(const std::string& path) override;
  Status make_folder(const std::string& path) override;
  void report(std::string_view kind, const std::string& text) override {
    context_.report_event(kind, text);
  }

 private:
  Result<int> open_directory_of(const std::string& path);
  Result<std::unique_ptr<File>> open_flags(const std::string& path, uint32_t flags);

  sdk::Context context_;
};

}  // namespace sluice::file_plugin
