# SPDX-License-Identifier: Apache-2.0
"""Log files are written, rotated (by rename, by copytruncate) and compressed while the worker that reads them into topics, and
writes these to files that roll, is killed with kill -9 again and again.

Sources: each topic has every line of its files exactly once and in order, and no header line where these are left out.
Sinks: the finished files of the exactly-once sink, one after the other, are the topic; those of the at-least-once sink are it
after repeats are removed, and each repeat starts at or behind the offset that was committed before a kill.

usage: file_rotation_kill_test.py SLUICE [FILE_PLUGIN] [--seconds 12] [--seed N] [--long] [--keep]
FILE_PLUGIN: where it has crash points, the worker is also killed at each of those of rotation and rolling files.
--long: ten minutes. --keep: the folder stays after a failure.
"""
import argparse
import gzip
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.crash.log_writer import COPY, HEADER, RENAME, How, LogWriter, line  # noqa: E402
from tests.crash.workload import NO_LEAKS  # noqa: E402
from tests.support.crash_points import crash_points  # noqa: E402
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

# Connector and topic -> (what it reads, how its files are written, its settings). Some patterns name rotated files and copies, too.
LANES = {"all": ("all/*", How(RENAME), {}), "live": ("live/*.log", How(RENAME), {}), "copies": ("copies/*", How(COPY), {}),
         "cut": ("cut/*.log", How(COPY), {}), "wide": ("wide/*", How(RENAME, encoding="utf-16le"), {"encoding": "utf-16le"}),
         "csv": ("csv/*.log", How(COPY, header=True), {"topic": "csv-${file.name}", "skip.header.lines": 1, "record.key": "path"})}
FILES = {f"{lane}/{name}.log": how for lane, (_, how, _) in LANES.items() for name in "ab"}
TOPICS = {lane: [f"csv-{name}.log" for name in "ab"] if lane == "csv" else [lane] for lane in LANES}
SINKED = ("all", "copies")
POINTS = ("file.rotation_", "file.roll_")  # those that only this test passes


