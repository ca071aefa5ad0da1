// SPDX-License-Identifier: Apache-2.0
#include <sluice/sdk.hpp>

#include "plugins/file/files_sink_task.hpp"
#include "plugins/file/files_source_task.hpp"
#include "plugins/file/sink_task.hpp"
#include "plugins/file/source_task.hpp"

namespace {

using namespace sluice::sdk;
using sluice::file_plugin::FileSinkTask;
using sluice::file_plugin::FileSourceTask;
using sluice::file_plugin::FilesSinkConnector;
using sluice::file_plugin::FilesSinkTask;
using sluice::file_plugin::FilesSourceConnector;
using sluice::file_plugin::FilesSourceTask;

constexpr auto kTopic =
    define("topic", Type::kString, Importance::kHigh, "The topic to publish data to").non_empty();
constexpr auto kMaxLineBytes =
    define("max.line.bytes", Type::kInt, Importance::kLow,
           "The longest line in bytes, without its line end. Bounds the memory of the task.")
        .default_value("1048576")
        .min(1)
        .max(67108864);
constexpr auto kLongLines = define("long.lines", Type::kString, Importance::kLow,
                                   "What happens to a line longer than max.line.bytes: 'fail' "
                                   "stops the task and says where the line is, "
                                   "'truncate' delivers its first bytes and reports an event.")
                                .default_value("fail")
                                .valid_strings<"fail", "truncate">();
constexpr auto kExactlyOnceSupport =
    define("exactly.once.support", Type::kString, Importance::kMedium,
           "With 'required' each record is in the file exactly once: the sink keeps its offsets "
           "beside the file in "
           "<file>.sluice-offsets, synced after the data. With 'requested' it appends at least "
           "once, as "
           "FileStreamSink does.")
        .default_value("requested")
        .valid_strings<"requested", "required">()
        .ignore_case();

// Kafka's own keys first, word for word, then ours.
constexpr auto kStreamSource =
    config_def(define("file", Type::kString, Importance::kHigh,
                      "Source filename. If not specified, the standard input will be used")
                   .optional(),
               kTopic,
               define("batch.size", Type::kInt, Importance::kLow,
                      "The maximum number of records the source task can read from the file each "
                      "time it is polled")
                   .default_value("2000"),
               kMaxLineBytes, kLongLines);

constexpr auto kStreamSink =
    config_def(define("file", Type::kString, Importance::kHigh,
                      "Destination filename. If not specified, the standard output will be used")
                   .optional(),
               kExactlyOnceSupport);

constexpr auto kSource = config_def(
    define("file", Type::kString, Importance::kHigh,
           "What to read, below file.allowed.roots: a file, a folder (all files in it), or a "
           "pattern with *, ?, [a-z] "
           "and ** for any number of folders. Files may appear, grow, be rotated, compressed and "
           "deleted.")
        .non_empty(),
    define("topic", Type::kString, Importance::kHigh,
           "Where the lines go. ${file.name} stands for the name of the file, without what "
           "rotation appends to it, "
           "${file.folder} for that of its folder.")
        .non_empty(),
    define("file.exclude", Type::kList, Importance::kMedium,
           "Patterns of files to leave out: of names, or of paths if there is a / in them.")
        .default_value(""),
    define("gzip", Type::kBoolean, Importance::kMedium,
           "Whether files called *.gz are decompressed. Otherwise they are left out.")
        .default_value("true"),
    define("encoding", Type::kString, Importance::kMedium,
           "What the bytes of the files mean: utf-8, iso-8859-1, utf-16le, utf-16be, or utf-16, "
           "which goes by the "
           "byte order mark. Records are UTF-8 in any case.")
        .default_value("utf-8")
        .valid_strings<"utf-8", "iso-8859-1", "utf-16", "utf-16le", "utf-16be">()
        .ignore_case(),
    define("invalid.bytes", Type::kString, Importance::kLow,
           "What happens to bytes that are no text in the encoding: 'replace' makes U+FFFD of them "
           "and reports an "
           "event, 'fail' stops the task and says where they are, 'pass' gives all lines as bytes, "
           "as they are.")
        .default_value("replace")
        .valid_strings<"replace", "fail", "pass">(),
    define("line.end", Type::kString, Importance::kLow,
           "What ends a line: 'any' of line feed, carriage return, and both; 'lf', a line feed "
           "alone; 'nul', a zero.")
        .default_value("any")
        .valid_strings<"any", "lf", "nul">(),
    define("skip.header.lines", Type::kInt, Importance::kMedium,
           "So many lines at the start of each file are left out.")
        .default_value("0")
        .min(0)
        .max(1000000),
    define("skip.footer.lines", Type::kInt, Importance::kLow,
           "So many lines at the end of each file are left out. The last lines of a file that may "
           "still grow wait "
           "until more follow, or until it is finished (rotated.wait.ms, finish.after.ms).")
        .default_value("0")
        .min(0)
        .max(100),
    define("record.key", Type::kString, Importance::kMedium,
           "The key of the records: 'none', or the 'path' or 'name' of the file without what "
           "rotation appends. With a "
           "key all lines of a file are in one partition of the topic, in their order.")
        .default_value("none")
        .valid_strings<"none", "path", "name">(),
    define("record.headers", Type::kList, Importance::kLow,
           "Headers of the records, of 'path' (file.path), 'offset' (file.offset, of the line's "
           "first byte) and 'line' "
           "(file.line, counted from 1).")
        .default_value("")
        .valid_strings<"path", "offset", "line">(),
    define("rescan.interval.ms", Type::kLong, Importance::kLow,
           "How often the folders are looked at.")
        .default_value("1000")
        .min(10)
        .max(3600000),
    define("rotated.wait.ms", Type::kLong, Importance::kLow,
           "A file that was renamed or deleted counts as finished when it did not grow for so "
           "long: then its last "
           "line is a line without a line end, too, and its footer is known.")
        .default_value("5000")
        .min(1)
        .max(86400000),
    define("finish.after.ms", Type::kLong, Importance::kLow,
           "The same for files under their own name, for folders that whole files are put into. 0: "
           "they may always "
           "grow.")
        .default_value("0")
        .min(0)
        .max(86400000),
    define("max.files", Type::kInt, Importance::kLow,
           "The most files that one task follows; more are an error.")
        .default_value("10000")
        .min(1)
        .max(1000000),
    define("max.open.files", Type::kInt, Importance::kLow,
           "The most files that one task has open; the others wait for their turn.")
        .default_value("100")
        .min(1)
        .max(100000),
    define("batch.size", Type::kInt, Importance::kLow, "The most lines that one poll gives.")
        .default_value("10000")
        .min(1),
    kMaxLineBytes,
    define("long.lines", Type::kString, Importance::kLow,
           "What happens to a line longer than max.line.bytes: 'fail' stops the task and says "
           "where the line is, "
           "'truncate' delivers its first bytes and 'skip' leaves it out, both with an event.")
        .default_value("fail")
        .valid_strings<"fail", "truncate", "skip">());

constexpr ConfigKey size_key(std::string_view name, Importance importance,
                             std::string_view documentation) {
  return define(name, Type::kLong, importance, documentation).default_value("0").min(0);
}

constexpr auto kSink = config_def(
    define("file", Type::kString, Importance::kHigh,
           "The file to append to, below file.allowed.roots, made with its folders if need be. "
           "${topic} and ${partition} "
           "in it give each topic or partition files of its own; ${seq}, the number of a finished "
           "file, and %Y %m %d %H "
           "%M %S (UTC, of when the file was begun; %% is a percent sign) are for files that roll.")
        .non_empty(),
    size_key("roll.bytes", Importance::kMedium,
             "A file that has so many bytes is finished, and the next one begun. 0: never because "
             "of its size."),
    size_key("roll.interval.ms", Importance::kMedium,
             "A file is finished so long after its first line. 0: never because of its age. With a "
             "time in 'file' it is "
             "also finished when that changes."),
    define("roll.compression", Type::kString, Importance::kMedium,
           "'gzip' compresses the lines and appends .gz to the names of finished files.")
        .default_value("none")
        .valid_strings<"none", "gzip">(),
    size_key("roll.keep.files", Importance::kLow,
             "So many finished files of each series are kept, older ones are deleted. 0: all."),
    size_key("roll.keep.ms", Importance::kLow,
             "Finished files are deleted when they are so old. 0: never."),
    kExactlyOnceSupport);

constexpr char kVersion[] = "0.1.0";

constexpr ClassDef source_class(std::string_view name, std::string_view documentation,
                                const auto& config) {
  const ClassDef made = source<FileSourceTask>(name, kVersion, documentation, config);
  return made.capabilities(kNonBlocking | kOneTask | kExactlyOnce).connector<FileSourceTask>();
}
constexpr ClassDef files_source_class(std::string_view name, std::string_view documentation,
                                      const auto& config) {
  const ClassDef made = source<FilesSourceTask>(name, kVersion, documentation, config);
  return made.capabilities(kNonBlocking | kExactlyOnce).connector<FilesSourceConnector>();
}
constexpr ClassDef files_sink_class(std::string_view name, std::string_view documentation,
                                    const auto& config) {
  const ClassDef made = sink<FilesSinkTask>(name, kVersion, documentation, config);
  return made.capabilities(kNonBlocking | kExactlyOnce).connector<FilesSinkConnector>();
}
constexpr ClassDef sink_class(std::string_view name, std::string_view documentation,
                              const auto& config) {
  const ClassDef made = sink<FileSinkTask>(name, kVersion, documentation, config);
  return made.capabilities(kNonBlocking | kOneTask | kExactlyOnce).connector<FileSinkTask>();
}

}  // namespace

SLUICE_PLUGIN(
    "file", "0.1.0",
    source_class(
        "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "Reads the lines of a file, as Kafka's FileStreamSource does. Takes its configs and its "
        "stored offsets.",
        kStreamSource),
    sink_class("org.apache.kafka.connect.file.FileStreamSinkConnector",
               "Appends each record as a line to a file, as Kafka's FileStreamSink does. Takes its "
               "configs.",
               kStreamSink),
    files_source_class(
        "FileSource",
        "Reads the lines of files: of one, of a folder, of all that match a pattern, through "
        "rotation and compression.",
        kSource),
    files_sink_class(
        "FileSink",
        "Writes each record as a line to a file, or to files by topic and partition that are "
        "rolled by size and time.",
        kSink));
