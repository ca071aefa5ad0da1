// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/syscalls/person.hpp"

#include "broker-core/model/record_batch.hpp"

namespace sluice::syscalls {

bool Person::open() {
  server::Broker::Settings settings;
  settings.directory = folder_;
  settings.storage.commit_file_bytes = 64 << 10;
  settings.storage.checkpoint_bytes = 1 << 20;
  settings.storage.write_through_bytes = 290;  // three records and more
  settings.storage.open_segments_max = 20;
  settings.storage.sync_all_from = 3;  // a checkpoint syncs few files each, and more by syncfs
  auto opened = server::Broker::open(settings, {posix_disk(), clock_, random_, &executor_});
  if (!opened.ok()) {
    knowledge_.failures.push_back("open: " + opened.error().message);
    return false;
  }
  broker_ = std::move(*opened);
  return true;
}

void Person::end() {
  executor_.clear();
  broker_.reset();
  executor_.clear();
}

void Person::create(const std::string& name, int32_t partitions,
                    const metadata::TopicConfigs& configs) {
  auto created = broker_->create_topic(name, partitions, configs);
  Knowledge::Topic& topic = knowledge_.topics[name];
  topic = {};
  topic.partitions = partitions;
  topic.sure = created.ok();
  if (!created.ok()) note("create", created.error());
}

void Person::remove(const std::string& name) {
  auto status = broker_->delete_topic(name);
  knowledge_.topics[name].sure = status.ok();
  knowledge_.topics[name].deleted = status.ok();
  note("delete", status);
}

void Person::alter_retention(const std::string& name, const std::string& bytes) {
  auto altered = broker_->alter_configs(name, {{"retention.bytes", bytes}});
  Knowledge::Topic& topic = knowledge_.topics[name];
  topic.maybe_retention.insert(bytes);
  if (altered.ok()) {
    topic.retention = bytes;
    topic.maybe_retention = {bytes};
  } else {
    note("alter", altered.error());
  }
}

void Person::append(const std::string& name, int32_t partition, int records, int keys) {
  Knowledge::Topic& topic = knowledge_.topics[name];
  model::BatchBuilder builder;
  std::vector<std::pair<std::string, std::string>> sent;
  for (int i = 0; i < records; ++i) {
    const int64_t number = topic.sent++;
    std::string key = "k" + std::to_string(keys > 0 ? number % keys : number);
    std::string value = name + " " + std::to_string(partition) + " " + std::to_string(number) +
                        std::string(60, 'x');
    (void)builder.add(clock_.now_ms().value(), as_bytes(key), as_bytes(value));
    topic.tried.insert(value);
    sent.emplace_back(std::move(key), std::move(value));
  }
  std::vector<server::Broker::Batches> entries;
  entries.push_back({{name, PartitionId(partition)}, builder.finish()});
  std::optional<Result<std::vector<server::Broker::Appended>>> answer;
  broker_->append(std::move(entries), [&](auto result) { answer = std::move(result); });
  executor_.run_ready();
  if (!answer) {
    knowledge_.failures.push_back("an append was never answered");
  } else if (!answer->ok()) {
    note("append", answer->error());
  } else {
    int64_t offset = (**answer)[0].base_offset.value();
    for (auto& record : sent) topic.acknowledged[partition][offset++] = std::move(record);
  }
}

void Person::delete_records(const std::string& name, int64_t before) {
  note("delete records", broker_->delete_records({name, PartitionId(0)}, Offset(before)));
}

std::string Person::check_partition(const std::string& name, const Knowledge::Topic& topic,
                                    int32_t number, bool complete) {
  const TopicPartitionName partition{name, PartitionId(number)};
  const std::string where = partition.to_string() + ": ";
  auto state = broker_->partition_state(partition);
  if (!state.ok()) return complete ? where + state.error().message : "";
  if (state->offline) return complete ? where + "offline: " + state->offline->message : "";
  std::map<int64_t, std::pair<std::string, std::string>> served;
  Offset at = state->start_offset;
  while (at < state->high_watermark) {
    auto read = broker_->read(partition, at, 3000);
    if (!read.ok()) return complete ? where + read.error().message : "";
    ByteView rest(read->batches);
    if (rest.empty()) break;
    while (!rest.empty()) {
      auto reader = model::RecordReader::open(rest);
      if (!reader.ok()) return where + "served what cannot be read: " + reader.error().message;
      model::RecordView record;
      while (reader->next(record).value())
        served[record.offset.value()] = {std::string(as_text(*record.key)),
                                         std::string(as_text(*record.value))};
      at = reader->header().next_offset();
      rest = rest.subspan(reader->header().size());
    }
  }
  const auto known = topic.acknowledged.find(number);
  std::map<std::string, int64_t> newest;
  for (const auto& [offset, record] : served) {
    newest[record.first] = offset;
    if (!topic.tried.contains(record.second)) return where + "served what nobody sent";
    if (known == topic.acknowledged.end()) continue;
    auto acknowledged = known->second.find(offset);
    if (acknowledged != known->second.end() && acknowledged->second != record)
      return where + "offset " + std::to_string(offset) + " holds another record than acknowledged";
  }
  if (!complete || known == topic.acknowledged.end()) return "";
  for (const auto& [offset, record] : known->second) {
    if (Offset(offset) < state->start_offset || served.contains(offset)) continue;
    auto later = newest.find(record.first);  // compacted away by a newer one of its key
    if (later == newest.end() || later->second < offset)
      return where + "offset " + std::to_string(offset) + " was acknowledged and is gone";
  }
  return "";
}

std::string Person::check(bool complete) {
  for (const auto& [name, topic] : knowledge_.topics) {
    auto found = broker_->topic(name);
    if (complete && topic.sure && found.ok() == topic.deleted)
      return name + (topic.deleted ? " was deleted and is there" : " was made and is not there");
    if (!found.ok() || topic.deleted) continue;
    auto value = (*found)->configs.find("retention.bytes");
    if (complete && topic.retention && value != (*found)->configs.end() &&
        !topic.maybe_retention.contains(value->second))
      return name + " has retention.bytes=" + value->second;
    for (int32_t p = 0; p < topic.partitions; ++p)
      if (auto wrong = check_partition(name, topic, p, complete); !wrong.empty()) return wrong;
  }
  return "";
}

}  // namespace sluice::syscalls