class Test:
    def __init__(self, args, folder):
        self.args, self.folder, self.dice = args, folder, random.Random(args.seed)
        self.worker = Worker(args.sluice, folder, {"offset.flush.interval.ms": 50, "log.level": "INFO"}, NO_LEAKS)
        self.points = [p for p in crash_points(args.plugin) if p.startswith(POINTS)] if args.plugin else []
        self.deaths, self.hits, self.kills = Counter(), Counter(), 0
        self.committed = defaultdict(list)  # topic -> for each kill the offsets of its at-least-once sink seen around it
        self.seen = Counter()

    def create_connectors(self):
        for lane, (pattern, _, more) in LANES.items():
            self.worker.create(lane, {"connector.class": "FileSource", "file": self.folder / pattern, "topic": lane,
                                      "rescan.interval.ms": 30, "rotated.wait.ms": 2000,
                                      "topic.creation.default.partitions": 1,
                                      "topic.creation.default.replication.factor": 1, **more})
        for lane in SINKED:
            for sink, more in (("exact", {"exactly.once.support": "required"}), ("alo", {}),
                               ("gz", {"exactly.once.support": "required", "roll.compression": "gzip"})):
                self.worker.create(f"{sink}-{lane}", {
                    "connector.class": "FileSink", "topics": lane, "roll.bytes": 4000 if sink == "gz" else 30000,
                    "roll.interval.ms": 300, "file": f"{self.folder}/{sink}/${{topic}}/%Y%m%d-%H%M%S-${{seq}}.txt", **more})

    def observe(self):
        for lane in SINKED:
            answer = self.worker.call(f"/connectors/alo-{lane}/offsets", timeout=5)
            if answer.status == 200 and answer.json()["offsets"]:
                offset = answer.json()["offsets"][0]["offset"]["kafka_offset"]
                for around in self.committed[lane]:
                    around.setdefault("after", offset)
                self.seen[lane] = offset

    def life(self):
        """One life of the worker; it ends at a crash point, or at a random moment."""
        missing = [p for p in self.points if self.deaths[p] < 1]
        point = self.dice.choice(missing or self.points) if self.points and self.dice.random() < 0.7 else None
        log = self.folder / "hits"
        log.unlink(missing_ok=True)
        if point:
            self.worker.environment["SLUICE_CRASH_AT"] = f"{point}:{self.dice.randint(1, 3)}"
        if self.points:
            self.worker.environment["SLUICE_CRASH_LOG"] = str(log)
        self.worker.start(wait=False)
        served = not point
        end = time.monotonic() + (60 if point else self.dice.uniform(0.05, 1.2))
        while time.monotonic() < end and self.worker.process.poll() is None:
            try:
                self.observe()
                if not served:  # a crash point has four seconds from now on, however long the start took
                    served, end = True, time.monotonic() + 4
            except (OSError, ValueError):
                pass
            time.sleep(0.01)
        if point and self.worker.process.poll() is not None:
            self.deaths[point] += 1
        self.worker.kill()
        self.kills += 1
        for lane in SINKED:
            self.committed[lane].append({"before": self.seen[lane]})
        self.worker.environment.pop("SLUICE_CRASH_AT", None)
        if log.exists():
            self.hits.update(log.read_text().split())
        if self.dice.random() < 0.3:
            time.sleep(self.dice.uniform(0, 0.6))  # the files change while nobody looks; no wait for anything

    def run(self):
        for name in FILES:
            (self.folder / name).touch()
        self.worker.start()
        self.create_connectors()
        # What was rotated before a source has seen its files is none of its business.
        for lane in LANES:
            wait_until(lambda: len(self.worker.call(f"/connectors/{lane}/offsets").json()["offsets"]) == 2, 30, lane)
        self.worker.kill()
        writer = LogWriter(self.folder, FILES, self.args.seed)
        end = time.monotonic() + self.args.seconds
        # Until each crash point had its death; one that has none in ten times the time is a failure.
        while (now := time.monotonic()) < end or (now < end + 10 * self.args.seconds and self.check_points()):
            self.life()
        written = writer.finish()
        self.worker.environment.pop("SLUICE_CRASH_LOG", None)
        self.worker.start()
        return written

    # --- what must have come of it

    def check(self, written):
        problems = []
        topics = {}
        for lane in LANES:
            total = sum(lines for name, (lines, _) in written.items() if name.startswith(lane + "/"))
            topics[lane] = self.read_topic(lane, total)
            problems += self.check_source(lane, topics[lane], written)
        for lane in SINKED:
            for sink in ("exact", "alo", "gz"):
                problems += self.check_sink(sink, lane, topics[lane])
        for lane in (*LANES, *(f"{sink}-{lane}" for sink in ("exact", "alo", "gz") for lane in SINKED)):
            for task in self.worker.status(lane)["tasks"]:
                if task["state"] != "RUNNING":
                    problems.append(f"{lane} is {task['state']}: {task.get('trace', '')[:400]}")
        return problems, sum(map(len, topics.values()))

    def read_topic(self, lane, total):
        """Its values, once there are `total` of them (or no more come)."""
        def values():
            text = b"".join(subprocess.run([self.args.sluice, "--worker", self.worker.url, "topic", "read", topic], check=True,
                                           capture_output=True, timeout=300).stdout for topic in TOPICS[lane])
            if HEADER.encode() in text:
                sys.exit(f"{lane}: a header line is in the topic")
            return [m.group(1) for m in re.finditer(rb"(%s/[ab]\.log \d{7} [a-h]*)\n" % lane.encode(), text)]
        try:
            return wait_until(lambda: (found := values()) and len(found) >= total and found, 120, "all lines", step=0.3)
        except TimeoutError:
            return values()

    def check_source(self, lane, values, written):
        expected = Counter()
        problems = []
        for offset, value in enumerate(values):
            name, number, _ = value.decode().split(" ")
            number = int(number)
            if value + b"\n" != line(name, number):
                problems.append(f"{lane}@{offset}: a line that nobody wrote: {value!r}")
            elif number != expected[name]:
                what = "again" if number < expected[name] else "too early, or lines before it are lost"
                problems.append(f"{lane}@{offset}: {name} line {number} comes {what}; {expected[name]} was next")
            expected[name] = number + 1
        for name, (lines, _) in written.items():
            if name.startswith(lane + "/") and expected[name] != lines:
                problems.append(f"{lane}: {name} ends at {expected[name]} of {lines} lines")
        return problems

    def finished(self, sink, lane):
        files = sorted((self.folder / sink / lane).glob("[!.]*"), key=lambda p: p.name.split("-")[-1])
        read = lambda path: gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return [(path.name, read(path)) for path in files]

    def check_sink(self, sink, lane, values):
        at = {value: offset for offset, value in reversed(list(enumerate(values)))}
        def lines():
            return [l for _, data in self.finished(sink, lane) for l in data.splitlines()]
        try:
            wait_until(lambda: (l := lines()) and len(l) >= len(values) and l[-1] == values[-1], 120, "the sink", step=0.2)
        except TimeoutError:
            pass
        problems = [f"{sink}/{lane}/{name} is not whole" for name, data in self.finished(sink, lane) if data[-1:] != b"\n"]
        found = lines()
        if sink != "alo":
            if found != values:
                first = next((n for n, (a, b) in enumerate(zip(found, values)) if a != b), min(len(found), len(values)))
                problems.append(f"{sink}/{lane}: {len(found)} lines of {len(values)}, the first that differs is {first}")
            return problems
        expected = life = 0
        kills = self.committed[lane]
        for number, value in enumerate(found):
            offset = at.get(value)
            if offset is None or offset > expected:
                return problems + [f"alo/{lane}: line {number} is {value!r}, offset {expected} was next"]
            if offset < expected:  # a repeat, which one of the later kills must explain
                while life < len(kills) and not kills[life]["before"] <= offset <= kills[life].get("after", len(values)):
                    life += 1
                if life == len(kills):
                    return problems + [f"alo/{lane}: line {number} repeats from {offset}, which no kill explains: {kills}"]
                life += 1
            expected = offset + 1
        if expected != len(values):
            problems.append(f"alo/{lane}: ends at {expected} of {len(values)}")
        return problems

    def check_points(self):
        return [f"crash point {p}: passed {self.hits[p]} times, {self.deaths[p]} deaths" for p in self.points
                if self.deaths[p] < 1 or self.hits[p] < 5]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice")
    parser.add_argument("plugin", nargs="?")
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    if args.long:
        args.seconds = max(args.seconds, 600)
    print(f"seed {args.seed}", flush=True)
    with Folder() as folder:
        for name in {Path(name).parent for name in FILES}:
            (folder / name).mkdir()
        test = Test(args, folder)
        try:
            written = test.run()
            problems, lines = test.check(written)
        finally:
            test.worker.stop()
        problems += test.check_points()
        if problems and args.keep:
            kept = tempfile.mkdtemp(prefix="sluice-kept-")
            subprocess.run(["cp", "-a", f"{folder}/.", kept], check=True)
            print(f"kept: {kept}")
        for point in test.points:
            print(f"{point:36} {test.hits[point]:8} {test.deaths[point]:7}")
        rotations = sum(rotated for _, rotated in written.values())
        print(f"{lines} lines, {rotations} rotations, {test.kills} kills")
        if problems:
            sys.exit("\n".join(problems[:20]))
        print("each line once and in order; finished files of the exactly-once sinks are their topics")


main()
