// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/parse.hpp"

#include <CLI/CLI.hpp>

#include "runtime/cli/cli.hpp"

namespace sluice::cli {
namespace {

CLI::Option* add_value(CLI::App& app, const Option& option) {
  if (auto* flag = std::get_if<bool*>(&option.target))
    return app.add_flag(option.names, **flag, option.help);
  if (auto* number = std::get_if<int*>(&option.target))
    return app.add_option(option.names, **number, option.help);
  if (auto* number = std::get_if<int64_t*>(&option.target)) {
    return app.add_option(option.names, **number, option.help);
  }
  if (auto* text = std::get_if<std::string*>(&option.target)) {
    return app.add_option(option.names, **text, option.help);
  }
  auto* list = app.add_option(option.names, *std::get<std::vector<std::string>*>(option.target),
                              option.help);
  // "--set a=1 FILE": the file is not a second value.
  if (!option.positional()) list->allow_extra_args(false);
  return list;
}

void add_option(CLI::App& app, const Option& option) {
  auto* added = add_value(app, option);
  if (option.required) added->required();
  if (!option.one_of.empty()) added->check(CLI::IsMember(option.one_of));
  if (!option.environment.empty()) added->envname(option.environment);
}

void add_commands(CLI::App& app, const Command& command, std::function<void()>& chosen) {
  for (const auto& option : command.options) add_option(app, option);
  for (const auto& sub : command.commands) {
    auto* added = app.add_subcommand(sub.name, sub.help);
    if (sub.hidden) added->group("");
    add_commands(*added, sub, chosen);
  }
  if (!command.commands.empty()) app.require_subcommand(1);
  if (command.run) app.callback([&command, &chosen] { chosen = command.run; });
}

}  // namespace

Parsed parse(const Command& root, const std::string& version, const std::string& footer, int argc,
             const char* const* argv) {
  Parsed parsed;
  CLI::App app(root.help, root.name);
  app.set_version_flag("--version", version);
  app.fallthrough();  // for the commands below, too: they inherit it
  app.footer(footer);
  add_commands(app, root, parsed.run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.run = nullptr;
    parsed.exit_code = app.exit(error) == 0 ? kExitOk : kExitUsage;  // 0: help and version
  }
  return parsed;
}

}  // namespace sluice::cli
