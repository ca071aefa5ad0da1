// SPDX-License-Identifier: Apache-2.0
// Promises not to block and waits in poll until stop.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

class Blocking : public Source {
 public:
  Status poll(const PollLimits&, RecordBatch&) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopped_; });
    return ok();
  }
  void stop() override {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
};
}  // namespace

SLUICE_PLUGIN("bad_poll_blocks", "1.0.0",
              sluice::fixture::a_source<Blocking>("bad.PollBlocks").capabilities(kNonBlocking));
