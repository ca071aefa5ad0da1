// SPDX-License-Identifier: Apache-2.0
// What `sluice __probe-plugin FILE` does, for tests that run without the worker's binary.
#include <cstdio>
#include <cstring>

#include "runtime/plugin/probe.hpp"

int main(int argc, char** argv) {
  if (argc != 3 || std::strcmp(argv[1], "__probe-plugin") != 0) {
    std::fprintf(stderr, "usage: %s __probe-plugin FILE\n", argv[0]);
    return 2;
  }
  return sluice::plugin::probe_main(argv[2]);
}
