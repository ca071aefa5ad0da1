// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/source/source_task.hpp"

#include <algorithm>
#include <charconv>
#include <sluice/sdk/crash_point.hpp>

namespace sluice::mqtt_plugin {

using sdk::Error;
using sdk::Result;
using sdk::Status;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kStep(500);     // the longest wait inside of poll
constexpr uint32_t kHeldIdleMs = 500;  // how often a round that is not durable is looked at
constexpr milliseconds kKeepAliveStep(1000);

}  // namespace

MqttSourceTask::~MqttSourceTask() {
  // With acknowledgements queued that are not due the connection is left without a word: the
  // goodbye would carry them.
  if (subscriber_ && subscriber_->accepted() && !holding() && unacknowledged_ == 0)
    subscriber_->disconnect();
}

Status MqttSourceTask::start(const sdk::Config& config) {
  SLUICE_SDK_ASSIGN(options_, read_options(config));
  const ConnectionOptions& connection = options_->subscriber.connection;
  backoff_.emplace(connection.backoff_first, connection.backoff_max);
  SLUICE_SDK_ASSIGN(mapper_, MessageMapper::make(context(), options_->mapping));
  SLUICE_SDK_TRY(metrics_.start(context()));
  return load_sessions();
}

// -------------------------------------------------------------------------------------------------
// rounds

Status MqttSourceTask::poll(const sdk::PollLimits& limits, sdk::RecordBatch& batch) {
  if (holding()) {
    if (subscriber_ && unacknowledged_ > 0 && stalled()) (void)release();
    batch.idle_for(kHeldIdleMs);
    return sdk::ok();
  }
  failure_.reset();
  if (unacknowledged_ == 0 && waiting_.empty()) {
    if (write_ahead(batch)) {
      held_ = ++batches_;
      return sdk::ok();
    }
    go_on_with_old_sessions();
  }
  const auto until = Clock::now() + std::min(kStep, milliseconds(limits.wait_max_ms));
  if (!subscriber_) {
    const auto wait = std::chrono::duration_cast<milliseconds>(retry_at_ - Clock::now());
    if (wait.count() > 0 && waiting_.empty()) {
      batch.idle_for(static_cast<uint32_t>(wait.count()));
      return sdk::ok();
    }
  }
  batch_ = &batch;
  limits_ = &limits;
  bytes_ = 0;
  const Status done = fill(limits, until);
  batch_ = nullptr;
  if (!done.ok() && done.error().kind != SLUICE_NOT_CONNECTED) return done;
  finish_round(batch);
  if (!done.ok() && batch.empty()) return done;
  return sdk::ok();
}

Status MqttSourceTask::fill(const sdk::PollLimits& limits, Clock::time_point until) {
  // A batch that fails goes nowhere: no later ack() may acknowledge what was in it.
  struct Discard {
    MqttSourceTask* task;
    ~Discard() {
      if (task == nullptr) return;
      task->subscriber_.reset();
      task->unacknowledged_ = 0;
    }
  } discard{this};
  Status done = add_waiting(limits);
  if (done.ok() && !subscriber_ && batch_->empty()) done = connect();
  if (done.ok() && subscriber_ && waiting_.empty()) done = run_round(limits, until);
  if (done.ok() || done.error().kind == SLUICE_NOT_CONNECTED) discard.task = nullptr;
  return done;
}

Status MqttSourceTask::connect() {
  const std::vector<Broker>& brokers = options_->subscriber.connection.brokers;
  const Broker& broker = brokers[attempts_++ % brokers.size()];
  retry_at_ = Clock::now() + backoff_->next();
  auto made =
      Subscriber::connect(context(), visit_ ? *visit_ : options_->subscriber, broker, stop_, *this);
  if (!made.ok()) return lose(made.error());
  subscriber_ = std::move(*made);
  written_at_ = checked_at_ = Clock::now();
  await_answer();
  return sdk::ok();
}

