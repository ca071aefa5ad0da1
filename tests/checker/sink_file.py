# SPDX-License-Identifier: Apache-2.0
"""A sink's output file against the topics that it was written from."""
import struct

from kafka.record.util import calc_crc32c

from tests.checker.findings import Finding

SHOWN = 5


class Output:
    def __init__(self, sink, directory):
        self.sink, self.directory = sink, directory
        self.lines = self._read()
        self.places = {}   # value -> (topic, partition, offset)
        self.values = {}   # (topic, partition) -> [(offset, value)]
        for topic in sink.topics:
            for partition in directory.partitions(topic):
                for offset, _key, value in directory.records(topic, partition):
                    text = "null" if value is None else value.decode(errors="replace")
                    self.places.setdefault(text, (topic, partition, offset))
                    self.values.setdefault((topic, partition), []).append((offset, text))
        self.there = set(self.lines)

    def _read(self):
        if not self.sink.file.exists():
            return []
        lines = self.sink.file.read_bytes().decode(errors="replace").split("\n")
        if self.sink.torn:  # zeros of a write that never came may stand before a line
            lines = [line.rsplit("\0", 1)[-1] for line in lines]
        return lines[:-1] if lines[-1] == "" else lines

    def add(self, found, kind, text):
        if sum(1 for finding in found if finding.kind == kind) < SHOWN:
            found.append(Finding(kind, f"{self.sink.name}: {text}"))

    def absent_before(self, kind, topic, partition, offset, who):
        found = []
        for at, value in self.values.get((topic, partition), []):
            if at < offset and value not in self.there:
                self.add(found, kind, f"{who} {offset} of {topic}-{partition}, but offset {at} is not in "
                                      f"{self.sink.file}: {value!r}")
        return found

    def findings(self):
        found = []
        for (topic, partition), offset in self.sink.offsets.items():
            found += self.absent_before("lost", topic, partition, offset, "the worker showed")
        if self.sink.torn and not self.sink.exactly_once:
            return found + self._as_subsequence()
        return found + self._line_by_line() + (self._offsets_file() if self.sink.exactly_once else [])

    def _line_by_line(self):
        """Offsets of a partition go up one by one; at-least-once may go back and repeat, never forward over a gap."""
        found = []
        following = {}  # (topic, partition) -> offsets in order, as a map to the next one
        for place, values in self.values.items():
            offsets = [offset for offset, _value in values]
            following[place] = dict(zip([None] + offsets, offsets))
        newest = {}
        seen = set()
        for number, line in enumerate(self.lines, 1):
            if line not in self.places:
                self.add(found, "not-sent", f"line {number} stands in none of its topics: {line[:80]!r}")
                continue
            topic, partition, offset = self.places[line]
            place = (topic, partition)
            last = newest.get(place)
            if line in seen:
                if self.sink.exactly_once:
                    self.add(found, "duplicated", f"line {number}: {topic}-{partition}, offset {offset} again")
                continue
            seen.add(line)
            expected = following[place].get(last)
            if last is not None and offset < last:
                self.add(found, "reordered", f"line {number}: {topic}-{partition}, offset {offset} behind {last}")
            elif offset != expected and not (last is None and self.directory.topics[topic].trimmed):
                self.add(found, "lost", f"line {number}: {topic}-{partition}, offset {offset} where {expected} comes next")
            newest[place] = max(offset, last if last is not None else -1)
        return found

    def _as_subsequence(self):
        """After power cuts whole lines of a torn write may stand behind a hole: what counts is that, up to the committed
        offset, every line comes, in order."""
        found = []
        for place, values in self.values.items():
            wanted = [value for offset, value in values if offset < self.sink.offsets.get(place, 0)]
            at = 0
            for line in self.lines:
                if at < len(wanted) and line == wanted[at]:
                    at += 1
            if at < len(wanted) and wanted[at] in self.there:
                self.add(found, "reordered", f"{place}: {wanted[at]!r} never comes behind {wanted[at - 1]!r}")
        return found

    def _offsets_file(self):
        """Of the two slots the one with the higher sequence counts: the file holds exactly what is before its offsets."""
        path = self.sink.file.with_name(self.sink.file.name + ".sluice-offsets")
        found = []
        if not path.exists():
            if self.lines:
                self.add(found, "unparsable", f"{path} is not there")
            return found
        content = path.read_bytes()
        half = len(content) // 2
        slots = [slot for slot in (parse_slot(content[:half]), parse_slot(content[half:])) if slot]
        if not slots:
            self.add(found, "unparsable", f"{path}: no slot with a right checksum")
            return found
        _sequence, length, positions = max(slots, key=lambda slot: slot[0])
        size = self.sink.file.stat().st_size
        if length != size:
            self.add(found, "ahead", f"{path} counts {length} bytes, {self.sink.file} has {size}")
        for topic, partition, offset in positions:
            found += self.absent_before("ahead", topic, partition, offset, f"{path.name} says")
            for at, value in self.values.get((topic, partition), []):
                if at >= offset and value in self.there:
                    self.add(found, "duplicated", f"{path.name} says {offset} of {topic}-{partition}, but {at} is in "
                                                  "the file: it would come again")
        return found


def parse_slot(slot):
    """docs/connectors/file.md, "Exactly once": (sequence, file length, [(topic, partition, next offset)]) or None."""
    head = struct.Struct("<8sIIQqQIII")
    if len(slot) < head.size:
        return None
    magic, _version, _size, sequence, _epoch, length, _tail, _tail_crc, body = head.unpack_from(slot)
    end = head.size + body
    if magic != b"SLUFSINK" or end + 4 > len(slot) or struct.unpack_from("<I", slot, end)[0] != calc_crc32c(slot[:end]):
        return None
    positions = []
    at = head.size
    while at < end:
        name = struct.unpack_from("<H", slot, at)[0]
        topic = slot[at + 2:at + 2 + name].decode()
        partition, offset = struct.unpack_from("<iq", slot, at + 2 + name)
        positions.append((topic, partition, offset))
        at += 2 + name + 12
    return sequence, length, positions
