// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <exception>
#include <set>

#include "laws.hpp"

namespace sluice::runner {

using sdk::view;
using testkit::ConfigMap;

namespace {

bool number_type(uint8_t type) {
  return type == SLUICE_CONFIG_INT || type == SLUICE_CONFIG_SHORT || type == SLUICE_CONFIG_LONG ||
         type == SLUICE_CONFIG_DOUBLE;
}

bool is_allowed(const sluice_config_key& key, std::string_view value) {
  if (key.allowed_count == 0) return true;
  for (uint32_t i = 0; i < key.allowed_count; ++i) {
    const std::string_view allowed = view(key.allowed[i]);
    if (allowed == value) return true;
    if ((key.flags & SLUICE_KEY_IGNORE_CASE) != 0 && sdk::detail::equals_ignoring_case(allowed, value)) return true;
  }
  return false;
}

// What the ConfigDef has against a value of its own, or empty.
std::string fault_of_value(const sluice_config_key& key, std::string_view text) {
  sluice_pair entry = {key.name, sdk::to_str(text)};
  const sluice_config raw = {sizeof(sluice_config), 1, &entry};
  const sdk::Config config(&raw);
  const std::string_view name = view(key.name);
  double measure = 0;
  if (number_type(key.type)) {
    const bool whole = key.type != SLUICE_CONFIG_DOUBLE;
    const auto number = config.get_double(name);
    if (!number.ok() || (whole && !config.get_long(name).ok())) return "is no number";
    if (key.type == SLUICE_CONFIG_INT && !config.get_int(name).ok()) return "is no number of 32 bits";
    measure = *number;
  } else if (key.type == SLUICE_CONFIG_BOOLEAN) {
    if (!config.get_bool(name).ok()) return "is neither true nor false";
  } else if (key.type == SLUICE_CONFIG_LIST) {
    const auto list = config.get_list(name);
    measure = static_cast<double>(list.size());
    for (const auto& item : list) {
      if (!is_allowed(key, item)) return "has an element that is not allowed";
    }
  } else if (!is_allowed(key, text)) {
    return "is not allowed";
  }
  if ((key.flags & SLUICE_KEY_HAS_MIN) != 0 && measure < key.min) return "is below min";
  if ((key.flags & SLUICE_KEY_HAS_MAX) != 0 && measure > key.max) return "is above max";
  if ((key.flags & SLUICE_KEY_NON_EMPTY) != 0 && text.empty()) return "is empty";
  return "";
}

void check_key(const sluice_config_key& key, const std::set<std::string>& names, Verdict& verdict) {
  const std::string name(view(key.name));
  const bool required = (key.flags & SLUICE_KEY_REQUIRED) != 0;
  const bool no_use = (key.flags & (SLUICE_KEY_NO_EFFECT | SLUICE_KEY_REFUSED)) != 0;
  if (name.find_first_of(" \t\n,=") != std::string::npos) verdict.fail("key '" + name + "' has a blank, ',' or '='");
  if (required && key.default_value.data != nullptr) verdict.fail(name + " is required and has a default");
  if (required && no_use) verdict.fail(name + " is required and of no use");
  if (no_use && view(key.reason).empty()) verdict.fail(name + " has no effect or is refused, without a reason");
  if (key.order_in_group >= 0 && key.group.data == nullptr) verdict.fail(name + " has an order and no group");
  if (key.default_value.data != nullptr) {
    const std::string fault = fault_of_value(key, view(key.default_value));
    if (!fault.empty()) verdict.fail("the default of " + name + " " + fault);
  }
  for (uint32_t i = 0; i < key.dependent_count; ++i) {
    const std::string dependent(view(key.dependents[i]));
    if (!names.contains(dependent)) verdict.fail(name + " depends on " + dependent + ", which is no key");
  }
  const uint32_t both = SLUICE_KEY_HAS_MIN | SLUICE_KEY_HAS_MAX;
  if ((key.flags & both) == both && key.min > key.max) verdict.fail(name + " has min above max");
}

struct Case {
  std::string what;
  ConfigMap config;
  bool must_fail;
};

// Configs that no worker would let through, and some that it would.
std::vector<Case> bad_configs(const Subject& subject) {
  std::vector<Case> cases;
  cases.push_back({"an empty config", {}, false});
  ConfigMap unknown = subject.config;
  unknown["no.such.key"] = "x";
  cases.push_back({"an unknown key", unknown, false});
  for (uint32_t i = 0; i < subject.cls.config->key_count; ++i) {
    const sluice_config_key& key = key_at(*subject.cls.config, i);
    const std::string name(view(key.name));
    const auto with = [&](const std::string& what, const std::string& value) {
      ConfigMap config = subject.config;
      config[name] = value;
      cases.push_back({name + " = " + what, std::move(config), false});
    };
    ConfigMap without = subject.config;
    without.erase(name);
    cases.push_back({name + " missing", without, (key.flags & SLUICE_KEY_REQUIRED) != 0});
    with("empty", "");
    with("blank", " ");
    with("-1", "-1");
    with("99999999999999999999", "99999999999999999999");
    with("a word", "not-a-number");
    with("a list", "a,,b, c");
    with("64 KiB", std::string(65536, 'x'));
    with("control characters", "a\n\t\x01z");
  }
  return cases;
}

const char* const kThrew = "threw across the ABI";

}  // namespace

void law_config_def(const Subject& subject, Verdict& verdict) {
  const sluice_config_def& def = *subject.cls.config;
  std::set<std::string> names;
  for (uint32_t i = 0; i < def.key_count; ++i) {
    const std::string name(view(key_at(def, i).name));
    if (name.empty()) verdict.fail("a key without a name");
    if (!names.insert(name).second) verdict.fail("key " + name + " stands there twice");
  }
  for (uint32_t i = 0; i < def.key_count; ++i) check_key(key_at(def, i), names, verdict);
}

void law_validate(const Subject& subject, Verdict& verdict) {
  const sluice_connector_api* api = subject.cls.connector;
  if (api == nullptr || api->validate == nullptr) {
    verdict.skip("has no validate");
    return;
  }
  std::vector<Case> cases = bad_configs(subject);
  if (!subject.options.config.empty()) cases.push_back({"the config given", subject.config, false});
  for (const Case& one : cases) {
    verdict.step(one.what);
    testkit::FakeHost host;
    testkit::FakeContext& context = host.make_context();
    const testkit::ConfigTable table(one.config);
    sluice_error error = sdk::detail::empty_error();
    sluice_status status = SLUICE_OK;
    try {
      const testkit::FakeContext::Call call(context, "validate");
      status = api->validate(host.table(), context.raw(), table.raw(), &error);
    } catch (...) {
      verdict.fail("validate " + std::string(kThrew) + " (" + one.what + ")");
      return;
    }
    if (status > SLUICE_REOPEN) verdict.fail("validate answered no status (" + one.what + ")");
    if (status != SLUICE_OK && error.text_size == 0) verdict.fail("an error without a text (" + one.what + ")");
    const auto found = context.config_errors();
    for (const auto& finding : found) {
      if (finding.message.empty()) verdict.fail("a finding without a text for " + finding.key);
    }
    if (one.what == "the config given" && (status != SLUICE_OK || !found.empty())) {
      verdict.fail("refuses the config given: " +
                   (found.empty() ? std::string(error.text, error.text_size) : found[0].key + ": " + found[0].message));
    }
    for (const auto& text : host.violations()) verdict.fail(text);
  }
}

namespace {

template <class Driver, class Api>
void create_each(const Subject& subject, const Api* api, Verdict& verdict) {
  for (const Case& one : bad_configs(subject)) {
    verdict.step(one.what);
    const Balance balance;
    testkit::FakeHost host;
    {
      Driver driver(host, api, one.config);
      const testkit::Outcome outcome = driver.start();
      if (outcome.ok() && one.must_fail) {
        verdict.fail("created a task although the required key is missing (" + one.what + ")");
      }
      if (outcome.ok() && !driver.running()) verdict.fail("create answered OK and made nothing");
      driver.stop();
    }
    balance.check(host, verdict);
  }
}

}  // namespace

void law_create(const Subject& subject, Verdict& verdict) {
  if (subject.cls.kind == SLUICE_KIND_SOURCE) {
    create_each<testkit::SourceDriver>(subject, static_cast<const sluice_source_api*>(subject.cls.api), verdict);
  } else {
    create_each<testkit::SinkDriver>(subject, static_cast<const sluice_sink_api*>(subject.cls.api), verdict);
  }
}

// Configs of tasks: at least one, at most as many as allowed, the same for the same question.
void law_connector(const Subject& subject, Verdict& verdict) {
  const sluice_connector_api* api = subject.cls.connector;
  if (api == nullptr || api->create == nullptr) {
    verdict.skip("has no connector of its own: one task with the connector's config");
    return;
  }
  const Balance balance;
  testkit::FakeHost host;
  use_root(host, subject);
  testkit::FakeContext& context = host.make_context({{"connector.name", "conformance"}});
  const testkit::ConfigTable table(subject.config);
  sluice_error error = sdk::detail::empty_error();
  void* connector = nullptr;
  const testkit::FakeContext::Call call(context, "connector");
  const sluice_status status = api->create(host.table(), context.raw(), table.raw(), &connector, &error);
  if (status != SLUICE_OK) {
    refused(subject, {status, sdk::detail::from_host(status, error).message}, verdict);
    return;
  }
  for (const uint32_t max : {1u, 3u}) {
    uint32_t count = 0;
    const auto sink = [](void* collector, const sluice_pair*, uint32_t) { ++*static_cast<uint32_t*>(collector); };
    if (api->task_configs == nullptr || api->task_configs(connector, max, sink, &count, &error) != SLUICE_OK) {
      verdict.fail("task_configs failed");
    } else if (count > max) {
      verdict.fail("task_configs(" + std::to_string(max) + ") gave " + std::to_string(count) + " configs");
    }
  }
  if (api->stop != nullptr) api->stop(connector);
  if (api->destroy != nullptr) api->destroy(connector);
  balance.check(host, verdict);
}

}  // namespace sluice::runner
