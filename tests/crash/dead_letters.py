# SPDX-License-Identifier: Apache-2.0
"""A pipeline with bad records, for crash tests: a source whose longest lines do not fit its topic, and a sink that can convert
every other line. At the end each line is in one place: the topic or the source's dead letter topic, exactly once; the sink's
file or its dead letter topic, at least once."""
from collections import Counter

from tests.support.processes import wait_until

FITS = 50    # characters of a line that the topic takes
LIMIT = 136  # its max.message.bytes: such a line in a batch of its own
DEAD = {"errors.tolerance": "all", "errors.deadletterqueue.context.headers.enable": "true"}


def line(number):
    text = f"d {number:07d} {'abcdefgh' * (1 + number % 6)}"
    return f'"{text}"' if number % 2 else text


class DeadLetters:
    def __init__(self, work):
        self.work, self.written = work, 0
        self.file, self.out = work.folder / "d.in", work.out / "d.out"

    def add(self):
        self.append(10)
        self.work.create_connector("d", {
            "connector.class": "FileSource", "file": self.file, "topic": "d", "topic.creation.default.partitions": 1,
            "topic.creation.default.replication.factor": 1, "topic.creation.default.max.message.bytes": LIMIT,
            "topic.creation.default.segment.bytes": 16384, "errors.deadletterqueue.topic.name": "d-large", **DEAD})
        self.work.create_connector("d-sink", {
            "connector.class": "FileSink", "file": self.out, "topics": "d",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
            "errors.deadletterqueue.topic.name": "d-broken", **DEAD})

    def append(self, lines):
        with open(self.file, "a", encoding="ascii") as file:
            file.write("".join(line(n) + "\n" for n in range(self.written, self.written + lines)))
        self.written += lines

    def values(self, topic):
        values, offset = [], 0
        while True:
            answer = self.work.call(f"/sluice/topics/{topic}/records?offset={offset}&limit=1000").json()
            values += [record["value"] for record in answer["records"]]
            if answer["next_offset"] == offset:
                return values
            offset = answer["next_offset"]

    def at_end(self):
        positions = [o["offset"]["position"] for o in self.work.call("/connectors/d/offsets").json()["offsets"]]
        committed = [o["offset"]["kafka_offset"] for o in self.work.call("/connectors/d-sink/offsets").json()["offsets"]]
        end = self.work.call("/sluice/topics/d").json()["partitions"][0]["end"]
        return positions == [self.file.stat().st_size] and committed == [end]

    def settle(self):
        wait_until(self.at_end, 120, "the lines with bad ones among them to arrive", step=0.1)
        lines = [line(n) for n in range(self.written)]
        taken = [text for text in lines if len(text) <= FITS]
        self.same("the topic", self.values("d"), taken, once=True)
        self.same("the source's dead letters", self.values("d-large"), [x for x in lines if len(x) > FITS], once=True)
        self.same("the sink's dead letters", self.values("d-broken"), [x for x in taken if x[0] != '"'])
        self.same("the sink's file", self.out.read_text().splitlines(), [x.strip('"') for x in taken if x[0] == '"'])

    def same(self, where, found, wanted, once=False):
        counts = Counter(found)
        lost, foreign = [x for x in wanted if not counts[x]], counts.keys() - set(wanted)
        repeated = [x for x, count in counts.items() if once and count > 1]
        if lost or foreign or repeated:
            raise AssertionError(f"{where}: {len(lost)} lost {lost[:3]}, {len(foreign)} that do not belong there "
                                 f"{sorted(foreign)[:3]}, {len(repeated)} twice {repeated[:3]}")
