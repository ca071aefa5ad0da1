// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/compat/kcql.hpp"

#include <gtest/gtest.h>

namespace sluice::mqtt_plugin {
namespace {

// `target<source converter keys delimiter`, one line for each statement; or the error.
std::string parse(std::string_view text) {
  const auto statements = parse_kcql(text);
  if (!statements.ok()) return statements.error().message;
  std::string lines;
  for (const KcqlStatement& one : *statements) {
    lines += one.target + "<" + one.source + " " + one.converter + " (";
    for (const std::string& key : one.keys) lines += key + ";";
    lines += ") " + one.delimiter + "\n";
  }
  return lines;
}

TEST(Kcql, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse("INSERT INTO readings SELECT * FROM plant/+/temp"),
            "readings<plant/+/temp  () .\n");
  EXPECT_EQ(
      parse("insert into `a-b` select * from `/x/#` withconverter=`io.x.JsonSimpleConverter`"),
      "a-b</x/# io.x.JsonSimpleConverter () .\n");
  EXPECT_EQ(parse("INSERT INTO t SELECT * FROM $share/g/a WITHCONVERTER=C WITHKEY(id, `a.b` ,c.d) "
                  "KEYDELIMITER='|'"),
            "t<$share/g/a C (id;a.b;c.d;) |\n");
  EXPECT_EQ(parse("INSERT INTO $ SELECT * FROM a WITHKEY (id);\n INSERT INTO b SELECT * FROM c ;"),
            "$<a  (id;) .\nb<c  () .\n");
}

TEST(Kcql, KeepsTheTextOfEachStatementSoThatTasksCanHaveTheirs) {
  const auto statements =
      parse_kcql(" INSERT INTO a SELECT * FROM `b;c` ; INSERT INTO d SELECT * FROM e WITHKEY(f) ");
  ASSERT_TRUE(statements.ok());
  ASSERT_EQ(statements->size(), 2u);
  EXPECT_EQ((*statements)[0].text, "INSERT INTO a SELECT * FROM `b;c`");
  EXPECT_EQ((*statements)[0].source, "b;c");
  EXPECT_EQ((*statements)[1].text, "INSERT INTO d SELECT * FROM e WITHKEY(f)");
}

TEST(Kcql, RefusesTheRestAndSaysWhatIsAllowed) {
  const auto refused = [](std::string_view text, std::string_view why) {
    const std::string said = parse(text);
    EXPECT_TRUE(said.starts_with(why)) << said;
    EXPECT_NE(said.find("Allowed is INSERT INTO <topic> SELECT * FROM <MQTT filter>"),
              std::string::npos)
        << said;
  };
  refused("", "there is no statement");
  refused(" ; ", "there is no statement");
  refused("UPSERT INTO a SELECT * FROM b", "'UPSERT' stands where INSERT is expected");
  refused("INSERT INTO a SELECT x, y FROM b", "'x' stands where * is expected");
  refused("INSERT INTO a SELECT *", "it ends where FROM is expected");
  refused("INSERT INTO a SELECT * FROM ;", "a name is missing");
  refused("INSERT INTO `a SELECT * FROM b", "a name that begins with ` has no end");
  refused("INSERT INTO a SELECT * FROM b WHERE x = 1", "'WHERE' is not understood");
  refused("INSERT INTO a SELECT * FROM b WITHREGEX=`x`", "'WITHREGEX' is not understood");
  refused("INSERT INTO a SELECT * FROM b WITHKEY(x", "it ends where ) is expected");
  refused("INSERT INTO a SELECT * FROM b WITHKEY()", "a name is missing");
}

}  // namespace
}  // namespace sluice::mqtt_plugin
