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
constexpr auto kFirstBackoff = std::chrono::milliseconds(100);
constexpr auto kLastBackoff = std::chrono::seconds(10);
constexpr int kLoopMs = 500;

void init_library() {
  static std::once_flag once;
  std::call_once(once, [] { mosquitto_lib_init(); });
}

const char* text_or_null(const std::string& text) {
  return text.empty() ? nullptr : text.c_str();
}

bool same(const sdk::PartitionOffset& a, const sdk::PartitionOffset& b) {
  return a.topic == b.topic && a.partition == b.partition;
}

}  // namespace

Publisher::Publisher(sdk::Context context, PublisherOptions options)
    : context_(context), options_(std::move(options)), reason_("not connected yet") {
  init_library();
  thread_ = std::thread([this] { run(); });
}

Publisher::~Publisher() {
  stop();
  thread_.join();
}

void Publisher::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

Status Publisher::failure() const {
  if (!refused_.empty()) return Error::fatal(refused_);
  if (!connected_) return Error::not_connected(reason_);
  return sdk::ok();
}

Status Publisher::push(std::vector<Outgoing>& messages) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] {
    return stopping_ || !refused_.empty() || (connected_ && held_.size() < options_.window);
  });
  if (Status failed = failure(); !failed.ok()) return failed;
  if (held_.size() >= options_.window) {
    return Error::retriable("the broker has not acknowledged " + std::to_string(held_.size()) +
                            " messages");
  }
  for (Outgoing& message : messages) held_.push_back({std::move(message)});
  pump();
  return sdk::ok();
}

Status Publisher::settle(std::span<sdk::PartitionOffset> partitions) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience,
                    [&] { return stopping_ || !connected_ || !refused_.empty() || held_.empty(); });
  if (!refused_.empty()) return Error::fatal(refused_);
  for (const Held& held : held_) {
    if (held.done) continue;
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
    held.done |= std::any_of(
        partitions.begin(), partitions.end(),
        [&](const sdk::PartitionOffset& gone) { return same(gone, held.message.record); });
  }
  pop_done();
}

void Publisher::pop_done() {
  while (!held_.empty() && held_.front().done) {
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
    if (!held.done) {
      int mid = 0;
      const int code = send(held.message, &mid);
      if (code == MOSQ_ERR_NO_CONN || code == MOSQ_ERR_CONN_LOST) {
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
  if (options_.v5) {
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
    code = mosquitto_publish_v5(client_, mid, message.topic.c_str(),
                                static_cast<int>(message.payload.size()), message.payload.data(),
                                options_.qos, options_.retained, properties);
  }
  mosquitto_property_free_all(&properties);
  return code;
}

void Publisher::published(int mid, int reason) {
  const std::lock_guard lock(mutex_);
  const auto found = numbers_.find(mid);
  if (found == numbers_.end()) return;
  const uint64_t number = found->second;
  numbers_.erase(found);
  if (number >= first_) {
    Held& held = held_[number - first_];
    if (reason == MQTT_RC_QUOTA_EXCEEDED) {
      broken_ = true;  // sent again, in order, on the next connection
      reason_ = "the broker has no room for more messages";
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

void Publisher::connected(int reason) {
  const std::lock_guard lock(mutex_);
  if (reason != 0) {
    reason_ = std::string("the broker refused the connection: ") +
              (options_.v5 ? mosquitto_reason_string(reason) : mosquitto_connack_string(reason));
    broken_ = true;
    return;
  }
  connected_ = true;
  changed_.notify_all();
  pump();
}

bool Publisher::connect(size_t attempt) {
  const PublisherOptions::Broker& broker = options_.brokers[attempt % options_.brokers.size()];
  mosquitto* client = mosquitto_new(options_.client_id.c_str(), true, this);
  if (client == nullptr) return false;
  mosquitto_threaded_set(client, true);
  mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION,
                       options_.v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  mosquitto_int_option(client, MOSQ_OPT_SEND_MAXIMUM,
                       static_cast<int>(std::min<size_t>(options_.window, 65535)));
  mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
  if (!options_.username.empty()) {
    mosquitto_username_pw_set(client, options_.username.c_str(), text_or_null(options_.password));
  }
  int code = MOSQ_ERR_SUCCESS;
  if (broker.tls) {
    if (options_.ca_file.empty()) mosquitto_int_option(client, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
    code = mosquitto_tls_set(client, text_or_null(options_.ca_file),
                             options_.ca_file.empty() ? "/etc/ssl/certs" : nullptr,
                             text_or_null(options_.cert_file), text_or_null(options_.key_file),
                             nullptr);
  }
  mosquitto_connect_v5_callback_set(
      client, [](mosquitto*, void* self, int reason, int, const mosquitto_property*) {
        static_cast<Publisher*>(self)->connected(reason);
      });
  mosquitto_publish_v5_callback_set(
      client, [](mosquitto*, void* self, int mid, int reason, const mosquitto_property*) {
        static_cast<Publisher*>(self)->published(mid, reason);
      });
  if (code == MOSQ_ERR_SUCCESS) {
    code = mosquitto_connect_bind_v5(client, broker.host.c_str(), broker.port, options_.keepalive_s,
                                     nullptr, nullptr);
  }
  const std::lock_guard lock(mutex_);
  if (code != MOSQ_ERR_SUCCESS) {
    reason_ = "no connection to the MQTT broker " + broker.host + ":" +
              std::to_string(broker.port) + ": " +
              (code == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(code));
    mosquitto_destroy(client);
    return false;
  }
  client_ = client;
  broken_ = false;
  numbers_.clear();
  next_ = first_;
  return true;
}

void Publisher::run() {
  std::chrono::milliseconds backoff = kFirstBackoff;
  for (size_t attempt = 0;; ++attempt) {
    if (connect(attempt)) {
      int code = MOSQ_ERR_SUCCESS;
      for (bool on = true; on;) {
        code = mosquitto_loop(client_, kLoopMs, 1);
        const std::lock_guard lock(mutex_);
        on = code == MOSQ_ERR_SUCCESS && !broken_ && !stopping_;
      }
      std::unique_lock lock(mutex_);
      mosquitto* const client = std::exchange(client_, nullptr);
      if (connected_) {
        backoff = kFirstBackoff;
        reason_ =
            std::string("the connection to the MQTT broker broke: ") + mosquitto_strerror(code);
      }
      connected_ = false;
      changed_.notify_all();
      lock.unlock();
      mosquitto_disconnect(client);
      mosquitto_destroy(client);
    }
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    context_.warn(reason_);
    if (changed_.wait_for(lock, backoff, [&] { return stopping_; })) return;
    backoff = std::min<std::chrono::milliseconds>(backoff * 2, kLastBackoff);
  }
}

}  // namespace sluice::mqtt_plugin
