// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "batch_check.hpp"
#include "calls.hpp"

namespace sluice::testkit {

namespace {

const sluice_record& record_at(const sluice_batch& batch, uint32_t index) {
  return *sdk::SinkBatch::at(batch, index);
}

std::optional<std::string> text_of(const sluice_value& value) {
  if (value.type == SLUICE_NULL) return std::nullopt;
  if (value.type == SLUICE_STRING || value.type == SLUICE_BYTES) return std::string(value.as.bytes, value.size);
  return describe(value);
}

}  // namespace

SourceDriver::SourceDriver(FakeHost& host, const sluice_source_api* api, ConfigMap config, Settings settings)
    : host_(host), context_(host.make_context(std::move(settings))), api_(api), config_(std::move(config)) {}

SourceDriver::~SourceDriver() { destroy(); }

sluice_poll_limits SourceDriver::default_limits() {
  return {sizeof(sluice_poll_limits), 1024, 1u << 20, 100, 0};
}

Outcome SourceDriver::start() {
  return call_plugin(host_, context_, "create", [&](sluice_error* error) {
    return api_->create(host_.table(), context_.raw(), config_.raw(), &task_, error);
  });
}

Outcome SourceDriver::poll(const sluice_poll_limits& limits) {
  sluice_batch batch = {};
  batch.struct_size = sizeof(batch);
  sluice_poll_result result = {sizeof(result), 0};
  Outcome outcome = call_plugin(host_, context_, "poll", [&](sluice_error* error) {
    return api_->poll(task_, &limits, &batch, &result, error);
  });
  idle_ms_ = result.idle_ms;
  if (!outcome.ok()) {
    if (batch.release != nullptr || batch.record_count > 0) {
      host_.violation(std::string("poll answered ") + status_name(outcome.status) + " and filled a batch as well");
    }
    context_.take_record_errors();  // of a batch that there is not
    return outcome;
  }
  if (batch.record_count > limits.records_max) {
    host_.violation("poll returned " + std::to_string(batch.record_count) + " records, asked for at most " +
                    std::to_string(limits.records_max));
  }
  if (batch.record_count > 0 || batch.offset_count > 0) {
    take(batch);
  } else if (batch.release != nullptr) {
    batch.release(&batch);
  }
  take_record_errors(batch.record_count);
  return outcome;
}

// Of the batch that was taken last.
void SourceDriver::take_record_errors(uint32_t count) {
  for (const auto& [index, error] : context_.take_record_errors()) {
    if (index >= count) {
      host_.violation("record_error names record " + std::to_string(index) + " of a batch of " +
                      std::to_string(count) + " records");
      continue;
    }
    auto& fault = records_[records_.size() - count + index].fault;
    if (!fault) fault = error.message;  // the first report counts
  }
}

Outcome SourceDriver::poll_until(size_t count, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (records_.size() < count && std::chrono::steady_clock::now() < deadline) {
    const size_t before = records_.size();
    const Outcome outcome = poll();
    if (!outcome.ok()) return outcome;
    if (records_.size() != before) continue;
    const uint32_t idle = std::clamp<uint32_t>(idle_ms_, 1, 50);
    if (context_.wait_for_wake(std::chrono::milliseconds(idle))) continue;  // else the time to poll has come
  }
  return {};
}

void SourceDriver::take(const sluice_batch& batch) {
  check(batch);
  host_.batch_made();
  for (uint32_t i = 0; i < batch.record_count; ++i) {
    const sluice_record& from = record_at(batch, i);
    Record to;
    to.topic = context_.topic_name(from.topic);
    to.key = text_of(from.key);
    to.value = text_of(from.value);
    for (uint32_t h = 0; h < from.header_count; ++h) {
      to.headers[std::string(sdk::view(from.headers[h].key))] = text_of(from.headers[h].value).value_or("null");
    }
    to.timestamp_ms = from.timestamp_ms;
    to.partition = from.partition;
    records_.push_back(std::move(to));
  }
  held_.push_back({next_batch_++, batch, content(batch)});
}

void SourceDriver::check(const sluice_batch& batch) {
  if (batch.record_count > 0 && batch.record_size < sizeof(sluice_record)) {
    host_.violation("record_size of a batch is " + std::to_string(batch.record_size));
    return;
  }
  for (uint32_t i = 0; i < batch.record_count; ++i) {
    const sluice_record& record = record_at(batch, i);
    const std::string place = "record " + std::to_string(i) + ": ";
    if (context_.topic_name(record.topic).empty()) host_.violation(place + "its topic was never interned");
    if (record.flags != 0) host_.violation(place + "flags must be 0");
    if (record.partition < SLUICE_ANY_PARTITION) host_.violation(place + "its partition is negative");
    for (const auto& [name, value] : {std::pair{"key", &record.key}, std::pair{"value", &record.value}}) {
      if (const std::string fault = fault_of(*value); !fault.empty()) host_.violation(place + name + " " + fault);
    }
    for (uint32_t h = 0; h < record.header_count; ++h) {
      const std::string fault = fault_of(record.headers[h].value);
      if (!fault.empty()) host_.violation(place + "a header's value " + fault);
    }
  }
  check_offsets(batch);
}

void SourceDriver::check_offsets(const sluice_batch& batch) {
  uint32_t before = 0;
  for (uint32_t i = 0; i < batch.offset_count; ++i) {
    const sluice_source_offset& offset = batch.offsets[i];
    const std::string place = "offset " + std::to_string(i) + ": ";
    if (offset.last_record >= std::max(batch.record_count, 1u)) {
      host_.violation(place + "last_record is " + std::to_string(offset.last_record) + " in a batch of " +
                      std::to_string(batch.record_count) + " records");
    }
    if (offset.last_record < before) host_.violation(place + "last_record descends");
    before = offset.last_record;
    if (context_.partition_key(offset.partition).empty()) {
      host_.violation(place + "its partition was never interned");
    }
    if (offset.offset.type != SLUICE_MAP && offset.offset.type != SLUICE_NULL) {
      host_.violation(place + "must be a MAP, or null to forget");
    }
    for (uint32_t k = 0; k < i; ++k) {
      const sluice_source_offset& other = batch.offsets[k];
      if (other.partition == offset.partition && other.last_record == offset.last_record) {
        host_.violation(place + "a second offset for the same partition and record");
      }
    }
  }
}

std::string SourceDriver::content(const sluice_batch& batch) const {
  std::string all;
  for (uint32_t i = 0; i < batch.record_count; ++i) {
    const sluice_record& record = record_at(batch, i);
    all += std::to_string(record.topic) + "/" + std::to_string(record.partition) + "@" +
           std::to_string(record.timestamp_ms) + " " + describe(record.key) + "=" + describe(record.value);
    for (uint32_t h = 0; h < record.header_count; ++h) {
      all += " " + std::string(sdk::view(record.headers[h].key)) + ":" + describe(record.headers[h].value);
    }
    all += "\n";
  }
  for (uint32_t i = 0; i < batch.offset_count; ++i) {
    all += std::to_string(batch.offsets[i].partition) + "@" + std::to_string(batch.offsets[i].last_record) + "=" +
           describe(batch.offsets[i].offset) + "\n";
  }
  return all;
}

void SourceDriver::release(Held& held) {
  if (content(held.batch) != held.content) {
    host_.violation("batch " + std::to_string(held.number) + " was changed before it was released");
  }
  if (held.batch.release != nullptr) {
    call_plugin_void(host_, "release", [&] { held.batch.release(&held.batch); });
    if (held.batch.release != nullptr) host_.violation("release did not set batch->release to NULL");
  }
  host_.batch_released();
}

void SourceDriver::store_offsets(const sluice_batch& batch) {
  for (uint32_t i = 0; i < batch.offset_count; ++i) {
    host_.store_offset(context_.partition_key(batch.offsets[i].partition), batch.offsets[i].offset);
  }
}

Outcome SourceDriver::make_durable(uint64_t batch) {
  const uint64_t last = batch == 0 ? batches() : batch;
  bool any = false;
  while (!held_.empty() && held_.front().number <= last) {
    store_offsets(held_.front().batch);
    release(held_.front());
    held_.pop_front();
    any = true;
  }
  if (!any || task_ == nullptr || api_->ack == nullptr) return {};
  return call_plugin(host_, context_, "ack", [&](sluice_error* error) { return api_->ack(task_, last, error); });
}

void SourceDriver::stop() {
  if (task_ == nullptr || api_->stop == nullptr) return;
  call_plugin_void(host_, "stop", [&] { api_->stop(task_); });
}

void SourceDriver::destroy() {
  while (!held_.empty()) {
    release(held_.front());
    held_.pop_front();
  }
  if (task_ == nullptr) return;
  {
    const FakeContext::Call call(context_, "destroy");
    call_plugin_void(host_, "destroy", [&] { api_->destroy(task_); });
  }
  task_ = nullptr;
  context_.end();
}

}  // namespace sluice::testkit
