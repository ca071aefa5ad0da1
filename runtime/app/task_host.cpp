// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/task_host.hpp"

#include "runtime/app/task_metrics.hpp"
#include "runtime/config/connector_config.hpp"
#include "runtime/logging/logging.hpp"
#include "runtime/task/drive.hpp"

namespace sluice::app {
namespace {

const logging::Logger& logger() {
  static const logging::Logger instance("sluice.worker");
  return instance;
}

// The connector's own choice with its own properties, else the worker's.
config::ConverterChoice choose(const config::ConfigMap& connector, const std::string& role,
                               const config::ConverterChoice& worker) {
  auto own = connector.find(role);
  if (own == connector.end() || own->second.empty()) return worker;
  return {own->second, config::with_prefix(connector, role + ".")};
}

}  // namespace

// A runner together with what it reports to, which must live as long.
struct RunnerHost::Running {
  std::shared_ptr<task::TaskListener> listener;
  std::shared_ptr<task::TaskRunner> runner;
  bool sink = false;
};

RunnerHost::RunnerHost(Parts parts)
    : parts_(std::move(parts)), worker_properties_(parts_.config.original) {
  worker_properties_["worker.id"] = parts_.worker_id;
}

Status RunnerHost::add_converters(const config::ConfigMap& config, task::RunnerContext& context,
                                  task::ClassNames& names) const {
  auto key = choose(config, "key.converter", parts_.config.key_converter);
  SLUICE_ASSIGN(context.key_converter, record::make_converter(key.class_name, key.config, true));
  auto value = choose(config, "value.converter", parts_.config.value_converter);
  SLUICE_ASSIGN(context.value_converter,
                record::make_converter(value.class_name, value.config, false));
  auto header = choose(config, "header.converter", parts_.config.header_converter);
  SLUICE_ASSIGN(context.header_converter,
                record::make_header_converter(header.class_name, header.config));
  names.key_converter = record::converter_full_name(key.class_name);
  names.value_converter = record::converter_full_name(value.class_name);
  names.header_converter = record::converter_full_name(header.class_name);
  return ok();
}

Result<std::shared_ptr<RunnerHost::Running>> RunnerHost::make(
    const herder::TaskSpec& spec, std::shared_ptr<task::TaskListener> listener) {
  auto running = std::make_shared<Running>();
  running->listener = std::move(listener);
  task::RunnerContext context{parts_.log,      parts_.clock, parts_.random, *running->listener,
                              &parts_.offsets, nullptr,      nullptr,       nullptr};
  task::ClassNames classes{spec.cls->name, {}, {}, {}};
  SLUICE_TRY(add_converters(spec.config, context, classes));
  SLUICE_ASSIGN(auto parsed, spec.cls->config.parse(spec.config));
  auto create = [cls = spec.cls, config = std::move(parsed), &registry = parts_.registry](
                    auto& services, auto& task) {
    if constexpr (std::is_same_v<std::decay_t<decltype(task)>,
                                 std::unique_ptr<plugin::SourceTask>>) {
      return registry.create_source(cls, config, services, task);
    } else {
      return registry.create_sink(cls, config, services, task);
    }
  };
  if (spec.cls->kind == plugin::Kind::kSource) {
    SLUICE_ASSIGN(auto settings, task::source_settings(spec.id, spec.config, worker_properties_));
    settings.classes = std::move(classes);
    settings.facts.insert(spec.facts.begin(), spec.facts.end());
    settings.blocking = !spec.cls->non_blocking();
    running->runner = task::make_source_runner(std::move(settings), std::move(context), create);
  } else {
    SLUICE_ASSIGN(auto settings, task::sink_settings(spec.id, spec.config, worker_properties_));
    settings.classes = std::move(classes);
    settings.facts.insert(spec.facts.begin(), spec.facts.end());
    settings.blocking = !spec.cls->non_blocking();
    running->sink = true;
    running->runner = task::make_sink_runner(std::move(settings), std::move(context), create);
  }
  return running;
}

Result<std::shared_ptr<task::TaskRunner>> RunnerHost::start(
    herder::TaskSpec spec, std::shared_ptr<task::TaskListener> listener) {
  std::weak_ptr<task::TaskListener> heard = listener;
  SLUICE_ASSIGN(auto running, make(spec, std::move(listener)));
  running->runner->pause(spec.paused);
  // The drive keeps the runner alive, and with it the listener.
  std::shared_ptr<task::Steps> steps(running, running->runner.get());
  std::shared_ptr<task::Drive> drive;
  if (spec.cls->non_blocking()) {
    auto hanging = [id = spec.id, heard](bool is_hanging, std::chrono::milliseconds since) {
      if (!is_hanging) return logger().info("Task " + id.to_string() + " has come back");
      if (auto told = heard.lock()) {
        told->on_event(
            id, "hanging",
            "the plugin has held its thread for " + std::to_string(since.count()) + " ms");
      }
    };
    auto owner = std::make_shared<plugin::TaskOwner>("task " + spec.id.to_string(), hanging);
    drive = task::drive_on_executor(parts_.executor, owner, steps);
  } else {
    SLUICE_ASSIGN(drive, task::drive_on_thread(spec.id.to_string(), parts_.abandoned, steps));
  }
  {
    std::lock_guard lock(mutex_);
    std::erase_if(running_, [](const auto& entry) { return entry.second.expired(); });
    running_[spec.id] = running;
  }
  running->runner->attach(std::move(drive));
  return std::shared_ptr<task::TaskRunner>(running, running->runner.get());
}

std::string RunnerHost::task_metrics() {
  std::vector<TaskSample> samples;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, weak] : running_) {
      if (auto running = weak.lock())
        samples.push_back({id, running->sink, running->runner->metrics()});
    }
  }
  return render_task_metrics(samples);
}

}  // namespace sluice::app
