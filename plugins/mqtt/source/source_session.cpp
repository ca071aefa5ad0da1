// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <set>
#include <sluice/sdk/crash_point.hpp>
#include <utility>

#include "plugins/mqtt/source/source_task.hpp"

// The task's part about sessions: its own, and those that no task has any more.
namespace sluice::mqtt_plugin {

using sdk::Error;
using sdk::Status;

namespace {

constexpr char kClientId[] = "client.id";  // the key of the source partition
constexpr std::chrono::minutes kLongestVisitPause(60);

// Of {filter: qos, ...}.
std::set<std::string> filters_of(const sdk::Value& offset) {
  std::set<std::string> filters;
  if (offset.type != SLUICE_MAP) return filters;
  for (uint32_t i = 0; i < offset.count(); ++i) {
    if (const auto filter = sdk::Value(offset.as.items[2 * i]).as_string())
      filters.emplace(*filter);
  }
  return filters;
}

// Whether the broker has ever confirmed a subscription of that session.
bool confirmed(const sdk::Value& offset) {
  if (offset.type != SLUICE_MAP) return false;
  for (uint32_t i = 0; i < offset.count(); ++i)
    if (!sdk::Value(offset.as.items[2 * i + 1]).is_null()) return true;
  return false;
}

}  // namespace

Status MqttSourceTask::load_sessions() {
  const std::string& own = options_->subscriber.connection.client_id;
  SLUICE_SDK_ASSIGN(partition_, context().partition({{kClientId, own}}));
  SLUICE_SDK_ASSIGN(const sdk::Value offset, context().offset(partition_));
  session_known_ = confirmed(offset);
  stored_filters_ = filters_of(offset);
  if (!options_->subscriber.clean) {
    const auto& wanted = options_->subscriber.filters;
    const size_t stored = stored_filters_.size();
    stored_filters_.insert(wanted.begin(), wanted.end());
    announce_session_ = stored_filters_.size() > stored;
  }
  return find_old_sessions();
}

void MqttSourceTask::report_gap(const std::string& text) {
  metrics_.possible_gaps.add();
  context().report_event("session-lost", text);
}

void MqttSourceTask::possible_gap(const std::string& text) {
  report_gap(text);
  if (options_->fail_when_session_lost) {
    // Not fatal(): the worker would restart the task, whose new session hides that one was lost.
    failure_ =
        Error::config(text + ". The task fails as mqtt.session.lost says; restart it to go on");
  }
}

void MqttSourceTask::connected(bool session_present) {
  metrics_.connects.add();
  await_answer();
  if (visit_) {
    visit_accepted(session_present);
    return;
  }
  const std::string& id = options_->subscriber.connection.client_id;
  if (!session_present && session_known_ && !options_->subscriber.clean) {
    possible_gap("the MQTT broker no longer knows the session of client '" + id +
                 "': messages that were published since the last connection may be missing");
  } else if (options_->subscriber.clean && was_connected_) {
    possible_gap("the MQTT session of client '" + id +
                 "' is a clean one (mqtt.clean.session.enabled): messages that were published "
                 "since the last connection are missing");
  }
  was_connected_ = true;
  std::vector<std::string> gone;
  if (session_present) {
    for (const std::string& filter : stored_filters_) {
      const auto& wanted = options_->subscriber.filters;
      if (std::find(wanted.begin(), wanted.end(), filter) == wanted.end()) gone.push_back(filter);
    }
  }
  if (Status sent = subscriber_->subscribe(gone); !sent.ok() && !failure_) failure_ = sent.error();
}

void MqttSourceTask::subscribed(const std::vector<int>& codes) {
  const SubscriberOptions& wanted = options_->subscriber;
  std::string refused;
  for (size_t i = 0; i < codes.size() && i < wanted.filters.size(); ++i) {
    const std::string& filter = wanted.filters[i];
    if (codes[i] >= 128) {
      refused += (refused.empty() ? "'" : ", '") + filter + "': " + reason_text(codes[i]);
    } else if (codes[i] < wanted.qos) {
      context().report_event("granted-qos", "the MQTT broker grants QoS " +
                                                std::to_string(codes[i]) + " for '" + filter +
                                                "' only, not " + std::to_string(wanted.qos) +
                                                ": messages are lost whenever the connection is");
    }
  }
  if (!refused.empty()) {
    failure_ =
        Error::fatal("the MQTT broker refused the subscription to " + refused + " (mqtt.topics)");
    return;
  }
  if (wanted.asked_qos > wanted.qos) {
    context().report_event("granted-qos", "mqtt.qos=" + std::to_string(wanted.asked_qos) +
                                              " is asked for as 1: messages come at least once");
  }
  ready_at_ = Clock::now();
  SLUICE_CRASH_POINT("mqtt.subscribed");
  context().info("subscribed as '" + wanted.connection.client_id + "' at the MQTT broker");
  if (wanted.clean) return;
  std::set<std::string> subscribed(wanted.filters.begin(), wanted.filters.end());
  store_session_ = !session_known_ || stored_filters_ != subscribed;
  session_known_ = true;
  stored_filters_ = std::move(subscribed);
}

// Adds the offset, if there is one, that must be durable before the broker hears more.
bool MqttSourceTask::write_ahead(sdk::RecordBatch& batch) {
  if (std::exchange(announce_session_, false)) {
    add_session(batch, partition_, stored_filters_, session_known_);
    return true;
  }
  // One that is about to be ended will not be missed.
  if (visit_ && visit_stage_ == VisitStage::kEmpty &&
      std::exchange(old_sessions_.front().known, false)) {
    const OldSession& old = old_sessions_.front();
    add_session(batch, old.partition, old.filters, false);
    return true;
  }
  return false;
}

void MqttSourceTask::add_session(sdk::RecordBatch& batch, uint32_t partition,
                                 const std::set<std::string>& filters, bool known) const {
  std::vector<sdk::Value> entries;
  for (const std::string& filter : filters) {
    entries.push_back(batch.string(filter));
    entries.push_back(known ? sdk::Value::int64(options_->subscriber.qos) : sdk::Value::null());
  }
  const sdk::Value copied = batch.array(entries);
  batch.offset(partition, sdk::Value::map({reinterpret_cast<const sdk::Value*>(copied.as.items),
                                           entries.size()}));
}

// -------------------------------------------------------------------------------------------------
// Sessions of clients that the connector no longer has, because it has fewer tasks or another
// mqtt.client.id now. The broker goes on putting messages into them, of a shared subscription those
// that nobody else gets. So task 0 connects in their place, unsubscribes, takes what is there
// through rounds like any other, and ends them, between connections of its own.

Status MqttSourceTask::find_old_sessions() {
  if (context().setting("task.id").value_or("0") != "0") return sdk::ok();
  const std::string& own = options_->subscriber.connection.client_id;
  const std::string base = own.substr(0, own.size() - 1);  // without the task's number
  std::set<std::string> used = {own};                      // the only one may be without a number
  const std::string_view count = context().setting("task.count").value_or("1");
  int tasks = 1;
  std::from_chars(count.data(), count.data() + count.size(), tasks);
  for (int i = 0; i < tasks; ++i) used.insert(base + std::to_string(i));
  Status listed = context().each_offset([&](const sdk::Value& partition, const sdk::Value& offset) {
    const auto id = partition.get(kClientId).as_string();
    if (id && offset.type == SLUICE_MAP && !used.contains(std::string(*id)))
      old_sessions_.push_back({std::string(*id), 0, filters_of(offset), confirmed(offset)});
  });
  if (!listed.ok() && listed.error().kind != SLUICE_UNSUPPORTED) return listed;
  for (OldSession& session : old_sessions_) {
    SLUICE_SDK_ASSIGN(session.partition, context().partition({{kClientId, session.client_id}}));
    context().report_event("orphaned-session",
                           "no task has the MQTT session of client '" + session.client_id +
                               "' any more: what the broker holds for it is fetched, then it ends");
  }
  return sdk::ok();
}

// Nothing is unacknowledged now. The own subscription comes first, so that no message finds none;
// only a clean session, which ends with its connection, comes last.
void MqttSourceTask::go_on_with_old_sessions() {
  if (old_sessions_.empty()) return;
  if (!visit_) {
    const bool own_stands = options_->subscriber.clean
                                ? !was_connected_
                                : subscriber_ && subscriber_->subscribed() && !store_session_;
    if (!own_stands || Clock::now() < visit_at_) return;
    leave();
    visit_.emplace(options_->subscriber);
    visit_->connection.client_id = old_sessions_.front().client_id;
    visit_->filters.clear();
    visit_->will = {};
    visit_->clean = false;
    visit_stage_ = VisitStage::kEmptying;
  } else if (visit_stage_ == VisitStage::kEmpty) {
    leave();
    visit_->clean = true;  // which ends it
    visit_stage_ = VisitStage::kEnding;
  } else if (visit_stage_ == VisitStage::kEnded) {
    leave();
    visit_.reset();
    context().info("the MQTT session of client '" + old_sessions_.front().client_id +
                   "' was emptied and ended");
    forget_.push_back(old_sessions_.front().partition);
    old_sessions_.pop_front();
  } else if (visit_stage_ == VisitStage::kNotEmpty && subscriber_ && subscriber_->accepted()) {
    ask_for_the_rest();
  }
}

// Whether go_on_with_old_sessions() has something to do, rather than the broker.
bool MqttSourceTask::visit_goes_on() const {
  return visit_ && visit_stage_ != VisitStage::kEmptying && visit_stage_ != VisitStage::kEnding;
}

void MqttSourceTask::leave() {
  if (subscriber_) subscriber_->disconnect();
  subscriber_.reset();
  retry_at_ = Clock::now();
  backoff_->reset();
}

void MqttSourceTask::visit_accepted(bool session_present) {
  if (visit_stage_ == VisitStage::kEnding) {
    visit_stage_ = VisitStage::kEnded;
  } else if (session_present) {
    ask_for_the_rest();
  } else {
    visit_stage_ = VisitStage::kEmpty;
    if (!old_sessions_.front().known) return;
    report_gap("the MQTT broker no longer knows the session of client '" +
               old_sessions_.front().client_id +
               "', which no task has any more: messages that it held are missing");
  }
}

// A broker that is told of acknowledgements first sends what they make room for and then answers:
// when nothing comes before the answer, it had no more.
void MqttSourceTask::ask_for_the_rest() {
  visit_stage_ = VisitStage::kEmptying;
  came_since_asked_ = false;
  const std::set<std::string>& filters = old_sessions_.front().filters;
  Status sent = subscriber_->unsubscribe(
      filters.empty() ? options_->subscriber.filters
                      : std::vector<std::string>(filters.begin(), filters.end()));
  if (!sent.ok()) failure_ = sent.error();
}

void MqttSourceTask::unsubscribed() {
  if (visit_) visit_stage_ = came_since_asked_ ? VisitStage::kNotEmpty : VisitStage::kEmpty;
}

// The own connection must not wait for a session that cannot be visited: it is tried again later.
void MqttSourceTask::put_off_visit(const Error& why) {
  context().warn("the MQTT session of client '" + visit_->connection.client_id +
                 "' could not be emptied, which is tried again in " +
                 std::to_string(visit_pause_.count()) + " min: " + why.message);
  visit_.reset();
  visit_at_ = Clock::now() + visit_pause_;
  visit_pause_ = std::min(2 * visit_pause_, kLongestVisitPause);
}

}  // namespace sluice::mqtt_plugin
