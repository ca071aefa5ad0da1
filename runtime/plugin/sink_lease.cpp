// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/sink_lease.hpp"

#include <mutex>
#include <unordered_set>
#include <vector>

namespace sluice::plugin {

struct SinkLeases::Shared {
  std::mutex mutex;  // guards the set and every lease
  std::unordered_set<Lease*> held_by_plugin;
};

struct SinkLeases::Lease {
  sluice_batch original{};
  std::shared_ptr<Shared> shared;
  bool plugin = true;  // who still holds it
  bool host = true;

  // Under the lock of `shared`; true: the caller frees it after unlocking.
  bool unheld() const { return !plugin && !host; }
  static void free(Lease* lease) {
    std::unique_ptr<Lease> freed(lease);
    if (lease->original.release) lease->original.release(&lease->original);
  }
};

SinkLeases::SinkLeases() : shared_(std::make_shared<Shared>()) {}
SinkLeases::~SinkLeases() = default;

sluice_batch SinkLeases::lend(Batch& batch) {
  auto lease = std::make_unique<Lease>();
  lease->original = *batch.raw();
  lease->shared = shared_;
  sluice_batch out = lease->original;
  out.release = &release_by_plugin;
  out.private_data = lease.get();
  std::lock_guard lock(shared_->mutex);
  shared_->held_by_plugin.insert(lease.release());
  return out;
}

SinkLeases::Settled SinkLeases::settle(Batch& batch, sluice_batch& lent) {
  auto* lease = static_cast<Lease*>(lent.private_data);
  std::unique_lock lock(shared_->mutex);
  bool returned = lent.release != nullptr;
  bool released = !lease->plugin;
  if (returned && !released) {  // the usual case: the host has it back
    shared_->held_by_plugin.erase(lease);
    std::unique_ptr<Lease> freed(lease);
    return Settled::kHost;
  }
  if (returned) {
    *batch.raw() = sluice_batch{};
    batch.raw()->struct_size = sizeof(sluice_batch);
    lease->host = false;
    lock.unlock();
    Lease::free(lease);
    return Settled::kBroken;
  }
  batch.raw()->release = &release_by_host;
  batch.raw()->private_data = lease;
  return Settled::kMoved;
}

void SinkLeases::release_by_plugin(sluice_batch* batch) {
  auto* lease = static_cast<Lease*>(batch->private_data);
  batch->release = nullptr;
  auto shared = lease->shared;
  std::unique_lock lock(shared->mutex);
  if (!lease->plugin) return;  // a second time, while the host still holds it
  lease->plugin = false;
  shared->held_by_plugin.erase(lease);
  if (!lease->unheld()) return;
  lock.unlock();
  Lease::free(lease);
}

void SinkLeases::release_by_host(sluice_batch* batch) {
  auto* lease = static_cast<Lease*>(batch->private_data);
  batch->release = nullptr;
  auto shared = lease->shared;
  std::unique_lock lock(shared->mutex);
  lease->host = false;
  if (!lease->unheld()) return;
  lock.unlock();
  Lease::free(lease);
}

size_t SinkLeases::release_all() {
  std::vector<Lease*> dead;
  size_t count = 0;
  {
    std::lock_guard lock(shared_->mutex);
    count = shared_->held_by_plugin.size();
    for (auto* lease : shared_->held_by_plugin) {
      lease->plugin = false;
      if (lease->unheld()) dead.push_back(lease);
    }
    shared_->held_by_plugin.clear();
  }
  for (auto* lease : dead) Lease::free(lease);
  return count;
}

}  // namespace sluice::plugin
