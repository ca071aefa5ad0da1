// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/swap_file.hpp"

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/crc32c.hpp"
#include "broker-core/storage/codec.hpp"
#include "broker-core/storage/paths.hpp"

namespace sluice::storage {
namespace {

constexpr uint32_t kMagic = 0x57534c53;  // "SLSW"
constexpr uint64_t kSizeMax = 16 << 20;

std::string stem_of(const std::string& folder, Offset base) {
  return folder + "/" + numbered_name(static_cast<uint64_t>(base.value()), "");
}

Status remove_if_there(Disk& disk, const std::string& path) {
  auto removed = disk.remove(path);
  if (!removed.ok() && removed.error().kind == ErrorKind::kNotFound) return ok();
  return removed;
}

}  // namespace

Result<Swap> read_swap(Disk& disk, const std::string& path, Offset base) {
  SLUICE_ASSIGN(Bytes bytes, read_file(disk, path, kSizeMax));
  if (bytes.size() < 24 || get_le<uint32_t>(bytes.data()) != kMagic ||
      get_le<uint32_t>(bytes.data() + bytes.size() - 4) != crc32c(ByteView(bytes).first(bytes.size() - 4)) ||
      get_le<int64_t>(bytes.data() + 8) != base.value() || (bytes.size() - 20) % 8 != 0) {
    return Error{ErrorKind::kCorrupt, path + ", byte 0: the swap file of a compaction is damaged"};
  }
  Swap swap{base, get_le<uint32_t>(bytes.data() + 4) != 0, {}};
  for (size_t at = 16; at + 8 <= bytes.size() - 4; at += 8) {
    swap.replaced.emplace_back(get_le<int64_t>(bytes.data() + at));
  }
  return swap;
}

Status write_swap(Disk& disk, const std::string& folder, const Swap& swap) {
  Bytes bytes(16 + swap.replaced.size() * 8 + 4);
  put_le(bytes.data(), kMagic);
  put_le(bytes.data() + 4, static_cast<uint32_t>(swap.empty ? 1 : 0));
  put_le(bytes.data() + 8, swap.base.value());
  std::byte* at = bytes.data() + 16;
  for (Offset base : swap.replaced) {
    put_le(at, base.value());
    at += 8;
  }
  put_le(at, crc32c({bytes.data(), bytes.size() - 4}));
  return write_file_atomically(disk, stem_of(folder, swap.base) + ".swap", bytes);
}

Status cancel_swap(Disk& disk, const std::string& folder, const Swap& swap) {
  SLUICE_TRY(remove_if_there(disk, stem_of(folder, swap.base) + ".swap"));
  return disk.sync_directory(folder);
}

Status finish_swap(Disk& disk, const std::string& folder, const Swap& swap) {
  for (Offset base : swap.replaced) {
    if (base == swap.base && !swap.empty) continue;  // overwritten by the renames
    for (const char* extension : kSegmentExtensions) {
      SLUICE_TRY(remove_if_there(disk, stem_of(folder, base) + extension));
    }
    SLUICE_CRASH_POINT("storage.compaction_removed");
  }
  if (!swap.empty) {
    for (const char* extension : kSegmentExtensions) {
      const std::string path = stem_of(folder, swap.base) + extension;
      auto renamed = disk.rename(path + kCleaned, path);
      // Done by an earlier attempt, or there never was one (indexes of a small segment).
      if (!renamed.ok() && renamed.error().kind != ErrorKind::kNotFound) return renamed;
      SLUICE_CRASH_POINT("storage.compaction_renamed");
    }
  }
  SLUICE_TRY(disk.sync_directory(folder));
  SLUICE_CRASH_POINT("storage.compaction_finished");
  SLUICE_TRY(remove_if_there(disk, stem_of(folder, swap.base) + ".swap"));
  return disk.sync_directory(folder);
}

Result<bool> recover_swaps(Disk& disk, const std::string& folder, const std::vector<std::string>& names) {
  bool changed = false;
  for (const auto& name : names) {
    auto base = parse_numbered(name, ".swap");
    if (!base) continue;
    SLUICE_ASSIGN(auto swap, read_swap(disk, folder + "/" + name, Offset(static_cast<int64_t>(*base))));
    SLUICE_TRY(finish_swap(disk, folder, swap));
    changed = true;
  }
  for (const auto& name : names) {
    if (!name.ends_with(kCleaned) && !name.ends_with(".tmp")) continue;
    SLUICE_TRY(remove_if_there(disk, folder + "/" + name));
    changed = true;
  }
  return changed;
}

}  // namespace sluice::storage
