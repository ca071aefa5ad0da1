// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/files_source_task.hpp"

#include <algorithm>
#include <chrono>

#include "plugins/file/rotation_name.hpp"

namespace sluice::file_plugin {

std::unique_ptr<Disk> FilesSourceTask::open_disk() const {
  return std::make_unique<HostFiles>(context());
}

FileTracker::Times FilesSourceTask::now() const {
  using std::chrono::duration_cast;
  return {
      duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count(),
      duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count()};
}

Status FilesSourceTask::start(const sdk::Config& config) {
  SLUICE_SDK_ASSIGN(options_, SourceOptions::read(context(), config));
  const bool bytes = options_->reader.open.lines.invalid_bytes == InvalidBytes::kPass;
  const uint8_t type = bytes ? SLUICE_BYTES : SLUICE_STRING;
  SLUICE_SDK_ASSIGN(value_schema_, sdk::SchemaBuilder::primitive(type).make(context()));
  if (options_->key != RecordKey::kNone) {
    SLUICE_SDK_ASSIGN(key_schema_, sdk::SchemaBuilder::primitive(SLUICE_STRING).make(context()));
  }
  prototype_.partition = SLUICE_ANY_PARTITION;
  prototype_.value.type = type;
  files_ = open_disk();
  finder_.emplace(*files_, *files_, *files_, options_->pattern, options_->exclude, options_->share,
                  options_->max_files);
  tracker_.emplace(*files_, *files_, static_cast<Notes&>(*this), *finder_, options_->reader.open);
  reader_.emplace(*files_, *files_, options_->reader);
  register_metrics();
  return load_stored();
}

// What earlier tasks of this connector read, as far as the pattern (or rotation of what it names)
// concerns it.
Status FilesSourceTask::load_stored() {
  Status malformed = sdk::ok();
  SLUICE_SDK_TRY(context().each_offset([&](const sdk::Value& partition, const sdk::Value& offset) {
    auto file = read_stored(partition, offset);
    if (!file.ok()) {
      malformed = std::move(file).error();
    } else if (*file && (finder_->wants((*file)->path) || finder_->wants((*file)->live()))) {
      tracker_->add_stored(std::move(file).value());
    }
  }));
  return malformed;
}

Status FilesSourceTask::rescan(const FileTracker::Times& now) {
  rescan_at_ms_ = now.steady_ms;  // after one that failed nothing is read before one that did not
  SLUICE_SDK_TRY(tracker_->rescan(now));
  rescan_at_ms_ = now.steady_ms + rescan_ms();
  update_metrics();
  if (tracker_->tracked().empty() && !waiting_reported_) {
    waiting_reported_ = true;
    files_->report("waiting-for-file", "there is no file '" + options_->pattern.text() +
                                           "' yet; what appears is read from its start");
  }
  return sdk::ok();
}

// Until the next look at the folders.
int64_t FilesSourceTask::rescan_ms() const {
  return tracker_->undecided() ? std::min(options_->rescan_ms, kUndecidedMs) : options_->rescan_ms;
}

Status FilesSourceTask::poll(const sdk::PollLimits& limits, sdk::RecordBatch& batch) {
  const FileTracker::Times now = this->now();
  const bool wished = reader_->take_rescan_wish();
  if (wished || now.steady_ms >= rescan_at_ms_) SLUICE_SDK_TRY(rescan(now));
  bool more = false;
  const Status read = read_files(limits, now.steady_ms, batch, &more);
  if (!read.ok() && batch.empty()) return read;  // else it comes again at the next call
  SLUICE_SDK_TRY(store_changes(batch));
  if (!batch.empty()) {
    idle_ms_ = kMinIdleMs;
  } else if (more || !read.ok()) {
    batch.idle_for(1);
  } else {
    batch.idle_for(static_cast<uint32_t>(std::min<int64_t>(idle_ms_, rescan_ms())));
    idle_ms_ = std::min(2 * idle_ms_, kMaxIdleMs);
    found_ = {};  // an idle task holds no memory
  }
  return sdk::ok();
}

// One portion of each file that has something, until the batch is full. A file waits until those
// that had its name before it are read.
Status FilesSourceTask::read_files(const sdk::PollLimits& limits, int64_t now_ms,
                                   sdk::RecordBatch& batch, bool* more) {
  const auto& files = tracker_->tracked();
  const uint32_t max_records = std::min(options_->batch_size, limits.records_max);
  uint64_t bytes = 0;
  const auto first = std::lower_bound(
      files.begin(), files.end(), next_live_,
      [](const auto& file, const auto& live) { return live_name(file->path) < live; });
  const size_t start = first == files.end() ? 0 : static_cast<size_t>(first - files.begin());
  std::string unread_live;
  std::string waiting_live;
  for (size_t i = 0; i < files.size(); ++i) {
    TrackedFile& file = *files[(start + i) % files.size()];
    if (!file.has_more() && !file.changed) continue;
    const std::string_view live = live_name(file.path);
    if (!tracker_->readable(file, live == waiting_live, now_ms)) {  // the next look says more
      waiting_live = live;
      continue;
    }
    if (!unread_live.empty() && live == unread_live) continue;
    if (batch.size() >= max_records || bytes >= limits.bytes_max) {
      next_live_ = live;
      *more = true;
      return sdk::ok();
    }
    // Where it cannot be read just now, the next look at the folders says what became of it.
    bool can_read = !file.changed && (file.open != nullptr || make_room());
    found_.clear();
    if (can_read) {
      SLUICE_SDK_TRY(prepare(file));
      SLUICE_SDK_TRY(reader_->read(file, {max_records - batch.size(), limits.bytes_max - bytes},
                                   now_ms, found_));
      bytes += found_.bytes;
      can_read = file.open != nullptr || file.finished;
    }
    if (!can_read) {
      *more = true;
      unread_live = live;
    }
    if (!found_.position) continue;
    add_records(file, batch);
    for (auto& owner : found_.owners) batch.keep(std::move(owner));
    SLUICE_SDK_TRY(store_offset(file, batch));
    if (file.finished) continue;
    *more = true;
    unread_live = live;
  }
  next_live_.clear();
  return sdk::ok();
}

// Closes the file that was idle for longest if too many are open. False: all of them have something
// to read.
bool FilesSourceTask::make_room() {
  size_t open = 0;
  TrackedFile* idlest = nullptr;
  for (const auto& file : tracker_->tracked()) {
    if (file->open == nullptr) continue;
    ++open;
    // A file without a name cannot be opened again.
    if (file->idle && !file->gone && (idlest == nullptr || file->used_ms < idlest->used_ms))
      idlest = file.get();
  }
  if (open < options_->max_open_files) return true;
  if (idlest == nullptr) return false;
  idlest->open.reset();
  return true;
}

Status FilesSourceTask::prepare(TrackedFile& file) {
  if (file.has_topic) return sdk::ok();
  SLUICE_SDK_ASSIGN(file.topic, context().topic(options_->topic.for_file(file.path)));
  file.has_topic = true;
  return sdk::ok();
}

void FilesSourceTask::add_records(const TrackedFile& file, sdk::RecordBatch& batch) {
  if (found_.lines.empty()) return;
  prototype_.topic = file.topic;
  prototype_.timestamp_ms = now().wall_ns / 1'000'000;
  prototype_.value_schema = batch.hold(value_schema_);
  const std::string_view live = live_name(file.path);
  if (options_->key != RecordKey::kNone) {
    prototype_.key = batch.string(options_->key == RecordKey::kPath ? live : file_name_of(live));
    prototype_.key_schema = batch.hold(key_schema_);
  }
  batch.reserve(batch.size() + found_.lines.size());
  if (!options_->headers()) {
    for (const std::string_view line : found_.lines) {
      sluice_record& added = batch.add_copy(prototype_);
      added.value.size = static_cast<uint32_t>(line.size());
      added.value.as.bytes = line.data();
    }
    return;
  }
  const sdk::Value path = batch.string(file.path);
  const bool bytes = prototype_.value.type == SLUICE_BYTES;
  for (size_t i = 0; i < found_.lines.size(); ++i) {
    const std::string_view line = found_.lines[i];
    sdk::RecordBuilder record = batch.add(file.topic);
    record.value(bytes ? sdk::Value::bytes(line) : sdk::Value::string(line), value_schema_);
    record.timestamp(prototype_.timestamp_ms);
    if (key_schema_) record.key(sdk::Value(prototype_.key), key_schema_);
    if (options_->path_header) record.header("file.path", path);
    if (options_->offset_header) {
      record.header("file.offset", sdk::Value::int64(static_cast<int64_t>(found_.places[i].begin)));
    }
    if (options_->line_header) {
      record.header("file.line",
                    sdk::Value::int64(static_cast<int64_t>(found_.places[i].number + 1)));
    }
  }
}

// "Once the records so far are durable, this is how far the file was read, and how it is
// recognised."
Status FilesSourceTask::store_offset(TrackedFile& file, sdk::RecordBatch& batch) {
  SLUICE_SDK_ASSIGN(const uint32_t partition, source_partition(file.key));
  auto entries = std::make_shared<std::vector<sdk::Value>>();
  const auto add = [&](std::string_view key, const sdk::Value& value) {
    entries->push_back(sdk::Value::string(key));
    entries->push_back(value);
  };
  add("path", batch.string(file.path));
  add("position", sdk::Value::int64(static_cast<int64_t>(file.resume_position())));
  add("fingerprint", batch.string(file.print.text()));
  add("inode",
      batch.string(std::to_string(file.seen.device) + ":" + std::to_string(file.seen.inode)));
  add("modified", sdk::Value::int64(file.seen.modified_ns));
  add("line", sdk::Value::int64(static_cast<int64_t>(file.resume_number())));
  if (file.finished) add("end", sdk::Value::int64(static_cast<int64_t>(file.finished_size)));
  if (file.skipped) add("skipped", sdk::Value::boolean(true));
  if (const std::string marks = file.marks_text(); !marks.empty())
    add("marks", batch.string(marks));
  batch.offset(partition, sdk::Value::map(*entries));
  batch.keep(std::move(entries));
  return sdk::ok();
}

Result<uint32_t> FilesSourceTask::source_partition(const FileKey& key) {
  if (key.number == 0) return context().partition({{"filename", key.name}});
  return context().partition(
      {{"filename", key.name}, {"number", static_cast<int64_t>(key.number)}});
}

// Files that were found, renamed, or are no more. In the batch that holds what came of it.
Status FilesSourceTask::store_changes(sdk::RecordBatch& batch) {
  std::set<FileKey>& unstored = tracker_->unstored();
  if (unstored.empty()) return sdk::ok();
  for (const auto& file : tracker_->tracked()) {
    if (unstored.erase(file->key) > 0) SLUICE_SDK_TRY(store_offset(*file, batch));
  }
  for (const FileKey& key : unstored) {
    SLUICE_SDK_ASSIGN(const uint32_t partition, source_partition(key));
    batch.offset(partition, sdk::Value::null());
  }
  unstored.clear();
  return sdk::ok();
}

// A worker without metrics is fine.
void FilesSourceTask::register_metrics() {
  const auto gauge = [&](std::string_view name, std::string_view help) {
    const auto made = context().gauge(name, help);
    return made.ok() ? *made : sdk::Metric();
  };
  const auto counter = [&](std::string_view name, std::string_view help) {
    const auto made = context().counter(name, help);
    return made.ok() ? *made : sdk::Metric();
  };
  metrics_.tracked = gauge("file_source_files", "Files that the task knows");
  metrics_.open = gauge("file_source_open_files", "Files that the task has open");
  metrics_.behind =
      gauge("file_source_behind_bytes", "Bytes of uncompressed files that are not read yet");
  metrics_.rotated =
      counter("file_source_rotations_total", "Files that were found again under another name");
  metrics_.truncated =
      counter("file_source_truncations_total", "Files that were cut or written anew in place");
  metrics_.lost = counter("file_source_lost_total", "Files that went before their end was read");
  metrics_.finished =
      counter("file_source_finished_total", "Files read to an end that will not move");
}

void FilesSourceTask::update_metrics() {
  size_t open = 0;
  uint64_t behind = 0;
  for (const auto& file : tracker_->tracked()) {
    if (file->open != nullptr) ++open;
    if (!file->compressed() && file->seen.size > file->position)
      behind += file->seen.size - file->position;
  }
  metrics_.tracked.set(static_cast<double>(tracker_->tracked().size()));
  metrics_.open.set(static_cast<double>(open));
  metrics_.behind.set(static_cast<double>(behind));
  const FileTracker::Counts& counts = tracker_->counts();
  metrics_.rotated.add(static_cast<double>(counts.rotated - told_.rotated));
  metrics_.truncated.add(static_cast<double>(counts.truncated - told_.truncated));
  metrics_.lost.add(static_cast<double>(counts.lost - told_.lost));
  metrics_.finished.add(static_cast<double>(reader_->finished() - told_finished_));
  told_ = counts;
  told_finished_ = reader_->finished();
}

Status FilesSourceConnector::start(const sdk::Config& config) {
  file_ = config.get_string("file");
  return sdk::ok();
}

Result<std::vector<sdk::TaskConfig>> FilesSourceConnector::task_configs(uint32_t tasks_max) {
  const uint32_t count = pattern_of(context(), file_).literal() ? 1 : std::max(tasks_max, 1u);
  std::vector<sdk::TaskConfig> configs;
  for (uint32_t i = 0; i < count; ++i) {
    configs.push_back({{std::string(kShareKey), std::to_string(i) + "/" + std::to_string(count)}});
  }
  return configs;
}

Status FilesSourceConnector::validate(const sdk::Context& context, const sdk::Config& config) {
  SourceOptions::check_values(context, config);
  return sdk::ok();
}

Status FilesSourceConnector::check(const sdk::Context& context, const sdk::Config& config) {
  SLUICE_SDK_ASSIGN(const SourceOptions options, SourceOptions::read(context, config));
  HostFiles files(context);
  FileFinder finder(files, files, files, options.pattern, options.exclude, options.share,
                    options.max_files);
  SLUICE_SDK_ASSIGN(const std::vector<FoundFile> found, finder.matches());
  if (found.empty()) {
    context.report_event("waiting-for-file", "there is no file '" + options.pattern.text() +
                                                 "' yet; what appears is read from its start");
  }
  return sdk::ok();
}

}  // namespace sluice::file_plugin
