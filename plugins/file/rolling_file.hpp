// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/file/path_template.hpp"
#include "plugins/file/sink_file.hpp"

namespace sluice::file_plugin {

// When a file is finished, and how long finished ones stay. 0: never, for ever.
struct RollOptions {
  uint64_t max_bytes = 0;
  int64_t max_ms = 0;
  bool gzip = false;
  uint64_t keep_files = 0;
  int64_t keep_ms = 0;

  // Whether there are finished files at all, or one that grows for ever.
  bool rolls(const PathTemplate& path) const {
    return max_bytes > 0 || max_ms > 0 || gzip || path.has_time();
  }
};

// One series of files of a sink: lines go to a file with a name of its own that begins with a dot,
// which gets its name of the series when it is full, old, or of another hour. Order: data synced;
// offsets with the name to come synced; renamed; folders synced; offsets of the next, empty file
// synced. A crash at any place is finished at the next open. Without rolling it is a SinkFile.
// Owned by the sink task, used by its calls only.
class RollingFile {
 public:
  RollingFile(Files& files, Folders& folders, Events& events, const PathTemplate& path,
              const RollOptions& options, std::string topic, int32_t partition, bool exactly_once);

  // Makes the folder and looks whether the file can be had.
  Status probe();
  // As SinkFile::open. Offsets are kept, and given, in exactly-once mode only.
  Status open(std::vector<PartitionPosition>& partitions, int64_t epoch, int64_t now_ms);
  bool is_open() const { return file_.is_open(); }
  // RETRIABLE: the last file is not out of the way yet; nothing can be written.
  Status ready(int64_t now_ms);
  LineWriter& writer() { return file_.writer(); }
  // After lines were given to the writer.
  void written(int64_t now_ms) {
    if (begun_ms_ == 0) begun_ms_ = now_ms;
  }
  Status commit(const std::vector<PartitionPosition>& partitions, int64_t now_ms);
  bool due(int64_t now_ms) const;
  // When due() becomes true if nothing more is written; INT64_MAX: never.
  int64_t due_ms() const;
  // Commits and finishes the file.
  Status roll(const std::vector<PartitionPosition>& partitions, int64_t now_ms);
  void close();
  uint64_t finished() const { return finished_; }

 private:
  std::string name(uint64_t number, int64_t time_ms) const {
    return template_.fill(topic_, partition_, time_ms, number) + (options_.gzip ? ".gz" : "");
  }
  Result<std::string> free_name(RollState& roll);
  Status finish(Sidecar& sidecar);
  Status prune(int64_t now_ms);
  Result<bool> exists(const std::string& path);

  Files& files_;
  Folders& folders_;
  Events& events_;
  const PathTemplate& template_;
  const RollOptions& options_;
  std::string topic_;
  int32_t partition_;
  bool exactly_once_;
  bool rolls_;
  std::string path_;
  SinkFile file_;
  int64_t begun_ms_ = 0;
  bool finishing_ = false;  // the offsets file has a name that the file does not have yet
  uint64_t finished_ = 0;
};

}  // namespace sluice::file_plugin
