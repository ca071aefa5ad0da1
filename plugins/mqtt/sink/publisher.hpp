// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sluice/sdk.hpp>

#include "plugins/mqtt/client/connect.hpp"

namespace sluice::mqtt_plugin {

struct PublisherOptions {
  ConnectionOptions connection;
  int qos = 1;
  bool retained = false;
  size_t window = 1000;  // messages sent and not acknowledged
};

// A message on its way, and the record that it came from.
struct Outgoing {
  std::string topic;
  std::string payload;
  std::vector<std::pair<std::string, std::string>> user_properties;
  std::string content_type, response_topic, correlation_data;  // empty: none
  std::optional<uint32_t> expiry_s;
  sdk::PartitionOffset record = {};  // next_offset: the record's own offset
  uint32_t index = 0;                // of the record in its batch
};

// A record that cannot be published, by its index in the batch, and why.
using BadRecord = std::pair<uint32_t, std::string>;

// One connection to a broker, kept up by a thread of its own. Holds each message until the broker
// has acknowledged it, and after a reconnect sends all that are left again, in their order: each at
// least once, never overtaking. Owned by a sink task; its functions are for the task's calls. Ends
// its thread when it goes.
class Publisher {
 public:
  Publisher(sdk::Context context, PublisherOptions options);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Takes the messages when fewer than a window are waiting; else waits for that, but not for long:
  // RETRIABLE, or NOT_CONNECTED with the last reason. Those that the broker would not take go to
  // `bad`.
  sdk::Status push(std::vector<Outgoing>& messages, std::vector<BadRecord>& bad);
  // Waits a moment for what is under way, then lowers next_offset to the first record that is not
  // acknowledged.
  sdk::Status settle(std::span<sdk::PartitionOffset> partitions);
  // The task does not own these any more: what was not sent is not, what was is not waited for.
  void forget(std::span<const sdk::PartitionOffset> partitions);
  void stop();  // [any] ends waits

 private:
  struct Held {
    Outgoing message;
    bool done = false;       // acknowledged
    bool forgotten = false;  // of a partition that another task has
  };
  void run();
  bool connect(const Broker& broker);
  void pump();  // with mutex_: sends what the window allows
  int send(const Outgoing& message, int* mid);
  void published(int mid, int reason);
  void connected(int reason, const mqtt5__property* allowed);
  void serve(const Broker& broker);  // the connection that connect() made, until it ends
  void pop_done();
  sdk::Status failure() const;

  const sdk::Context context_;
  const PublisherOptions options_;
  mutable std::mutex mutex_;  // for what follows
  std::condition_variable changed_;
  std::deque<Held> held_;
  uint64_t first_ = 0;  // the number of held_.front()
  uint64_t next_ = 0;   // the number of the first that was not sent on this connection
  std::unordered_map<int, uint64_t> numbers_;  // by packet id, of what was sent on this connection
  ClientPtr client_;
  bool connected_ = false;
  bool stopping_ = false;
  StopSignal stop_;
  bool broken_ = false;      // the connection is to be given up, and reason_ says why
  uint32_t max_packet_ = 0;  // bytes that the broker takes; 0: any number
  std::string reason_;       // why there is no connection
  std::string refused_;      // why the task must fail
  std::thread thread_;
};

}  // namespace sluice::mqtt_plugin
