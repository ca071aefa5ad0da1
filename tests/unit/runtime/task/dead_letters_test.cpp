// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/runtime/task/runner_fixtures.hpp"

namespace sluice::task {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

using Headers = std::map<std::string, std::string>;

struct Letter {
  std::string key, value;
  int64_t timestamp;
  Headers headers;
};

std::string text_of(const std::optional<ByteView>& bytes) {
  return bytes ? std::string(as_text(*bytes)) : "null";
}

// What stands in the topic "dead".
std::vector<Letter> letters_in(testing::FakeLog& log) {
  std::vector<Letter> letters;
  auto fetched = log.read({"dead", PartitionId(0)}, Offset(0), 64u << 20);
  if (!fetched.ok()) return letters;
  ByteView rest(fetched->batches);
  while (!rest.empty()) {
    auto reader = model::RecordReader::open(rest).value();
    model::RecordView view;
    while (reader.next(view).value()) {
      letters.push_back({text_of(view.key), text_of(view.value), view.timestamp, {}});
      for (const auto& header : view.headers)
        letters.back().headers[std::string(header.key)] = text_of(header.value);
    }
    rest = rest.subspan(reader.header().size());
  }
  return letters;
}

std::vector<std::string> values_of(const std::vector<Letter>& letters) {
  std::vector<std::string> values;
  for (const auto& letter : letters) values.push_back(letter.value);
  return values;
}

void use_dead_letters(CommonSettings& settings) {
  settings.errors.tolerate_all = true;
  settings.errors.dead_letter_topic = "dead";
  settings.classes = {"org.example.Connector", "Keys", "Values", "Headers"};
}

class SourceDeadLetters : public SourceRunnerTest {
 protected:
  SourceDeadLetters() { use_dead_letters(settings_); }
  void send_one_bad() {
    source_.answers.push_back({{}, {{"x"}, {"\xff?", "k", -1, 0, true, "no JSON"}, {"z"}}, 3, 0});
  }
};

TEST_F(SourceDeadLetters, AreInTheAppendOfTheirBatch) {
  log_.hold(true);
  send_one_bad();
  start();
  run();
  EXPECT_EQ(log_.appends(), 1u);
  EXPECT_THAT(source_.acks, IsEmpty());
  log_.hold(false);
  log_.release();
  run();
  EXPECT_EQ(log_.appends(), 1u);
  EXPECT_THAT(lines(), ElementsAre("x", "z"));
  auto letters = letters_in(log_);
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].key, "k");
  EXPECT_EQ(letters[0].value, "\xff?");
  EXPECT_THAT(letters[0].headers, IsEmpty());
  EXPECT_THAT(source_.acks, ElementsAre(1u));
  EXPECT_EQ(offset(), R"({"position":3})");
  EXPECT_EQ(runner_->metrics().dead_letter_requests, 1u);
  EXPECT_EQ(runner_->metrics().total_records_skipped, 1u);
  EXPECT_THAT(listener_.topics, ElementsAre("lines"));  // not one of the connector's topics
}

TEST_F(SourceDeadLetters, TheContextStandsInHeadersAsInKafkaConnect) {
  settings_.errors.dead_letter_context = true;
  send_one_bad();
  start();
  run();
  auto letters = letters_in(log_);
  ASSERT_EQ(letters.size(), 1u);
  const std::string exception = "org.apache.kafka.connect.errors.DataException";
  EXPECT_EQ(letters[0].headers,
            (Headers{{"__connect.errors.topic", "lines"},
                     {"__connect.errors.partition", "-1"},
                     {"__connect.errors.offset", "-1"},
                     {"__connect.errors.connector.name", "c"},
                     {"__connect.errors.task.id", "0"},
                     {"__connect.errors.stage", "TASK_POLL"},
                     {"__connect.errors.class.name", "org.example.Connector"},
                     {"__connect.errors.exception.class.name", exception},
                     {"__connect.errors.exception.message", "no JSON"},
                     {"__connect.errors.exception.stacktrace", exception + ": no JSON\n"}}));
}

