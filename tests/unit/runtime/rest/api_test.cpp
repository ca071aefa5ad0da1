// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/runtime/rest/worker_fixture.hpp"

namespace sluice::rest::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(ApiTest, RootHealthAndMetrics) {
  EXPECT_EQ(send("GET", "/").body,
            R"({"version":"4.1.0","commit":"abc","kafka_cluster_id":"the-cluster"})");
  EXPECT_EQ(
      send("GET", "/health").body,
      R"({"status":"healthy","message":"Worker has completed startup and is ready to handle requests."})");
  auto metrics = send("GET", "/metrics", "", "", "text/plain");
  EXPECT_EQ(metrics.body, "up 1\n");
  EXPECT_THAT(metrics.content_type, StartsWith("text/plain"));
  auto head = send("HEAD", "/");
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.body.empty());
}

TEST_F(ApiTest, HealthOfAWorkerThatIsNotReady) {
  herder::WorkerHerder starting;
  Api api(starting, authorizer_, {});
  Request request;
  request.method = "GET";
  request.target = *parse_target("/health");
  EXPECT_EQ(api.handle(request).status, 503);
  EXPECT_EQ(api.handle(request).body,
            R"({"status":"starting","message":"Worker is still starting up."})");
  request.target = *parse_target("/connectors");
  request.context.deadline = std::chrono::steady_clock::now();
  EXPECT_THAT(message(api.handle(request)),
              StartsWith("Request timed out. The worker is currently starting"));
  starting.failed("the disk is gone");
  request.target = *parse_target("/health");
  EXPECT_EQ(api.handle(request).status, 500);
  EXPECT_THAT(api.handle(request).body, HasSubstr("the disk is gone"));
}

TEST_F(ApiTest, CreateAndRead) {
  auto created = create("a", R"(,"tasks.max":2)");
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.headers, (Pairs{{"Location", "/connectors/a"}}));
  EXPECT_EQ(
      Json::parse(created.body),
      Json::parse(
          R"({"name":"a","config":{"connector.class":"FileSource","file":"/a","name":"a","tasks.max":"2"},
              "tasks":[{"connector":"a","task":0},{"connector":"a","task":1}],"type":"source"})"));
  EXPECT_EQ(send("GET", "/connectors").body, R"(["a"])");
  EXPECT_EQ(send("GET", "/connectors/").body, R"(["a"])");
  EXPECT_EQ(send("GET", "/connectors/a").body, created.body);
  EXPECT_EQ(get("/connectors/a/config")["tasks.max"], "2");
  eventually([&] { return get("/connectors/a/tasks/1/status").value("state", "") == "RUNNING"; });
  EXPECT_EQ(
      get("/connectors/a/status"),
      Json::parse(
          R"({"name":"a","connector":{"state":"RUNNING","worker_id":"w:1","version":"1.0"},"tasks":[
              {"id":0,"state":"RUNNING","worker_id":"w:1","version":"1.0"},
              {"id":1,"state":"RUNNING","worker_id":"w:1","version":"1.0"}],"type":"source"})"));
  EXPECT_EQ(get("/connectors/a/tasks")[1]["id"], Json::parse(R"({"connector":"a","task":1})"));
  EXPECT_EQ(get("/connectors/a/tasks")[1]["config"]["task.class"], "test.FileSourceTask");
  EXPECT_EQ(message(create("a")), "Connector a already exists");
  EXPECT_EQ(create("a").status, 409);
}

TEST_F(ApiTest, ExpandShowsWhatIsAskedFor) {
  create("a");
  EXPECT_EQ(send("GET", "/connectors?expand=nope").body, R"({"a":{}})");
  auto both = get("/connectors?expand=status&expand=info");
  EXPECT_EQ(both["a"]["status"]["name"], "a");
  EXPECT_EQ(both["a"]["info"]["type"], "source");
  EXPECT_FALSE(get("/connectors?expand=info")["a"].contains("status"));
}

