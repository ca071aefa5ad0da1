// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "runtime/log/log.hpp"

namespace sluice::log {

// The key of a source offset's record, byte for byte Kafka Connect's:
// ["<connector>",{<partition>}].
std::string source_offset_key(const std::string& connector, const std::string& partition);

// Record batches for the offsets topic, one for each of its partitions that gets any; Kafka's
// partitioner decides.
std::vector<BatchAppend> encode_source_offsets(std::span<const SourceOffset> offsets,
                                               const std::string& topic, int32_t partitions,
                                               int64_t now_ms);

}  // namespace sluice::log
