// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/log_dump.hpp"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "broker-core/offline/commit_salvage.hpp"
#include "broker-core/offline/metadata_check.hpp"
#include "broker-core/offline/segment_walk.hpp"
#include "broker-core/storage/paths.hpp"
#include "broker-core/storage/references.hpp"
#include "broker-core/storage/segment.hpp"
#include "runtime/json/json.hpp"

namespace sluice::cli {
namespace {

const char* name_of(model::Compression codec) {
  switch (codec) {
    case model::Compression::kNone:
      return "none";
    case model::Compression::kGzip:
      return "gzip";
    case model::Compression::kSnappy:
      return "snappy";
    case model::Compression::kLz4:
      return "lz4";
    case model::Compression::kZstd:
      return "zstd";
  }
  return "unknown";
}

// UTF-8 as it is, other bytes as \xNN, so that a record is one line.
std::string printable(ByteView bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (std::byte b : bytes) {
    const auto c = static_cast<unsigned char>(b);
    if (c >= 0x20 && c != 0x7f) {
      text += static_cast<char>(c);
    } else {
      text += std::string("\\x") + kHex[c >> 4] + kHex[c & 15];
    }
  }
  return text;
}

Json side(const std::optional<ByteView>& bytes) {
  return bytes ? Json(printable(*bytes)) : Json(nullptr);
}

class Dumper {
 public:
  Dumper(Options& options, const std::string& directory, const DumpArguments& arguments)
      : options_(options), directory_(directory), arguments_(arguments) {}

  Status run() {
    SLUICE_ASSIGN(metadata_, offline::check_metadata(disk_, directory_));
    if (arguments_.metadata) return metadata();
    if (arguments_.checkpoint) return checkpoint();
    if (arguments_.commit) return commit();
    SLUICE_ASSIGN(auto names, disk_.list(storage::topics_folder(directory_)));
    bool any = false;
    for (const auto& name : names) {
      auto partition = storage::parse_partition_folder(name);
      if (!partition || !wanted(*partition)) continue;
      any = true;
      SLUICE_TRY(segments(*partition, storage::topics_folder(directory_) + "/" + name));
    }
    if (!any) {
      std::cerr << "No partition with records"
                << (arguments_.topic.empty() ? "" : " of topic " + arguments_.topic) << ".\n";
      options_.exit_code = kExitNotFound;
    }
    return ok();
  }

 private:
  // "key: value key: value", as kafka-dump-log prints, or one JSON object.
  void line(const Json& object) {
    if (options_.json()) {
      std::cout << json_text(object) << "\n";
      return;
    }
    std::string text;
    for (const auto& [key, value] : object.items()) {
      if (!text.empty()) text += ' ';
      text += key + ": " + (value.is_string() ? value.get<std::string>() : json_text(value));
    }
    std::cout << text << "\n";
  }

  std::string name_of_topic(const TopicId& id) const {
    auto found = metadata_.topics.find(id);
    return found == metadata_.topics.end() ? id.to_string() : found->second.name;
  }
  bool wanted(const TopicPartition& partition) const {
    return (arguments_.topic.empty() || name_of_topic(partition.topic) == arguments_.topic) &&
           (arguments_.partition < 0 || partition.partition.value() == arguments_.partition);
  }

  void batch(const TopicPartition& partition, const model::BatchHeader& header, ByteView bytes,
             uint64_t position) {
    line(Json{{"topic", name_of_topic(partition.topic)},
              {"partition", partition.partition.value()},
              {"baseOffset", header.base_offset.value()},
              {"lastOffset", header.last_offset().value()},
              {"count", header.record_count},
              {"baseSequence", header.base_sequence},
              {"producerId", header.producer_id.value()},
              {"producerEpoch", header.producer_epoch},
              {"partitionLeaderEpoch", header.leader_epoch.value()},
              {"isTransactional", header.transactional()},
              {"isControl", header.control()},
              {"position", position},
              {header.log_append_time() ? "LogAppendTime" : "CreateTime", header.max_timestamp},
              {"size", header.size()},
              {"compresscodec", name_of(header.compression())},
              {"crc", header.crc},
              {"isvalid", true}});
    if (arguments_.records) records(header, bytes);
  }

  void records(const model::BatchHeader& header, ByteView bytes) {
    auto reader = model::RecordReader::open(bytes);
    model::RecordView record;
    while (reader.ok()) {
      auto more = reader->next(record);
      if (!more.ok())
        return wrong(Json{{"baseOffset", header.base_offset.value()}}, more.error().message);
      if (!*more) return;
      if (record.offset.value() < arguments_.from) continue;
      Json headers = Json::array();
      for (const auto& one : record.headers) {
        headers.push_back(Json{{"key", std::string(one.key)}, {"value", side(one.value)}});
      }
      line(Json{{"offset", record.offset.value()},
                {"timestamp", record.timestamp},
                {"key", side(record.key)},
                {"value", side(record.value)},
                {"headers", headers}});
    }
    wrong(Json{{"baseOffset", header.base_offset.value()}}, reader.error().message);
  }

  void wrong(Json object, const std::string& text) {
    object["isvalid"] = false;
    object["damage"] = text;
    line(object);
    options_.exit_code = kExitFailed;
  }

