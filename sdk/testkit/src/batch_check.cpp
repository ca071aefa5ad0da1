// SPDX-License-Identifier: Apache-2.0
#include "batch_check.hpp"

namespace sluice::testkit {

namespace {
constexpr int kDepthMax = 64;

// Length of the sequence that starts with `lead`, 0 if none does.
int sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

bool legal_second(unsigned char lead, unsigned char second) {
  if (lead == 0xe0) return second >= 0xa0;
  if (lead == 0xed) return second < 0xa0;  // surrogates
  if (lead == 0xf0) return second >= 0x90;
  if (lead == 0xf4) return second < 0x90;
  return true;
}
}  // namespace

bool valid_utf8(const char* text, size_t size) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text);
  size_t i = 0;
  while (i < size) {
    const int length = sequence_length(bytes[i]);
    if (length == 0 || i + static_cast<size_t>(length) > size) return false;
    for (int k = 1; k < length; ++k) {
      if ((bytes[i + static_cast<size_t>(k)] & 0xc0) != 0x80) return false;
    }
    if (length > 1 && !legal_second(bytes[i], bytes[i + 1])) return false;
    i += static_cast<size_t>(length);
  }
  return true;
}

std::string fault_of(const sluice_value& value, int depth) {
  if (depth > kDepthMax) return "is nested too deeply";
  switch (value.type) {
    case SLUICE_STRING:
    case SLUICE_BYTES:
      if (value.size > 0 && value.as.bytes == nullptr) return "has a size and no bytes";
      if (value.type == SLUICE_STRING && !valid_utf8(value.as.bytes, value.size)) return "is a STRING and no UTF-8";
      return "";
    case SLUICE_ARRAY:
    case SLUICE_STRUCT:
    case SLUICE_MAP: {
      const size_t count = size_t{value.size} * (value.type == SLUICE_MAP ? 2 : 1);
      if (count > 0 && value.as.items == nullptr) return "has a size and no items";
      for (size_t i = 0; i < count; ++i) {
        std::string fault = fault_of(value.as.items[i], depth + 1);
        if (!fault.empty()) return "holds an item that " + fault;
      }
      return "";
    }
    case SLUICE_BOOLEAN:
      return value.as.i64 == 0 || value.as.i64 == 1 ? "" : "is a BOOLEAN other than 0 and 1";
    default:
      return value.type <= SLUICE_FLOAT64 ? "" : "has type " + std::to_string(value.type) + ", which is none";
  }
}

}  // namespace sluice::testkit
