// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <sluice/sdk.hpp>

#include "plugins/mqtt/client/connection_options.hpp"

struct mosquitto;
struct mqtt5__property;  // mosquitto_property

namespace sluice::mqtt_plugin {

struct EndClient {
  void operator()(mosquitto* client) const;  // closes its socket without another word
};
using ClientPtr = std::unique_ptr<mosquitto, EndClient>;

// An eventfd that ends waits. raise() is for any thread; it stays raised.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  void raise();
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Waits until the socket has something to read (or takes something, with `writable`), the time is
// over or the signal is raised. False: it is raised.
bool wait_for_socket(int socket, bool writable, std::chrono::milliseconds time,
                     const StopSignal& stop);

struct ClientSetup {
  bool clean = true;                            // the session
  const mqtt5__property* properties = nullptr;  // of CONNECT
  std::function<int(mosquitto*)> prepare = {};  // sets callbacks and options before it connects
  void* self = nullptr;                         // what callbacks get
};

// A client of libmosquitto in threaded mode (nothing is written but by mosquitto_loop_write) that
// has sent, or is about to send, its CONNECT. Waits for the broker to accept as long as the options
// say, at most until the signal is raised. Errors: NOT_CONNECTED, CONFIG_ERROR for files.
sdk::Result<ClientPtr> connect_client(const sdk::Context& context, const ConnectionOptions& options,
                                      const Broker& broker, const ClientSetup& setup,
                                      const StopSignal& stop);

// The text of a MOSQ_ERR_ code; of errno, or of what TLS does not like, when that is what it says.
// On the thread that made the client.
std::string mqtt_error_text(int code);
// The text of a reason code of MQTT 5; 128 stands for MQTT 3.1.1's refusal of a subscription.
std::string reason_text(int reason);
// Why there was no CONNACK. On the thread that made the client.
std::string not_accepted_text(int code, const ConnectionOptions& options, const Broker& broker);
// For a log callback in place of connect_client's own: it feeds mqtt_error_text.
void note_log_line(mosquitto* client, int level, const char* line);
// The text of a reason code of CONNACK.
std::string refusal_text(bool v5, int reason);

// What MQTT allows in a string, in bytes.
inline constexpr size_t kMaxMqttText = 65535;
// Whether it can be a string of MQTT: UTF-8 without control characters, U+0000 and non-characters.
bool legal_mqtt_text(std::string_view text);
// Why it cannot.
inline constexpr char kNoMqttText[] =
    "it is not UTF-8, has control characters or U+0000, or more than 65535 bytes";

}  // namespace sluice::mqtt_plugin
