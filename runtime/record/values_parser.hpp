// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "broker-core/base/result.hpp"
#include "runtime/record/converter.hpp"

namespace sluice::record {

// org.apache.kafka.connect.data.Values.parseString: what a header's text most likely means. null, true and false;
// numbers (the smallest integer type, then FLOAT32, FLOAT64, Decimal); ISO dates, times and timestamps in UTC; arrays
// [..] and maps {..} of these and of quoted strings; everything else is a STRING. Text that is only partly a number
// or a container is a STRING here, so nothing of it gets lost. Containers without a common type, or empty, are
// schemaless. Values borrow from `text` or live in the arena.
Result<SchemaAndValue> parse_values_string(std::string_view text, Arena& arena);

}  // namespace sluice::record
