// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "broker-core/base/result.hpp"
#include "sdk/include/sluice/plugin.h"

// Connect data as plain text.
namespace sluice::record {

// What toString() of the Java object that Kafka Connect holds for this value prints: Struct{a=1,b=x}, {k=v}, [1, 2],
// BigDecimal and java.util.Date (in UTC) for the logical types. Bytes, of which Java prints only an identity, become
// base64.
Status append_java_string(std::string& out, const sluice_schema* schema, const sluice_value& value);

// org.apache.kafka.connect.data.Values.convertToString: JSON-like, quoted inside of containers, ISO 8601 dates (UTC).
Status append_values_string(std::string& out, const sluice_schema* schema, const sluice_value& value);

}  // namespace sluice::record
