// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "runtime/task/metrics.hpp"
#include "runtime/task/settings.hpp"

namespace sluice::app {

struct TaskSample {
  task::TaskId id;
  bool sink = false;
  task::MetricsSnapshot metrics;
};

// Kafka Connect's task metrics in Prometheus' text format:
// kafka_connect_<name>{connector="c",task="0"}.
std::string render_task_metrics(const std::vector<TaskSample>& samples);

}  // namespace sluice::app
