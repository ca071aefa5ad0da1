// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/cli/client.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/json/json.hpp"

namespace sluice::cli {
namespace {

void list(Options& options, bool internal) {
  Json all = fetch(options, "/sluice/topics", "topics");
  if (all.is_discarded()) return;
  if (options.json()) return print_json(all);
  Table table({"NAME", "PARTITIONS", "RECORDS", "ID"});
  for (const auto& topic : all["topics"]) {
    if (topic.value("internal", false) && !internal) continue;
    table.add({topic.value("name", ""), std::to_string(topic.value("partitions", 0)),
               std::to_string(topic.value("records", int64_t{0})), topic.value("id", "")});
  }
  if (table.rows() == 0) {
    std::cerr << "No topics yet (--internal shows the worker's own).\n";
    return;
  }
  std::cout << table.text();
}

void describe(Options& options, const std::string& name) {
  Json topic = fetch(options, "/sluice/topics/" + encode(name), "topic " + name);
  if (topic.is_discarded()) return;
  if (options.json()) return print_json(topic);
  std::cout << "Name: " << name << "\nId:   " << topic.value("id", "")
            << "\nConfigs (that differ from the defaults):\n";
  for (const auto& [key, value] : topic["configs"].items()) {
    std::cout << "  " << key << "=" << value.get<std::string>() << "\n";
  }
  Table table({"PARTITION", "START", "END", "RECORDS"});
  for (const auto& partition : topic["partitions"]) {
    int64_t start = partition.value("start", int64_t{0});
    int64_t end = partition.value("end", int64_t{0});
    table.add({std::to_string(partition.value("partition", 0)), std::to_string(start),
               std::to_string(end), std::to_string(end - start)});
  }
  std::cout << table.text();
}

void create(Options& options, const std::string& name, int partitions,
            const std::vector<std::string>& configs) {
  Json body = Json::object();
  for (const auto& config : configs) {
    size_t equals = config.find('=');
    if (equals == 0 || equals == std::string::npos) {
      std::cerr << "--config " << config << ": write it as KEY=VALUE\n";
      options.exit_code = kExitUsage;
      return;
    }
    body[config.substr(0, equals)] = config.substr(equals + 1);
  }
  Response response = call(
      options, "PUT",
      "/sluice/topics/" + encode(name) + "?partitions=" + std::to_string(partitions), json_text(body));
  if (!response.ok()) return report_failure(options, response, "topic " + name);
  if (options.json()) return print_json(parse_json(response.body));
  std::cout << "Created topic " << name << ".\n";
}

void remove(Options& options, const std::string& name) {
  Response response = call(options, "DELETE", "/sluice/topics/" + encode(name));
  if (!response.ok()) return report_failure(options, response, "topic " + name);
  if (!options.json())
    std::cout << "Deleted topic " << name << ", its records and the offsets committed for it.\n";
}

struct ReadArguments {
  std::string name;
  std::string from = "start";
  int partition = -1;
  int64_t limit = -1;
  bool follow = false;
};

void print_record(const Options& options, const Json& record) {
  if (options.json()) {
    std::cout << json_text(record) << "\n";
    return;
  }
  auto side = [&record](const char* name) -> std::string {
    if (record.contains(std::string(name) + "_base64")) {
      return "base64:" + record[std::string(name) + "_base64"].get<std::string>();
    }
    return record[name].is_null() ? "null" : record[name].get<std::string>();
  };
  std::cout << record.value("partition", 0) << ":" << record.value("offset", int64_t{0}) << "\t"
            << side("key") << "\t" << side("value") << "\n";
}

// Start offsets of the partitions to read; empty after a reported failure.
std::map<int, int64_t> start_offsets(Options& options, const ReadArguments& arguments) {
  std::map<int, int64_t> offsets;
  Json topic =
      fetch(options, "/sluice/topics/" + encode(arguments.name), "topic " + arguments.name);
  if (topic.is_discarded()) return offsets;
  for (const auto& partition : topic["partitions"]) {
    int number = partition.value("partition", 0);
    if (arguments.partition >= 0 && number != arguments.partition) continue;
    int64_t start = partition.value("start", int64_t{0});
    int64_t end = partition.value("end", int64_t{0});
    offsets[number] = arguments.from == "start" ? start
                      : arguments.from == "end"
                          ? end
                          : std::max(start, static_cast<int64_t>(std::stoll(arguments.from)));
  }
  if (offsets.empty()) {
    std::cerr << "topic " << arguments.name << " has no partition " << arguments.partition << "\n";
    options.exit_code = kExitNotFound;
  }
  return offsets;
}

bool is_offset(const std::string& text) {
  int64_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  return error == std::errc() && end == text.data() + text.size() && offset >= 0;
}

void read(Options& options, const ReadArguments& arguments) {
  if (arguments.from != "start" && arguments.from != "end" && !is_offset(arguments.from)) {
    std::cerr << "--from must be start, end or an offset, not '" << arguments.from << "'\n";
    options.exit_code = kExitUsage;
    return;
  }
  auto offsets = start_offsets(options, arguments);
  int64_t left = arguments.limit;
  while (!offsets.empty() && left != 0) {
    bool progress = false;
    for (auto& [partition, offset] : offsets) {
      // A follower of one partition waits at the worker; of several, each gets its share of the
      // wait.
      int wait_ms = arguments.follow ? std::max(50, 1000 / static_cast<int>(offsets.size())) : 0;
      std::string path = "/sluice/topics/" + encode(arguments.name) +
                         "/records?partition=" + std::to_string(partition) +
                         "&offset=" + std::to_string(offset) +
                         "&limit=" + std::to_string(left < 0 ? 500 : std::min<int64_t>(left, 500)) +
                         "&wait_ms=" + std::to_string(wait_ms);
      Json page = fetch(options, path, "topic " + arguments.name);
      if (page.is_discarded()) return;
      for (const auto& record : page["records"]) {
        print_record(options, record);
        if (left > 0) --left;
      }
      int64_t next = page.value("next_offset", offset);
      progress |= next != offset;
      offset = next;
      if (left == 0) break;
    }
    std::cout.flush();
    if (!progress && !arguments.follow) break;
  }
}

}  // namespace

Command topic_commands(Options& options) {
  auto internal = std::make_shared<bool>(false);
  auto arguments = std::make_shared<ReadArguments>();
  auto partitions = std::make_shared<int>(1);
  auto configs = std::make_shared<std::vector<std::string>>();
  const Option name{
      .names = "NAME", .target = &arguments->name, .required = true, .values = Values::kTopics};
  Command topic{.name = "topic", .help = "The log's topics"};
  topic.commands.push_back({"list",
                            "All topics",
                            {{"--internal", internal.get(), "The worker's own topics too"}},
                            [&options, internal] { list(options, *internal); }});
  topic.commands.push_back(
      {"describe", "Partitions, offsets and configs of one topic", {name}, [&options, arguments] {
         describe(options, arguments->name);
       }});
  topic.commands.push_back({"create",
                            "Make a topic",
                            {{.names = "NAME", .target = &arguments->name, .required = true},
                             {"-p,--partitions", partitions.get(), "How many partitions (1)"},
                             {"-c,--config", configs.get(), "A topic config, KEY=VALUE"}},
                            [&options, arguments, partitions, configs] {
                              create(options, arguments->name, *partitions, *configs);
                            }});
  topic.commands.push_back(
      {"delete", "Delete a topic with its records", {name}, [&options, arguments] {
         remove(options, arguments->name);
       }});
  topic.commands.push_back({"read",
                            "Print records: partition:offset, key, value",
                            {name,
                             {"--from", &arguments->from, "start (default), end, or an offset"},
                             {"-p,--partition", &arguments->partition, "Only this partition"},
                             {"-n,--limit", &arguments->limit, "Stop after so many records"},
                             {"-f,--follow", &arguments->follow, "Wait for more at the end"}},
                            [&options, arguments] { read(options, *arguments); }});
  return topic;
}

}  // namespace sluice::cli
