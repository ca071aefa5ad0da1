// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <sluice/sdk.hpp>
#include <string>
#include <vector>

namespace sluice::mqtt_plugin {

struct Broker {
  std::string host;
  int port = 1883;
  bool tls = false;
  std::string text() const;  // host:port
};

// Brokers as configs write them, tcp://host:1883 or ssl://host:8883. `key`: where they stand.
sdk::Result<std::vector<Broker>> parse_brokers(std::string_view key,
                                               const std::vector<std::string>& texts);

inline constexpr int kLeastKeepAlive = 5;  // seconds; libmosquitto takes no less

// How to reach a broker, for sources and sinks.
struct ConnectionOptions {
  std::vector<Broker> brokers;  // tried in turn
  std::string client_id;        // of this task, stable from start to start
  std::string username, password;
  std::string ca_file, cert_file, key_file, key_password;  // PEM; paths as the config has them
  bool v5 = true;
  int keepalive_s = 60;
  std::chrono::seconds connect_timeout{30};
  std::chrono::milliseconds backoff_first{200}, backoff_max{10000};

  // Of a config that has the keys of connection_config.hpp; those that the ConfigDef of a class
  // does not have count as their usual value, and the protocol as 3.1.1.
  static sdk::Result<ConnectionOptions> read(const sdk::Context& context,
                                             const sdk::Config& config);
  // Reports what read() would refuse under the key that is to blame. Inside of validate only.
  static void check_values(const sdk::Context& context, const sdk::Config& config);
};

// How long to wait before the next attempt: twice as long each time, with jitter, so that a
// thousand gateways do not come back at once.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds longest)
      : first_(first), longest_(longest), next_(first) {}
  std::chrono::milliseconds next();
  void reset() { next_ = first_; }

 private:
  std::chrono::milliseconds first_, longest_, next_;
};

}  // namespace sluice::mqtt_plugin
