// SPDX-License-Identifier: Apache-2.0
#include "broker-core/metadata/records.hpp"

#include <algorithm>

#include "broker-core/model/primitives.hpp"

namespace sluice::metadata {

namespace {

using model::PrimitiveReader;
using model::PrimitiveWriter;

constexpr uint16_t kRecordVersion = 0;

void write_id(PrimitiveWriter& out, const TopicId& id) {
  out.raw(std::as_bytes(std::span(id.bytes)));
}

TopicId read_id(PrimitiveReader& in) {
  TopicId id;
  const ByteView raw = in.raw(id.bytes.size());
  std::transform(raw.begin(), raw.end(), id.bytes.begin(),
                 [](std::byte b) { return static_cast<uint8_t>(b); });
  return id;
}

void write_configs(PrimitiveWriter& out, const TopicConfigs& configs) {
  out.number(static_cast<int32_t>(configs.size()));
  for (const auto& [name, value] : configs) out.bytes(as_bytes(name)).bytes(as_bytes(value));
}

TopicConfigs read_configs(PrimitiveReader& in) {
  TopicConfigs configs;
  for (size_t count = in.array(8); count > 0; --count) {
    std::string name(as_text(in.bytes()));
    configs[std::move(name)] = as_text(in.bytes());
  }
  return configs;
}

struct Encoder {
  PrimitiveWriter& out;
  RecordType operator()(const TopicRecord& r) const {
    write_id(out, r.id);
    out.bytes(as_bytes(r.name)).number(r.partitions);
    write_configs(out, r.configs);
    return RecordType::kTopic;
  }
  RecordType operator()(const RemoveTopicRecord& r) const {
    write_id(out, r.id);
    return RecordType::kRemoveTopic;
  }
  RecordType operator()(const TopicConfigsRecord& r) const {
    write_id(out, r.id);
    write_configs(out, r.configs);
    return RecordType::kTopicConfigs;
  }
  RecordType operator()(const PartitionCountRecord& r) const {
    write_id(out, r.id);
    out.number(r.partitions);
    return RecordType::kPartitionCount;
  }
};

std::optional<Record> decode_record(RecordType type, PrimitiveReader& in) {
  const TopicId id = read_id(in);
  switch (type) {
    case RecordType::kTopic: {
      TopicRecord r{id, std::string(as_text(in.bytes())), in.number<int32_t>(), {}};
      r.configs = read_configs(in);
      return r;
    }
    case RecordType::kRemoveTopic:
      return RemoveTopicRecord{id};
    case RecordType::kTopicConfigs:
      return TopicConfigsRecord{id, read_configs(in)};
    case RecordType::kPartitionCount:
      return PartitionCountRecord{id, in.number<int32_t>()};
  }
  return std::nullopt;
}

}  // namespace

Bytes encode_records(const std::vector<Record>& records) {
  PrimitiveWriter out;
  out.number(static_cast<int32_t>(records.size()));
  for (const Record& record : records) {
    PrimitiveWriter body;
    const RecordType type = std::visit(Encoder{body}, record);
    out.number(static_cast<uint16_t>(type)).number(kRecordVersion).bytes(body.take());
  }
  return out.take();
}

Result<std::vector<Record>> decode_records(ByteView bytes) {
  PrimitiveReader in(bytes);
  std::vector<Record> out;
  for (size_t count = in.array(8); count > 0; --count) {
    const auto type = in.number<uint16_t>();
    const auto version = in.number<uint16_t>();
    PrimitiveReader body(in.bytes());
    if (!in.ok()) break;
    auto record = version <= kRecordVersion ? decode_record(static_cast<RecordType>(type), body)
                                            : std::nullopt;
    if (!record) {
      return Error{ErrorKind::kUnsupported,
                   "metadata record type " + std::to_string(type) + " version " +
                       std::to_string(version) +
                       " was written by a newer version of Sluice; start that version"};
    }
    if (!body.done())
      return Error{ErrorKind::kCorrupt, "malformed metadata record type " + std::to_string(type)};
    out.push_back(std::move(*record));
  }
  if (!in.done()) return Error{ErrorKind::kCorrupt, "malformed metadata records"};
  return out;
}

}  // namespace sluice::metadata
