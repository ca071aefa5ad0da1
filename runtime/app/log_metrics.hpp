// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "broker-core/storage/log.hpp"

namespace sluice::app {

// The log's counters in Prometheus' text format, sluice_log_*.
std::string render_log_metrics(const storage::Stats& stats);

}  // namespace sluice::app
