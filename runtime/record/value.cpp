// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/value.hpp"

#include <cmath>
#include <cstring>
#include <functional>

namespace sluice::record {
namespace {

size_t deep_size_at(const sluice_value& value, uint32_t depth) {
  if (depth > kMaxValueDepth || value.type > SLUICE_STRUCT) return SIZE_MAX;
  if (has_bytes(value.type)) return value.size;
  if (!has_items(value.type)) return 0;
  size_t total = items(value).size() * sizeof(sluice_value) + alignof(sluice_value);
  for (const auto& item : items(value)) {
    const size_t size = deep_size_at(item, depth + 1);
    if (size == SIZE_MAX) return SIZE_MAX;
    total += size;
  }
  return total;
}

bool copy_into(const sluice_value& from, Arena& arena, sluice_value* to) {
  *to = from;
  if (has_bytes(from.type)) {
    auto copied = arena.copy(text(from));
    to->as.bytes = copied.data();
    return copied.data() != nullptr;
  }
  if (!has_items(from.type)) return true;
  const auto source = items(from);
  auto* copied = arena.array<sluice_value>(source.size());
  if (!copied) return false;
  to->as.items = copied;
  for (size_t i = 0; i < source.size(); ++i) {
    if (!copy_into(source[i], arena, &copied[i])) return false;
  }
  return true;
}

}  // namespace

bool equal_values(const sluice_value& a, const sluice_value& b) {
  if (a.type != b.type) return false;
  if (a.type == SLUICE_NULL) return true;
  if (is_float(a.type)) return a.as.f64 == b.as.f64 || (std::isnan(a.as.f64) && std::isnan(b.as.f64));
  if (has_bytes(a.type)) return text(a) == text(b);
  if (!has_items(a.type)) return a.as.i64 == b.as.i64;
  if (a.size != b.size) return false;
  const auto left = items(a), right = items(b);
  for (size_t i = 0; i < left.size(); ++i) {
    if (!equal_values(left[i], right[i])) return false;
  }
  return true;
}

size_t hash_value(const sluice_value& value) {
  size_t hash = value.type;
  if (has_bytes(value.type)) {
    hash = hash * 31 + std::hash<std::string_view>()(text(value));
  } else if (has_items(value.type)) {
    for (const auto& item : items(value)) hash = hash * 31 + hash_value(item);
  } else if (is_float(value.type)) {
    hash = hash * 31 + (std::isnan(value.as.f64) ? 1 : std::hash<double>()(value.as.f64));
  } else if (value.type != SLUICE_NULL) {
    hash = hash * 31 + std::hash<int64_t>()(value.as.i64);
  }
  return hash;
}

size_t deep_size(const sluice_value& value) { return deep_size_at(value, 0); }

bool copy_value(const sluice_value& from, Arena& arena, sluice_value* to) {
  return deep_size(from) != SIZE_MAX && copy_into(from, arena, to);
}

}  // namespace sluice::record
