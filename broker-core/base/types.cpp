// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/types.hpp"

namespace sluice {

std::string TopicId::to_string() const {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = uint32_t(bytes[i]) << 16;
    if (i + 1 < bytes.size()) group |= uint32_t(bytes[i + 1]) << 8;
    if (i + 2 < bytes.size()) group |= bytes[i + 2];
    text += kAlphabet[group >> 18 & 63];
    text += kAlphabet[group >> 12 & 63];
    if (i + 1 < bytes.size()) text += kAlphabet[group >> 6 & 63];
    if (i + 2 < bytes.size()) text += kAlphabet[group & 63];
  }
  return text;
}

}  // namespace sluice
