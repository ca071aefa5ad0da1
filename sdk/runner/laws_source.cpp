// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "laws.hpp"

namespace sluice::runner {

using testkit::FakeHost;
using testkit::Outcome;
using testkit::SourceDriver;

namespace {

constexpr int kPolls = 40;

const sluice_source_api* api_of(const Subject& subject) {
  return static_cast<const sluice_source_api*>(subject.cls.api);
}

bool passing(const Outcome& outcome) {
  return outcome.ok() || outcome.status == SLUICE_RETRIABLE || outcome.status == SLUICE_NOT_CONNECTED;
}

// Polls for a while and acknowledges two batches late, so that several are out at the same time. Returns whether
// the source said that it has delivered everything.
bool run(SourceDriver& source, Verdict& verdict) {
  for (int i = 0; i < kPolls; ++i) {
    verdict.step("poll " + std::to_string(i + 1));
    const size_t before = source.records().size();
    const Outcome outcome = source.poll();
    if (outcome.status == SLUICE_END) return true;
    if (!passing(outcome)) {
      verdict.fail(std::string("poll answered ") + testkit::status_name(outcome.status) + ": " + outcome.text);
      return false;
    }
    if (source.batches() > 2) {
      verdict.step("ack " + std::to_string(source.batches() - 2));
      const Outcome acked = source.make_durable(source.batches() - 2);
      if (!passing(acked)) verdict.fail("ack failed: " + acked.text);
    }
    if (source.records().size() == before) source.context().wait_for_wake(std::chrono::milliseconds(10));
  }
  return false;
}

void finish(SourceDriver& source, Verdict& verdict) {
  verdict.step("stop, last ack, destroy");
  source.stop();
  source.stop();  // a second stop is allowed
  const Outcome outcome = source.make_durable();
  if (!passing(outcome)) verdict.fail("ack after stop failed: " + outcome.text);
  source.destroy();
}

bool start(const Subject& subject, SourceDriver& source, Verdict& verdict) {
  verdict.step("create");
  const Outcome outcome = source.start();
  if (outcome.ok()) return true;
  refused(subject, outcome, verdict);
  return false;
}

}  // namespace

void law_source_lifecycle(const Subject& subject, Verdict& verdict) {
  const Balance balance;
  FakeHost host;
  use_root(host, subject);
  {
    SourceDriver source(host, api_of(subject), subject.config);
    if (!start(subject, source, verdict)) return;
    run(source, verdict);
    finish(source, verdict);
    const size_t records = source.records().size();
    if (records < subject.options.expect_records) {
      verdict.fail("delivered " + std::to_string(records) + " records, expected at least " +
                   std::to_string(subject.options.expect_records));
    } else if (records == 0) {
      verdict.note("no records came, so batches and acknowledgements were not tried");
    }
  }
  balance.check(host, verdict);
}

// A source that ended and whose offsets are stored has nothing more to say when it comes back.
void law_source_resume(const Subject& subject, Verdict& verdict) {
  FakeHost host;
  use_root(host, subject);
  bool ended = false;
  for (int life = 1; life <= 2; ++life) {
    SourceDriver source(host, api_of(subject), subject.config);
    if (!start(subject, source, verdict)) return;
    const bool end = run(source, verdict);
    finish(source, verdict);
    if (life == 2 && ended && host.stored_offsets() > 0 && !source.records().empty()) {
      verdict.fail("delivered " + std::to_string(source.records().size()) +
                   " records again, although all of them and their offsets were durable");
    }
    ended = end;
  }
  for (const auto& text : host.violations()) verdict.fail(text);
  if (!ended) verdict.note("the source did not end, so what it repeats was not compared");
}

namespace {

// A thread that polls until it is told to end.
class Poller {
 public:
  explicit Poller(SourceDriver& source) : thread_([this, &source] { loop(source); }) {}
  ~Poller() { thread_.join(); }

  // Waits until one poll has run for `quiet` without returning, or that many have returned.
  void wait_until_blocked_or(int polls, std::chrono::milliseconds quiet) {
    std::unique_lock lock(mutex_);
    for (;;) {
      const int seen = polls_;
      if (seen >= polls || ended_) return;
      if (!changed_.wait_for(lock, quiet, [&] { return polls_ != seen || ended_; })) return;
    }
  }
  void end() {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  bool wait_until_ended(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return ended_; });
  }

