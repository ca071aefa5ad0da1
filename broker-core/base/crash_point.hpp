// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

// Named places at which a crash test may kill the process, as if the power had gone:
//   SLUICE_CRASH_POINT("storage.after_frame_write");
// Compiled in only with SLUICE_CRASH_POINTS=1 (presets dev and tsan). Two environment variables arm them:
//   SLUICE_CRASH_AT=name[:n]   SIGKILL to itself at the n-th hit (from 1) of that name
//   SLUICE_CRASH_LOG=file      append each name hit, one a line, so that a test can show a table of hits
namespace sluice {

// The names of all crash points linked into this program, sorted, each once; empty when compiled out.
std::vector<std::string> crash_point_names();

namespace detail {
void crash_point_hit(const char* name);
}

}  // namespace sluice

// The name goes into a section of its own, which is how crash_point_names() knows points never hit yet.
#if defined(SLUICE_CRASH_POINTS) && SLUICE_CRASH_POINTS
#define SLUICE_CRASH_POINT(name)                                                        \
  do {                                                                                  \
    static const char* const sluice_crash_point_name                                    \
        __attribute__((section("sluice_crash_points"), used)) = name;                   \
    ::sluice::detail::crash_point_hit(sluice_crash_point_name);                         \
  } while (0)
#else
#define SLUICE_CRASH_POINT(name) \
  do {                           \
  } while (0)
#endif
