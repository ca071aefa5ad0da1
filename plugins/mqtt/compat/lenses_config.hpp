// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>

namespace sluice::mqtt_plugin {

// The ConfigDef of Lenses' MqttSourceConnector, under its old and its new name. Keys that were
// renamed are there twice; the new name counts.
inline constexpr auto kLensesSourceConfig = [] {
  using namespace sdk;
  constexpr auto text = [](std::string_view name, std::string_view doc) {
    return define(name, Type::kString, Importance::kMedium, doc).optional();
  };
  constexpr auto seconds = [](std::string_view name, std::string_view doc) {
    return define(name, Type::kInt, Importance::kLow, doc).optional().min(0);
  };
  constexpr auto clean = [](std::string_view name) {
    return define(name, Type::kBoolean, Importance::kLow,
                  "Whether the broker forgets the subscription, and what it holds for it, when the "
                  "connection ends. True unless set.")
        .optional();
  };
  constexpr auto idle = [](std::string_view name, Type type, std::string_view why) {
    return define(name, type, Importance::kLow, "Of Lenses' connector.").no_effect(why);
  };
  constexpr std::string_view kTimeout =
      "How many seconds a broker may take to accept a connection; more than 30 count as 30.";
  constexpr std::string_view kKeepAlive =
      "After how many seconds without traffic the connection is tested; less than 5 count as 5, "
      "more than 60 as 60.";
  constexpr std::string_view kCa = "The certificates (PEM) that the broker's is checked against.";
  constexpr std::string_view kCert = "The client's certificate (PEM).";
  constexpr std::string_view kKey = "The client's private key (PEM).";
  return config_def(
      define("connect.mqtt.hosts", Type::kList, Importance::kHigh,
             "The MQTT brokers to connect to, as tcp://host:1883 or ssl://host:8883. They are "
             "tried in turn.")
          .non_empty(),
      define("connect.mqtt.kcql", Type::kString, Importance::kHigh,
             "INSERT INTO <topic> SELECT * FROM <MQTT filter> [WITHCONVERTER=`<class>`] "
             "[WITHKEY(<field>, ...)], several of them separated by ';'.")
          .non_empty(),
      define("connect.mqtt.service.quality", Type::kInt, Importance::kMedium,
             "The highest quality of service to receive with. 2 counts as 1.")
          .min(0)
          .max(2),
      text("connect.mqtt.username", "The user to connect as."),
      text("connect.mqtt.user", "The user to connect as."),
      define("connect.mqtt.password", Type::kPassword, Importance::kHigh,
             "The password to connect with.")
          .optional(),
      text("connect.mqtt.client.id",
           "How the connection is called; with several tasks, the number of the task is appended. "
           "Not set: the connector's name."),
      seconds("connect.mqtt.timeout", kTimeout),
      seconds("connect.mqtt.connection.timeout", kTimeout),
      seconds("connect.mqtt.keep.alive", kKeepAlive),
      seconds("connect.mqtt.connection.keep.alive", kKeepAlive), clean("connect.mqtt.clean"),
      clean("connect.mqtt.connection.clean"), text("connect.mqtt.ssl.ca.cert", kCa),
      text("connect.mqtt.connection.ssl.ca.cert", kCa), text("connect.mqtt.ssl.cert", kCert),
      text("connect.mqtt.connection.ssl.cert", kCert), text("connect.mqtt.ssl.key", kKey),
      text("connect.mqtt.connection.ssl.key", kKey),
      define("connect.mqtt.share.replicate", Type::kBoolean, Importance::kLow,
             "Whether shared subscriptions ($share/...) are given to all tasks instead of being "
             "divided over them.")
          .default_value("false"),
      idle("connect.mqtt.polling.timeout", Type::kInt, "messages are taken as they come"),
      idle("connect.mqtt.process.duplicates", Type::kBoolean,
           "messages that the broker sends again are never dropped: whether the first copy was "
           "stored only the acknowledgement says"),
      idle("connect.mqtt.converter.throw.on.error", Type::kBoolean,
           "errors.tolerance decides what becomes of a payload that cannot be converted; it is "
           "never dropped in silence"),
      idle("connect.mqtt.log.message", Type::kBoolean, "messages are not written to the log"),
      idle("connect.progress.enabled", Type::kBoolean, "the metrics count what is received"),
      define("connect.converter.avro.schemas", Type::kString, Importance::kLow,
             "Schemas of Avro payloads.")
          .refused("Avro payloads are not decoded by this class. Take them as bytes (without "
                   "WITHCONVERTER)"),
      define("connect.mqtt.source.kcql", Type::kString, Importance::kLow,
             "What connect.mqtt.kcql was called in 2017.")
          .refused("Call it connect.mqtt.kcql, and name converters in it with WITHCONVERTER"),
      define("connect.mqtt.source.converters", Type::kString, Importance::kLow,
             "Converters, as they were given in 2017.")
          .refused("Name converters in connect.mqtt.kcql with WITHCONVERTER"));
}();

}  // namespace sluice::mqtt_plugin
