// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker-core/base/result.hpp"
#include "runtime/config/config_def.hpp"

// Java's .properties files (java.util.Properties.load): '#' and '!' comments, '=' ':' or white space between key and
// value, backslash at the end of a line to go on, \t \n \r \f \uXXXX. Text is UTF-8; a file that is not is read as
// ISO-8859-1, as Java does.
namespace sluice::config {

inline constexpr size_t kMaxConfigFile = size_t{4} << 20;

struct Property {
  std::string key;
  std::string value;
  int line = 0;  // where it starts, from 1
};

// In file order, repeated keys included. Errors (kInvalid) begin with "source:line: ".
Result<std::vector<Property>> parse_properties(std::string_view text, const std::string& source);
// The last of equal keys counts; `warnings` (may be null) gets a sentence for each key that is there twice.
Result<ConfigMap> parse_properties_map(std::string_view text, const std::string& source,
                                       std::vector<std::string>* warnings);

// A whole configuration file; kNotFound, kIo or kInvalid (larger than kMaxConfigFile, a directory) name the path.
Result<std::string> read_config_file(const std::string& path);

}  // namespace sluice::config
