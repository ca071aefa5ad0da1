# SPDX-License-Identifier: Apache-2.0
"""What the real worker does while a crash test kills it: pipelines, topics and connectors that come and go, with a history
of all that was acknowledged, for tests/checker."""
import json
import os
import subprocess
import urllib.error
from pathlib import Path

from tests.support.processes import Worker, wait_until

CHECK = Path(__file__).resolve().parents[1] / "checker" / "check.py"
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's, with python3-kafka
TOPIC_CREATION = {"topic.creation.default.replication.factor": 1, "topic.creation.default.segment.bytes": 16384,
                  "topic.creation.default.index.interval.bytes": 512, "topic.creation.default.segment.ms": 700,
                  "topic.creation.default.segment.index.bytes": 240}

# Everything rolls, checkpoints, compacts and takes snapshots many times a second.
SETTINGS = {
    "offset.flush.interval.ms": 40, "commit.log.file.bytes": 65536, "commit.log.checkpoint.bytes": 131072,
    "commit.log.write.through.bytes": 1000,  # some rounds are larger, some are not
    "log.flush.offset.checkpoint.interval.ms": 50, "log.retention.check.interval.ms": 60,
    "metadata.log.max.record.bytes.between.snapshots": 300, "offset.storage.partitions": 2, "status.storage.partitions": 1,
    "offset.storage.segment.bytes": 2048, "offset.storage.min.cleanable.dirty.ratio": 0.01,
    "offset.storage.delete.retention.ms": 100, "status.storage.segment.ms": 300, "status.storage.max.compaction.lag.ms": 500,
    "status.storage.min.cleanable.dirty.ratio": 0.99,
    "status.storage.segment.bytes": 4096, "log.level": "WARN",
}

