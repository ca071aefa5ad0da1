// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/sink_task.hpp"

#include <algorithm>

#include "plugins/file/value_text.hpp"

namespace sluice::file_plugin {

Status FileSinkTask::start(const sdk::Config& config) {
  path_ = config.get_string("file");
  if (path_.empty()) {
    return Error::config("'file' is not set: name the file to write; standard output is not supported");
  }
  exactly_once_ = sdk::detail::equals_ignoring_case(config.get_string("exactly.once.support"), "required");
  files_.emplace(context());
  file_.emplace(*files_, *files_, path_, exactly_once_);
  return file_->probe();
}

std::vector<PartitionPosition> FileSinkTask::named(std::span<const sdk::PartitionOffset> partitions) const {
  std::vector<PartitionPosition> named;
  named.reserve(partitions.size());
  for (const sdk::PartitionOffset& partition : partitions) {
    named.push_back({std::string(context().topic_name(partition.topic)), partition.partition, partition.next_offset});
  }
  return named;
}

Status FileSinkTask::open(std::span<sdk::PartitionOffset> partitions, int64_t epoch) {
  std::vector<PartitionPosition> positions = named(partitions);
  SLUICE_SDK_TRY(file_->open(positions, epoch));
  owned_.clear();
  for (size_t i = 0; i < partitions.size(); ++i) {
    if (exactly_once_) partitions[i].next_offset = positions[i].next_offset;
    owned_.push_back({partitions[i].topic, partitions[i].partition, partitions[i].next_offset});
  }
  return sdk::ok();
}

FileSinkTask::Owned* FileSinkTask::find_owned(uint32_t topic, int32_t partition) {
  for (Owned& owned : owned_after_) {
    if (owned.topic == topic && owned.partition == partition) return &owned;
  }
  return nullptr;
}

// Exactly-once: a record that the file holds already must not get in again, wherever the mistake is.
Status FileSinkTask::check_order(sdk::SinkBatch& batch) {
  owned_after_ = owned_;
  Owned* current = nullptr;
  for (const sdk::RecordView record : batch) {
    if (current == nullptr || current->topic != record.topic() || current->partition != record.partition()) {
      current = find_owned(record.topic(), record.partition());
    }
    if (current == nullptr) {
      return Error::fatal("a record of a partition that this task was not given: " +
                          std::string(context().topic_name(record.topic())) + "-" + std::to_string(record.partition()));
    }
    if (record.offset() < current->next_offset) {
      return Error::fatal("offset " + std::to_string(record.offset()) + " of " +
                          std::string(context().topic_name(record.topic())) + "-" + std::to_string(record.partition()) +
                          " came, but '" + path_ + "' holds everything before " + std::to_string(current->next_offset) +
                          ". If the topic was deleted and made anew, move the file and its offsets file away");
    }
    current->next_offset = record.offset() + 1;
  }
  return sdk::ok();
}

Status FileSinkTask::write_lines(sdk::SinkBatch& batch, TextBuffer& out) {
  not_writable_.clear();
  const uint32_t count = batch.size();
  for (uint32_t i = 0; i < count; ++i) {
    const sdk::RecordView record = batch[i];
    if (!append_value_line(record.value(), record.value_schema(), out)) [[unlikely]]
      not_writable_.push_back(i);
  }
  return sdk::ok();
}

Status FileSinkTask::put(sdk::SinkBatch& batch) {
  if (batch.empty()) return sdk::ok();
  if (!file_->is_open()) return Error::fatal("records came before any partition was given to this task");
  if (exactly_once_) SLUICE_SDK_TRY(check_order(batch));
  SLUICE_SDK_TRY(write_lines(batch, file_->writer().begin_batch()));
  SLUICE_SDK_TRY(file_->writer().end_batch());
  if (exactly_once_) owned_.swap(owned_after_);
  for (const uint32_t index : not_writable_) {
    context().record_error(index, Error::record(index, kNoText));
  }
  return sdk::ok();
}

Status FileSinkTask::commit(std::span<sdk::PartitionOffset> partitions) {
  if (!file_->is_open()) return Error::fatal("commit without partitions");
  return file_->commit(exactly_once_ ? named(partitions) : std::vector<PartitionPosition>());
}

void FileSinkTask::close(std::span<const sdk::PartitionOffset> partitions, bool lost) {
  (void)lost;  // what was not committed is dropped in either case; it comes again
  std::erase_if(owned_, [&](const Owned& owned) {
    return std::any_of(partitions.begin(), partitions.end(), [&](const sdk::PartitionOffset& gone) {
      return gone.topic == owned.topic && gone.partition == owned.partition;
    });
  });
  if (owned_.empty()) file_->close();
}

Status FileSinkTask::validate(const sdk::Context& context, const sdk::Config& config) {
  if (config.get_string("file").empty()) {
    context.config_error("file", "Invalid value " + std::string(config.has("file") ? "\"\"" : "null") +
                                     " for configuration file: name the file to write; standard output is not "
                                     "supported");
  }
  return sdk::ok();
}

Status FileSinkTask::check(const sdk::Context& context, const sdk::Config& config) {
  HostFiles files(context);
  auto opened = files.open(config.get_string("file"), Access::kWrite);
  if (!opened.ok() && opened.error().kind != SLUICE_NOT_CONNECTED) return std::move(opened).error();
  return sdk::ok();
}

}  // namespace sluice::file_plugin
