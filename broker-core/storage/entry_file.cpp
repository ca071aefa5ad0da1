// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/entry_file.hpp"

#include <algorithm>

#include "broker-core/base/mutant.hpp"

namespace sluice::storage {

void EntryFile::append(ByteView entry) {
  std::lock_guard lock(mutex_);
  unwritten_.insert(unwritten_.end(), entry.begin(), entry.end());
}

uint64_t EntryFile::count() const {
  std::lock_guard lock(mutex_);
  return written_ + unwritten_.size() / entry_size_;
}

size_t EntryFile::unwritten_bytes() const {
  std::lock_guard lock(mutex_);
  return unwritten_.size();
}

Result<Bytes> EntryFile::read(uint64_t first, uint64_t most) const {
  Bytes result;
  uint64_t from_file = 0;
  {
    std::lock_guard lock(mutex_);
    const uint64_t end = std::min(first + most, written_ + unwritten_.size() / entry_size_);
    if (first >= end) return result;
    result.resize((end - first) * entry_size_);
    from_file = std::min(end, std::max(first, written_)) - first;
    if (first + from_file < end) {
      auto from = static_cast<std::ptrdiff_t>((first + from_file - written_) * entry_size_);
      auto to = static_cast<std::ptrdiff_t>((end - written_) * entry_size_);
      std::copy(unwritten_.begin() + from, unwritten_.begin() + to,
                result.begin() + static_cast<std::ptrdiff_t>(from_file * entry_size_));
    }
  }
  if (from_file == 0) return result;
  SLUICE_ASSIGN(auto file, files_.get(path_));
  std::span<std::byte> into(result.data(), from_file * entry_size_);
  SLUICE_ASSIGN(size_t got, file->read_at(first * entry_size_, into));
  if (got < into.size()) {
    return Error{ErrorKind::kCorrupt, path_ + " ends at byte " +
                                          std::to_string(first * entry_size_ + got) +
                                          ", before an entry that must be there"};
  }
  return result;
}

Status EntryFile::flush_locked() {
  if (unwritten_.empty()) return ok();
  SLUICE_ASSIGN(auto file, files_.get_or_create(path_));
  longest_ = std::max(longest_, written_ + unwritten_.size() / entry_size_);
  SLUICE_TRY(file->write_at(written_ * entry_size_, unwritten_));
  written_ += unwritten_.size() / entry_size_;
  unwritten_.clear();
  return ok();
}

Status EntryFile::flush() {
  std::lock_guard lock(mutex_);
  return flush_locked();
}

Status EntryFile::finish() {
  std::lock_guard lock(mutex_);
  SLUICE_TRY(flush_locked());
  if (longest_ > written_) {
    SLUICE_ASSIGN(auto file, files_.get(path_));
    SLUICE_TRY(file->truncate(written_ * entry_size_));
    longest_ = written_;
  }
  return ok();
}

Status EntryFile::sync() {
  {
    std::lock_guard lock(mutex_);
    SLUICE_TRY(flush_locked());
    if (written_ == 0) return ok();
  }
  SLUICE_ASSIGN(auto file, files_.get(path_));
  return file->sync();
}

Status EntryFile::write_back(bool wait) {
  {
    std::lock_guard lock(mutex_);
    SLUICE_TRY(flush_locked());
    if (written_ == 0) return ok();
  }
  SLUICE_ASSIGN(auto file, files_.get(path_));
  return file->write_back(wait);
}

Status EntryFile::clear() {
  std::lock_guard lock(mutex_);
  unwritten_.clear();
  written_ = 0;
  longest_ = 0;
  SLUICE_ASSIGN(auto file, files_.get_or_create(path_));
  SLUICE_ASSIGN(uint64_t left_over, file->size());
  return left_over > 0 ? file->truncate(0) : ok();
}

Status EntryFile::cut_to_count() {
  std::lock_guard lock(mutex_);
  const uint64_t wanted = written_ * entry_size_;
  auto file = files_.get(path_);
  if (!file.ok() && file.error().kind == ErrorKind::kNotFound && wanted == 0) return ok();
  if (!file.ok() && file.error().kind != ErrorKind::kNotFound) return std::move(file).error();
  uint64_t size = 0;
  if (file.ok()) {
    SLUICE_ASSIGN(size, (*file)->size());
  }
  if (size < wanted) {
    return Error{ErrorKind::kCorrupt, path_ + " has " + std::to_string(size) + " bytes, " +
                                          std::to_string(wanted) + " were synced"};
  }
  if (size > wanted && !SLUICE_MUTANT("storage.sidecar_tail_not_cut"))
    return (*file)->truncate(wanted);
  return ok();
}

void EntryFile::rewind(uint64_t count) {
  std::lock_guard lock(mutex_);
  if (count >= written_) {
    unwritten_.resize(std::min<uint64_t>(unwritten_.size(), (count - written_) * entry_size_));
  } else {
    longest_ = std::max(longest_, written_);
    written_ = count;
    unwritten_.clear();
  }
}

}  // namespace sluice::storage
