// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/files_sink_task.hpp"

#include <algorithm>

#include "plugins/file/value_text.hpp"
#include "plugins/file/wall_clock.hpp"

namespace sluice::file_plugin {

Status FilesSinkTask::start(const sdk::Config& config) {
  SLUICE_SDK_ASSIGN(options_, SinkOptions::read(config));
  files_.emplace(context());
  const auto finished =
      context().counter("file_sink_finished_total", "Files that were finished and got their name");
  if (finished.ok()) finished_ = *finished;
  if (options_->roll.max_ms > 0 || options_->path.has_time())
    timer_ = std::make_unique<WakeTimer>(context());
  if (options_->path.has_topic() || options_->path.has_partition()) return sdk::ok();
  return RollingFile(*files_, *files_, *files_, options_->path, options_->roll, "", 0,
                     options_->exactly_once)
      .probe();
}

FilesSinkTask::SeriesKey FilesSinkTask::key_of(std::string_view topic, int32_t partition) const {
  return {options_->path.has_topic() ? std::string(topic) : std::string(),
          options_->path.has_partition() ? partition : 0};
}

FilesSinkTask::Series& FilesSinkTask::series_of(const sdk::PartitionOffset& partition) {
  const SeriesKey key = key_of(context().topic_name(partition.topic), partition.partition);
  Series& series = series_[key];
  if (series.file == nullptr) {
    series.file =
        std::make_unique<RollingFile>(*files_, *files_, *files_, options_->path, options_->roll,
                                      key.first, key.second, options_->exactly_once);
  }
  return series;
}

FilesSinkTask::Owned* FilesSinkTask::find_owned(uint32_t topic, int32_t partition) {
  for (const auto& owned : owned_) {
    if (owned->topic == topic && owned->partition == partition) return owned.get();
  }
  return nullptr;
}

std::vector<PartitionPosition> FilesSinkTask::positions_of(const Series& series) const {
  std::vector<PartitionPosition> positions;
  for (const Owned* owned : series.owned) {
    positions.push_back(
        {std::string(context().topic_name(owned->topic)), owned->partition, owned->next_offset});
  }
  return positions;
}

Status FilesSinkTask::open(std::span<sdk::PartitionOffset> partitions, int64_t epoch) {
  again_ = false;
  std::vector<Series*> opening;
  for (const sdk::PartitionOffset& partition : partitions) {
    Series& series = series_of(partition);
    // Opening drops what is not committed, and some of it may be of partitions that stay.
    if (series.file->is_open()) {
      SLUICE_SDK_TRY(series.file->commit(positions_of(series), now_ms()));
      series.file->close();
    }
  }
  for (const sdk::PartitionOffset& partition : partitions) {
    Series& series = series_of(partition);
    Owned* owned = find_owned(partition.topic, partition.partition);
    if (owned == nullptr) {
      owned_.push_back(std::make_unique<Owned>());
      owned = owned_.back().get();
      series.owned.push_back(owned);
    }
    *owned = {partition.topic, partition.partition, partition.next_offset, partition.next_offset,
              &series};
    if (std::find(opening.begin(), opening.end(), &series) == opening.end())
      opening.push_back(&series);
  }
  for (Series* series : opening) SLUICE_SDK_TRY(open_series(*series, partitions, epoch));
  set_timer();
  return sdk::ok();
}

Status FilesSinkTask::open_series(Series& series, std::span<sdk::PartitionOffset> given,
                                  int64_t epoch) {
  std::vector<PartitionPosition> positions = positions_of(series);
  SLUICE_SDK_TRY(series.file->open(positions, epoch, now_ms()));
  if (!options_->exactly_once) return sdk::ok();
  for (size_t i = 0; i < positions.size(); ++i) {
    Owned& owned = *series.owned[i];
    owned.next_offset = owned.next_after = positions[i].next_offset;
    for (sdk::PartitionOffset& partition : given) {
      if (partition.topic == owned.topic && partition.partition == owned.partition) {
        partition.next_offset = owned.next_offset;
      }
    }
  }
  return sdk::ok();
}

// Lines of the batch into the buffers of their files. Exactly-once: a record that a file holds
// already must not get in again, wherever the mistake is.
Status FilesSinkTask::fill(sdk::SinkBatch& batch) {
  not_writable_.clear();
  Owned* current = nullptr;
  const uint32_t count = batch.size();
  for (uint32_t i = 0; i < count; ++i) {
    const sdk::RecordView record = batch[i];
    if (current == nullptr || current->topic != record.topic() ||
        current->partition != record.partition()) {
      current = find_owned(record.topic(), record.partition());
      if (current == nullptr) {
        return Error::fatal("a record of a partition that this task was not given: " +
                            std::string(context().topic_name(record.topic())) + "-" +
                            std::to_string(record.partition()));
      }
      Series& series = *current->series;
      if (series.lines == nullptr) {
        if (!series.file->is_open())
          return Error::fatal("records came before their partition was given to this task");
        SLUICE_SDK_TRY(series.file->ready(now_ms()));
        series.lines = &series.file->writer().begin_batch();
      }
    }
    if (record.offset() < current->next_after) {
      if (again_) {
        TextBuffer unused;
        if (!append_value_text(record.value(), record.value_schema(), unused))
          not_writable_.push_back(i);
        continue;
      }
      if (options_->exactly_once) {
        return Error::fatal("offset " + std::to_string(record.offset()) + " of " +
                            std::string(context().topic_name(record.topic())) + "-" +
                            std::to_string(record.partition()) + " came, but everything before " +
                            std::to_string(current->next_after) +
                            " is written. If the topic was deleted and made "
                            "anew, move the files and their offsets files away");
      }
    }
    current->next_after = record.offset() + 1;
    if (!append_value_line(record.value(), record.value_schema(), *current->series->lines)) [[unlikely]]
      not_writable_.push_back(i);
  }
  return sdk::ok();
}

// Each file takes its part of the batch, or the batch comes again, for those that did not.
Status FilesSinkTask::take() {
  const int64_t now = now_ms();
  for (auto& [key, series] : series_) {
    if (series.lines == nullptr) continue;
    SLUICE_SDK_TRY(series.file->writer().end_batch());
    series.lines = nullptr;
    series.file->written(now);
    for (Owned* owned : series.owned) owned->next_offset = owned->next_after;
  }
  return sdk::ok();
}

void FilesSinkTask::give_up() {
  again_ = true;
  for (auto& [key, series] : series_) {
    if (series.lines == nullptr) continue;
    series.file->writer().drop_batch();
    series.lines = nullptr;
    for (Owned* owned : series.owned) owned->next_after = owned->next_offset;
  }
}

Status FilesSinkTask::put(sdk::SinkBatch& batch) {
  if (!batch.empty()) {
    if (Status filled = fill(batch); !filled.ok()) {
      give_up();
      return filled;
    }
    if (Status taken = take(); !taken.ok()) {
      give_up();
      return taken;
    }
  }
  if (Status rolled = roll_due(); !rolled.ok()) {
    again_ = true;
    return rolled;
  }
  again_ = false;
  for (const uint32_t index : not_writable_)
    context().record_error(index, Error::record(index, kNoText));
  not_writable_.clear();
  return sdk::ok();
}

Status FilesSinkTask::roll_due() {
  const int64_t now = now_ms();
  uint64_t finished = 0;
  for (auto& [key, series] : series_) {
    if (series.file->due(now)) SLUICE_SDK_TRY(series.file->roll(positions_of(series), now));
    finished += series.file->finished();
  }
  if (finished > told_finished_)
    finished_.add(static_cast<double>(finished - std::exchange(told_finished_, finished)));
  set_timer();
  return sdk::ok();
}

void FilesSinkTask::set_timer() {
  if (timer_ == nullptr) return;
  int64_t due = INT64_MAX;
  for (const auto& [key, series] : series_) due = std::min(due, series.file->due_ms());
  timer_->set(due);
}

Status FilesSinkTask::commit(std::span<sdk::PartitionOffset> partitions) {
  const int64_t now = now_ms();
  for (auto& [key, series] : series_) {
    std::vector<PartitionPosition> positions;
    for (const sdk::PartitionOffset& partition : partitions) {
      const Owned* owned = find_owned(partition.topic, partition.partition);
      if (owned == nullptr || owned->series != &series) continue;
      positions.push_back({std::string(context().topic_name(partition.topic)), partition.partition,
                           partition.next_offset});
    }
    if (positions.empty()) continue;
    if (!series.file->is_open()) return Error::fatal("commit without partitions");
    // A file that was rolled meanwhile may hold more than what is to be committed.
    for (PartitionPosition& position : positions) {
      for (const Owned* owned : series.owned) {
        if (owned->partition == position.partition &&
            context().topic_name(owned->topic) == position.topic) {
          position.next_offset = std::max(position.next_offset, owned->next_offset);
        }
      }
    }
    SLUICE_SDK_TRY(series.file->commit(positions, now));
  }
  return roll_due();
}

void FilesSinkTask::close(std::span<const sdk::PartitionOffset> partitions, bool lost) {
  (void)lost;  // what was not committed is dropped in either case; it comes again
  const auto gone = [&](const Owned& owned) {
    return std::any_of(
        partitions.begin(), partitions.end(), [&](const sdk::PartitionOffset& partition) {
          return partition.topic == owned.topic && partition.partition == owned.partition;
        });
  };
  for (auto& [key, series] : series_)
    std::erase_if(series.owned, [&](const Owned* owned) { return gone(*owned); });
  std::erase_if(owned_, [&](const auto& owned) { return gone(*owned); });
  std::erase_if(series_, [](const auto& entry) { return entry.second.owned.empty(); });
  told_finished_ = 0;
  for (const auto& [key, series] : series_) told_finished_ += series.file->finished();
  set_timer();
}

Status FilesSinkConnector::start(const sdk::Config& config) {
  SLUICE_SDK_ASSIGN(const SinkOptions options, SinkOptions::read(config));
  per_partition_ = options.per_partition();
  return sdk::ok();
}

Result<std::vector<sdk::TaskConfig>> FilesSinkConnector::task_configs(uint32_t tasks_max) {
  return std::vector<sdk::TaskConfig>(per_partition_ ? std::max(tasks_max, 1u) : 1u);
}

Status FilesSinkConnector::validate(const sdk::Context& context, const sdk::Config& config) {
  SinkOptions::check_values(context, config);
  return sdk::ok();
}

Status FilesSinkConnector::check(const sdk::Context& context, const sdk::Config& config) {
  SLUICE_SDK_ASSIGN(const SinkOptions options, SinkOptions::read(config));
  if (options.roll.rolls(options.path) || options.path.has_topic()) return sdk::ok();
  HostFiles files(context);
  auto opened = files.open(config.get_string("file"), Access::kWrite);
  if (!opened.ok() && opened.error().kind != SLUICE_NOT_CONNECTED) return std::move(opened).error();
  return sdk::ok();
}

}  // namespace sluice::file_plugin
