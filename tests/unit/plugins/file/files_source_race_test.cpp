// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <deque>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "tests/unit/plugins/file/files_source_fixture.hpp"
#include "tests/unit/plugins/file/shared_disk.hpp"

// Log files are written, rotated and compressed between any two system calls of the source that
// reads them, which is killed now and then. Time is the disk's; a seed gives the same run again.
namespace sluice::file_plugin::test {
namespace {

using Dice = std::mt19937;
constexpr int64_t kMicrosecond = 1'000;
constexpr int64_t kMillisecond = 1'000'000;
const std::string kLog = "cut/a.log";

bool chance(Dice& dice, double share) {
  return std::bernoulli_distribution(share)(dice);
}
int64_t between(Dice& dice, int64_t least, int64_t most) {
  return std::uniform_int_distribution<int64_t>(least, most)(dice);
}

// As tests/crash/log_writer.py does it: one step is one system call, and now and then others see
// for some milliseconds what lies between two of them.
class Writer {
 public:
  Writer(SharedDisk& disk, Dice& dice, bool copies, std::function<void(const std::string&)> tell)
      : disk_(disk),
        dice_(dice),
        copies_(copies),
        tell_(std::move(tell)),
        longest_rest_ns_((chance(dice, 0.3) ? 300 : 30) * kMillisecond),
        out_(disk.create(kLog)) {}

  // Does all that is to happen until then.
  void run(int64_t until_ns) {
    while (!stopped() && ready_ns_ <= until_ns) {
      disk_.now_ns = ready_ns_;
      if (steps_.empty()) plan();
      const Step step = std::move(steps_.front());
      steps_.pop_front();
      step.run();
      if (!step.name.empty()) tell_(step.name);
      ready_ns_ += between(dice_, 5 * kMicrosecond, 50 * kMicrosecond);
      if (chance(dice_, step.rests)) ready_ns_ += between(dice_, kMillisecond, longest_rest_ns_);
    }
  }
  void begin() { ready_ns_ = disk_.now_ns; }
  bool stopped() const { return steps_.empty() && rotations_ >= kRotations; }
  unsigned lines() const { return number_; }

 private:
  static constexpr unsigned kRotations = 12;
  struct Step {
    std::string name;
    double rests;  // how often others see what is then
    std::function<void()> run;
  };

  void step(std::string name, double rests, std::function<void()> run) {
    steps_.push_back({std::move(name), rests, std::move(run)});
  }
  void plan() {
    append(60);
    step("", 1, [] {});
    if (chance(dice_, 0.4)) step("", 0, [this] { rotate(); });
  }
  void append(int64_t most) {
    std::string text;
    const int64_t count = between(dice_, 1, most);
    for (int64_t n = 0; n < count; ++n)
      text += std::to_string(number_++) +
              std::string(static_cast<size_t>(between(dice_, 0, 20)), '.') + "\n";
    const size_t cut =
        chance(dice_, 0.3)
            ? static_cast<size_t>(between(dice_, 0, static_cast<int64_t>(text.size()) - 1))
            : 0;
    for (const std::string& part : {text.substr(0, cut), text.substr(cut)}) {
      if (part.empty()) continue;
      step("append to " + std::to_string(number_), 0.2,
           [this, part] { disk_.append(*out_, part); });
    }
  }
  // The file of this number: itself or compressed.
  std::string at(unsigned number) const {
    const std::string plain = kLog + "." + std::to_string(number);
    return disk_.exists(plain) ? plain : plain + ".gz";
  }
  void rotate() {
    for (unsigned number = rotated_; number > 0; --number) {
      const std::string from = at(number);
      const std::string to =
          kLog + "." + std::to_string(number + 1) + (is_gzip_name(from) ? ".gz" : "");
      step("move " + from + " " + to, 0.05, [=, this] { disk_.move(from, to); });
    }
    ++rotated_;
    ++rotations_;
    if (copies_) {
      copy();
      step("cut", 0.3, [this] { disk_.cut(kLog); });
    } else {
      step("move to .1", 0.3, [this] { disk_.move(kLog, kLog + ".1"); });
      if (chance(dice_, 0.5)) append(20);  // who writes has not opened the new file yet
      step("create", 0.3, [this] { out_ = disk_.create(kLog); });
    }
    if (chance(dice_, 0.3)) {  // one that was rotated twice at once has no line in between
      if (chance(dice_, 0.3)) step("", 0, [this] { rotate(); });
      return;
    }
    step("", 0, [this] {
      for (unsigned number = 2; number <= rotated_; ++number) {
        if (!is_gzip_name(at(number))) compress(at(number));
      }
    });
  }
  void copy() {
    const std::string to = kLog + ".1";
    step("create copy", 0.2, [=, this] { copy_ = disk_.create(to); });
    const std::string text = disk_.content(kLog);
    for (size_t begin = 0; begin < text.size(); begin += 300) {
      step("copy", 0.2, [=, this] { disk_.append(*copy_, text.substr(begin, 300)); });
    }
    step("", 0, [this] { copy_.reset(); });
  }
  // As gzip(1): the compressed file grows under its own name, gets the time of the other one, which
  // then goes.
  void compress(const std::string& path) {
    const std::string packed = gzip_member(disk_.content(path)).value();
    step("create " + path + ".gz", 0.2, [=, this] { copy_ = disk_.create(path + ".gz"); });
    for (size_t begin = 0; begin < packed.size(); begin += 100) {
      step("pack", 0.2, [=, this] { disk_.append(*copy_, packed.substr(begin, 100)); });
    }
    step("copy time", 0.3, [=, this] {
      disk_.copy_time(path, path + ".gz");
      copy_.reset();
    });
    step("remove " + path, 0.2, [=, this] { disk_.remove(path); });
  }

