// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/mutant.hpp"
#include "runtime/task/sink_runner.hpp"

// The sink runner's dead letters.
namespace sluice::task {
namespace {

constexpr size_t kAppendBytes =
    4u << 20;  // the headers can make letters many times as large as their records

}  // namespace

bool SinkRunner::bury(std::vector<SinkDecoder::BadRecord> bad, const TopicPartitionName& partition,
                      std::shared_ptr<RawRecords> raw) {
  if (!dead_letters_.enabled()) return false;
  metrics_.dead_letter_requests.fetch_add(bad.size(), std::memory_order_relaxed);
  burying_.emplace();
  burying_->partition = partition;
  burying_->bad = std::move(bad);
  burying_->raw = std::move(raw);
  return true;
}

bool SinkRunner::buried(Next& next) {
  if (!burying_) return true;
  if (!burying_->under_way) {
    if (steady() < burying_->retry_at) {
      next = Next::wait(burying_->retry_at - steady());
    } else {
      send_dead_letters(next);
    }
    return false;
  }
  std::optional<Status> answer;
  {
    std::lock_guard lock(mailbox_->mutex);
    answer = std::exchange(mailbox_->buried, std::nullopt);
  }
  if (!answer) {
    next = Next::wait();
    return false;
  }
  burying_->under_way = false;
  if (!answer->ok()) {
    dead_letters_refused(answer->error(), next);
    return false;
  }
  SLUICE_CRASH_POINT("task.sink.after_dead_letters");
  burying_->bad.erase(burying_->bad.begin(),
                      burying_->bad.begin() + static_cast<ptrdiff_t>(burying_->sent));
  if (!burying_->bad.empty()) {
    send_dead_letters(next);
    return false;
  }
  burying_.reset();
  if (metrics_.log_retrying.exchange(0, std::memory_order_relaxed))
    log_info("the dead letter topic takes records again");
  log_backoff_.reset();
  if (held_ && held_->taken) put_succeeded();
  return true;
}

// Made anew for each try: the topic may have been deleted meanwhile.
void SinkRunner::send_dead_letters(Next& next) {
  log::AppendRequest request;
  if (Status added = add_dead_letters(request); !added.ok())
    return dead_letters_refused(added.error(), next);
  SLUICE_CRASH_POINT("task.sink.before_dead_letters");
  burying_->under_way = true;
  next = Next::again();
  context_.log.append(std::move(request),
                      [mailbox = mailbox_](Result<std::vector<log::Appended>> result) {
                        std::shared_ptr<RunnerBase> runner;
                        {
                          std::lock_guard lock(mailbox->mutex);
                          mailbox->buried = result.ok() ? ok() : Status(std::move(result).error());
                          runner = mailbox->runner.lock();
                        }
                        if (runner) runner->RunnerBase::wake();
                      });
  if (SLUICE_MUTANT("sink.dead_letter_not_awaited")) {
    std::lock_guard lock(mailbox_->mutex);
    mailbox_->buried = ok();
  }
}

Status SinkRunner::add_dead_letters(log::AppendRequest& request) {
  std::vector<log::BatchAppend> unfinished;
  dead_letters_.finish(unfinished);  // of a try that failed on the way
  std::vector<Offset> offsets;
  for (const auto& record : burying_->bad) offsets.push_back(record.offset);
  size_t& sent = burying_->sent = 0;
  size_t bytes = 0;
  SLUICE_TRY(burying_->raw->find(offsets, [&](const model::RecordView& record) -> Result<bool> {
    const auto& bad = burying_->bad[sent];
    DeadLetter letter;
    letter.topic = burying_->partition.topic;
    letter.partition = burying_->partition.partition.value();
    letter.offset = record.offset.value();
    letter.timestamp = record.timestamp == model::kNoTimestamp ? now_ms() : record.timestamp;
    letter.key = record.key;
    letter.value = record.value;
    letter.headers = record.headers;
    letter.stage = bad.stage;
    letter.error = bad.what;
    SLUICE_TRY(dead_letters_.add(letter, bytes));
    ++sent;
    return bytes < kAppendBytes;
  }));
  dead_letters_.finish(request.batches);
  return ok();
}

void SinkRunner::dead_letters_refused(const Error& error, Next& next) {
  metrics_.dead_letter_failures.fetch_add(burying_->bad.size(), std::memory_order_relaxed);
  const bool topic_gone = error.kind == ErrorKind::kNotFound;
  if (!worth_retrying(error.kind) && !topic_gone) {
    const bool taken = held_ && held_->taken;
    burying_.reset();
    // What the plugin took is not counted as put: a commit would be of more than is counted.
    fail("writing to the dead letter topic " + settings_.errors.dead_letter_topic +
             " failed: " + error.message,
         true, taken);
    next = Next::again();
    return;
  }
  if (topic_gone) dead_letters_.forget_topic();
  const auto delay = log_backoff_.next();
  burying_->retry_at = steady() + delay;
  next = Next::wait(delay);
  metrics_.total_retries.fetch_add(1, std::memory_order_relaxed);
  if (metrics_.log_retrying.exchange(1, std::memory_order_relaxed) == 0)
    event("log-retry", "the dead letter topic does not take records, trying again until it does: " +
                           error.message);
}

}  // namespace sluice::task
