// SPDX-License-Identifier: Apache-2.0
// A program with one fault that a sanitizer reports, to show that the tests notice: faulty
// race|leak|overflow|none.
#include <csignal>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <thread>

namespace {

int counter = 0;

void race() {
  std::thread other([] { ++counter; });
  ++counter;
  other.join();
}

void leak() {
  for (int i = 0; i < 100; ++i) static_cast<void>(std::make_unique<int>(i).release());
}

void overflow(int more) {
  volatile int sum = std::numeric_limits<int>::max();
  sum = sum + more;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string fault = argc > 1 ? argv[1] : "none";
  if (fault == "race") race();
  if (fault == "leak") leak();
  if (fault == "overflow") overflow(argc);
  // As a worker in a crash test: whatever was found, there is no exit code to show it.
  if (argc > 2) std::raise(SIGKILL);
  std::puts(fault.c_str());
}
