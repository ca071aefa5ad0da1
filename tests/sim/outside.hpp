// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/task/task_runner.hpp"

// The systems on both sides of the worker, as they would be outside of its process: they survive
// its crashes. And the plugins' tasks that work with them.
namespace sluice::sim {

inline constexpr int32_t kPartitions = 2;  // of each origin's topic

// Numbered records that a source can read from any position not yet acknowledged: what was
// acknowledged is deleted, as a queue's broker does it. Reading it again is therefore a loss that
// shows.
struct Origin {
  std::string topic;  // where its records go
  int64_t total = 0;
  int64_t acknowledged = 0;  // records before it are gone
  int64_t available = 0;     // how far it has grown
  std::string connector;     // that reads it
  std::string partition_json() const { return R"({"origin":")" + topic + "\"}"; }
};

// What a sink has written. Data put is volatile until it is committed; with `exactly_once` the
// target keeps the offsets in the same transaction and fences older epochs.
struct Target {
  bool exactly_once = false;
  bool lies = false;  // commit says yes and writes nothing: sabotage
  struct Partition {
    std::vector<int64_t> values;   // durable, in the order of arrival
    std::vector<int64_t> pending;  // put, not committed
    int64_t epoch = 0;             // of the newest owner
    int64_t next_offset = 0;       // durable, with exactly_once
    int64_t put_next = 0;          // the offset after the last put
    int64_t durable_next = 0;      // the highest offset whose records are durable
  };
  std::map<std::pair<std::string, int32_t>, Partition> partitions;  // by topic and number
  void crash() {
    for (auto& [name, partition] : partitions) {
      partition.pending.clear();
      partition.put_next = exactly_once ? partition.next_offset : partition.durable_next;
    }
  }
};

// How often things go wrong, per call.
struct Trouble {
  double poll = 0, put = 0, commit = 0, create = 0, hang = 0;
};

// Everything outside, and who of the plugins is alive.
struct Outside {
  explicit Outside(std::mt19937_64& the_random) : random(the_random) {}
  std::mt19937_64& random;
  Trouble trouble;
  std::map<std::string, Origin> origins;  // by topic
  std::map<std::string, Target> targets;  // by connector
  // One start of a task, as the host sees it: abandoned ones may live on, but must do no more.
  struct Life {
    task::TaskId id;
    bool abandoned = false;
    std::set<std::string> reads;  // origins
  };
  std::set<const Life*> lives;  // whose plugin object exists
  std::string broken;           // the first broken promise

  void blame(const std::string& what) {
    if (broken.empty()) broken = what;
  }
  bool happens(double probability) {
    return std::uniform_real_distribution<double>(0, 1)(random) < probability;
  }
  // Lives of a connector's tasks that were not abandoned.
  std::vector<const Life*> alive(const std::string& connector) const;
};

task::SourceFactory source_factory(Outside& outside, std::shared_ptr<Outside::Life> life,
                                   const std::vector<std::string>& origins);
task::SinkFactory sink_factory(Outside& outside, std::shared_ptr<Outside::Life> life);

// "connector.class": sim.Source (a task has some of the connector's "origins") and sim.Sink.
std::unique_ptr<plugin::Registry> make_registry(Outside& outside);

}  // namespace sluice::sim
