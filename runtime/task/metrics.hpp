// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::task {

// Kafka Connect's task metrics, under its names (source-task-metrics, sink-task-metrics,
// task-error-metrics, connector-task-metrics). Times in nanoseconds; who publishes them converts.
template <template <class> class Cell>
struct MetricsOf {
  // source
  Cell<uint64_t> source_record_poll_total{0};
  Cell<uint64_t> source_record_write_total{0};
  Cell<uint64_t> source_record_active_count{0};  // polled, not yet durable
  Cell<uint64_t> poll_batch_time_total_ns{0};
  Cell<uint64_t> poll_batch_time_max_ns{0};
  Cell<uint64_t> poll_batches{0};
  // sink
  Cell<uint64_t> sink_record_read_total{0};
  Cell<uint64_t> sink_record_send_total{0};
  Cell<uint64_t> sink_record_active_count{0};  // put, not yet committed
  Cell<uint64_t> put_batch_time_total_ns{0};
  Cell<uint64_t> put_batch_time_max_ns{0};
  Cell<uint64_t> put_batches{0};
  Cell<uint64_t> partition_count{0};
  // both
  Cell<uint64_t> batch_size_max{0};
  Cell<uint64_t> bytes_total{0};
  Cell<uint64_t> offset_commit_completion_total{0};
  Cell<uint64_t> offset_commit_skip_total{0};
  Cell<uint64_t> offset_commit_failure_total{0};
  Cell<uint64_t> offset_commit_time_total_ns{0};
  Cell<uint64_t> offset_commit_time_max_ns{0};
  Cell<uint64_t> total_record_failures{0};  // record failures that failed the task
  Cell<uint64_t> total_record_errors{0};
  Cell<uint64_t> total_records_skipped{0};
  Cell<uint64_t> total_retries{0};
  Cell<uint64_t> total_errors_logged{0};
  Cell<uint64_t> dead_letter_requests{0};
  Cell<uint64_t> dead_letter_failures{0};  // tries that the log refused
  Cell<int64_t> last_error_timestamp_ms{0};
  Cell<int64_t> last_progress_steady_ns{0};  // health: when records last moved
  Cell<uint64_t> log_retrying{0};  // 1 while the log refuses appends (disk full, queue full)
};

template <class T>
using PlainCell = T;
template <class T>
using AtomicCell = std::atomic<T>;

using MetricsSnapshot = MetricsOf<PlainCell>;

// Written by the runner's thread (and the log's for completions), read by anyone.
struct Metrics : MetricsOf<AtomicCell> {
  MetricsSnapshot snapshot() const;
};

}  // namespace sluice::task