  Status segments(const TopicPartition& partition, const std::string& folder) {
    SLUICE_ASSIGN(auto names, disk_.list(folder));
    std::vector<uint64_t> bases;
    for (const auto& name : names) {
      if (auto base = storage::parse_numbered(name, ".log")) bases.push_back(*base);
    }
    for (size_t i = 0; i < bases.size(); ++i) {
      if (i + 1 < bases.size() && static_cast<int64_t>(bases[i + 1]) <= arguments_.from) continue;
      const std::string path = folder + "/" + storage::numbered_name(bases[i], ".log");
      if (!options_.json()) std::cout << "Dumping " << path << "\n";
      SLUICE_TRY(offline::walk_segment(
          disk_, path, UINT64_MAX, [&](const offline::Piece& piece) -> Status {
            if (!piece.header) {
              wrong(Json{{"topic", name_of_topic(partition.topic)},
                         {"partition", partition.partition.value()},
                         {"file", path},
                         {"position", piece.position},
                         {"size", piece.size}},
                    piece.wrong);
            } else if (piece.header->last_offset().value() >= arguments_.from) {
              batch(partition, *piece.header, piece.bytes, piece.position);
            }
            return ok();
          }));
    }
    return ok();
  }

  // Of a large append, whose batches stand in the segment.
  void reference(const storage::FrameEntry& entry) {
    for (const auto& piece : storage::decode_pieces(entry.data).value_or(std::vector<storage::SegmentPiece>())) {
      line(Json{{"topic", name_of_topic(entry.partition.topic)},
                {"partition", entry.partition.partition.value()},
                {"offset", entry.base_offset.value()},
                {"segment", piece.segment.value()},
                {"position", piece.position},
                {"size", piece.size},
                {"crc", piece.crc}});
    }
  }

  Status commit() {
    uint64_t next = 0;
    return offline::salvage_commit_log(
        disk_, directory_, 0, next, [&](const offline::FramePlace& place) -> Status {
          const auto& frame = *place.frame;
          if (next != 0 && frame.header.sequence != next && seen_) {
            wrong(Json{{"file", place.file},
                       {"position", place.byte},
                       {"sequence", frame.header.sequence}},
                  "the frames before it, from " + std::to_string(next) + " on, are missing");
          }
          seen_ = true;
          line(Json{{"file", place.file},
                    {"position", place.byte},
                    {"sequence", frame.header.sequence},
                    {"synced", frame.header.synced},
                    {"size", frame.header.length},
                    {"entries", frame.header.count},
                    {"crc", frame.header.crc}});
          for (const auto& entry : frame.entries) {
            if (entry.by_reference) {
              if (wanted(entry.partition)) reference(entry);
              continue;
            }
            std::vector<storage::BatchRef> batches;
            SLUICE_TRY(storage::list_batches(entry.data, batches));
            for (const auto& one : batches) {
              auto header = model::read_batch_header(one.bytes);
              const auto at = place.byte + static_cast<uint64_t>(one.bytes.data() - place.start);
              if (header.ok() && wanted(entry.partition))
                batch(entry.partition, *header, one.bytes, at);
            }
          }
          return ok();
        });
  }

  Status metadata() {
    for (const auto& [id, topic] : metadata_.topics) {
      Json configs = Json::object();
      for (const auto& [key, value] : topic.configs) configs[key] = value;
      line(Json{{"topic", topic.name},
                {"id", id.to_string()},
                {"partitions", topic.partitions},
                {"configs", configs}});
    }
    for (const auto& finding : metadata_.findings) {
      if (finding.damage)
        wrong(Json{{"file", finding.file}, {"position", finding.byte}}, finding.text);
    }
    return ok();
  }

  Status checkpoint() {
    SLUICE_ASSIGN(auto read, storage::read_checkpoint(disk_, directory_));
    if (!read)
      return Error{ErrorKind::kNotFound, storage::checkpoint_path(directory_) + " does not exist"};
    line(Json{{"clean", read->clean},
              {"replaySequence", read->replay.sequence},
              {"replayFile", read->replay.file},
              {"replayByte", read->replay.byte},
              {"partitions", read->partitions.size()}});
    for (const auto& known : read->partitions) {
      if (!wanted(known.partition)) continue;
      line(Json{{"topic", name_of_topic(known.partition.topic)},
                {"partition", known.partition.partition.value()},
                {"logStart", known.log_start.value()},
                {"nextOffset", known.active.next_offset.value()},
                {"cleanTo", known.clean_to.value()},
                {"holesTo", known.holes_to.value()},
                {"activeSegment", known.active_base.value()},
                {"activeBytes", known.active.size},
                {"closedSegments", known.closed_segments},
                {"closedBytes", known.closed_bytes},
                {"lost", known.lost}});
    }
    return ok();
  }

  Options& options_;
  const std::string& directory_;
  const DumpArguments& arguments_;
  Disk& disk_ = posix_disk();
  offline::MetadataCheck metadata_;
  bool seen_ = false;
};

}  // namespace

Status dump_directory(Options& options, const std::string& directory,
                      const DumpArguments& arguments) {
  return Dumper(options, directory, arguments).run();
}

}  // namespace sluice::cli
