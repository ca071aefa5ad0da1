// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "broker-core/base/result.hpp"

namespace sluice::metadata {

inline constexpr std::string_view kConsumerOffsetsTopic = "__consumer_offsets";
inline constexpr std::string_view kTransactionStateTopic = "__transaction_state";

// kInvalid with Kafka's text unless the name is 1 to 249 of [a-zA-Z0-9._-] and neither "." nor
// "..".
Status validate_topic_name(std::string_view name);

// The broker's own topics, which clients may read but not produce to or delete.
bool is_internal_topic(std::string_view name);

// Kafka refuses two topics that differ only in '.' and '_' (their metrics would have one name).
bool topic_names_collide(std::string_view a, std::string_view b);

}  // namespace sluice::metadata