# Leaks are looked for at a clean end, which a killed process does not have; a start is quicker without. (What
# tests/support/sanitizers.py has put there stays.)
NO_LEAKS = {"ASAN_OPTIONS": ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_leaks=0"]))}

FAILURES = (OSError, urllib.error.URLError, ValueError)  # of a request to a worker that dies: nothing is known then


class Workload:
    """One worker with its data below `folder`; `out`: where the sinks' files are. Used by one thread."""

    def __init__(self, binary, folder, dice, out=None, settings=None, torn=False, environment=None):
        self.folder, self.dice, self.torn = Path(folder), dice, torn
        self.out = Path(out or folder)
        self.worker = Worker(binary, folder, {**SETTINGS, **(settings or {})}, environment)
        self.history_path = self.folder / "history.jsonl"
        self.history = open(self.history_path, "a", encoding="utf-8", buffering=1)
        self.written = {}      # source -> lines
        self.sinks = {}        # sink -> its topics
        self.churned = 0       # topics and connectors that came and went
        self.leftovers = set()
        self.shown = {}
        self.states = {}       # (connector | topic, name) -> created, deleted, unknown

    def note(self, event, **fields):
        if "state" in fields:
            self.states[(event, fields[event])] = fields["state"]
        self.history.write(json.dumps({"event": event, **fields}, default=str) + "\n")

    def input(self, source):
        return self.folder / f"{source}.in"

    def append(self, source, lines):
        begin = self.written.get(source, 0)
        with open(self.input(source), "a", encoding="ascii") as file:
            file.write("".join(f"{source} {n:07d} {'abcdefgh' * (1 + n % 7)}\n" for n in range(begin, begin + lines)))
        self.written[source] = begin + lines

    # --- requests

    def call(self, *request, **more):
        return self.worker.call(*request, timeout=20, **more)

    def create_connector(self, name, config):
        self.note("connector", connector=name, state="unknown")
        answer = self.call("/connectors", "POST", {"name": name, "config": config})
        if answer.status == 201:
            self.note("connector", connector=name, state="created")
        elif answer.status != 409:
            raise AssertionError(f"creating {name}: {answer}")

    def delete_connector(self, name):
        self.note("connector", connector=name, state="unknown")
        if self.call(f"/connectors/{name}", "DELETE").status in (204, 404):
            self.note("connector", connector=name, state="deleted")
            self.leftovers.discard(name)

    def add_pipelines(self):
        """What both kinds of crash are tried on: one and several partitions, retention, sinks of both guarantees."""
        self.add_source("a", "a")
        self.add_source("b", "b", **{"topic.creation.default.partitions": 3})
        self.add_source("c", "c", **{"topic.creation.default.retention.bytes": 20000,
                                     "topic.creation.default.segment.bytes": 4096})
        self.add_sink("a-alo", "a", False)
        self.add_sink("a-exact", "a", True)
        self.add_sink("b-exact", "b", True)

    def add_source(self, name, topic, **more):
        self.append(name, 10)
        self.create_connector(name, {"connector.class": "FileSource", "file": self.input(name), "topic": topic,
                                     "topic.creation.default.partitions": 1, **TOPIC_CREATION, **more})
        self.note("source", producer=name, topic=topic, connector=name, file=str(self.input(name)))

    def add_sink(self, name, topic, exactly_once):
        config = {"connector.class": "FileSink", "file": self.out / f"{name}.out", "topics": topic}
        if exactly_once:
            config["exactly.once.support"] = "required"
        self.create_connector(name, config)
        self.note("sink", sink=name, connector=name, topics=[topic], file=str(self.out / f"{name}.out"), torn=self.torn,
                  delivery="exactly-once" if exactly_once else "at-least-once")
        self.sinks[name] = topic

    # --- steps

    def observe(self):
        """What is shown as durable now must be there for ever."""
        for name in self.written:
            answer = self.call(f"/connectors/{name}/offsets")
            for entry in answer.json()["offsets"] if answer.status == 200 else []:
                self.show("acknowledged", producer=name, position=entry["offset"]["position"])
        for name in self.sinks:
            answer = self.call(f"/connectors/{name}/offsets")
            for entry in answer.json()["offsets"] if answer.status == 200 else []:
                self.show("sink_offset", sink=name, topic=entry["partition"]["kafka_topic"],
                          partition=entry["partition"]["kafka_partition"], offset=entry["offset"]["kafka_offset"])

    def show(self, event, **fields):
        key = (event, *(value for field, value in fields.items() if field not in ("position", "offset")))
        value = fields.get("position", fields.get("offset"))
        if self.shown.get(key) != value:  # repeats say nothing new
            self.shown[key] = value
            self.note(event, **fields)

    def look(self, topic):
        """Reads the newest records: whoever has seen a record sees it for ever."""
        answer = self.call(f"/sluice/topics/{topic}")
        if answer.status != 200:
            return
        partition = self.dice.choice(answer.json()["partitions"])
        begin = max(partition["start"], partition["end"] - 10)
        answer = self.call(f"/sluice/topics/{topic}/records?partition={partition['partition']}&offset={begin}&limit=10")
        for record in answer.json()["records"] if answer.status == 200 else []:
            self.note("seen", topic=topic, partition=record["partition"], offset=record["offset"], value=record["value"])

    def churn(self):
        """A topic with records, a source and an exactly-once sink of its own come and go."""
        self.clear_leftovers()
        self.churned += 1
        topic, source, sink = (f"churn-{kind}-{self.churned}" for kind in ("topic", "source", "sink"))
        self.leftovers |= {source, sink, topic}
        self.note("topic", topic=topic, state="unknown")
        answer = self.call(f"/sluice/topics/{topic}?partitions=2", "PUT", {"segment.bytes": "512"})
        if answer.status != 201:
            raise AssertionError(f"creating {topic}: {answer}")
        self.note("topic", topic=topic, state="created", id=answer.json()["id"])
        file = self.folder / "churn.in"
        if not file.exists():
            file.write_text("".join(f"churn {n}\n" for n in range(20)))
        self.create_connector(source, {"connector.class": "FileSource", "file": file, "topic": topic})
        self.create_connector(sink, {"connector.class": "FileSink", "file": self.out / f"{sink}.out", "topics": topic,
                                     "exactly.once.support": "required"})

    def clear_leftovers(self):
        # A deleted connector's task may still be ending, and a source makes its topic again: STOPPED is said once the last
        # task has ended.
        for name in sorted(self.leftovers):
            if "-topic-" not in name and self.call(f"/connectors/{name}/stop", "PUT").status == 204:
                wait_until(lambda stopped=name: self.has_stopped(stopped), 30, f"{name} to stop")
        for name in sorted(self.leftovers):
            if "-topic-" not in name:
                self.delete_connector(name)
        for name in sorted(self.leftovers):
            if "-topic-" in name:
                self.note("topic", topic=name, state="unknown")
                if self.call(f"/sluice/topics/{name}", "DELETE").status in (204, 404):
                    self.note("topic", topic=name, state="deleted")
                    self.leftovers.discard(name)

    def has_stopped(self, name):
        answer = self.call(f"/connectors/{name}/status")
        return answer.status == 200 and answer.json()["connector"]["state"] == "STOPPED"

    def pause_and_resume(self, name):
        if self.call(f"/connectors/{name}/pause", "PUT").status == 202:
            self.call(f"/connectors/{name}/resume", "PUT")

    # --- the end

    def settle(self, seconds=120):
        """Everything that was sent arrives: sources at the end of their files, sinks at the end of their topics."""
        self.clear_leftovers()
        for name in list(self.written) + list(self.sinks):
            self.call(f"/connectors/{name}/resume", "PUT")

        def arrived():
            self.observe()
            for source in self.written:
                if self.shown.get(("acknowledged", source)) != self.input(source).stat().st_size:
                    return False
            for sink, topic in self.sinks.items():
                for partition in self.call(f"/sluice/topics/{topic}").json()["partitions"]:
                    place = ("sink_offset", sink, topic, partition["partition"])
                    if partition["end"] > 0 and self.shown.get(place) != partition["end"]:
                        return False
            return True
        try:
            wait_until(arrived, seconds, "all lines to arrive", step=0.1)
        except TimeoutError as error:
            states = {name: self.call(f"/connectors/{name}/status").json() for name in [*self.written, *self.sinks]}
            raise AssertionError(f"{error}; shown: {self.shown}; {states}\n{self.worker.tail()}") from None

    def check(self):
        """Stops the worker cleanly and runs the checker; its summary."""
        code = self.worker.stop()
        if code != 0:
            raise AssertionError(f"the worker ended with {code}: {self.worker.tail()}")
        self.history.flush()
        data = next(line[len("data.dir="):] for line in self.worker.file.read_text().splitlines()
                    if line.startswith("data.dir="))
        done = subprocess.run([SYSTEM_PYTHON, CHECK, self.history_path, data], capture_output=True, text=True, check=False,
                              env={**os.environ, "PYTHONPATH": ""})
        if done.returncode != 0:
            raise AssertionError(f"the checker: {done.stdout[-4000:]}{done.stderr[-2000:]}")
        return done.stdout.strip()
