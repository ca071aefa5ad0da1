// SPDX-License-Identifier: Apache-2.0
#include "runtime/task/sink_batch.hpp"

namespace sluice::task {

Status RawRecords::find(std::span<const Offset> offsets,
                        const std::function<Result<bool>(const model::RecordView&)>& each) {
  model::RecordView view;
  auto wanted = offsets.begin();
  for (model::RecordReader& reader : readers) {
    if (wanted == offsets.end()) return ok();
    if (*wanted >= reader.header().next_offset()) continue;
    reader.rewind();
    while (wanted != offsets.end()) {
      SLUICE_ASSIGN(const bool more, reader.next(view));
      if (!more) break;
      if (view.offset != *wanted) continue;
      SLUICE_ASSIGN(const bool go_on, each(view));
      if (!go_on) return ok();
      ++wanted;
    }
  }
  if (wanted == offsets.end()) return ok();
  return Error{ErrorKind::kFatal, "offset " + std::to_string(wanted->value()) +
                                      " is not among the records that were read"};
}

std::unique_ptr<SinkBatchPool::Block> SinkBatchPool::take() {
  std::lock_guard lock(mutex_);
  if (free_.empty()) return std::make_unique<Block>();
  auto block = std::move(free_.back());
  free_.pop_back();
  return block;
}

void SinkBatchPool::fill(std::unique_ptr<Block> block, plugin::Batch& batch) {
  block->pool = shared_from_this();
  sluice_batch* raw = batch.raw();
  raw->record_size = sizeof(sluice_record);
  raw->records = block->records.data();
  raw->record_count = static_cast<uint32_t>(block->records.size());
  raw->release = &SinkBatchPool::release;
  raw->private_data = block.release();
}

bool SinkBatchPool::remove(plugin::Batch& batch, size_t index) {
  sluice_batch* raw = batch.raw();
  if (raw->release != &SinkBatchPool::release || index >= raw->record_count) return false;
  auto& records = static_cast<Block*>(raw->private_data)->records;
  records.erase(records.begin() + static_cast<ptrdiff_t>(index));
  raw->records = records.data();
  raw->record_count = static_cast<uint32_t>(records.size());
  return true;
}

void SinkBatchPool::release(sluice_batch* batch) {
  std::unique_ptr<Block> block(static_cast<Block*>(batch->private_data));
  batch->release = nullptr;
  auto pool = std::move(block->pool);
  pool->give_back(std::move(block));
}

void SinkBatchPool::give_back(std::unique_ptr<Block> block) {
  block->raw.reset();
  block->records.clear();
  block->arena.reset();
  std::lock_guard lock(mutex_);
  if (free_.size() < kKept) free_.push_back(std::move(block));
}

Result<SinkDecoder::Decoded> SinkDecoder::decode(log::Fetched fetched, uint32_t topic) {
  Decoded decoded;
  decoded.raw = std::make_shared<RawRecords>();
  decoded.raw->bytes = std::move(fetched.batches);
  auto block = pool_->take();
  block->raw = decoded.raw;
  ByteView rest(decoded.raw->bytes);
  decoded.next = fetched.from;
  while (!rest.empty()) {
    SLUICE_ASSIGN(auto header, model::read_batch_header(rest));
    if (!header.control())
      SLUICE_TRY(decode_batch(rest.first(header.size()), fetched, topic, *block, decoded.bad));
    decoded.next = std::max(decoded.next, header.next_offset());
    rest = rest.subspan(header.size());
  }
  pool_->fill(std::move(block), decoded.batch);
  return decoded;
}

Status SinkDecoder::decode_batch(ByteView bytes, const log::Fetched& fetched, uint32_t topic,
                                 SinkBatchPool::Block& block, std::vector<BadRecord>& bad) {
  SLUICE_ASSIGN(auto opened, model::RecordReader::open(bytes));
  auto& readers = block.raw->readers;
  readers.push_back(std::move(opened));
  const size_t reader = readers.size() - 1;
  block.records.reserve(block.records.size() +
                        static_cast<size_t>(std::max(0, readers[reader].header().record_count)));
  for (;;) {
    auto more = readers[reader].next(view_);
    if (!more.ok()) return std::move(more).error();
    if (!*more) return ok();
    if (view_.offset < fetched.from) continue;
    sluice_record record{};
    record.topic = topic;
    record.partition = fetched.partition.partition.value();
    record.offset = view_.offset.value();
    record.timestamp_ms =
        view_.timestamp == model::kNoTimestamp ? SLUICE_NO_TIMESTAMP : view_.timestamp;
    Status converted = convert(fetched.partition.topic, view_, block, record);
    if (converted.ok()) {
      block.records.push_back(record);
    } else if (converted.error().kind == ErrorKind::kRecord ||
               converted.error().kind == ErrorKind::kInvalid) {
      bad.push_back({view_.offset, failed_at_, converted.error().message});
    } else {
      return converted;
    }
  }
}

Status SinkDecoder::convert(const std::string& topic, const model::RecordView& view,
                            SinkBatchPool::Block& block, sluice_record& record) {
  auto key = key_->to_connect(topic, view.key, block.arena);
  if (!key.ok()) [[unlikely]]
    return failed_at_ = Stage::kKeyConverter, key.error().with("key");
  record.key = key->value;
  record.key_schema = key->schema;
  auto value = value_->to_connect(topic, view.value, block.arena);
  if (!value.ok()) [[unlikely]]
    return failed_at_ = Stage::kValueConverter, value.error().with("value");
  record.value = value->value;
  record.value_schema = value->schema;
  if (view.headers.empty()) return ok();
  failed_at_ = Stage::kHeaderConverter;
  auto* headers = block.arena.array<sluice_header>(view.headers.size());
  if (headers == nullptr)
    return Error{ErrorKind::kRecord, "the headers of the batch are too large"};
  for (size_t i = 0; i < view.headers.size(); ++i) {
    const model::HeaderView& header = view.headers[i];
    auto converted = header_->to_connect(topic, header.key, header.value, block.arena);
    if (!converted.ok()) return converted.error().with("header " + std::string(header.key));
    headers[i] = {{header.key.data(), header.key.size()}, converted->value, converted->schema};
  }
  record.headers = headers;
  record.header_count = static_cast<uint32_t>(view.headers.size());
  return ok();
}

}  // namespace sluice::task
