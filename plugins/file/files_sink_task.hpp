// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugins/file/host_files.hpp"
#include "plugins/file/rolling_file.hpp"
#include "plugins/file/wake_timer.hpp"

namespace sluice::file_plugin {

// The config of a FileSink, read.
struct SinkOptions {
  PathTemplate path;
  RollOptions roll;
  bool exactly_once = false;

  // Whether several tasks can share the work: each partition has files of its own.
  bool per_partition() const { return path.has_topic() && path.has_partition(); }
  static Result<SinkOptions> read(const sdk::Config& config);
  // What the ConfigDef alone cannot say; findings go to the context.
  static void check_values(const sdk::Context& context, const sdk::Config& config);
};

// One line per record, into a file for all, or into files by topic and partition, each one growing
// or rolled. Never waits for anything but the disk. Owned by the worker, called by one thread at a
// time; holds the locked files between open and close.
class FilesSinkTask : public sdk::SinkTask {
 public:
  Status start(const sdk::Config& config) override;
  Status open(std::span<sdk::PartitionOffset> partitions, int64_t epoch) override;
  Status put(sdk::SinkBatch& batch) override;
  Status commit(std::span<sdk::PartitionOffset> partitions) override;
  void close(std::span<const sdk::PartitionOffset> partitions, bool lost) override;

 private:
  using SeriesKey = std::pair<std::string, int32_t>;  // as far as the template tells them apart
  struct Owned;
  struct Series {
    std::unique_ptr<RollingFile> file;
    std::vector<Owned*> owned;
    TextBuffer* lines = nullptr;  // of the batch that is being put
  };
  // A partition that this task owns, with the offset below which nothing may come again.
  struct Owned {
    uint32_t topic;
    int32_t partition;
    int64_t next_offset;
    int64_t next_after;  // once the batch that is being put is taken
    Series* series;
  };

  SeriesKey key_of(std::string_view topic, int32_t partition) const;
  Series& series_of(const sdk::PartitionOffset& partition);
  Status open_series(Series& series, std::span<sdk::PartitionOffset> given, int64_t epoch);
  Owned* find_owned(uint32_t topic, int32_t partition);
  std::vector<PartitionPosition> positions_of(const Series& series) const;
  Status fill(sdk::SinkBatch& batch);
  Status take();
  void give_up();
  Status roll_due();
  void set_timer();

  std::optional<SinkOptions> options_;
  std::optional<HostFiles> files_;
  std::map<SeriesKey, Series> series_;
  std::vector<std::unique_ptr<Owned>> owned_;
  std::vector<uint32_t> not_writable_;  // scratch of put: records that have no text
  bool again_ = false;                  // a part of the batch that comes next was taken already
  std::unique_ptr<WakeTimer> timer_;
  sdk::Metric finished_;
  uint64_t told_finished_ = 0;
};

// The control side: one task, or tasks.max where each partition has files of its own.
class FilesSinkConnector : public sdk::Connector {
 public:
  Status start(const sdk::Config& config) override;
  Result<std::vector<sdk::TaskConfig>> task_configs(uint32_t tasks_max) override;
  static Status validate(const sdk::Context& context, const sdk::Config& config);
  static Status check(const sdk::Context& context, const sdk::Config& config);

 private:
  bool per_partition_ = false;
};

}  // namespace sluice::file_plugin
