// SPDX-License-Identifier: Apache-2.0
#include "plugins/mqtt/client/connect.hpp"

#include <mosquitto.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mqtt_protocol.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>

namespace sluice::mqtt_plugin {

using sdk::Error;
using sdk::Result;
using sdk::Status;
using Clock = std::chrono::steady_clock;

namespace {

constexpr char kSystemCertificates[] = "/etc/ssl/certs";

void init_library() {
  static std::once_flag once;
  std::call_once(once, [] { mosquitto_lib_init(); });
}

const char* text_or_null(const std::string& text) {
  return text.empty() ? nullptr : text.c_str();
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Error unreachable(const Broker& broker, const std::string& why) {
  return Error::not_connected("no connection to the MQTT broker " + broker.text() + ": " + why);
}

// libmosquitto connects without a bound on the time: it is let do so once the broker has shown that
// it accepts.
Status probe(const Broker& broker, std::chrono::milliseconds timeout, const StopSignal& stop) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code =
      getaddrinfo(broker.host.c_str(), std::to_string(broker.port).c_str(), &hints, &found);
  if (code != 0) return unreachable(broker, gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, &freeaddrinfo);
  const auto deadline = Clock::now() + timeout;
  std::string why = "it has no address";
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const Descriptor socket(::socket(
        one->ai_family, one->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, one->ai_protocol));
    if (socket.get() < 0) {
      why = strerror(errno);
      continue;
    }
    if (::connect(socket.get(), one->ai_addr, one->ai_addrlen) != 0) {
      if (errno != EINPROGRESS) {
        why = strerror(errno);
        continue;
      }
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      if (!wait_for_socket(socket.get(), true, std::max(left, std::chrono::milliseconds(1)), stop))
        return unreachable(broker, "the task ends");
      int failed = 0;
      socklen_t size = sizeof failed;
      sockaddr_storage peer;
      socklen_t peer_size = sizeof peer;
      getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
      if (failed != 0) {
        why = strerror(failed);
        continue;
      }
      if (getpeername(socket.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) {
        why = "no answer within " + std::to_string(timeout.count() / 1000) +
              " s (mqtt.connect.timeout.seconds)";
        continue;
      }
    }
    return sdk::ok();
  }
  return unreachable(broker, why);
}

// libmosquitto wants paths; the worker confines what may be opened, so it opens the files. Anew for
// each connection, so that renewed certificates are seen.
class TlsFiles {
 public:
  Status open(const sdk::Context& context, const ConnectionOptions& options) {
    SLUICE_SDK_TRY(open(context, "mqtt.tls.ca.file", options.ca_file, ca_));
    SLUICE_SDK_TRY(open(context, "mqtt.tls.cert.file", options.cert_file, cert_));
    return open(context, "mqtt.tls.key.file", options.key_file, key_);
  }
  int apply(mosquitto* client) const {
    if (ca_.empty()) mosquitto_int_option(client, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
    return mosquitto_tls_set(client, text_or_null(ca_), ca_.empty() ? kSystemCertificates : nullptr,
                             text_or_null(cert_), text_or_null(key_), &password);
  }
  // With the paths of the config in place of those that libmosquitto was given.
  std::string readable(std::string text) const {
    for (const auto& [opened, path] : names_) {
      if (const size_t at = text.find(opened); at != std::string::npos)
        text.replace(at, opened.size(), path);
    }
    return text;
  }
  // The private key is read while the client connects, on the calling thread.
  static thread_local const std::string* key_password;

 private:
  Status open(const sdk::Context& context, std::string_view key, const std::string& path,
              std::string& opened) {
    if (path.empty()) return sdk::ok();
    SLUICE_SDK_ASSIGN(const int file, context.open_file(key, path, SLUICE_FILE_READ));
    files_.emplace_back(file);
    opened = "/proc/self/fd/" + std::to_string(file);
    names_.emplace_back('"' + opened + '"', '"' + path + '"');
    return sdk::ok();
  }
  // Without it OpenSSL would ask at the terminal.
  static int password(char* buffer, int size, int, void*) {
    if (key_password == nullptr || key_password->size() > static_cast<size_t>(size)) return 0;
    std::memcpy(buffer, key_password->data(), key_password->size());
    return static_cast<int>(key_password->size());
  }

  std::vector<Descriptor> files_;
  std::vector<std::pair<std::string, std::string>> names_;
  std::string ca_, cert_, key_;
};
thread_local const std::string* TlsFiles::key_password = nullptr;

// What the client of this thread said of errors since it was made: only there stands what TLS does
// not like.
thread_local std::string tls_problem;

}  // namespace

void note_log_line(mosquitto* client, int level, const char* line) {
  if (level != MOSQ_LOG_ERR) return;
  std::string_view text = line;
  if (text.starts_with("Error: ")) text.remove_prefix(7);
  // OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed
  if (text.starts_with("OpenSSL Error")) text.remove_prefix(text.rfind(':') + 1);
  if (text.ends_with('.')) text.remove_suffix(1);
  if (tls_problem.find(text) == std::string::npos && tls_problem.size() < 1000)
    tls_problem += (tls_problem.empty() ? "" : ", ") + std::string(text);
  const auto* ssl = static_cast<const SSL*>(mosquitto_ssl_get(client));
  const long verified = ssl == nullptr ? X509_V_OK : SSL_get_verify_result(ssl);
  if (verified == X509_V_OK) return;
  const std::string why = X509_verify_cert_error_string(verified);
  if (tls_problem.find(why) == std::string::npos) tls_problem += " (" + why + ")";
}

void EndClient::operator()(mosquitto* client) const {
  mosquitto_destroy(client);
}

StopSignal::StopSignal() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
StopSignal::~StopSignal() {
  if (fd_ >= 0) ::close(fd_);
}
void StopSignal::raise() {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

bool wait_for_socket(int socket, bool writable, std::chrono::milliseconds time,
                     const StopSignal& stop) {
  pollfd waited[2] = {{stop.fd(), POLLIN, 0},
                      {socket, static_cast<short>(writable ? POLLIN | POLLOUT : POLLIN), 0}};
  const int ready = ::poll(waited, socket < 0 ? 1 : 2, static_cast<int>(time.count()));
  return ready <= 0 || waited[0].revents == 0;
}

Result<ClientPtr> connect_client(const sdk::Context& context, const ConnectionOptions& options,
                                 const Broker& broker, const ClientSetup& setup,
                                 const StopSignal& stop) {
  init_library();
  TlsFiles files;
  if (broker.tls) SLUICE_SDK_TRY(files.open(context, options));
  SLUICE_SDK_TRY(probe(broker, options.connect_timeout, stop));

  ClientPtr client(mosquitto_new(options.client_id.c_str(), setup.clean, setup.self));
  if (!client) return Error::retriable("no memory for a connection to an MQTT broker");
  tls_problem.clear();
  mosquitto_log_callback_set(client.get(), [](mosquitto* self, void*, int level, const char* line) {
    note_log_line(self, level, line);
  });
  mosquitto_threaded_set(client.get(), true);
  mosquitto_int_option(client.get(), MOSQ_OPT_PROTOCOL_VERSION,
                       options.v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  mosquitto_int_option(client.get(), MOSQ_OPT_TCP_NODELAY, 1);
  int code = MOSQ_ERR_SUCCESS;
  if (!options.username.empty()) {
    code = mosquitto_username_pw_set(client.get(), options.username.c_str(),
                                     text_or_null(options.password));
  }
  if (code == MOSQ_ERR_SUCCESS && broker.tls) code = files.apply(client.get());
  if (code == MOSQ_ERR_SUCCESS && setup.prepare) code = setup.prepare(client.get());
  if (code == MOSQ_ERR_SUCCESS) {
    TlsFiles::key_password = &options.key_password;
    code = mosquitto_connect_bind_v5(client.get(), broker.host.c_str(), broker.port,
                                     options.keepalive_s, nullptr, setup.properties);
    TlsFiles::key_password = nullptr;
  }
  if (code != MOSQ_ERR_SUCCESS) return unreachable(broker, files.readable(mqtt_error_text(code)));
  return client;
}

std::string mqtt_error_text(int code) {
  const bool tls = code == MOSQ_ERR_TLS || (code == MOSQ_ERR_ERRNO && errno == EPROTO);
  if (tls && !tls_problem.empty()) return "TLS: " + tls_problem;
  return code == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(code);
}

std::string not_accepted_text(int code, const ConnectionOptions& options, const Broker& broker) {
  // With TLS 1.3 the alert that says so may be lost in the reset of the connection, or come before
  // it.
  const bool told = broker.tls && !tls_problem.empty();
  const bool hint = broker.tls && options.cert_file.empty() && !told;
  return "the MQTT broker " + broker.text() + " did not accept the connection: " +
         (told ? "TLS: " + tls_problem : mqtt_error_text(code)) +
         (hint ? "; it may want a client's certificate" : "");
}

std::string reason_text(int reason) {
  return mosquitto_reason_string(reason);
}

std::string refusal_text(bool v5, int reason) {
  const bool user =
      v5 ? reason == MQTT_RC_BAD_USERNAME_OR_PASSWORD || reason == MQTT_RC_NOT_AUTHORIZED
         : reason == CONNACK_REFUSED_BAD_USERNAME_PASSWORD ||
               reason == CONNACK_REFUSED_NOT_AUTHORIZED;
  std::string text = v5 ? mosquitto_reason_string(reason) : mosquitto_connack_string(reason);
  if (text.ends_with('.')) text.pop_back();
  return "the broker refused the connection: " + text +
         (user ? " (mqtt.username and mqtt.password)" : "");
}

bool legal_mqtt_text(std::string_view text) {
  return text.size() <= kMaxMqttText &&
         mosquitto_validate_utf8(text.data(), static_cast<int>(text.size())) == MOSQ_ERR_SUCCESS;
}

}  // namespace sluice::mqtt_plugin
