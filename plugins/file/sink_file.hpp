// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/file/files.hpp"
#include "plugins/file/line_writer.hpp"
#include "plugins/file/sidecar.hpp"

namespace sluice::file_plugin {

// A sink's file from open to close, locked in between: repairs what a crash left at its end, and in
// exactly-once mode keeps the offsets beside it. Order of a commit: data written, data synced,
// offsets written and synced. Owned by the sink task, used by its calls only; reopened at each
// assignment of partitions.
class SinkFile {
 public:
  SinkFile(Files& files, Events& events, std::string path, bool exactly_once, bool gzip = false)
      : files_(files),
        events_(events),
        path_(std::move(path)),
        exactly_once_(exactly_once),
        gzip_(gzip) {}

  // Makes sure that the file can be had; leaves it as it is.
  Status probe();
  // Locks and repairs; in exactly-once mode sets next_offset of the partitions that the file knows.
  // FENCED: a later epoch had it. RETRIABLE: another task has it now.
  Status open(std::vector<PartitionPosition>& partitions, int64_t epoch);
  bool is_open() const { return writer_.has_value(); }
  LineWriter& writer() { return *writer_; }
  const LineWriter& writer() const { return *writer_; }
  // Makes everything taken so far durable; in exactly-once mode together with these positions.
  Status commit(const std::vector<PartitionPosition>& partitions);
  // Exactly-once mode, while it is open. A commit keeps the roll state that was set last.
  Sidecar& sidecar() { return *sidecar_; }
  void set_roll(RollState roll) { roll_ = std::move(roll); }
  // The committed file is somewhere else now: goes on with a new one, empty as the offsets file
  // says.
  Status begin_new();
  // Drops what was not committed, unlocks.
  void close();

 private:
  Status open_exactly_once(std::unique_ptr<File> file, uint64_t size,
                           std::vector<PartitionPosition>& partitions, int64_t epoch);
  Status resume(std::unique_ptr<File> file, uint64_t size,
                std::vector<PartitionPosition>& partitions, int64_t epoch);
  Result<uint64_t> repair_end(File& file, uint64_t size);
  Result<uint64_t> end_of_last_line(File& file, uint64_t from, uint64_t size);
  Status add_tail_checksum(File& file, SidecarState& state);
  Status check_tail(File& file, const SidecarState& state);

  Files& files_;
  Events& events_;
  std::string path_;
  bool exactly_once_;
  bool gzip_;
  std::optional<RollState> roll_;
  std::optional<LineWriter> writer_;
  std::optional<Sidecar> sidecar_;
};

}  // namespace sluice::file_plugin