Status MqttSourceTask::run_round(const sdk::PollLimits& limits, Clock::time_point until) {
  // However busy the connection is: with QoS 0 nothing else is ever written.
  if (unacknowledged_ == 0) SLUICE_SDK_TRY(check_deadlines());
  for (;;) {
    // What is due goes out before anything is read: behind it acknowledgements would queue up that
    // are not.
    if (unacknowledged_ == 0 && subscriber_->wants_to_write()) {
      if (Status written = subscriber_->write(); !written.ok()) return lose(written.error());
      written_at_ = Clock::now();
    }
    const bool blocked =
        unacknowledged_ == 0 && subscriber_->accepted() && subscriber_->wants_to_write();
    if (!blocked) {
      Result<bool> read = subscriber_->read();
      if (failure_) return *failure_;
      if (!read.ok()) return lose(read.error());
      if (round_full(limits)) return sdk::ok();
      if (*read) continue;
    }
    if (!batch_->empty() || unacknowledged_ > 0 || store_session_ || visit_goes_on())
      return sdk::ok();
    if (Status in_time = check_deadlines(); !in_time.ok()) return in_time;
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
    if (left.count() <= 0 || !subscriber_->wait(left)) return sdk::ok();
  }
}

Status MqttSourceTask::check_deadlines() {
  const auto now = Clock::now();
  if (!subscriber_->subscribed()) {
    if (now < deadline_) return sdk::ok();
    const auto seconds = options_->subscriber.connection.connect_timeout.count();
    return lose(Error::not_connected(std::string("the MQTT broker did not answer to ") +
                                     (!subscriber_->accepted() ? "CONNECT"
                                      : visit_                 ? "UNSUBSCRIBE"
                                                               : "SUBSCRIBE") +
                                     " within " + std::to_string(seconds) +
                                     " s (mqtt.connect.timeout.seconds)"));
  }
  if (now - checked_at_ < kKeepAliveStep) return sdk::ok();
  checked_at_ = now;
  if (Status alive = subscriber_->keep_alive(); !alive.ok()) return lose(alive.error());
  return sdk::ok();
}

bool MqttSourceTask::round_full(const sdk::PollLimits& limits) const {
  return batch_->size() >= limits.records_max || bytes_ >= limits.bytes_max ||
         unacknowledged_ >= options_->subscriber.receive_maximum || !waiting_.empty();
}

void MqttSourceTask::received(const MessageView& message) {
  ++received_;
  if (message.duplicate) ++redelivered_;
  if (message.qos > 0) ++unacknowledged_;
  came_since_asked_ = true;
  if (failure_) return;
  // With TLS one read may bring more messages than the batch has room for.
  if (!waiting_.empty() || batch_->size() >= limits_->records_max) {
    waiting_.emplace_back(message);
    return;
  }
  if (Status taken = take(message); !taken.ok()) failure_ = taken.error();
}

Status MqttSourceTask::take(const MessageView& message) {
  if (message.retained && options_->skip_retained) {
    metrics_.dropped.add();
    return sdk::ok();
  }
  const MessageView own = copy_into(*batch_, message, properties_);
  bytes_ += own.topic.size() + own.payload.size();
  SLUICE_SDK_ASSIGN(const Mapped mapped, mapper_->map(own, *batch_));
  if (mapped == Mapped::kDropped) metrics_.dropped.add();
  if (mapped != Mapped::kBad) return sdk::ok();
  metrics_.bad_payloads.add();
  SLUICE_SDK_TRY(mapper_->add_raw(own, *batch_));
  const uint32_t index = batch_->size() - 1;
  context().record_error(index, Error::record(index, "the message of the MQTT topic '" +
                                                         std::string(own.topic.substr(0, 256)) +
                                                         "': " + mapper_->problem()));
  return sdk::ok();
}

Status MqttSourceTask::add_waiting(const sdk::PollLimits& limits) {
  while (!waiting_.empty() && batch_->size() < limits.records_max && bytes_ < limits.bytes_max) {
    SLUICE_SDK_TRY(take(waiting_.front().view()));
    waiting_.pop_front();
  }
  return sdk::ok();
}

