// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>

#include <string>
#include <vector>

#include "plugins/file/file_finder.hpp"
#include "plugins/file/file_reader.hpp"

namespace sluice::file_plugin {

// A topic for each file: text with ${file.name} (without what rotation appends) and ${file.folder}
// in it. Characters that no topic may have become "_".
class TopicTemplate {
 public:
  static Result<TopicTemplate> parse(std::string text);
  std::string for_file(std::string_view path) const;

 private:
  explicit TopicTemplate(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

enum class RecordKey { kNone, kPath, kName };

// The config of a FileSource, read.
struct SourceOptions {
  PathPattern pattern{""};
  std::vector<std::string> exclude;
  TaskShare share;
  TopicTemplate topic;
  RecordKey key = RecordKey::kNone;
  bool path_header = false;
  bool offset_header = false;
  bool line_header = false;
  FileReader::Settings reader;
  uint32_t batch_size = 0;
  size_t max_files = 0;
  size_t max_open_files = 0;
  int64_t rescan_ms = 0;

  bool headers() const { return path_header || offset_header || line_header; }
  static Result<SourceOptions> read(const sdk::Context& context, const sdk::Config& config);
  // What the ConfigDef alone cannot say; findings go to the context.
  static void check_values(const sdk::Context& context, const sdk::Config& config);
};

// A folder named without a "/" at its end stands for the files in it.
PathPattern pattern_of(const sdk::Context& context, const std::string& file);
// The key with which a task is told its share: "0/4".
constexpr std::string_view kShareKey = "file.task.share";

}  // namespace sluice::file_plugin
