// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/cli/client.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/json/json.hpp"

namespace sluice::cli {
namespace {

void list(Options& options, bool all) {
  const std::string path =
      std::string("/connector-plugins?connectorsOnly=") + (all ? "false" : "true");
  Response response = call(options, "GET", path);
  if (!response.ok()) return report_failure(options, response, "plugins");
  Json plugins = parse_json(response.body);
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
  Json keys = parse_json(response.body);
  if (options.json()) return print_json(keys);
  Table table({"KEY", "TYPE", "DEFAULT", "IMPORTANCE", "DOCUMENTATION"});
  for (const auto& key : keys) {
    std::string fallback = key["required"].get<bool>() ? "(required)"
                           : key["default_value"].is_null()
                               ? "-"
                               : key["default_value"].get<std::string>();
    std::string documentation = key.value("documentation", "");
    if (documentation.size() > 90) documentation = documentation.substr(0, 87) + "...";
    table.add({key.value("name", ""), key.value("type", ""), fallback, key.value("importance", ""),
               documentation});
  }
  std::cout << table.text();
}

}  // namespace

Command plugin_commands(Options& options) {
  auto all = std::make_shared<bool>(false);
  auto name = std::make_shared<std::string>();
  Command plugin{.name = "plugin", .help = "Connector classes that the worker can run"};
  plugin.commands.push_back({"list",
                             "Classes with type and version",
                             {{"--all", all.get(), "Converters and transformations too"}},
                             [&options, all] { list(options, *all); }});
  plugin.commands.push_back({"describe",
                             "The config keys of one class",
                             {{.names = "CLASS", .target = name.get(), .required = true}},
                             [&options, name] { describe(options, *name); }});
  return plugin;
}

}  // namespace sluice::cli
