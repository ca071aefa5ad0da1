// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "broker-core/base/random.hpp"
#include "runtime/config/config_def.hpp"

namespace sluice::herder {

// The keys of a connector that say how its failed parts are restarted. Ours: Kafka Connect leaves
// that to people.
inline constexpr const char* kRestartEnable = "restart.enable";
inline constexpr const char* kRestartBackoffMs = "restart.backoff.ms";
inline constexpr const char* kRestartBackoffMaxMs = "restart.backoff.max.ms";
inline constexpr const char* kRestartMaxAttempts = "restart.max.attempts";
std::vector<config::ConfigKey> restart_keys();

struct RestartSettings {
  bool enabled = true;
  std::chrono::milliseconds backoff{1'000};
  std::chrono::milliseconds backoff_max{60'000};
  int max_attempts = -1;  // -1 = no end
  // From a connector's config, which has been validated; what is missing has its default.
  static RestartSettings from(const config::ConfigMap& config);
};

// When a failed task (or connector) is started again: exponential backoff with jitter, from the
// start again once it has run for as long as the longest backoff. Pure; one owner, one thread.
class RestartPolicy {
 public:
  struct Decision {
    std::optional<std::chrono::nanoseconds> delay;  // nullopt: it stays failed
    std::string text;                               // for the status trace
  };
  Decision on_failure(const RestartSettings& settings, bool restartable,
                      std::chrono::nanoseconds now, Random& random);
  void on_started(std::chrono::nanoseconds now) { started_ = now; }
  void reset() { attempts_ = 0; }
  int attempts() const { return attempts_; }

 private:
  int attempts_ = 0;
  std::optional<std::chrono::nanoseconds> started_;
};

}  // namespace sluice::herder
