// SPDX-License-Identifier: Apache-2.0
#include <atomic>

#include "runtime/plugin/abi.hpp"
#include "runtime/plugin/batch_check.hpp"
#include "runtime/plugin/call_guard.hpp"

namespace sluice::plugin {
namespace {

// A source task in a library. Owned by the task runner; its thread calls all but stop().
class AbiSource final : public SourceTask {
 public:
  AbiSource(const sluice_source_api& api, ClassPtr info, InstanceServices& services,
            const HostServices& host)
      : api_(api), info_(std::move(info)), context_(services, host, info_->name) {}

  ~AbiSource() override {
    if (!created_) return;
    stop();
    if (auto thrown = call_guarded([&] { api_.destroy(task_); }))
      context_.log.error("destroy: " + *thrown);
  }

  Outcome start(const config::ConfigMap& config) {
    ConfigView view(config);
    auto outcome = call_plugin("create", [&](sluice_error* error) {
      return api_.create(host_table(), &context_, view.get(), &task_, error);
    });
    created_ = outcome.ok();
    return outcome;
  }

  Outcome poll(const sluice_poll_limits& limits, Batch& batch, std::vector<RecordFailure>& failures,
               uint32_t& idle_ms) override {
    batch.reset();
    failures.clear();
    sluice_poll_limits asked = limits;
    asked.struct_size = sizeof(asked);
    sluice_poll_result result{sizeof(sluice_poll_result), 0};
    RecordErrors errors(asked.records_max);
    context_.record_errors = &errors;
    auto outcome = call_plugin("poll", [&](sluice_error* error) {
      return api_.poll(task_, &asked, batch.raw(), &result, error);
    });
    context_.record_errors = nullptr;
    idle_ms = result.idle_ms;
    if (!outcome.ok()) {
      release(batch);
      return outcome;
    }
    if (auto text = errors.take(batch.view().record_count, failures)) return broken(batch, *text);
    if (batch.empty()) {
      release(batch);
      return outcome;
    }
    BatchBounds bounds{asked.records_max, context_.topics.by_number.size(),
                       context_.partitions.by_number.size()};
    if (auto text = check_batch(batch.view(), bounds)) return broken(batch, "it returned " + *text);
    return outcome;
  }

  Outcome ack(uint64_t batch) override {
    if (api_.ack == nullptr) return {};  // a source that has nobody to tell
    return call_plugin("ack", [&](sluice_error* error) { return api_.ack(task_, batch, error); });
  }

  void stop() override {
    if (!created_ || api_.stop == nullptr || stopped_.exchange(true)) return;
    if (auto thrown = call_guarded([&] { api_.stop(task_); }))
      context_.log.error("stop: " + *thrown);
  }

  std::string_view topic_name(uint32_t topic) const override {
    return context_.topics.by_number.at(topic);
  }
  std::string_view partition_json(uint32_t partition) const override {
    return context_.partitions.by_number.at(partition);
  }

 private:
  Outcome broken(Batch& batch, const std::string& what) {
    release(batch);
    return Outcome::failure(SLUICE_FATAL, "the plugin broke its contract in poll: " + what);
  }
  void release(Batch& batch) {
    if (auto thrown = call_guarded([&] { batch.reset(); }))
      context_.log.error("release: " + *thrown);
  }

  const sluice_source_api api_;
  const ClassPtr info_;
  sluice_context context_;
  void* task_ = nullptr;
  bool created_ = false;
  std::atomic<bool> stopped_{false};
};

}  // namespace

Outcome make_abi_source(const AbiClass& cls, const config::ConfigMap& config,
                        InstanceServices& services, const HostServices& host,
                        std::unique_ptr<SourceTask>& task) {
  if (cls.info->kind != Kind::kSource)
    return Outcome::failure(SLUICE_CONFIG_ERROR, cls.info->name + " is no source");
  auto api = read_table(static_cast<const sluice_source_api*>(cls.raw.api));
  if (!api.create || !api.poll || !api.destroy) {
    return Outcome::failure(SLUICE_UNSUPPORTED,
                            cls.info->name + " lacks one of create, poll and destroy");
  }
  auto made = std::make_unique<AbiSource>(api, cls.info, services, host);
  auto outcome = made->start(config);
  if (outcome.ok()) task = std::move(made);
  return outcome;
}

}  // namespace sluice::plugin
