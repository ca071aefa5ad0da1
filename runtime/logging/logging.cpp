// SPDX-License-Identifier: Apache-2.0
#include "runtime/logging/logging.hpp"

#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <optional>
#include <vector>

namespace sluice::logging {
namespace {

constexpr const char* kNames[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "OFF"};
constexpr size_t kMaxMessage = 64 * 1024;  // a runaway message must not fill the disk of the log

// Upper-case words of fixed width, as Kafka's logs have them.
class LevelWord : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& msg, const std::tm&,
              spdlog::memory_buf_t& out) override {
    std::string_view word = kNames[std::min<int>(msg.level, 4)];
    out.append(word.data(), word.data() + word.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelWord>();
  }
};

// The tree of loggers. Lives for ever: loggers may write while the process ends.
struct Tree {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<detail::Node>, std::less<>> nodes;
  std::map<std::string, Level, std::less<>> explicit_levels{{"", Level::kInfo}};
  std::shared_ptr<const Sink> sink;
  std::unique_ptr<spdlog::sinks::sink> output;

  Tree() {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<LevelWord>('*').set_pattern("[%Y-%m-%d %H:%M:%S,%e] %* %v (%n)");
    output = std::make_unique<spdlog::sinks::stderr_sink_mt>();
    output->set_formatter(std::move(formatter));
  }
};

Tree& tree() {
  static Tree* instance = new Tree;  // never destroyed, see above
  return *instance;
}

std::string_view canonical(std::string_view name) {
  return name == "root" ? std::string_view() : name;
}

Level effective(const Tree& t, std::string_view name) {
  for (;;) {
    if (auto it = t.explicit_levels.find(name); it != t.explicit_levels.end()) return it->second;
    auto dot = name.rfind('.');
    name = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
  }
}

void refresh(Tree& t) {
  for (auto it = t.nodes.begin(); it != t.nodes.end();) {
    if (auto node = it->second.lock()) {
      node->level.store(static_cast<int>(effective(t, it->first)), std::memory_order_relaxed);
      ++it;
    } else {
      it = t.nodes.erase(it);
    }
  }
}

// Control characters could forge lines or drive a terminal; continuation lines are indented for the
// same reason.
std::string printable(std::string_view message) {
  bool cut = message.size() > kMaxMessage;
  if (cut) message = message.substr(0, kMaxMessage);
  while (!message.empty() && (message.back() == '\n' || message.back() == '\r'))
    message.remove_suffix(1);
  std::string out;
  out.reserve(message.size());
  for (char c : message) {
    if (c == '\n') {
      out += "\n    ";
    } else if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) {
      out += '?';
    } else {
      out += c;
    }
  }
  if (cut) out += "... (cut)";
  return out;
}

}  // namespace

const char* to_string(Level level) {
  return kNames[static_cast<int>(level)];
}

Result<Level> parse_level(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (int i = 0; i <= static_cast<int>(Level::kOff); ++i) {
    if (upper == kNames[i]) return static_cast<Level>(i);
  }
  return Error{ErrorKind::kInvalid, "unknown log level '" + std::string(text) +
                                        "', expected one of TRACE, DEBUG, INFO, WARN, ERROR, OFF"};
}

Logger::Logger(std::string_view name) {
  name = canonical(name);
  Tree& t = tree();
  std::lock_guard lock(t.mutex);
  auto& slot = t.nodes[std::string(name)];
  node_ = slot.lock();
  if (node_) return;
  node_ = std::make_shared<detail::Node>();
  node_->name = name.empty() ? "root" : std::string(name);
  node_->level.store(static_cast<int>(effective(t, name)), std::memory_order_relaxed);
  slot = node_;
}

void Logger::write(Level at, std::string_view message) const {
  Tree& t = tree();
  std::shared_ptr<const Sink> sink;
  {
    std::lock_guard lock(t.mutex);
    sink = t.sink;
  }
  auto text = printable(message);
  if (sink) return (*sink)(at, node_->name, text);
  try {
    t.output->log({node_->name, static_cast<spdlog::level::level_enum>(at), text});
    if (at >= Level::kWarn) t.output->flush();
  } catch (const std::exception&) {
    // Standard error is gone; there is no other place to report that to.
  }
}

void set_level(std::string_view name, Level level) {
  Tree& t = tree();
  std::lock_guard lock(t.mutex);
  t.explicit_levels[std::string(canonical(name))] = level;
  refresh(t);
}

void clear_level(std::string_view name) {
  Tree& t = tree();
  std::lock_guard lock(t.mutex);
  if (canonical(name).empty()) {
    t.explicit_levels[""] = Level::kInfo;
  } else if (auto it = t.explicit_levels.find(name); it != t.explicit_levels.end()) {
    t.explicit_levels.erase(it);
  }
  refresh(t);
}

std::map<std::string, Level> levels() {
  Tree& t = tree();
  std::lock_guard lock(t.mutex);
  refresh(t);
  std::map<std::string, Level> out;
  for (const auto& [name, level] : t.explicit_levels) out[name.empty() ? "root" : name] = level;
  for (const auto& entry : t.nodes) {
    out[entry.first.empty() ? "root" : entry.first] = effective(t, entry.first);
  }
  return out;
}

void set_sink(Sink sink) {
  Tree& t = tree();
  std::lock_guard lock(t.mutex);
  t.sink = sink ? std::make_shared<const Sink>(std::move(sink)) : nullptr;
}

void flush() {
  tree().output->flush();
}

}  // namespace sluice::logging
