// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>

namespace sluice::mqtt_plugin {

// What docs/connectors/mqtt.md lists. Owned by one task.
struct SourceMetrics {
  sdk::Metric received, acknowledged, redelivered, unacknowledged, window_full_seconds, connects,
      possible_gaps, bad_payloads, dropped, log_stalls;

  sdk::Status start(const sdk::Context& context) {
    const auto make = [&](sdk::Metric& metric, sdk::Result<sdk::Metric> made) -> sdk::Status {
      SLUICE_SDK_ASSIGN(metric, std::move(made));
      return sdk::ok();
    };
    const auto counter = [&](sdk::Metric& metric, std::string_view name, std::string_view help) {
      return make(metric, context.counter(name, help));
    };
    SLUICE_SDK_TRY(counter(received, "mqtt_source_received_total", "Messages received"));
    SLUICE_SDK_TRY(counter(acknowledged, "mqtt_source_acknowledged_total",
                           "Messages of QoS 1 that were acknowledged, being durable"));
    SLUICE_SDK_TRY(counter(redelivered, "mqtt_source_redelivered_total",
                           "Messages that the broker sent again"));
    SLUICE_SDK_TRY(
        make(unacknowledged, context.gauge("mqtt_source_unacknowledged",
                                           "Messages of QoS 1 received and not acknowledged yet")));
    SLUICE_SDK_TRY(counter(window_full_seconds, "mqtt_source_window_full_seconds_total",
                           "How long the broker could send nothing, since all of the window was "
                           "waiting to become durable"));
    SLUICE_SDK_TRY(counter(connects, "mqtt_source_connects_total", "Connections that were made"));
    SLUICE_SDK_TRY(counter(possible_gaps, "mqtt_source_possible_gaps_total",
                           "How often messages may have been missed, for the session was gone"));
    SLUICE_SDK_TRY(counter(bad_payloads, "mqtt_source_bad_messages_total",
                           "Messages of which no record could be made"));
    SLUICE_SDK_TRY(counter(dropped, "mqtt_source_dropped_total",
                           "Messages that were left out as the config says"));
    return counter(log_stalls, "mqtt_source_log_stalls_total",
                   "Connections given up because messages did not become durable in time");
  }
};

}  // namespace sluice::mqtt_plugin
