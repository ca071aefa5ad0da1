// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/decimal.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

#include "runtime/config/java_format.hpp"
#include "runtime/record/bad_record.hpp"
#include "runtime/record/schema.hpp"

namespace sluice::record {
namespace {

using Limbs = std::vector<uint32_t>;  // magnitude, base 2^32, least significant first

Limbs magnitude(std::string_view bytes, bool negative) {
  Limbs limbs((bytes.size() + 3) / 4, 0);
  uint32_t carry = negative ? 1 : 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    uint32_t byte = static_cast<unsigned char>(bytes[bytes.size() - 1 - i]);
    if (negative) {
      byte = (byte ^ 0xff) + carry;
      carry = byte >> 8;
      byte &= 0xff;
    }
    limbs[i / 4] |= byte << (i % 4 * 8);
  }
  if (negative && carry) limbs.push_back(1);  // the magnitude of 0x80 00 .. 00 has one bit more
  return limbs;
}

std::string digits_of(Limbs limbs) {
  std::string reversed;
  while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
  if (limbs.empty()) return "0";
  while (!limbs.empty()) {
    uint64_t rest = 0;
    for (size_t i = limbs.size(); i-- > 0;) {
      const uint64_t current = rest << 32 | limbs[i];
      limbs[i] = static_cast<uint32_t>(current / 1000000000u);
      rest = current % 1000000000u;
    }
    while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
    for (int i = 0; i < 9 && (rest || !limbs.empty()); ++i, rest /= 10) {
      reversed += static_cast<char>('0' + rest % 10);
    }
  }
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

std::string bytes_of(std::string_view digits, bool negative) {
  Limbs limbs;
  for (char c : digits) {
    uint64_t carry = static_cast<uint64_t>(c - '0');
    for (auto& limb : limbs) {
      carry += uint64_t{limb} * 10;
      limb = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    if (carry) limbs.push_back(static_cast<uint32_t>(carry));
  }
  std::string bytes(1, '\0');  // room for the sign
  for (size_t i = limbs.size(); i-- > 0;) {
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes += static_cast<char>(limbs[i] >> shift & 0xff);
  }
  if (negative) {
    uint32_t carry = 1;
    for (size_t i = bytes.size(); i-- > 0;) {
      const uint32_t sum = (static_cast<unsigned char>(bytes[i]) ^ 0xffu) + carry;
      bytes[i] = static_cast<char>(sum & 0xff);
      carry = sum >> 8;
    }
  }
  return std::string(shortest_integer(bytes));
}

}  // namespace

Result<int32_t> decimal_scale(const sluice_schema& schema) {
  for (uint32_t i = 0; i < schema.parameter_count; ++i) {
    if (text(schema.parameters[i].key) != "scale") continue;
    const auto value = text(schema.parameters[i].value);
    auto scale = config::parse_java_integer(value, INT32_MIN, INT32_MAX);
    if (!scale)
      return bad("Invalid scale parameter found in Decimal schema: " + std::string(value));
    if (*scale < -kMaxDecimalScale || *scale > kMaxDecimalScale) {
      return bad("Decimal scale " + std::to_string(*scale) + " is beyond " +
                 std::to_string(kMaxDecimalScale));
    }
    return static_cast<int32_t>(*scale);
  }
  return bad("Invalid Decimal schema: scale parameter not found.");
}

std::string_view shortest_integer(std::string_view unscaled) {
  while (unscaled.size() > 1) {
    const auto first = static_cast<unsigned char>(unscaled[0]);
    const bool sign = (static_cast<unsigned char>(unscaled[1]) & 0x80) != 0;
    if (!(first == 0 && !sign) && !(first == 0xff && sign)) break;
    unscaled.remove_prefix(1);
  }
  return unscaled;
}

Result<std::string> decimal_to_text(std::string_view unscaled, int32_t scale) {
  if (unscaled.empty()) return bad("Invalid bytes for Decimal field: no bytes");
  if (unscaled.size() > kMaxDecimalBytes) return bad("Decimal of more than 1024 bytes");
  const bool negative = (static_cast<unsigned char>(unscaled[0]) & 0x80) != 0;
  std::string digits = digits_of(magnitude(unscaled, negative));
  std::string out = negative ? "-" : "";
  const auto count = static_cast<int64_t>(digits.size());
  const int64_t exponent = count - 1 - scale;  // of the first digit
  if (scale == 0) return out + digits;
  if (scale > 0 && exponent >= -6) {
    if (count > scale) return out + digits.insert(static_cast<size_t>(count - scale), ".");
    return out + "0." + std::string(static_cast<size_t>(scale - count), '0') + digits;
  }
  if (count > 1) digits.insert(1, ".");
  out += digits;
  if (exponent != 0) out += (exponent > 0 ? "E+" : "E") + std::to_string(exponent);
  return out;
}

Result<std::string> decimal_from_text(std::string_view text, int32_t scale) {
  const std::string shown(text);
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  int64_t exponent = 0;
  if (auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    auto power = config::parse_java_integer(text.substr(e + 1), -1000000, 1000000);
    if (!power)
      return bad("Invalid type for Decimal: the number " + shown + " is beyond all bounds");
    exponent = *power;
    text = text.substr(0, e);
  }
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '.') {
      exponent -= static_cast<int64_t>(text.size() - 1 - i);
    } else if (text[i] >= '0' && text[i] <= '9') {
      digits += text[i];
    } else {
      return bad("not a decimal number: " + shown);
    }
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return std::string(1, '\0');
  const int64_t shift = exponent + scale;
  if (shift < 0) {
    const auto cut = static_cast<size_t>(-shift);
    if (cut >= digits.size() || digits.find_last_not_of('0') >= digits.size() - cut) {
      return bad("Decimal value " + shown + " has more digits than scale " + std::to_string(scale) +
                 " of its schema can hold");
    }
    digits.resize(digits.size() - cut);
  } else {
    if (digits.size() + static_cast<size_t>(shift) > kMaxDecimalBytes * 2)
      return bad("Decimal of too many digits");
    digits.append(static_cast<size_t>(shift), '0');
  }
  return bytes_of(digits, negative);
}

}  // namespace sluice::record
