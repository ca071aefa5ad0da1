// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/config.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::mqtt_plugin {

// A statement of the Kafka Connect Query Language of Lenses' connectors, as far as the MQTT source
// has it: INSERT INTO <topic> SELECT * FROM <filter> [WITHCONVERTER=`class`] [WITHKEY(a, b.c)]
// [KEYDELIMITER='.'].
struct KcqlStatement {
  std::string text;
  std::string target;  // $: the MQTT topic's name
  std::string source;
  std::string converter;          // class; empty: the default
  std::vector<std::string> keys;  // paths of fields, as a.b
  std::string delimiter = ".";    // between them
};

// Statements separated by semicolons. Errors say what is allowed.
sdk::Result<std::vector<KcqlStatement>> parse_kcql(std::string_view text);

}  // namespace sluice::mqtt_plugin
