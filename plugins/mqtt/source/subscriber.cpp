// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/source/subscriber.hpp"

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace sluice::mqtt_plugin {

using sdk::Error;
using sdk::Result;
using sdk::Status;

namespace {

// How often a read may consume something that no callback tells of (PINGRESP, a piece of a TLS
// handshake) before the socket counts as dry.
constexpr int kBlindReads = 3;
constexpr auto kHandshakeStep = std::chrono::milliseconds(20);

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class Properties {
 public:
  ~Properties() { mosquitto_property_free_all(&list_); }
  mosquitto_property** out() { return &list_; }
  const mosquitto_property* get() const { return list_; }

 private:
  mosquitto_property* list_ = nullptr;
};

// Strings that libmosquitto made for one message.
class Strings {
 public:
  ~Strings() {
    for (void* one : all_) std::free(one);
  }
  std::string_view keep(char* text) {
    all_.push_back(text);
    return text == nullptr ? std::string_view() : std::string_view(text);
  }
  std::string_view keep(void* bytes, size_t size) {
    all_.push_back(bytes);
    return {size == 0 ? "" : static_cast<const char*>(bytes), size};
  }

 private:
  std::vector<void*> all_;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size());
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  return all;
}

int retain_option(int handling) {
  if (handling == 1) return MQTT_SUB_OPT_SEND_RETAIN_NEW;
  return handling == 2 ? MQTT_SUB_OPT_SEND_RETAIN_NEVER : MQTT_SUB_OPT_SEND_RETAIN_ALWAYS;
}

}  // namespace

Result<std::unique_ptr<Subscriber>> Subscriber::connect(const sdk::Context& context,
                                                        const SubscriberOptions& options,
                                                        const Broker& broker,
                                                        const StopSignal& stop,
                                                        SubscriberListener& listener) {
  auto made = std::unique_ptr<Subscriber>(new Subscriber(options, stop, listener));
  Properties properties;
  if (options.connection.v5 && !options.clean) {
    mosquitto_property_add_int32(properties.out(), MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                                 options.session_expiry_s);
  }
  ClientSetup setup;
  setup.clean = options.clean;
  setup.self = made.get();
  setup.properties = properties.get();
  setup.prepare = [&](mosquitto* client) { return made->prepare(client); };
  SLUICE_SDK_ASSIGN(made->client_,
                    connect_client(context, options.connection, broker, setup, stop));
  SLUICE_SDK_TRY(made->write());
  return made;
}

Subscriber::~Subscriber() = default;

// Nothing may be thrown through the library.
template <class F>
void Subscriber::guarded(void* self, F call) {
  auto& subscriber = *static_cast<Subscriber*>(self);
  subscriber.progress_ = true;
  try {
    call(subscriber);
  } catch (const std::exception& thrown) {
    if (!subscriber.thrown_)
      subscriber.thrown_ = Error::fatal(std::string("what the MQTT broker sent: ") + thrown.what());
  }
}

int Subscriber::prepare(mosquitto* client) {
  mosquitto_connect_v5_callback_set(
      client, [](mosquitto*, void* self, int reason, int flags, const mosquitto_property*) {
        guarded(self, [&](Subscriber& subscriber) { subscriber.on_connack(reason, flags); });
      });
  mosquitto_subscribe_v5_callback_set(client, [](mosquitto*, void* self, int, int count,
                                                 const int* codes, const mosquitto_property*) {
    guarded(self, [&](Subscriber& subscriber) { subscriber.on_suback(count, codes); });
  });
  mosquitto_unsubscribe_v5_callback_set(
      client, [](mosquitto*, void* self, int, const mosquitto_property*) {
        guarded(self, [&](Subscriber& subscriber) { subscriber.on_unsuback(); });
      });
  mosquitto_message_v5_callback_set(
      client, [](mosquitto*, void* self, const mosquitto_message* message,
                 const mosquitto_property* properties) {
        guarded(self, [&](Subscriber& subscriber) { subscriber.on_message(*message, properties); });
      });
  mosquitto_disconnect_v5_callback_set(
      client, [](mosquitto*, void* self, int reason, const mosquitto_property*) {
        auto& subscriber = *static_cast<Subscriber*>(self);
        // A reason below 128 is a code of the library's, which the failing call returns as well.
        if (reason >= 128) subscriber.reason_ = mosquitto_reason_string(reason);
      });
  mosquitto_int_option(client, MOSQ_OPT_RECEIVE_MAXIMUM, options_.receive_maximum);
  const SubscriberOptions::Will& will = options_.will;
  return will.topic.empty()
             ? MOSQ_ERR_SUCCESS
             : mosquitto_will_set(client, will.topic.c_str(), static_cast<int>(will.payload.size()),
                                  will.payload.data(), will.qos, will.retained);
}

