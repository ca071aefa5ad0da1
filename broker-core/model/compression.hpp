// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker-core/base/result.hpp"
#include "broker-core/base/types.hpp"

// Kafka's codecs for the records of a batch. Stateless functions; any thread.
namespace sluice::model {

enum class Compression : uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

// What clients write: gzip, snappy in xerial's framing (as Java's), an LZ4 frame, a zstd frame.
Result<Bytes> compress(Compression codec, ByteView plain);

// Reads what any client writes (snappy also raw). kCorrupt for damaged or cut input, kInvalid when
// the result would be larger than `max`: memory beyond it is never taken, whatever the input
// claims. kUnsupported: unknown codec.
Result<Bytes> decompress(Compression codec, ByteView packed, size_t max);

}  // namespace sluice::model
