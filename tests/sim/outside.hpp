// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "runtime/task/task_runner.hpp"

// The systems on both sides of the worker, as they would be outside of its process: they survive
// its crashes.
namespace sluice::sim {

// Numbered records that a source can read from any position not yet acknowledged: what was
// acknowledged is deleted, as a queue's broker does it. Reading it again is therefore a loss that
// shows.
struct Origin {
  int64_t total = 0;
  int64_t acknowledged = 0;  // records before it are gone
  int64_t available = 0;     // how far it has grown
  bool read_too_early = false;
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
  std::map<int32_t, Partition> partitions;
  int64_t epoch = 0;
  bool fenced_too_late = false;  // an older owner wrote after a newer one had opened
  void crash() {
    for (auto& [number, partition] : partitions) {
      partition.pending.clear();
      partition.put_next = exactly_once ? partition.next_offset : partition.durable_next;
    }
  }
};

// How often things go wrong, per call.
struct Trouble {
  double poll = 0, put = 0, commit = 0, create = 0;
};

task::SourceFactory source_factory(Origin& origin, const Trouble& trouble, std::mt19937_64& random);
task::SinkFactory sink_factory(Target& target, const Trouble& trouble, std::mt19937_64& random);

}  // namespace sluice::sim
