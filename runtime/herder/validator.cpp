// SPDX-License-Identifier: Apache-2.0
#include "runtime/herder/validator.hpp"

#include <strings.h>

#include <algorithm>

#include "runtime/config/connector_config.hpp"

namespace sluice::herder {
namespace {

using config::ConfigValue;

// The instance that a class's checks run in has nothing of a running connector.
class NoServices : public plugin::InstanceServices {
 public:
  explicit NoServices(const config::ConfigMap& config) : config_(config) {}
  std::string setting(const std::string& name) override {
    const char* key = name == "connector.name"    ? "name"
                      : name == "connector.class" ? "connector.class"
                                                  : "";
    auto entry = config_.find(key);
    return entry == config_.end() ? "" : entry->second;
  }
  Result<std::optional<std::string>> read_offset(const std::string&) override {
    return std::optional<std::string>();
  }
  void wake() override {}
  void request_reconfiguration() override {}
  void report_event(const std::string&, const std::string&) override {}

 private:
  const config::ConfigMap config_;
};

ConfigValue* find_value(std::vector<ConfigValue>& values, const std::string& name) {
  auto found = std::find_if(values.begin(), values.end(),
                            [&](const ConfigValue& v) { return v.name == name; });
  return found == values.end() ? nullptr : &*found;
}

void merge(std::vector<ConfigValue>& values, const std::vector<ConfigValue>& additions) {
  for (const auto& addition : additions) {
    ConfigValue* value = find_value(values, addition.name);
    if (!value) {
      values.push_back(addition);
      continue;
    }
    value->errors.insert(value->errors.end(), addition.errors.begin(), addition.errors.end());
    if (!addition.recommended.empty()) value->recommended = addition.recommended;
    value->visible = value->visible && addition.visible;
  }
}

void add_group(std::vector<std::string>& groups, const std::string& group) {
  if (!group.empty() && std::find(groups.begin(), groups.end(), group) == groups.end())
    groups.push_back(group);
}

// A source that says no more than its class can.
void check_exactly_once(const plugin::ClassInfo& cls, const config::ConfigMap& config,
                        std::vector<ConfigValue>& values) {
  constexpr const char* kKey = "exactly.once.support";
  auto wanted = config.find(kKey);
  ConfigValue* value = find_value(values, kKey);
  if (cls.kind != plugin::Kind::kSource || wanted == config.end() || !value) return;
  if (::strcasecmp(wanted->second.c_str(), "required") != 0) return;
  if ((cls.capabilities & SLUICE_CAP_EXACTLY_ONCE) == 0)
    value->errors.push_back(
        "The connector does not support exactly-once delivery guarantees with the provided "
        "configuration.");
}

std::string names_of(const config::ConfigMap& config) {
  std::string names;
  for (const auto& [key, value] : config) names += (names.empty() ? "" : ", ") + key;
  return names;
}

}  // namespace

Result<plugin::ClassPtr> find_connector_class(plugin::Registry& registry,
                                              const config::ConfigMap& config) {
  auto cls = config.find("connector.class");
  if (cls == config.end()) {
    // Kafka prints the values, too; they may be secrets.
    return Error{ErrorKind::kInvalid,
                 "Connector config {" + names_of(config) +
                     "} contains no connector type: add the key connector.class"};
  }
  auto found = registry.find(cls->second, {plugin::Kind::kSource, plugin::Kind::kSink});
  if (found.ok()) return found;
  std::string available;
  for (const auto& known : registry.list()) {
    if (known->kind != plugin::Kind::kSource && known->kind != plugin::Kind::kSink) continue;
    available += (available.empty() ? "" : ", ") + known->name;
  }
  const std::string prefix =
      "Failed to find any class that implements Connector and which name matches ";
  std::string text = found.error().message;
  if (!text.starts_with(prefix)) text = prefix + cls->second + "; " + text;
  if (text.find("available connectors are: ") == std::string::npos)
    text += " Available connectors are: " + available;
  return Error{ErrorKind::kInvalid, text};
}

// `work` owns all that it uses, but for the registry: it may outlive the call.
Status Validator::call_class(const RequestContext& context, const std::string& lane,
                             const plugin::ClassPtr& cls, const std::string& what,
                             std::function<void()> work) const {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      context.deadline - std::chrono::steady_clock::now());
  return parts_.lane(lane, "class " + cls->name, what, std::max(left, std::chrono::milliseconds(1)),
                     std::move(work));
}

Status Validator::plugin_checks(const RequestContext& context, const plugin::ClassPtr& cls,
                                const config::ConfigMap& config,
                                std::vector<ConfigValue>& values) const {
  auto parsed = cls->config.parse(config);
  if (!parsed.ok()) return ok();  // its keys are wrong one by one already, and the errors say so
  struct Answer {
    plugin::Outcome outcome;
    plugin::Validation validation;
  };
  auto answer = std::make_shared<Answer>();
  SLUICE_TRY(
      call_class(context, "class:" + cls->name, cls, "validate",
                 [answer, cls, &registry = parts_.registry, parsed = std::move(parsed).value()] {
                   NoServices services(parsed);
                   answer->outcome = registry.validate(cls, parsed, services, answer->validation);
                 }));
  if (!answer->outcome.ok()) return answer->outcome.to_error().with("validating with " + cls->name);
  merge(values, answer->validation.additions);
  return ok();
}

