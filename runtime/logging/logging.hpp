// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "broker-core/base/result.hpp"

// Logging with dotted logger names: the level of a logger is its own or that of its nearest named
// ancestor, as in Kafka Connect's /admin/loggers. Output: standard error, one line per message.
namespace sluice::logging {

enum class Level : int { kTrace, kDebug, kInfo, kWarn, kError, kOff };
const char* to_string(Level level);                // TRACE ... OFF
Result<Level> parse_level(std::string_view text);  // any case; kInvalid lists the levels

namespace detail {
struct Node {
  std::string name;
  std::atomic<int> level;
};
}  // namespace detail

// A cheap handle; copies share the level. Any thread. May be made before main and outlives nothing.
class Logger {
 public:
  explicit Logger(std::string_view name);  // "" and "root" are the root logger
  const std::string& name() const { return node_->name; }
  Level level() const { return static_cast<Level>(node_->level.load(std::memory_order_relaxed)); }
  bool enabled(Level at) const {
    return static_cast<int>(at) >= node_->level.load(std::memory_order_relaxed);
  }
  void log(Level at, std::string_view message) const {
    if (enabled(at)) write(at, message);
  }
  void trace(std::string_view message) const { log(Level::kTrace, message); }
  void debug(std::string_view message) const { log(Level::kDebug, message); }
  void info(std::string_view message) const { log(Level::kInfo, message); }
  void warn(std::string_view message) const { log(Level::kWarn, message); }
  void error(std::string_view message) const { log(Level::kError, message); }

 private:
  void write(Level at, std::string_view message) const;
  std::shared_ptr<detail::Node> node_;
};

// The level of `name` and of all below it that have none of their own. Default of the root: INFO.
void set_level(std::string_view name, Level level);
// Back to the ancestor's level.
void clear_level(std::string_view name);
// Loggers that exist or have a level of their own, with their effective levels.
std::map<std::string, Level> levels();

// Where lines go instead of standard error; nullptr = back. For tests, and for CLI commands.
using Sink = std::function<void(Level level, std::string_view logger, std::string_view message)>;
void set_sink(Sink sink);
void flush();

}  // namespace sluice::logging
