// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "broker-core/base/types.hpp"

namespace sluice {

// CRC-32C (Castagnoli, RFC 3720 B.4), as Kafka's RecordBatch v2 uses it. `seed` is the CRC of what came before.
// crc32c("123456789") == 0xe3069283.
uint32_t crc32c(ByteView bytes, uint32_t seed = 0);

}  // namespace sluice
