// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/sink/publisher.hpp"

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <algorithm>

namespace sluice::mqtt_plugin {

using sdk::Error;
using sdk::Status;

namespace {

constexpr auto kPatience = std::chrono::seconds(2);  // of one call of the worker
constexpr int kLoopMs = 500;

bool same(const sdk::PartitionOffset& a, const sdk::PartitionOffset& b) {
  return a.topic == b.topic && a.partition == b.partition;
}

size_t number_size(size_t number) {
  size_t bytes = 1;
  while ((number >>= 7) != 0) ++bytes;
  return bytes;
}

// Of the PUBLISH packet.
size_t packet_size(const Outgoing& message, bool v5, int qos) {
  size_t size = 2 + message.topic.size() + (qos > 0 ? 2 : 0) + message.payload.size();
  if (v5) {
    size_t properties = message.expiry_s ? 5 : 0;
    for (const auto& [name, value] : message.user_properties)
      properties += 5 + name.size() + value.size();
    for (const std::string* text :
         {&message.content_type, &message.response_topic, &message.correlation_data})
      properties += text->empty() ? 0 : 3 + text->size();
    size += number_size(properties) + properties;
  }
  return 1 + number_size(size) + size;
}

}  // namespace

Publisher::Publisher(sdk::Context context, PublisherOptions options)
    : context_(context), options_(std::move(options)), reason_("not connected yet") {
  thread_ = std::thread([this] { run(); });
}

Publisher::~Publisher() {
  stop();
  thread_.join();
}

void Publisher::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  stop_.raise();
  changed_.notify_all();
}

Status Publisher::failure() const {
  if (!refused_.empty()) return Error::fatal(refused_);
  if (!connected_) return Error::not_connected(reason_);
  return sdk::ok();
}

Status Publisher::push(std::vector<Outgoing>& messages, std::vector<BadRecord>& bad) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] {
    return stopping_ || !refused_.empty() || (connected_ && held_.size() < options_.window);
  });
  if (Status failed = failure(); !failed.ok()) return failed;
  if (held_.size() >= options_.window) {
    return Error::retriable("the broker has not acknowledged " + std::to_string(held_.size()) +
                            " messages");
  }
  for (Outgoing& message : messages) {
    const size_t size = packet_size(message, options_.connection.v5, options_.qos);
    if (max_packet_ != 0 && size > max_packet_) {
      bad.emplace_back(message.index, "the message has " + std::to_string(size) +
                                          " bytes, and the broker takes no more than " +
                                          std::to_string(max_packet_) +
                                          " (its maximum packet size)");
      continue;
    }
    held_.push_back({std::move(message)});
  }
  pump();
  return sdk::ok();
}

Status Publisher::settle(std::span<sdk::PartitionOffset> partitions) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience,
                    [&] { return stopping_ || !connected_ || !refused_.empty() || held_.empty(); });
  if (!refused_.empty()) return Error::fatal(refused_);
  for (const Held& held : held_) {
    if (held.done || held.forgotten) continue;
    for (sdk::PartitionOffset& partition : partitions) {
      if (same(partition, held.message.record)) {
        partition.next_offset = std::min(partition.next_offset, held.message.record.next_offset);
      }
    }
  }
  return sdk::ok();
}

void Publisher::forget(std::span<const sdk::PartitionOffset> partitions) {
  const std::lock_guard lock(mutex_);
  for (Held& held : held_) {
    held.forgotten |= std::any_of(
        partitions.begin(), partitions.end(),
        [&](const sdk::PartitionOffset& gone) { return same(gone, held.message.record); });
  }
  pop_done();
}

void Publisher::pop_done() {
  while (!held_.empty() && (held_.front().done || held_.front().forgotten)) {
    held_.pop_front();
    ++first_;
  }
  next_ = std::max(next_, first_);
  changed_.notify_all();
}

void Publisher::pump() {
  while (connected_ && !broken_ && refused_.empty() && numbers_.size() < options_.window &&
         next_ - first_ < held_.size()) {
    const Held& held = held_[next_ - first_];
    if (!held.done && !held.forgotten) {
      int mid = 0;
      const int code = send(held.message, &mid);
      if (code == MOSQ_ERR_NO_CONN || code == MOSQ_ERR_CONN_LOST) {
        reason_ = "the connection to the MQTT broker broke: " + mqtt_error_text(code);
        broken_ = true;
        return;
      }
      if (code != MOSQ_ERR_SUCCESS) {
        refused_ = "the message for the MQTT topic '" + held.message.topic + "' of " +
                   std::to_string(held.message.payload.size()) +
                   " bytes cannot be sent: " + mosquitto_strerror(code);
        changed_.notify_all();
        return;
      }
      numbers_.emplace(mid, next_);
    }
    ++next_;
  }
}

