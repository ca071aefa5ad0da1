// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/cli/client.hpp"
#include "runtime/json/json.hpp"

namespace sluice::cli {
namespace {

// The long names in "-n,--limit".
std::string long_names(const Option& option) {
  std::string words;
  for (size_t at = 0; at < option.names.size();) {
    size_t end = std::min(option.names.find(',', at), option.names.size());
    if (option.names.compare(at, 2, "--") == 0) words += option.names.substr(at, end - at) + " ";
    at = end + 1;
  }
  return words;
}

const char* word_lister(Values values) {
  switch (values) {
    case Values::kFiles:
      return "$(compgen -f -- \"$current\")";
    case Values::kConnectors:
      return "$(sluice names connectors 2>/dev/null)";
    case Values::kTopics:
      return "$(sluice names topics 2>/dev/null)";
    case Values::kAny:
      break;
  }
  return nullptr;
}

// One line of the script's `case` for each command: the words that may follow it, at any place
// behind it.
void print_cases(const Command& command, const std::string& path) {
  for (const auto& sub : command.commands) {
    if (!sub.hidden) print_cases(sub, path.empty() ? sub.name : path + " " + sub.name);
  }
  std::string words = "--help ";
  for (const auto& sub : command.commands) {
    if (!sub.hidden) words += sub.name + " ";
  }
  std::string lister;
  for (const auto& option : command.options) {
    words += long_names(option);
    for (const auto& word : option.one_of) words += word + " ";
    if (const char* more = word_lister(option.values); more && option.positional()) lister += more;
  }
  // Arguments follow the command; where none are taken only the command itself matches.
  std::cout << "    '" << path << "'" << (command.run ? "*" : "") << ") words=\"" << words << lister
            << "\" ;;\n";
}

void print_script(const Command& root, const std::string& shell) {
  if (shell == "zsh") std::cout << "autoload -U +X bashcompinit && bashcompinit\n";
  std::cout << "# Completion of 'sluice' for " << shell << ": eval \"$(sluice completion " << shell
            << ")\"\n"
            << "_sluice() {\n  local current=${COMP_WORDS[COMP_CWORD]} path='' words='' word\n"
            << "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
            << "    case $word in -*) ;; *) path=\"${path:+$path }$word\" ;; esac\n  done\n  case "
               "$path in\n";
  print_cases(root, "");
  std::cout << "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\ncomplete -F "
               "_sluice sluice\n";
}

// Names for completion; silent when no worker answers.
void print_names(const Options& options, const std::string& what) {
  Response response = call(options, "GET", what == "topics" ? "/sluice/topics" : "/connectors");
  auto parsed = parse_json(response.ok() ? response.body : "[]");
  if (parsed.is_object()) parsed = parsed["topics"];
  for (const auto& entry : parsed) {
    std::cout << (entry.is_object() ? entry.value("name", "") : entry.get<std::string>()) << "\n";
  }
}

}  // namespace

Command completion_command(const Command& root) {
  auto shell = std::make_shared<std::string>("bash");
  return {.name = "completion",
          .help = "Print a completion script: eval \"$(sluice completion bash)\"",
          .options = {{"SHELL", shell.get(), "bash or zsh", false, {"bash", "zsh"}}},
          .run = [&root, shell] { print_script(root, *shell); }};
}

Command names_command(Options& options) {
  auto what = std::make_shared<std::string>();
  return {.name = "names",
          .help = "Names for completion",
          .options = {{"WHAT", what.get(), "", true, {"connectors", "topics"}}},
          .run = [&options, what] { print_names(options, *what); },
          .hidden = true};
}

const char* const kExitCodesHelp =
    "Exit codes: 0 done, 1 refused or damage found, 2 wrong usage, 3 no worker answers, 4 not "
    "found.";

void add_commands(Command& root, Options& options) {
  root.options.push_back({.names = "--worker",
                          .target = &options.worker,
                          .help = "REST address of the worker",
                          .environment = "SLUICE_WORKER"});
  root.options.push_back({.names = "--output",
                          .target = &options.output,
                          .help = "text or json",
                          .one_of = {"text", "json"}});
  root.commands.push_back(connector_commands(options));
  root.commands.push_back(topic_commands(options));
  root.commands.push_back(plugin_commands(options));
  root.commands.push_back(log_commands(options));
  root.commands.push_back(completion_command(root));
  root.commands.push_back(names_command(options));
}

}  // namespace sluice::cli