TEST_F(SourceDeadLetters, ValuesThatAConverterRefusesAreJson) {
  settings_.errors.dead_letter_context = true;
  source_.answers.push_back({{}, {{"x"}, {"", {}, -1, 0, false}}, 2, 0});
  start();
  run();
  auto letters = letters_in(log_);
  EXPECT_THAT(values_of(letters), ElementsAre("7"));
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].headers["__connect.errors.stage"], "VALUE_CONVERTER");
  EXPECT_EQ(letters[0].headers["__connect.errors.class.name"], "Values");
}

TEST_F(SourceDeadLetters, ARecordThatIsTooLargeForItsTopicFits) {
  const std::string large(3u << 20, 'b');
  send({"a", large, "c"}, 1);
  start();
  run();
  EXPECT_THAT(lines(), ElementsAre("a", "c"));
  EXPECT_THAT(values_of(letters_in(log_)), ElementsAre(large));
}

TEST_F(SourceDeadLetters, ALetterThatItsTopicDoesNotTakeFailsTheTask) {
  ASSERT_TRUE(log_.create_topic({"dead", 1, 1, {{"max.message.bytes", "100"}}}).ok());
  ASSERT_TRUE(log_.create_topic({"lines", 1, 1, {{"max.message.bytes", "100"}}}).ok());
  send({"a"}, 1);
  send({"b", std::string(200, 'b')}, 2);
  start();
  run();
  EXPECT_EQ(state(), TaskState::kFailed);
  EXPECT_THAT(runner_->trace(), HasSubstr("max.message.bytes configuration of topic dead"));
  EXPECT_THAT(lines(), ElementsAre("a"));
  EXPECT_EQ(offset(), R"({"position":1})");
}

TEST_F(SourceDeadLetters, ComeOnceWhenTheLogRefusesTheirAppend) {
  log_.fail_next({ErrorKind::kRetriable, "no space left on device"}, 2);
  send_one_bad();
  start();
  run(20s);
  EXPECT_THAT(values_of(letters_in(log_)), ElementsAre("\xff?"));
  EXPECT_THAT(lines(), ElementsAre("x", "z"));
  EXPECT_EQ(runner_->metrics().dead_letter_requests, 1u);
  EXPECT_EQ(runner_->metrics().dead_letter_failures, 2u);
}

TEST_F(SourceDeadLetters, ATopicThatIsGoneIsMadeAgain) {
  start();
  run();
  ASSERT_TRUE(log_.delete_topic("dead").ok());
  send_one_bad();
  source_.services->wake();
  run(20s);
  EXPECT_THAT(values_of(letters_in(log_)), ElementsAre("\xff?"));
  EXPECT_THAT(source_.acks, ElementsAre(1u));
}

TEST_F(SourceDeadLetters, AreNotWrittenWithoutTolerance) {
  settings_.errors.tolerate_all = false;
  send_one_bad();
  start();
  run();
  EXPECT_EQ(state(), TaskState::kFailed);
  EXPECT_THAT(log_.topics("dead").value(), IsEmpty());
}

class SinkDeadLetters : public SinkRunnerTest {
 protected:
  SinkDeadLetters() { use_dead_letters(settings_); }
  static constexpr const char* kJson = "org.apache.kafka.connect.json.JsonConverter";
  void fetched_with_key(const std::string& key, const std::string& value,
                        const std::vector<model::HeaderView>& headers,
                        model::Compression compression = model::Compression::kNone) {
    model::BatchBuilder builder;
    ASSERT_TRUE(builder.add(17, as_bytes(key), as_bytes(value), headers));
    Bytes batch = model::recompress_batch(builder.finish(), compression).value();
    model::stamp_batch(batch, Offset(5), LeaderEpoch(0));
    log_.consumer()->push(log::Fetched{kPartition, std::move(batch), Offset(5), Offset(6)});
    run();
  }
};

