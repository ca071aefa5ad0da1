// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/result.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::mqtt_plugin {

// Text with variables, ${name}. What they stand for says the caller. Immutable.
class TopicTemplate {
 public:
  struct Part {
    bool variable;
    std::string text;  // of a variable: its name
  };
  static sdk::Result<TopicTemplate> parse(std::string_view text);

  std::span<const Part> parts() const { return parts_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<Part> parts_;
};

}  // namespace sluice::mqtt_plugin
