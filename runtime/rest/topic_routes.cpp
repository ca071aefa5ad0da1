// SPDX-License-Identifier: Apache-2.0
#include "runtime/rest/topic_routes.hpp"

#include <algorithm>
#include <charconv>
#include <future>
#include <nlohmann/json.hpp>

#include "broker-core/model/record_batch.hpp"
#include "runtime/json/json.hpp"
#include "runtime/rest/body.hpp"

namespace sluice::rest {
namespace {

constexpr int64_t kLimitMax = 1000;
constexpr int64_t kWaitMaxMs = 10'000;
constexpr size_t kReadBytes = 1u << 20;

bool valid_utf8(ByteView bytes) {
  size_t i = 0;
  while (i < bytes.size()) {
    auto lead = static_cast<uint8_t>(bytes[i]);
    size_t length = lead < 0x80                   ? 1
                    : lead >= 0xC2 && lead < 0xE0 ? 2
                    : lead >= 0xE0 && lead < 0xF0 ? 3
                    : lead >= 0xF0 && lead < 0xF5 ? 4
                                                  : 0;
    if (length == 0 || i + length > bytes.size()) return false;
    for (size_t k = 1; k < length; ++k) {
      if ((static_cast<uint8_t>(bytes[i + k]) & 0xC0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

std::string base64(ByteView bytes) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0);
    }
    text += kAlphabet[group >> 18];
    text += kAlphabet[group >> 12 & 63];
    text += i + 1 < bytes.size() ? kAlphabet[group >> 6 & 63] : '=';
    text += i + 2 < bytes.size() ? kAlphabet[group & 63] : '=';
  }
  return text;
}

void put(Json& object, const std::string& name, const std::optional<ByteView>& bytes) {
  if (!bytes) {
    object[name] = nullptr;
  } else if (valid_utf8(*bytes)) {
    object[name] = std::string(as_text(*bytes));
  } else {
    object[name + "_base64"] = base64(*bytes);
  }
}

Json to_json(const TopicPartitionName& partition, const model::RecordView& record) {
  Json object{{"partition", partition.partition.value()},
              {"offset", record.offset.value()},
              {"timestamp", record.timestamp}};
  put(object, "key", record.key);
  put(object, "value", record.value);
  Json headers = Json::array();
  for (const auto& header : record.headers) {
    Json entry{{"key", std::string(header.key)}};
    put(entry, "value", header.value);
    headers.push_back(std::move(entry));
  }
  object["headers"] = std::move(headers);
  return object;
}

// A whole number from the query, within bounds; the default where it is absent.
Result<int64_t> number(const Request& request, const std::string& name, int64_t fallback,
                       int64_t max) {
  auto text = request.target.query_value(name);
  if (!text) return fallback;
  int64_t value = 0;
  auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (code != std::errc() || end != text->data() + text->size() || value < 0 || value > max) {
    return Error{ErrorKind::kInvalid, "Query parameter " + name +
                                          " must be a whole number from 0 to " +
                                          std::to_string(max) + ", not '" + *text + "'"};
  }
  return value;
}

// Blocks until there is something at `from`, at most until the time is over or the request's own
// deadline.
void wait_for_data(log::Log& log, const TopicPartitionName& partition, Offset from, int64_t wait_ms,
                   std::chrono::steady_clock::time_point deadline) {
  std::promise<void> ready;
  auto future = ready.get_future();
  auto watch = log.watch({{partition, from}}, [&ready] { ready.set_value(); });
  future.wait_until(
      std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms)));
}

// Appends records from `from` on to `records`; returns the next offset to read.
Result<Offset> collect(const log::Fetched& fetched, Offset from, size_t limit, Json& records) {
  ByteView rest = fetched.batches;
  Offset next = from;
  while (!rest.empty() && records.size() < limit) {
    SLUICE_ASSIGN(auto header, model::read_batch_header(rest));
    if (!header.control()) {
      SLUICE_ASSIGN(auto reader, model::RecordReader::open(rest));
      model::RecordView record;
      while (records.size() < limit) {
        SLUICE_ASSIGN(bool more, reader.next(record));
        if (!more) break;
        if (record.offset < from) continue;
        records.push_back(to_json(fetched.partition, record));
        next = record.offset + 1;
      }
    }
    if (records.size() < limit) next = std::max(next, header.next_offset());
    rest = rest.subspan(header.size());
  }
  return next;
}

}  // namespace