 private:
  void loop(SourceDriver& source) {
    for (bool more = true; more;) {
      const Outcome outcome = source.poll();
      if (source.batches() > 100) more = false;
      const std::lock_guard lock(mutex_);
      ++polls_;
      more = more && !end_ && passing(outcome);
      ended_ = !more;
      changed_.notify_all();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  int polls_ = 0;
  bool end_ = false;
  bool ended_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace

void law_source_stop(const Subject& subject, Verdict& verdict) {
  const Balance balance;
  FakeHost host;
  use_root(host, subject);
  for (const int polls : {0, 1, 50}) {
    SourceDriver source(host, api_of(subject), subject.config);
    if (!start(subject, source, verdict)) return;
    verdict.step("stop from another thread after " + std::to_string(polls) + " polls");
    {
      Poller poller(source);
      poller.wait_until_blocked_or(polls, std::chrono::milliseconds(200));
      poller.end();
      source.stop();
      if (!poller.wait_until_ended(subject.options.call_limit)) {
        verdict.fail("poll did not return within " + std::to_string(subject.options.call_limit.count()) +
                     " ms after stop");
        verdict.done();
        ::_exit(0);  // that thread cannot be ended
      }
    }
    finish(source, verdict);
  }
  balance.check(host, verdict);
}

// A class that promises not to wait must come back from poll by itself, also when it has nothing.
void law_source_non_blocking(const Subject& subject, Verdict& verdict) {
  if ((subject.cls.capabilities & SLUICE_CAP_NON_BLOCKING) == 0) {
    verdict.skip("does not promise it");
    return;
  }
  FakeHost host;
  use_root(host, subject);
  SourceDriver source(host, api_of(subject), subject.config);
  if (!start(subject, source, verdict)) return;
  std::mutex mutex;
  std::condition_variable changed;
  int polls = 0;
  bool ended = false;
  std::thread poller([&] {
    for (int i = 0; i < kPolls; ++i) {
      const Outcome outcome = source.poll();
      const std::lock_guard lock(mutex);
      ++polls;
      changed.notify_all();
      if (!passing(outcome)) break;
    }
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  });
  {
    std::unique_lock lock(mutex);
    while (!ended) {
      const int seen = polls;
      if (changed.wait_for(lock, subject.options.call_limit, [&] { return polls != seen || ended; })) continue;
      verdict.fail("promises SLUICE_CAP_NON_BLOCKING, and a poll did not return within " +
                   std::to_string(subject.options.call_limit.count()) + " ms");
      verdict.done();
      ::_exit(0);  // that thread cannot be ended
    }
  }
  poller.join();
  finish(source, verdict);
  for (const auto& text : host.violations()) verdict.fail(text);
}

// release is [any]: one thread polls while another releases what came before.
void law_source_release(const Subject& subject, Verdict& verdict) {
  FakeHost host;
  use_root(host, subject);
  testkit::FakeContext& context = host.make_context();
  const sluice_source_api* api = api_of(subject);
  const testkit::ConfigTable table(subject.config);
  void* task = nullptr;
  sluice_error error = sdk::detail::empty_error();
  {
    const testkit::FakeContext::Call call(context, "create");
    const sluice_status status = api->create(host.table(), context.raw(), table.raw(), &task, &error);
    if (status != SLUICE_OK) {
      refused(subject, {status, sdk::detail::from_host(status, error).message}, verdict);
      return;
    }
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<sluice_batch> waiting;
  bool over = false;
  std::thread releaser([&] {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return over || !waiting.empty(); });
      if (waiting.empty()) return;
      sluice_batch batch = waiting.front();  // a move, by copying the struct
      waiting.pop_front();
      lock.unlock();
      if (batch.release != nullptr) {
        batch.release(&batch);
        if (batch.release != nullptr) host.violation("release did not set batch->release to NULL");
      }
      lock.lock();
    }
  });
  const sluice_poll_limits limits = SourceDriver::default_limits();
  sluice_status status = SLUICE_OK;
  for (int i = 0; i < kPolls && status == SLUICE_OK; ++i) {
    sluice_batch batch = {};
    batch.struct_size = sizeof(batch);
    sluice_poll_result result = {sizeof(result), 0};
    const testkit::FakeContext::Call call(context, "poll");
    status = api->poll(task, &limits, &batch, &result, &error);
    if (status != SLUICE_OK) break;
    const std::lock_guard lock(mutex);
    waiting.push_back(batch);
    changed.notify_one();
  }
  {
    const std::lock_guard lock(mutex);
    over = true;
    changed.notify_one();
  }
  releaser.join();
  if (api->stop != nullptr) api->stop(task);
  api->destroy(task);
  for (const auto& text : host.violations()) verdict.fail(text);
}

}  // namespace sluice::runner
