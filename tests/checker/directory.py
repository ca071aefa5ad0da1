# SPDX-License-Identifier: Apache-2.0
"""Reads a stopped data directory without any code of Sluice: its segments through python3-kafka's record classes, its
metadata by docs/formats/metadata.md. What cannot be read becomes a finding and is left out."""
import base64
import re
import struct
from pathlib import Path

from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import calc_crc32c

from tests.checker.findings import Finding

FOLDER = re.compile(r"^(.*)-(\d+)-([A-Za-z0-9_-]{22})$")
SEGMENT = re.compile(r"^(\d{20})\.log$")


class Topic:
    def __init__(self, name, topic_id, partitions, configs):
        self.name, self.id, self.partitions, self.configs = name, topic_id, partitions, configs

    @property
    def compacted(self):
        return "compact" in self.configs.get("cleanup.policy", "delete")

    @property
    def trimmed(self):
        """May records go from the front in the time that a test takes?"""
        return "retention.bytes" in self.configs or "retention.ms" in self.configs


class Batch:
    """Offsets base to last; records: (offset, key, value), bytes or None; of the same, times: milliseconds since 1970, and
    headers: [(name, bytes or None)]."""

    def __init__(self, base, last, records, times, headers, file, byte):
        self.base, self.last, self.records, self.times, self.headers = base, last, records, times, headers
        self.file, self.byte = file, byte


class Directory:
    """topics: name -> Topic; logs: (topic name, partition) -> [Batch] in order of the files."""

    def __init__(self, path):
        self.path = Path(path)
        self.findings = []
        self.topics = {}
        self.logs = {}
        self._read_checkpoint()
        self._read_metadata()
        self._read_logs()

    def add(self, kind, text):
        self.findings.append(Finding(kind, text))

    def _read_checkpoint(self):
        """Everything is in the segments only after a clean stop; else the commit log holds what they do not."""
        path = self.path / "checkpoint"
        if not path.exists():
            self.add("unparsable", f"{path}: there is none; was this a data directory?")
            return
        magic, version, flags = struct.unpack_from("<4sII", path.read_bytes())
        if magic != b"SLCP" or version != 1:
            self.add("unparsable", f"{path}: magic {magic!r}, format {version}")
        elif flags & 1 == 0:
            raise SystemExit(f"{self.path}: the worker was not stopped cleanly; start it and end it with SIGTERM first")

    # --- metadata

    def _read_metadata(self):
        by_id = {}
        sequence = 0
        for name, magic in (("snapshot", b"SLMS"), ("log", b"SLML")):
            path = self.path / "metadata" / name
            try:
                sequence = self._read_metadata_file(path, magic, sequence, by_id)
            except (struct.error, ValueError, OSError) as error:
                self.add("unparsable", f"{path}: {error}")
        for topic in by_id.values():
            if topic.name in self.topics:
                self.add("unparsable", f"topic {topic.name} is there twice in the metadata")
            self.topics[topic.name] = topic

    def _read_metadata_file(self, path, magic, sequence, by_id):
        content = path.read_bytes()
        found, version, base, crc = struct.unpack_from(">4sHqI", content)
        if found != magic or version != 1 or crc != calc_crc32c(content[:14]):
            raise ValueError("the header is wrong")
        if magic == b"SLML" and base > sequence:
            raise ValueError(f"begins after change {base}, the snapshot ends with {sequence}")
        if magic == b"SLMS":
            sequence = base - 1  # its one frame carries the number of the last change in it
        at = 18
        while at < len(content):
            found, length, number, crc = struct.unpack_from(">4sIqI", content, at)
            payload = content[at + 20:at + 20 + length]
            if found != b"SLMR" or crc != calc_crc32c(content[at:at + 16] + payload):
                raise ValueError(f"byte {at}: the frame is damaged")
            at += 20 + length
            if not payload or number <= sequence:
                continue
            if number != sequence + 1:
                raise ValueError(f"change {number} follows {sequence}")
            sequence = number
            self._apply(payload, by_id)
        return sequence

    def _apply(self, payload, by_id):
        reader = Reader(payload)
        for _ in range(reader.number(">i")):
            kind, _version = reader.number(">H"), reader.number(">H")
            fields = Reader(reader.bytes())
            topic_id = base64.urlsafe_b64encode(fields.take(16)).decode().rstrip("=")
            if kind == 1:
                name, partitions = fields.text(), fields.number(">i")
                by_id[topic_id] = Topic(name, topic_id, partitions, fields.map())
            elif topic_id not in by_id:
                raise ValueError(f"a change of the unknown topic {topic_id}")
            elif kind == 2:
                del by_id[topic_id]
            elif kind == 3:
                by_id[topic_id].configs = fields.map()
            elif kind == 4:
                by_id[topic_id].partitions = fields.number(">i")
            else:
                raise ValueError(f"record type {kind}")

    # --- segments

    def _read_logs(self):
        known = {topic.id: topic for topic in self.topics.values()}
        for folder in sorted((self.path / "topics").iterdir()):
            match = FOLDER.match(folder.name)
            topic = match and known.get(match.group(3))
            if topic is None:
                self.add("resurrected", f"{folder}: belongs to no topic of the metadata")
                continue
            batches = []
            for path in sorted(folder.iterdir()):
                if SEGMENT.match(path.name):
                    batches += self._read_segment(path)
            self.logs[(topic.name, int(match.group(2)))] = batches

    def _read_segment(self, path):
        content = path.read_bytes()
        batches = []
        at = 0
        while at < len(content):
            if len(content) < at + 61:
                self.add("unparsable", f"{path}, byte {at}: {len(content) - at} bytes behind the last batch")
                break
            base, length = struct.unpack_from(">qi", content, at)
            size = 12 + length
            batch = DefaultRecordBatch(content[at:at + size])
            if length < 49 or at + size > len(content) or batch.magic != 2 or not batch.validate_crc():
                self.add("unparsable", f"{path}, byte {at}: no whole batch with a right checksum")
                break
            last = base + struct.unpack_from(">i", content, at + 23)[0]
            records = list(batch)
            batches.append(Batch(base, last, [(r.offset, r.key, r.value) for r in records], [r.timestamp for r in records],
                                 [r.headers for r in records], path, at))
            at += size
        return batches

    def records(self, topic, partition):
        """(offset, key, value) in order of the files."""
        for batch in self.logs.get((topic, partition), []):
            yield from batch.records

    def partitions(self, topic):
        return range(self.topics[topic].partitions) if topic in self.topics else range(0)

    def end(self, topic, partition):
        log = self.logs.get((topic, partition), [])
        return log[-1].last + 1 if log else 0


class Reader:
    def __init__(self, content):
        self.content, self.at = content, 0

    def take(self, size):
        if size < 0 or self.at + size > len(self.content):
            raise ValueError("a record is cut")
        self.at += size
        return self.content[self.at - size:self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def bytes(self):
        return self.take(self.number(">i"))

    def text(self):
        return self.bytes().decode()

    def map(self):
        return dict((self.text(), self.text()) for _ in range(self.number(">i")))

    def short_text(self):
        """A string with an int16 length, as in Kafka's own records."""
        return self.take(self.number(">h")).decode()
