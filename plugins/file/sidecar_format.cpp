// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/sidecar_format.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <type_traits>

namespace sluice::file_plugin {

namespace {

constexpr std::string_view kMagic = "SLUFSINK";
constexpr uint32_t kVersion = 1;
constexpr uint32_t kRollVersion = 2;  // the body begins with a RollState
// magic, version, slot size, sequence, epoch, file length, tail size, tail crc, body size
constexpr size_t kHeaderSize = 8 + 4 + 4 + 8 + 8 + 8 + 4 + 4 + 4;
constexpr size_t kCrcSize = 4;

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78u : 0);
    table[i] = value;
  }
  return table;
}
constexpr auto kTable = make_table();

template <class Number>
void put(std::string& out, Number number) {
  using Bits = std::make_unsigned_t<Number>;
  for (size_t i = 0; i < sizeof(Number); ++i) {
    out += static_cast<char>(static_cast<Bits>(number) >> (8 * i) & 0xFF);
  }
}

// Takes numbers off the front, little-endian; never past the end.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <class Number>
  bool take(Number* number) {
    if (rest_.size() < sizeof(Number)) return false;
    std::make_unsigned_t<Number> value = 0;
    for (size_t i = 0; i < sizeof(Number); ++i) {
      value |= static_cast<std::make_unsigned_t<Number>>(
          static_cast<std::make_unsigned_t<Number>>(static_cast<unsigned char>(rest_[i]))
          << (8 * i));
    }
    *number = static_cast<Number>(value);
    rest_.remove_prefix(sizeof(Number));
    return true;
  }
  bool take(std::string* text, size_t size) {
    if (rest_.size() < size) return false;
    text->assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return true;
  }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

size_t body_size(const SidecarState& state) {
  size_t size = state.roll ? 8 + 8 + 2 + state.roll->target.size() : 0;
  for (const PartitionPosition& position : state.positions)
    size += 2 + position.topic.size() + 4 + 8;
  return size;
}

DecodedSlot damaged(std::string why) {
  return {SlotKind::kDamaged, std::move(why), {}};
}

bool read_roll(Reader& reader, std::optional<RollState>* roll) {
  RollState& state = roll->emplace();
  uint16_t size = 0;
  return reader.take(&state.number) && reader.take(&state.begun_ms) && reader.take(&size) &&
         reader.take(&state.target, size);
}

bool read_positions(Reader& reader, std::vector<PartitionPosition>* positions) {
  while (!reader.empty()) {
    PartitionPosition& position = positions->emplace_back();
    uint16_t size = 0;
    if (!reader.take(&size) || !reader.take(&position.topic, size) ||
        !reader.take(&position.partition) || !reader.take(&position.next_offset)) {
      return false;
    }
  }
  return true;
}

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t crc) {
  crc = ~crc;
  for (const char c : bytes)
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~crc;
}

size_t slot_size_for(const SidecarState& state) {
  return std::max(kMinSlotSize, std::bit_ceil(kHeaderSize + body_size(state) + kCrcSize));
}

std::string encode_slot(const SidecarState& state, size_t slot_size) {
  std::string out(kMagic);
  put(out, state.roll ? kRollVersion : kVersion);
  put(out, static_cast<uint32_t>(slot_size));
  put(out, state.sequence);
  put(out, state.epoch);
  put(out, state.file_length);
  put(out, state.tail_size);
  put(out, state.tail_crc);
  put(out, static_cast<uint32_t>(body_size(state)));
  if (state.roll) {
    put(out, state.roll->number);
    put(out, state.roll->begun_ms);
    put(out, static_cast<uint16_t>(state.roll->target.size()));
    out += state.roll->target;
  }
  for (const PartitionPosition& position : state.positions) {
    put(out, static_cast<uint16_t>(position.topic.size()));
    out += position.topic;
    put(out, position.partition);
    put(out, position.next_offset);
  }
  put(out, crc32c(out));
  out.resize(slot_size, '\0');
  return out;
}

DecodedSlot decode_slot(std::string_view slot) {
  if (slot.size() < kHeaderSize + kCrcSize) return damaged("it is too short");
  if (std::all_of(slot.begin(), slot.end(), [](char c) { return c == '\0'; }))
    return {SlotKind::kEmpty, "", {}};
  Reader reader(slot);
  std::string magic;
  uint32_t version = 0;
  uint32_t slot_size = 0;
  uint32_t body = 0;
  DecodedSlot result;
  SidecarState& state = result.state;
  reader.take(&magic, kMagic.size());
  reader.take(&version);
  reader.take(&slot_size);
  reader.take(&state.sequence);
  reader.take(&state.epoch);
  reader.take(&state.file_length);
  reader.take(&state.tail_size);
  reader.take(&state.tail_crc);
  reader.take(&body);
  if (magic != kMagic) return damaged("it does not begin with " + std::string(kMagic));
  if (body > slot.size() - kHeaderSize - kCrcSize) return damaged("its length field is wrong");
  uint32_t crc = 0;
  Reader(slot.substr(kHeaderSize + body)).take(&crc);
  if (crc != crc32c(slot.substr(0, kHeaderSize + body))) return damaged("its checksum is wrong");
  if (version != kVersion && version != kRollVersion) {
    return damaged("its format version is " + std::to_string(version) + ", known are 1 and 2");
  }
  if (slot_size != slot.size())
    return damaged("it was cut to " + std::to_string(slot.size()) + " bytes");
  Reader positions(slot.substr(kHeaderSize, body));
  if (version == kRollVersion && !read_roll(positions, &state.roll))
    return damaged("its roll state is malformed");
  if (!read_positions(positions, &state.positions)) return damaged("its positions are malformed");
  result.kind = SlotKind::kValid;
  return result;
}

}  // namespace sluice::file_plugin
