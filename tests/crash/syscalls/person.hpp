// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker-core/server/broker.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/sim_executor.hpp"

namespace sluice::syscalls {

// What a user of a broker knows: what was acknowledged, and what failed and may or may not have
// happened. Outlives brokers.
struct Knowledge {
  struct Topic {
    bool sure = true;  // it is there, or (with `deleted`) it is not
    bool deleted = false;
    int32_t partitions = 1;
    std::optional<std::string>
        retention;  // the last value of retention.bytes that was acknowledged
    std::set<std::string> maybe_retention;
    std::map<int32_t, std::map<int64_t, std::pair<std::string, std::string>>> acknowledged;
    std::set<std::string> tried;  // values of appends that failed
    int64_t sent = 0;
  };
  std::map<std::string, Topic> topics;
  std::vector<std::string> failures;  // texts of what was refused, in order
};

// One broker in this thread over the real disk, and a user who works with it and checks what it
// serves. Ends with its destructor, as a clean stop.
class Person {
 public:
  Person(std::string folder, Knowledge& knowledge)
      : folder_(std::move(folder)), knowledge_(knowledge) {}
  ~Person() { end(); }

  bool open();
  // Everything of the broker goes; what it would still write depends on syscalls::die().
  void end();
  void create(const std::string& topic, int32_t partitions,
              const metadata::TopicConfigs& configs = {});
  void remove(const std::string& topic);
  void alter_retention(const std::string& topic, const std::string& bytes);
  void append(const std::string& topic, int32_t partition, int records, int keys = 0);
  void checkpoint() { note("checkpoint", broker_->checkpoint()); }
  void housekeeping() { note("housekeeping", broker_->run_housekeeping()); }
  void delete_records(const std::string& topic, int64_t before);
  void stop() { note("stop", broker_->stop()); }
  // What is served is what was sent, and (with `complete`) all that was acknowledged is.
  // Returns what is wrong.
  std::string check(bool complete);
  server::Broker& broker() { return *broker_; }

 private:
  void note(const std::string& what, const Status& status) {
    if (!status.ok()) knowledge_.failures.push_back(what + ": " + status.error().message);
  }
  std::string check_partition(const std::string& name, const Knowledge::Topic& topic,
                              int32_t partition, bool complete);

  const std::string folder_;
  Knowledge& knowledge_;
  testing::SimClock clock_;
  testing::SimExecutor executor_{1, clock_};
  testing::SeededRandom random_{1};
  std::unique_ptr<server::Broker> broker_;
};

}  // namespace sluice::syscalls
