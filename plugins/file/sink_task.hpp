// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>

#include <optional>
#include <string>
#include <vector>

#include "plugins/file/host_files.hpp"
#include "plugins/file/sink_file.hpp"

namespace sluice::file_plugin {

// One line per record. At-least-once by appending, or exactly-once with the offsets beside the file. Never waits for
// anything but the disk.
// Owned by the worker, called by one thread at a time; holds the locked file between open and close.
class FileSinkTask : public sdk::SinkTask {
 public:
  Status start(const sdk::Config& config) override;
  Status open(std::span<sdk::PartitionOffset> partitions, int64_t epoch) override;
  Status put(sdk::SinkBatch& batch) override;
  Status commit(std::span<sdk::PartitionOffset> partitions) override;
  void close(std::span<const sdk::PartitionOffset> partitions, bool lost) override;

  static Status validate(const sdk::Context& context, const sdk::Config& config);
  static Status check(const sdk::Context& context, const sdk::Config& config);

 private:
  // A partition that this task owns; in exactly-once mode with the offset below which nothing may come again.
  struct Owned {
    uint32_t topic;
    int32_t partition;
    int64_t next_offset;
  };

  std::vector<PartitionPosition> named(std::span<const sdk::PartitionOffset> partitions) const;
  Status write_lines(sdk::SinkBatch& batch, TextBuffer& out);
  Status check_order(sdk::SinkBatch& batch);
  Owned* find_owned(uint32_t topic, int32_t partition);

  std::optional<HostFiles> files_;
  std::optional<SinkFile> file_;
  std::string path_;
  bool exactly_once_ = false;
  std::vector<Owned> owned_;
  std::vector<Owned> owned_after_;      // scratch of put
  std::vector<uint32_t> not_writable_;  // scratch of put: records that have no text
};

}  // namespace sluice::file_plugin