TEST_F(SinkDeadLetters, AreTheOriginalWithTheContextBehindItsOwnHeaders) {
  for (const auto compression : {model::Compression::kNone, model::Compression::kGzip}) {
    if (runner_) runner_->abandon();
    executor_.run_ready();
    static_cast<void>(log_.delete_topic("dead").ok());
    settings_.errors.dead_letter_context = true;
    start(kJson);
    assign();
    const std::string own = "own", taken = "mine";
    fetched_with_key("k\xff", "{broken",
                     {{"h", as_bytes(own)}, {"n", {}}, {"__connect.errors.stage", as_bytes(taken)}},
                     compression);
    auto letters = letters_in(log_);
    ASSERT_EQ(letters.size(), 1u);
    EXPECT_EQ(letters[0].key, "k\xff");
    EXPECT_EQ(letters[0].value, "{broken");
    EXPECT_EQ(letters[0].timestamp, 17);
    EXPECT_EQ(letters[0].headers.size(), 12u);
    EXPECT_EQ(letters[0].headers["h"], "own");
    EXPECT_EQ(letters[0].headers["n"], "null");
    EXPECT_EQ(letters[0].headers["__connect.errors.stage"], "mine");
    EXPECT_EQ(letters[0].headers["__connect.errors.topic"], "lines");
    EXPECT_EQ(letters[0].headers["__connect.errors.partition"], "0");
    EXPECT_EQ(letters[0].headers["__connect.errors.offset"], "5");
    EXPECT_EQ(letters[0].headers["__connect.errors.class.name"], "Values");
    run(1s);
    EXPECT_EQ(commits().back(), 6);
  }
}

TEST_F(SinkDeadLetters, NoOffsetPassesThemBeforeTheyAreDurable) {
  start(kJson);
  assign();
  fetched(0, {"\"a\""});
  run(1s);
  log_.hold(true);
  fetched(1, {"\"b\"", "{broken", "\"c\""});
  fetched(4, {"\"d\""});
  const size_t asked = log_.consumer()->asked;
  run(10s);
  EXPECT_EQ(log_.held(), 1u);
  EXPECT_THAT(commits(), ElementsAre(1));
  EXPECT_THAT(sink_.taken, ElementsAre(Pair(0, "a")));
  EXPECT_EQ(log_.consumer()->asked, asked);
  log_.hold(false);
  log_.release();
  run(2s);
  EXPECT_THAT(values_of(letters_in(log_)), ElementsAre("{broken"));
  EXPECT_THAT(sink_.taken, ElementsAre(Pair(0, "a"), Pair(1, "b"), Pair(3, "c"), Pair(4, "d")));
  EXPECT_EQ(commits().back(), 5);
}

TEST_F(SinkDeadLetters, OfABatchThatIsAllBadMoveTheOffset) {
  start(kJson);
  assign();
  fetched(0, {"{", "}"});
  run(1s);
  EXPECT_THAT(values_of(letters_in(log_)), ElementsAre("{", "}"));
  EXPECT_THAT(sink_.taken, IsEmpty());
  EXPECT_THAT(commits(), ElementsAre(2));
}

TEST_F(SinkDeadLetters, RecordsThatThePluginReportsAreNotPutAgain) {
  settings_.errors.dead_letter_context = true;
  start();
  assign();
  log_.hold(true);
  sink_.put_failures = {{0, plugin::Outcome::failure(SLUICE_RECORD_ERROR, "too long")},
                        {2, plugin::Outcome::failure(SLUICE_RECORD_ERROR, "too short")}};
  fetched(0, {"a", "b", "c"});
  run(5s);
  EXPECT_THAT(commits(), IsEmpty());
  EXPECT_EQ(sink_.calls, (std::vector<std::string>{"open lines-0@-1", "put"}));  // no commit either
  log_.hold(false);
  log_.release();
  run(2s);
  EXPECT_THAT(sink_.taken, ElementsAre(Pair(1, "b")));
  auto letters = letters_in(log_);
  EXPECT_THAT(values_of(letters), ElementsAre("a", "c"));
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[1].headers["__connect.errors.stage"], "TASK_PUT");
  EXPECT_EQ(letters[1].headers["__connect.errors.offset"], "2");
  EXPECT_EQ(letters[1].headers["__connect.errors.exception.message"], "too short");
  EXPECT_THAT(commits(), ElementsAre(3));
}

