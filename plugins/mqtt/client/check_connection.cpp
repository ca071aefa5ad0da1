// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/client/check_connection.hpp"

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <algorithm>
#include <optional>

#include "plugins/mqtt/client/connect.hpp"

namespace sluice::mqtt_plugin {

using sdk::Error;
using sdk::Result;
using sdk::Status;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kLongest{10};  // for one broker
constexpr int kRefused = 128;                 // and all codes above it

// One connection to one broker.
class Check {
 public:
  Check(const sdk::Context& context, const ConnectionOptions& options, const Broker& broker,
        const CheckedUse& use)
      : context_(context), options_(options), broker_(broker), use_(use) {}

  Status run() {
    SLUICE_SDK_TRY(connect());
    SLUICE_SDK_TRY(subscribe());
    leave();
    return problem_.empty() ? sdk::ok() : Status(Error::config(problem_));
  }

 private:
  struct Subscription {
    std::string filter;
    int mid = 0;
    std::optional<int> code = {};  // of SUBACK
  };

  void find(std::string_view kind, const std::string& text) const {
    context_.report_event(kind, text);
  }
  void blame(const std::string& problem) {
    if (problem_.empty()) problem_ = "the MQTT broker " + broker_.text() + ' ' + problem;
  }

  Status connect() {
    ClientSetup setup;
    setup.self = this;
    setup.prepare = [](mosquitto* client) {
      mosquitto_connect_v5_callback_set(
          client, [](mosquitto*, void* self, int reason, int, const mosquitto_property* allowed) {
            static_cast<Check*>(self)->connected(reason, allowed);
          });
      mosquitto_subscribe_v5_callback_set(client, [](mosquitto*, void* self, int mid, int count,
                                                     const int* codes, const mosquitto_property*) {
        if (count > 0) static_cast<Check*>(self)->subscribed(mid, codes[0]);
      });
      mosquitto_message_v5_callback_set(
          client, [](mosquitto*, void* self, const mosquitto_message*, const mosquitto_property*) {
            static_cast<Check*>(self)->received_ = true;
          });
      return MOSQ_ERR_SUCCESS;
    };
    SLUICE_SDK_ASSIGN(client_, connect_client(context_, options_, broker_, setup, stop_));
    SLUICE_SDK_TRY(read_until([&] { return reason_.has_value(); }, true, "to accept a client"));
    if (*reason_ == 0) return sdk::ok();
    return Error::not_connected(refusal_text(options_.v5, *reason_) + " (" + broker_.text() + ")");
  }

  void connected(int reason, const mosquitto_property* allowed) {
    reason_ = reason;
    if (reason != 0) return;
    std::string text = broker_.text() + " accepts '" + options_.client_id + "' with MQTT ";
    if (!options_.v5)
      return find("connection", text + "3.1.1, where brokers do not say their limits");
    uint8_t qos = 2, retain = 1, shared = 1;
    uint16_t window = 65535;
    uint32_t size = 0;
    mosquitto_property_read_byte(allowed, MQTT_PROP_MAXIMUM_QOS, &qos, false);
    mosquitto_property_read_byte(allowed, MQTT_PROP_RETAIN_AVAILABLE, &retain, false);
    mosquitto_property_read_byte(allowed, MQTT_PROP_SHARED_SUB_AVAILABLE, &shared, false);
    mosquitto_property_read_int16(allowed, MQTT_PROP_RECEIVE_MAXIMUM, &window, false);
    mosquitto_property_read_int32(allowed, MQTT_PROP_MAXIMUM_PACKET_SIZE, &size, false);
    find("connection", text + "5: maximum QoS " + std::to_string(qos) + ", receive maximum " +
                           std::to_string(window) + ", maximum packet size " +
                           (size == 0 ? "not limited" : std::to_string(size) + " bytes") +
                           ", retained messages " + (retain != 0 ? "available" : "not available") +
                           ", shared subscriptions " +
                           (shared != 0 ? "available" : "not available"));
    if (use_.filters.empty() && use_.qos > qos)
      blame("takes messages with QoS " + std::to_string(qos) + " at most; set mqtt.qos to that");
    if (use_.retained && retain == 0)
      blame("takes no retained messages; set mqtt.retained to false");
  }

