// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/cli/client.hpp"
#include "runtime/cli/table.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

void list(Options& options, bool all) {
  const std::string path = std::string("/connector-plugins?connectorsOnly=") + (all ? "false" : "true");
  Response response = call(options, "GET", path);
  if (!response.ok()) return report_failure(options, response, "plugins");
  Json plugins = Json::parse(response.body, nullptr, false);
  if (options.json()) return print_json(plugins);
  Table table({"TYPE", "CLASS", "VERSION"});
  for (const auto& plugin : plugins) {
    table.add({plugin.value("type", ""), plugin.value("class", ""), plugin.value("version", "-")});
  }
  if (table.rows() == 0) {
    std::cerr << "No plugins found; the worker looks in the folders of plugin.path.\n";
    return;
  }
  std::cout << table.text();
}

void describe(Options& options, const std::string& name) {
  Response response = call(options, "GET", "/connector-plugins/" + encode(name) + "/config");
  if (!response.ok()) return report_failure(options, response, "plugin " + name);
  Json keys = Json::parse(response.body, nullptr, false);
  if (options.json()) return print_json(keys);
  Table table({"KEY", "TYPE", "DEFAULT", "IMPORTANCE", "DOCUMENTATION"});
  for (const auto& key : keys) {
    std::string fallback = key["required"].get<bool>() ? "(required)"
                           : key["default_value"].is_null() ? "-" : key["default_value"].get<std::string>();
    std::string documentation = key.value("documentation", "");
    if (documentation.size() > 90) documentation = documentation.substr(0, 87) + "...";
    table.add({key.value("name", ""), key.value("type", ""), fallback, key.value("importance", ""), documentation});
  }
  std::cout << table.text();
}

}  // namespace

void add_plugin_commands(CLI::App& app, Options& options) {
  auto* plugin = app.add_subcommand("plugin", "Connector classes that the worker can run");
  plugin->require_subcommand(1);
  auto all = std::make_shared<bool>(false);
  auto* list_command = plugin->add_subcommand("list", "Classes with type and version");
  list_command->add_flag("--all", *all, "Converters and transformations too");
  list_command->callback([&options, all] { list(options, *all); });
  auto name = std::make_shared<std::string>();
  auto* describe_command = plugin->add_subcommand("describe", "The config keys of one class");
  describe_command->add_option("CLASS", *name)->required();
  describe_command->callback([&options, name] { describe(options, *name); });
}

}  // namespace sluice::cli
