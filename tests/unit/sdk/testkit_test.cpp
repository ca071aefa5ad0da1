// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <sluice/testkit/driver.hpp>
#include <unistd.h>

#include <stdexcept>
#include <thread>

namespace sluice::testkit {
namespace {

using namespace sdk;  // NOLINT: the author's view
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Everything that a source can do, under a word in its config.
class Actor : public SourceTask {
 public:
  Status start(const Config& config) override {
    act_ = config.get_string("act");
    if (act_ == "throw in start") throw std::runtime_error("from start");
    SLUICE_SDK_ASSIGN(topic_, context().topic("topic"));
    SLUICE_SDK_ASSIGN(partition_, context().partition({{"file", "a"}, {"n", int64_t{1}}}));
    SLUICE_SDK_ASSIGN(const Value stored, context().offset(partition_));
    next_ = stored.get("next").as_int().value_or(0);
    SLUICE_SDK_ASSIGN(count_, context().counter("polls", "Polls."));
    SLUICE_SDK_ASSIGN(schema_, SchemaBuilder::primitive(SLUICE_STRING).optional().make(context()));
    return ok();
  }
  Status poll(const PollLimits&, RecordBatch& batch) override {
    count_.add();
    if (act_ == "throw in poll") throw std::runtime_error("from poll");
    if (act_ == "fail") return Error::retriable("later", 250);
    if (act_ == "idle") {
      batch.idle_for(7);
      return ok();
    }
    const std::string text = "value " + std::to_string(next_++);
    batch.add(topic_)
        .key(batch.bytes("k"))
        .value(batch.string(text), schema_)
        .timestamp(12)
        .partition(3)
        .header("h1", Value::int32(1))
        .header("h2", Value::boolean(true));
    batch.add(topic_).value(Value::null()).header("h3", Value::string("x"));
    batch.offset(partition_, {{"next", next_}});
    if (act_ == "report") {
      context().record_error(1, Error::record(1, "no value"));
      context().record_error(1, Error::record(1, "said twice"));
    }
    if (act_ == "report another") context().record_error(2, Error::record(2, "not there"));
    return ok();
  }
  Status ack(uint64_t batch) override {
    acked.push_back(batch);
    return ok();
  }
  static inline std::vector<uint64_t> acked;

