// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/file/files.hpp"

namespace sluice::file_plugin {

// Where a sink's lines go: a path with ${topic}, ${partition}, ${seq} (the number of a finished
// file) and strftime's %Y %m %d %H %M %S (UTC, of when the file was begun; %% is a percent sign).
// Immutable.
class PathTemplate {
 public:
  static Result<PathTemplate> parse(std::string_view text);

  bool has_topic() const { return has(Kind::kTopic); }
  bool has_partition() const { return has(Kind::kPartition); }
  bool has_number() const { return has(Kind::kNumber); }
  bool has_time() const { return has(Kind::kTime); }
  // How long the shortest time in it lasts, in seconds.
  int64_t time_unit_s() const;

  std::string fill(std::string_view topic, int32_t partition, int64_t time_ms,
                   uint64_t number) const;
  // The file that is being written: in the template's first folder that is the same for all files
  // of the series, under a name that begins with a dot.
  std::string active(std::string_view topic, int32_t partition) const;
  // A pattern that all files of the series match, and the number of one of them; nullopt: it is
  // none.
  std::string pattern(std::string_view topic, int32_t partition) const;
  std::optional<uint64_t> number_of(std::string_view path, std::string_view topic,
                                    int32_t partition) const;

 private:
  enum class Kind { kText, kTopic, kPartition, kNumber, kTime };
  struct Part {
    Kind kind;
    std::string text;  // of kTime: its letter
  };
  bool has(Kind kind) const;
  std::string fixed(const Part& part, std::string_view topic, int32_t partition) const;

  std::vector<Part> parts_;
};

}  // namespace sluice::file_plugin
