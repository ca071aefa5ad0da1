// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "broker-core/storage/codec.hpp"
#include "broker-core/storage/segment.hpp"

// The two indexes in Kafka's formats. They only save reading: what they say is checked against the
// batches, and they are made anew when it does not hold.
namespace sluice::storage {
namespace {

constexpr uint64_t kEntriesAtOnce = 1024;

}  // namespace

Result<model::BatchHeader> Segment::header_at(const CheckEntry& entry) const {
  std::byte bytes[model::kBatchHeaderSize];
  SLUICE_ASSIGN(auto file, files.get(log_path));
  SLUICE_ASSIGN(size_t got, file->read_at(entry.position, bytes));
  auto header = model::read_batch_header({bytes, got}, false);
  if (!header.ok() || header->base_offset != base + entry.relative_base) {
    return Error{ErrorKind::kCorrupt,
                 log_path + ", byte " + std::to_string(entry.position) + ", offset " +
                     std::to_string((base + entry.relative_base).value()) + ": " +
                     (header.ok() ? "another batch is there" : header.error().message)};
  }
  return header;
}

Status Segment::check_header(const TopicPartition& partition, const CheckEntry& entry) const {
  SLUICE_ASSIGN(auto header, header_at(entry));
  const uint32_t sum =
      check_sum(partition, header.base_offset, header.last_offset(), entry.position,
                static_cast<uint32_t>(header.size()), header.leader_epoch, header.crc);
  if (sum == entry.checksum && header.last_offset() == base + entry.relative_last) return ok();
  return Error{ErrorKind::kCorrupt, log_path + ", byte " + std::to_string(entry.position) +
                                        ", offset " + std::to_string(header.base_offset.value()) +
                                        ": the batch does not agree with the sidecar"};
}

Result<std::optional<Segment::TimeEntry>> Segment::time_entry(uint64_t number) const {
  SLUICE_ASSIGN(Bytes bytes, times.read(number, 1));
  if (bytes.empty()) return std::optional<TimeEntry>();
  return std::optional<TimeEntry>(
      TimeEntry{static_cast<int64_t>(get_be64(bytes.data())), base + get_be32(bytes.data() + 8)});
}

// Is there a batch that ends at the entry's offset and has its timestamp?
Result<bool> Segment::agrees(const TimeEntry& entry) const {
  const uint64_t count = checks.count();
  SLUICE_ASSIGN(uint64_t number, find(entry.offset, count));
  if (number >= count) return false;
  SLUICE_ASSIGN(auto found, entries(number, 1));
  if (found.empty() || base + found[0].relative_last != entry.offset) return false;
  SLUICE_ASSIGN(auto header, header_at(found[0]));
  return header.max_timestamp == entry.timestamp;
}

// Do both indexes reach to the end of the (closed) segment? A cut one would hide the newest
// timestamps.
Result<bool> Segment::indexed_to_end(uint64_t interval) const {
  const uint64_t batches = checks.count();
  const uint64_t count = indexes.count();
  if (batches == 0 || times.count() != count + 1) return false;
  SLUICE_ASSIGN(auto last, entries(batches - 1, 1));
  uint64_t position = 0;
  if (count > 0) {
    SLUICE_ASSIGN(Bytes bytes, indexes.read(count - 1, 1));
    position = get_be32(bytes.data() + 4);
  }
  return position <= last[0].position && last[0].position - position <= interval;
}

Result<int64_t> Segment::first_timestamp() const {
  SLUICE_ASSIGN(auto first, entries(0, 1));
  if (first.empty()) return kUnknown;
  SLUICE_ASSIGN(auto header, header_at(first[0]));
  return header.max_timestamp;
}

Result<int64_t> Segment::find_max_timestamp(uint64_t interval) {
  std::lock_guard lock(rebuild_mutex_);
  for (int attempt = 0;; ++attempt) {
    const uint64_t count = times.count();
    SLUICE_ASSIGN(bool whole, indexed_to_end(interval));
    if (count > 0 && (whole || attempt > 0)) {
      SLUICE_ASSIGN(auto entry, time_entry(count - 1));
      SLUICE_ASSIGN(bool good, agrees(*entry));
      if (good) return entry->timestamp;
    }
    if (attempt > 0) return int64_t{-1};  // no batch of the segment has a timestamp
    SLUICE_TRY(rebuild(interval));
  }
}

Result<std::optional<Offset>> Segment::find_timestamp(int64_t timestamp, uint64_t count,
                                                      uint64_t interval, bool may_rebuild) {
  uint64_t number = 0;  // of the batch to start from
  for (int attempt = 0; attempt < 2; ++attempt) {
    uint64_t low = 0;
    uint64_t high = times.count();
    while (low < high) {  // the first entry whose timestamp is not below
      const uint64_t middle = low + (high - low) / 2;
      SLUICE_ASSIGN(auto entry, time_entry(middle));
      if (entry && entry->timestamp < timestamp) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == 0) break;
    SLUICE_ASSIGN(auto entry, time_entry(low - 1));
    SLUICE_ASSIGN(bool good, agrees(*entry));
    if (good) {
      SLUICE_ASSIGN(number, find(entry->offset, count));
      break;
    }
    if (!may_rebuild) break;
    if (attempt == 0) SLUICE_TRY(rebuild_indexes(interval));
  }
  while (number < count) {
    SLUICE_ASSIGN(auto block, entries(number, std::min(kEntriesAtOnce, count - number)));
    if (block.empty()) break;
    for (const auto& entry : block) {
      SLUICE_ASSIGN(auto header, header_at(entry));
      if (header.max_timestamp >= timestamp) return std::optional<Offset>(header.base_offset);
    }
    number += block.size();
  }
  return std::optional<Offset>();
}

void Segment::retire() {
  std::lock_guard lock(rebuild_mutex_);
  retired_ = true;
}

bool Segment::retired() const {
  std::lock_guard lock(rebuild_mutex_);
  return retired_;
}

Status Segment::rebuild_indexes(uint64_t interval) {
  std::lock_guard lock(rebuild_mutex_);
  return rebuild(interval);
}

Status Segment::rebuild(uint64_t interval) {
  if (retired_) return Error{ErrorKind::kNotFound, log_path + " is gone"};
  SLUICE_TRY(indexes.clear());
  SLUICE_TRY(times.clear());
  int64_t max_timestamp = -1;
  Offset max_offset = base;
  uint64_t since = 0;
  uint64_t number = 0;
  std::byte time[kTimeEntrySize];
  auto add_time = [&] {
    put_be64(time, static_cast<uint64_t>(max_timestamp));
    put_be32(time + 8, static_cast<uint32_t>(max_offset - base));
    times.append(time);
  };
  for (const uint64_t count = checks.count(); number < count;) {
    SLUICE_ASSIGN(auto block, entries(number, kEntriesAtOnce));
    if (block.empty()) break;
    for (const auto& entry : block) {
      SLUICE_ASSIGN(auto header, header_at(entry));
      if (header.max_timestamp > max_timestamp) {
        max_timestamp = header.max_timestamp;
        max_offset = header.last_offset();
      }
      if (since > interval) {
        std::byte index[kIndexEntrySize];
        put_be32(index, entry.relative_last);
        put_be32(index + 4, entry.position);
        indexes.append(index);
        add_time();
        since = 0;
      }
      since += header.size();
    }
    number += block.size();
  }
  if (max_timestamp >= 0) add_time();
  SLUICE_TRY(indexes.flush());
  return times.flush();
}

}  // namespace sluice::storage
