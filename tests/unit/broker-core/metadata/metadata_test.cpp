// SPDX-License-Identifier: Apache-2.0
#include "broker-core/metadata/metadata.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "broker-core/model/primitives.hpp"
#include "tests/support/fake_disk.hpp"

namespace sluice::metadata {
namespace {

using testing::DiskCall;
using testing::DiskFault;
using testing::FakeDisk;

constexpr size_t kMarkSize = 20;  // confirms the change before it, at the end of the log

class MetadataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(disk_.create_directories("/data").ok());
    ASSERT_TRUE(disk_.sync_directory("/").ok());
  }
  Result<std::unique_ptr<Metadata>> open() {
    return Metadata::open({"/data", std::nullopt, 1, snapshot_bytes_}, {disk_, system_random()});
  }
  std::unique_ptr<Metadata> opened() {
    auto metadata = open();
    EXPECT_TRUE(metadata.ok()) << metadata.error().message;
    return metadata.ok() ? std::move(*metadata) : nullptr;
  }

  uint64_t snapshot_bytes_ = 1u << 20;
  FakeDisk disk_{1};
};

TEST_F(MetadataTest, TopicsLiveOn) {
  TopicId id;
  MetaProperties properties;
  {
    auto metadata = opened();
    properties = metadata->properties();
    auto made = metadata->create_topic("orders", 3, {{"retention.ms", "1000"}});
    ASSERT_TRUE(made.ok()) << made.error().message;
    id = (*made)->id;
    EXPECT_EQ((*made)->settings.retention_ms, 1000);
    ASSERT_TRUE(metadata->create_topic("gone", 1, {}).ok());
    ASSERT_TRUE(metadata->delete_topic("gone").ok());
    ASSERT_TRUE(
        metadata->alter_configs("orders", {{"retention.ms", {}}, {"segment.bytes", "100000"}})
            .ok());
    ASSERT_TRUE(metadata->set_partitions("orders", 5).ok());
  }
  auto metadata = opened();
  EXPECT_EQ(metadata->properties().cluster_id, properties.cluster_id);
  EXPECT_EQ(metadata->properties().cluster_id.size(), 22u);
  EXPECT_EQ(metadata->properties().directory_id, properties.directory_id);
  ASSERT_EQ(metadata->topics().size(), 1u);
  TopicPtr topic = metadata->topic("orders");
  ASSERT_TRUE(topic);
  EXPECT_EQ(topic->id, id);
  EXPECT_EQ(metadata->topic(id), topic);
  EXPECT_EQ(topic->partitions, 5);
  EXPECT_EQ(topic->configs, (TopicConfigs{{"segment.bytes", "100000"}}));
  EXPECT_EQ(topic->settings.retention_ms, 604'800'000);
  EXPECT_EQ(metadata->topic("gone"), nullptr);
}

