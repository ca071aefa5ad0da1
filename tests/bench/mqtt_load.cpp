// SPDX-License-Identifier: Apache-2.0
// Load for an MQTT broker, and the consumer that everything is compared with.
//   mqtt_load publish PORT COUNT BYTES WINDOW RATE   COUNT messages with QoS 1 to bench/<0..63>, at
//   most WINDOW of them
//       unacknowledged, RATE a second (0: as fast as they are taken). A payload begins with the
//       time it was sent, in ns of CLOCK_MONOTONIC. Prints the seconds until the last PUBACK.
//   mqtt_load count PORT COUNT WINDOW   a subscriber on libmosquitto that counts to COUNT and does
//   nothing else. Prints
//       "ready", then the seconds from the first message to the last.
//   mqtt_load relay PORT LISTEN   passes one client after another on to PORT. Of each message that
//   goes to the client: how long
//       after it was sent the PUBACK came back. At SIGTERM it prints the times in ns.
#include <arpa/inet.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

int64_t now_ns() {
  return Clock::now().time_since_epoch().count();
}

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("connect");
  return no_delay(fd);
}

void write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t wrote = send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (wrote <= 0) die("send");
    data.remove_prefix(static_cast<size_t>(wrote));
  }
}

void put_u16(std::string& out, size_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xFF);
}

uint16_t get_u16(std::string_view data) {
  return static_cast<uint16_t>(static_cast<uint8_t>(data[0]) << 8 | static_cast<uint8_t>(data[1]));
}

std::string packet(uint8_t first, std::string_view body) {
  std::string out(1, static_cast<char>(first));
  size_t size = body.size();
  do {
    const size_t digit = size & 127;
    size >>= 7;
    out += static_cast<char>(digit | (size != 0 ? 128 : 0));
  } while (size != 0);
  return out.append(body);
}

// The packets of a stream, as they become whole.
class Packets {
 public:
  void add(std::string_view data) { data_.append(data); }
  bool next(uint8_t& first, std::string_view& body) {
    if (data_.size() - at_ < 2) return forget();
    size_t size = 0, length = 1, shift = 0;
    for (;; ++length, shift += 7) {
      if (at_ + length >= data_.size()) return forget();
      const auto digit = static_cast<uint8_t>(data_[at_ + length]);
      size |= static_cast<size_t>(digit & 127) << shift;
      if ((digit & 128) == 0) break;
    }
    if (data_.size() - at_ < length + 1 + size) return forget();
    first = static_cast<uint8_t>(data_[at_]);
    body = std::string_view(data_).substr(at_ + length + 1, size);
    at_ += length + 1 + size;
    return true;
  }

 private:
  bool forget() {
    data_.erase(0, at_);
    at_ = 0;
    return false;
  }
  std::string data_;
  size_t at_ = 0;
};

std::string read_some(int fd) {
  static thread_local std::vector<char> buffer(1 << 16);
  const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
  return got <= 0 ? std::string() : std::string(buffer.data(), static_cast<size_t>(got));
}

int publish(int port, uint64_t count, size_t bytes, uint64_t window, double rate) {
  const int fd = connect_to(port);
  std::string connect("\0\4MQTT\4\2\0\0\0\11publisher", 21);
  write_all(fd, packet(0x10, connect));
  Packets packets;
  uint8_t first = 0;
  std::string_view body;
  do {
    const std::string data = read_some(fd);
    if (data.empty()) die("no CONNACK");
    packets.add(data);
  } while (!packets.next(first, body));
  uint64_t sent = 0, confirmed = 0;
  const int64_t begin = now_ns();
  std::string out, message;
  while (confirmed < count) {
    uint64_t until = std::min(count, confirmed + window);
    if (rate > 0)
      until = std::min(
          until, static_cast<uint64_t>(static_cast<double>(now_ns() - begin) * rate / 1e9) + 1);
    out.clear();
    for (; sent < until; ++sent) {
      const std::string topic = "bench/" + std::to_string(sent % 64);
      message.clear();
      put_u16(message, topic.size());
      message += topic;
      put_u16(message, sent % 65535 + 1);
      const int64_t time = now_ns();
      message.append(reinterpret_cast<const char*>(&time), sizeof time);
      message.append(bytes - sizeof time, 'x');
      out += packet(0x32, message);
    }
    write_all(fd, out);
    pollfd waited = {fd, POLLIN, 0};
    if (poll(&waited, 1, rate > 0 ? 1 : 1000) == 0) continue;
    const std::string data = read_some(fd);
    if (data.empty()) die("the broker closed the connection");
    packets.add(data);
    while (packets.next(first, body)) confirmed += first >> 4 == 4;
  }
  std::printf("%.6f\n", static_cast<double>(now_ns() - begin) / 1e9);
  return 0;
}

