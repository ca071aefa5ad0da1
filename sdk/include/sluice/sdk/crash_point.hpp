// SPDX-License-Identifier: Apache-2.0
#pragma once

// Named places at which a crash test may kill the worker in the middle of a plugin's work:
//   SLUICE_CRASH_POINT("file.offsets_written");
// Nothing unless the plugin is compiled with SLUICE_CRASH_POINTS=1. Then the environment arms them, as it does the
// worker's own points: SLUICE_CRASH_AT=name[:n] is SIGKILL at the n-th hit of that name, SLUICE_CRASH_LOG=file notes
// every hit, one name a line. The names stand in a section of the library, from where a test can list them.
#if defined(SLUICE_CRASH_POINTS) && SLUICE_CRASH_POINTS
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace sluice::sdk::detail {

inline void crash_point_hit(const char* name) {
  static const std::string armed = [] {
    const char* at = std::getenv("SLUICE_CRASH_AT");
    return std::string(at ? at : "");
  }();
  static const int log = [] {
    const char* path = std::getenv("SLUICE_CRASH_LOG");
    return path ? ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640) : -1;
  }();
  static std::atomic<uint64_t> hits{0};
  if (log >= 0) {
    const std::string line = std::string(name) + "\n";
    if (::write(log, line.data(), line.size()) < 0) std::abort();
  }
  const size_t colon = armed.rfind(':');
  if (armed.substr(0, colon) != name) return;
  const uint64_t nth =
      colon == std::string::npos ? 1 : std::strtoull(armed.c_str() + colon + 1, nullptr, 10);
  if (++hits != nth) return;
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

// Whether a guarantee is to be broken on purpose, to show that a test notices: SLUICE_MUTANT=name.
inline bool mutant_armed(std::string_view name) {
  const char* const armed = std::getenv("SLUICE_MUTANT");
  return armed != nullptr && name == armed;
}

}  // namespace sluice::sdk::detail

#define SLUICE_CRASH_POINT(name)                                      \
  do {                                                                \
    static const char sluice_crash_point_name[]                       \
        __attribute__((section("sluice_crash_points"), used)) = name; \
    ::sluice::sdk::detail::crash_point_hit(sluice_crash_point_name);  \
  } while (0)
#define SLUICE_SDK_MUTANT(name) (::sluice::sdk::detail::mutant_armed(name))
#else
#define SLUICE_SDK_MUTANT(name) false
#define SLUICE_CRASH_POINT(name) \
  do {                           \
  } while (0)
#endif