  SharedDisk& disk_;
  Dice& dice_;
  const bool copies_;
  const std::function<void(const std::string&)> tell_;
  const int64_t longest_rest_ns_;
  std::shared_ptr<SharedDisk::Node> out_;
  std::shared_ptr<SharedDisk::Node> copy_;
  std::deque<Step> steps_;
  int64_t ready_ns_ = INT64_MAX;  // of the next step
  unsigned number_ = 0;           // of the next line
  unsigned rotated_ = 0;          // the highest number of a rotated file
  unsigned rotations_ = 0;
};

SharedDisk* the_disk = nullptr;  // of the tasks, which are made without arguments

class DiskTask : public FilesSourceTask {
 protected:
  std::unique_ptr<Disk> open_disk() const override { return the_disk->reader(); }
  FileTracker::Times now() const override {
    return {the_disk->now_ns / kMillisecond, the_disk->now_ns};
  }
};

class Race {
 public:
  explicit Race(unsigned seed)
      : dice_(seed), writer_(disk_, dice_, chance(dice_, 0.5), [this](const std::string& text) {
          tell("  " + text);
        }) {
    the_disk = &disk_;
    disk_.reuse_inodes = chance(dice_, 0.5);
    disk_.on_event = [this](const std::string& text) { tell(text); };
    operation_ns_ = std::vector<int64_t>{3, 30, 300, 2000}[dice_() % 4] * kMicrosecond;
    const char* const patterns[] = {"cut/a.log", "cut/*.log", "cut/*"};
    const char* const sizes[] = {"5", "50", "2000"};
    config_ = {{"file", patterns[dice_() % 3]},
               {"topic", "lines"},
               {"file.exclude", ""},
               {"gzip", "true"},
               {"encoding", "utf-8"},
               {"invalid.bytes", "replace"},
               {"line.end", "any"},
               {"skip.header.lines", "0"},
               {"skip.footer.lines", "0"},
               {"record.key", "none"},
               {"record.headers", ""},
               {"rescan.interval.ms", "30"},
               {"rotated.wait.ms", "2000"},
               {"finish.after.ms", "0"},
               {"max.files", "1000"},
               {"max.open.files", "100"},
               {"batch.size", sizes[dice_() % 3]},
               {"max.line.bytes", "1000"},
               {"long.lines", "fail"}};
    tell("pattern " + config_["file"] + ", an operation takes up to " +
         std::to_string(operation_ns_) + " ns");
  }