struct Counter {
  uint64_t wanted = 0, seen = 0;
  int64_t first = 0;
};

int count(int port, uint64_t wanted, int window) {
  mosquitto_lib_init();
  Counter counter{wanted};
  mosquitto* client = mosquitto_new("counter", true, &counter);
  mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
  mosquitto_int_option(client, MOSQ_OPT_RECEIVE_MAXIMUM, window);
  mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_subscribe_callback_set(client, [](mosquitto*, void*, int, int, const int*) {
    std::puts("ready");
    std::fflush(stdout);
  });
  mosquitto_message_callback_set(client,
                                 [](mosquitto* client, void* self, const mosquitto_message*) {
                                   auto& counter = *static_cast<Counter*>(self);
                                   if (counter.seen++ == 0) counter.first = now_ns();
                                   if (counter.seen == counter.wanted) mosquitto_disconnect(client);
                                 });
  if (mosquitto_connect(client, "127.0.0.1", port, 60) != MOSQ_ERR_SUCCESS) die("connect");
  mosquitto_subscribe(client, nullptr, "bench/#", 1);
  mosquitto_loop_forever(client, -1, 1);
  std::printf("%.6f\n", static_cast<double>(now_ns() - counter.first) / 1e9);
  std::fflush(stdout);
  for (std::string line; std::getchar() != EOF;) {
  }  // its figures are read from /proc first
  return 0;
}

// What is under way on one connection, and the times of what came back.
class Relay {
 public:
  explicit Relay(std::vector<int64_t>& times) : times_(times) {}
  void run(int client, int broker) {
    pollfd waited[2] = {{client, POLLIN, 0}, {broker, POLLIN, 0}};
    for (;;) {
      if (poll(waited, 2, -1) < 0) return;
      for (int side = 0; side < 2; ++side) {
        if (waited[side].revents == 0) continue;
        const std::string data = read_some(waited[side].fd);
        if (data.empty()) return;
        write_all(waited[1 - side].fd, data);
        side == 0 ? from_client(data) : from_broker(data);
      }
    }
  }

 private:
  void from_broker(const std::string& data) {
    to_client_.add(data);
    uint8_t first = 0;
    std::string_view body;
    while (to_client_.next(first, body)) {
      if (first >> 4 != 3) continue;
      const size_t topic = get_u16(body);
      // The payload ends the packet, whatever properties come before it: 100 bytes.
      int64_t time = 0;
      std::memcpy(&time, body.data() + body.size() - 100, sizeof time);
      sent_[get_u16(body.substr(2 + topic))] = time;
    }
  }
  void from_client(const std::string& data) {
    to_broker_.add(data);
    uint8_t first = 0;
    std::string_view body;
    while (to_broker_.next(first, body)) {
      if (first >> 4 != 4) continue;
      const auto found = sent_.find(get_u16(body));
      if (found == sent_.end()) continue;
      times_.push_back(now_ns() - found->second);
      sent_.erase(found);
    }
  }

  std::vector<int64_t>& times_;
  Packets to_client_, to_broker_;
  std::unordered_map<uint16_t, int64_t> sent_;
};

int relay(int port, int listen_port) {
  sigset_t terminate;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &terminate, nullptr);
  static std::vector<int64_t> times;
  times.reserve(1 << 20);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(listen_port);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (listen(listener, 8) != 0) die("listen");
  std::thread([listener, port] {
    for (;;) {
      const int client = accept(listener, nullptr, nullptr);
      if (client < 0) die("accept");
      const int broker = connect_to(port);
      Relay(times).run(no_delay(client), broker);
      close(client);
      close(broker);
    }
  }).detach();
  int signal = 0;
  sigwait(&terminate, &signal);
  for (const int64_t time : times) std::printf("%lld\n", static_cast<long long>(time));
  std::fflush(stdout);
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  const auto number = [&](int n) { return std::strtoull(argv[n], nullptr, 10); };
  const auto port = [&](int n) { return static_cast<int>(number(n)); };
  if (what == "publish" && argc == 7)
    return publish(port(2), number(3), number(4), number(5), static_cast<double>(number(6)));
  if (what == "count" && argc == 5) return count(port(2), number(3), static_cast<int>(number(4)));
  if (what == "relay" && argc == 4) return relay(port(2), port(3));
  std::fprintf(stderr, "usage: mqtt_load publish|count|relay ...\n");
  return 2;
}
