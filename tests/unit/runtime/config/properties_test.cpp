// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/properties.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "runtime/config/connector_file.hpp"

namespace sluice::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

ConfigMap parse(std::string_view text) {
  auto map = parse_properties_map(text, "f", nullptr);
  EXPECT_TRUE(map.ok()) << map.error().message;
  return map.ok() ? *map : ConfigMap();
}

TEST(Properties, SeparatorsCommentsAndBlanks) {
  EXPECT_THAT(parse("a=1\n b : 2\r\nc 3\rd\n# e=5\n!f=6\n\n  \n  g  =  7 8  \nh=\ni:=x\n"),
              ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3"), Pair("d", ""), Pair("g", "7 8  "),
                          Pair("h", ""), Pair("i", "=x")));
}

TEST(Properties, ContinuationsAndEscapes) {
  EXPECT_THAT(parse("a=1,\\\n   2,\\\n\t3\nb\\ c\\:d=\\u00e9\\ud83d\\ude00\\t\\q\\\\\nlast=x\\"),
              ElementsAre(Pair("a", "1,2,3"), Pair("b c:d", "\xc3\xa9\xf0\x9f\x98\x80\tq\\"), Pair("last", "x")));
  EXPECT_THAT(parse("a=1\\\\\nb=2"), ElementsAre(Pair("a", "1\\"), Pair("b", "2")));
  EXPECT_THAT(parse("a=1\\\n# no comment"), ElementsAre(Pair("a", "1# no comment")));
}

TEST(Properties, Encodings) {
  EXPECT_THAT(parse("a=\xc3\xa9"), ElementsAre(Pair("a", "\xc3\xa9")));
  EXPECT_THAT(parse("a=\xe9"), ElementsAre(Pair("a", "\xc3\xa9")));
  EXPECT_THAT(parse("\xef\xbb\xbf"
                    "a=1"),
              ElementsAre(Pair("a", "1")));
}

TEST(Properties, TheLastOfEqualKeysCounts) {
  std::vector<std::string> warnings;
  auto map = parse_properties_map("a=1\nb=2\na=3\n", "f", &warnings);
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map->at("a"), "3");
  EXPECT_THAT(warnings, ElementsAre("f:3: a is there already in line 1; the last one counts"));
}

TEST(Properties, ErrorsNameTheLine) {
  auto bad = parse_properties("a=1\n\nb=\\u12x4\n", "worker.properties");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(bad.error().message, "worker.properties:3: Malformed \\uxxxx encoding.");
  EXPECT_FALSE(parse_properties(std::string_view("a=\0", 3), "f").ok());
  EXPECT_FALSE(parse_properties("a=\\ud800x", "f").ok());
  EXPECT_FALSE(parse_properties(std::string(kMaxConfigFile + 1, 'a'), "f").ok());
}

TEST(Properties, AnyBytesGiveAnAnswer) {
  std::mt19937 random(7);
  const std::string alphabet = "ab=: \t\n\r\\u0d8#!\xc3\xa9\xff{}\"";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (size_t n = random() % 40; n; --n) text += alphabet[random() % alphabet.size()];
    auto parsed = parse_properties(text, "f");
    if (!parsed.ok()) {
      EXPECT_THAT(parsed.error().message, StartsWith("f:"));
    }
    (void)parse_connector_file(text, "f").ok();
  }
}

TEST(ConnectorFile, FlatJson) {
  auto file = parse_connector_file(R"({"name":"n","tasks.max":1,"b":true,"f":1.50,"s":"x"})", "c.json");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->name, "n");
  EXPECT_THAT(file->config, ElementsAre(Pair("b", "true"), Pair("f", "1.50"), Pair("name", "n"), Pair("s", "x"),
                                        Pair("tasks.max", "1")));
  EXPECT_EQ(file->initial_state, "");
}

TEST(ConnectorFile, NestedJson) {
  auto file = parse_connector_file(R"( {"name":"n","config":{"a":"1"},"initial_state":"paused","x":[1]})", "c.json");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_THAT(file->config, ElementsAre(Pair("a", "1"), Pair("name", "n")));
  EXPECT_EQ(file->initial_state, "PAUSED");
}

TEST(ConnectorFile, JavaProperties) {
  auto file = parse_connector_file("# c\nname=n\ntopics=a,b\n", "c.properties");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_THAT(file->config, ElementsAre(Pair("name", "n"), Pair("topics", "a,b")));
}

TEST(ConnectorFile, ErrorsNameThePlace) {
  auto message = [](const char* text) {
    auto file = parse_connector_file(text, "c.json");
    return file.ok() ? std::string("no error") : file.error().message;
  };
  EXPECT_EQ(message("a=1"), "Connector configuration at 'c.json' is missing the mandatory 'name' configuration");
  EXPECT_EQ(message(R"({"a":"1"})"),
            "Connector configuration at 'c.json' is missing the mandatory 'name' configuration");
  EXPECT_EQ(message(R"({"name":"a","config":{"name":"b"}})"),
            "Connector name configuration in 'config' doesn't match the one specified in 'name' at 'c.json'");
  EXPECT_THAT(message("{\n\"name\": \"a\",\n\"b\": }"), StartsWith("c.json:3: "));
  EXPECT_EQ(message(R"({"name":"a","b":{}})"),
            "c.json: \"b\" must be a string, a number or a boolean, but is object");
  EXPECT_EQ(message(R"({"name":"a","config":{"b":null}})"),
            "c.json: config.\"b\" must be a string, a number or a boolean, but is null");
  EXPECT_THAT(message(R"({"name":"a","config":{},"initial_state":"X"})"), HasSubstr("RUNNING, PAUSED, STOPPED"));
  EXPECT_EQ(message("[1]"), "c.json: a JSON object was expected");
  EXPECT_EQ(message(" \n"), "c.json: the file is empty");
  EXPECT_THAT(message((std::string(5000, '[')).c_str()), HasSubstr("nested deeper"));
}

TEST(ConnectorFile, ReadsFiles) {
  char folder[] = "/tmp/sluice_config_XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/c.properties";
  std::ofstream(path) << "name=n\n";
  EXPECT_TRUE(read_connector_file(path).ok());
  EXPECT_EQ(read_connector_file(path + "x").error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(read_connector_file(folder).error().message, HasSubstr("is a directory"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::config
