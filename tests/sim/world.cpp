// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.hpp"

#include "tests/sim/sabotage.hpp"

namespace sluice::sim {
namespace {

constexpr uint64_t kDiskBytes = 64u << 20;

using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace

void Tally::add(const Tally& other) {
  power_cuts += other.power_cuts;
  torn_lives += other.torn_lives;
  clean_stops += other.clean_stops;
  log_failures += other.log_failures;
  log_retries += other.log_retries;
  task_failures += other.task_failures;
  abandoned += other.abandoned;
  requests += other.requests;
  records += other.records;
}

World::World(uint64_t seed, Sabotage sabotage)
    : random_(seed),
      disk_(seed * 7 + 1),
      executor_(seed * 13 + 5, clock_),
      bytes_(seed * 3 + 2),
      outside_(random_),
      sabotage_(sabotage) {
  std::map<std::string, Wanted> wanted;
  std::string all;
  for (const std::string source : {"src-0", "src-1"}) {
    const size_t count = 1 + random_() % 3;
    std::string mine;
    for (size_t i = 0; i < count; ++i) {
      Origin origin;
      origin.topic = source + "-" + std::to_string(i);
      origin.connector = source;
      origin.total = 50 + static_cast<int64_t>(random_() % 400);
      mine += (mine.empty() ? "" : ",") + origin.topic;
      topics_.push_back(origin.topic);
      outside_.origins[origin.topic] = origin;
    }
    wanted[source] = {{{"connector.class", "sim.Source"}, {"origins", mine}}, count};
    all += (all.empty() ? "" : ",") + mine;
  }
  for (const std::string sink : {"out-0", "out-1"}) {
    outside_.targets[sink].exactly_once = random_() % 2 == 0;
    outside_.targets[sink].lies = sabotage == Sabotage::kCommitBeforeWritten;
    wanted[sink] = {{{"connector.class", "sim.Sink"}, {"topics", all}}, 3};
  }
  people_ = std::make_unique<People>(random_, std::move(wanted));
  outside_.trouble = {0.05, 0.1, 0.1, 0.05, 0.05};
}

World::~World() {
  if (process_) cut_power();
}

std::string World::open() {
  process_ = std::make_unique<Process>();
  server::Broker::Settings settings;
  settings.directory = "/data";
  settings.storage.commit_file_bytes = 256 << 10;
  settings.storage.checkpoint_bytes = 512 << 10;
  settings.storage.write_through_bytes = 400;
  settings.storage.housekeeping_interval_ms = 700;  // compaction of the stores' topics included
  auto broker = server::Broker::open(settings, {disk_, clock_, bytes_, &executor_});
  if (!broker.ok()) return "the broker does not open: " + text(broker.error());
  process_->broker = std::move(*broker);
  log::EmbeddedSettings log_settings;
  log_settings.epoch_file = "/data/connect/epoch";
  auto log = log::open_embedded_log(log_settings, {*process_->broker, disk_, clock_, executor_});
  if (!log.ok()) return "the log does not open: " + text(log.error());
  process_->log = sabotaged(std::move(*log), sabotage_);
  for (const auto& name : topics_) {
    auto topic = process_->log->create_topic({name, kPartitions, -1, {}});
    if (!topic.ok() && topic.error().kind != ErrorKind::kConflict)
      return "no topic: " + text(topic.error());
  }
  if (auto broken = open_stores(); !broken.empty()) return broken;
  open_plane();
  return "";
}

std::string World::open_stores() {
  auto small = [](store::TopicSettings topic) {
    topic.configs = {{"segment.bytes", "16384"}, {"min.cleanable.dirty.ratio", "0.01"}};
    return topic;
  };
  auto configs = store::ConfigStore::open(*process_->log, clock_, small(store::config_topic()));
  if (!configs.ok()) return "the configs cannot be read: " + text(configs.error());
  process_->configs = std::move(*configs);
  auto offsets = store::OffsetStore::open(*process_->log, &executor_, small(store::offset_topic()));
  if (!offsets.ok()) return "the offsets cannot be read: " + text(offsets.error());
  process_->offsets = std::move(*offsets);
  auto statuses =
      store::StatusStore::open(*process_->log, executor_, clock_, small(store::status_topic()));
  if (!statuses.ok()) return "the states cannot be read: " + text(statuses.error());
  process_->statuses = std::move(*statuses);
  return "";
}

void World::open_plane() {
  Process& process = *process_;
  process.registry = make_registry(outside_);
  process.lanes = std::make_unique<SimLanes>(executor_, outside_);
  process.host = std::make_unique<SimHost>(SimHost::Parts{*process.log, clock_, bytes_,
                                                          *process.offsets, executor_, outside_,
                                                          sabotage_ == Sabotage::kStopForgotten,
                                                          [this](task::TaskState state) {
                                                            if (state == task::TaskState::kFailed)
                                                              ++tally_.task_failures;
                                                          },
                                                          [this](const std::string& kind) {
                                                            if (kind == "log-retry")
                                                              ++tally_.log_retries;
                                                          }});
  process.plane = std::make_shared<herder::ControlPlane>(
      herder::Dependencies{executor_, clock_, bytes_, *process.configs, *process.statuses,
                           *process.offsets, *process.registry, *process.lanes, *process.host},
      herder::ControlSettings{});
}

// Nothing of the old process reaches the disk any more, not even what its destructors would like to
// write.
void World::cut_power() {
  disk_.power_off_after(0);
  people_->worker_died();
  executor_.clear();
  Process& process = *process_;
  for (const auto* life : outside_.lives) tally_.abandoned += life->abandoned ? 1 : 0;
  process.plane.reset();
  process.host.reset();
  process.lanes.reset();
  // Answers all that waits, so that the stores can end.
  if (process.broker) (void)process.broker->stop();
  process.offsets.reset();
  process.statuses.reset();
  process.configs.reset();
  process.log.reset();
  process.broker.reset();
  process_.reset();
  executor_.clear();
  for (auto& [connector, target] : outside_.targets) target.crash();
  disk_.crash();
  disk_.clear_injections();
  disk_.set_capacity(kDiskBytes);
  ++tally_.power_cuts;
}

// As the worker does it on SIGTERM.
std::string World::stop() {
  // Shared: a power cut during the stop answers when this function has returned.
  auto stopped = std::make_shared<bool>(false);
  people_->worker_died();  // they do not wait for answers any more
  process_->plane->shutdown([stopped] { *stopped = true; });
  const auto deadline = clock_.steady() + seconds(10);
  executor_.run_until([&] { return *stopped || clock_.steady() > deadline; });
  const bool done = *stopped;
  if (!done && !troubled_) return "the connectors did not stop";
  for (const auto& [topic, origin] : outside_.origins)
    if (done && !outside_.alive(origin.connector).empty())
      return "after the stop a task of " + origin.connector + " runs";
  auto status = process_->broker->stop();
  if (!status.ok() && !troubled_) return "the log did not stop: " + text(status.error());
  ++tally_.clean_stops;
  return "";
}

void World::disturb() {
  if (chance(0.08)) people_->act(*process_->plane);
  if (chance(0.02)) process_->host->hold_one(milliseconds(random_() % 20'000));
  if (chance(0.01)) disk_.set_capacity(chance(0.5) ? 0 : kDiskBytes);
  if (chance(0.005))
    disk_.inject(testing::DiskCall::kSync, testing::DiskFault::kSyncDrops, 1 + random_() % 3);
  if (chance(0.01))
    disk_.inject(testing::DiskCall::kWrite, testing::DiskFault::kShortNoSpace, 1 + random_() % 3);
}

std::string World::live(int turns) {
  for (int turn = 0; turn < turns; ++turn) {
    if (!outside_.broken.empty()) return outside_.broken;
    if (disk_.powered_off()) {
      ++tally_.torn_lives;
      return "";
    }
    if (process_->broker->stats().failed) {
      ++tally_.log_failures;
      return "";
    }
    for (auto& [topic, origin] : outside_.origins)
      origin.available =
          std::min(origin.total, origin.available + static_cast<int64_t>(random_() % 6));
    if (troubled_) disturb();
    if (chance(0.5))
      executor_.run_ready(1 + random_() % 50);
    else
      executor_.advance(milliseconds(chance(0.02) ? random_() % 8000 : random_() % 60));
  }
  return outside_.broken;
}

std::string World::run() {
  disk_.set_capacity(kDiskBytes);
  const int lives = 2 + static_cast<int>(random_() % 5);
  for (int life = 0; life < lives; ++life) {
    if (auto broken = open(); !broken.empty()) return broken;
    if (auto broken = check_after_crash(); !broken.empty()) return broken;
    process_->plane->resume_all();
    for (int i = 0; life == 0 && i < 4; ++i) people_->act(*process_->plane);
    if (chance(0.7)) disk_.power_off_after(1 + random_() % 400);
    if (auto broken = live(100 + static_cast<int>(random_() % 400)); !broken.empty()) return broken;
    if (chance(0.3)) {
      if (auto broken = stop(); !broken.empty()) return broken;
    }
    cut_power();
    if (auto broken = check_targets(false); !broken.empty()) return broken;
  }
  return settle();
}

// The troubles are over: everything becomes as it was asked for, and everything arrives.
std::string World::settle() {
  troubled_ = false;
  outside_.trouble = {};
  if (auto broken = open(); !broken.empty()) return broken;
  if (auto broken = check_after_crash(); !broken.empty()) return broken;
  process_->plane->resume_all();
  // The last wishes come while the worker starts.
  for (int i = 0; i < 6; ++i) {
    people_->act(*process_->plane);
    executor_.run_ready(random_() % 30);
  }
  if (auto broken = come_to_rest(); !broken.empty()) return broken;
  people_->want_all(*process_->plane);
  for (int turn = 0; turn < 4000 && !all_arrived(); ++turn) {
    if (auto broken = live(5); !broken.empty()) return broken;
    executor_.advance(milliseconds(50));
  }
  if (auto broken = come_to_rest(); !broken.empty()) return broken;
  for (const auto& [topic, origin] : outside_.origins) {
    int64_t in_log = 0, stored = 0;
    if (auto broken = check_log(origin, in_log, stored); !broken.empty()) return broken;
    tally_.records += static_cast<uint64_t>(in_log);
    if (in_log != origin.total)
      return "of " + std::to_string(origin.total) + " records of " + topic + " only " +
             std::to_string(in_log) + " came into the log";
  }
  if (auto broken = check_targets(true); !broken.empty()) return broken;
  tally_.requests = people_->answered();
  return stop();
}

std::string World::come_to_rest() {
  executor_.advance(seconds(40));
  if (!outside_.broken.empty()) return outside_.broken;
  if (process_->broker->stats().failed) return "the log failed without trouble";
  return check_states();
}

}  // namespace sluice::sim