void Subscriber::on_connack(int reason, int flags) {
  if (reason != 0) {
    reason_ = refusal_text(options_.connection.v5, reason);
    return;
  }
  accepted_ = true;
  mosquitto_log_callback_set(client_.get(), nullptr);  // connect_client's: TLS has no problem
  const bool session_present = (flags & 1) != 0;
  // Only a session that goes on has messages that were sent before, and they come first
  // (MQTT-4.4.0-1, MQTT-4.6.0-1).
  watch_duplicates(session_present);
  listener_.connected(session_present);
}

void Subscriber::on_suback(int count, const int* codes) {
  subscribed_ = true;
  listener_.subscribed({codes, codes + count});
}

void Subscriber::on_unsuback() {
  subscribed_ = true;
  listener_.unsubscribed();
}

// The library keeps the DUP flag to itself, but for its log line, which costs a microsecond: it is
// listened to until the first message comes that is not sent again.
void Subscriber::watch_duplicates(bool on) {
  if (watching_duplicates_ == on) return;
  watching_duplicates_ = on;
  duplicate_ = false;
  mosquitto_log_callback_set(
      client_.get(), on ? [](mosquitto* client, void* self, int level, const char* line) {
        note_log_line(client, level, line);
        static_cast<Subscriber*>(self)->on_log(line);
      } : static_cast<void (*)(mosquitto*, void*, int, const char*)>(nullptr));
}

void Subscriber::on_log(const char* line) {
  // "Client <id> received PUBLISH (d1, q1, r0, m7, 'topic', ... (3 bytes))"
  constexpr std::string_view kMark = " received PUBLISH (d";
  const char* const found = std::strstr(line, kMark.data());
  if (found != nullptr) duplicate_ = found[kMark.size()] == '1';
}

void Subscriber::on_message(const mosquitto_message& message,
                            const mosquitto_property* properties) {
  MessageView view;
  view.topic = message.topic;
  view.payload = {message.payloadlen == 0 ? "" : static_cast<const char*>(message.payload),
                  static_cast<size_t>(message.payloadlen)};
  view.qos = static_cast<uint8_t>(message.qos);
  view.retained = message.retain;
  view.message_id = static_cast<uint16_t>(message.mid);
  view.arrival_ms = now_ms();
  view.duplicate = duplicate_;
  if (watching_duplicates_ && message.qos > 0 && !duplicate_) watch_duplicates(false);

  Strings strings;
  user_properties_.clear();
  for (const mosquitto_property* one = properties; one != nullptr;
       one = mosquitto_property_next(one)) {
    const int identifier = mosquitto_property_identifier(one);
    char* text = nullptr;
    char* name = nullptr;
    void* bytes = nullptr;
    uint16_t size = 0;
    uint32_t number = 0;
    uint8_t byte = 0;
    switch (identifier) {
      case MQTT_PROP_USER_PROPERTY:
        if (mosquitto_property_read_string_pair(one, identifier, &name, &text, false) != nullptr)
          user_properties_.push_back({strings.keep(name), strings.keep(text)});
        break;
      case MQTT_PROP_CONTENT_TYPE:
        if (mosquitto_property_read_string(one, identifier, &text, false) != nullptr)
          view.content_type = strings.keep(text);
        break;
      case MQTT_PROP_RESPONSE_TOPIC:
        if (mosquitto_property_read_string(one, identifier, &text, false) != nullptr)
          view.response_topic = strings.keep(text);
        break;
      case MQTT_PROP_CORRELATION_DATA:
        if (mosquitto_property_read_binary(one, identifier, &bytes, &size, false) != nullptr)
          view.correlation_data = strings.keep(bytes, size);
        break;
      case MQTT_PROP_MESSAGE_EXPIRY_INTERVAL:
        if (mosquitto_property_read_int32(one, identifier, &number, false) != nullptr)
          view.message_expiry_s = number;
        break;
      case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR:
        if (mosquitto_property_read_byte(one, identifier, &byte, false) != nullptr)
          view.payload_format = byte;
        break;
      default:
        break;
    }
  }
  view.user_properties = user_properties_;
  listener_.received(view);
}

