// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/lanes.hpp"

namespace sluice::app {
namespace {

class OwnerLane : public herder::Lane {
 public:
  OwnerLane(plugin::TaskExecutor& executor, const std::string& name,
            std::function<void(bool)> hanging)
      : executor_(executor),
        owner_(std::make_shared<plugin::TaskOwner>(
            name, [hanging = std::move(hanging)](bool is_hanging, std::chrono::milliseconds) {
              hanging(is_hanging);
            })) {}
  const std::string& name() const override { return owner_->name(); }
  void post(std::function<void()> step) override { executor_.post(owner_, std::move(step)); }

 private:
  plugin::TaskExecutor& executor_;
  const plugin::TaskOwnerPtr owner_;
};

}  // namespace

std::shared_ptr<herder::Lane> ExecutorLanes::open(const std::string& name,
                                                  std::function<void(bool)> hanging) {
  return std::make_shared<OwnerLane>(executor_, name, std::move(hanging));
}

}  // namespace sluice::app
