// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/runtime/rest/worker_fixture.hpp"

namespace sluice::rest::testing {
namespace {

using ::testing::HasSubstr;

struct BadInput {
  const char* name;
  const char* method;
  const char* target;
  std::string body;
  const char* says;  // the place that the message has to name
};

void PrintTo(const BadInput& input, std::ostream* out) {
  *out << input.name;
}

class BadInputTest : public ApiTest, public ::testing::WithParamInterface<BadInput> {};

// Where a running Kafka Connect answers 500, the caller hears what is wrong, and nothing is left
// behind.
TEST_P(BadInputTest, Is400AndNamesThePlace) {
  const auto& input = GetParam();
  auto response = send(input.method, input.target, input.body);
  EXPECT_EQ(response.status, 400) << response.body;
  EXPECT_THAT(message(response), HasSubstr(input.says));
  EXPECT_EQ(send("GET", "/connectors").body, "[]");
}

const BadInput kInputs[] = {
    {"Malformed", "POST", "/connectors", "{\"name\":\n  nope}", "line 2, column"},
    {"Truncated", "POST", "/connectors", "{\"name\":\"a\"", "line 1, column 12"},
    {"Empty", "POST", "/connectors", "", "body is empty"},
    {"Array", "POST", "/connectors", "[]", "not an array"},
    {"Null", "POST", "/connectors", "null", "not null"},
    {"NoConfig", "POST", "/connectors", R"({"name":"a"})", "\"config\""},
    {"ConfigArray", "POST", "/connectors", R"({"name":"a","config":[]})",
     "\"config\" must be an object"},
    {"NullConfig", "POST", "/connectors", R"({"name":"a","config":null})", "\"config\""},
    {"UnknownField", "POST", "/connectors", R"({"nmae":"a","config":{}})", "\"nmae\""},
    {"NestedValue", "POST", "/connectors", R"({"name":"a","config":{"x":{"y":1}}})", "\"x\""},
    {"ArrayValue", "POST", "/connectors", R"({"name":"a","config":{"x":[1]}})", "\"x\""},
    {"NullValue", "POST", "/connectors",
     R"({"name":"a","config":{"connector.class":"FileSource","file":null}})", "\"file\""},
    {"InitialState", "POST", "/connectors", R"({"name":"a","config":{},"initial_state":"FAST"})",
     "FAST"},
    {"NameMismatch", "POST", "/connectors", R"({"name":"a","config":{"name":"b"}})",
     "Connector name configuration (b) doesn't match connector name in the URL (a)"},
    {"NameObject", "POST", "/connectors", R"({"name":{},"config":{}})", "\"name\""},
    {"NoClass", "POST", "/connectors", R"({"name":"a","config":{"secret":"S3CR3T"}})",
     "contains no connector type"},
    {"UnknownClass", "POST", "/connectors", R"({"name":"a","config":{"connector.class":"Fil"}})",
     "which name matches Fil"},
    {"EmptyName", "POST", "/connectors",
     R"({"config":{"connector.class":"FileSource","file":"/a"}})", "configuration name"},
    {"ControlName", "POST", "/connectors",
     R"({"name":"a\u0007","config":{"connector.class":"FileSource","file":"/a"}})",
     "configuration name"},
    {"Repeated", "POST", "/connectors", R"({"name":"a","name":"b","config":{}})", "\"name\" twice"},
    {"Deep", "POST", "/connectors", std::string(100'000, '['), "nested deeper than 32"},
    {"BadUtf8", "POST", "/connectors", "{\"name\":\"\xff\"}", "line 1"},
    {"PutNull", "PUT", "/connectors/a/config", "null", "not null"},
    {"PutNested", "PUT", "/connectors/a/config", R"({"x":{}})", "\"x\""},
    {"PutOtherName", "PUT", "/connectors/a/config", R"({"name":"b"})", "(b) doesn't match"},
    {"ValidateNoClass", "PUT", "/connector-plugins/FileSource/config/validate", "{}",
     "contains no connector type"},
    {"ValidateArray", "PUT", "/connector-plugins/FileSource/config/validate", "[]", "not an array"},
    {"CheckNoClass", "PUT", "/connector-plugins/FileSource/config/check", "{}",
     "contains no connector type"},
    {"CheckOtherClass", "PUT", "/connector-plugins/FileSink/config/check",
     R"({"connector.class":"FileSource"})", "does not match request type FileSink"},
    {"BrokenPercent", "GET", "/connectors/a%2", "", "percent-encoding"},
    {"BrokenPercent2", "GET", "/connectors/%zz/status", "", "percent-encoding"},
};
INSTANTIATE_TEST_SUITE_P(Table, BadInputTest, ::testing::ValuesIn(kInputs),
                         [](const auto& input) { return std::string(input.param.name); });

TEST_F(ApiTest, ValuesOfAConfigAreNotRepeatedInErrors) {
  auto response = send("POST", "/connectors", R"({"name":"a","config":{"password":"S3CR3T"}})");
  EXPECT_THAT(response.body, ::testing::Not(HasSubstr("S3CR3T")));
  EXPECT_THAT(response.body, HasSubstr("password"));
}

TEST_F(ApiTest, ScalarsBecomeStringsAsTheyAreWritten) {
  auto created = create(
      "a", R"(,"i":7,"big":123456789012345678901234567890,"f":1.50,"e":1e3,"b":true,"n":-0)");
  ASSERT_EQ(created.status, 201) << created.body;
  auto config = get("/connectors/a/config");
  EXPECT_EQ(config["i"], "7");
  EXPECT_EQ(config["big"], "123456789012345678901234567890");
  EXPECT_EQ(config["f"], "1.50");
  EXPECT_EQ(config["e"], "1e3");
  EXPECT_EQ(config["b"], "true");
}

TEST_F(ApiTest, TooManyFieldsAreRefusedQuickly) {
  std::string body = "{\"name\":\"a\",\"config\":{";
  for (int i = 0; i < 60'000; ++i) body += "\"k" + std::to_string(i) + "\":1,";
  body += "\"z\":1}}";
  EXPECT_THAT(message(send("POST", "/connectors", body)), HasSubstr("more than 4096 fields"));
}

}  // namespace
}  // namespace sluice::rest::testing
