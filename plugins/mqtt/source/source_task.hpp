// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <sluice/sdk.hpp>
#include <string>
#include <vector>

#include "plugins/mqtt/mapping/message_mapper.hpp"
#include "plugins/mqtt/source/message_copy.hpp"
#include "plugins/mqtt/source/source_check.hpp"
#include "plugins/mqtt/source/source_metrics.hpp"
#include "plugins/mqtt/source/source_options.hpp"

namespace sluice::mqtt_plugin {

// Receives messages in rounds: reads until the window is full, the batch is or the socket is dry;
// waits until that batch is durable; writes the acknowledgements; reads on. In between nothing is
// written to the broker, since any write would carry acknowledgements that are not due.
//
// What the session subscribes to is kept as source offset, {"client.id": id} -> {filter: qos, ...}:
// so a session that the broker has lost shows, filters that the config no longer has can be
// unsubscribed, and sessions that no task has any more are found and emptied. The broker hears of
// no filter before that offset is durable; while it has not confirmed any, their QoS is null.
//
// Owned by the worker; one thread at a time, but for stop(). Has no thread of its own.
class MqttSourceTask : public sdk::SourceTask, private SubscriberListener {
 public:
  ~MqttSourceTask() override;
  sdk::Status start(const sdk::Config& config) override;
  sdk::Status poll(const sdk::PollLimits& limits, sdk::RecordBatch& batch) override;
  sdk::Status ack(uint64_t batch) override;
  void stop() override { stop_.raise(); }

 protected:
  // Classes that take the configs of other products translate them here.
  virtual sdk::Result<SourceOptions> read_options(const sdk::Config& config) {
    return SourceOptions::read(context(), config);
  }

 private:
  using Clock = std::chrono::steady_clock;

  // Of the connection.
  void connected(bool session_present) override;
  void subscribed(const std::vector<int>& codes) override;
  void unsubscribed() override;
  void received(const MessageView& message) override;

  sdk::Status fill(const sdk::PollLimits& limits, Clock::time_point until);
  sdk::Status connect();
  sdk::Status run_round(const sdk::PollLimits& limits, Clock::time_point until);
  sdk::Status check_deadlines();
  bool round_full(const sdk::PollLimits& limits) const;
  sdk::Status take(const MessageView& message);
  sdk::Status add_waiting(const sdk::PollLimits& limits);
  void finish_round(sdk::RecordBatch& batch);
  sdk::Error lose(const sdk::Error& why);
  sdk::Status release();
  bool stalled() const;
  // CONNACK, SUBACK or UNSUBACK has as long as is left from now on.
  void await_answer() {
    deadline_ = Clock::now() + options_->subscriber.connection.connect_timeout;
  }
  bool write_ahead(sdk::RecordBatch& batch);
  void add_session(sdk::RecordBatch& batch, uint32_t partition,
                   const std::set<std::string>& filters, bool known) const;
  sdk::Status load_sessions();
  sdk::Status find_old_sessions();
  void go_on_with_old_sessions();
  void visit_accepted(bool session_present);
  void ask_for_the_rest();
  void put_off_visit(const sdk::Error& why);
  void leave();
  bool visit_goes_on() const;
  void report_gap(const std::string& text);
  void possible_gap(const std::string& text);
  bool holding() const { return held_ > acked_; }

  std::optional<SourceOptions> options_;
  std::unique_ptr<MessageMapper> mapper_;
  std::optional<Backoff> backoff_;
  SourceMetrics metrics_;
  StopSignal stop_;

  std::unique_ptr<Subscriber> subscriber_;
  size_t attempts_ = 0;           // picks the broker
  Clock::time_point retry_at_;    // of the next attempt
  Clock::time_point deadline_;    // of CONNACK, then of SUBACK
  Clock::time_point ready_at_;    // SUBACK came
  Clock::time_point written_at_;  // the broker heard of us
  Clock::time_point checked_at_;  // keep_alive was called

  // The round.
  sdk::RecordBatch* batch_ = nullptr;  // inside of poll
  const sdk::PollLimits* limits_ = nullptr;
  uint64_t bytes_ = 0;
  std::deque<MessageCopy> waiting_;  // read, but the batch had no room
  size_t unacknowledged_ = 0;        // PUBACKs that are queued
  std::optional<Clock::time_point> window_full_at_;
  uint64_t batches_ = 0;  // that poll has returned
  uint64_t held_ = 0;     // the newest of them that must be durable before the broker hears more
  uint64_t acked_ = 0;
  size_t received_ = 0, redelivered_ = 0;  // of this round
  std::vector<UserProperty> properties_;   // scratch of take
  std::optional<sdk::Error> failure_;      // from inside of a callback

  // The session.
  uint32_t partition_ = 0;
  std::set<std::string> stored_filters_;  // as the offset has them
  bool session_known_ = false;            // the broker should have it
  bool announce_session_ = false;         // the offset is to be durable before CONNECT
  bool store_session_ = false;            // the offset is to be written
  bool was_connected_ = false;            // in this run

  // Sessions that no task has any more.
  struct OldSession {
    std::string client_id;
    uint32_t partition;
    std::set<std::string> filters;
    bool known;  // as session_known_
  };
  enum class VisitStage {
    kEmptying,  // UNSUBSCRIBE has not been answered
    kNotEmpty,  // messages came before the answer: once they are acknowledged, it is sent again
    kEmpty,
    kEnding,  // the connection that ends it has not been accepted
    kEnded
  };
  std::deque<OldSession> old_sessions_;     // that are still to be emptied
  std::optional<SubscriberOptions> visit_;  // of the connection to the first of them
  VisitStage visit_stage_ = VisitStage::kEmptying;
  bool came_since_asked_ = false;  // a message
  Clock::time_point visit_at_;     // not before
  std::chrono::minutes visit_pause_{1};
  std::vector<uint32_t> forget_;  // partitions of those that ended, to be stored
};

// The control side: as many tasks as the config wants; they share the subscription.
class MqttSourceConnector : public sdk::Connector {
 public:
  sdk::Result<std::vector<sdk::TaskConfig>> task_configs(uint32_t tasks_max) override {
    const uint32_t count = std::max(tasks_max, 1u);
    const sdk::TaskConfig each = {{kTaskCountKey, std::to_string(count)}};
    return std::vector<sdk::TaskConfig>(count, each);
  }
  static sdk::Status validate(const sdk::Context& context, const sdk::Config& config) {
    SourceOptions::check_values(context, config);
    return sdk::ok();
  }
  static sdk::Status check(const sdk::Context& context, const sdk::Config& config) {
    SLUICE_SDK_ASSIGN(const SourceOptions options, SourceOptions::read(context, config));
    return check_source(context, options.subscriber);
  }
};

}  // namespace sluice::mqtt_plugin
