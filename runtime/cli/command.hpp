// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

// The tree of `sluice` commands as plain data. The parser, --help and completion are made from it
// (parse.hpp, completion.cpp), so that they cannot differ, and only parse.cpp pays for the library
// that reads command lines.
namespace sluice::cli {

// What stands in the place of an argument: completion offers it.
enum class Values { kAny, kFiles, kConnectors, kTopics };

// An option ("-n,--limit") or, without dashes, an argument ("NAME"). `target` is written when the
// command line has it, must outlive the parse, and says how it is read: bool is a flag, a vector
// takes several.
struct Option {
  using Target = std::variant<bool*, int*, int64_t*, std::string*, std::vector<std::string>*>;

  std::string names{};
  Target target{};
  std::string help{};
  bool required = false;
  std::vector<std::string> one_of{};  // empty: any value
  Values values = Values::kAny;
  std::string environment{};  // the variable that gives the default

  bool positional() const { return names[0] != '-'; }
  bool flag() const { return std::holds_alternative<bool*>(target); }
};

// A command has `run` or commands of its own. (All members have initializers: left out ones are no
// warning.)
struct Command {
  std::string name{}, help{};
  std::vector<Option> options{};
  std::function<void()> run{};
  std::vector<Command> commands{};
  bool hidden = false;  // works, but help and completion do not show it
};

}  // namespace sluice::cli
