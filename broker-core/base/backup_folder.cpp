// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/backup_folder.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/crc32c.hpp"

namespace sluice {
namespace {

constexpr size_t kPiece = 1 << 20;
constexpr uint64_t kManifestMax = 256u << 20;
constexpr std::string_view kFirstLine = "sluice-backup 1";

std::string hex(uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

template <class T>
bool number(std::string_view text, T& value, int base = 10) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

// Takes what stands before the next space.
std::string_view word(std::string_view& line) {
  const size_t space = std::min(line.find(' '), line.size());
  auto taken = line.substr(0, space);
  line.remove_prefix(std::min(space + 1, line.size()));
  return taken;
}

// A path that stays below the folder it is in.
bool is_inside(std::string_view path) {
  if (path.empty() || path.front() == '/') return false;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    if (path.substr(0, slash) == "..") return false;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return true;
}

bool parse_line(std::string_view line, BackupManifest& manifest) {
  const auto kind = word(line);
  if (kind == "cluster") {
    manifest.cluster_id = line;
    return true;
  }
  if (kind == "created") return number(line, manifest.created_ms);
  if (kind != "file") return false;
  BackupFile file;
  if (!number(word(line), file.size) || !number(word(line), file.crc, 16) || !is_inside(line)) {
    return false;
  }
  file.path = line;
  manifest.files.push_back(std::move(file));
  return true;
}

}  // namespace

Bytes encode_manifest(const BackupManifest& manifest) {
  std::string text = std::string(kFirstLine) + "\ncluster " + manifest.cluster_id + "\ncreated " +
                     std::to_string(manifest.created_ms) + "\n";
  for (const auto& file : manifest.files) {
    text += "file " + std::to_string(file.size) + " " + hex(file.crc) + " " + file.path + "\n";
  }
  return to_bytes(text + "end " + hex(crc32c(as_bytes(text))) + "\n");
}

Result<BackupManifest> read_manifest(Disk& disk, const std::string& directory) {
  SLUICE_ASSIGN(const bool unfinished, disk.exists(directory + "/" + kUnfinishedCopy));
  if (unfinished) {
    return Error{ErrorKind::kNotFound,
                 directory + " is no finished backup: it has " + kUnfinishedCopy};
  }
  const std::string path = directory + "/" + kBackupManifest;
  auto bytes = read_file(disk, path, kManifestMax);
  if (!bytes.ok() && bytes.error().kind == ErrorKind::kNotFound) {
    return Error{ErrorKind::kNotFound,
                 directory + " is no finished backup: it has no " + kBackupManifest};
  }
  if (!bytes.ok()) return std::move(bytes).error();
  const Error damaged{ErrorKind::kCorrupt, path + ": the list of the backup's files is damaged"};
  std::string_view text = as_text(*bytes);
  const size_t end = text.rfind("end ");
  if (end == std::string_view::npos ||
      text.substr(end) != "end " + hex(crc32c(as_bytes(text.substr(0, end)))) + "\n") {
    return damaged;
  }
  text = text.substr(0, end);
  BackupManifest manifest;
  for (bool first = true; !text.empty(); first = false) {
    const size_t line_end = text.find('\n');
    if (line_end == std::string_view::npos) return damaged;
    const auto line = text.substr(0, line_end);
    text.remove_prefix(line_end + 1);
    if (first && line != kFirstLine) {
      return Error{ErrorKind::kUnsupported, path + " begins with '" + std::string(line) +
                                                "'; this version reads '" +
                                                std::string(kFirstLine) + "'"};
    }
    if (!first && !parse_line(line, manifest)) return damaged;
  }
  return manifest;
}

Status refuse_unfinished(Disk& disk, const std::string& directory) {
  SLUICE_ASSIGN(const bool unfinished, disk.exists(directory + "/" + kUnfinishedCopy));
  if (!unfinished) return ok();
  return Error{ErrorKind::kInvalid, directory +
                                        " is a backup or restore that was cut short (it has " +
                                        kUnfinishedCopy + "), not all is there; do it again"};
}

BackupFolder::BackupFolder(Disk& disk, const std::string& directory, CopyProgress progress)
    : disk_(disk), directory_(without_slashes(directory)), progress_(std::move(progress)) {}

Status BackupFolder::begin(uint64_t bytes_expected) {
  all_ = bytes_expected;
  auto there = disk_.list(directory_);
  if (there.ok() && !there->empty()) {
    return Error{ErrorKind::kConflict,
                 directory_ + " is not empty; name a folder that does not exist"};
  }
  if (!there.ok() && there.error().kind != ErrorKind::kNotFound) return std::move(there).error();
  SLUICE_ASSIGN(bool left, disk_.exists(partial_));
  if (left) SLUICE_TRY(disk_.remove_all(partial_));
  SLUICE_TRY(create_durably(disk_, parent_of(directory_)));
  SLUICE_TRY(disk_.create_directories(partial_));
  SLUICE_TRY(write_file_atomically(disk_, unfinished_, as_bytes("not all is there\n")));
  SLUICE_CRASH_POINT("copy.begun");
  folders_.insert(partial_);
  return ok();
}

Result<std::unique_ptr<File>> BackupFolder::make(const std::string& relative) {
  const std::string path = partial_ + "/" + relative;
  for (std::string folder = parent_of(path); folder.size() > partial_.size();
       folder = parent_of(folder)) {
    folders_.insert(folder);
  }
  SLUICE_TRY(disk_.create_directories(parent_of(path)));
  return disk_.open(path, OpenMode::kCreate);
}

Status BackupFolder::copy(const std::string& from, const std::string& relative,
                          std::optional<uint64_t> bytes) {
  SLUICE_ASSIGN(auto source, disk_.open(from, OpenMode::kRead));
  SLUICE_ASSIGN(const uint64_t size, source->size());
  const uint64_t wanted = bytes.value_or(size);
  BackupFile file{relative, wanted, 0};
  SLUICE_ASSIGN(auto target, make(relative));
  Bytes piece(std::min<uint64_t>(kPiece, std::max<uint64_t>(wanted, 1)));
  for (uint64_t at = 0; at < wanted;) {
    const std::span<std::byte> into(piece.data(), std::min<uint64_t>(piece.size(), wanted - at));
    SLUICE_ASSIGN(const size_t got, source->read_at(at, into));
    if (got == 0) {
      return Error{ErrorKind::kCorrupt, from + ", byte " + std::to_string(at) +
                                            ": the file ends, " + std::to_string(wanted) +
                                            " bytes were to be copied"};
    }
    const ByteView part(piece.data(), got);
    SLUICE_TRY(target->write_at(at, part));
    SLUICE_CRASH_POINT("copy.piece_written");
    file.crc = crc32c(part, file.crc);
    at += got;
    done_ += got;
    if (progress_ && !progress_(std::min(done_, all_), all_)) {
      return Error{ErrorKind::kShutdown, "stopped before the copy was whole"};
    }
  }
  SLUICE_TRY(target->sync());
  SLUICE_CRASH_POINT("copy.file_synced");
  files_.push_back(std::move(file));
  return ok();
}

Status BackupFolder::write(const std::string& relative, ByteView content) {
  SLUICE_ASSIGN(auto target, make(relative));
  SLUICE_TRY(target->write_at(0, content));
  SLUICE_TRY(target->sync());
  files_.push_back({relative, content.size(), crc32c(content)});
  return ok();
}

Status BackupFolder::make_folder(const std::string& relative) {
  folders_.insert(partial_ + "/" + relative);
  return disk_.create_directories(partial_ + "/" + relative);
}

Status BackupFolder::finish() {
  for (const auto& folder : folders_) SLUICE_TRY(disk_.sync_directory(folder));
  SLUICE_CRASH_POINT("copy.synced");
  SLUICE_TRY(disk_.remove(unfinished_));
  SLUICE_TRY(disk_.sync_directory(partial_));
  SLUICE_CRASH_POINT("copy.whole");
  SLUICE_TRY(disk_.rename(partial_, directory_));
  SLUICE_CRASH_POINT("copy.renamed");
  SLUICE_TRY(disk_.sync_directory(parent_of(directory_)));
  if (progress_) (void)progress_(all_, all_);
  return ok();
}

Error BackupFolder::abandon(const Error& reason) {
  auto removed = disk_.remove_all(partial_);
  return removed.ok() ? reason
                      : Error{reason.kind, reason.message + "; " + removed.error().message};
}

}  // namespace sluice
