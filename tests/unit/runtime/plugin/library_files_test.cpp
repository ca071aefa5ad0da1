// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/plugin/plugin_catalog.hpp"
#include "runtime/plugin/private_copy.hpp"
#include "tests/unit/runtime/plugin/plugin_fixture.hpp"

// What happens to the files behind the registry: new, changed, cut, untrusted, remembered.
namespace sluice::plugin {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::FakeServices;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::options_for;
using testing::put_plugin;
using testing::read_file;
using testing::TempFolder;
using testing::test_plugin;
using testing::write_file;

const std::vector<Kind> kConnectors{Kind::kSource, Kind::kSink};

std::vector<std::string> names(PluginRegistry& registry) {
  std::vector<std::string> out;
  for (const auto& cls : registry.list()) out.push_back(cls->name);
  return out;
}

std::string first_problem(PluginRegistry& registry) {
  auto problems = registry.problems();
  return problems.empty() ? "" : problems[0].text;
}

std::string first_record(SourceTask& task) {
  sluice_poll_limits limits{sizeof(limits), 100, 1 << 20, 0, 0};
  Batch batch;
  std::vector<RecordFailure> failures;
  uint32_t idle = 0;
  auto outcome = task.poll(limits, batch, failures, idle);
  if (!outcome.ok() || batch.size() == 0) return "failed: " + outcome.text;
  return std::string(batch.record(0).value.as.bytes, batch.record(0).value.size);
}

// The library with one of its texts changed for another of the same length.
std::string edited(std::string file, const std::string& from, const std::string& to) {
  for (auto at = file.find(from); at != std::string::npos; at = file.find(from, at + 1))
    file.replace(at, from.size(), to);
  return file;
}

TEST(LibraryFiles, NewOnesAreFoundAndOldOnesForgottenWithoutARestart) {
  TempFolder folder;
  auto registry = make_registry(options_for(folder));
  EXPECT_THAT(names(*registry), IsEmpty());
  auto path = put_plugin(folder, "good_source");
  EXPECT_THAT(names(*registry), ElementsAre("good.Source"));
  put_plugin(folder, "good_sink");
  EXPECT_THAT(names(*registry), ElementsAre("good.Sink", "good.Source"));
  fs::remove(path);
  EXPECT_THAT(names(*registry), ElementsAre("good.Sink"));
}

TEST(LibraryFiles, ClassPointersStayTheSameWhileTheFileDoes) {
  TempFolder folder;
  put_plugin(folder, "good_source");
  auto registry = make_registry(options_for(folder));
  auto before = registry->find("good.Source", kConnectors).value();
  put_plugin(folder, "good_sink");
  EXPECT_EQ(registry->find("good.Source", kConnectors).value(), before);
}

TEST(LibraryFiles, OneOverwrittenInPlaceHurtsNobodyAndIsANewVersion) {
  TempFolder folder;
  auto path = put_plugin(folder, "good_source");
  auto registry = make_registry(options_for(folder));
  FakeServices services;
  std::unique_ptr<SourceTask> old_task, new_task;
  auto old_class = registry->find("good.Source", kConnectors).value();
  ASSERT_TRUE(registry->create_source(old_class, {{"topic", "t"}}, services, old_task).ok());
  EXPECT_EQ(first_record(*old_task), "record 0");
  // First garbage, which would crash code that runs from a map of the file; then cut; then another
  // good one.
  write_file(path, std::string(fs::file_size(path), '\xCC'));
  EXPECT_EQ(first_record(*old_task), "record 3");
  fs::resize_file(path, 10);
  EXPECT_EQ(first_record(*old_task), "record 6");
  EXPECT_THAT(first_problem(*registry), HasSubstr(path));
  write_file(path, edited(read_file(test_plugin("good_source")), "record ", "RECORD "));
  auto new_class = registry->find("good.Source", kConnectors).value();
  EXPECT_NE(new_class, old_class);
  ASSERT_TRUE(registry->create_source(new_class, {{"topic", "t"}}, services, new_task).ok());
  EXPECT_EQ(first_record(*new_task), "RECORD 0");
  EXPECT_EQ(first_record(*old_task), "record 9");
}

TEST(LibraryFiles, OneThatChangedSinceItWasFoundIsNotLoaded) {
  TempFolder folder;
  auto path = put_plugin(folder, "good_source");
  auto registry = make_registry(options_for(folder));
  auto cls = registry->find("good.Source", kConnectors).value();
  write_file(path, edited(read_file(path), "record ", "RECORD "));
  FakeServices services;
  std::unique_ptr<SourceTask> task;
  auto outcome = registry->create_source(cls, {{"topic", "t"}}, services, task);
  EXPECT_EQ(outcome.status, SLUICE_RETRIABLE);
  EXPECT_THAT(outcome.text, HasSubstr("was replaced at this moment"));
}

TEST(LibraryFiles, CutTextAndForeignFilesAreRefusedByName) {
  TempFolder folder;
  auto good = read_file(test_plugin("good_source"));
  write_file(folder / "cut.so", good.substr(0, good.size() / 2));
  write_file(folder / "text.so", "not a library\n");
  write_file(folder / "empty.so", "");
  auto foreign = good;
  foreign[4] = 1;
  write_file(folder / "thirtytwo.so", foreign);
  fs::create_directory(folder / "folder.so");
  auto registry = make_registry(options_for(folder));
  EXPECT_THAT(names(*registry), IsEmpty());
  std::map<std::string, std::string> problems;
  for (const auto& problem : registry->problems())
    problems[fs::path(problem.library).filename().string()] = problem.text;
  EXPECT_THAT(problems["cut.so"], HasSubstr("the file is cut off"));
  EXPECT_THAT(problems["text.so"], HasSubstr("does not begin with the ELF signature"));
  EXPECT_THAT(problems["empty.so"], HasSubstr("does not begin with the ELF signature"));
  EXPECT_THAT(problems["thirtytwo.so"], HasSubstr("built for 32 bits"));
  EXPECT_THAT(problems["folder.so"], HasSubstr("no regular file"));
  for (const auto& [file, text] : problems) EXPECT_THAT(text, HasSubstr(folder / file));
}

TEST(LibraryFiles, ThoseThatOthersMayChangeAreRefused) {
  TempFolder folder;
  auto path = put_plugin(folder, "good_source");
  fs::permissions(path, fs::perms(0664));
  auto registry = make_registry(options_for(folder));
  EXPECT_THAT(names(*registry), IsEmpty());
  EXPECT_THAT(first_problem(*registry), HasSubstr("chmod go-w " + path));
  fs::permissions(path, fs::perms(0644));
  EXPECT_THAT(names(*registry), ElementsAre("good.Source"));
  fs::permissions(folder.path(), fs::perms(0777));
  auto again = make_registry(options_for(folder));
  EXPECT_THAT(first_problem(*again), HasSubstr("chmod go-w " + folder.path()));
}

TEST(LibraryFiles, AMissingPathIsAProblemAndSingleFilesAreTaken) {
  TempFolder folder;
  auto path = put_plugin(folder, "good_source");
  put_plugin(folder, "good_sink");
  auto options = options_for(folder);
  options.plugin_path = {path, folder / "nothing"};
  auto registry = make_registry(options);
  EXPECT_THAT(names(*registry), ElementsAre("good.Source"));
  EXPECT_THAT(first_problem(*registry), HasSubstr("nothing: plugin.path: no such file or folder"));
  EXPECT_THAT(split_plugin_path("a, b,,/c "), ElementsAre("a", "b", "/c"));
}

TEST(LibraryFiles, OfTwoClassesWithOneNameTheHigherVersionWins) {
  TempFolder folder;
  put_plugin(folder, "good_source", "a");
  auto newer = put_plugin(folder, "good_source", "b");
  write_file(newer, edited(read_file(newer), "1.0.0", "1.2.0"));
  auto registry = make_registry(options_for(folder));
  auto cls = registry->find("good.Source", kConnectors).value();
  EXPECT_EQ(cls->version, "1.2.0");
  EXPECT_EQ(cls->library, newer);
  EXPECT_THAT(first_problem(*registry), HasSubstr("its class good.Source 1.0.0 is not used"));
}

TEST(LibraryFiles, VersionsCompareByNumber) {
  EXPECT_LT(compare_versions("1.9", "1.10"), 0);
  EXPECT_GT(compare_versions("2", "1.99"), 0);
  EXPECT_LT(compare_versions("1.0-rc1", "1.0"), 0);
  EXPECT_LT(compare_versions("1.0", "1.0.1"), 0);
  EXPECT_EQ(compare_versions("1.0", "1.0"), 0);
  EXPECT_LT(compare_versions("1.0-rc2", "1.0-rc10"), 0);
}

TEST(LibraryFiles, FindingGoesByKafkasNamesAndSuggests) {
  TempFolder folder;
  put_plugin(folder, "good_source");
  put_plugin(folder, "bad_no_entry");
  auto registry = make_registry(options_for(folder));
  registry->settle();
  EXPECT_TRUE(registry->find("Source", kConnectors).ok());
  EXPECT_FALSE(registry->find("good.Source", {Kind::kSink}).ok());
  auto near = registry->find("good.Sorce", kConnectors);
  EXPECT_EQ(near.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(near.error().message, HasSubstr("did you mean good.Source?"));
  auto refused = registry->find("bad.NoEntry", kConnectors);
  EXPECT_THAT(refused.error().message,
              HasSubstr("the library that has it was refused: " + folder / "bad_no_entry.so"));
}

// The cache spares the probe: a probe that cannot be run shows whether it was asked.
class CacheTest : public ::testing::Test {
 protected:
  std::unique_ptr<PluginRegistry> registry(bool with_probe) {
    auto options = options_for(folder_);
    options.cache_dir = cache_.path();
    if (!with_probe) options.probe_command = {"/no/such/probe"};
    return make_registry(options);
  }
  // Whether a source can be made by a worker that cannot probe.
  bool loads_without_probe() {
    auto without = registry(false);
    auto cls = without->find("good.Source", kConnectors);
    if (!cls.ok()) return false;
    std::unique_ptr<SourceTask> task;
    return without->create_source(*cls, {{"topic", "t"}}, services_, task).ok();
  }
  TempFolder folder_, cache_;
  FakeServices services_;
};

TEST_F(CacheTest, KeepsVerdictsOverARestart) {
  put_plugin(folder_, "good_source");
  put_plugin(folder_, "bad_entry_crashes");
  EXPECT_FALSE(loads_without_probe());
  fs::remove(cache_ / "plugin-cache.json");
  registry(true)->settle();
  EXPECT_TRUE(loads_without_probe());
  EXPECT_THAT(first_problem(*registry(false)), HasSubstr("crashed (signal 11"));
}

TEST_F(CacheTest, GoesByContentsNotByNameOrDate) {
  auto path = put_plugin(folder_, "good_source");
  registry(true)->settle();
  fs::rename(path, folder_ / "renamed.so");
  EXPECT_TRUE(loads_without_probe());
  fs::last_write_time(folder_ / "renamed.so",
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_TRUE(loads_without_probe());
  write_file(folder_ / "renamed.so",
             edited(read_file(folder_ / "renamed.so"), "record ", "RECORD "));
  EXPECT_FALSE(loads_without_probe());
}

TEST_F(CacheTest, IgnoresAFileThatIsBrokenOrNotItsOwn) {
  put_plugin(folder_, "good_source");
  registry(true)->settle();
  auto good = read_file(cache_ / "plugin-cache.json");
  for (auto text : {std::string("{"), std::string("[]"),
                    std::string(R"({"format":1,"abi":1,"libraries":{"x":{}}})"),
                    edited(good, "\"abi\":1,", "\"abi\":2,"), good.substr(0, good.size() / 2)}) {
    write_file(cache_ / "plugin-cache.json", text);
    EXPECT_FALSE(loads_without_probe()) << text.substr(0, 80);
  }
  write_file(cache_ / "plugin-cache.json", good);
  EXPECT_TRUE(loads_without_probe());
  fs::permissions(cache_ / "plugin-cache.json", fs::perms(0666));
  EXPECT_FALSE(loads_without_probe());
  fs::remove(cache_ / "plugin-cache.json");
  registry(true)->settle();
  EXPECT_TRUE(loads_without_probe());
}

TEST_F(CacheTest, ATimeoutIsNotRemembered) {
  put_plugin(folder_, "bad_entry_hangs");
  auto options = options_for(folder_);
  options.cache_dir = cache_.path();
  options.probe_timeout = std::chrono::milliseconds(50);
  auto first = make_registry(options);
  first->settle();
  EXPECT_THAT(first_problem(*first), HasSubstr("did not return within 50 ms"));
  first.reset();
  options.probe_timeout = std::chrono::hours(1);  // no second timeout before anybody looks
  EXPECT_THAT(first_problem(*make_registry(options)), IsEmpty());  // to be examined again
}

TEST_F(CacheTest, AHundredLibrariesAreListedFromMemoryAlone) {
  for (int i = 0; i < 100; ++i) {
    auto file = edited(read_file(test_plugin("good_source")), "good.Source",
                       "good.S" + std::to_string(10000 + i));
    write_file(folder_ / ("p" + std::to_string(i) + ".so"), file);
  }
  registry(true)->settle();
  auto warm = registry(false);
  EXPECT_EQ(warm->list().size(), 100u);
  EXPECT_EQ(warm->libraries().size(), 100u);
  EXPECT_THAT(warm->problems(), IsEmpty());
}

TEST(Registry, BackgroundProbesEndWithTheRegistry) {
  TempFolder folder;
  put_plugin(folder, "bad_entry_hangs");
  put_plugin(folder, "good_source");
  auto options = options_for(folder);
  options.probe_in_background = true;
  options.probe_timeout = std::chrono::hours(1);
  auto registry = make_registry(options);
  EXPECT_EQ(registry->list().size(), 2u);
  registry.reset();  // does not wait for the hour
}

TEST(PrivateCopy, IsSealedAndKeepsTheBytes) {
  TempFolder folder;
  write_file(folder / "f", "contents");
  auto copy = PrivateCopy::make(folder / "f", folder.path()).value();
  EXPECT_EQ(copy.sha256(), "d1b2a59fbea7e20077af9f91b27e95e865061b270be03ff539ab3b73587882e8");
  write_file(folder / "f", "xx");
  EXPECT_EQ(as_text(copy.bytes()), "contents");
  EXPECT_LT(::write(copy.fd(), "y", 1), 0);
  EXPECT_NE(::ftruncate(copy.fd(), 0), 0);
  EXPECT_EQ(PrivateCopy::make(folder / "none", "").error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace sluice::plugin
