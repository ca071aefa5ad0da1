// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "broker-core/model/record_batch.hpp"

using namespace sluice;  // a fuzz target has nothing else in it

std::vector<std::string> seed_inputs() {
  std::vector<std::string> seeds;
  model::BatchBuilder builder;
  builder.add(1000, as_bytes("key"), as_bytes("value"));
  model::HeaderView headers[] = {{"name", as_bytes("x")}, {"none", std::nullopt}};
  builder.add(1001, std::nullopt, std::nullopt, headers);
  seeds.emplace_back(as_text(builder.finish()));
  for (int codec = 1; codec <= 4; ++codec) {  // a header that claims compression over plain bytes
    std::string claimed = seeds[0];
    claimed[22] = static_cast<char>(codec);
    seeds.push_back(claimed);
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  auto header = model::read_batch_header(bytes);
  if (!header.ok()) return 0;
  (void)model::verify_batch_crc(bytes).ok();
  auto reader = model::RecordReader::open(bytes, 1u << 20);
  if (!reader.ok()) return 0;
  model::RecordView record;
  size_t sum = 0;
  while (true) {
    auto more = reader->next(record);
    if (!more.ok() || !*more) break;
    if (record.value) {
      for (std::byte b : *record.value) sum += static_cast<size_t>(b);  // touch what was handed out
    }
  }
  return sum == SIZE_MAX ? 1 : 0;
}
