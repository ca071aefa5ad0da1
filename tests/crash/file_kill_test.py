# SPDX-License-Identifier: Apache-2.0
"""Lines with sequence numbers go file -> topic -> two files while the worker is killed with kill -9 again and again.

At-least-once sink: after removing repeats the output equals the input, and each repeat starts at the offset that was
committed before the kill. Exactly-once sink: the output equals the input byte for byte.

usage: file_kill_test.py SLUICE [--mib 1024] [--kills 20] [--seed N]
"""
import argparse
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

LINE = 100  # bytes with the newline


def write_input(path, lines):
    """Line n is its number in 12 digits and filler, so that a cut, mixed or changed line shows."""
    filler = " " + "abcdefghij" * 8 + "abcdef\n"
    assert 12 + len(filler) == LINE
    with open(path, "w", encoding="ascii") as out:
        for begin in range(0, lines, 100_000):
            out.write("".join(f"{n:012d}{filler}" for n in range(begin, min(begin + 100_000, lines))))


class OffsetObserver(threading.Thread):
    """Asks for the sink's committed offset all the time; keeps the last and the first answer of each life."""

    def __init__(self, worker, connector):
        super().__init__(daemon=True)
        self.worker, self.connector = worker, connector
        self.first = self.last = None
        self.stopped = False

    def run(self):
        while not self.stopped:
            try:
                answer = self.worker.call(f"/connectors/{self.connector}/offsets", timeout=5)
            except OSError:
                continue
            if answer.status == 200:
                offsets = answer.json()["offsets"]
                value = offsets[0]["offset"]["kafka_offset"] if offsets else 0
                if self.first is None:
                    self.first = value
                self.last = value
            time.sleep(0.005)


def check_repeats(path, lines, lives):
    """Walks the output: it counts up, and jumps back only at the start of a life, to the committed offset."""
    expected = 0
    highest = 0
    life = 0
    repeats = 0
    with open(path, "rb") as out:
        for number, line in enumerate(out):
            if len(line) != LINE:
                sys.exit(f"line {number} of the at-least-once output is torn: {line[:40]!r} ({len(line)} bytes)")
            value = int(line[:12])
            if value != expected:
                if value > expected:
                    sys.exit(f"line {number}: {value} follows {expected - 1}: lines are lost")
                # A jump back: the start of one of the later lives, at the offset committed before its kill.
                while life < len(lives) and not lives[life][0] <= value <= lives[life][1]:
                    life += 1
                if life == len(lives):
                    sys.exit(f"line {number}: repeats from {value}, which no kill explains; committed: {lives}")
                repeats += expected - value
                life += 1
            expected = value + 1
            highest = max(highest, expected)
    if highest != lines:
        sys.exit(f"the at-least-once output ends at {highest}, the input has {lines} lines")
    return repeats


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("sluice")
    arguments.add_argument("--mib", type=int, default=1024)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=None)
    args = arguments.parse_args()
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(1 << 32)
    dice = random.Random(seed)
    print(f"seed {seed}")
    lines = args.mib * (1 << 20) // LINE
    with Folder() as folder:
        source, at_least_once, exactly_once = folder / "in.txt", folder / "out.txt", folder / "exact.txt"
        write_input(source, lines)
        worker = Worker(args.sluice, folder, {"offset.flush.interval.ms": 100}).start()
        worker.create("source", {"connector.class": "FileStreamSource", "file": source, "topic": "lines"})
        worker.create("sink", {"connector.class": "FileStreamSink", "file": at_least_once, "topics": "lines"})
        worker.create("exact", {"connector.class": "FileStreamSink", "file": exactly_once, "topics": "lines",
                                "exactly.once.support": "required"})
        lives = []  # (committed seen last before the kill, committed seen first after it)
        observer = OffsetObserver(worker, "sink")
        observer.start()
        sizes = lambda: [p.stat().st_size if p.exists() else 0 for p in (at_least_once, exactly_once)]
        for kill in range(args.kills):
            time.sleep(dice.uniform(0.05, 0.6))  # a random moment, not a wait for anything
            worker.kill()
            observer.stopped = True
            observer.join()
            before = observer.last or 0
            worker.start()
            observer = OffsetObserver(worker, "sink")
            observer.start()
            wait_until(lambda: observer.first is not None, 30, "the sink's offsets after the restart")
            lives.append((before, observer.first))
            print(f"kill {kill + 1}: committed {before}..{observer.first}, outputs {sizes()}", flush=True)
        wait_until(lambda: (observer.last or 0) >= lines, 600, lambda: f"all lines committed; {worker.tail()}", step=0.1)
        observer.stopped = True
        wait_until(lambda: sizes()[1] >= lines * LINE, 120, lambda: f"the exactly-once output; {worker.tail()}", step=0.1)
        code = worker.stop()
        if code != 0:
            sys.exit(f"the worker ended with {code}: {worker.tail()}")
        repeats = check_repeats(at_least_once, lines, lives)
        compared = subprocess.run(["cmp", str(source), str(exactly_once)], check=False, capture_output=True, text=True)
        if compared.returncode != 0:
            sys.exit("the exactly-once output differs: " + compared.stdout + compared.stderr)
        print(f"{lines} lines, {args.kills} kills: nothing lost; at-least-once repeated {repeats} lines, "
              "each time from the committed offset; exactly-once: no difference")


main()