void MqttSourceTask::finish_round(sdk::RecordBatch& batch) {
  if (std::exchange(store_session_, false))
    add_session(batch, partition_, stored_filters_, session_known_);
  for (const uint32_t partition : forget_) batch.offset(partition, sdk::Value::null());
  forget_.clear();
  if (!batch.empty()) ++batches_;
  // A broker that sends what it has kept answers to SUBSCRIBE behind it.
  if (received_ > 0 && subscriber_ && !subscriber_->subscribed()) await_answer();
  metrics_.received.add(static_cast<double>(std::exchange(received_, 0)));
  metrics_.redelivered.add(static_cast<double>(std::exchange(redelivered_, 0)));
  metrics_.unacknowledged.set(static_cast<double>(unacknowledged_));
  if (unacknowledged_ == 0 && waiting_.empty()) return;
  if (unacknowledged_ >= options_->subscriber.receive_maximum && !window_full_at_)
    window_full_at_ = Clock::now();
  if (batch.empty()) {
    // Only messages that were left out.
    if (waiting_.empty()) (void)release();
    return;
  }
  held_ = batches_;
  if (SLUICE_SDK_MUTANT("mqtt.acknowledged_before_durable") && subscriber_)
    (void)subscriber_->write();
}

Status MqttSourceTask::ack(uint64_t batch) {
  acked_ = std::max(acked_, batch);
  if (holding()) return sdk::ok();
  if (waiting_.empty() && unacknowledged_ > 0) (void)release();
  context().wake();
  return sdk::ok();
}

// Everything that was read is durable: now the broker may hear of it.
Status MqttSourceTask::release() {
  const auto now = Clock::now();
  if (window_full_at_)
    metrics_.window_full_seconds.add(std::chrono::duration<double>(now - *window_full_at_).count());
  window_full_at_.reset();
  const size_t count = std::exchange(unacknowledged_, 0);
  struct Shown {
    sdk::Metric& gauge;
    ~Shown() { gauge.set(0); }
  } shown{metrics_.unacknowledged};    // at the end, when it is true
  if (!subscriber_) return sdk::ok();  // it ended meanwhile: they come again
  if (stalled()) {
    metrics_.log_stalls.add();
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(now - written_at_).count();
    const std::string text =
        "the log took " + std::to_string(seconds) +
        " s to make messages durable, longer than the MQTT broker waits "
        "(mqtt.keepalive.interval.seconds): connecting anew to the same session, where the " +
        std::to_string(count) + " messages come again";
    context().report_event("log-stall", text);
    return lose(Error::not_connected(text));
  }
  SLUICE_CRASH_POINT("mqtt.before_puback");
  if (Status written = subscriber_->write(); !written.ok()) return lose(written.error());
  SLUICE_CRASH_POINT("mqtt.after_puback");
  if (!subscriber_->wants_to_write()) written_at_ = now;
  if (!subscriber_->subscribed()) await_answer();  // SUBSCRIBE may have gone out only now
  checked_at_ = now;  // what came meanwhile, an answer to a PINGREQ too, is read first
  metrics_.acknowledged.add(static_cast<double>(count));
  return sdk::ok();
}

// A broker gives a client up after one and a half times the interval (MQTT-3.1.2-22).
bool MqttSourceTask::stalled() const {
  return Clock::now() - written_at_ >=
         milliseconds(1500) * options_->subscriber.connection.keepalive_s;
}

// -------------------------------------------------------------------------------------------------
// the connection

Error MqttSourceTask::lose(const Error& why) {
  const bool was_ready = subscriber_ && subscriber_->subscribed();
  // One that lasted was good; one that ends at once is not tried again at once.
  if (was_ready && Clock::now() - ready_at_ > options_->subscriber.connection.backoff_max)
    backoff_->reset();
  if (was_ready) {
    retry_at_ = Clock::now() + backoff_->next();
    context().report_event("connection-lost", why.message);
  }
  subscriber_.reset();
  if (visit_) put_off_visit(why);
  const auto wait = std::chrono::duration_cast<milliseconds>(retry_at_ - Clock::now());
  return Error{why.kind, why.message, static_cast<uint32_t>(std::max<int64_t>(wait.count(), 1)), 0};
}

}  // namespace sluice::mqtt_plugin
