// SPDX-License-Identifier: Apache-2.0
#include "broker-core/coordinator/group_records.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "broker-core/coordinator/consumer_protocol.hpp"
#include "broker-core/model/primitives.hpp"

namespace sluice::coordinator {
namespace {

std::string hex(ByteView bytes) {
  std::string out;
  for (const std::byte byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[static_cast<size_t>(byte) >> 4];
    out += kDigits[static_cast<size_t>(byte) & 15];
  }
  return out;
}

const OffsetKey kOffsetKey{"connect-sink", {"orders", PartitionId(3)}};
const CommittedOffset kOffset{Offset(123'456'789'012), LeaderEpoch(4), "m\xc3\xa9ta",
                              TimestampMs(1'700'000'000'123)};

StoredGroup group() {
  StoredGroup out{
      "consumer", GenerationId(7), "range", "task-0-uuid", TimestampMs(1'700'000'000'456), {}};
  const Bytes subscription = encode_subscription({"orders", "payments"});
  out.members.push_back(
      {"task-0-uuid", std::nullopt, "connector-consumer-sink-0", "/in-process", 300'000, 45'000,
       subscription, encode_assignment({{"orders", PartitionId(0)}, {"orders", PartitionId(1)}})});
  out.members.push_back({"task-1-uuid", "static-1", "c", "/127.0.0.1", 60'000, 10'000, subscription,
                         encode_assignment({{"payments", PartitionId(0)}})});
  return out;
}

TEST(GroupRecords, BytesOfTheSchema) {
  EXPECT_EQ(hex(encode_offset_key(kOffsetKey)),
            "0001"                          // version
            "000c636f6e6e6563742d73696e6b"  // group
            "00066f7264657273"              // topic
            "00000003");                    // partition
  EXPECT_EQ(hex(encode_offset_value(kOffset)),
            "0003"                // version
            "0000001cbe991a14"    // offset
            "00000004"            // leader epoch
            "00056dc3a97461"      // metadata
            "0000018bcfe5687b");  // commit timestamp
  EXPECT_EQ(hex(encode_group_key("g")), "0002000167");
}

TEST(GroupRecords, ReadBackAndEveryTruncationRefused) {
  EXPECT_EQ(*decode_key(encode_offset_key(kOffsetKey)), RecordKey(kOffsetKey));
  EXPECT_EQ(*decode_key(encode_group_key("g")), RecordKey(GroupKey{"g"}));
  const Bytes value = encode_offset_value(kOffset);
  const auto offset = decode_offset_value(value);
  ASSERT_TRUE(offset.ok());
  EXPECT_EQ(offset->offset, kOffset.offset);
  EXPECT_EQ(offset->leader_epoch, kOffset.leader_epoch);
  EXPECT_EQ(offset->metadata, kOffset.metadata);
  EXPECT_EQ(offset->commit_timestamp, kOffset.commit_timestamp);
  const Bytes stored = encode_group_value(group());
  EXPECT_EQ(*decode_group_value(stored), group());
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(decode_offset_value(ByteView(value).first(size)).ok());
  }
  for (size_t size = 0; size < stored.size(); ++size) {
    EXPECT_FALSE(decode_group_value(ByteView(stored).first(size)).ok());
  }
  const Bytes key = encode_offset_key(kOffsetKey);
  for (size_t size = 0; size < key.size(); ++size)
    EXPECT_FALSE(decode_key(ByteView(key).first(size)).ok());
}

TEST(GroupRecords, OlderAndNewerVersions) {
  model::PrimitiveWriter v1;
  v1.number(int16_t{1}).number(int64_t{9}).string("m").number(int64_t{5}).number(int64_t{6});
  EXPECT_EQ(decode_offset_value(v1.take())->offset.value(), 9);
  model::PrimitiveWriter v4;  // flexible: compact string (length + 1), no tags
  v4.number(int16_t{4})
      .number(int64_t{9})
      .number(int32_t{2})
      .number(uint8_t{3})
      .raw(as_bytes("ab"));
  v4.number(int64_t{5}).number(uint8_t{0});
  const auto flexible = decode_offset_value(v4.take());
  ASSERT_TRUE(flexible.ok());
  EXPECT_EQ(flexible->metadata, "ab");
  EXPECT_EQ(flexible->commit_timestamp.value(), 5);
  model::PrimitiveWriter v0;  // a group of the first version: no timestamps, one timeout
  v0.number(int16_t{0})
      .string("consumer")
      .number(int32_t{3})
      .string("range")
      .string("m")
      .number(int32_t{1});
  v0.string("m").string("c").string("/h").number(int32_t{10'000}).bytes({}).bytes({});
  const auto old = decode_group_value(v0.take());
  ASSERT_TRUE(old.ok()) << old.error().message;
  EXPECT_EQ(old->members.at(0).session_timeout_ms, 10'000);
  model::PrimitiveWriter v5;
  v5.number(int16_t{5});
  const Bytes newer = v5.take();
  EXPECT_EQ(decode_offset_value(newer).error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(decode_group_value(newer).error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(*decode_key(newer), RecordKey(UnknownKey{5}));
}

TEST(GroupRecords, AForeignDecoderReadsThem) {
  namespace fs = std::filesystem;
  std::string pattern = (fs::temp_directory_path() / "sluice-groups-XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  const fs::path in = fs::path(pattern) / "in", out = fs::path(pattern) / "out",
                 err = fs::path(pattern) / "err";
  std::ofstream(in) << hex(encode_offset_key(kOffsetKey)) << ' '
                    << hex(encode_offset_value(kOffset)) << '\n'
                    << hex(encode_offset_key(kOffsetKey)) << " -\n"
                    << hex(encode_group_key("connect-sink")) << ' '
                    << hex(encode_group_value(group())) << '\n'
                    << hex(encode_group_key("connect-sink")) << " -\n";
  const std::string command = "/usr/bin/python3 " SLUICE_FOREIGN_SCRIPT " <" + in.string() + " >" +
                              out.string() + " 2>" + err.string();
  auto content = [](const fs::path& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(std::system(command.c_str()), 0) << content(err);
  EXPECT_EQ(
      content(out),
      R"({"keyVersion":1,"group":"connect-sink","topic":"orders","partition":3,"valueVersion":3,)"
      R"("offset":123456789012,"leaderEpoch":4,"metadata":"m\u00e9ta","commitTimestamp":1700000000123})"
      "\n"
      R"({"keyVersion":1,"group":"connect-sink","topic":"orders","partition":3,"value":null})"
      "\n"
      R"({"keyVersion":2,"group":"connect-sink","valueVersion":3,"protocolType":"consumer","generation":7,)"
      R"("protocol":"range","leader":"task-0-uuid","currentStateTimestamp":1700000000456,"members":[)"
      R"({"memberId":"task-0-uuid","groupInstanceId":null,"clientId":"connector-consumer-sink-0",)"
      R"("clientHost":"/in-process","rebalanceTimeout":300000,"sessionTimeout":45000,)"
      R"("subscription":["orders","payments"],"assignment":[["orders",[0,1]]]},)"
      R"({"memberId":"task-1-uuid","groupInstanceId":"static-1","clientId":"c","clientHost":"/127.0.0.1",)"
      R"("rebalanceTimeout":60000,"sessionTimeout":10000,"subscription":["orders","payments"],)"
      R"("assignment":[["payments",[0]]]}]})"
      "\n"
      R"({"keyVersion":2,"group":"connect-sink","value":null})"
      "\n");
  fs::remove_all(pattern);
}

}  // namespace
}  // namespace sluice::coordinator
