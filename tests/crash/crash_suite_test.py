# SPDX-License-Identifier: Apache-2.0
"""Kills the real worker at every named crash point, at random moments, and after it stood still for a while (SIGSTOP), while
pipelines run and topics and connectors come and go; then tests/checker looks for anything that was acknowledged and is not
there. The points come from the binary and the plugin themselves; at the end a table says how often each was hit and how
often the worker died there. A point with fewer than five hits, or too few deaths, fails the test.

usage: crash_suite_test.py SLUICE FILE_PLUGIN [--cycles 200] [--deaths 3] [--lanes 2] [--seed N] [--long]
--cycles: lives that end in a kill, at least; more if a point needs it. --long: 10,000 of them.
"""
import argparse
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.crash.copies import POINTS as COPIES, copy_life  # noqa: E402
from tests.crash.dead_letters import DeadLetters  # noqa: E402
from tests.crash.workload import FAILURES, NO_LEAKS, Workload  # noqa: E402
from tests.support.crash_points import crash_points  # noqa: E402
from tests.support.processes import Folder, wait_until  # noqa: E402

KILLED = -9
RANDOM_KILL, PAUSE = "kill -9", "SIGSTOP"
HITS = 5    # of each point, at least
LIFE = 1.5  # seconds of work, after which a worker that did not die at its point is killed anyway
STEPS = 12  # of that work at least, however slow the machine is
LONG_LIFE = 5  # the same for points that are first met after a second or more
# A few points are passed only in the life after a death at a certain other one.
FIRST_DIE_AT = {"metadata.snapshot_begin": "metadata.synced", "metadata.snapshot_written": "metadata.synced",
                "metadata.log_replaced": "metadata.synced", "file.uncommitted_cut": "file.lines_synced",
                "storage.recovery_stray": "server.topic_deleted"}
# Rotated and rolling files: file_rotation_kill_test.py dies at these.
ELSEWHERE = ("file.rotation_", "file.roll_")
# Where the metadata of a new directory is made: these need a new directory for each death.
FRESH = "metadata.fresh_"


def life_of(point):
    return LONG_LIFE if "dead_letters" in point else LIFE


class Plan:
    """Which end the next life has: shared by the lanes. The point with the fewest deaths comes first."""

    def __init__(self, points, cycles, deaths, dice):
        self.points, self.cycles, self.wanted, self.dice = points, cycles, deaths, dice
        self.lock = threading.Lock()
        self.hits, self.deaths, self.attempts = Counter(), Counter(), Counter()
        self.per_life = {}  # point -> the most times that one life passed it
        self.ended = 0      # lives
        self.misses = 0     # lives that outlived their point
        self.failure = None

    def next(self):
        """(point or RANDOM_KILL or PAUSE, hit number), or None at the end."""
        with self.lock:
            missing = [p for p in self.points if not self.reached(p) and self.attempts[p] < 12 * self.wanted]
            if self.failure or (not missing and self.ended >= self.cycles):
                return None
            roll = self.dice.random()
            if roll < 0.08:
                return RANDOM_KILL, 0
            if roll < 0.12:
                return PAUSE, 0
            point = min(missing or self.points, key=lambda p: (self.attempts[p], self.dice.random()))
            self.attempts[point] += 1
            # Late hits are tried first; a point that is hard to reach is taken where it is first met.
            most = self.per_life.get(point, 1) // 2 if self.attempts[point] - self.deaths[point] <= 2 else 1
            return point, self.dice.randint(1, max(1, most))

    def died(self, point, hits, at_point):
        with self.lock:
            self.ended += 1
            if self.ended % 50 == 0:
                print(f"{self.ended} lives, {sum(map(self.reached, self.points))} points done", flush=True)
            self.hits.update(hits)
            for name, count in hits.items():
                self.per_life[name] = max(self.per_life.get(name, 0), count)
            if at_point:
                self.deaths[point] += 1
            elif point in self.points:
                self.misses += 1

    def table(self):
        lines = [f"{'crash point':36} {'hits':>8} {'deaths':>7}"]
        lines += [f"{p:36} {self.hits[p]:8} {self.deaths[p]:7}{'' if self.reached(p) else '   <-- too few'}"
                  for p in self.points]
        lines += [f"{end:36} {'':8} {self.deaths[end]:7}" for end in (RANDOM_KILL, PAUSE)]
        return "\n".join(lines)

    def reached(self, point):
        return self.deaths[point] >= self.wanted and self.hits[point] >= HITS