TEST_F(ApiTest, UpdateAndPatch) {
  auto put = send("PUT", "/connectors/a/config", R"({"connector.class":"FileSource","file":"/a"})");
  EXPECT_EQ(put.status, 201);
  put = send("PUT", "/connectors/a/config", R"({"connector.class":"FileSource","file":"/b"})");
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(get("/connectors/a/config")["file"], "/b");
  auto patch = send("PATCH", "/connectors/a/config", R"({"file":"/c","mode":"slow"})");
  EXPECT_EQ(patch.status, 200);
  patch = send("PATCH", "/connectors/a/config", R"({"mode":null})");
  EXPECT_EQ(get("/connectors/a/config"),
            Json::parse(R"({"connector.class":"FileSource","file":"/c","name":"a"})"));
  EXPECT_EQ(send("PATCH", "/connectors/x/config", "{}").status, 404);
  EXPECT_EQ(send("PATCH", "/connectors/a/config", R"({"file":null})").status, 400);
  EXPECT_EQ(send("PATCH", "/connectors/a/config", R"({"name":"b"})").status, 400);
}

TEST_F(ApiTest, PauseResumeStopRestartDelete) {
  create("a");
  EXPECT_EQ(send("PUT", "/connectors/a/pause", "", "").status, 202);
  eventually([&] { return get("/connectors/a/status")["connector"]["state"] == "PAUSED"; });
  EXPECT_EQ(send("PUT", "/connectors/a/resume", "", "").status, 202);
  auto plain = send("POST", "/connectors/a/restart", "", "");
  EXPECT_EQ(plain.status, 204);
  EXPECT_TRUE(plain.body.empty());
  EXPECT_EQ(send("POST", "/connectors/a/restart?includeTasks=maybe", "", "").status, 204);
  auto full = send("POST", "/connectors/a/restart?includeTasks=TRUE", "", "");
  EXPECT_EQ(full.status, 202);
  EXPECT_EQ(Json::parse(full.body)["tasks"][0]["state"], "RESTARTING");
  EXPECT_EQ(send("POST", "/connectors/a/tasks/0/restart", "", "").status, 204);
  EXPECT_EQ(message(send("POST", "/connectors/a/tasks/5/restart", "", "")), "Task a-5 not found");
  EXPECT_EQ(send("PUT", "/connectors/a/stop", "", "").status, 204);
  eventually([&] { return get("/connectors/a/status")["tasks"].empty(); });
  EXPECT_EQ(get("/connectors/a/status")["connector"]["state"], "STOPPED");
  EXPECT_EQ(send("DELETE", "/connectors/a", "", "").status, 204);
  EXPECT_EQ(message(send("GET", "/connectors/a/status")), "No status found for connector a");
}

TEST_F(ApiTest, UnknownConnectors) {
  const std::pair<const char*, const char*> requests[] = {
      {"GET", "/connectors/x"},          {"GET", "/connectors/x/config"},
      {"GET", "/connectors/x/tasks"},    {"GET", "/connectors/x/offsets"},
      {"DELETE", "/connectors/x"},       {"PUT", "/connectors/x/stop"},
      {"POST", "/connectors/x/restart"}, {"POST", "/connectors/x/tasks/0/restart"},
  };
  for (const auto& [method, target] : requests) {
    auto response = send(method, target, "", "");
    EXPECT_EQ(response.status, 404) << method << target;
    EXPECT_EQ(message(response), "Connector x not found") << method << target;
  }
  EXPECT_EQ(message(send("PUT", "/connectors/x/pause", "", "")), "Unknown connector x");
  EXPECT_EQ(message(send("GET", "/connectors/x/tasks/0/status")), "No status found for task x-0");
  EXPECT_EQ(send("GET", "/connectors/x/topics").body, R"({"x":{"topics":[]}})");
  EXPECT_EQ(send("PUT", "/connectors/x/topics/reset", "", "").status, 202);
}

TEST_F(ApiTest, OffsetsOfSourcesAndSinks) {
  create("a");
  offsets_.offsets["a"] = {{R"({"filename":"/a"})", R"({"position":12})"}};
  EXPECT_EQ(send("GET", "/connectors/a/offsets").body,
            R"({"offsets":[{"partition":{"filename":"/a"},"offset":{"position":12}}]})");
  send("POST", "/connectors",
       R"({"name":"s","config":{"connector.class":"FileSink","file":"/a","topics":"t\"x"}})");
  log_.groups["connect-s"] = {{{"t\"x", PartitionId(3)}, Offset(42)}};
  EXPECT_EQ(
      send("GET", "/connectors/s/offsets").body,
      R"({"offsets":[{"partition":{"kafka_topic":"t\"x","kafka_partition":3},"offset":{"kafka_offset":42}}]})");
  EXPECT_EQ(send("DELETE", "/connectors/s/offsets", "", "").status, 501);
}

