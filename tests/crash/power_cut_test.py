# SPDX-License-Identifier: Apache-2.0
"""The real worker with its data directory and its sinks' outputs on a file system that loses at a cut what was not synced.

After each cut: every line whose sink offset was reported as committed stands in the at-least-once output; at the end every
line is there in order (what a cut tore between two lives may stand between), and the exactly-once output equals the input.

usage: power_cut_test.py SLUICE POWERFS [--cuts 40] [--seed N] [--lie]
--lie runs the worker under eatmydata, whose fsync does nothing: then the test must fail (exit 0 if it does).
"""
import argparse
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.support.powerfs import CannotMount, PowerFs  # noqa: E402
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

FILLER = " " + "abcdefghij" * 8 + "abcdef\n"
LINE = 12 + len(FILLER)


class Lost(Exception):
    pass


def append_lines(path, begin, end):
    with open(path, "a", encoding="ascii") as out:
        out.write("".join(f"{n:012d}{FILLER}" for n in range(begin, end)))


def whole_lines(path):
    """Numbers of the untorn lines, in order of the file."""
    numbers = []
    for line in Path(path).read_bytes().split(b"\n") if path.exists() else []:
        tail = line[-(LINE - 1):]  # a torn piece may stand before a whole line
        if len(tail) == LINE - 1 and tail[:12].isdigit() and tail[12:] == FILLER[:-1].encode():
            numbers.append(int(tail[:12]))
    return numbers


def committed(worker, sink):
    try:
        answer = worker.call(f"/connectors/{sink}/offsets", timeout=5)
    except OSError:
        return 0
    offsets = answer.json()["offsets"] if answer.status == 200 else []
    return offsets[0]["offset"]["kafka_offset"] if offsets else 0


def run(args, binary, environment):
    dice = random.Random(args.seed)
    with Folder() as folder, PowerFs(args.powerfs, folder) as power:
        source, out, exact = folder / "in.txt", power.mount / "out.txt", power.mount / "exact.txt"
        append_lines(source, 0, 1000)
        written = 1000
        worker = Worker(binary, folder, {
            "data.dir": power.mount / "data", "file.allowed.roots": f"{folder},{power.mount}",
            "offset.flush.interval.ms": 50}, environment).start()
        connectors = {
            "source": {"connector.class": "FileStreamSource", "file": source, "topic": "lines"},
            "sink": {"connector.class": "FileStreamSink", "file": out, "topics": "lines"},
            "exact": {"connector.class": "FileStreamSink", "file": exact, "topics": "lines",
                      "exactly.once.support": "required"}}
        for name, config in connectors.items():
            worker.create(name, config)
        for cut in range(args.cuts):
            end = time.monotonic() + dice.uniform(0.02, 0.4)
            acknowledged = 0
            while time.monotonic() < end:
                append_lines(source, written, written + 200)
                written += 200
                acknowledged = max(acknowledged, committed(worker, "sink"))
            power.command("cut")
            worker.kill()
            power.command(f"restore {dice.randrange(1 << 32)}")
            worker.start()
            missing = [name for name in connectors if worker.call(f"/connectors/{name}").status != 200]
            if missing:
                raise Lost(f"cut {cut + 1}: connectors {missing} were created (201) and are gone")
            have = set(whole_lines(out))
            lost = [n for n in range(acknowledged) if n not in have]
            if lost:
                raise Lost(f"cut {cut + 1}: {acknowledged} lines were committed, lines {lost[:5]} ... are not in the output")
        finish(worker, source, out, exact, written)
        stats = power.stats()
        if stats["lost_writes"] == 0 or stats["torn_writes"] == 0:
            raise SystemExit(f"the cuts lost nothing, so they proved nothing: {stats}")
        print(f"{written} lines, {args.cuts} cuts (seed {args.seed}): nothing acknowledged was lost; {stats}")
        worker.stop()


def finish(worker, source, out, exact, written):
    try:
        wait_until(lambda: committed(worker, "sink") >= written, 120, "all lines")
        wait_until(lambda: exact.stat().st_size >= written * LINE, 60, "the exactly-once output")
    except TimeoutError as error:
        raise Lost(f"{error}: {[ (n, worker.status(n)) for n in ('source', 'sink', 'exact')]}\n{worker.tail()}") from None
    expected = 0
    # Whole lines of a torn write may stand behind a hole; what counts is that every line comes, in order.
    for number in whole_lines(out):
        if number == expected:
            expected += 1
    if expected != written:
        raise Lost(f"the at-least-once output ends at line {expected} of {written}")
    if exact.read_bytes() != source.read_bytes():
        raise Lost("the exactly-once output differs from the input")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice")
    parser.add_argument("powerfs")
    parser.add_argument("--cuts", type=int, default=40)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--lie", action="store_true")
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    environment = {}
    if args.lie:
        library = next(Path("/usr/lib").glob("*/libeatmydata.so"), None)
        if shutil.which("eatmydata") is None or library is None:
            sys.exit("eatmydata is not installed")
        environment["LD_PRELOAD"] = str(library)
    try:
        run(args, args.sluice, environment)
    except CannotMount as error:
        print(f"SKIPPED: {error}")
        sys.exit(77)
    except (Lost, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
        if args.lie:
            print(f"as it must be without fsync, the test failed: {str(error)[:300]}")
            return
        sys.exit(f"{type(error).__name__}: {error}")
    if args.lie:
        sys.exit("fsync did nothing and yet nothing was lost: the test cannot fail, so it proves nothing")


main()
