// SPDX-License-Identifier: Apache-2.0
#include <sluice/sdk.hpp>

#include "plugins/file/sink_task.hpp"
#include "plugins/file/source_task.hpp"

namespace {

using namespace sluice::sdk;
using sluice::file_plugin::FileSinkTask;
using sluice::file_plugin::FileSourceTask;

constexpr auto kTopic =
    define("topic", Type::kString, Importance::kHigh, "The topic to publish data to").non_empty();
constexpr auto kMaxLineBytes =
    define("max.line.bytes", Type::kInt, Importance::kLow,
           "The longest line in bytes, without its line end. Bounds the memory of the task.")
        .default_value("1048576")
        .min(1)
        .max(67108864);
constexpr auto kLongLines =
    define("long.lines", Type::kString, Importance::kLow,
           "What happens to a line longer than max.line.bytes: 'fail' stops the task and says where the line is, "
           "'truncate' delivers its first bytes and reports an event.")
        .default_value("fail")
        .valid_strings<"fail", "truncate">();
constexpr auto kExactlyOnceSupport =
    define("exactly.once.support", Type::kString, Importance::kMedium,
           "With 'required' each record is in the file exactly once: the sink keeps its offsets beside the file in "
           "<file>.sluice-offsets, synced after the data. With 'requested' it appends at least once, as "
           "FileStreamSink does.")
        .default_value("requested")
        .valid_strings<"requested", "required">()
        .ignore_case();

// Kafka's own keys first, word for word, then ours.
constexpr auto kStreamSource = config_def(
    define("file", Type::kString, Importance::kHigh,
           "Source filename. If not specified, the standard input will be used")
        .optional(),
    kTopic,
    define("batch.size", Type::kInt, Importance::kLow,
           "The maximum number of records the source task can read from the file each time it is polled")
        .default_value("2000"),
    kMaxLineBytes, kLongLines);

constexpr auto kStreamSink = config_def(
    define("file", Type::kString, Importance::kHigh,
           "Destination filename. If not specified, the standard output will be used")
        .optional(),
    kExactlyOnceSupport);

constexpr auto kSource = config_def(
    define("file", Type::kString, Importance::kHigh,
           "The file to read, below file.allowed.roots. It may appear later.")
        .non_empty(),
    kTopic,
    define("batch.size", Type::kInt, Importance::kLow, "The most lines that one poll gives.")
        .default_value("10000")
        .min(1),
    kMaxLineBytes, kLongLines);

constexpr auto kSink = config_def(
    define("file", Type::kString, Importance::kHigh,
           "The file to append to, below file.allowed.roots. Created if need be.")
        .non_empty(),
    kExactlyOnceSupport);

constexpr char kVersion[] = "0.1.0";

constexpr ClassDef source_class(std::string_view name, std::string_view documentation, const auto& config) {
  const ClassDef made = source<FileSourceTask>(name, kVersion, documentation, config);
  return made.capabilities(kNonBlocking | kOneTask | kExactlyOnce).connector<FileSourceTask>();
}
constexpr ClassDef sink_class(std::string_view name, std::string_view documentation, const auto& config) {
  const ClassDef made = sink<FileSinkTask>(name, kVersion, documentation, config);
  return made.capabilities(kNonBlocking | kOneTask | kExactlyOnce).connector<FileSinkTask>();
}

}  // namespace

SLUICE_PLUGIN("file", "0.1.0",
              source_class("org.apache.kafka.connect.file.FileStreamSourceConnector",
                           "Reads the lines of a file, as Kafka's FileStreamSource does. Takes its configs and its "
                           "stored offsets.",
                           kStreamSource),
              sink_class("org.apache.kafka.connect.file.FileStreamSinkConnector",
                         "Appends each record as a line to a file, as Kafka's FileStreamSink does. Takes its configs.",
                         kStreamSink),
              source_class("FileSource", "Reads the lines of a file.", kSource),
              sink_class("FileSink", "Appends each record as a line to a file.", kSink));