 private:
  std::string act_;
  uint32_t topic_ = 0;
  uint32_t partition_ = 0;
  int64_t next_ = 0;
  Metric count_;
  Schema schema_;
};

TEST(SourceDriver, RecordsComeOutAsTheyWentIn) {
  FakeHost host;
  {
    SourceDriver source = SourceDriver::of<Actor>(host, {});
    ASSERT_TRUE(source.start().ok());
    ASSERT_TRUE(source.poll().ok());
    ASSERT_EQ(source.records().size(), 2u);
    const Record& first = source.records()[0];
    EXPECT_EQ(first.topic, "topic");
    EXPECT_EQ(first.key, "k");
    EXPECT_EQ(first.value, "value 0");
    EXPECT_EQ(first.timestamp_ms, 12);
    EXPECT_EQ(first.partition, 3);
    EXPECT_THAT(first.headers, ElementsAre(std::pair("h1", "1"), std::pair("h2", "true")));
    EXPECT_EQ(source.records()[1].value, std::nullopt);
    EXPECT_THAT(source.records()[1].headers, ElementsAre(std::pair("h3", "x")));
    EXPECT_EQ(host.live_batches(), 1u);
    EXPECT_EQ(host.live_schemas(), 1u);
    EXPECT_EQ(host.metric("polls"), 1);
  }
  EXPECT_EQ(host.live_batches(), 0u);
  EXPECT_EQ(host.live_schemas(), 0u);
  EXPECT_THAT(host.violations(), IsEmpty());
}

TEST(SourceDriver, OffsetsAreStoredOnlyWhenDurableAndCarryOn) {
  FakeHost host;
  Actor::acked.clear();
  {
    SourceDriver source = SourceDriver::of<Actor>(host, {});
    ASSERT_TRUE(source.start().ok());
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(source.poll().ok());
    EXPECT_EQ(host.stored_offsets(), 0u);
    ASSERT_TRUE(source.make_durable(2).ok());
    EXPECT_EQ(host.stored_offset(R"({"file":"a","n":1})"), R"({"next":2})");
    EXPECT_THAT(Actor::acked, ElementsAre(2u));
  }
  SourceDriver again = SourceDriver::of<Actor>(host, {});
  ASSERT_TRUE(again.start().ok());
  ASSERT_TRUE(again.poll().ok());
  EXPECT_EQ(again.records()[0].value, "value 2");
}

TEST(SourceDriver, ErrorsAndExceptionsKeepKindAndText) {
  FakeHost host;
  SourceDriver failing = SourceDriver::of<Actor>(host, {{"act", "fail"}});
  ASSERT_TRUE(failing.start().ok());
  const Outcome later = failing.poll();
  EXPECT_EQ(later.status, SLUICE_RETRIABLE);
  EXPECT_EQ(later.text, "later");
  EXPECT_EQ(later.retry_after_ms, 250u);

  SourceDriver throwing = SourceDriver::of<Actor>(host, {{"act", "throw in poll"}});
  ASSERT_TRUE(throwing.start().ok());
  EXPECT_EQ(throwing.poll().status, SLUICE_FATAL);
  EXPECT_EQ(throwing.poll().text, "from poll");

  SourceDriver stillborn = SourceDriver::of<Actor>(host, {{"act", "throw in start"}});
  EXPECT_EQ(stillborn.start().text, "from start");
  EXPECT_FALSE(stillborn.running());

  SourceDriver idle = SourceDriver::of<Actor>(host, {{"act", "idle"}});
  ASSERT_TRUE(idle.start().ok());
  ASSERT_TRUE(idle.poll().ok());
  EXPECT_EQ(idle.idle_ms(), 7u);
  EXPECT_EQ(idle.batches(), 0u);
  EXPECT_THAT(host.violations(), IsEmpty());
}

TEST(SourceDriver, RecordsThatCouldNotBeDecodedHaveTheirFault) {
  FakeHost host;
  SourceDriver source = SourceDriver::of<Actor>(host, {{"act", "report"}});
  ASSERT_TRUE(source.start().ok());
  ASSERT_TRUE(source.poll().ok());
  ASSERT_TRUE(source.poll().ok());
  ASSERT_EQ(source.records().size(), 4u);
  EXPECT_EQ(source.records()[0].fault, std::nullopt);
  EXPECT_EQ(source.records()[1].fault, "no value");
  EXPECT_EQ(source.records()[3].fault, "no value");
  EXPECT_THAT(host.violations(), IsEmpty());

  SourceDriver wrong = SourceDriver::of<Actor>(host, {{"act", "report another"}});
  ASSERT_TRUE(wrong.start().ok());
  ASSERT_TRUE(wrong.poll().ok());
  EXPECT_THAT(host.violations(), ElementsAre("record_error names record 2 of a batch of 2 records"));
}

TEST(SourceDriver, BatchMemoryIsUsedAgain) {
  FakeHost host;
  SourceDriver source = SourceDriver::of<Actor>(host, {});
  ASSERT_TRUE(source.start().ok());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(source.poll().ok());
    ASSERT_TRUE(source.make_durable().ok());
  }
  EXPECT_EQ(source.records().back().value, std::nullopt);
  EXPECT_EQ(source.records()[1998].value, "value 999");
  EXPECT_THAT(host.violations(), IsEmpty());
}

// What a sink was told, and a batch that it keeps.
class Listener : public SinkTask {
 public:
  Status start(const Config&) override { return ok(); }
  Status open(std::span<PartitionOffset> partitions, int64_t epoch) override {
    partitions[0].next_offset = 40 + epoch;
    return ok();
  }
  Status put(SinkBatch& batch) override {
    uint32_t index = 0;
    for (const RecordView record : batch) {
      seen.push_back(std::string(context().topic_name(record.topic())) + "@" + std::to_string(record.offset()) + "=" +
                     std::string(record.value().as_string().value_or("null")));
      if (record.value().is_null()) {
        context().record_error(index, Error::record(0, "null"));
      }
      ++index;
    }
    if (batch.size() == 3) kept_.push_back(batch.move());
    return ok();
  }
  Status commit(std::span<PartitionOffset> partitions) override {
    partitions[0].next_offset -= 1;
    kept_.clear();
    return ok();
  }
  static inline std::vector<std::string> seen;

