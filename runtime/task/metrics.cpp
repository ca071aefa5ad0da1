// SPDX-License-Identifier: Apache-2.0
#include "runtime/task/metrics.hpp"

namespace sluice::task {

MetricsSnapshot Metrics::snapshot() const {
  MetricsSnapshot copy;
#define SLUICE_COPY(name) copy.name = name.load(std::memory_order_relaxed)
  SLUICE_COPY(source_record_poll_total);
  SLUICE_COPY(source_record_write_total);
  SLUICE_COPY(source_record_active_count);
  SLUICE_COPY(poll_batch_time_total_ns);
  SLUICE_COPY(poll_batch_time_max_ns);
  SLUICE_COPY(poll_batches);
  SLUICE_COPY(sink_record_read_total);
  SLUICE_COPY(sink_record_send_total);
  SLUICE_COPY(sink_record_active_count);
  SLUICE_COPY(put_batch_time_total_ns);
  SLUICE_COPY(put_batch_time_max_ns);
  SLUICE_COPY(put_batches);
  SLUICE_COPY(partition_count);
  SLUICE_COPY(batch_size_max);
  SLUICE_COPY(bytes_total);
  SLUICE_COPY(offset_commit_completion_total);
  SLUICE_COPY(offset_commit_skip_total);
  SLUICE_COPY(offset_commit_failure_total);
  SLUICE_COPY(offset_commit_time_total_ns);
  SLUICE_COPY(offset_commit_time_max_ns);
  SLUICE_COPY(total_record_failures);
  SLUICE_COPY(total_record_errors);
  SLUICE_COPY(total_records_skipped);
  SLUICE_COPY(total_retries);
  SLUICE_COPY(total_errors_logged);
  SLUICE_COPY(dead_letter_requests);
  SLUICE_COPY(dead_letter_failures);
  SLUICE_COPY(last_error_timestamp_ms);
  SLUICE_COPY(last_progress_steady_ns);
  SLUICE_COPY(log_retrying);
#undef SLUICE_COPY
  return copy;
}

}  // namespace sluice::task
