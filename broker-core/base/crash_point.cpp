// SPDX-License-Identifier: Apache-2.0
#if defined(SLUICE_CRASH_POINTS) && SLUICE_CRASH_POINTS
#include "broker-core/base/crash_point.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace sluice::detail {
namespace {

// Read once from the environment; lives as long as the process.
struct Armed {
  std::string name;
  uint64_t nth = 1;
  int log = -1;
  std::atomic<uint64_t> hits{0};

  Armed() {
    if (const char* at = std::getenv("SLUICE_CRASH_AT")) {
      name = at;
      auto colon = name.rfind(':');
      if (colon != std::string::npos) {
        nth = std::strtoull(name.c_str() + colon + 1, nullptr, 10);
        name.resize(colon);
      }
    }
    if (const char* path = std::getenv("SLUICE_CRASH_LOG")) {
      log = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    }
  }
};

Armed& armed() {
  static Armed state;
  return state;
}

}  // namespace

void crash_point_hit(const char* name) {
  Armed& state = armed();
  if (state.log >= 0) {
    std::string line = std::string(name) + "\n";
    // One write(2) with O_APPEND keeps lines of several threads whole.
    if (::write(state.log, line.data(), line.size()) < 0) std::abort();
  }
  if (state.name != name || ++state.hits != state.nth) return;
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

}  // namespace sluice::detail
#endif
