// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/backups.hpp"

#include <filesystem>

#include "runtime/logging/logging.hpp"

namespace sluice::app {
namespace {

namespace fs = std::filesystem;

bool is_below(const fs::path& path, const fs::path& root) {
  const auto relative = path.lexically_relative(root);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

// The folder above must exist: links in it are resolved, so that none leads out of the roots.
Result<std::string> WorkerBackups::resolve(const std::string& directory) const {
  const fs::path path = fs::path(directory).lexically_normal();
  auto refuse = [&](const std::string& why) {
    return Error{ErrorKind::kInvalid, "backup to '" + directory + "': " + why};
  };
  if (!path.is_absolute()) return refuse("name it by its absolute path");
  const fs::path target = path.has_filename() ? path : path.parent_path();
  if (!target.has_filename()) return refuse("that is the root of the file system");
  std::error_code code;
  const fs::path parent = fs::canonical(target.parent_path(), code);
  if (code) return refuse("the folder above it: " + code.message());
  const fs::path resolved = parent / target.filename();
  if (fs::is_symlink(fs::symlink_status(resolved, code))) return refuse("it is a symbolic link");
  const fs::path data = fs::canonical(data_dir_, code);
  if (code) return refuse("the data directory: " + code.message());
  if (is_below(resolved, data) || resolved == data) {
    return refuse("it lies in the worker's data directory");
  }
  for (const auto& root : roots_) {
    const fs::path allowed = fs::canonical(root, code);
    if (!code && (is_below(resolved, allowed))) return resolved.string();
  }
  return refuse("it is outside of file.allowed.roots; add its folder there, or name another");
}

Status WorkerBackups::start(const std::string& directory) {
  SLUICE_ASSIGN(const std::string target, resolve(directory));
  std::unique_lock lock(mutex_);
  if (stopping_) return Error{ErrorKind::kShutdown, "the worker is stopping"};
  if (state_.state == "RUNNING") {
    return Error{ErrorKind::kConflict, "a backup to " + state_.directory + " is running already"};
  }
  std::error_code code;
  if (fs::exists(target, code) && !fs::is_empty(target, code)) {
    return Error{ErrorKind::kConflict, target + " is not empty; name a folder that does not exist"};
  }
  if (thread_.joinable()) thread_.join();  // its work is done, the state says so
  state_ = {"RUNNING", target, 0, 0, ""};
  thread_ = std::thread([this, target] { run(target); });
  return ok();
}

void WorkerBackups::run(const std::string& directory) {
  auto status = broker_.backup(directory, {"worker/epochs"}, [this](uint64_t done, uint64_t all) {
    std::lock_guard lock(mutex_);
    state_.bytes = done;
    state_.bytes_total = all;
    return !stopping_;
  });
  const logging::Logger log("sluice.backup");
  if (status.ok()) {
    log.info("backup written to " + directory);
  } else {
    log.error("backup to " + directory + " failed: " + status.error().message);
  }
  std::lock_guard lock(mutex_);
  state_.state = status.ok() ? "DONE" : "FAILED";
  if (!status.ok()) state_.error = status.error().message;
  changed_.notify_all();
}

rest::BackupState WorkerBackups::state(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [this] { return state_.state != "RUNNING" || stopping_; });
  return state_;
}

void WorkerBackups::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace sluice::app
