// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/cli/client.hpp"

namespace sluice::cli {
namespace {

// Every word that may follow `app`, taken from the command tree itself so that it is never out of date.
void print_words(const CLI::App& app, const std::string& path) {
  std::string words;
  for (const auto* sub : app.get_subcommands([](const CLI::App* a) { return !a->get_group().empty(); })) {
    words += sub->get_name() + " ";
  }
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) words += "--" + name + " ";
  }
  std::cout << "    '" << path << "') words='" << words << "' ;;\n";
  for (const auto* sub : app.get_subcommands([](const CLI::App* a) { return !a->get_group().empty(); })) {
    print_words(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name());
  }
}

void print_script(const CLI::App& root, const std::string& shell) {
  if (shell == "zsh") std::cout << "autoload -U +X bashcompinit && bashcompinit\n";
  std::cout << "# Completion of 'sluice' for " << shell << ": eval \"$(sluice completion " << shell << ")\"\n"
            << "_sluice() {\n  local current=${COMP_WORDS[COMP_CWORD]} path='' words='' word\n"
            << "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
            << "    case $word in -*) ;; *) path=\"${path:+$path }$word\" ;; esac\n  done\n  case $path in\n";
  print_words(root, "");
  std::cout << "  esac\n"
            << "  case $path in\n"
            << "    'connector describe'|'connector pause'*|'connector resume'*|'connector stop'*|'connector restart'*|"
               "'connector delete'*) words=\"$words $(sluice names connectors 2>/dev/null)\" ;;\n"
            << "    'topic describe'|'topic read') words=\"$words $(sluice names topics 2>/dev/null)\" ;;\n"
            << "    'connector create'*|'connector validate'*|'run'*) COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
            << "  esac\n"
            << "  COMPREPLY+=($(compgen -W \"$words\" -- \"$current\"))\n}\ncomplete -F _sluice sluice\n";
}

// Names for completion; silent when no worker answers.
void print_names(const Options& options, const std::string& what) {
  Response response = call(options, "GET", what == "topics" ? "/sluice/topics" : "/connectors");
  auto parsed = nlohmann::ordered_json::parse(response.ok() ? response.body : "[]", nullptr, false);
  if (parsed.is_object()) parsed = parsed["topics"];
  for (const auto& entry : parsed) {
    std::cout << (entry.is_object() ? entry.value("name", "") : entry.get<std::string>()) << "\n";
  }
}

}  // namespace

void add_completion_command(CLI::App& app, Options& options) {
  auto shell = std::make_shared<std::string>("bash");
  auto* completion = app.add_subcommand("completion", "Print a completion script: eval \"$(sluice completion bash)\"");
  completion->add_option("SHELL", *shell, "bash or zsh")->check(CLI::IsMember({"bash", "zsh"}));
  completion->callback([&app, shell] { print_script(app, *shell); });

  auto what = std::make_shared<std::string>();
  auto* names = app.add_subcommand("names", "Names for completion")->group("");
  names->add_option("WHAT", *what)->required()->check(CLI::IsMember({"connectors", "topics"}));
  names->callback([&options, what] { print_names(options, *what); });
}

void add_commands(CLI::App& app, Options& options) {
  app.add_option("--worker", options.worker, "REST address of the worker")->envname("SLUICE_WORKER");
  app.add_option("--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
  app.fallthrough();
  app.footer("Exit codes: 0 done, 1 refused or damage found, 2 wrong usage, 3 no worker answers, 4 not found.");
  add_connector_commands(app, options);
  add_topic_commands(app, options);
  add_plugin_commands(app, options);
  add_log_commands(app, options);
  add_completion_command(app, options);
}

}  // namespace sluice::cli
