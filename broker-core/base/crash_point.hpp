// SPDX-License-Identifier: Apache-2.0
#pragma once

// Named places at which a crash test may kill the process, as if the power had gone:
//   SLUICE_CRASH_POINT("storage.after_frame_write");
// Compiled in only with SLUICE_CRASH_POINTS=1 (presets dev and tsan). The environment arms them:
//   SLUICE_CRASH_AT=name[:n]   SIGKILL to itself at the n-th hit (from 1) of that name
//   SLUICE_CRASH_LOG=file      append each name hit, one a line, for a table of hits
// The names stand in a section of the ELF file, each with its NUL: tests/support/crash_points.py
// reads from there which points a program has, so that no list can fall behind. Plugins have the
// same in <sluice/sdk/crash_point.hpp>.
#if defined(SLUICE_CRASH_POINTS) && SLUICE_CRASH_POINTS
namespace sluice::detail {
void crash_point_hit(const char* name);
}
#define SLUICE_CRASH_POINT(name)                                      \
  do {                                                                \
    static const char sluice_crash_point_name[]                       \
        __attribute__((section("sluice_crash_points"), used)) = name; \
    ::sluice::detail::crash_point_hit(sluice_crash_point_name);       \
  } while (0)
#else
#define SLUICE_CRASH_POINT(name) \
  do {                           \
  } while (0)
#endif
