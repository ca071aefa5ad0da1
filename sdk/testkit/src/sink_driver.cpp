// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>

#include <new>

#include "calls.hpp"

namespace sluice::testkit {

namespace {

// First run over a batch: how much memory does it take?
class Measure {
 public:
  void* allocate(size_t size, size_t alignment) {
    total_ += size + alignment;
    return arena_.allocate(size, alignment);
  }
  size_t total() const { return total_; }

 private:
  sdk::detail::Arena arena_;
  size_t total_ = 0;
};

template <class Memory>
sluice_record* copy_records(const std::vector<Input>& inputs, FakeContext& context, Memory& memory) {
  auto* records = static_cast<sluice_record*>(
      memory.allocate(inputs.size() * sizeof(sluice_record), alignof(sluice_record)));
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = inputs[i];
    sluice_record& record = *new (records + i) sluice_record{};
    record.topic = context.intern_topic(input.topic);
    record.partition = input.partition;
    record.offset = input.offset;
    record.timestamp_ms = input.timestamp_ms;
    record.key = ValueCopy::copy(input.key, memory);
    record.value = ValueCopy::copy(input.value, memory);
    record.header_count = static_cast<uint32_t>(input.headers.size());
    auto* headers = static_cast<sluice_header*>(
        memory.allocate(input.headers.size() * sizeof(sluice_header), alignof(sluice_header)));
    for (size_t h = 0; h < input.headers.size(); ++h) {
      const sdk::Value key = ValueCopy::copy(sdk::Value::string(input.headers[h].first), memory);
      headers[h] = {{key.as.bytes, key.size}, ValueCopy::copy(input.headers[h].second, memory), nullptr};
    }
    record.headers = headers;
  }
  return records;
}

}  // namespace

// The memory of one batch: written once, then readable, after its release neither. Owned by the driver to its end.
class SinkPages {
 public:
  SinkPages(FakeHost& host, FakeContext& context, const std::vector<Input>& inputs) : host_(host) {
    Measure measure;
    copy_records(inputs, context, measure);
    size_ = (measure.total() / 4096 + 1) * 4096;
    base_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base_ == MAP_FAILED) throw std::bad_alloc();
    batch_.struct_size = sizeof(batch_);
    batch_.record_size = sizeof(sluice_record);
    batch_.records = copy_records(inputs, context, *this);
    batch_.record_count = static_cast<uint32_t>(inputs.size());
    batch_.release = &release;
    batch_.private_data = this;
    ::mprotect(base_, size_, PROT_READ);
    host_.batch_made();
  }
  SinkPages(const SinkPages&) = delete;
  SinkPages& operator=(const SinkPages&) = delete;
  ~SinkPages() { ::munmap(base_, size_); }

  void* allocate(size_t size, size_t alignment) {
    used_ = (used_ + alignment - 1) & ~(alignment - 1);
    void* memory = static_cast<char*>(base_) + used_;
    used_ += size;
    return memory;
  }
  sluice_batch& batch() { return batch_; }
  bool released() const { return released_; }

 private:
  static void release(sluice_batch* batch) {
    auto& pages = *static_cast<SinkPages*>(batch->private_data);
    batch->release = nullptr;
    if (pages.released_.exchange(true)) {
      pages.host_.violation("a batch was released twice");
      return;
    }
    ::mprotect(pages.base_, pages.size_, PROT_NONE);
    pages.host_.batch_released();
  }

  FakeHost& host_;
  void* base_ = nullptr;
  size_t size_ = 0;
  size_t used_ = 0;
  sluice_batch batch_ = {};
  std::atomic<bool> released_{false};
};

SinkDriver::SinkDriver(FakeHost& host, const sluice_sink_api* api, ConfigMap config, Settings settings)
    : host_(host), context_(host.make_context(std::move(settings))), api_(api), config_(std::move(config)) {}

SinkDriver::~SinkDriver() { destroy(); }

