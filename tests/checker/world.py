# SPDX-License-Identifier: Apache-2.0
"""Makes a data directory, outputs and a history as a clean run leaves them, without Sluice, for tests to break."""
import base64
import json
import struct

from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.util import calc_crc32c


def batch(base, records):
    """records: (key, value), bytes or None."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for n, (key, value) in enumerate(records):
        builder.append(n, 1000 + n, key, value, [])
    content = bytearray(builder.build())
    struct.pack_into(">q", content, 0, base)  # not covered by the CRC
    return bytes(content)


def text(value):
    return struct.pack(">i", len(value)) + value.encode()


def short(value):
    return struct.pack(">h", len(value)) + value.encode()


def group_key(group, topic, partition):
    return struct.pack(">h", 1) + short(group) + short(topic) + struct.pack(">i", partition)


def group_value(offset):
    return struct.pack(">hqi", 3, offset, -1) + short("") + struct.pack(">q", 0)


def slot(sequence, length, positions):
    body = b"".join(struct.pack("<H", len(t)) + t.encode() + struct.pack("<iq", p, o) for t, p, o in positions)
    content = struct.pack("<8sIIQqQIII", b"SLUFSINK", 1, 4096, sequence, 1, length, 0, 0, len(body)) + body
    return (content + struct.pack("<I", calc_crc32c(content))).ljust(4096, b"\0")


class World:
    """Two topics: `lines` with two partitions, and the worker's own. 12 lines went from in.txt to two sinks."""

    def __init__(self, folder):
        self.folder, self.data = folder, folder / "data"
        self.lines = [f"line-{n}" for n in range(12)]
        self.topics = {"lines": (2, {}), "connect-offsets": (1, {"cleanup.policy": "compact"}),
                       "connect-configs": (1, {"cleanup.policy": "compact"}),
                       "__consumer_offsets": (1, {"cleanup.policy": "compact"})}
        position = len("\n".join(self.lines)) + 1
        key = json.dumps(["src", {"filename": str(folder / "in.txt")}]).encode()
        self.batches = {  # (topic, partition) -> segments, each a list of (base, records)
            ("lines", 0): [[(0, self.values(0, 6, 2))], [(3, self.values(6, 12, 2))]],
            ("lines", 1): [[(0, self.values(1, 6, 2)), (3, self.values(7, 12, 2))]],
            ("connect-offsets", 0): [[(2, [(key, b'{"position":42}')]), (7, [(key, b'{"position":%d}' % position)])]],
            ("connect-configs", 0): [[(0, [(b"connector-src", b'{"properties":{}}')])]],
            ("__consumer_offsets", 0): [[(n, [(group_key(f"connect-{sink}", "lines", p), group_value(6))])
                                         for n, (sink, p) in enumerate([("alo", 0), ("alo", 1), ("exact", 0), ("exact", 1)])]],
        }
        self.alo = self.lines[:8] + self.lines[4:]
        self.exact = list(self.lines)
        self.slots = [slot(3, 20, [("lines", 0, 2)]), slot(4, position, [("lines", 0, 6), ("lines", 1, 6)])]
        self.events = [
            {"event": "source", "producer": "in", "topic": "lines", "connector": "src", "file": str(folder / "in.txt")},
            {"event": "acknowledged", "producer": "in", "position": position},
            {"event": "sink", "sink": "alo", "connector": "alo", "topics": ["lines"], "file": str(folder / "alo.txt"),
             "delivery": "at-least-once"},
            {"event": "sink", "sink": "exact", "connector": "exact", "topics": ["lines"], "file": str(folder / "exact.txt"),
             "delivery": "exactly-once"},
            {"event": "sink_offset", "sink": "alo", "topic": "lines", "partition": 0, "offset": 5},
            {"event": "seen", "topic": "lines", "partition": 0, "offset": 1, "value": "line-2"},
            {"event": "connector", "connector": "src", "state": "created"},
            {"event": "connector", "connector": "old", "state": "deleted"},
            {"event": "topic", "topic": "lines", "state": "created"},
            {"event": "topic", "topic": "old", "state": "deleted"},
        ]

    def values(self, begin, end, step):
        return [(None, line.encode()) for line in self.lines[begin:end:step]]

    def write(self):
        (self.data / "metadata").mkdir(parents=True)
        (self.data / "topics").mkdir()
        (self.data / "checkpoint").write_bytes(struct.pack("<4sII", b"SLCP", 1, 1) + b"the rest is not read")
        ids = {}
        changes = []
        for number, (name, (partitions, configs)) in enumerate(self.topics.items(), 1):
            ids[name] = bytes([number]) * 16
            fields = ids[name] + text(name) + struct.pack(">ii", partitions, len(configs))
            fields += b"".join(text(k) + text(v) for k, v in configs.items())
            changes.append(struct.pack(">ihh", 1, 1, 0) + struct.pack(">i", len(fields)) + fields)
        self.metadata("snapshot", b"SLMS", 0, [(0, struct.pack(">i", 0))])
        self.metadata("log", b"SLML", 0, list(enumerate(changes, 1)) + [(len(changes), b"")])
        for (topic, partition), segments in self.batches.items():
            name = base64.urlsafe_b64encode(ids.get(topic, bytes(16))).decode().rstrip("=")
            folder = self.data / "topics" / f"{topic}-{partition}-{name}"
            folder.mkdir()
            for segment in segments:
                content = b"".join(part if isinstance(part, bytes) else batch(*part) for part in segment)
                (folder / f"{segment[0][0]:020d}.log").write_bytes(content)
        (self.folder / "in.txt").write_text("".join(line + "\n" for line in self.lines))
        (self.folder / "alo.txt").write_text("".join(line + "\n" for line in self.alo))
        (self.folder / "exact.txt").write_text("".join(line + "\n" for line in self.exact))
        (self.folder / "exact.txt.sluice-offsets").write_bytes(b"".join(self.slots))
        history = self.folder / "history.jsonl"
        history.write_text("".join(json.dumps(event) + "\n" for event in self.events) + '{"event": "torn')
        return history

    def metadata(self, name, magic, base, frames):
        header = struct.pack(">4sHq", magic, 1, base)
        content = header + struct.pack(">I", calc_crc32c(header))
        for number, payload in frames:
            head = struct.pack(">4sIq", b"SLMR", len(payload), number)
            content += head + struct.pack(">I", calc_crc32c(head + payload)) + payload
        (self.data / "metadata" / name).write_bytes(content)
