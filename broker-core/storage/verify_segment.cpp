// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/verify_segment.hpp"

#include <algorithm>

#include "broker-core/model/record_batch.hpp"
#include "broker-core/storage/codec.hpp"
#include "broker-core/storage/paths.hpp"
#include "broker-core/storage/segment.hpp"
#include "broker-core/storage/swap_file.hpp"

namespace sluice::storage {
namespace {

constexpr uint64_t kReadAtOnce = 4 << 20;
constexpr uint64_t kEntryFileMax = uint64_t{1} << 30;

}  // namespace

SegmentCheck::SegmentCheck(Disk& disk, const TopicPartition& partition, const std::string& folder, Offset base,
                           const SegmentState* synced, std::function<void(uint64_t)> progress,
                           std::vector<Finding>& findings)
    : disk_(disk),
      partition_(partition),
      base_(base),
      stem_(folder + "/" + numbered_name(static_cast<uint64_t>(base.value()), "")),
      synced_(synced),
      progress_(std::move(progress)),
      findings_(findings) {}

void SegmentCheck::damage(const std::string& file, uint64_t byte, std::optional<Offset> offset,
                          const std::string& text) {
  findings_.push_back({true, file, byte, offset, text});
}

Result<std::string> SegmentCheck::path_of(const char* extension) {
  const std::string path = stem_ + extension;
  if (!prefer_cleaned_) return path;
  SLUICE_ASSIGN(bool cleaned, disk_.exists(path + kCleaned));
  return cleaned ? path + kCleaned : path;
}

Result<Bytes> SegmentCheck::read_entries(const char* extension, size_t entry_size,
                                         std::optional<uint64_t> synced) {
  SLUICE_ASSIGN(const std::string path, path_of(extension));
  auto bytes = read_file(disk_, path, kEntryFileMax);
  if (!bytes.ok() && bytes.error().kind == ErrorKind::kNotFound) return Bytes();
  if (!bytes.ok()) return bytes;
  const uint64_t wanted = synced ? *synced * entry_size : bytes->size() / entry_size * entry_size;
  if (!synced && bytes->size() != wanted) {
    findings_.push_back({entry_size == kCheckEntrySize, path, wanted, std::nullopt, "the last entry is cut"});
  }
  if (bytes->size() > wanted) bytes->resize(wanted);
  return bytes;
}

void SegmentCheck::check_batch(ByteView bytes, const CheckEntry& entry, uint64_t end) {
  const std::string& path = log_path_;
  const Offset base = base_ + entry.relative_base;
  const Offset last = base_ + entry.relative_last;
  auto header = model::read_batch_header(bytes);
  if (!header.ok()) return damage(path, entry.position, base, header.error().message);
  if (entry.position + header->size() != end) {
    return damage(path, entry.position, base, "the batch's length does not agree with the sidecar");
  }
  const uint32_t sum = check_sum(partition_, header->base_offset, header->last_offset(), entry.position,
                                 static_cast<uint32_t>(header->size()), header->leader_epoch, header->crc);
  if (sum != entry.checksum || header->base_offset != base || header->last_offset() != last) {
    return damage(path, entry.position, base, "the batch does not agree with the sidecar");
  }
  if (auto crc = model::verify_batch_crc(bytes); !crc.ok()) damage(path, entry.position, base, crc.error().message);
}

Result<Offset> SegmentCheck::run() {
  SLUICE_ASSIGN(log_path_, path_of(".log"));
  SLUICE_ASSIGN(check_path_, path_of(".check"));
  const std::string& path = log_path_;
  SLUICE_ASSIGN(auto file, disk_.open(path, OpenMode::kRead));
  SLUICE_ASSIGN(uint64_t size, file->size());
  if (synced_ != nullptr) {
    if (size < synced_->size) {
      damage(path, size, std::nullopt, "cut: " + std::to_string(synced_->size) + " bytes were synced");
    }
    size = std::min(size, synced_->size);
  }
  std::optional<uint64_t> count;
  if (synced_ != nullptr) count = synced_->checks;
  SLUICE_ASSIGN(Bytes raw, read_entries(".check", kCheckEntrySize, count));
  if (count && raw.size() < *count * kCheckEntrySize) damage(check_path_, raw.size(), std::nullopt, "cut");
  for (size_t at = 0; at + kCheckEntrySize <= raw.size(); at += kCheckEntrySize) {
    entries_.push_back(decode_check(raw.data() + at));
  }
  Bytes window;
  uint64_t window_start = 0;
  Offset next = base_;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const CheckEntry& entry = entries_[i];
    const uint64_t end = i + 1 < entries_.size() ? entries_[i + 1].position : size;
    if (entry.position >= end || end > size || base_ + entry.relative_base < next ||
        entry.relative_last < entry.relative_base || (i == 0 && entry.position != 0)) {
      damage(check_path_, i * kCheckEntrySize, base_ + entry.relative_base,
             "this entry does not fit between its neighbours and the segment's " + std::to_string(size) + " bytes");
      progress_(size - std::min<uint64_t>(size, entry.position));
      return base_ + (int64_t{entries_.back().relative_last} + 1);
    }
    if (entry.position < window_start || end > window_start + window.size()) {
      window_start = entry.position;
      window.resize(std::min(size - window_start, std::max(kReadAtOnce, end - entry.position)));
      SLUICE_ASSIGN(size_t got, file->read_at(window_start, window));
      window.resize(got);
      progress_(got);
    }
    const ByteView rest = ByteView(window).subspan(entry.position - window_start);
    check_batch(rest.first(std::min<uint64_t>(end - entry.position, rest.size())), entry, end);
    next = base_ + (int64_t{entry.relative_last} + 1);
  }
  if (entries_.empty() && size > 0) damage(check_path_, 0, base_, "the sidecar is missing or empty");
  SLUICE_TRY(check_indexes());
  return next;
}

// Indexes are made anew when they are needed, so what is wrong with them is a remark.
Status SegmentCheck::check_indexes() {
  auto remark = [&](const std::string& file, uint64_t byte, const std::string& text) {
    findings_.push_back({false, file, byte, std::nullopt, text + "; it is rebuilt when it is needed"});
  };
  std::optional<uint64_t> synced;
  if (synced_ != nullptr) synced = synced_->indexes;
  SLUICE_ASSIGN(Bytes index, read_entries(".index", kIndexEntrySize, synced));
  auto entry = entries_.begin();
  for (size_t at = 0; at + kIndexEntrySize <= index.size(); at += kIndexEntrySize) {
    const uint32_t relative = get_be32(index.data() + at);
    const uint32_t position = get_be32(index.data() + at + 4);
    entry = std::find_if(entry, entries_.end(), [&](const CheckEntry& e) { return e.relative_last >= relative; });
    if (entry == entries_.end() || entry->relative_last != relative || entry->position != position) {
      remark(stem_ + ".index", at, "the offset index does not agree with the batches");
      break;
    }
  }
  if (synced_ != nullptr) synced = synced_->times;
  SLUICE_ASSIGN(Bytes times, read_entries(".timeindex", kTimeEntrySize, synced));
  int64_t before = INT64_MIN;
  for (size_t at = 0; at + kTimeEntrySize <= times.size(); at += kTimeEntrySize) {
    const auto timestamp = static_cast<int64_t>(get_be64(times.data() + at));
    if (timestamp < before) {
      remark(stem_ + ".timeindex", at, "the time index goes backwards");
      break;
    }
    before = timestamp;
  }
  return ok();
}

}  // namespace sluice::storage
