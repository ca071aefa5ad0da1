// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "broker-core/base/disk.hpp"
#include "broker-core/model/record_batch.hpp"

namespace sluice::offline {

// One piece of a segment: a whole batch whose CRC holds, or a stretch of bytes that is none.
struct Piece {
  uint64_t position = 0;
  uint64_t size = 0;
  std::optional<model::BatchHeader> header;  // of a good batch
  ByteView bytes;                            // of a good batch; valid during the call
  std::string wrong;                         // of anything else
};

// Reads the first `limit` bytes of a segment's log file, in order and without gaps, with the
// batches alone to go by: after damage it goes on at the next batch that is whole. Stops at an
// error.
Status walk_segment(Disk& disk, const std::string& path, uint64_t limit,
                    const std::function<Status(const Piece&)>& each);

}  // namespace sluice::offline