TEST_F(ApiTest, TopicsAndTheirReset) {
  create("a");
  eventually([&] { return host_.started().size() == 1; });
  host_.started()[0]->topic("lines");
  eventually(
      [&] { return send("GET", "/connectors/a/topics").body == R"({"a":{"topics":["lines"]}})"; });
  EXPECT_EQ(send("PUT", "/connectors/a/topics/reset", "", "").status, 202);
  EXPECT_EQ(send("GET", "/connectors/a/topics").body, R"({"a":{"topics":[]}})");
  Api without(herder_, authorizer_, {"", "", false, true, {}, {}});
  Request request;
  request.method = "GET";
  request.target = *parse_target("/connectors/a/topics");
  EXPECT_EQ(message(without.handle(request)), "Topic tracking is disabled.");
  EXPECT_EQ(without.handle(request).status, 403);
}

TEST_F(ApiTest, PluginsAndTheirConfigs) {
  EXPECT_EQ(send("GET", "/connector-plugins/").body,
            R"([{"class":"test.FileSinkConnector","type":"sink","version":"1.0"},)"
            R"({"class":"test.FileSourceConnector","type":"source","version":"1.0"}])");
  auto keys = get("/connector-plugins/FileSource/config");
  EXPECT_EQ(keys[0],
            Json::parse(R"({"name":"file","type":"STRING","required":true,"default_value":null,
    "importance":"HIGH","documentation":"The file.","group":null,"width":"NONE","display_name":"file",
    "dependents":[],"order":-1,"order_in_group":-1})"));
  EXPECT_EQ(send("GET", "/connector-plugins/Nope/config").status, 404);
}

TEST_F(ApiTest, Validate) {
  auto result = Json::parse(send("PUT", "/connector-plugins/FileSourceConnector/config/validate",
                                 R"({"connector.class":"FileSource","tasks.max":"x","mode":"odd",
                                     "value.converter":"JsonConverter","value.converter.schemas.enable":"7"})")
                                .body);
  EXPECT_EQ(result["name"], "FileSource");
  EXPECT_EQ(result["groups"], Json::parse(R"(["Common"])"));
  std::map<std::string, std::string> errors;
  for (const auto& config : result["configs"]) {
    if (!config["value"]["errors"].empty()) errors[config["value"]["name"]] = config["value"]["errors"][0];
  }
  EXPECT_EQ(result["error_count"], 6);  // a number that is none is null, too, as in Kafka
  EXPECT_THAT(errors["name"], StartsWith("Missing required configuration \"name\""));
  EXPECT_EQ(errors["tasks.max"],
            "Invalid value x for configuration tasks.max: Not a number of type INT");
  EXPECT_THAT(errors["file"], StartsWith("Missing required configuration \"file\""));
  EXPECT_EQ(errors["mode"],
            "Invalid value odd for configuration mode: String must be one of: fast, slow");
  EXPECT_THAT(errors["value.converter.schemas.enable"],
              StartsWith("Invalid value 7 for configuration"));
  // The class's own checks run once its keys are sound.
  result = Json::parse(send("PUT", "/connector-plugins/FileSource/config/validate",
                            R"({"connector.class":"FileSource","name":"n","file":"/forbidden"})")
                           .body);
  EXPECT_EQ(result["error_count"], 1);
  EXPECT_EQ(
      message(send("PUT", "/connector-plugins/FileSink/config/validate",
                   R"({"connector.class":"test.FileSourceConnector"})")),
      "Included connector type test.FileSourceConnector does not match request type FileSink");
}