void Validator::converter_checks(const std::string& role, const config::ConfigMap& config,
                                 ConfigInfos& infos, std::vector<ConfigValue>& values) const {
  auto chosen = config.find(role);
  ConfigValue* value = find_value(values, role);
  if (chosen == config.end() || !value || !value->errors.empty()) return;
  const config::ConfigDef* def = parts_.converter(chosen->second);
  if (!def) {
    value->errors.push_back("Invalid value " + chosen->second + " for configuration " + role +
                            ": Class " + chosen->second + " could not be found.");
    return;
  }
  std::string prefix = role + ".";
  auto given = config::with_prefix(config, prefix);
  given["converter.type"] = role.substr(0, role.find('.'));  // the worker's to say, not the user's
  for (auto& one : def->validate(given)) {
    ConfigInfo info;
    if (const auto* key = def->find(one.name)) {
      info.definition = *key;
      info.definition->name = prefix + key->name;
    }
    info.value = std::move(one);
    info.value.name = prefix + info.value.name;
    infos.configs.push_back(std::move(info));
  }
}

Result<ConfigInfos> Validator::validate(const RequestContext& context,
                                        const config::ConfigMap& config) const {
  SLUICE_ASSIGN(auto cls, find_connector_class(parts_.registry, config));
  const config::ConfigDef framework = parts_.framework(cls->kind, config);

  std::vector<ConfigValue> values = framework.validate(config);
  if (parts_.cross_checks) parts_.cross_checks(cls->kind, config, values);
  for (auto& value : cls->config.validate(config)) {
    if (!framework.find(value.name)) values.push_back(std::move(value));
  }
  check_exactly_once(*cls, config, values);
  SLUICE_TRY(plugin_checks(context, cls, config, values));

  ConfigInfos infos;
  infos.name = config.at("connector.class");
  ConfigInfos converters;
  for (const char* role : {"header.converter", "key.converter", "value.converter"}) {
    converter_checks(role, config, converters, values);
  }
  // What no definition knows comes first, as in Kafka.
  for (auto& value : values) {
    if (!framework.find(value.name) && !cls->config.find(value.name))
      infos.configs.push_back({std::nullopt, value});
  }
  auto add_defined = [&](const config::ConfigDef& def) {
    for (const auto& key : def.keys()) {
      if (&def != &framework && framework.find(key.name)) continue;
      add_group(infos.groups, key.group);
      ConfigValue* value = find_value(values, key.name);
      if (value) infos.configs.push_back({key, *value});
    }
  };
  add_defined(framework);
  add_defined(cls->config);
  for (auto& info : converters.configs) infos.configs.push_back(std::move(info));
  for (const auto& info : infos.configs)
    infos.error_count += static_cast<int>(info.value.errors.size());
  return infos;
}

Result<CheckResult> Validator::check(const RequestContext& context,
                                     const config::ConfigMap& config) const {
  SLUICE_ASSIGN(const auto infos, validate(context, config));
  if (auto text = refusal(infos)) return Error{ErrorKind::kInvalid, *text};
  SLUICE_ASSIGN(auto cls, find_connector_class(parts_.registry, config));
  SLUICE_ASSIGN(auto parsed, cls->config.parse(config));
  struct Answer {
    plugin::Outcome outcome;
    std::vector<plugin::Finding> findings;
  };
  auto answer = std::make_shared<Answer>();
  // A lane of its own: a broker that is slow to answer must not hold up the creation of connectors.
  SLUICE_TRY(call_class(
      context, "check:" + cls->name, cls, "check",
      [answer, cls, &registry = parts_.registry, parsed = std::move(parsed)] {
        NoServices services(parsed);
        answer->outcome = registry.check(cls, parsed, services, answer->findings);
      }));
  using Verdict = CheckResult::Verdict;
  const sluice_status status = answer->outcome.status;
  return CheckResult{infos.name,
                     status == SLUICE_OK            ? Verdict::kPassed
                     : status == SLUICE_UNSUPPORTED ? Verdict::kUnsupported
                                                    : Verdict::kFailed,
                     std::move(answer->outcome.text), std::move(answer->findings)};
}

std::vector<std::string> Validator::warnings(const config::ConfigMap& config) const {
  auto cls = find_connector_class(parts_.registry, config);
  if (!cls.ok()) return {};
  return config::key_warnings(config, parts_.framework((*cls)->kind, config), (*cls)->config);
}

std::optional<std::string> Validator::refusal(const ConfigInfos& infos) {
  if (infos.error_count == 0) return std::nullopt;
  std::string text = "Connector configuration is invalid and contains the following " +
                     std::to_string(infos.error_count) + " error(s):";
  for (const auto& info : infos.configs) {
    for (const auto& error : info.value.errors) text += "\n" + error;
  }
  return text +
         "\nYou can also find the above list of errors at the endpoint "
         "`/connector-plugins/{connectorType}/config/validate`";
}

}  // namespace sluice::herder