  Status subscribe() {
    const int options = options_.v5 ? MQTT_SUB_OPT_SEND_RETAIN_NEVER : 0;
    for (const std::string& filter : use_.filters) {
      Subscription& one = subscriptions_.emplace_back(Subscription{filter});
      const int code = mosquitto_subscribe_v5(client_.get(), &one.mid, filter.c_str(), use_.qos,
                                              options, nullptr);
      if (code != MOSQ_ERR_SUCCESS) return broken(code);
    }
    // After this nothing is written: that would acknowledge messages that come in meanwhile.
    SLUICE_SDK_TRY(flush());
    SLUICE_SDK_TRY(read_until(
        [&] {
          return std::all_of(subscriptions_.begin(), subscriptions_.end(),
                             [](const Subscription& one) { return one.code.has_value(); });
        },
        false, "a subscription"));
    for (const Subscription& one : subscriptions_) {
      if (*one.code >= kRefused) {
        const std::string why =
            options_.v5 ? mosquitto_reason_string(*one.code) : "no reason given";
        find("subscription", one.filter + ": refused: " + why);
        blame("refused the filter '" + one.filter + "': " + why);
      } else if (*one.code < use_.qos) {
        find("subscription", one.filter + ": granted QoS " + std::to_string(*one.code) + " only");
        blame("grants the filter '" + one.filter + "' QoS " + std::to_string(*one.code) +
              " only, " + std::to_string(use_.qos) + " was asked for");
      } else {
        find("subscription", one.filter + ": granted QoS " + std::to_string(*one.code));
      }
    }
    return sdk::ok();
  }

  void subscribed(int mid, int code) {
    for (Subscription& one : subscriptions_) {
      if (one.mid == mid) one.code = code;
    }
  }

  void leave() {
    if (received_) return;  // DISCONNECT would go out behind PUBACKs; the socket is just closed
    mosquitto_disconnect_v5(client_.get(), 0, nullptr);
    (void)flush();
  }

  Status flush() {
    while (mosquitto_want_write(client_.get())) {
      const int code = mosquitto_loop_write(client_.get(), 1);
      if (code != MOSQ_ERR_SUCCESS) return broken(code);
      if (mosquitto_want_write(client_.get())) SLUICE_SDK_TRY(wait("to take what is sent"));
    }
    return sdk::ok();
  }

  template <class Done>
  Status read_until(Done done, bool writing, const char* what) {
    while (!done()) {
      if (writing && mosquitto_want_write(client_.get())) {
        const int code = mosquitto_loop_write(client_.get(), 1);
        if (code != MOSQ_ERR_SUCCESS) return broken(code);
      }
      SLUICE_SDK_TRY(wait(what));
      const int code = mosquitto_loop_read(client_.get(), 1);
      if (code != MOSQ_ERR_SUCCESS && !done()) return broken(code);
    }
    return sdk::ok();
  }

  Status wait(const char* what) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0) {
      return Error::not_connected("the MQTT broker " + broker_.text() + " took longer than " +
                                  std::to_string(kLongest.count()) + " s " + what);
    }
    wait_for_socket(mosquitto_socket(client_.get()), mosquitto_want_write(client_.get()), left,
                    stop_);
    return sdk::ok();
  }

  Error broken(int code) const {
    if (!reason_) return Error::not_connected(not_accepted_text(code, options_, broker_));
    return Error::not_connected("the connection to the MQTT broker " + broker_.text() +
                                " broke: " + mqtt_error_text(code));
  }

  const sdk::Context& context_;
  const ConnectionOptions& options_;
  const Broker& broker_;
  const CheckedUse& use_;
  const Clock::time_point deadline_ = Clock::now() + kLongest;
  StopSignal stop_;  // never raised
  ClientPtr client_;
  std::optional<int> reason_;  // of CONNACK
  std::vector<Subscription> subscriptions_;
  bool received_ = false;
  std::string problem_;
};

}  // namespace

Status check_connection(const sdk::Context& context, const ConnectionOptions& options,
                        const CheckedUse& use) {
  ConnectionOptions own = options;
  own.client_id += "-check";
  own.connect_timeout = std::min(options.connect_timeout, kLongest);
  Status first = sdk::ok();
  for (const Broker& broker : own.brokers) {
    Status status = Check(context, own, broker, use).run();
    if (status.ok()) continue;
    if (own.brokers.size() > 1) context.report_event("problem", status.error().message);
    if (first.ok()) first = std::move(status);
  }
  return first;
}

}  // namespace sluice::mqtt_plugin
