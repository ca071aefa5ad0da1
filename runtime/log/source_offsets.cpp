// SPDX-License-Identifier: Apache-2.0
#include "runtime/log/source_offsets.hpp"

#include "broker-core/model/partitioner.hpp"
#include "broker-core/model/record_batch.hpp"

namespace sluice::log {
namespace {

// As Jackson writes it: control characters in upper-case hexadecimal.
void append_json_string(const std::string& text, std::string& out) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  out += '"';
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (byte < 0x20) {
          out += "\\u00";
          out += kHex[byte >> 4];
          out += kHex[byte & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

}  // namespace

std::string source_offset_key(const std::string& connector, const std::string& partition) {
  std::string key = "[";
  key.reserve(connector.size() + partition.size() + 8);
  append_json_string(connector, key);
  key += ',';
  key += partition;
  key += ']';
  return key;
}

std::vector<BatchAppend> encode_source_offsets(std::span<const SourceOffset> offsets,
                                               const std::string& topic, int32_t partitions,
                                               int64_t now_ms) {
  std::map<PartitionId, model::BatchBuilder> builders;
  for (const SourceOffset& offset : offsets) {
    const std::string key = source_offset_key(offset.connector, offset.partition);
    std::optional<ByteView> value;
    if (offset.offset) value = as_bytes(*offset.offset);
    // A batch of offsets cannot outgrow what a batch can hold: requests are bounded far below that.
    (void)builders[model::partition_for_key(as_bytes(key), partitions)].add(now_ms, as_bytes(key),
                                                                            value);
  }
  std::vector<BatchAppend> result;
  for (auto& [partition, builder] : builders)
    result.push_back({{topic, partition}, builder.finish()});
  return result;
}

}  // namespace sluice::log
