// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.hpp"

#include <set>

#include "broker-core/model/record_batch.hpp"
#include "tests/sim/sabotage.hpp"

namespace sluice::sim {
namespace {

constexpr int32_t kPartitions = 3;
constexpr int kSinks = 2;
constexpr uint64_t kDiskBytes = 64u << 20;

using std::chrono::milliseconds;

std::string text(const Error& error) {
  return std::string(to_string(error.kind)) + ": " + error.message;
}

}  // namespace

struct World::Process {
  std::unique_ptr<server::Broker> broker;
  std::unique_ptr<log::Log> log;
  std::unique_ptr<store::OffsetStore> offsets;
  struct Running {
    std::shared_ptr<task::TaskRunner> runner;
    std::shared_ptr<testing::StepDrive> drive;
    bool paused = false;
    bool stopping = false;
  };
  Running source;
  Running sinks[kSinks];
  std::chrono::nanoseconds restart_at{0};
};

World::World(uint64_t seed, Sabotage sabotage)
    : random_(seed),
      disk_(seed * 7 + 1),
      executor_(seed * 13 + 5, clock_),
      bytes_(seed * 3 + 2),
      sabotage_(sabotage) {
  target_.lies = sabotage == Sabotage::kCommitBeforeWritten;
  origin_.total = 200 + static_cast<int64_t>(random_() % 1500);
  target_.exactly_once = random_() % 2 == 0;
  trouble_ = {0.05, 0.1, 0.1, 0.05};
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
  auto broker = server::Broker::open(settings, {disk_, clock_, bytes_, &executor_});
  if (!broker.ok()) return "the broker does not open: " + text(broker.error());
  process_->broker = std::move(*broker);
  log::EmbeddedSettings log_settings;
  log_settings.epoch_file = "/data/connect/epoch";
  auto log = log::open_embedded_log(log_settings, {*process_->broker, disk_, clock_, executor_});
  if (!log.ok()) return "the log does not open: " + text(log.error());
  process_->log = sabotaged(std::move(*log), sabotage_);
  auto topic = process_->log->create_topic({"numbers", kPartitions, -1, {}});
  if (!topic.ok() && topic.error().kind != ErrorKind::kConflict)
    return "no topic: " + text(topic.error());
  auto offsets = store::OffsetStore::open(*process_->log, &executor_);
  if (!offsets.ok()) return "the offsets cannot be read: " + text(offsets.error());
  process_->offsets = std::move(*offsets);
  return "";
}

// Nothing of the old process reaches the disk any more, not even what its destructors would like to
// write.
void World::cut_power() {
  disk_.power_off_after(0);
  executor_.clear();
  Process& process = *process_;
  process.source = {};
  for (auto& sink : process.sinks) sink = {};
  process.offsets.reset();
  process.log.reset();
  process.broker.reset();
  process_.reset();
  executor_.clear();
  target_.crash();
  disk_.crash();
  disk_.clear_injections();
  disk_.set_capacity(kDiskBytes);
  ++tally_.power_cuts;
}

task::RunnerContext World::context() {
  task::RunnerContext context{*process_->log,          clock_, bytes_, *this,
                              process_->offsets.get(), {},     {},     {}};
  const std::string cls = "org.apache.kafka.connect.storage.StringConverter";
  context.key_converter = record::make_converter(cls, {}, true).value();
  context.value_converter = record::make_converter(cls, {}, false).value();
  context.header_converter =
      record::make_header_converter("org.apache.kafka.connect.storage.SimpleHeaderConverter", {})
          .value();
  return context;
}

void World::start_source() {
  task::SourceSettings settings;
  settings.id = {"numbers", 0};
  settings.in_flight_bytes_max = 2000;
  auto& running = process_->source;
  running = {};
  running.runner =
      task::make_source_runner(settings, context(), source_factory(origin_, trouble_, random_));
  running.drive = std::make_shared<testing::StepDrive>(executor_, running.runner);
  running.runner->attach(running.drive);
}

void World::start_sink(int number) {
  task::SinkSettings settings;
  settings.id = {"out", number};
  settings.group = "connect-out";
  settings.topics = {"numbers"};
  settings.offset_flush_interval_ms = 200;
  settings.batch_bytes_max = 300;
  auto& running = process_->sinks[number];
  running = {};
  running.runner =
      task::make_sink_runner(settings, context(), sink_factory(target_, trouble_, random_));
  running.drive = std::make_shared<testing::StepDrive>(executor_, running.runner);
  running.runner->attach(running.drive);
}

// The herder's part: what failed or was stopped starts again.
void World::tend_tasks() {
  auto over = [](const Process::Running& running) {
    if (!running.runner) return true;
    const auto state = running.runner->state();
    return state == task::TaskState::kFailed || state == task::TaskState::kStopped;
  };
  if (clock_.steady() < process_->restart_at) return;
  process_->restart_at = clock_.steady() + milliseconds(50);
  if (over(process_->source)) start_source();
  for (int i = 0; i < kSinks; ++i)
    if (over(process_->sinks[i])) start_sink(i);
}

void World::disturb() {
  const auto any = [&]() -> Process::Running& {
    const uint64_t which = random_() % (kSinks + 1);
    return which == kSinks ? process_->source : process_->sinks[which];
  };
  if (chance(0.02)) {
    auto& running = any();
    running.paused = !running.paused;
    if (running.runner) running.runner->pause(running.paused);
  }
  if (chance(0.02)) {
    auto& running = any();
    if (running.runner) running.runner->stop({});
  }
  if (chance(0.01)) {
    auto& running = any();
    if (running.runner) {
      running.runner->abandon();
      running = {};
    }
  }
  if (chance(0.01)) disk_.set_capacity(chance(0.5) ? 0 : kDiskBytes);
  if (chance(0.005))
    disk_.inject(testing::DiskCall::kSync, testing::DiskFault::kSyncDrops, 1 + random_() % 3);
  if (chance(0.01))
    disk_.inject(testing::DiskCall::kWrite, testing::DiskFault::kShortNoSpace, 1 + random_() % 3);
}

std::string World::live(int turns) {
  for (int turn = 0; turn < turns; ++turn) {
    if (disk_.powered_off()) {
      ++tally_.torn_lives;
      return "";
    }
    if (process_->broker->stats().failed) {
      ++tally_.log_failures;
      return "";
    }
    origin_.available =
        std::min(origin_.total, origin_.available + static_cast<int64_t>(random_() % 12));
    tend_tasks();
    if (troubled_) disturb();
    if (chance(0.5))
      executor_.run_ready(1 + random_() % 50);
    else
      executor_.advance(milliseconds(random_() % 60));
  }
  return "";
}

std::string World::run() {
  disk_.set_capacity(kDiskBytes);
  const int lives = 2 + static_cast<int>(random_() % 5);
  for (int life = 0; life < lives; ++life) {
    if (auto broken = open(); !broken.empty()) return broken;
    if (auto broken = check_after_crash(); !broken.empty()) return broken;
    if (chance(0.7)) disk_.power_off_after(1 + random_() % 400);
    if (auto broken = live(100 + static_cast<int>(random_() % 400)); !broken.empty()) return broken;
    cut_power();
    if (auto broken = check_target(false); !broken.empty()) return broken;
  }
  return settle();
}

// The troubles are over: everything must arrive.
std::string World::settle() {
  troubled_ = false;
  trouble_ = {};
  if (auto broken = open(); !broken.empty()) return broken;
  if (auto broken = check_after_crash(); !broken.empty()) return broken;
  for (int turn = 0; turn < 4000 && !all_arrived(); ++turn) {
    if (auto broken = live(5); !broken.empty()) return broken;
    executor_.advance(milliseconds(50));
  }
  int64_t in_log = 0, stored = 0;
  if (auto broken = check_log(in_log, stored); !broken.empty()) return broken;
  tally_.records = static_cast<uint64_t>(in_log);
  if (in_log != origin_.total)
    return "of " + std::to_string(origin_.total) + " records only " + std::to_string(in_log) +
           " came into the log";
  return check_target(true);
}

bool World::all_arrived() {
  if (origin_.acknowledged < origin_.total) return false;
  int64_t durable = 0;
  for (const auto& [number, partition] : target_.partitions) durable += partition.durable_next;
  return durable >= origin_.total;
}

// Records and their offset are one frame: the log holds exactly the records before the stored
// offset, each once, each partition in order.
std::string World::check_log(int64_t& in_log, int64_t& stored) {
  in_log = 0;
  for (int32_t p = 0; p < kPartitions; ++p) {
    int64_t expected = p;
    Offset next(0);
    for (;;) {
      auto fetched = process_->log->read({"numbers", PartitionId(p)}, next, 1 << 20);
      if (!fetched.ok())
        return "numbers-" + std::to_string(p) + " cannot be read: " + text(fetched.error());
      ByteView rest(fetched->batches);
      if (rest.empty()) break;
      while (!rest.empty()) {
        auto reader = model::RecordReader::open(rest);
        if (!reader.ok()) return "numbers-" + std::to_string(p) + ": " + text(reader.error());
        model::RecordView view;
        while (reader->next(view).value()) {
          const std::string value(as_text(*view.value));
          if (value != std::to_string(expected))
            return "numbers-" + std::to_string(p) + " holds " + value + " where " +
                   std::to_string(expected) + " belongs";
          expected += kPartitions;
          ++in_log;
        }
        next = reader->header().next_offset();
        rest = rest.subspan(reader->header().size());
      }
    }
  }
  auto offset = process_->offsets->read("numbers", R"({"origin":"numbers"})");
  if (!offset.ok()) return "the stored offset cannot be read: " + text(offset.error());
  stored = *offset ? std::stoll((*offset)->substr((*offset)->find(':') + 1)) : 0;
  if (stored != in_log)
    return "the stored offset says " + std::to_string(stored) + ", the log holds " +
           std::to_string(in_log);
  return "";
}

std::string World::check_after_crash() {
  int64_t in_log = 0, stored = 0;
  if (auto broken = check_log(in_log, stored); !broken.empty()) return broken;
  if (stored < origin_.acknowledged)
    return "acknowledged up to " + std::to_string(origin_.acknowledged) + ", but stored is " +
           std::to_string(stored);
  auto committed = process_->log->group_offsets("connect-out");
  if (!committed.ok()) return "the group's offsets cannot be read: " + text(committed.error());
  for (const auto& offset : *committed) {
    const auto& partition = target_.partitions[offset.partition.partition.value()];
    if (offset.next.value() > partition.durable_next)
      return "group offset " + std::to_string(offset.next.value()) + " of " +
             offset.partition.to_string() + " is ahead of the target, which has " +
             std::to_string(partition.durable_next);
  }
  return "";
}

// Each partition's values come in order; only an at-least-once target may step back, and never over
// a gap.
std::string World::check_target(bool complete) const {
  if (origin_.read_too_early) return "the source read records that it had acknowledged";
  for (const auto& [number, partition] : target_.partitions) {
    int64_t reached = number - kPartitions;
    const std::string where = "target of partition " + std::to_string(number);
    for (int64_t value : partition.values) {
      if (value > reached + kPartitions)
        return where + ": " + std::to_string(value) + " follows " + std::to_string(reached);
      if (value <= reached && target_.exactly_once)
        return where + ": " + std::to_string(value) + " came twice";
      reached = std::max(reached, value);
    }
    if (complete && reached + kPartitions < origin_.total)
      return where + " ends with " + std::to_string(reached) + " of " +
             std::to_string(origin_.total);
  }
  if (complete && target_.partitions.size() != kPartitions)
    return "a partition never reached the target";
  return "";
}

}  // namespace sluice::sim
