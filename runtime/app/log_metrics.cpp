// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/log_metrics.hpp"

namespace sluice::app {

std::string render_log_metrics(const storage::Stats& stats) {
  struct Row {
    const char *name, *type, *help;
    uint64_t value;
  };
  const Row rows[] = {
      {"sluice_log_rounds_total", "counter", "Commit rounds: each makes all waiting appends durable.", stats.rounds},
      {"sluice_log_frames_total", "counter", "Appends made durable.", stats.frames},
      {"sluice_log_committed_bytes_total", "counter", "Bytes of record batches made durable.", stats.bytes},
      {"sluice_log_syncs_total", "counter", "fdatasync calls of the commit log.", stats.syncs},
      {"sluice_log_checkpoints_total", "counter", "Checkpoints written.", stats.checkpoints},
      {"sluice_log_segments_rolled_total", "counter", "Segments closed.", stats.segments_rolled},
      {"sluice_log_segments_deleted_total", "counter", "Segments deleted by retention.", stats.segments_deleted},
      {"sluice_log_segments_compacted_total", "counter", "Segments rewritten by compaction.", stats.segments_compacted},
      {"sluice_log_failed", "gauge", "1: a sync failed; the data directory takes nothing until a restart.",
       stats.failed ? uint64_t{1} : uint64_t{0}},
  };
  std::string text;
  for (const auto& row : rows) {
    text += std::string("# HELP ") + row.name + " " + row.help + "\n# TYPE " + row.name + " " + row.type + "\n" +
            row.name + " " + std::to_string(row.value) + "\n";
  }
  return text;
}

}  // namespace sluice::app
