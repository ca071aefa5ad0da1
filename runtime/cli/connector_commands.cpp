// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/cli/client.hpp"
#include "runtime/cli/connector_input.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/json/json.hpp"

namespace sluice::cli {
namespace {

std::string text_of(const Json& object, const std::string& key) {
  return object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
}

void list(Options& options) {
  Json all = fetch(options, "/connectors?expand=status&expand=info", "connectors");
  if (all.is_discarded()) return;
  if (options.json()) return print_json(all);
  Table table({"NAME", "TYPE", "STATE", "TASKS", "CLASS"});
  for (const auto& [name, entry] : all.items()) {
    std::string tasks;
    for (const auto& task : entry["status"]["tasks"]) {
      if (!tasks.empty()) tasks += ", ";
      tasks += std::to_string(task.value("id", 0)) + ": " + coloured_state(text_of(task, "state"));
    }
    table.add({name, text_of(entry["info"], "type"),
               coloured_state(text_of(entry["status"]["connector"], "state")),
               tasks.empty() ? "-" : tasks, text_of(entry["info"]["config"], "connector.class")});
  }
  if (table.rows() == 0) {
    std::cerr << "No connectors yet. Create one with 'sluice connector create FILE'.\n";
    return;
  }
  std::cout << table.text();
}

void describe(Options& options, const std::string& name) {
  const std::string path = "/connectors/" + encode(name);
  Json info = fetch(options, path, "connector " + name);
  if (info.is_discarded()) return;
  Json status = fetch(options, path + "/status", "connector " + name);
  if (status.is_discarded()) return;
  Json offsets = fetch(options, path + "/offsets", "connector " + name);
  if (offsets.is_discarded()) return;
  Json topics = fetch(options, path + "/topics", "connector " + name);
  if (topics.is_discarded()) return;
  Json used = topics.contains(name) ? topics[name]["topics"] : Json::array();
  if (options.json()) {
    return print_json(
        {{"info", info}, {"status", status}, {"offsets", offsets["offsets"]}, {"topics", used}});
  }
  std::cout << "Name:    " << name << "\nType:    " << text_of(info, "type")
            << "\nState:   " << coloured_state(text_of(status["connector"], "state"))
            << "\nWorker:  " << text_of(status["connector"], "worker_id") << "\n";
  if (auto trace = text_of(status["connector"], "trace"); !trace.empty())
    std::cout << "Trace:   " << trace << "\n";
  std::cout << "Topics: ";
  for (const auto& topic : used) std::cout << " " << topic.get<std::string>();
  std::cout << "\nConfig:\n";
  for (const auto& [key, value] : info["config"].items()) {
    std::cout << "  " << key << "="
              << (value.is_string() ? value.get<std::string>() : json_text(value)) << "\n";
  }
  std::cout << "Tasks:\n";
  for (const auto& task : status["tasks"]) {
    std::cout << "  " << task.value("id", 0) << "  " << coloured_state(text_of(task, "state"))
              << "  " << text_of(task, "worker_id") << "\n";
    if (auto trace = text_of(task, "trace"); !trace.empty()) std::cout << "     " << trace << "\n";
  }
  std::cout << "Offsets (durable):\n";
  for (const auto& offset : offsets["offsets"]) {
    std::cout << "  " << json_text(offset["partition"]) << " -> " << json_text(offset["offset"])
              << "\n";
  }
}

void create(Options& options, const std::vector<std::string>& inputs,
            const std::string& initial_state) {
  for (const auto& input : read_connectors(inputs, std::cin)) {
    if (!input.error.empty()) {
      std::cerr << input.error << "\n";
      options.exit_code = kExitUsage;
      return;
    }
    Json request{{"name", input.name}, {"config", input.config}};
    std::string state = initial_state.empty() ? input.initial_state : initial_state;
    if (!state.empty()) request["initial_state"] = state;
    Response response = call(options, "POST", "/connectors", json_text(request));
    if (!response.ok()) return report_failure(options, response, "connector " + input.name);
    if (options.json()) {
      print_json(parse_json(response.body));
    } else {
      std::cout << "Created connector " << input.name << ".\n";
      std::cerr << "See it with 'sluice connector describe " << input.name << "'.\n";
    }
  }
}

// Fields with an error, as KEY VALUE ERROR rows.
void print_findings(const Json& result) {
  Table table({"KEY", "VALUE", "ERROR"});
  for (const auto& config : result["configs"]) {
    const auto& value = config["value"];
    for (const auto& error : value["errors"]) {
      table.add({text_of(value, "name"), value["value"].is_null() ? "-" : text_of(value, "value"),
                 error.get<std::string>()});
    }
  }
  std::cout << table.text();
}

// Has the class of each config answer `question` (validate, check) about it, and shows the answers.
// The first that cannot be asked ends it.
void ask_classes(Options& options, const std::vector<std::string>& inputs,
                 const std::string& question,
                 const std::function<void(const ConnectorInput&, const Json&)>& show) {
  for (const auto& input : read_connectors(inputs, std::cin)) {
    if (!input.error.empty()) {
      std::cerr << input.error << "\n";
      options.exit_code = kExitUsage;
      return;
    }
    Json config = input.config;
    config["name"] = input.name;
    auto cls =
        config.contains("connector.class") ? config["connector.class"].get<std::string>() : "";
    if (cls.empty()) {
      std::cerr << input.source
                << ": connector.class is missing; 'sluice plugin list' shows the classes.\n";
      options.exit_code = kExitUsage;
      return;
    }
    Response response =
        call(options, "PUT", "/connector-plugins/" + encode(cls) + "/config/" + question,
             json_text(config));
    if (!response.ok()) return report_failure(options, response, input.source);
    show(input, parse_json(response.body));
  }
}

void validate(Options& options, const std::vector<std::string>& inputs) {
  ask_classes(options, inputs, "validate", [&](const ConnectorInput& input, const Json& result) {
    int errors = result.value("error_count", 0);
    if (errors > 0) options.exit_code = kExitFailed;
    if (options.json()) {
      print_json(result);
    } else if (errors == 0) {
      std::cout << input.source << ": valid\n";
    } else {
      std::cout << input.source << ": " << errors << (errors == 1 ? " error\n" : " errors\n");
      print_findings(result);
    }
  });
}

void check(Options& options, const std::vector<std::string>& inputs) {
  if (isatty(STDERR_FILENO) != 0)
    std::cerr << "Connecting; this may take as long as the other system lets us wait.\n";
  ask_classes(options, inputs, "check", [&](const ConnectorInput& input, const Json& result) {
    const std::string verdict = text_of(result, "result");
    if (verdict != "PASSED") options.exit_code = kExitFailed;
    if (options.json()) return print_json(result);
    const std::string message = text_of(result, "message");
    std::cout << input.source << ": "
              << (verdict == "PASSED"   ? "passed"
                  : verdict == "FAILED" ? "failed"
                                        : "not checked")
              << (message.empty() ? "" : ": " + message) << "\n";
    for (const auto& finding : result["findings"])
      std::cout << "  " << text_of(finding, "kind") << ": " << text_of(finding, "text") << "\n";
  });
}

// pause, resume, stop, delete: one request per name, all names tried.
void act(Options& options, const std::vector<std::string>& names, const std::string& method,
         const std::string& suffix, const std::string& done) {
  for (const auto& name : names) {
    Response response = call(options, method, "/connectors/" + encode(name) + suffix);
    if (!response.ok()) {
      report_failure(options, response, "connector " + name);
    } else if (options.json()) {
      std::cout << json_text(Json{{"name", name}, {"result", done}}) << "\n";
    } else {
      std::cout << "Connector " << name << ": " << done << ".\n";
    }
  }
}

}  // namespace

Command connector_commands(Options& options) {
  struct Arguments {
    std::vector<std::string> names, inputs;
    std::string name, initial_state;
    bool failed = false;
    int task = -1;
  };
  auto arguments = std::make_shared<Arguments>();
  const Option name{
      .names = "NAME", .target = &arguments->name, .required = true, .values = Values::kConnectors};
  const Option names{.names = "NAME",
                     .target = &arguments->names,
                     .required = true,
                     .values = Values::kConnectors};
  const Option files{
      .names = "FILE", .target = &arguments->inputs, .required = true, .values = Values::kFiles};
  const Option state{"--initial-state", &arguments->initial_state, "RUNNING, PAUSED or STOPPED"};

  Command connector{.name = "connector", .help = "List, create and control connectors"};
  auto& commands = connector.commands;
  commands.push_back(
      {"list", "All connectors with state and tasks", {}, [&options] { list(options); }});
  commands.push_back(
      {"describe", "Config, state, tasks, offsets of one connector", {name}, [&options, arguments] {
         describe(options, arguments->name);
       }});
  commands.push_back(
      {"create",
       "Create connectors from JSON or .properties files ('-' = stdin)",
       {files, state},
       [&options, arguments] { create(options, arguments->inputs, arguments->initial_state); }});
  commands.push_back({"validate",
                      "Check connector files without creating anything",
                      {files},
                      [&options, arguments] { validate(options, arguments->inputs); }});
  commands.push_back({"check",
                      "Connect with connector files, without creating anything or moving data",
                      {files},
                      [&options, arguments] { check(options, arguments->inputs); }});

  struct Action {
    const char *name, *help, *method, *suffix, *done;
  };
  static constexpr Action kActions[] = {
      {"pause", "Stop moving records, keep tasks and group membership", "PUT", "/pause", "pausing"},
      {"resume", "Go on after pause or stop", "PUT", "/resume", "resuming"},
      {"stop", "End the tasks, keep config and offsets", "PUT", "/stop", "stopped"},
      {"delete", "Remove the connector (its offsets stay)", "DELETE", "", "deleted"},
  };
  for (const auto& action : kActions) {
    commands.push_back({action.name, action.help, {names}, [&options, arguments, &action] {
                          act(options, arguments->names, action.method, action.suffix, action.done);
                        }});
  }

  const Option failed{"--only-failed", &arguments->failed, "Only what is FAILED"};
  const Option task{"--task", &arguments->task, "Only this task"};
  commands.push_back({"restart",
                      "Restart a connector and its tasks",
                      {names, failed, task},
                      [&options, arguments] {
                        // Unlike Kafka's bare POST .../restart, which restarts the connector object
                        // only: people mean the tasks too.
                        std::string suffix =
                            arguments->task >= 0
                                ? "/tasks/" + std::to_string(arguments->task) + "/restart"
                                : std::string("/restart?includeTasks=true&onlyFailed=") +
                                      (arguments->failed ? "true" : "false");
                        act(options, arguments->names, "POST", suffix, "restarting");
                      }});
  return connector;
}

}  // namespace sluice::cli