TEST_F(MetadataTest, Refusals) {
  auto metadata = opened();
  ASSERT_TRUE(metadata->create_topic("a.b", 1, {}).ok());
  auto error = [](auto result) { return result.ok() ? Error{} : result.error(); };
  EXPECT_EQ(error(metadata->create_topic("a.b", 1, {})).message, "Topic 'a.b' already exists.");
  EXPECT_EQ(error(metadata->create_topic("a.b", 1, {})).kind, ErrorKind::kConflict);
  EXPECT_EQ(error(metadata->create_topic("a_b", 1, {})).message,
            "Topic 'a_b' collides with existing topic: a.b");
  EXPECT_EQ(error(metadata->create_topic("t", 0, {})).message,
            "Number of partitions was set to an invalid non-positive value.");
  EXPECT_EQ(error(metadata->create_topic("t", 10'001, {})).kind, ErrorKind::kInvalid);
  EXPECT_EQ(error(metadata->create_topic("t", 1, {{"x", "1"}})).message,
            "Unknown topic config name: x");
  EXPECT_EQ(error(metadata->delete_topic("t")).message, "The topic 't' does not exist.");
  EXPECT_EQ(error(metadata->delete_topic("t")).kind, ErrorKind::kNotFound);
  EXPECT_EQ(error(metadata->set_partitions("a.b", 1)).message, "Topic already has 1 partition(s).");
  EXPECT_EQ(error(metadata->alter_configs("a.b", {{"y", {}}})).message,
            "Unknown topic config name: y");
  EXPECT_EQ(metadata->topics().size(), 1u);
}

TEST_F(MetadataTest, ATopicMadeAnewHasAnotherId) {
  auto metadata = opened();
  const TopicId first = (*metadata->create_topic("t", 1, {}))->id;
  ASSERT_TRUE(metadata->delete_topic("t").ok());
  EXPECT_NE((*metadata->create_topic("t", 1, {}))->id, first);
  EXPECT_EQ(metadata->topic(first), nullptr);
}

TEST_F(MetadataTest, ManyChangesAreFoldedIntoSnapshots) {
  snapshot_bytes_ = 10'000;
  const std::string name = std::string(200, 'x');
  TopicId last;
  {
    auto metadata = opened();
    for (int i = 0; i < 400; ++i) {
      auto made = metadata->create_topic(name + std::to_string(i % 3), 1, {});
      ASSERT_TRUE(made.ok()) << made.error().message;
      last = (*made)->id;
      if (i + 1 < 400) {
        ASSERT_TRUE(metadata->delete_topic(name + std::to_string(i % 3)).ok());
      }
    }
  }
  EXPECT_LT(disk_.content("/data/metadata/log").size(), 20'000u);
  auto metadata = opened();
  ASSERT_EQ(metadata->topics().size(), 1u);
  EXPECT_EQ(metadata->topics()[0]->id, last);
}

TEST_F(MetadataTest, EveryFlippedBitOfAcknowledgedMetadataIsRefused) {
  {
    auto metadata = opened();
    ASSERT_TRUE(metadata->create_topic("one", 1, {}).ok());
    ASSERT_TRUE(metadata->create_topic("two", 2, {{"cleanup.policy", "compact"}}).ok());
  }
  for (const char* path :
       {"/data/metadata/log", "/data/metadata/snapshot", "/data/meta.properties"}) {
    const Bytes good = disk_.content(path);
    // Losing the mark at the end of the log costs nothing.
    const size_t mark = std::string_view(path).ends_with("log") ? kMarkSize : 0;
    size_t refused = 0;
    for (size_t bit = 0; bit < (good.size() - mark) * 8; ++bit) {
      const std::byte flipped[] = {good[bit / 8] ^ static_cast<std::byte>(1u << (bit % 8))};
      disk_.overwrite(path, bit / 8, flipped);
      auto metadata = open();
      if (!metadata.ok()) {
        ++refused;
        EXPECT_NE(metadata.error().message.find(path), std::string::npos)
            << metadata.error().message;
      } else if (std::string_view(path) != "/data/meta.properties") {
        ADD_FAILURE() << path << " bit " << bit << " was not noticed";
      }
      disk_.overwrite(path, 0, good);
    }
    EXPECT_GT(refused, 0u);
  }
  EXPECT_EQ(opened()->topics().size(), 2u);
}

TEST_F(MetadataTest, EveryTornTailIsCut) {
  {
    ASSERT_TRUE(opened()->create_topic("one", 1, {}).ok());
  }
  const size_t with_one = disk_.content("/data/metadata/log").size() - kMarkSize;
  {
    ASSERT_TRUE(opened()->create_topic("two", 1, {}).ok());
  }
  const Bytes log = disk_.content("/data/metadata/log");
  const Bytes snapshot = disk_.content("/data/metadata/snapshot");
  auto restore = [&](const std::string& path, ByteView content) {
    disk_.overwrite(path, 0, content);
    disk_.cut(path, content.size());
  };
  for (size_t size = with_one; size < log.size() - kMarkSize; ++size) {
    restore("/data/metadata/log", ByteView(log).first(size));
    restore("/data/metadata/snapshot", snapshot);
    auto metadata = opened();
    ASSERT_TRUE(metadata);
    EXPECT_EQ(metadata->torn_tail_bytes(), size - with_one);
    ASSERT_EQ(metadata->topics().size(), 1u);
    ASSERT_TRUE(metadata->create_topic("two", 1, {}).ok());
    metadata.reset();
    ASSERT_EQ(opened()->topics().size(), 2u);
  }
}

TEST_F(MetadataTest, MissingFilesAreRefused) {
  {
    ASSERT_TRUE(opened()->create_topic("one", 1, {}).ok());
  }
  for (const char* path :
       {"/data/metadata/log", "/data/metadata/snapshot", "/data/meta.properties"}) {
    ASSERT_TRUE(disk_.rename(path, "/data/aside").ok());
    auto metadata = open();
    ASSERT_FALSE(metadata.ok()) << path;
    EXPECT_EQ(metadata.error().kind, ErrorKind::kCorrupt);
    EXPECT_NE(metadata.error().message.find("missing"), std::string::npos)
        << metadata.error().message;
    ASSERT_TRUE(disk_.rename("/data/aside", path).ok());
  }
}

TEST_F(MetadataTest, EveryFlippedBitOfMetaPropertiesIsNoticedOrChangesNothing) {
  {
    ASSERT_TRUE(opened()->create_topic("one", 1, {}).ok());
  }
  const Bytes content = disk_.content("/data/meta.properties");
  const auto good = read_meta_properties(disk_, "/data");
  ASSERT_TRUE(good.ok() && good->has_value());
  int noticed = 0;
  for (size_t bit = 0; bit < content.size() * 8; ++bit) {
    const std::byte flipped[] = {content[bit / 8] ^ std::byte(1 << bit % 8)};
    disk_.overwrite("/data/meta.properties", bit / 8, flipped);
    const auto read = read_meta_properties(disk_, "/data");
    if (read.ok()) {
      EXPECT_EQ((*read)->cluster_id, (*good)->cluster_id) << bit;
      EXPECT_EQ((*read)->node_id, (*good)->node_id) << bit;
      EXPECT_EQ((*read)->directory_id, (*good)->directory_id) << bit;
    } else {
      ++noticed;
    }
    disk_.overwrite("/data/meta.properties", bit / 8, {&content[bit / 8], 1});
  }
  EXPECT_GT(noticed, 0);
}

TEST_F(MetadataTest, NewerFormatsAreRefusedWithWhatToDo) {
  {
    ASSERT_TRUE(opened()->create_topic("one", 1, {}).ok());
  }
  const std::string old(as_text(disk_.content("/data/meta.properties")));
  std::string newer = old;
  newer.replace(newer.find("format.version=1") + 15, 1, "2");
  disk_.overwrite("/data/meta.properties", 0, as_bytes(newer));
  auto metadata = open();
  ASSERT_FALSE(metadata.ok());
  EXPECT_EQ(metadata.error().kind, ErrorKind::kUnsupported);
  EXPECT_NE(metadata.error().message.find("start the newer version"), std::string::npos);
}

TEST_F(MetadataTest, UnknownRecordsAreRefusedNotSkipped) {
  model::PrimitiveWriter out;
  out.number(int32_t{1}).number(uint16_t{77}).number(uint16_t{0}).bytes(as_bytes("whatever"));
  auto records = decode_records(out.take());
  ASSERT_FALSE(records.ok());
  EXPECT_EQ(records.error().kind, ErrorKind::kUnsupported);
  Bytes newer = encode_records({RemoveTopicRecord{}});
  newer[7] = std::byte{1};  // the record's version
  records = decode_records(newer);
  ASSERT_FALSE(records.ok());
  EXPECT_EQ(records.error().kind, ErrorKind::kUnsupported);
}

TEST_F(MetadataTest, RecordsSurviveTheirEncoding) {
  TopicId id;
  id.bytes.fill(7);
  const std::vector<Record> records = {
      TopicRecord{id, "t", 3, {{"a", "b"}, {"c", std::string(100'000, 'x')}}},
      TopicConfigsRecord{id, {}}, PartitionCountRecord{id, 9}, RemoveTopicRecord{id}};
  const Bytes bytes = encode_records(records);
  EXPECT_EQ(*decode_records(bytes), records);
  for (size_t size = 0; size < bytes.size();
       size += size < 200 || size + 200 > bytes.size() ? 1 : 997) {
    EXPECT_FALSE(decode_records(ByteView(bytes).first(size)).ok()) << size;
  }
}

TEST_F(MetadataTest, FullDiskChangesNothingAndPasses) {
  auto metadata = opened();
  ASSERT_TRUE(metadata->create_topic("one", 1, {}).ok());
  disk_.inject(DiskCall::kWrite, DiskFault::kShortNoSpace, 1, 1, "metadata/log");
  auto refused = metadata->create_topic("two", 1, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRetriable);
  EXPECT_EQ(metadata->topic("two"), nullptr);
  ASSERT_TRUE(metadata->create_topic("two", 1, {}).ok());
  metadata = opened();
  EXPECT_EQ(metadata->topics().size(), 2u);
}

TEST_F(MetadataTest, FailedSyncStopsChangesAndTheCacheIsNotTrusted) {
  {
    auto metadata = opened();
    ASSERT_TRUE(metadata->create_topic("one", 1, {}).ok());
    disk_.inject(DiskCall::kSync, DiskFault::kSyncDrops, 1, 1, "metadata/log");
    EXPECT_EQ(metadata->create_topic("two", 1, {}).error().kind, ErrorKind::kIo);
    EXPECT_EQ(metadata->topic("two"), nullptr);
    EXPECT_FALSE(metadata->create_topic("three", 1, {}).ok());
  }
  // The process starts again: what it reads of "two" comes from the page cache, and a sync would
  // claim all is well.
  std::vector<std::string> names;
  {
    auto metadata = opened();
    for (const TopicPtr& topic : metadata->topics()) names.push_back(topic->name);
    ASSERT_TRUE(metadata->create_topic("four", 1, {}).ok());
    names.push_back("four");
  }
  disk_.crash();  // whatever was shown before must still be there after a power loss
  std::vector<std::string> after;
  for (const TopicPtr& topic : opened()->topics()) after.push_back(topic->name);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(after, names);
}

}  // namespace
}  // namespace sluice::metadata
