// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "broker-core/base/disk.hpp"
#include "broker-core/storage/commit_log.hpp"
#include "broker-core/storage/frame.hpp"

namespace sluice::storage {

struct CommitScan {
  uint64_t next_sequence = 1;   // of the first frame that is not there
  uint64_t files = 0;
  uint64_t frames = 0;
  uint64_t bytes = 0;
  uint64_t torn_bytes = 0;      // of an unfinished round at the end
  std::string torn_file;
  uint64_t torn_byte = 0;
};

// What a reader of the commit log does with each frame; an error ends the scan with it.
using OnFrame = std::function<Status(const Frame& frame, const std::string& file, uint64_t byte)>;

// Reads all frames from `from` on, in order, with the bytes that they refer to (an entry's `damage` tells where those
// are not there). A frame that fails its check ends the log (a torn tail: its round was
// never acknowledged), unless a later frame or file proves that it was durable once: then kCorrupt, with file
// and byte. Used by recovery and verify; changes nothing.
Result<CommitScan> scan_commit_log(Disk& disk, const std::string& directory, const CommitPosition& from,
                                   const OnFrame& on_frame);

}  // namespace sluice::storage
