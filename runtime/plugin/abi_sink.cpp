// SPDX-License-Identifier: Apache-2.0
#include <atomic>

#include "runtime/plugin/abi.hpp"
#include "runtime/plugin/call_guard.hpp"
#include "runtime/plugin/sink_lease.hpp"

namespace sluice::plugin {
namespace {

Outcome broken(const char* function, const std::string& what) {
  return Outcome::failure(
      SLUICE_FATAL, std::string("the plugin broke its contract in ") + function + ": " + what);
}

bool same_place(const sluice_partition_offset& a, const sluice_partition_offset& b) {
  return a.topic == b.topic && a.partition == b.partition;
}

// A sink task in a library. Owned by the task runner; its thread calls all but stop().
class AbiSink final : public SinkTask {
 public:
  AbiSink(const sluice_sink_api& api, ClassPtr info, InstanceServices& services,
          const HostServices& host)
      : api_(api), info_(std::move(info)), context_(services, host, info_->name) {}

  ~AbiSink() override {
    if (!created_) return;
    stop();
    if (auto thrown = call_guarded([&] { api_.destroy(task_); }))
      context_.log.error("destroy: " + *thrown);
    if (auto kept = leases_.release_all()) {
      context_.log.warn("the plugin kept " + std::to_string(kept) +
                        " batches beyond the end of its task");
    }
  }

  Outcome start(const config::ConfigMap& config) {
    ConfigView view(config);
    auto outcome = call_plugin("create", [&](sluice_error* error) {
      return api_.create(host_table(), &context_, view.get(), &task_, error);
    });
    created_ = outcome.ok();
    return outcome;
  }

  uint32_t intern_topic(const std::string& name) override {
    auto number = context_.topics.intern(name, UINT32_MAX, "topics");
    return number.value();
  }

  Outcome open(std::vector<sluice_partition_offset>& partitions, int64_t epoch) override {
    if (api_.open == nullptr) return {};
    const auto before = partitions;
    auto outcome = call_plugin("open", [&](sluice_error* error) {
      return api_.open(task_, partitions.data(), static_cast<uint32_t>(partitions.size()), epoch,
                       error);
    });
    if (!outcome.ok()) return outcome;
    for (size_t i = 0; i < before.size(); ++i) {
      if (!same_place(before[i], partitions[i]) || partitions[i].next_offset < -1) {
        partitions = before;
        return broken("open", "it changed the list of partitions, or gave an offset below -1");
      }
    }
    return outcome;
  }

  Outcome put(Batch& batch, std::vector<RecordFailure>& failures) override {
    failures.clear();
    const uint32_t count = batch.view().record_count;
    RecordErrors errors(count);
    context_.record_errors = &errors;
    sluice_batch lent = leases_.lend(batch);
    const auto given = lent;
    auto outcome =
        call_plugin("put", [&](sluice_error* error) { return api_.put(task_, &lent, error); });
    context_.record_errors = nullptr;
    bool replaced =
        lent.private_data != given.private_data || (lent.release && lent.release != given.release);
    lent.private_data = given.private_data;
    auto settled = leases_.settle(batch, lent);
    if (replaced) return broken("put", "it changed the batch that it was lent");
    if (settled == SinkLeases::Settled::kBroken) {
      return broken("put", "it released the batch through a copy and left the host's as it was");
    }
    if (settled == SinkLeases::Settled::kMoved &&
        (outcome.status == SLUICE_RETRIABLE || outcome.status == SLUICE_NOT_CONNECTED)) {
      return broken("put", "it kept the batch and asks for it again (" + outcome.text + ")");
    }
    if (outcome.status == SLUICE_RECORD_ERROR && outcome.record_index >= count) {
      return broken("put", "record " + std::to_string(outcome.record_index) +
                               " is not in the batch (" + outcome.text + ")");
    }
    if (!outcome.ok()) return outcome;
    if (auto text = errors.take(count, failures)) return broken("put", *text);
    return outcome;
  }

  Outcome commit(std::vector<sluice_partition_offset>& partitions) override {
    if (api_.commit == nullptr) return {};  // put made everything durable already
    const auto before = partitions;
    auto outcome = call_plugin("commit", [&](sluice_error* error) {
      return api_.commit(task_, partitions.data(), static_cast<uint32_t>(partitions.size()), error);
    });
    if (!outcome.ok()) return outcome;
    for (size_t i = 0; i < before.size(); ++i) {
      if (!same_place(before[i], partitions[i]) ||
          partitions[i].next_offset > before[i].next_offset || partitions[i].next_offset < -1) {
        auto answered = std::to_string(partitions[i].next_offset);
        partitions = before;
        return broken("commit", "it answered offset " + answered + " where " +
                                    std::to_string(before[i].next_offset) +
                                    " was the end of what it got");
      }
    }
    return outcome;
  }

  void close(const std::vector<sluice_partition_offset>& partitions, bool lost) override {
    if (api_.close == nullptr) return;
    auto thrown = call_guarded([&] {
      api_.close(task_, partitions.data(), static_cast<uint32_t>(partitions.size()), lost ? 1 : 0);
    });
    if (thrown) context_.log.error("close: " + *thrown);
  }

  void stop() override {
    if (!created_ || api_.stop == nullptr || stopped_.exchange(true)) return;
    if (auto thrown = call_guarded([&] { api_.stop(task_); }))
      context_.log.error("stop: " + *thrown);
  }

 private:
  const sluice_sink_api api_;
  const ClassPtr info_;
  sluice_context context_;
  SinkLeases leases_;
  void* task_ = nullptr;
  bool created_ = false;
  std::atomic<bool> stopped_{false};
};

}  // namespace

Outcome make_abi_sink(const AbiClass& cls, const config::ConfigMap& config,
                      InstanceServices& services, const HostServices& host,
                      std::unique_ptr<SinkTask>& task) {
  if (cls.info->kind != Kind::kSink)
    return Outcome::failure(SLUICE_CONFIG_ERROR, cls.info->name + " is no sink");
  auto api = read_table(static_cast<const sluice_sink_api*>(cls.raw.api));
  if (!api.create || !api.put || !api.destroy) {
    return Outcome::failure(SLUICE_UNSUPPORTED,
                            cls.info->name + " lacks one of create, put and destroy");
  }
  auto made = std::make_unique<AbiSink>(api, cls.info, services, host);
  auto outcome = made->start(config);
  if (outcome.ok()) task = std::move(made);
  return outcome;
}

}  // namespace sluice::plugin
