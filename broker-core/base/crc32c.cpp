// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/crc32c.hpp"

#include <isa-l/crc.h>

#include <algorithm>
#include <climits>

namespace sluice {

uint32_t crc32c(ByteView bytes, uint32_t seed) {
  uint32_t state = ~seed;
  while (!bytes.empty()) {  // ISA-L takes an int length
    size_t part = std::min<size_t>(bytes.size(), INT_MAX);
    // ISA-L's signature lacks const; it only reads.
    auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes.data()));
    state = crc32_iscsi(data, static_cast<int>(part), state);
    bytes = bytes.subspan(part);
  }
  return ~state;
}

}  // namespace sluice