Response list_topics(log::Log& log) {
  auto topics = log.topics();
  if (!topics.ok()) return to_response(topics.error());
  Json list = Json::array();
  for (const auto& topic : *topics) {
    int64_t records = 0;
    auto ranges = log.ranges(topic.name);
    if (!ranges.ok()) continue;  // deleted meanwhile
    for (const auto& range : *ranges) records += range.end - range.start;
    list.push_back(Json{{"name", topic.name},
                        {"id", topic.id},
                        {"partitions", topic.partitions},
                        {"internal", topic.internal},
                        {"records", records}});
  }
  return json_response(json_text(Json{{"topics", list}}));
}

Response describe_topic(log::Log& log, const std::string& topic) {
  auto infos = log.topics(topic);
  if (!infos.ok()) return to_response(infos.error());
  if (infos->empty()) return error_response(404, "Topic " + topic + " not found");
  auto ranges = log.ranges(topic);
  if (!ranges.ok()) return to_response(ranges.error());
  const auto& info = infos->front();
  Json partitions = Json::array();
  for (const auto& range : *ranges) {
    partitions.push_back(Json{{"partition", range.partition.partition.value()},
                              {"start", range.start.value()},
                              {"end", range.end.value()}});
  }
  Json configs = Json::object();
  for (const auto& [key, value] : info.configs) configs[key] = value;
  return json_response(json_text(Json{{"name", info.name},
                                      {"id", info.id},
                                      {"internal", info.internal},
                                      {"configs", configs},
                                      {"partitions", partitions}}));
}

Response create_topic(log::Log& log, const std::string& topic, const Request& request) {
  auto partitions = number(request, "partitions", -1, INT32_MAX);
  if (!partitions.ok()) return to_response(partitions.error());
  auto configs = parse_config(request.body);
  if (!configs.ok()) return to_response(configs.error());
  log::TopicSpec spec{
      topic, static_cast<int32_t>(*partitions), -1, {configs->begin(), configs->end()}};
  auto made = log.create_topic(spec);
  if (!made.ok()) return to_response(made.error());
  Json answer{{"name", made->name}, {"id", made->id}, {"partitions", made->partitions}};
  return json_response(json_text(answer), 201);
}

Response delete_topic(log::Log& log, const std::string& topic) {
  auto gone = log.delete_topic(topic);
  if (!gone.ok()) return to_response(gone.error());
  Response response;
  response.status = 204;
  response.content_type.clear();
  return response;
}

Response read_records(log::Log& log, const std::string& topic, const Request& request) {
  auto partition_number = number(request, "partition", 0, INT32_MAX);
  if (!partition_number.ok()) return to_response(partition_number.error());
  auto offset = number(request, "offset", 0, INT64_MAX);
  if (!offset.ok()) return to_response(offset.error());
  auto limit = number(request, "limit", 100, kLimitMax);
  if (!limit.ok()) return to_response(limit.error());
  auto wait_ms = number(request, "wait_ms", 0, kWaitMaxMs);
  if (!wait_ms.ok()) return to_response(wait_ms.error());

  TopicPartitionName partition{topic, PartitionId(static_cast<int32_t>(*partition_number))};
  Offset from(*offset);
  auto fetched = log.read(partition, from, kReadBytes);
  if (fetched.ok() && fetched->batches.empty() && *wait_ms > 0) {
    wait_for_data(log, partition, from, *wait_ms, request.context.deadline);
    fetched = log.read(partition, from, kReadBytes);
  }
  if (!fetched.ok()) {
    if (fetched.error().kind == ErrorKind::kOutOfRange)
      return error_response(400, fetched.error().message);
    return to_response(fetched.error());
  }
  Json records = Json::array();
  auto next = collect(*fetched, from, static_cast<size_t>(*limit), records);
  if (!next.ok()) return to_response(next.error());
  return json_response(json_text(Json{{"records", records}, {"next_offset", next->value()}}));
}

}  // namespace sluice::rest
