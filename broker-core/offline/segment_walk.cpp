// SPDX-License-Identifier: Apache-2.0
#include "broker-core/offline/segment_walk.hpp"

#include <algorithm>

#include "broker-core/storage/file_window.hpp"

namespace sluice::offline {
namespace {

constexpr uint64_t kWindow = 4 << 20;
constexpr uint64_t kBatchMax = 256
                               << 20;  // a length beyond it is damage, not a reason to read so much
constexpr size_t kMagicAt = 16;        // in a batch

// The good batch at `at`, or what is wrong there.
Result<Piece> batch_at(storage::FileWindow& window, uint64_t at, uint64_t limit) {
  Piece piece{at, 0, {}, {}, ""};
  SLUICE_ASSIGN(ByteView head, window.view(at, model::kBatchHeaderSize));
  auto header = model::read_batch_header(head, false);
  if (!header.ok()) {
    piece.wrong = header.error().message;
    return piece;
  }
  if (header->size() > limit - at || header->size() > kBatchMax) {
    piece.wrong = "record batch: its length of " + std::to_string(header->size()) +
                  " bytes goes beyond the end of the segment";
    return piece;
  }
  SLUICE_ASSIGN(ByteView whole, window.view(at, header->size()));
  whole = whole.first(std::min<size_t>(whole.size(), header->size()));
  if (auto crc = model::verify_batch_crc(whole); !crc.ok()) {
    piece.wrong = crc.error().message;
    return piece;
  }
  piece.size = header->size();
  piece.header = *header;
  piece.bytes = whole;
  return piece;
}

// The next place behind `at` with a whole batch, or the limit.
Result<uint64_t> next_batch(storage::FileWindow& window, uint64_t at, uint64_t limit) {
  for (++at; at + model::kBatchHeaderSize <= limit; ++at) {
    SLUICE_ASSIGN(ByteView rest, window.view(at, model::kBatchHeaderSize));
    size_t skip = 0;
    while (
        skip + model::kBatchHeaderSize <= rest.size() &&
        (rest[skip + kMagicAt] != std::byte{2} || (rest[skip] & std::byte{0xc0}) != std::byte{})) {
      ++skip;
    }
    at += skip;
    if (skip + model::kBatchHeaderSize > rest.size()) {
      --at;  // looked at up to here; on with a new window
      continue;
    }
    SLUICE_ASSIGN(auto piece, batch_at(window, at, limit));
    if (piece.header) return at;
  }
  return limit;
}

}  // namespace

Status walk_segment(Disk& disk, const std::string& path, uint64_t limit,
                    const std::function<Status(const Piece&)>& each) {
  SLUICE_ASSIGN(auto file, disk.open(path, OpenMode::kRead));
  SLUICE_ASSIGN(const uint64_t size, file->size());
  limit = std::min(limit, size);
  storage::FileWindow window(*file, limit, kWindow);
  for (uint64_t at = 0; at < limit;) {
    SLUICE_ASSIGN(auto piece, batch_at(window, at, limit));
    if (!piece.header) {
      SLUICE_ASSIGN(const uint64_t next, next_batch(window, at, limit));
      piece.size = next - at;
    }
    SLUICE_TRY(each(piece));
    at += piece.size;
  }
  return ok();
}

}  // namespace sluice::offline