class Lane(threading.Thread):
    """One data directory and its worker, killed again and again."""

    def __init__(self, number, args, folder, plan):
        super().__init__(name=f"lane {number}", daemon=True)
        self.args, self.plan = args, plan
        self.dice = random.Random(args.seed * 1000 + number)
        self.folder = folder / f"lane{number}"
        self.folder.mkdir()
        self.log = self.folder / "hits"
        self.work = self.workload(self.folder)
        self.dead_letters = DeadLetters(self.work)
        self.fresh = 0
        self.summary = ""

    def workload(self, folder):
        return Workload(self.args.sluice, folder, self.dice, environment=NO_LEAKS)

    def run(self):
        try:
            self.all_lives()
        except Exception as error:  # whatever it is fails the test, with its text
            with self.plan.lock:
                self.plan.failure = self.plan.failure or f"{self.name}: {type(error).__name__}: {error}"

    def all_lives(self):
        work = self.work
        work.worker.start()
        work.add_pipelines()
        self.dead_letters.add()
        wait_until(lambda: all(work.call(f"/sluice/topics/{topic}").status == 200 for topic in ("a", "b", "c")), 60, "the topics")
        work.worker.kill()
        while (planned := self.plan.next()) is not None:
            end, nth = planned
            if end.startswith(FRESH):
                self.fresh_life(end)
                continue
            if end.startswith(COPIES):
                self.plan.died(end, *copy_life(self, end, nth))
                continue
            if end in FIRST_DIE_AT:
                self.life(FIRST_DIE_AT[end], 1, counted=False)
                nth = 1
            self.life(end, nth)
        work.worker.environment.pop("SLUICE_CRASH_AT", None)
        work.worker.environment.pop("SLUICE_CRASH_LOG", None)
        work.worker.start()
        work.settle()
        self.dead_letters.settle()
        self.summary = f"{self.name}: {work.check()}; {work.churned} topics and pairs of connectors came and went"

    def arm(self, worker, end, nth):
        self.log.unlink(missing_ok=True)
        worker.environment["SLUICE_CRASH_LOG"] = str(self.log)
        worker.environment["SLUICE_CRASH_AT"] = f"{end}:{nth}"

    def hits(self):
        return Counter(self.log.read_text().split()) if self.log.exists() else Counter()

    def bring_up(self, worker):
        """True: it is healthy. False: it died on the way, as armed."""
        worker.start(wait=False)
        try:
            worker.wait_ready()
            return True
        except RuntimeError:
            if worker.process.returncode != KILLED:
                raise
            return False

    def life(self, end, nth, counted=True):
        worker = self.work.worker
        self.arm(worker, end, nth)
        if end == "file.torn_line_cut":
            self.tear_output()
        alive = self.bring_up(worker)
        planned = end in self.plan.points
        deadline = time.monotonic() + (life_of(end) if planned else self.dice.uniform(0, 0.4))
        steps = STEPS if planned else 0
        while alive and (time.monotonic() < deadline or steps > 0):
            steps -= 1
            try:
                self.step()
            except FAILURES:  # what the answer would have been stays unknown
                alive = worker.process.poll() is None
        if end == PAUSE and worker.process.poll() is None:
            self.stand_still(worker)
        at_point = worker.process.poll() is not None
        if at_point and worker.process.returncode != KILLED:
            raise AssertionError(f"ended with {worker.process.returncode} in a life that was to end at {end}:\n{worker.tail()}")
        worker.end()
        self.work.note("killed", at=end, nth=nth)
        if counted:
            self.plan.died(end, self.hits(), at_point or end in (RANDOM_KILL, PAUSE))

    def step(self):
        work = self.work
        for source in ("a", "b", "c"):
            work.append(source, self.dice.randint(1, 60))
        self.dead_letters.append(self.dice.randint(1, 60))
        what = self.dice.random()
        if what < 0.5:
            work.churn()
        elif what < 0.6:
            work.pause_and_resume(self.dice.choice(["a-alo", "a-exact", "b-exact", "a", "b"]))
        elif what < 0.7:
            work.look(self.dice.choice(["a", "b"]))
        work.observe()

    def stand_still(self, worker):
        worker.process.send_signal(signal.SIGSTOP)
        time.sleep(self.dice.uniform(0.01, 0.15))  # the pause itself, not a wait for anything
        worker.process.send_signal(signal.SIGCONT)
        self.work.append("a", 20)
        try:
            self.work.observe()
        except FAILURES:
            pass

    def tear_output(self):
        """As a kill inside of write(2): the front of a line that has not been committed stands at the end of the file."""
        with open(self.work.out / "a-alo.out", "ab") as out:
            out.write(b"a 00000")

    def fresh_life(self, end):
        """The first start of a new directory dies; the second one must make it whole."""
        folder = self.folder / f"fresh{self.fresh}"
        self.fresh += 1
        folder.mkdir()
        work = self.workload(folder)
        self.arm(work.worker, end, 1)
        at_point = not self.bring_up(work.worker)
        hits = self.hits()
        work.worker.end()
        self.plan.died(end, hits, at_point)
        del work.worker.environment["SLUICE_CRASH_AT"]
        work.worker.start()
        work.add_source("new", "new")
        wait_until(lambda: work.call("/connectors/new/offsets").json()["offsets"], 60, "the first records")
        work.observe()
        work.check()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice")
    parser.add_argument("plugin")
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--deaths", type=int, default=3)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--long", action="store_true")
    args = parser.parse_args()
    if args.long:
        args.cycles, args.deaths = max(args.cycles, 10_000), max(args.deaths, 20)
    points = crash_points(args.sluice) + [p for p in crash_points(args.plugin) if not p.startswith(ELSEWHERE)]
    if not points:
        sys.exit(f"{args.sluice} has no crash points: build it with the preset dev or tsan")
    print(f"seed {args.seed}, {len(points)} crash points", flush=True)
    begin = time.monotonic()
    plan = Plan(points, args.cycles, args.deaths, random.Random(args.seed))
    with Folder() as folder:
        lanes = [Lane(number, args, folder, plan) for number in range(args.lanes)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
            lane.work.worker.end()
    print(plan.table())
    if plan.failure:
        sys.exit(plan.failure)
    print(*(lane.summary for lane in lanes), sep="\n")
    print(f"{plan.ended} lives in {time.monotonic() - begin:.0f} s, {plan.misses} outlived their crash point")
    unhit = [point for point in points if not plan.reached(point)]
    if unhit:
        sys.exit(f"fewer than {HITS} hits or {args.deaths} deaths: {', '.join(unhit)}")


main()
