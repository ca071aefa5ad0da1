# SPDX-License-Identifier: Apache-2.0
"""The history of a run: what was sent and what was acknowledged, one JSON object a line, written by whoever drives it.

Every value is sent once and differs from all others. "event" says which kind of line it is:

  source        producer, topic, connector, file    lines of `file`, in order, are what `producer` sends to `topic`
  sent          producer, topic, values             values that were sent, in order, by a producer that is no file
  acknowledged  producer, and position (bytes of a source's file) or count (of values): so much was said to be durable
  sink          sink, connector, topics, file, delivery (exactly-once | at-least-once), torn (true: power cuts may leave
                pieces of lines in it)
  sink_offset   sink, topic, partition, offset      the committed offset that the worker showed
  seen          topic, partition, offset, value     what a reader was given
  topic         topic, state, perhaps id            created | deleted: acknowledged; unknown: asked for, no answer
  connector     connector, state                    the same

Lines with other events are left out of account (a driver may note its kills there). The last line may be torn.
"""
import json
from pathlib import Path


class Source:
    def __init__(self, producer, topic, connector=None, file=None):
        self.producer, self.topic, self.connector, self.file = producer, topic, connector, file
        self.values = []   # in the order in which they were sent
        self.ends = []     # of a file: the position behind each value
        self.acknowledged = 0  # so many of the values
        self.position = 0      # of a file: the largest that was acknowledged
        if file is not None:
            self._read_lines()

    def _read_lines(self):
        at = 0
        for line in Path(self.file).read_bytes().split(b"\n")[:-1]:
            at += len(line) + 1
            self.values.append(line.decode())
            self.ends.append(at)

    def values_before(self, position):
        low, high = 0, len(self.ends)
        while low < high:
            middle = (low + high) // 2
            if self.ends[middle] <= position:
                low = middle + 1
            else:
                high = middle
        return low


class Sink:
    def __init__(self, event):
        self.name, self.connector, self.topics = event["sink"], event["connector"], event["topics"]
        self.file = Path(event["file"])
        self.exactly_once = event["delivery"] == "exactly-once"
        self.torn = event.get("torn", False)
        self.offsets = {}  # (topic, partition) -> the largest that was shown


class History:
    def __init__(self, path):
        self.sources, self.sinks = {}, {}
        self.seen = []
        self.topics, self.connectors = {}, {}
        self.topic_ids = {}
        lines = Path(path).read_text(encoding="utf-8").split("\n")
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                event = json.loads(line)
            except ValueError:
                if number == len(lines):
                    break
                raise SystemExit(f"{path}, line {number}: no JSON") from None
            handler = getattr(self, "_" + event.get("event", ""), None)
            if handler:
                handler(event)

    def _source(self, event):
        self.sources[event["producer"]] = Source(event["producer"], event["topic"], event["connector"], event["file"])

    def _sent(self, event):
        self.sources.setdefault(event["producer"], Source(event["producer"], event["topic"])).values += event["values"]

    def _acknowledged(self, event):
        source = self.sources[event["producer"]]
        if "position" in event:
            source.position = max(source.position, event["position"])
            source.acknowledged = max(source.acknowledged, source.values_before(event["position"]))
        else:
            source.acknowledged = max(source.acknowledged, event["count"])

    def _sink(self, event):
        self.sinks[event["sink"]] = Sink(event)

    def _sink_offset(self, event):
        offsets = self.sinks[event["sink"]].offsets
        place = (event["topic"], event["partition"])
        offsets[place] = max(offsets.get(place, 0), event["offset"])

    def _seen(self, event):
        self.seen.append((event["topic"], event["partition"], event["offset"], event["value"]))

    def _topic(self, event):
        self.topics[event["topic"]] = event["state"]
        if "id" in event:
            self.topic_ids[event["topic"]] = event["id"]

    def _connector(self, event):
        self.connectors[event["connector"]] = event["state"]
