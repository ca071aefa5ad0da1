// SPDX-License-Identifier: Apache-2.0
#include "runtime/herder/restart_policy.hpp"

#include <algorithm>

namespace sluice::herder {
namespace {

config::ConfigKey key(const char* name, config::Type type, const char* value, const char* documentation, int order) {
  config::ConfigKey result;
  result.name = name;
  result.type = type;
  result.default_value = value;
  result.importance = config::Importance::kLow;
  result.documentation = documentation;
  result.group = "Error Handling";
  result.order = order;
  return result;
}

std::string number_or(const config::ConfigMap& config, const char* name, const char* otherwise) {
  auto entry = config.find(name);
  return entry == config.end() ? otherwise : entry->second;
}

}  // namespace

std::vector<config::ConfigKey> restart_keys() {
  auto enable = key(kRestartEnable, config::Type::kBoolean, "true",
                    "Whether a connector or task that failed is started again by itself, with "
                    "exponential backoff. "
                    "Failures that only another config can heal are never retried.",
                    20);
  auto backoff = key(kRestartBackoffMs, config::Type::kLong, "1000",
                     "How long to wait before the first restart; each further one waits twice as long.", 21);
  backoff.min = 1;
  auto backoff_max = key(kRestartBackoffMaxMs, config::Type::kLong, "60000",
                         "The longest wait between two restarts. A part that ran for so long counts as healed.", 22);
  backoff_max.min = 1;
  auto attempts = key(kRestartMaxAttempts, config::Type::kInt, "-1",
                      "How often in a row a part is restarted before it stays FAILED; -1 for no end.", 23);
  attempts.min = -1;
  return {enable, backoff, backoff_max, attempts};
}

RestartSettings RestartSettings::from(const config::ConfigMap& config) {
  config::ConfigDef def;
  for (auto& one : restart_keys()) def.define(std::move(one));
  config::ConfigMap own;
  for (const auto& one : def.keys()) own[one.name] = number_or(config, one.name.c_str(), one.default_value->c_str());
  auto parsed = def.parse(own);
  if (!parsed.ok()) return {};  // a config of an older version that was never validated against these keys
  RestartSettings settings;
  settings.enabled = config::get_bool(*parsed, kRestartEnable);
  settings.backoff = std::chrono::milliseconds(config::get_int(*parsed, kRestartBackoffMs));
  settings.backoff_max = std::chrono::milliseconds(config::get_int(*parsed, kRestartBackoffMaxMs));
  settings.max_attempts = static_cast<int>(config::get_int(*parsed, kRestartMaxAttempts));
  return settings;
}

RestartPolicy::Decision RestartPolicy::on_failure(const RestartSettings& settings, bool restartable,
                                                  std::chrono::nanoseconds now, Random& random) {
  if (started_ && now - *started_ >= settings.backoff_max) attempts_ = 0;
  started_.reset();
  if (!restartable)
    return {std::nullopt,
            "Not restarted by itself: it would fail again, or hide what happened. Change what is named above, or "
            "restart the task."};
  if (!settings.enabled) return {std::nullopt, std::string("Not restarted by itself: ") + kRestartEnable + "=false."};
  if (settings.max_attempts >= 0 && attempts_ >= settings.max_attempts) {
    return {std::nullopt, "Not restarted by itself any more: " + std::to_string(attempts_) + " restarts in a row (" +
                              kRestartMaxAttempts + ") did not help."};
  }
  auto delay = std::min(settings.backoff, settings.backoff_max);
  for (int i = 0; i < attempts_ && delay < settings.backoff_max; ++i) {
    delay = delay > settings.backoff_max / 2 ? settings.backoff_max : delay * 2;
  }
  // Up to a fifth less, so that many tasks of one broken target do not come back in the same
  // moment.
  auto jittered = std::chrono::nanoseconds(delay) -
                  std::chrono::nanoseconds(delay) / 1000 * static_cast<int64_t>(random.next() % 200);
  ++attempts_;
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(jittered).count();
  return {jittered, "Restart " + std::to_string(attempts_) + " follows by itself in " + std::to_string(ms) + " ms."};
}

}  // namespace sluice::herder
