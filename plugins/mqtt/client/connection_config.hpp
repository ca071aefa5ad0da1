// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>

namespace sluice::mqtt_plugin {

// The keys of ConnectionOptions that the ConfigDefs of all classes have.
inline constexpr auto kServerKey =
    sdk::define("mqtt.server.uri", sdk::Type::kList, sdk::Importance::kHigh,
                "The MQTT brokers to connect to, as tcp://host:1883 or ssl://host:8883. They are "
                "tried in turn.")
        .non_empty();
inline constexpr auto kUsernameKey =
    sdk::define("mqtt.username", sdk::Type::kString, sdk::Importance::kHigh,
                "The user to connect as. Empty: none.")
        .default_value("");
inline constexpr auto kPasswordKey =
    sdk::define("mqtt.password", sdk::Type::kPassword, sdk::Importance::kHigh,
                "The password to connect with.")
        .default_value("");
inline constexpr auto kKeepAliveKey =
    sdk::define("mqtt.keepalive.interval.seconds", sdk::Type::kInt, sdk::Importance::kLow,
                "After how many seconds without traffic the connection is tested.")
        .default_value("60")
        .min(5)
        .max(65535);
inline constexpr auto kConnectTimeoutKey =
    sdk::define("mqtt.connect.timeout.seconds", sdk::Type::kInt, sdk::Importance::kLow,
                "How long a broker may take to accept a connection.")
        .default_value("30")
        .min(1)
        .max(3600);

// And those of Sluice's own classes.
inline constexpr auto kConnectionKeys = [] {
  using namespace sdk;
  return config_def(
      kServerKey, kUsernameKey, kPasswordKey,
      define("mqtt.client.id", Type::kString, Importance::kMedium,
             "How the connection is called; the number of the task is appended. Empty: the "
             "connector's name.")
          .default_value(""),
      define("mqtt.protocol.version", Type::kString, Importance::kMedium, "The version of MQTT.")
          .default_value("5")
          .valid_strings<"5", "3.1.1">(),
      kKeepAliveKey, kConnectTimeoutKey,
      define("mqtt.reconnect.backoff.ms", Type::kInt, Importance::kLow,
             "How long to wait before connecting anew the first time; doubles with each attempt, "
             "and a random part of up to a half is taken off.")
          .default_value("200")
          .min(1)
          .max(3600000),
      define("mqtt.reconnect.backoff.max.ms", Type::kInt, Importance::kLow,
             "The longest wait between two attempts to connect.")
          .default_value("10000")
          .min(1)
          .max(3600000),
      define("mqtt.tls.ca.file", Type::kString, Importance::kMedium,
             "The certificates (PEM) that the broker's is checked against, below "
             "file.allowed.roots. Empty: those of the operating system.")
          .default_value(""),
      define("mqtt.tls.cert.file", Type::kString, Importance::kMedium,
             "The client's certificate (PEM), below file.allowed.roots.")
          .default_value(""),
      define("mqtt.tls.key.file", Type::kString, Importance::kMedium,
             "The client's private key (PEM), below file.allowed.roots.")
          .default_value(""),
      define("mqtt.tls.key.password", Type::kPassword, Importance::kMedium,
             "The password of the client's private key. Empty: it has none.")
          .default_value(""));
}();

}  // namespace sluice::mqtt_plugin
