// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/source_options.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "plugins/file/rotation_name.hpp"

namespace sluice::file_plugin {

namespace {

constexpr std::string_view kNameVariable = "${file.name}";
constexpr std::string_view kFolderVariable = "${file.folder}";

bool is(std::string_view text, std::string_view word) {
  return sdk::detail::equals_ignoring_case(text, word);
}

Encoding encoding_of(std::string_view text) {
  if (is(text, "iso-8859-1")) return Encoding::kLatin1;
  if (is(text, "utf-16")) return Encoding::kUtf16;
  if (is(text, "utf-16le")) return Encoding::kUtf16Le;
  if (is(text, "utf-16be")) return Encoding::kUtf16Be;
  return Encoding::kUtf8;
}

LongLines long_lines_of(std::string_view text) {
  if (text == "truncate") return LongLines::kTruncate;
  return text == "skip" ? LongLines::kSkip : LongLines::kFail;
}

InvalidBytes invalid_bytes_of(std::string_view text) {
  if (text == "fail") return InvalidBytes::kFail;
  return text == "pass" ? InvalidBytes::kPass : InvalidBytes::kReplace;
}

LineEnd line_end_of(std::string_view text) {
  if (text == "lf") return LineEnd::kLf;
  return text == "nul" ? LineEnd::kNul : LineEnd::kAny;
}

Result<TaskShare> share_of(std::string_view text) {
  TaskShare share;
  if (text.empty()) return share;
  const char* const end = text.data() + text.size();
  const auto [slash, code] = std::from_chars(text.data(), end, share.index);
  if (code == std::errc() && slash != end && *slash == '/') {
    const auto [last, second] = std::from_chars(slash + 1, end, share.count);
    if (second == std::errc() && last == end && share.index < share.count) return share;
  }
  return Error::config("'" + std::string(kShareKey) + "' = '" + std::string(text) +
                       "' is no share such as 0/4");
}

Status read_lines(const sdk::Config& config, OpenOptions& options) {
  LineOptions& lines = options.lines;
  SLUICE_SDK_ASSIGN(const int32_t max_line, config.get_int("max.line.bytes"));
  lines.max_line_bytes = static_cast<size_t>(max_line);
  lines.long_lines = long_lines_of(config.get_string("long.lines"));
  lines.encoding = encoding_of(config.get_string("encoding"));
  lines.invalid_bytes = invalid_bytes_of(config.get_string("invalid.bytes"));
  lines.line_end = line_end_of(config.get_string("line.end"));
  lines.skip_byte_order_mark = lines.invalid_bytes != InvalidBytes::kPass;
  SLUICE_SDK_ASSIGN(options.gzip, config.get_bool("gzip"));
  SLUICE_SDK_ASSIGN(const int32_t headers, config.get_int("skip.header.lines"));
  options.header_lines = static_cast<uint64_t>(headers);
  return sdk::ok();
}

}  // namespace

Result<TopicTemplate> TopicTemplate::parse(std::string text) {
  if (text.empty()) return Error::config("'topic' is not set: name the topic that the lines go to");
  for (size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at + 2)) {
    const std::string_view rest = std::string_view(text).substr(at);
    if (rest.starts_with(kNameVariable) || rest.starts_with(kFolderVariable)) continue;
    const size_t end = rest.find('}');
    return Error::config("Invalid value " + text + " for configuration topic: '" +
                         std::string(rest.substr(0, end + 1)) +
                         "' is no variable; there are ${file.name} and ${file.folder}");
  }
  return TopicTemplate(std::move(text));
}

std::string TopicTemplate::for_file(std::string_view path) const {
  if (text_.find("${") == std::string::npos) return text_;
  std::string topic = text_;
  const std::string_view live = live_name(path);
  const auto put = [&topic](std::string_view variable, std::string_view value) {
    std::string legal(value);
    const auto is_legal = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '.' || c == '-' || c == '_';
    };
    std::replace_if(legal.begin(), legal.end(), [&](char c) { return !is_legal(c); }, '_');
    for (size_t at = topic.find(variable); at != std::string::npos;
         at = topic.find(variable, at + legal.size())) {
      topic.replace(at, variable.size(), legal);
    }
  };
  put(kNameVariable, file_name_of(live));
  put(kFolderVariable, file_name_of(folder_of(live)));
  return topic;
}

PathPattern pattern_of(const sdk::Context& context, const std::string& file) {
  PathPattern pattern(file);
  if (!pattern.literal()) return pattern;
  const auto folder = context.open_file("file", file, SLUICE_FILE_READ | SLUICE_FILE_DIRECTORY);
  if (!folder.ok()) return pattern;
  ::close(*folder);
  return PathPattern(file + "/");
}

Result<SourceOptions> SourceOptions::read(const sdk::Context& context, const sdk::Config& config) {
  const std::string file = config.get_string("file");
  if (file.empty())
    return Error::config("'file' is not set: name a file, a folder or a pattern such as log/*.log");
  SLUICE_SDK_ASSIGN(TopicTemplate topic, TopicTemplate::parse(config.get_string("topic")));
  SourceOptions options{.topic = std::move(topic)};
  options.pattern = pattern_of(context, file);
  options.exclude = config.get_list("file.exclude");
  SLUICE_SDK_ASSIGN(options.share, share_of(config.get_string(kShareKey)));
  if (options.pattern.literal()) options.share = {};
  const std::string key = config.get_string("record.key");
  options.key = key == "path"   ? RecordKey::kPath
                : key == "name" ? RecordKey::kName
                                : RecordKey::kNone;
  for (const std::string& header : config.get_list("record.headers")) {
    options.path_header |= header == "path";
    options.offset_header |= header == "offset";
    options.line_header |= header == "line";
  }
  SLUICE_SDK_TRY(read_lines(config, options.reader.open));
  SLUICE_SDK_ASSIGN(const int32_t footers, config.get_int("skip.footer.lines"));
  options.reader.footer_lines = static_cast<uint32_t>(footers);
  options.reader.open.lines.places = footers > 0 || options.offset_header || options.line_header;
  SLUICE_SDK_ASSIGN(options.reader.rotated_wait_ms, config.get_long("rotated.wait.ms"));
  SLUICE_SDK_ASSIGN(options.reader.finish_after_ms, config.get_long("finish.after.ms"));
  SLUICE_SDK_ASSIGN(const int32_t batch_size, config.get_int("batch.size"));
  options.batch_size = static_cast<uint32_t>(batch_size);
  SLUICE_SDK_ASSIGN(const int32_t max_files, config.get_int("max.files"));
  options.max_files = static_cast<size_t>(max_files);
  SLUICE_SDK_ASSIGN(const int32_t max_open, config.get_int("max.open.files"));
  options.max_open_files = static_cast<size_t>(max_open);
  SLUICE_SDK_ASSIGN(options.rescan_ms, config.get_long("rescan.interval.ms"));
  return options;
}

void SourceOptions::check_values(const sdk::Context& context, const sdk::Config& config) {
  if (const auto topic = TopicTemplate::parse(config.get_string("topic")); !topic.ok()) {
    context.config_error("topic", topic.error().message);
  }
  const std::string encoding = config.get_string("encoding");
  if (config.get_string("invalid.bytes") == "pass" && !encoding.empty() && !is(encoding, "utf-8")) {
    context.config_error(
        "invalid.bytes",
        "Invalid value pass for configuration invalid.bytes: it gives lines as bytes, "
        "as they are, which goes with encoding=utf-8 only, not with " +
            encoding);
  }
}

}  // namespace sluice::file_plugin
