// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/references.hpp"

#include "broker-core/base/crc32c.hpp"
#include "broker-core/storage/codec.hpp"
#include "broker-core/storage/paths.hpp"

namespace sluice::storage {

Bytes encode_pieces(std::span<const SegmentPiece> pieces) {
  Bytes bytes(pieces.size() * kPieceSize);
  std::byte* at = bytes.data();
  for (const auto& piece : pieces) {
    put_le(at, piece.segment.value());
    put_le(at + 8, piece.position);
    put_le(at + 16, piece.size);
    put_le(at + 24, piece.crc);
    put_le(at + 28, uint32_t{0});
    at += kPieceSize;
  }
  return bytes;
}

std::optional<std::vector<SegmentPiece>> decode_pieces(ByteView bytes) {
  if (bytes.empty() || bytes.size() % kPieceSize != 0) return std::nullopt;
  std::vector<SegmentPiece> pieces;
  for (; !bytes.empty(); bytes = bytes.subspan(kPieceSize)) {
    pieces.push_back({Offset(get_le<int64_t>(bytes.data())), get_le<uint64_t>(bytes.data() + 8),
                      get_le<uint64_t>(bytes.data() + 16), get_le<uint32_t>(bytes.data() + 24)});
  }
  return pieces;
}

Result<std::optional<std::string>> References::path_of(const TopicPartition& partition,
                                                       const SegmentPiece& piece) {
  if (!folders_) {
    const std::string topics = topics_folder(directory_);
    SLUICE_ASSIGN(auto names, disk_.list(topics));
    folders_.emplace();
    for (const auto& name : names) {
      if (auto id = parse_partition_folder(name)) folders_->emplace(*id, topics + "/" + name);
    }
  }
  auto folder = folders_->find(partition);
  if (folder == folders_->end()) return std::optional<std::string>();
  return std::optional<std::string>(
      folder->second + "/" + numbered_name(static_cast<uint64_t>(piece.segment.value()), ".log"));
}

// The text says what is wrong; empty if nothing is.
Result<std::string> References::read(FrameEntry& entry, Bytes& into) {
  auto pieces = decode_pieces(entry.data);
  if (!pieces)
    return std::string("the commit log refers to a segment in a way that makes no sense");
  entry.pieces = std::move(*pieces);
  for (const auto& piece : entry.pieces) {
    SLUICE_ASSIGN(auto path, path_of(entry.partition, piece));
    if (!path) return std::string("the partition's folder is gone");
    const std::string where = *path + ", byte " + std::to_string(piece.position) + ": ";
    auto file = disk_.open(*path, OpenMode::kRead);
    if (!file.ok() && file.error().kind == ErrorKind::kNotFound)
      return where + "the file is gone, the commit log refers to it";
    if (!file.ok()) return std::move(file).error();
    SLUICE_ASSIGN(uint64_t size, (*file)->size());
    if (piece.position > size || piece.size > size - piece.position) {
      return where + "the segment is cut, the commit log refers to " + std::to_string(piece.size) +
             " bytes from there";
    }
    const size_t begin = into.size();
    into.resize(begin + piece.size);
    std::span<std::byte> bytes(into.data() + begin, piece.size);
    SLUICE_ASSIGN(size_t got, (*file)->read_at(piece.position, bytes));
    if (got < piece.size || crc32c(bytes) != piece.crc) {
      return where + std::to_string(piece.size) +
             " bytes are not those that the commit log refers to";
    }
  }
  return std::string();
}

Status References::resolve(Frame& frame) {
  bytes_.clear();
  for (auto& entry : frame.entries) {
    if (!entry.by_reference) continue;
    bytes_.emplace_back();
    SLUICE_ASSIGN(entry.damage, read(entry, bytes_.back()));
    entry.data = entry.damage.empty() ? ByteView(bytes_.back()) : ByteView();
  }
  return ok();
}

}  // namespace sluice::storage
