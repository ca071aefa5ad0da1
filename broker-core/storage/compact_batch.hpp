// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "broker-core/model/record_batch.hpp"

namespace sluice::storage {

struct CompactedBatch {
  int32_t records = 0;  // in the batch as it was
  int32_t kept = 0;
  Bytes bytes;          // set if 0 < kept < records: the batch without the others
};

// The batch with only the records that `keep` wants. Its base offset, last offset, codec and all else stay, so that
// offsets never change; it becomes sparse. Control batches are kept as they are.
Result<CompactedBatch> compact_batch(ByteView batch, const std::function<bool(const model::RecordView&)>& keep);

}  // namespace sluice::storage
