// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstring>

#include "runtime/plugin/context.hpp"
#include "runtime/plugin/tables.hpp"
#include "runtime/record/schema.hpp"
#include "runtime/record/value.hpp"
#include "tests/unit/runtime/plugin/plugin_fixture.hpp"

// The host's functions as a plugin calls them.
namespace sluice::plugin {
namespace {

using ::testing::ElementsAre;
using testing::FakeServices;
using ::testing::HasSubstr;
using testing::TempFolder;
using testing::write_file;

class HostTableTest : public ::testing::Test {
 protected:
  HostTableTest() {
    write_file(folder_ / "f", "x");
    services_.settings["worker.id"] = "w:8083";
    host_services_.files = FileAccess::make({folder_.path()}).value();
    host_services_.metrics = &metrics_;
    context_ = std::make_unique<sluice_context>(services_, host_services_, "a.B");
    error_.struct_size = sizeof(error_);
  }
  sluice_str str(std::string_view text) { return to_str(text); }
  std::string error_text() { return std::string(error_.text, error_.text_size); }
  sluice_value partition(const char* file) {
    pair_[0] = record::string_value("filename");
    pair_[1] = record::string_value(file);
    return record::items_value(SLUICE_MAP, pair_, 1);
  }

  TempFolder folder_;
  FakeServices services_;
  metrics::Registry metrics_;
  HostServices host_services_;
  std::unique_ptr<sluice_context> context_;
  const sluice_host& host_ = *host_table();
  sluice_error error_{};
  sluice_value pair_[2];
};

TEST_F(HostTableTest, NamesItsVersionAndSize) {
  EXPECT_EQ(host_.struct_size, sizeof(sluice_host));
  EXPECT_EQ(host_.abi_version, SLUICE_ABI_VERSION);
}

TEST_F(HostTableTest, SettingsLiveAsLongAsTheContext) {
  auto first = host_.setting(context_.get(), str("worker.id"));
  EXPECT_EQ(text_of(first), "w:8083");
  EXPECT_EQ(host_.setting(context_.get(), str("nothing")).data, nullptr);
  for (int i = 0; i < 100; ++i) {
    services_.settings["s" + std::to_string(i)] = "v";
    host_.setting(context_.get(), str("s" + std::to_string(i)));
  }
  EXPECT_EQ(host_.setting(context_.get(), str("worker.id")).data, first.data);
}

TEST_F(HostTableTest, InternsTopicsAndRefusesIllegalNames) {
  uint32_t a = 9, b = 9, again = 9;
  ASSERT_EQ(host_.intern_topic(context_.get(), str("a"), &a, &error_), SLUICE_OK);
  ASSERT_EQ(host_.intern_topic(context_.get(), str("b"), &b, &error_), SLUICE_OK);
  ASSERT_EQ(host_.intern_topic(context_.get(), str("a"), &again, &error_), SLUICE_OK);
  EXPECT_EQ(a, 0u);
  EXPECT_EQ(b, 1u);
  EXPECT_EQ(again, a);
  EXPECT_EQ(text_of(host_.topic_name(context_.get(), b)), "b");
  EXPECT_EQ(host_.topic_name(context_.get(), 2).data, nullptr);
  for (auto name : {"", ".", "..", "a b", "a/b"}) {
    EXPECT_EQ(host_.intern_topic(context_.get(), str(name), &a, &error_), SLUICE_CONFIG_ERROR)
        << name;
  }
  EXPECT_EQ(host_.intern_topic(context_.get(), str(std::string(250, 'x')), &a, &error_),
            SLUICE_CONFIG_ERROR);
  EXPECT_THAT(error_text(), HasSubstr("no legal topic name"));
}

TEST_F(HostTableTest, FindsStoredOffsetsByThePartitionsJson) {
  services_.offsets[R"({"filename":"/a"})"] = R"({"position":12})";
  services_.offsets[R"({"filename":"/bad"})"] = "[1]";
  uint32_t number = 0;
  sluice_value offset{};
  auto read = [&](const char* file) {
    auto value = partition(file);
    EXPECT_EQ(host_.intern_partition(context_.get(), &value, &number, &error_), SLUICE_OK);
    return host_.read_offset(context_.get(), number, &offset, &error_);
  };
  ASSERT_EQ(read("/a"), SLUICE_OK);
  ASSERT_EQ(offset.type, SLUICE_MAP);
  EXPECT_EQ(record::text(offset.as.items[0]), "position");
  EXPECT_EQ(offset.as.items[1].as.i64, 12);
  ASSERT_EQ(read("/none"), SLUICE_OK);
  EXPECT_EQ(offset.type, SLUICE_NULL);
  EXPECT_EQ(read("/bad"), SLUICE_FATAL);
  EXPECT_THAT(error_text(),
              HasSubstr(R"(the stored offset of {"filename":"/bad"} cannot be used)"));
  EXPECT_EQ(host_.read_offset(context_.get(), 99, &offset, &error_), SLUICE_FATAL);
  auto wrong = record::int_value(1);
  EXPECT_EQ(host_.intern_partition(context_.get(), &wrong, &number, &error_), SLUICE_FATAL);
}

TEST_F(HostTableTest, ListsTheStoredOffsetsOfTheConnector) {
  services_.offsets[R"({"filename":"/a"})"] = R"({"position":12})";
  services_.offsets[R"({"filename":"/b"})"] = R"({"position":13})";
  std::map<std::string, int64_t> found;
  auto each = [](void* collector, const sluice_value* key, const sluice_value* offset) {
    auto& to = *static_cast<std::map<std::string, int64_t>*>(collector);
    to[std::string(record::text(key->as.items[1]))] = offset->as.items[1].as.i64;
  };
  ASSERT_EQ(host_.list_offsets(context_.get(), each, &found, &error_), SLUICE_OK);
  EXPECT_EQ(found, (std::map<std::string, int64_t>{{"/a", 12}, {"/b", 13}}));
  services_.offsets[R"({"filename":"/c"})"] = "[1]";
  EXPECT_EQ(host_.list_offsets(context_.get(), each, &found, &error_), SLUICE_FATAL);
  EXPECT_THAT(error_text(), HasSubstr(R"(the stored offset of {"filename":"/c"} cannot be used)"));
}

TEST_F(HostTableTest, MakesOneSchemaOfEqualDefinitions) {
  sluice_schema definition{};
  definition.struct_size = sizeof(definition);
  definition.type = SLUICE_INT32;
  definition.name = str("host.table.test");
  const sluice_schema *one = nullptr, *two = nullptr;
  auto before = record::interned_schemas();
  ASSERT_EQ(host_.schema_make(context_.get(), &definition, &one, &error_), SLUICE_OK);
  ASSERT_EQ(host_.schema_make(context_.get(), &definition, &two, &error_), SLUICE_OK);
  EXPECT_EQ(one, two);
  host_.schema_retain(one);
  for (int i = 0; i < 3; ++i) host_.schema_release(one);
  EXPECT_EQ(record::interned_schemas(), before);
  definition.type = 99;
  EXPECT_NE(host_.schema_make(context_.get(), &definition, &one, &error_), SLUICE_OK);
  EXPECT_NE(host_.schema_make(context_.get(), nullptr, &one, &error_), SLUICE_OK);
}

TEST_F(HostTableTest, ArenaHonoursSizesAndAlignments) {
  record::Arena arena(1 << 20);
  auto* at = host_.arena_alloc(arena.handle(), 10, 64);
  ASSERT_NE(at, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(at) % 64, 0u);
  EXPECT_EQ(host_.arena_alloc(arena.handle(), 1 << 21, 8), nullptr);
  EXPECT_EQ(host_.arena_alloc(arena.handle(), SIZE_MAX - 5, 8), nullptr);
  EXPECT_EQ(host_.arena_alloc(arena.handle(), 8, 3), nullptr);
  EXPECT_EQ(host_.arena_alloc(nullptr, 8, 8), nullptr);
}

TEST_F(HostTableTest, MetricsCarryConnectorAndTask) {
  uint32_t counter = 0, again = 1, gauge = 0;
  ASSERT_EQ(host_.metric_register(context_.get(), SLUICE_METRIC_COUNTER, str("lines_total"),
                                  str("Lines."), &counter, &error_),
            SLUICE_OK);
  ASSERT_EQ(host_.metric_register(context_.get(), SLUICE_METRIC_COUNTER, str("lines_total"),
                                  str("Lines."), &again, &error_),
            SLUICE_OK);
  EXPECT_EQ(counter, again);
  ASSERT_EQ(host_.metric_register(context_.get(), SLUICE_METRIC_GAUGE, str("lag"), str(""), &gauge,
                                  &error_),
            SLUICE_OK);
  host_.metric_add(context_.get(), counter, 2.5);
  host_.metric_add(context_.get(), counter, -1);  // a counter never goes back
  host_.metric_add(context_.get(), gauge, 5);     // not its function
  host_.metric_set(context_.get(), gauge, -3);
  host_.metric_set(context_.get(), 77, 1);
  EXPECT_THAT(metrics_.expose(),
              HasSubstr("sluice_plugin_lines_total{connector=\"c\",task=\"0\"} 2.5\n"));
  EXPECT_THAT(metrics_.expose(), HasSubstr("sluice_plugin_lag{connector=\"c\",task=\"0\"} -3\n"));
  EXPECT_NE(host_.metric_register(context_.get(), SLUICE_METRIC_COUNTER, str("a b"), str(""),
                                  &counter, &error_),
            SLUICE_OK);
  EXPECT_EQ(host_.metric_register(context_.get(), 9, str("x"), str(""), &counter, &error_),
            SLUICE_UNSUPPORTED);
  context_.reset();
  EXPECT_EQ(metrics_.series(), 0u);
}

TEST_F(HostTableTest, FindingsOfValidateGoToTheirKey) {
  Validation validation;
  context_->validation = &validation;
  host_.config_error(context_.get(), str("k"), str("bad"));
  host_.config_error(context_.get(), str("k"), str("worse"));
  host_.config_recommend(context_.get(), str("k"), str("good"));
  host_.config_visible(context_.get(), str("other"), 0);
  ASSERT_EQ(validation.additions.size(), 2u);
  EXPECT_EQ(validation.additions[0].name, "k");
  EXPECT_THAT(validation.additions[0].errors, ElementsAre("bad", "worse"));
  EXPECT_THAT(validation.additions[0].recommended, ElementsAre("good"));
  EXPECT_FALSE(validation.additions[1].visible);
  context_->validation = nullptr;
  host_.config_error(context_.get(), str("k"), str("outside of validate"));  // must not crash
  EXPECT_EQ(validation.additions.size(), 2u);
}

TEST_F(HostTableTest, RecordErrorsCountInsideOfPutAndPollOnly) {
  std::vector<RecordFailure> failures;
  RecordErrors errors(3);
  fill_error(&error_, SLUICE_RECORD_ERROR, "no number");
  host_.record_error(context_.get(), 0, &error_);
  context_->record_errors = &errors;
  host_.record_error(context_.get(), 2, nullptr);
  host_.record_error(context_.get(), 1, &error_);
  fill_error(&error_, SLUICE_RECORD_ERROR, "said twice");
  host_.record_error(context_.get(), 1, &error_);
  EXPECT_EQ(errors.take(3, failures), std::nullopt);
  ASSERT_EQ(failures.size(), 2u);
  EXPECT_EQ(failures[0].index, 1u);
  EXPECT_EQ(failures[0].outcome.text, "no number");
  EXPECT_EQ(failures[1].index, 2u);
  EXPECT_THAT(failures[1].outcome.text, HasSubstr("without a text"));
}

TEST_F(HostTableTest, RecordErrorsOfRecordsThatAreNotThereAreABrokenContract) {
  std::vector<RecordFailure> failures;
  for (uint32_t index : {2u, 5u, UINT32_MAX}) {
    RecordErrors errors(5);
    errors.add(0, "bad");
    errors.add(index, "not in the batch");
    EXPECT_THAT(errors.take(2, failures).value_or(""),
                HasSubstr("names record " + std::to_string(index) + " of a batch of 2"));
    EXPECT_TRUE(failures.empty());
  }
}

TEST_F(HostTableTest, OpensFilesOfTheRootsOnly) {
  int32_t fd = -2;
  ASSERT_EQ(host_.open_file(context_.get(), str("file"), str(folder_ / "f"), SLUICE_FILE_READ, &fd,
                            &error_),
            SLUICE_OK);
  ASSERT_GE(fd, 0);
  ::close(fd);
  EXPECT_EQ(host_.open_file(context_.get(), str("file"), str("/etc/passwd"), SLUICE_FILE_READ, &fd,
                            &error_),
            SLUICE_CONFIG_ERROR);
  EXPECT_EQ(fd, -1);
  EXPECT_THAT(error_text(), HasSubstr("file.allowed.roots"));
  EXPECT_EQ(host_.open_file(context_.get(), str("file"), str(folder_ / "later"), SLUICE_FILE_READ,
                            &fd, &error_),
            SLUICE_NOT_CONNECTED);
  EXPECT_EQ(
      host_.open_file(context_.get(), str("file"), str(folder_ / "f"), 1u << 30, &fd, &error_),
      SLUICE_UNSUPPORTED);
}

TEST_F(HostTableTest, EventsReachTheServicesAndWakesDoToo) {
  host_.report_event(context_.get(), str("gap"), str("the file was cut"));
  EXPECT_THAT(services_.events, ElementsAre("gap: the file was cut"));
  host_.wake(context_.get());
  host_.request_reconfiguration(context_.get());
  EXPECT_EQ(services_.wakes, 1);
  EXPECT_EQ(services_.reconfigurations, 1);
}

TEST_F(HostTableTest, LogsUnderTheInstancesName) {
  std::vector<std::string> lines;
  logging::set_sink([&](logging::Level level, std::string_view logger, std::string_view message) {
    lines.push_back(std::string(logging::to_string(level)) + " " + std::string(logger) + " " +
                    std::string(message));
  });
  host_.log(context_.get(), SLUICE_LOG_WARN, str("careful"));
  host_.log(context_.get(), SLUICE_LOG_DEBUG, str("not written"));
  host_.log(context_.get(), 99, str("an unknown level is an error"));
  logging::set_sink(nullptr);
  EXPECT_EQ(host_.log_level(context_.get()), SLUICE_LOG_INFO);
  EXPECT_THAT(lines, ElementsAre("WARN connector.c.task-0 careful",
                                 "ERROR connector.c.task-0 an unknown level is an error"));
}

TEST(FillError, CutsLongTextsBetweenCharacters) {
  sluice_error error{};
  std::string text(SLUICE_ERROR_TEXT_MAX - 1, 'x');
  fill_error(&error, SLUICE_FATAL, text + "\xC3\xA9");
  EXPECT_EQ(std::string(error.text, error.text_size), text);
  fill_error(&error, SLUICE_FATAL, text + "yz");
  EXPECT_EQ(std::string(error.text, error.text_size), text + "y");
}

}  // namespace
}  // namespace sluice::plugin