Status Subscriber::subscribe(const std::vector<std::string>& gone) {
  const std::vector<char*> filters = pointers(options_.filters);
  const int options = options_.connection.v5 ? retain_option(options_.retain_handling) : 0;
  const int code =
      mosquitto_subscribe_multiple(client_.get(), nullptr, static_cast<int>(filters.size()),
                                   filters.data(), options_.qos, options, nullptr);
  if (code != MOSQ_ERR_SUCCESS)
    return Error::fatal("subscribing at the MQTT broker failed: " + mqtt_error_text(code));
  return gone.empty() ? sdk::ok() : unsubscribe(gone);
}

Status Subscriber::unsubscribe(const std::vector<std::string>& filters) {
  const std::vector<char*> all = pointers(filters);
  const int code = mosquitto_unsubscribe_multiple(
      client_.get(), nullptr, static_cast<int>(all.size()), all.data(), nullptr);
  if (code != MOSQ_ERR_SUCCESS)
    return Error::fatal("unsubscribing at the MQTT broker failed: " + mqtt_error_text(code));
  return sdk::ok();
}

Error Subscriber::lost(int code) const {
  if (!reason_.empty()) return Error::not_connected(reason_);
  return Error::not_connected("the connection to the MQTT broker ended: " + mqtt_error_text(code));
}

Result<bool> Subscriber::read() {
  progress_ = false;
  errno = 0;
  const int code = mosquitto_loop_read(client_.get(), 1);
  const int read_errno = errno;
  if (thrown_) return *thrown_;
  // A broker that says DISCONNECT closes the socket with a success.
  if (code != MOSQ_ERR_SUCCESS || mosquitto_socket(client_.get()) < 0) {
    errno = read_errno;
    return lost(code == MOSQ_ERR_SUCCESS ? MOSQ_ERR_CONN_LOST : code);
  }
  if (progress_) {
    blind_reads_ = 0;
    return true;
  }
  if (read_errno == EAGAIN || ++blind_reads_ > kBlindReads) {
    blind_reads_ = 0;
    return false;
  }
  return true;
}

Status Subscriber::write() {
  errno = 0;
  const int code = mosquitto_loop_write(client_.get(), 1);
  if (code != MOSQ_ERR_SUCCESS) return lost(code);
  return sdk::ok();
}

bool Subscriber::wants_to_write() const {
  return mosquitto_want_write(client_.get());
}

Status Subscriber::keep_alive() {
  const int code = mosquitto_loop_misc(client_.get());
  if (code == MOSQ_ERR_KEEPALIVE)
    return Error::not_connected("the MQTT broker did not answer within the keepalive interval");
  if (code != MOSQ_ERR_SUCCESS) return lost(code);
  return sdk::ok();
}

// While TLS shakes hands the queued CONNECT is no reason to wait for room: there is room all along.
bool Subscriber::wait(std::chrono::milliseconds time) const {
  if (!accepted_) time = std::min(time, kHandshakeStep);
  return wait_for_socket(mosquitto_socket(client_.get()), accepted_ && wants_to_write(), time,
                         stop_);
}

void Subscriber::disconnect() {
  if (mosquitto_disconnect(client_.get()) == MOSQ_ERR_SUCCESS)
    mosquitto_loop_write(client_.get(), 1);
}

}  // namespace sluice::mqtt_plugin
