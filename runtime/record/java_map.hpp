// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker-core/base/result.hpp"
#include "runtime/record/arena.hpp"
#include "sdk/include/sluice/plugin.h"

// Source partitions and offsets as Kafka Connect stores them. A partition is found again by the
// bytes of its JSON, and Kafka Connect writes the members in the order of a java.util.HashMap, so
// that order is part of the format.
namespace sluice::record {

// String.hashCode of the UTF-16 form of valid UTF-8.
int32_t java_hash_code(std::string_view utf8);

// Indexes of `keys` (distinct, in the order of their put) in the iteration order of a
// java.util.HashMap.
std::vector<size_t> java_hash_map_order(std::span<const std::string_view> keys);

// A MAP of STRING to primitives as JSON without spaces, as Kafka Connect's schemaless JsonConverter
// writes it. NULL type gives "null". kInvalid: anything else, or a key twice.
Result<std::string> java_map_json(const sluice_value& map);

// The reverse: an object of primitives, or null. Integers become INT64, other numbers FLOAT64, as
// in Kafka Connect. The text of the result lies in `arena`. kInvalid: anything else.
Result<sluice_value> java_map_value(std::string_view json, Arena& arena);

}  // namespace sluice::record