TEST_F(SinkDeadLetters, ARecordForWhichABatchIsRefusedIsWrittenBeforeTheRestIsPut) {
  start();
  assign();
  sink_.put_outcomes = {{SLUICE_RECORD_ERROR, "too long", 0, 1},
                        {SLUICE_RECORD_ERROR, "too short", 0, 0}};
  fetched(0, {"a", "b"});
  run(1s);
  EXPECT_THAT(values_of(letters_in(log_)), ElementsAre("b", "a"));
  EXPECT_THAT(sink_.taken, IsEmpty());
  EXPECT_THAT(commits(), ElementsAre(2));
  EXPECT_EQ(runner_->metrics().dead_letter_requests, 2u);
}

TEST_F(SinkDeadLetters, AreTriedAgainUntilTheLogTakesThem) {
  start(kJson);
  assign();
  log_.fail_next({ErrorKind::kRetriable, "no space left on device"}, 3);
  fetched(0, {"{broken", "\"a\""});
  run(100ms);
  EXPECT_THAT(commits(), IsEmpty());
  EXPECT_THAT(sink_.taken, IsEmpty());
  EXPECT_EQ(state(), TaskState::kRunning);
  EXPECT_THAT(listener_.events, ElementsAre("log-retry"));
  EXPECT_EQ(runner_->metrics().log_retrying, 1u);
  run(20s);
  EXPECT_THAT(values_of(letters_in(log_)), ElementsAre("{broken"));
  EXPECT_THAT(commits(), ElementsAre(2));
  EXPECT_EQ(runner_->metrics().log_retrying, 0u);
  EXPECT_EQ(runner_->metrics().dead_letter_requests, 1u);
  EXPECT_EQ(runner_->metrics().dead_letter_failures, 3u);
}

TEST_F(SinkDeadLetters, ThatCannotBeWrittenFailTheTaskAndNoOffsetPasses) {
  ASSERT_TRUE(log_.create_topic({"dead", 1, 1, {{"max.message.bytes", "90"}}}).ok());
  start();
  assign();
  fetched(0, {"a"});
  sink_.put_failures = {{0, plugin::Outcome::failure(SLUICE_RECORD_ERROR, "too long")}};
  fetched(1, {std::string(100, 'b'), "c"});
  run(5s);
  EXPECT_EQ(state(), TaskState::kFailed);
  EXPECT_THAT(runner_->trace(), HasSubstr("max.message.bytes configuration of topic dead"));
  EXPECT_THAT(commits(), IsEmpty());  // the target has "c", which no offset counts
  EXPECT_EQ(sink_.calls.back(), "lost lines-0@-1");
}

TEST_F(SinkDeadLetters, ManyAreWrittenInSeveralAppends) {
  start(kJson);
  assign();
  std::vector<std::string> values;
  for (int i = 0; i < 30; ++i)
    values.push_back("{" + std::to_string(i) + std::string(500'000, 'x'));
  fetched(0, values);
  run(1s);
  EXPECT_EQ(values_of(letters_in(log_)), values);
  EXPECT_GT(log_.appends(), 2u);
  EXPECT_THAT(commits(), ElementsAre(30));
}

TEST_F(SinkDeadLetters, StopWaitsForThem) {
  settings_.offset_flush_interval_ms = 3'600'000;
  start(kJson);
  assign();
  log_.hold(true);
  fetched(0, {"{broken"});
  bool stopped = false;
  runner_->stop([&] { stopped = true; });
  run();
  EXPECT_FALSE(stopped);
  log_.hold(false);
  log_.release();
  run();
  EXPECT_TRUE(stopped);
  EXPECT_THAT(values_of(letters_in(log_)), ElementsAre("{broken"));
  EXPECT_THAT(commits(), ElementsAre(1));
}

}  // namespace
}  // namespace sluice::task
