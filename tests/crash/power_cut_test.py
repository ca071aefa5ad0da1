# SPDX-License-Identifier: Apache-2.0
"""The real worker with its data directory and its sinks' outputs on tests/support/powerfs, which loses at a cut what was not
synced: bytes, new names, renames, and half of the last writes. The power goes at any moment from the start of the process
on, while pipelines run and topics and connectors come and go. After each cut all topics and connectors whose creation was
acknowledged are there; in the end everything arrives and tests/checker finds nothing wrong.

usage: power_cut_test.py SLUICE POWERFS [--cuts 200] [--lanes 2] [--seed N] [--lie] [--long]
--lie runs the worker under eatmydata, whose fsync does nothing: then the test must fail (exit 0 if it does).
--long: 2,000 cuts.
"""
import argparse
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.crash.workload import FAILURES, NO_LEAKS, Workload  # noqa: E402
from tests.support.powerfs import CannotMount, PowerFs  # noqa: E402
from tests.support.processes import Folder  # noqa: E402
from tests.support.skips import skip_program  # noqa: E402

CUT_WITHIN = 0.35  # seconds from the start of a worker
# A finding of the checker, or of a life's look at what was created, or of the worker about its own data directory.
LOSS = re.compile(r"^(the checker: )?(lost|two-values|gap|overlap|ahead|not-monotone|missing|resurrected|unparsable): "
                  r"|^(connector|topic) \S+ was (created|deleted), and there are "
                  r"|^The worker cannot start: .*(damaged|missing|is not there|not such a file)", re.M)


class Lane(threading.Thread):
    """One file system, one data directory, one worker that loses its power again and again."""

    def __init__(self, number, args, folder, cuts, environment):
        super().__init__(name=f"lane {number}", daemon=True)
        self.dice = random.Random(args.seed * 1000 + number)
        self.cuts = cuts
        folder = folder / f"lane{number}"
        folder.mkdir()
        self.power = PowerFs(args.powerfs, folder)
        settings = {"data.dir": self.power.mount / "data", "file.allowed.roots": f"{folder},{self.power.mount}"}
        self.work = Workload(args.sluice, folder, self.dice, self.power.mount, settings, True, environment)
        self.dark = threading.Event()  # between a cut and the restart
        self.summary, self.failure, self.loss = "", None, None
        self.began = False  # all pipelines were made: what fails from now on comes of a cut

    def run(self):
        try:
            self.all_lives()
        except CannotMount:
            raise
        except Exception as error:  # whatever it is says that something was lost or does not start
            self.failure, self.loss = f"{self.name}: {type(error).__name__}: {error}", LOSS.search(str(error))

    def end(self):
        if self.work.worker.process:
            self.work.worker.end()
        self.power.__exit__()

    def all_lives(self):
        work = self.work
        work.worker.start()
        work.add_pipelines()
        self.began = True
        for cut in range(self.cuts):
            self.life(cut)
            self.power.command(f"restore {self.dice.randrange(1 << 32)}")
            self.dark.clear()
        work.worker.start()
        self.look_for_what_was_created()
        work.settle()
        self.summary = f"{self.name}: {work.check()}"

    def life(self, cut):
        """Ends with the power gone and the process with it."""
        worker = self.work.worker
        timer = threading.Timer(self.dice.uniform(0, CUT_WITHIN), self.cut)
        if cut > 0:  # else it runs already
            worker.start(wait=False)
        timer.start()
        try:
            if cut > 0:
                worker.wait_ready(unless=self.dark.is_set)
                if not self.dark.is_set():
                    self.look_for_what_was_created()
            while not self.dark.is_set():
                self.step()
        except (*FAILURES, AssertionError, RuntimeError, TimeoutError):
            if not self.dark.is_set():
                raise  # nothing has happened to the disk in this life: it must work
        timer.join()
        code = worker.end()
        if code not in (-9, 0, 1) or "Sanitizer" in worker.tail():
            raise AssertionError(f"the worker ended with {code}:\n{worker.tail()}")
        self.work.note("cut", number=cut)

    def cut(self):
        self.dark.set()  # first: an error after it may be one of the cut
        self.power.command("cut")

    def step(self):
        work = self.work
        for source in ("a", "b", "c"):
            work.append(source, self.dice.randint(1, 40))
        what = self.dice.random()
        if what < 0.4:
            work.churn()
        elif what < 0.5:
            work.look(self.dice.choice(["a", "b"]))
        work.observe()

    def look_for_what_was_created(self):
        there = {"connector": set(self.work.call("/connectors").json()),
                 "topic": {topic["name"] for topic in self.work.call("/sluice/topics").json()["topics"]}}
        for (what, name), state in self.work.states.items():
            if (state == "created" and name not in there[what]) or (state == "deleted" and name in there[what]):
                raise AssertionError(f"{what} {name} was {state}, and there are {sorted(there[what])}")


def run(args, environment):
    with Folder() as folder:
        share = [args.cuts // args.lanes + (lane < args.cuts % args.lanes) for lane in range(args.lanes)]
        lanes = []
        stats = Counter()
        try:
            for number, cuts in enumerate(share):
                lanes.append(Lane(number, args, folder, cuts, environment))
                lanes[-1].start()
            for lane in lanes:
                lane.join()
                stats.update(lane.power.stats())
        finally:
            for lane in lanes:
                lane.end()
        for lane in lanes:
            if not lane.began:
                sys.exit(f"no power was cut: {lane.failure}")
        failures = [lane.failure for lane in lanes if lane.failure]
        losses = [lane.loss.group() for lane in lanes if lane.loss]
        return failures, losses, stats, [lane.summary for lane in lanes]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice")
    parser.add_argument("powerfs")
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--lie", action="store_true")
    parser.add_argument("--long", action="store_true")
    args = parser.parse_args()
    if args.long:
        args.cuts = max(args.cuts, 2000)
    print(f"seed {args.seed}", flush=True)
    environment = dict(NO_LEAKS)
    if args.lie:
        library = next(Path("/usr/lib").glob("*/libeatmydata.so"), None)
        if shutil.which("eatmydata") is None or library is None:
            sys.exit("eatmydata is not installed")
        environment["LD_PRELOAD"] = str(library)
    begin = time.monotonic()
    try:
        failures, losses, stats, summaries = run(args, environment)
    except CannotMount as error:
        skip_program(error)
    if args.lie:
        if not losses:
            sys.exit("\n".join(["fsync did nothing and yet no loss was found, so the test proves nothing", *failures]))
        print("as it must be without fsync, the test failed:", *failures, "found:", *losses, sep="\n")
        return
    if failures:
        sys.exit("\n".join(failures))
    for what in ("lost_writes", "torn_writes", "lost_changes"):
        if stats[what] == 0:
            sys.exit(f"the cuts brought no {what}, so they proved nothing: {dict(stats)}")
    print(*summaries, sep="\n")
    print(f"{args.cuts} cuts in {time.monotonic() - begin:.0f} s: nothing acknowledged was lost; {dict(stats)}")


main()
