// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "plugins/file/file_reader.hpp"
#include "plugins/file/file_tracker.hpp"
#include "plugins/file/host_files.hpp"
#include "plugins/file/source_options.hpp"

namespace sluice::file_plugin {

// Lines of any number of files, which come, grow, are rotated, compressed and go. Each file is a
// source partition of its own (see FileKey). Never waits; looks at the folders now and then.
// Owned by the worker, called by one thread at a time; holds a bounded number of open files between
// calls.
class FilesSourceTask : public sdk::SourceTask, private Notes {
 public:
  Status start(const sdk::Config& config) override;
  Status poll(const sdk::PollLimits& limits, sdk::RecordBatch& batch) override;

 protected:
  // Where the files and the time come from; a test has both in memory.
  virtual std::unique_ptr<Disk> open_disk() const;
  virtual FileTracker::Times now() const;

 private:
  static constexpr uint32_t kMinIdleMs = 10;
  static constexpr uint32_t kMaxIdleMs = 1000;
  static constexpr int64_t kUndecidedMs = 200;  // the longest between two looks while files wait

  void note(const std::string& text) override { context().info(text); }
  Status load_stored();
  Status rescan(const FileTracker::Times& now);
  int64_t rescan_ms() const;
  Status read_files(const sdk::PollLimits& limits, int64_t now_ms, sdk::RecordBatch& batch,
                    bool* more);
  bool make_room();
  Status prepare(TrackedFile& file);
  void add_records(const TrackedFile& file, sdk::RecordBatch& batch);
  Status store_offset(TrackedFile& file, sdk::RecordBatch& batch);
  Result<uint32_t> source_partition(const FileKey& key);
  Status store_changes(sdk::RecordBatch& batch);
  void register_metrics();
  void update_metrics();

  std::optional<SourceOptions> options_;
  std::unique_ptr<Disk> files_;
  std::optional<FileFinder> finder_;
  std::optional<FileTracker> tracker_;
  std::optional<FileReader> reader_;
  LineBatch found_;
  sluice_record prototype_ = {};
  sdk::Schema value_schema_;
  sdk::Schema key_schema_;
  std::string next_live_;  // files of this live name have their turn first
  int64_t rescan_at_ms_ = 0;
  uint32_t idle_ms_ = kMinIdleMs;
  bool waiting_reported_ = false;

  struct Metrics {
    sdk::Metric tracked, open, behind, rotated, truncated, lost, finished;
  };
  Metrics metrics_;
  FileTracker::Counts told_;  // how much of the counts the metrics have
  uint64_t told_finished_ = 0;
};

// The control side: one task for one file, tasks.max for a pattern or folder.
class FilesSourceConnector : public sdk::Connector {
 public:
  Status start(const sdk::Config& config) override;
  Result<std::vector<sdk::TaskConfig>> task_configs(uint32_t tasks_max) override;
  static Status validate(const sdk::Context& context, const sdk::Config& config);
  static Status check(const sdk::Context& context, const sdk::Config& config);

 private:
  std::string file_;
};

}  // namespace sluice::file_plugin
