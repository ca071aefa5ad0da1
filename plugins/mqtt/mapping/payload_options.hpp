// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::mqtt_plugin {

enum class PayloadFormat : uint8_t { kBytes, kString, kJson, kSparkplugB };
enum class Compression : uint8_t { kNone, kGzip, kZstd };

struct PayloadOptions {
  PayloadFormat format = PayloadFormat::kBytes;
  Compression compression = Compression::kNone;
  size_t max_bytes = 64u << 20;  // decompressed
};

}  // namespace sluice::mqtt_plugin
