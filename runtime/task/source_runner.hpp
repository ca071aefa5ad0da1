// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/task/record_writer.hpp"
#include "runtime/task/runner_base.hpp"

namespace sluice::task {

// A source task: poll -> convert -> append with its offsets -> durable -> acknowledge upstream.
//
// One append is under way at a time; what is polled meanwhile is converted and goes out with the
// next one, so that a slow disk makes larger appends instead of more of them. That is what keeps
// the order: a batch never reaches the log after a later one, even when an append in between is
// refused (disk full) and tried again. Polling stops when in_flight_bytes_max is held. The plugin's
// batches are kept until they are durable: an append that was refused is made from them anew.
class SourceRunner : public RunnerBase {
 public:
  SourceRunner(SourceSettings settings, RunnerContext context, SourceFactory create);
  ~SourceRunner() override;
  void wake() override;  // the plugin's: poll soon

 private:
  // What one append carries.
  struct Pack {
    std::vector<Polled> batches;
    uint64_t last_number = 0;  // of the newest batch; 0 = none
    uint64_t records = 0;
    uint64_t bytes = 0;
    uint64_t dead_letters = 0;
    bool empty() const { return batches.empty(); }
  };
  // Where the log puts its answer; outlives the runner if need be.
  struct Mailbox {
    std::mutex mutex;
    std::optional<Status> answer;
    std::weak_ptr<RunnerBase> runner;
  };

  Next run(const Orders& orders) override;
  void stop_plugin() override;
  void drop() override;
  void fence_off() override;

  bool start();        // false: failed
  bool take_answer();  // false: failed
  bool acknowledge();
  bool append_refused(const Error& error);
  void submit();
  bool rebuild();
  Next poll();
  Next polled(Polled polled);
  Next poll_failed(const plugin::Outcome& outcome);
  Next poll_later(const plugin::Outcome& outcome);  // after the backoff, or when it asked for
  Next idle(uint32_t idle_ms);
  bool keep(Polled polled);
  Next wind_up(const Orders& orders);
  void fail(std::string trace, bool restartable);
  // fail() without another word to the log.
  void give_up(std::string trace, bool restartable);
  void close_plugin();
  void let_go();
  bool failing() const { return failed_; }
  std::shared_ptr<plugin::SourceTask> plugin();

  SourceSettings settings_;
  SourceFactory create_;
  std::string producer_;
  int64_t epoch_ = 0;
  std::optional<RecordWriter> writer_;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  std::mutex plugin_mutex_;  // guards the pointer and the call of stop(), which comes from others
  std::shared_ptr<plugin::SourceTask> task_;
  bool plugin_stopped_ = false;
  std::atomic<bool> woken_{false};  // by the plugin
  bool started_ = false;
  bool closed_ = false;
  bool ended_ = false;  // END: nothing more will come
  bool failed_ = false;
  bool restartable_ = true;
  std::string failure_;
  uint64_t numbers_ = 0;  // of non-empty batches polled
  Pack building_;         // in writer_, not yet appended
  Pack flying_;           // the append under way
  bool in_flight_ = false;
  bool refused_ = false;  // the last append was refused; building_ waits for retry_at_
  std::chrono::nanoseconds retry_at_{0};
  std::chrono::nanoseconds poll_at_{0};
  uint32_t idle_polls_ = 0;
};

}  // namespace sluice::task
