// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <random>

#include "tests/unit/plugins/file/files_source_fixture.hpp"

namespace sluice::file_plugin::test {
namespace {

const testkit::ConfigMap kEveryName = {{"file", "app.log*"}};

// Everything at once, by dice: lines are appended, files are rotated by rename and by copytruncate
// and compressed, tasks end and begin. What is durable at an end is never read again, so the lines
// have to come exactly once.
class FilesSourceDiceTest : public FilesSourceFixture,
                            public testing::WithParamInterface<unsigned> {
 protected:
  // app.log.2 goes to app.log.3.gz and so on; with it place is made for a new app.log.1.
  void shift() {
    for (int n = 40; n >= 1; --n) {
      const std::string name = "app.log." + std::to_string(n);
      const std::string next = "app.log." + std::to_string(n + 1);
      if (std::filesystem::exists(at(name))) rename(name, next);
      if (std::filesystem::exists(at(name + ".gz"))) rename(name + ".gz", next + ".gz");
      between();
      if (n > 1 && std::filesystem::exists(at(next))) compress(next);  // delaycompress
    }
  }
  void step(std::mt19937& dice) {
    switch (dice() % 6) {
      case 0:
        if (!std::filesystem::exists(at("app.log")) ||
            std::filesystem::file_size(at("app.log")) == 0)
          return;
        shift();
        rename("app.log", "app.log.1");
        break;
      case 1:
        if (!std::filesystem::exists(at("app.log")) ||
            std::filesystem::file_size(at("app.log")) == 0)
          return;
        shift();
        copy("app.log", "app.log.1");
        between();
        rewrite("app.log", "");
        break;
      default: {
        std::string text;
        for (unsigned lines = dice() % 20; lines > 0; --lines)
          text += "line " + std::to_string(written_++) + "\n";
        append("app.log", text);
      }
    }
  }
  unsigned written_ = 0;
  std::function<void()> between = [] {};  // two steps of a rotation
};

TEST_P(FilesSourceDiceTest, EveryLineComesExactlyOnceAndInOrder) {
  std::mt19937 dice(GetParam());
  const testkit::ConfigMap settings = dice() % 2 == 0 ? kEveryName : testkit::ConfigMap{};
  std::vector<unsigned> seen;
  append("app.log", "line 0\n");  // what was rotated before the first look would not be read
  written_ = 1;
  seen.push_back(0);
  EXPECT_EQ(run(1, settings), Lines{"line 0"});
  for (int life = 0; life < 6; ++life) {
    auto task = source(settings);
    ASSERT_TRUE(task.start().ok());
    for (int round = 0; round < 4; ++round) {
      for (unsigned steps = dice() % 3; steps > 0; --steps) step(dice);
      const testkit::Outcome polled =
          task.poll_until(task.records().size() + 1, std::chrono::milliseconds(dice() % 3 * 15));
      ASSERT_TRUE(polled.ok()) << polled.text;
    }
    if (life == 5)
      ASSERT_TRUE(task.poll_until(written_ - seen.size(), std::chrono::seconds(3)).ok());
    ASSERT_TRUE(task.make_durable().ok());
    for (const std::string& line : values(task))
      seen.push_back(static_cast<unsigned>(std::stoul(line.substr(5))));
    task.destroy();
    for (unsigned steps = dice() % 3; steps > 0; --steps) step(dice);
  }
  for (const std::string& line : run(written_ - seen.size(), settings)) {
    seen.push_back(static_cast<unsigned>(std::stoul(line.substr(5))));
  }
  std::string said;
  for (const testkit::LogLine& line : host_.logs()) said += line.message + "\n";
  for (const testkit::Event& event : host_.events()) said += event.kind + ": " + event.text + "\n";
  SCOPED_TRACE(said);
  for (unsigned i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i], i) << "seed " << GetParam();
  EXPECT_EQ(seen.size(), written_) << "seed " << GetParam();
}

// The same while tasks look between the steps of a rotation, too, and are killed: what was read
// since the last batch that is durable comes again.
TEST_P(FilesSourceDiceTest, KilledAtAnyStepEveryDurableLineComesOnce) {
  std::mt19937 dice(GetParam() + 1000);
  const testkit::ConfigMap settings = dice() % 2 == 0 ? kEveryName : testkit::ConfigMap{};
  append("app.log", "line 0\n");
  written_ = 1;
  EXPECT_EQ(run(1, settings), Lines{"line 0"});
  std::vector<unsigned> seen{0};
  for (int life = 0; life < 8; ++life) {
    auto task = source(settings);
    ASSERT_TRUE(task.start().ok());
    size_t durable = 0;
    const auto look = [&] {
      if (dice() % 3 == 0) return;
      const testkit::Outcome polled =
          task.poll_until(task.records().size() + 1, std::chrono::milliseconds(dice() % 2 * 15));
      ASSERT_TRUE(polled.ok()) << polled.text;
      if (dice() % 2 == 0) return;
      ASSERT_TRUE(task.make_durable().ok());
      durable = task.records().size();
    };
    between = look;
    for (unsigned steps = dice() % 6; steps > 0; --steps) {
      step(dice);
      look();
    }
    between = [] {};
    const Lines lines = values(task);
    for (size_t i = 0; i < durable; ++i)
      seen.push_back(static_cast<unsigned>(std::stoul(lines[i].substr(5))));
    task.destroy();  // killed
    for (unsigned steps = dice() % 4; steps > 0; --steps) step(dice);
  }
  for (const std::string& line : run(written_ - seen.size(), settings))
    seen.push_back(static_cast<unsigned>(std::stoul(line.substr(5))));
  std::string said;
  for (const testkit::LogLine& line : host_.logs()) said += line.message + "\n";
  for (const testkit::Event& event : host_.events()) said += event.kind + ": " + event.text + "\n";
  SCOPED_TRACE(said);
  EXPECT_EQ(seen.size(), written_) << "seed " << GetParam();
  for (unsigned i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i], i) << "seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Seeds, FilesSourceDiceTest, testing::Range(0u, 20u));

}  // namespace
}  // namespace sluice::file_plugin::test
