// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "runtime/herder/worker_herder.hpp"
#include "runtime/rest/api.hpp"
#include "tests/unit/runtime/herder/fakes.hpp"

namespace sluice::rest::testing {

using Json = nlohmann::ordered_json;

class FakeLog : public log::Log {
 public:
  void append(log::AppendRequest, log::AppendDone done) override {
    done(Error{ErrorKind::kUnsupported, "not here"});
  }
  Result<log::Fetched> read(const TopicPartitionName&, Offset, size_t) override {
    return Error{ErrorKind::kNotFound, "no such topic"};
  }
  std::unique_ptr<Watch> watch(std::vector<std::pair<TopicPartitionName, Offset>>,
                               std::function<void()>) override {
    return nullptr;
  }
  Result<std::unique_ptr<log::Consumer>> subscribe(const log::Subscription&,
                                                   std::function<void()>) override {
    return Error{ErrorKind::kUnsupported, "not here"};
  }
  Result<std::vector<log::GroupOffset>> group_offsets(const std::string& group) override {
    return groups[group];
  }
  Result<log::TopicInfo> create_topic(const log::TopicSpec& spec) override {
    if (spec.name == "there") return Error{ErrorKind::kConflict, "Topic 'there' already exists."};
    return log::TopicInfo{spec.name, "AAAAAAAAAAAAAAAAAAAAAQ", spec.partitions, false,
                          spec.configs};
  }
  Status delete_topic(const std::string& name) override {
    if (name == "there") return ok();
    return Error{ErrorKind::kNotFound, "The topic '" + name + "' does not exist."};
  }
  Result<std::vector<log::TopicInfo>> topics(const std::string&) override {
    return std::vector<log::TopicInfo>();
  }
  Result<std::vector<log::PartitionRange>> ranges(const std::string&) override {
    return std::vector<log::PartitionRange>();
  }
  Result<int64_t> fence(const std::string&) override { return 1; }
  std::string cluster_id() override { return "the-cluster"; }
  std::map<std::string, std::vector<log::GroupOffset>> groups;
};

// Refuses what names a resource in `refused`.
class PickyAuthorizer : public Authorizer {
 public:
  Status authorize(const RequestContext&, Operation, const std::string& resource) override {
    if (resource != refused) return ok();
    return Error{ErrorKind::kInvalid, "User:ANONYMOUS is not allowed to touch " + resource};
  }
  std::string refused;
};

// The API over the real herder and control plane, with fakes below.
class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    herder::ValidatorParts parts{registry_, {}, {}, {}, {}};
    parts.lane = [](const std::string&, const std::string&, const std::string&,
                    std::chrono::milliseconds, std::function<void()> work) {
      work();
      return ok();
    };
    parts.framework = [](plugin::Kind, const config::ConfigMap&) { return framework(); };
    parts.converter = [](const std::string& name) {
      static const config::ConfigDef def = converter();
      return name == "JsonConverter" ? &def : nullptr;
    };
    herder::ControlSettings settings;
    settings.worker_id = "w:1";
    settings.first_tasks_timeout = std::chrono::minutes(10);  // answers have their tasks
    plane_ = std::make_shared<herder::ControlPlane>(
        herder::Dependencies{*executor_, system_clock(), system_random(), configs_, statuses_,
                             offsets_, registry_, lanes_, host_},
        settings);
    herder_.ready({plane_,
                   std::make_shared<const herder::Validator>(parts),
                   registry_,
                   configs_,
                   statuses_,
                   offsets_,
                   log_,
                   {},
                   {}});
  }
  ~ApiTest() override {
    herder_.close();
    executor_.reset();
  }

  static config::ConfigDef framework() {
    config::ConfigDef def;
    config::ConfigKey name;
    name.name = "name";
    name.required = true;
    name.non_empty = true;
    name.group = "Common";
    name.order = 1;
    def.define(name);
    config::ConfigKey cls;
    cls.name = "connector.class";
    cls.required = true;
    cls.group = "Common";
    cls.order = 2;
    def.define(cls);
    config::ConfigKey tasks;
    tasks.name = "tasks.max";
    tasks.type = config::Type::kInt;
    tasks.default_value = "1";
    tasks.min = 1;
    tasks.group = "Common";
    def.define(tasks);
    config::ConfigKey value;
    value.name = "value.converter";
    value.group = "Common";
    def.define(value);
    return def;
  }
  static config::ConfigDef converter() {
    config::ConfigDef def;
    config::ConfigKey key;
    key.name = "schemas.enable";
    key.type = config::Type::kBoolean;
    key.default_value = "true";
    def.define(key);
    return def;
  }

  Response send(const std::string& method, const std::string& target, const std::string& body = "",
                const std::string& content_type = "application/json",
                const std::string& accept = "") {
    auto parsed = parse_target(target);
    if (!parsed.ok()) return to_response(parsed.error());
    Request request;
    request.method = method;
    request.target = std::move(parsed).value();
    request.body = body;
    request.content_type = content_type;
    request.accept = accept;
    return api_.handle(request);
  }
  Json get(const std::string& target) { return Json::parse(send("GET", target).body); }
  Response create(const std::string& name, const std::string& extra = "") {
    return send("POST", "/connectors",
                R"({"name":")" + name +
                    R"(","config":{"connector.class":"FileSource","file":"/a")" + extra + "}}");
  }
  static std::string message(const Response& response) {
    auto json = Json::parse(response.body);
    EXPECT_EQ(json.at("error_code"), response.status);
    EXPECT_EQ(json.size(), 2u);
    return json.at("message");
  }
  // Waits for what the control plane still does.
  template <class F>
  void eventually(F holds) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }

  std::unique_ptr<Executor> executor_ = thread_executor("herder", 1);
  herder::testing::FakeRegistry registry_;
  herder::testing::FakeConfigs configs_{*executor_};
  herder::testing::FakeStatuses statuses_;
  herder::testing::FakeOffsets offsets_;
  herder::testing::FakeLanes lanes_{*executor_};
  herder::testing::FakeHost host_;
  FakeLog log_;
  herder::WorkerHerder herder_;
  std::shared_ptr<herder::ControlPlane> plane_;
  PickyAuthorizer authorizer_;
  Api api_{
      herder_, authorizer_, {"4.1.0", "abc", true, true, [] { return std::string("up 1\n"); }, {}}};
};

}  // namespace sluice::rest::testing