  void run() {
    life(0);  // the live name is seen before it is first rotated
    const int64_t longest_life_ms = std::vector<int64_t>{50, 500, 4000}[dice_() % 3];
    writer_.begin();
    disk_.before_operation = [this] { pass(between(dice_, 0, operation_ns_)); };
    while (!writer_.stopped() && problem_.empty()) {
      life(between(dice_, 1, longest_life_ms) * kMillisecond);
      pass(between(dice_, 50, 150) * kMillisecond);  // until the next process runs
      if (chance(dice_, 0.3)) pass(between(dice_, 0, 600) * kMillisecond);
    }
    if (problem_.empty()) life(kToTheEnd);
    check(next_ == writer_.lines(),
          "the last of " + std::to_string(writer_.lines()) + " lines are missing");
    for (const std::string& violation : host_.violations()) check(false, violation);
  }
  // The first thing that went wrong; empty: nothing did.
  const std::string& problem() const { return problem_; }
  std::string story() const {
    std::string text;
    for (const std::string& line : story_) text += line + "\n";
    return text;
  }

 private:
  static constexpr int64_t kToTheEnd = 60'000 * kMillisecond;
  void pass(int64_t ns) {
    const int64_t until_ns = disk_.now_ns + ns;
    writer_.run(until_ns);
    disk_.now_ns = until_ns;
  }
  void tell(const std::string& text) {
    story_.push_back(std::to_string((disk_.now_ns / 1000) % 10'000'000'000) + " " + text);
  }
  // One task, until it is killed: what is not durable then never was.
  void life(int64_t ns) {
    tell("start");
    auto task = testkit::SourceDriver::of<DiskTask>(host_, config_);
    const testkit::Outcome started = task.start();
    check(started.ok(), started.text);
    if (!started.ok()) return;
    int64_t end = disk_.now_ns + ns;
    std::deque<std::pair<uint64_t, size_t>> waiting;  // batches, and the records up to each of them
    uint64_t batches = 0;
    size_t taken = 0;
    do {
      const size_t before = task.records().size();
      const testkit::Outcome polled = task.poll();
      tell_logs();
      check(polled.ok(), polled.text);
      if (task.records().size() > before)
        tell("read " + task.records()[before].value.value() + " to " +
             task.records().back().value.value());
      if (task.batches() > batches) {
        batches = task.batches();
        waiting.emplace_back(task.batches(), task.records().size());
      }
      while (!waiting.empty() && (ns == 0 || ns == kToTheEnd || chance(dice_, 0.5))) {
        task.make_durable(waiting.front().first);
        for (; taken < waiting.front().second; ++taken) take(task.records()[taken].value.value());
        waiting.pop_front();
      }
      pass(task.idle_ms() * kMillisecond + kMicrosecond);
      if (ns == kToTheEnd && next_ == writer_.lines())
        end = std::min(end, disk_.now_ns + 500 * kMillisecond);
    } while (disk_.now_ns < end && problem_.empty());
    tell("killed at " + std::to_string(next_));
    task.destroy();
  }
  void take(const std::string& line) {
    const unsigned number = static_cast<unsigned>(std::stoul(line));
    check(number == next_,
          "line " + std::to_string(number) + " comes where " + std::to_string(next_) + " was next");
    next_ = number + 1;
  }
  void check(bool fine, const std::string& text) {
    if (fine || !problem_.empty()) return;
    problem_ = text;
    tell("PROBLEM: " + text);
  }
  void tell_logs() {
    const auto logs = host_.logs();
    for (; logs_told_ < logs.size(); ++logs_told_) tell(logs[logs_told_].message);
  }

  Dice dice_;
  SharedDisk disk_;
  testkit::FakeHost host_;
  std::deque<std::string> story_;
  Writer writer_;
  testkit::ConfigMap config_;
  int64_t operation_ns_ = 0;  // how long one takes at most
  std::string problem_;
  unsigned next_ = 0;  // the line that has to come
  size_t logs_told_ = 0;
};

TEST(FilesSourceRaceTest, EachLineComesOnceAndInOrderWhateverHappensBetweenTwoSystemCalls) {
  const auto setting = [](const char* name, unsigned otherwise) {
    const char* const text = std::getenv(name);
    return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
  };
  const unsigned seeds = setting("SLUICE_SEEDS", 30);
  const unsigned begin = setting("SLUICE_FIRST_SEED", 1);
  int failures = 0;  // one story is enough
  for (unsigned seed = begin; seed < begin + seeds; ++seed) {
    Race race(seed);
    race.run();
    EXPECT_EQ(race.problem(), "") << "seed " << seed << "\n"
                                  << (failures++ == 0 ? race.story() : "");
  }
}

}  // namespace
}  // namespace sluice::file_plugin::test
