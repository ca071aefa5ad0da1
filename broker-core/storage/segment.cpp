// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/segment.hpp"

#include <utility>

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/mutant.hpp"
#include "broker-core/storage/codec.hpp"
#include "broker-core/storage/paths.hpp"

namespace sluice::storage {
namespace {

constexpr size_t kFlushEntries = 64 * 1024;  // bytes of entries that may wait in memory

// A sync that failed leaves open what is on disk.
Status sync_error(Status status) {
  if (status.ok() || status.error().kind == ErrorKind::kNotFound) return status;
  return Error{ErrorKind::kFatal, status.error().message};
}

}  // namespace

Status list_batches(ByteView data, std::vector<BatchRef>& into) {
  while (!data.empty()) {
    SLUICE_ASSIGN(auto header, model::read_batch_header(data));
    into.push_back({data.first(header.size()), header.base_offset, header.last_offset(),
                    header.leader_epoch, header.crc, header.max_timestamp});
    data = data.subspan(header.size());
  }
  return ok();
}

Segment::Segment(FileCache& cache, const std::string& folder, Offset first,
                 const SegmentState& known, const std::string& suffix)
    : files(cache),
      base(first),
      stem(folder + "/" + numbered_name(static_cast<uint64_t>(first.value()), "")),
      log_path(stem + ".log" + suffix),
      checks(cache, stem + ".check" + suffix, kCheckEntrySize, known.checks),
      indexes(cache, stem + ".index" + suffix, kIndexEntrySize, known.indexes),
      times(cache, stem + ".timeindex" + suffix, kTimeEntrySize, known.times),
      state(known),
      visible{known.size, known.checks, known.next_offset, known.max_timestamp} {}

Status Segment::write(const TopicPartition& partition, std::span<const BatchRef> batches,
                      uint64_t index_interval) {
  if (batches.empty()) return ok();
  std::vector<ByteView> parts;
  for (const auto& batch : batches) {
    if (!parts.empty() && parts.back().data() + parts.back().size() == batch.bytes.data()) {
      parts.back() = {parts.back().data(), parts.back().size() + batch.bytes.size()};
    } else {
      parts.push_back(batch.bytes);
    }
  }
  SLUICE_ASSIGN(auto file, files.get_or_create(log_path));
  const bool longer = std::exchange(longer_, true);
  SLUICE_TRY(file->write_at(state.size, parts));
  longer_ = longer;
  SLUICE_CRASH_POINT("storage.after_segment_write");
  Bytes entries(batches.size() * kCheckEntrySize);
  std::byte* to = entries.data();
  for (const auto& batch : batches) {
    const auto position = static_cast<uint32_t>(state.size);
    encode_check(
        to, {static_cast<uint32_t>(batch.base - base), static_cast<uint32_t>(batch.last - base),
             position,
             check_sum(partition, batch.base, batch.last, position,
                       static_cast<uint32_t>(batch.bytes.size()), batch.epoch, batch.crc)});
    to += kCheckEntrySize;
    if (state.size == 0) state.first_timestamp = batch.max_timestamp;
    if (batch.max_timestamp > state.max_timestamp) {
      state.max_timestamp = batch.max_timestamp;
      state.max_timestamp_offset = batch.last;
    }
    index(batch, state.size, index_interval);
    state.size += batch.bytes.size();
    state.next_offset = batch.last + 1;
  }
  checks.append(entries);
  state.checks += batches.size();
  dirty = true;
  if (checks.unwritten_bytes() >= kFlushEntries) return checks.flush();
  return ok();
}

// As Kafka's LogSegment.append: an entry at most every `interval` bytes, before the batch is
// counted.
void Segment::index(const BatchRef& batch, uint64_t position, uint64_t interval) {
  if (state.since_index > interval) {
    std::byte entry[kIndexEntrySize];
    put_be32(entry, static_cast<uint32_t>(batch.last - base));
    put_be32(entry + 4, static_cast<uint32_t>(position));
    indexes.append(entry);
    ++state.indexes;
    std::byte time[kTimeEntrySize];
    put_be64(time, static_cast<uint64_t>(state.max_timestamp));
    put_be32(time + 8, static_cast<uint32_t>(state.max_timestamp_offset - base));
    times.append(time);
    ++state.times;
    state.since_index = 0;
  }
  state.since_index += batch.bytes.size();
}

void Segment::rewind(const SegmentState& earlier) {
  const bool shrink = longer_ || state.size != earlier.size;
  state = earlier;
  checks.rewind(state.checks);
  indexes.rewind(state.indexes);
  times.rewind(state.times);
  if (!shrink) return;
  // If this fails the bytes stay for now: behind the end they are never read, and close() cuts
  // them.
  auto file = files.get_or_create(log_path);
  longer_ = !file.ok() || !(*file)->truncate(state.size).ok();
}

Status Segment::clear_files() {
  SLUICE_ASSIGN(auto file, files.get_or_create(log_path));
  SLUICE_TRY(file->truncate(0));
  SLUICE_TRY(checks.clear());
  SLUICE_TRY(indexes.clear());
  return times.clear();
}

Status Segment::close() {
  if (state.max_timestamp >= 0) {
    std::byte time[kTimeEntrySize];
    put_be64(time, static_cast<uint64_t>(state.max_timestamp));
    put_be32(time + 8, static_cast<uint32_t>(state.max_timestamp_offset - base));
    times.append(time);
    ++state.times;
  }
  SLUICE_TRY(checks.finish());
  SLUICE_TRY(indexes.finish());
  SLUICE_TRY(times.finish());
  SLUICE_TRY(cut_tail());
  dirty = true;
  return ok();
}

Status Segment::cut_tail() {
  if (!longer_ || SLUICE_MUTANT("storage.segment_tail_not_cut")) return ok();
  SLUICE_ASSIGN(auto file, files.get(log_path));
  SLUICE_TRY(file->truncate(state.size));
  longer_ = false;
  return ok();
}

Status Segment::flush() {
  SLUICE_TRY(checks.flush());
  SLUICE_TRY(indexes.flush());
  return times.flush();
}

Status Segment::sync() {
  return sync_error([&]() -> Status {
    SLUICE_ASSIGN(auto file, files.get(log_path));
    SLUICE_TRY(file->sync());
    SLUICE_CRASH_POINT("storage.segment_synced");
    SLUICE_TRY(checks.sync());
    SLUICE_TRY(indexes.sync());
    return times.sync();
  }());
}

Status Segment::write_back(bool wait) {
  return sync_error([&]() -> Status {
    SLUICE_ASSIGN(auto file, files.get(log_path));
    SLUICE_TRY(file->write_back(wait));
    SLUICE_TRY(checks.write_back(wait));
    SLUICE_TRY(indexes.write_back(wait));
    return times.write_back(wait);
  }());
}

Result<std::vector<CheckEntry>> Segment::entries(uint64_t first, uint64_t most) const {
  SLUICE_ASSIGN(Bytes bytes, checks.read(first, most));
  std::vector<CheckEntry> result(bytes.size() / kCheckEntrySize);
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = decode_check(bytes.data() + i * kCheckEntrySize);
  return result;
}

Result<uint64_t> Segment::find(Offset offset, uint64_t count) const {
  constexpr uint64_t kBlock = 64;  // the last steps are taken in one block
  uint64_t low = 0;
  uint64_t high = count;
  while (high - low > kBlock) {
    const uint64_t middle = low + (high - low) / 2;
    SLUICE_ASSIGN(auto entry, entries(middle, 1));
    if (entry.empty())
      return Error{ErrorKind::kCorrupt, checks.path() + " is shorter than it must be"};
    if (base + entry[0].relative_last < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  SLUICE_ASSIGN(auto block, entries(low, high - low));
  for (const auto& entry : block) {
    if (base + entry.relative_last >= offset) return low;
    ++low;
  }
  return low;
}

}  // namespace sluice::storage
