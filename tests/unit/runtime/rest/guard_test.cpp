// SPDX-License-Identifier: Apache-2.0
#include "runtime/rest/guard.hpp"

#include <gmock/gmock.h>

namespace sluice::rest {
namespace {

Guard::Headers get(const std::string& host, const std::string& origin = "",
                   const std::string& site = "") {
  return {"GET", host, origin, site, ""};
}
Guard::Headers post(const std::string& host, const std::string& origin = "",
                    const std::string& site = "") {
  return {"POST", host, origin, site, ""};
}

TEST(Guard, ToolsGetIn) {
  Guard guard({});
  for (const char* host :
       {"localhost:8083", "127.0.0.1:8083", "[::1]:8083", "LOCALHOST", "10.0.0.7", ""}) {
    EXPECT_FALSE(guard.check(get(host))) << host;
    EXPECT_FALSE(guard.check(post(host))) << host;
  }
}

TEST(Guard, ARebundNameDoesNot) {
  Guard guard({});
  auto refused = guard.check(get("evil.example:8083"));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 421);
  EXPECT_THAT(refused->body, ::testing::HasSubstr("rest.allowed.hosts"));
  EXPECT_TRUE(guard.check(get("localhost.evil.example")));
  EXPECT_TRUE(guard.check(get("127.0.0.1.evil.example")));
  GuardOptions options;
  options.allowed_hosts = {"gateway"};
  EXPECT_FALSE(Guard(options).check(get("Gateway:8083")));
  options = {};
  options.loopback = false;
  EXPECT_FALSE(Guard(options).check(get("connect.prod:8083")));
}

TEST(Guard, PagesOfOtherSitesDoNotUnlessAllowed) {
  Guard guard({});
  EXPECT_EQ(guard.check(post("localhost:8083", "http://evil.example"))->status, 403);
  EXPECT_EQ(guard.check(get("localhost:8083", "http://evil.example"))->status, 403);
  EXPECT_EQ(guard.check(post("localhost:8083", "null"))->status, 403);
  EXPECT_EQ(guard.check(post("localhost:8083", "", "cross-site"))->status, 403);
  EXPECT_FALSE(
      guard.check(get("localhost:8083", "", "cross-site")));  // a link that somebody follows
  EXPECT_FALSE(guard.check(post("localhost:8083", "http://localhost:8083")));
  GuardOptions options;
  options.allowed_origins = {"https://*.corp.example"};
  options.allowed_methods = {"GET", "PUT"};
  Guard open(options);
  EXPECT_FALSE(open.check(post("localhost:8083", "https://ui.corp.example")));
  EXPECT_TRUE(open.check(post("localhost:8083", "https://corp.example.evil")));
  auto preflight =
      open.check({"OPTIONS", "localhost", "https://ui.corp.example", "cross-site", "PUT"});
  ASSERT_TRUE(preflight);
  EXPECT_EQ(preflight->status, 200);
  EXPECT_THAT(preflight->headers,
              ::testing::Contains(Pairs::value_type("Access-Control-Allow-Methods", "GET,PUT")));
  EXPECT_THAT(open.response_headers(get("localhost", "https://ui.corp.example")),
              ::testing::Contains(
                  Pairs::value_type("Access-Control-Allow-Origin", "https://ui.corp.example")));
  EXPECT_THAT(open.response_headers(get("localhost")),
              ::testing::Contains(Pairs::value_type("X-Content-Type-Options", "nosniff")));
}

TEST(Guard, ExtraHeaders) {
  auto headers = parse_extra_headers("add Cache-Control: no-cache, \"set X-List: a,b\"");
  ASSERT_TRUE(headers.ok());
  EXPECT_EQ(*headers, (Pairs{{"Cache-Control", "no-cache"}, {"X-List", "a,b"}}));
  EXPECT_FALSE(parse_extra_headers("Cache-Control: no-cache").ok());
  EXPECT_FALSE(parse_extra_headers("frob X: y").ok());
  EXPECT_TRUE(parse_extra_headers("")->empty());
}

}  // namespace
}  // namespace sluice::rest
