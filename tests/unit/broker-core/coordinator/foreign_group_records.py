#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Decodes records of __consumer_offsets with kafka-python's types, by the schemas that Apache Kafka publishes.

Reads lines "KEY VALUE" in hexadecimal ("-" = null) from standard input, prints one JSON line for each.
"""
import io
import json
import sys

from kafka.coordinator.assignors.abstract import AbstractPartitionAssignor  # noqa: F401  (the package is whole)
from kafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from kafka.protocol.types import Array, Bytes, Int16, Int32, Int64, Schema, String

OFFSET_KEY_V1 = Schema(("group", String("utf-8")), ("topic", String("utf-8")), ("partition", Int32))
OFFSET_VALUE_V3 = Schema(("offset", Int64), ("leaderEpoch", Int32), ("metadata", String("utf-8")),
                         ("commitTimestamp", Int64))
GROUP_KEY_V2 = Schema(("group", String("utf-8")))
MEMBER_V3 = [("memberId", String("utf-8")), ("groupInstanceId", String("utf-8")), ("clientId", String("utf-8")),
             ("clientHost", String("utf-8")), ("rebalanceTimeout", Int32), ("sessionTimeout", Int32),
             ("subscription", Bytes), ("assignment", Bytes)]
GROUP_VALUE_V3 = Schema(("protocolType", String("utf-8")), ("generation", Int32), ("protocol", String("utf-8")),
                        ("leader", String("utf-8")), ("currentStateTimestamp", Int64), ("members", Array(*MEMBER_V3)))


def decode(schema, data):
    fields = dict(zip(schema.names, schema.decode(data)))
    if data.read(1):
        sys.exit("bytes after the last field")
    return fields


def subscription(raw):
    return sorted(ConsumerProtocolMemberMetadata.decode(raw).subscription)


def assignment(raw):
    return [[topic, partitions] for topic, partitions in ConsumerProtocolMemberAssignment.decode(raw).assignment]


def member(values):
    fields = dict(zip([name for name, _ in MEMBER_V3], values))
    fields["subscription"] = subscription(fields["subscription"])
    fields["assignment"] = assignment(fields["assignment"])
    return fields


for line in sys.stdin:
    key, value = line.split()
    key = io.BytesIO(bytes.fromhex(key))
    version = Int16.decode(key)
    out = {"keyVersion": version}
    out.update(decode({1: OFFSET_KEY_V1, 2: GROUP_KEY_V2}[version], key))
    if value == "-":
        out["value"] = None
    else:
        value = io.BytesIO(bytes.fromhex(value))
        out["valueVersion"] = Int16.decode(value)
        fields = decode({1: OFFSET_VALUE_V3, 2: GROUP_VALUE_V3}[version], value)
        if "members" in fields:
            fields["members"] = [member(values) for values in fields["members"]]
        out.update(fields)
    print(json.dumps(out, separators=(",", ":")))