int Publisher::send(const Outgoing& message, int* mid) {
  mosquitto_property* properties = nullptr;
  int code = MOSQ_ERR_SUCCESS;
  const auto add = [&](int result) {
    if (code == MOSQ_ERR_SUCCESS) code = result;
  };
  if (options_.connection.v5) {
    for (const auto& [name, value] : message.user_properties) {
      add(mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, name.c_str(),
                                             value.c_str()));
    }
    if (!message.content_type.empty()) {
      add(mosquitto_property_add_string(&properties, MQTT_PROP_CONTENT_TYPE,
                                        message.content_type.c_str()));
    }
    if (!message.response_topic.empty()) {
      add(mosquitto_property_add_string(&properties, MQTT_PROP_RESPONSE_TOPIC,
                                        message.response_topic.c_str()));
    }
    if (!message.correlation_data.empty()) {
      add(mosquitto_property_add_binary(&properties, MQTT_PROP_CORRELATION_DATA,
                                        message.correlation_data.data(),
                                        static_cast<uint16_t>(message.correlation_data.size())));
    }
    if (message.expiry_s) {
      add(mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
                                       *message.expiry_s));
    }
  }
  if (code == MOSQ_ERR_SUCCESS) {
    code = mosquitto_publish_v5(client_.get(), mid, message.topic.c_str(),
                                static_cast<int>(message.payload.size()), message.payload.data(),
                                options_.qos, options_.retained, properties);
  }
  mosquitto_property_free_all(&properties);
  return code;
}

void Publisher::published(int mid, int reason) {
  const std::lock_guard lock(mutex_);
  const auto found = numbers_.find(mid);
  if (found == numbers_.end() || broken_) return;
  const uint64_t number = found->second;
  numbers_.erase(found);
  if (number >= first_) {
    Held& held = held_[number - first_];
    if (reason == MQTT_RC_QUOTA_EXCEEDED) {
      // Sent again on the next connection, with all that came after it, whatever became of that: so
      // the last message of a key stays the last.
      for (uint64_t after = number; after < next_; ++after) held_[after - first_].done = false;
      broken_ = true;
      reason_ = "the broker has no room for more messages (quota exceeded)";
      return;
    }
    if (reason >= 128) {
      refused_ = "the broker refused a message for the MQTT topic '" + held.message.topic +
                 "': " + mosquitto_reason_string(reason);
    } else {
      held.done = true;
    }
  }
  pop_done();
  pump();
}

void Publisher::connected(int reason, const mosquitto_property* allowed) {
  const std::lock_guard lock(mutex_);
  if (reason != 0) {
    reason_ = refusal_text(options_.connection.v5, reason);
    broken_ = true;
    return;
  }
  // Its lines are made for each packet as long as somebody listens.
  mosquitto_log_callback_set(client_.get(), nullptr);
  max_packet_ = 0;
  mosquitto_property_read_int32(allowed, MQTT_PROP_MAXIMUM_PACKET_SIZE, &max_packet_, false);
  connected_ = true;
  changed_.notify_all();
  pump();
}

bool Publisher::connect(const Broker& broker) {
  ClientSetup setup;
  setup.self = this;
  setup.prepare = [&](mosquitto* client) {
    mosquitto_int_option(client, MOSQ_OPT_SEND_MAXIMUM,
                         static_cast<int>(std::min<size_t>(options_.window, 65535)));
    mosquitto_connect_v5_callback_set(
        client, [](mosquitto*, void* self, int reason, int, const mosquitto_property* allowed) {
          static_cast<Publisher*>(self)->connected(reason, allowed);
        });
    mosquitto_publish_v5_callback_set(
        client, [](mosquitto*, void* self, int mid, int reason, const mosquitto_property*) {
          static_cast<Publisher*>(self)->published(mid, reason);
        });
    return MOSQ_ERR_SUCCESS;
  };
  auto client = connect_client(context_, options_.connection, broker, setup, stop_);
  const std::lock_guard lock(mutex_);
  if (!client.ok()) {
    reason_ = client.error().message;
    if (client.error().kind == SLUICE_CONFIG_ERROR) refused_ = reason_;
    changed_.notify_all();
    return false;
  }
  client_ = std::move(*client);
  broken_ = false;
  numbers_.clear();
  next_ = first_;
  return true;
}

void Publisher::serve(const Broker& broker) {
  const auto deadline = std::chrono::steady_clock::now() + options_.connection.connect_timeout;
  for (;;) {
    const int code = mosquitto_loop(client_.get(), kLoopMs, 1);
    const std::lock_guard lock(mutex_);
    if (broken_ && !connected_) reason_ += " (" + broker.text() + ")";
    if (broken_ || stopping_) return;
    if (code != MOSQ_ERR_SUCCESS) {
      reason_ = connected_ ? "the connection to the MQTT broker broke: " + mqtt_error_text(code)
                           : not_accepted_text(code, options_.connection, broker);
      return;
    }
    if (!connected_ && std::chrono::steady_clock::now() >= deadline) {
      reason_ = "the MQTT broker " + broker.text() + " did not accept the connection within " +
                std::to_string(options_.connection.connect_timeout.count()) +
                " s (mqtt.connect.timeout.seconds)";
      return;
    }
  }
}

void Publisher::run() {
  Backoff backoff(options_.connection.backoff_first, options_.connection.backoff_max);
  const std::vector<Broker>& brokers = options_.connection.brokers;
  for (size_t attempt = 0;; ++attempt) {
    const Broker& broker = brokers[attempt % brokers.size()];
    if (connect(broker)) {
      serve(broker);
      std::unique_lock lock(mutex_);
      const ClientPtr client = std::move(client_);
      if (connected_) backoff.reset();
      connected_ = false;
      changed_.notify_all();
      lock.unlock();
      if (mosquitto_disconnect(client.get()) == MOSQ_ERR_SUCCESS)
        mosquitto_loop_write(client.get(), 1);  // which sends it
    }
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    context_.warn(reason_);
    if (changed_.wait_for(lock, backoff.next(), [&] { return stopping_; })) return;
  }
}

}  // namespace sluice::mqtt_plugin
