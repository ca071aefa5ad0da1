// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without libFuzzer, so that every build replays it: the seed inputs of the target, every prefix
// of them, and mutations under a printed seed. usage: X_fuzz [runs [seed]]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
std::vector<std::string> seed_inputs();

int main(int argc, char** argv) {
  const long runs = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 20000;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  std::mt19937_64 dice(seed);
  auto seeds = seed_inputs();
  if (seeds.empty()) return std::puts("no seed inputs"), 1;
  auto run = [](const std::string& input) {
    // A heap copy of the exact size, so that ASan sees every read beyond the end.
    std::vector<uint8_t> exact(input.begin(), input.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
  };
  for (const auto& input : seeds) {
    for (size_t length = 0; length <= input.size(); length += 1 + input.size() / 4096) run(input.substr(0, length));
    run(input);
  }
  for (long i = 0; i < runs; ++i) {
    std::string input = seeds[dice() % seeds.size()];
    for (uint64_t change = dice() % 4 + 1; change > 0 && !input.empty(); --change) {
      size_t at = dice() % input.size();
      switch (dice() % 5) {
        case 0: input[at] = static_cast<char>(dice()); break;
        case 1: input[at] = static_cast<char>(input[at] ^ 1 << dice() % 8); break;
        case 2: input.erase(at, dice() % 16 + 1); break;
        case 3: input.insert(at, std::string(dice() % 16 + 1, static_cast<char>(dice()))); break;
        default: input[at] = static_cast<char>(dice() % 2 ? 0xff : 0x7f); break;
      }
    }
    run(input);
  }
  std::printf("%ld runs over %zu seed inputs\n", runs, seeds.size());
  return 0;
}
