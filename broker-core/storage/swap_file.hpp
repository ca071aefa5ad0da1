// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "broker-core/base/disk.hpp"
#include "broker-core/base/types.hpp"

// The end of a compaction: `<base>.swap` in the partition's folder says that the synced `<base>.*.cleaned` files take
// the place of these segments. It is written atomically: with it the swap is finished, without it undone.
namespace sluice::storage {

inline constexpr const char* kSegmentExtensions[] = {".index", ".timeindex", ".check", ".log"};
inline constexpr const char* kCleaned = ".cleaned";

struct Swap {
  Offset base;                   // of the new segment
  bool empty = false;            // nothing was left: there is no new segment
  std::vector<Offset> replaced;  // bases of the segments that go
};

// kCorrupt if it is not as write_swap() made it.
Result<Swap> read_swap(Disk& disk, const std::string& path, Offset base);
Status write_swap(Disk& disk, const std::string& folder, const Swap& swap);
// After write_swap has failed: durably no such file.
Status cancel_swap(Disk& disk, const std::string& folder, const Swap& swap);
// Does what the file says, as often as it takes: removes and renames, then removes the file.
Status finish_swap(Disk& disk, const std::string& folder, const Swap& swap);
// At start: finishes what was decided, removes the rest. `names` are the folder's; true if anything was changed.
Result<bool> recover_swaps(Disk& disk, const std::string& folder, const std::vector<std::string>& names);

}  // namespace sluice::storage
