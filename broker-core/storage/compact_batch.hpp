// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "broker-core/model/record_batch.hpp"

namespace sluice::storage {

struct CompactedBatch {
  int32_t records = 0;  // in the batch as it was
  int32_t kept = 0;
  Bytes bytes;  // set if the batch is to be written anew, with what was kept
};

// The batch with only the records that `keep` wants. Its base offset, last offset, codec and all
// else stay, so that offsets never change; it becomes sparse. A batch that keeps a tombstone and
// has no delete horizon yet gets `horizon` as such (KIP-534). Control batches stay as they are.
Result<CompactedBatch> compact_batch(ByteView batch, int64_t horizon,
                                     const std::function<bool(const model::RecordView&)>& keep);

}  // namespace sluice::storage