Outcome SinkDriver::start() {
  return call_plugin(host_, context_, "create", [&](sluice_error* error) {
    return api_->create(host_.table(), context_.raw(), config_.raw(), &task_, error);
  });
}

Outcome SinkDriver::open(std::vector<sluice_partition_offset>& partitions, int64_t epoch) {
  if (api_->open == nullptr) return {};
  const auto before = partitions;
  const Outcome outcome = call_plugin(host_, context_, "open", [&](sluice_error* error) {
    return api_->open(task_, partitions.data(), static_cast<uint32_t>(partitions.size()), epoch, error);
  });
  for (size_t i = 0; i < before.size(); ++i) {
    if (partitions[i].topic != before[i].topic || partitions[i].partition != before[i].partition) {
      host_.violation("open changed a topic or partition; only next_offset is the plugin's to set");
    }
    if (partitions[i].next_offset < -1) host_.violation("open answered a negative next_offset");
  }
  return outcome;
}

Outcome SinkDriver::put(const std::vector<Input>& records) {
  pages_.push_back(std::make_unique<SinkPages>(host_, context_, records));
  SinkPages& pages = *pages_.back();
  sluice_batch& batch = pages.batch();
  const Outcome outcome = call_plugin(host_, context_, "put", [&](sluice_error* error) {
    return api_->put(task_, &batch, error);
  });
  record_errors_ = context_.take_record_errors();
  for (const auto& [index, error] : record_errors_) {
    if (index >= records.size()) host_.violation("record_error names a record that the batch does not have");
  }
  if (outcome.status == SLUICE_RECORD_ERROR && outcome.record_index >= records.size()) {
    host_.violation("put answered RECORD_ERROR for a record that the batch does not have");
  }
  const bool again = outcome.status == SLUICE_RETRIABLE || outcome.status == SLUICE_NOT_CONNECTED;
  if (again && (batch.release == nullptr || pages.released())) {
    host_.violation("put wants the same batch again and has taken it away");
  }
  if (batch.release == nullptr) return outcome;
  if (pages.released()) {
    host_.violation("put released the batch and left batch->release set: it would be released twice");
  } else {
    batch.release(&batch);
  }
  return outcome;
}

Outcome SinkDriver::commit(std::vector<sluice_partition_offset>& partitions) {
  if (api_->commit == nullptr) return {};
  const auto before = partitions;
  const Outcome outcome = call_plugin(host_, context_, "commit", [&](sluice_error* error) {
    return api_->commit(task_, partitions.data(), static_cast<uint32_t>(partitions.size()), error);
  });
  for (size_t i = 0; i < before.size(); ++i) {
    if (partitions[i].topic != before[i].topic || partitions[i].partition != before[i].partition) {
      host_.violation("commit changed a topic or partition; only next_offset is the plugin's to set");
    }
    if (partitions[i].next_offset > before[i].next_offset) {
      host_.violation("commit answered a position behind what was put");
    }
    if (partitions[i].next_offset < -1) host_.violation("commit answered a negative next_offset");
  }
  return outcome;
}

void SinkDriver::close(const std::vector<sluice_partition_offset>& partitions, bool lost) {
  if (api_->close == nullptr) return;
  const FakeContext::Call call(context_, "close");
  call_plugin_void(host_, "close", [&] {
    api_->close(task_, partitions.data(), static_cast<uint32_t>(partitions.size()), lost ? 1 : 0);
  });
}

void SinkDriver::stop() {
  if (task_ == nullptr || api_->stop == nullptr) return;
  call_plugin_void(host_, "stop", [&] { api_->stop(task_); });
}

void SinkDriver::destroy() {
  if (task_ == nullptr) return;
  {
    const FakeContext::Call call(context_, "destroy");
    call_plugin_void(host_, "destroy", [&] { api_->destroy(task_); });
  }
  task_ = nullptr;
  context_.end();
  for (const auto& pages : pages_) {
    if (!pages->released()) host_.violation("a batch that was moved away was not released before destroy returned");
  }
}

}  // namespace sluice::testkit
