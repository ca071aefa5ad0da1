#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other side of foreign_test.cpp: RecordBatch v2 through kafka-python's own encoder and decoder.

encode CODEC   writes a batch of the records below to standard output
decode         reads a batch from standard input, checks its CRC and prints one JSON line per record
"""
import json
import sys

from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

RECORDS = [
    (1700000000123, b"key-1", b"value 1", [("h", b"x"), ("empty", b"")]),
    (1700000000100, None, b"no key", []),
    (1700000009999, b"tombstone", None, [("null", None)]),
    (1700000000123, b"", b"", []),
    (1700000000124, b"long", b"0123456789" * 5000, []),
]


def text(value):
    return None if value is None else value.decode("latin-1")


def encode(codec):
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=codec, is_transactional=False,
        producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=10**9)
    for offset, (timestamp, key, value, headers) in enumerate(RECORDS):
        builder.append(offset, timestamp=timestamp, key=key, value=value, headers=headers)
    sys.stdout.buffer.write(bytes(builder.build()))


def decode():
    batch = DefaultRecordBatch(sys.stdin.buffer.read())
    if not batch.validate_crc():
        sys.exit("CRC does not match")
    for record in batch:
        print(json.dumps([record.offset, record.timestamp, text(record.key), text(record.value),
                          [[k, text(v)] for k, v in record.headers]], separators=(",", ":")))


if __name__ == "__main__":
    if sys.argv[1] == "encode":
        encode(int(sys.argv[2]))
    else:
        decode()
