// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <sluice/sdk.hpp>
#include <string>
#include <vector>

#include "plugins/mqtt/client/connect.hpp"
#include "plugins/mqtt/mapping/message_view.hpp"

struct mosquitto_message;

namespace sluice::mqtt_plugin {

struct SubscriberOptions {
  ConnectionOptions connection;
  std::vector<std::string> filters;  // as SUBSCRIBE has them, $share/<group>/ included
  int asked_qos = 1;                 // as the config has it
  int qos = 1;                       // 0 or 1
  uint16_t receive_maximum = 1000;   // messages that the broker sends before the first PUBACK
  bool clean = false;                // forget the session of earlier connections
  uint32_t session_expiry_s = 0;     // MQTT 5
  int retain_handling = 0;           // MQTT 5
  struct Will {
    std::string topic;  // empty: none
    std::string payload;
    int qos = 0;
    bool retained = false;
  } will;
};

// Takes what a connection brings, from inside of Subscriber::read(), which returns what is thrown
// as an error.
class SubscriberListener {
 public:
  virtual void connected(bool session_present) = 0;
  // The reason codes of SUBACK, one per filter: the granted QoS, or 128 and above.
  virtual void subscribed(const std::vector<int>& codes) = 0;
  virtual void unsubscribed() = 0;
  virtual void received(const MessageView& message) = 0;  // `message` lives as long as the call

 protected:
  ~SubscriberListener() = default;
};

// One connection to a broker whose acknowledgements wait for write(). libmosquitto queues the
// PUBACK of a message before it hands the message out, and writes the whole queue or nothing of it
// (2.0.11, lib/handle_publish.c, lib/packet_mosq.c); so whoever holds what is not durable yet calls
// neither write() nor keep_alive(). A connection that ends drops the queue, and the broker sends
// the messages again.
//
// Without a thread of its own: used by the calls of its owner, one at a time.
class Subscriber {
 public:
  // Connects and sends CONNECT. Waits for the broker to accept, at most until `stop` is raised.
  static sdk::Result<std::unique_ptr<Subscriber>> connect(const sdk::Context& context,
                                                          const SubscriberOptions& options,
                                                          const Broker& broker,
                                                          const StopSignal& stop,
                                                          SubscriberListener& listener);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  bool accepted() const { return accepted_; }      // CONNACK is there
  bool subscribed() const { return subscribed_; }  // SUBACK (or UNSUBACK) is there

  // Queues SUBSCRIBE of all filters, and UNSUBSCRIBE of `gone` behind it: so there is no moment at
  // which a message finds no subscription. Also from inside of connected().
  sdk::Status subscribe(const std::vector<std::string>& gone);
  // Queues UNSUBSCRIBE alone. Also from inside of connected().
  sdk::Status unsubscribe(const std::vector<std::string>& filters);
  // Reads one packet; more of them only where TLS has decrypted them already. False: there is
  // none. NOT_CONNECTED: the connection is over, and why.
  sdk::Result<bool> read();
  // Writes everything that is queued, as far as the socket takes it.
  sdk::Status write();
  bool wants_to_write() const;
  // Queues a PINGREQ if it is due; NOT_CONNECTED if the last one was not answered.
  sdk::Status keep_alive();
  // Waits for something to read (or room to write). False: `stop` is raised.
  bool wait(std::chrono::milliseconds time) const;
  // Says goodbye and writes what is queued.
  void disconnect();

 private:
  Subscriber(const SubscriberOptions& options, const StopSignal& stop, SubscriberListener& listener)
      : options_(options), stop_(stop), listener_(listener) {}
  int prepare(mosquitto* client);
  template <class F>
  static void guarded(void* self, F call);
  void on_connack(int reason, int flags);
  void on_suback(int count, const int* codes);
  void on_unsuback();
  void on_message(const mosquitto_message& message, const mqtt5__property* properties);
  void on_log(const char* line);
  void watch_duplicates(bool on);
  sdk::Error lost(int code) const;

  const SubscriberOptions& options_;
  const StopSignal& stop_;
  SubscriberListener& listener_;
  ClientPtr client_;
  bool accepted_ = false;
  bool subscribed_ = false;
  bool progress_ = false;  // a callback came since the last read
  bool watching_duplicates_ = false;
  bool duplicate_ = false;  // what the log line said of the message that comes next
  int blind_reads_ = 0;
  std::string reason_;                         // why the broker refused or ended the connection
  std::optional<sdk::Error> thrown_;           // by a callback
  std::vector<UserProperty> user_properties_;  // scratch of on_message
};

}  // namespace sluice::mqtt_plugin
