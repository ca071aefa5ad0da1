// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/watches.hpp"

#include <algorithm>

namespace sluice::storage {

// The callback of one watch; shared by its ticket and by whoever is about to call it.
class Watches::State {
 public:
  explicit State(std::function<void()> ready) : ready_(std::move(ready)) {}

  void fire() {
    {
      std::lock_guard lock(mutex_);
      if (done_) return;
      done_ = true;
      running_ = true;
      runner_ = std::this_thread::get_id();
    }
    ready_();
    std::lock_guard lock(mutex_);
    running_ = false;
    finished_.notify_all();
  }

  // Afterwards the callback does not run and will not, unless it is the one that calls this.
  void withdraw() {
    std::unique_lock lock(mutex_);
    done_ = true;
    if (running_ && runner_ == std::this_thread::get_id()) return;
    finished_.wait(lock, [this] { return !running_; });
  }

 private:
  const std::function<void()> ready_;
  std::mutex mutex_;  // guards all below
  std::condition_variable finished_;
  bool done_ = false;
  bool running_ = false;
  std::thread::id runner_;
};

class Watches::Ticket : public Log::Watch {
 public:
  Ticket(Watches& watches, After after, std::shared_ptr<State> state)
      : watches_(watches), after_(std::move(after)), state_(std::move(state)) {}
  ~Ticket() override {
    watches_.remove(after_, state_);
    state_->withdraw();
  }

 private:
  Watches& watches_;
  const After after_;
  const std::shared_ptr<State> state_;
};

std::unique_ptr<Log::Watch> Watches::add(
    After after, std::function<void()> ready,
    const std::function<std::optional<Offset>(const TopicPartition&)>& high_watermark) {
  auto state = std::make_shared<State>(std::move(ready));
  {
    std::lock_guard lock(mutex_);
    for (const auto& [partition, offset] : after) waiting_[partition].push_back({offset, state});
  }
  bool grown = false;
  for (const auto& [partition, offset] : after) {
    auto end = high_watermark(partition);
    grown = grown || (end && *end > offset);
  }
  auto ticket = std::make_unique<Ticket>(*this, std::move(after), state);
  if (grown) state->fire();
  return ticket;
}

void Watches::remove(const After& after, const std::shared_ptr<State>& state) {
  std::lock_guard lock(mutex_);
  for (const auto& [partition, offset] : after) {
    auto it = waiting_.find(partition);
    if (it == waiting_.end()) continue;
    std::erase_if(it->second, [&](const Waiting& waiting) { return waiting.state == state; });
    if (it->second.empty()) waiting_.erase(it);
  }
}

void Watches::wake(const TopicPartition& partition, Offset high_watermark) {
  std::vector<std::shared_ptr<State>> ready;
  {
    std::lock_guard lock(mutex_);
    auto it = waiting_.find(partition);
    if (it == waiting_.end()) return;
    std::erase_if(it->second, [&](Waiting& waiting) {
      if (waiting.offset >= high_watermark) return false;
      ready.push_back(std::move(waiting.state));
      return true;
    });
    if (it->second.empty()) waiting_.erase(it);
  }
  for (const auto& state : ready) state->fire();
}

}  // namespace sluice::storage
