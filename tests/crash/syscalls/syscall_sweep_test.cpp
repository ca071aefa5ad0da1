// SPDX-License-Identifier: Apache-2.0
// The n-th system call of a broker on the real disk code fails, for each n and each way of failing,
// until a run with no fault left. Then the broker starts again without faults: what was
// acknowledged is there, nothing wrong is served, no descriptor was leaked.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tests/crash/syscalls/interpose.hpp"
#include "tests/crash/syscalls/person.hpp"

namespace sluice::syscalls {
namespace {

namespace fs = std::filesystem;

const metadata::TopicConfigs kSmall = {{"segment.bytes", "1000"}, {"index.interval.bytes", "200"}};
const metadata::TopicConfigs kCompact = {{"segment.bytes", "1000"},
                                         {"index.interval.bytes", "200"},
                                         {"cleanup.policy", "compact"},
                                         {"min.cleanable.dirty.ratio", "0.01"}};

struct Scenario {
  const char* name;
  void (*before)(Person&);   // makes what is there already; nullptr: an empty directory
  bool killed;               // how that process ended
  void (*prelude)(Person&);  // of the process that meets the fault, without faults; nullptr: the
                             // start meets them
  void (*act)(Person&);      // meets the fault
};

void some_data(Person& person) {
  person.create("a", 2, kSmall);
  person.create("b", 1);
  for (int i = 0; i < 6; ++i) person.append("a", i % 2, 3);
  person.checkpoint();
  for (int i = 0; i < 4; ++i) person.append(i % 2 ? "a" : "b", 0, 3);
}
void nothing(Person&) {}
void append_some(Person& person) {
  for (int i = 0; i < 6; ++i) person.append(i % 2 ? "a" : "b", 0, 2);
}
void keyed_data(Person& person) {
  person.create("c", 1, kCompact);
  for (int i = 0; i < 12; ++i) person.append("c", 0, 4, 5);
}
void two_retentions(Person& person) {
  person.create("a", 1, kSmall);
  for (int i = 0; i < 12; ++i) person.append("a", 0, 4);
  person.alter_retention("a", "1500");
}

const std::vector<Scenario> kScenarios = {
    {"start on an empty directory", nullptr, false, nullptr, nothing},
    {"start on a used directory", some_data, false, nullptr, nothing},
    {"recovery after a crash", some_data, true, nullptr, nothing},
    {"append", some_data, false, nothing, append_some},
    {"checkpoint", some_data, false, append_some, [](Person& person) { person.checkpoint(); }},
    {"segment roll", some_data, false, nothing,
     [](Person& person) {
       for (int i = 0; i < 8; ++i) person.append("a", 0, 4);
     }},
    {"compaction", keyed_data, false, nothing, [](Person& person) { person.housekeeping(); }},
    {"retention", two_retentions, false, nothing,
     [](Person& person) {
       person.delete_records("a", 4);
       person.housekeeping();
     }},
    {"metadata change", some_data, false, nothing,
     [](Person& person) {
       person.create("new", 2);
       person.alter_retention("a", "100000");
       person.append("new", 1, 2);
       person.remove("b");
     }},
    {"stop", some_data, false, append_some, [](Person& person) { person.stop(); }},
};

std::string home() {
  static const std::string folder = [] {
    std::string name = std::string(fs::exists("/dev/shm") ? "/dev/shm" : "/tmp") + "/sluice-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  return folder;
}

size_t descriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

class SystemCalls : public ::testing::TestWithParam<size_t> {
 protected:
  const Scenario& scenario() const { return kScenarios[GetParam()]; }
  void SetUp() override {
    ::alarm(600);  // a hang ends the program instead of the day
    if (!scenario().before) return;
    Person person(master_, knowledge_);
    ASSERT_TRUE(person.open());
    scenario().before(person);
    ASSERT_TRUE(knowledge_.failures.empty()) << knowledge_.failures.front();
    if (scenario().killed) die();
    person.end();
    disarm();
  }
  void TearDown() override { fs::remove_all(home()); }

  // The scenario once; `arm` is called where faults begin. Says whether the process opened.
  template <class Arm>
  void run(Knowledge& knowledge, bool killed, Arm start_faults) {
    fs::remove_all(work_);
    fs::create_directories(home());
    if (scenario().before) fs::copy(master_, work_, fs::copy_options::recursive);
    Person person(work_, knowledge);
    if (!scenario().prelude) start_faults();
    const bool opened = person.open();
    if (opened && scenario().prelude) {
      scenario().prelude(person);
      start_faults();
    }
    if (opened) {
      scenario().act(person);
      wrong_ = person.check(false);
    }
    trace_ = disarm();
    if (killed) die();
    person.end();
    disarm();
  }

  std::string restart(Knowledge& knowledge) {
    const size_t before = knowledge.failures.size();
    Person person(work_, knowledge);
    if (!person.open()) return "it does not start: " + knowledge.failures.back();
    if (auto wrong = person.check(true); !wrong.empty()) return wrong;
    for (const auto& [name, topic] : knowledge.topics)
      if (topic.sure && !topic.deleted) person.append(name, 0, 1);
    if (auto wrong = person.check(true); !wrong.empty()) return "after an append: " + wrong;
    return knowledge.failures.size() == before ? "" : knowledge.failures.back();
  }

  const std::string master_ = home() + "/master";
  const std::string work_ = home() + "/work";
  Knowledge knowledge_;
  std::vector<Call> trace_;
  std::string wrong_;
};

// SLUICE_SWEEP_STRIDE=k tries each k-th place (sanitized builds, where each costs ten times as
// much).
uint64_t stride() {
  const char* text = std::getenv("SLUICE_SWEEP_STRIDE");
  return text ? std::max(1ul, std::strtoul(text, nullptr, 10)) : 1;
}

TEST_P(SystemCalls, EachFailsOnce) {
  size_t runs = 0, refused = 0;
  for (const Fault& fault : faults()) {
    for (uint64_t n = 1;; n += stride()) {
      Knowledge knowledge = knowledge_;
      const size_t open_before = descriptors();
      const bool killed = (n / stride()) % 2 == 0;
      run(knowledge, killed, [&] { arm(fault, n); });
      ++runs;
      const std::string what =
          std::string(scenario().name) + ", " + fault.name + " at call " + std::to_string(n) +
          " of " + std::to_string(trace_.size()) +
          (n <= trace_.size() ? std::string(" (") + name_of(trace_[n - 1]) + ")" : "");
      ASSERT_EQ(wrong_, "") << what;
      ASSERT_EQ(descriptors(), open_before) << what << ": a descriptor was leaked";
      if (fault.transparent) {
        ASSERT_TRUE(knowledge.failures.empty()) << what << ": " << knowledge.failures.front();
      }
      refused += knowledge.failures.empty() ? 0 : 1;
      ASSERT_EQ(restart(knowledge), "")
          << what << (killed ? ", killed" : ", stopped")
          << "; refused: " << (knowledge.failures.empty() ? "nothing" : knowledge.failures.front());
      if (n > trace_.size()) break;  // there was no fault left
    }
  }
  std::printf("%s: %zu runs (every %lu. call), %zu of them refused something\n", scenario().name,
              runs, stride(), refused);
  // Else no call of the disk code comes here, and all of this proved nothing.
  EXPECT_GT(refused, 0u);
  EXPECT_GT(runs * stride(), 10 * faults().size());
}

INSTANTIATE_TEST_SUITE_P(Each, SystemCalls, ::testing::Range<size_t>(0, kScenarios.size()));

}  // namespace
}  // namespace sluice::syscalls
