// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/plugin/connector.hpp"

namespace sluice::plugin {

// The batches that one sink task was lent, so that memory is freed once and in time whatever the
// plugin does: a batch that it moved away stays readable for the host (which may need it for a dead
// letter topic) until both have released it; one that it released behind the host's back is
// noticed; what it never releases is freed at its end. Owned by the task's adapter. lend, settle
// and release_all: the owner. The release function of a lent batch: any thread.
class SinkLeases {
 public:
  enum class Settled { kHost, kMoved, kBroken };

  SinkLeases();
  ~SinkLeases();
  // The struct to give to the plugin, for `batch`, which stays with the caller.
  sluice_batch lend(Batch& batch);
  // After the call: who owns it now. kMoved: the plugin has (or has released) it; the caller's
  // batch stays readable. kBroken: it released the batch through a copy; the caller's batch is
  // empty.
  Settled settle(Batch& batch, sluice_batch& lent);
  // After destroy: frees what the plugin has kept. Returns how many.
  size_t release_all();

 private:
  struct Lease;
  struct Shared;
  static void release_by_plugin(sluice_batch* batch);
  static void release_by_host(sluice_batch* batch);
  std::shared_ptr<Shared> shared_;
};

}  // namespace sluice::plugin