 private:
  std::vector<OwnedBatch> kept_;
};

TEST(SinkDriver, TellsOpenPutCommit) {
  FakeHost host;
  Listener::seen.clear();
  {
    SinkDriver sink = SinkDriver::of<Listener>(host, {});
    ASSERT_TRUE(sink.start().ok());
    std::vector<sluice_partition_offset> offsets = {{sink.topic("t"), 0, -1}};
    ASSERT_TRUE(sink.open(offsets, 2).ok());
    EXPECT_EQ(offsets[0].next_offset, 42);
    ASSERT_TRUE(sink.put({{"t", 0, 42, {}, Value::string("a")}, {"t", 0, 43, {}, Value::null()}}).ok());
    EXPECT_THAT(Listener::seen, ElementsAre("t@42=a", "t@43=null"));
    ASSERT_EQ(sink.record_errors().size(), 1u);
    EXPECT_EQ(sink.record_errors()[0].first, 1u);
    EXPECT_EQ(sink.record_errors()[0].second.message, "null");
    ASSERT_TRUE(sink.put({{"t", 0, 44}, {"t", 0, 45}, {"t", 0, 46}}).ok());
    EXPECT_EQ(host.live_batches(), 1u) << "the sink has moved the second batch away";
    offsets[0].next_offset = 47;
    ASSERT_TRUE(sink.commit(offsets).ok());
    EXPECT_EQ(offsets[0].next_offset, 46);
    EXPECT_EQ(host.live_batches(), 0u);
  }
  EXPECT_THAT(host.violations(), IsEmpty());
}

TEST(FakeHost, NoticesCallsFromOutsideAndTooManyReleases) {
  FakeHost host;
  FakeContext& context = host.make_context();
  const Context plugin(host.table(), context.raw());
  EXPECT_TRUE(plugin.topic("t").ok());
  EXPECT_THAT(host.violations(), ElementsAre(HasSubstr("intern_topic was called from outside of an owner call")));
  auto schema = SchemaBuilder::primitive(SLUICE_INT64).make(plugin);
  ASSERT_TRUE(schema.ok());
  const sluice_schema* raw = schema->raw();
  *schema = Schema();
  host.table()->schema_release(raw);
  EXPECT_THAT(host.violations(), Contains(HasSubstr("released more often")));
  context.end();
  plugin.warn("late");
  EXPECT_THAT(host.violations(), Contains(HasSubstr("called after destroy")));
}

TEST(FakeHost, EqualSchemasAreOne) {
  FakeHost host;
  const Context plugin(host.table(), host.make_context().raw());
  const auto point = [&](std::string_view name) {
    auto x = SchemaBuilder::primitive(SLUICE_INT32).make(plugin);
    return SchemaBuilder::structure().name(name).version(1).field("x", *x).parameter("p", "v").make(plugin);
  };
  const auto a = point("point"), b = point("point"), c = point("other");
  ASSERT_TRUE(a.ok() && b.ok() && c.ok());
  EXPECT_EQ(a->raw(), b->raw());
  EXPECT_NE(a->raw(), c->raw());
  EXPECT_EQ(view(a->raw()->fields[0].name), "x");
  EXPECT_EQ(host.live_schemas(), 3u);
}

TEST(FakeHost, FilesStayBelowTheRoot) {
  FakeHost host;
  const Context plugin(host.table(), host.make_context().raw());
  const auto made = plugin.open_file("file", "a.txt", SLUICE_FILE_WRITE | SLUICE_FILE_CREATE);
  ASSERT_TRUE(made.ok());
  ::close(*made);
  EXPECT_EQ(plugin.open_file("file", "none.txt", SLUICE_FILE_READ).error().kind, SLUICE_NOT_CONNECTED);
  const auto outside = plugin.open_file("file", "../../etc/passwd", SLUICE_FILE_READ);
  ASSERT_FALSE(outside.ok());
  EXPECT_EQ(outside.error().kind, SLUICE_CONFIG_ERROR);
  EXPECT_THAT(outside.error().message, HasSubstr("file.allowed.roots"));
  std::filesystem::create_symlink("/etc/passwd", host.root() / "link");
  EXPECT_EQ(plugin.open_file("file", "link", SLUICE_FILE_READ).error().kind, SLUICE_CONFIG_ERROR);
}

}  // namespace
}  // namespace sluice::testkit