TEST_F(ApiTest, Check) {
  const auto check = [&](const std::string& cls, const std::string& more) {
    return send("PUT", "/connector-plugins/" + cls + "/config/check",
                R"({"connector.class":")" + cls + R"(","name":"n","file":"/a")" + more + "}");
  };
  EXPECT_EQ(check("FileSource", "").body,
            R"({"name":"FileSource","result":"PASSED","message":null,)"
            R"("findings":[{"kind":"file","text":"/a for n"}]})");
  EXPECT_EQ(check("FileSource", R"(,"mode":"slow")").body,
            R"({"name":"FileSource","result":"FAILED","message":"the other side is away",)"
            R"("findings":[{"kind":"file","text":"/a for n"}]})");
  EXPECT_EQ(check("FileSink", "").body,
            R"({"name":"FileSink","result":"UNSUPPORTED","message":"no check","findings":[]})");
  EXPECT_THAT(message(check("FileSource", R"(,"mode":"odd")")), HasSubstr("one of: fast, slow"));
  EXPECT_THAT(message(check("Nope", "")), HasSubstr("which name matches Nope"));
  // It makes the worker connect: more than a look.
  authorizer_.refused = "plugin:FileSource";
  EXPECT_EQ(check("FileSource", "").status, 403);
}

TEST_F(ApiTest, ARefusedCreateLeavesNothingBehind) {
  auto refused = create("a", R"(,"mode":"odd")");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(message(refused),
            "Connector configuration is invalid and contains the following 1 error(s):\n"
            "Invalid value odd for configuration mode: String must be one of: fast, slow\n"
            "You can also find the above list of errors at the endpoint "
            "`/connector-plugins/{connectorType}/config/validate`");
  EXPECT_EQ(send("GET", "/connectors").body, "[]");
  EXPECT_EQ(send("GET", "/connectors/a/status").status, 404);
  EXPECT_EQ(configs_.writes, 0);
}

TEST_F(ApiTest, NamesWithAwkwardCharactersAreAddressed) {
  for (std::string name : {"a/b", "a%b", "a\\b", "a b", "ü", "a?b#c", ".."}) {
    auto config = Json{{"connector.class", "FileSource"}, {"file", "/a"}};
    auto created = send("POST", "/connectors", Json{{"name", name}, {"config", config}}.dump());
    ASSERT_EQ(created.status, 201) << name << created.body;
    std::string target = "/connectors/" + percent_encode(name);
    EXPECT_EQ(created.headers[0].second, target);
    EXPECT_EQ(get(target)["name"], name);
    EXPECT_EQ(send("DELETE", target, "", "").status, 204) << name;
  }
}

TEST_F(ApiTest, TheAuthorizerIsAskedForEveryConnector) {
  create("a");
  create("secret");
  authorizer_.refused = "connector:secret";
  auto refused = send("GET", "/connectors/secret");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(message(refused), HasSubstr("not allowed"));
  EXPECT_EQ(send("GET", "/connectors").body, R"(["a"])");
  EXPECT_EQ(send("DELETE", "/connectors/secret", "", "").status, 403);
  EXPECT_EQ(create("secret").status, 403);
  authorizer_.refused = "worker";
  EXPECT_EQ(send("GET", "/").status, 403);
}

TEST_F(ApiTest, WhatJerseyAnswers) {
  EXPECT_EQ(send("GET", "/nope").body, R"({"error_code":404,"message":"HTTP 404 Not Found"})");
  EXPECT_EQ(send("GET", "/connectors//config").status, 404);
  auto wrong = send("DELETE", "/connectors", "", "");
  EXPECT_EQ(wrong.body, R"({"error_code":405,"message":"HTTP 405 Method Not Allowed"})");
  EXPECT_EQ(wrong.headers, (Pairs{{"Allow", "GET, POST, HEAD, OPTIONS"}}));
  EXPECT_EQ(send("POST", "/connectors", "{}", "text/plain").body,
            R"({"error_code":415,"message":"HTTP 415 Unsupported Media Type"})");
  EXPECT_EQ(send("POST", "/connectors", "{}", "application/json; charset=utf-8").status, 400);
  EXPECT_EQ(send("GET", "/", "", "", "application/xml").body,
            R"({"error_code":406,"message":"HTTP 406 Not Acceptable"})");
  EXPECT_EQ(send("GET", "/", "", "", "text/html, application/*;q=0.5").status, 200);
  EXPECT_EQ(send("GET", "/", "", "", "application/json;q=0").status, 406);
  EXPECT_EQ(send("OPTIONS", "/connectors", "", "").status, 200);
}

}  // namespace
}  // namespace sluice::rest::testing
