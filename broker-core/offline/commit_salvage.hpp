// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "broker-core/base/disk.hpp"
#include "broker-core/storage/frame.hpp"

namespace sluice::offline {

// A place in the commit log: a whole frame, or bytes in which no frame was found although later
// ones exist.
struct FramePlace {
  std::string file;
  uint64_t byte = 0;
  const storage::Frame* frame = nullptr;  // valid during the call
  const std::byte* start = nullptr;       // of the frame; entries' data lie behind it
};

// All whole frames of the commit log's files from sequence `from` on, in order, whatever is damaged
// between them. `next` is 1 + the last sequence seen. Frames are known by their checksum and by
// sequence numbers that only grow: what a file held in an earlier use has smaller ones.
Status salvage_commit_log(Disk& disk, const std::string& directory, uint64_t from, uint64_t& next,
                          const std::function<Status(const FramePlace&)>& each);

}  // namespace sluice::offline
