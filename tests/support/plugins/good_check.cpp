// SPDX-License-Identifier: Apache-2.0
// A source without a fault whose connection can be checked.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

struct Checks {
  static Status check(const Context& context, const Config& config) {
    const std::string topic = config.get_string("topic");
    context.report_event("topic", topic + " is there");
    if (topic == "away") return Error::not_connected("the other side is away");
    return ok();
  }
};
}  // namespace

SLUICE_PLUGIN("good_check", "1.0.0",
              sluice::fixture::a_source<sluice::fixture::Source>("good.Check").connector<Checks>());
