# SPDX-License-Identifier: Apache-2.0
"""Lives of the crash suite that end while `sluice log backup` or `sluice log restore` copies. Whatever folder is left then is
either whole or refused by all that could take it for whole, and the same command given again makes it whole."""
import json
import os
import shutil
import subprocess

from tests.crash.workload import FAILURES
from tests.support.processes import free_port, wait_until

POINTS = ("backup.", "copy.", "restore.")
KILLED = -9


def copy_life(lane, end, nth):
    """How often each point was hit, and whether the victim died at its point."""
    copies = Copies(lane)
    in_restore = end.startswith("restore.") or (end.startswith("copy.") and lane.dice.random() < 0.5)
    return copies.die_in_restore(end, nth) if in_restore else copies.die_in_backup(end, nth)


class Copies:
    def __init__(self, lane):
        self.lane, self.work, self.worker = lane, lane.work, lane.work.worker
        self.copy, self.into = lane.folder / "copy", lane.folder / "restored" / "data"
        for folder in (self.copy, self.into, partial(self.copy), partial(self.into)):
            shutil.rmtree(folder, ignore_errors=True)

    def die_in_backup(self, end, nth):
        self.lane.arm(self.worker, end, nth)
        alive = self.lane.bring_up(self.worker)
        if not alive:
            raise AssertionError(f"the worker died at {end} before there was a backup")
        acknowledged = {}
        try:
            acknowledged = self.load()
            self.backup()
        except FAILURES:
            pass
        code = self.worker.end()
        if code != KILLED:
            raise AssertionError(f"ended with {code} in a life that was to end at {end}:\n{self.worker.tail()}")
        hits = self.lane.hits()
        died = hits[end] >= nth
        self.work.note("killed", at=end, nth=nth)
        left = [folder for folder in (self.copy, partial(self.copy)) if folder.exists()]
        if died and not left:
            raise AssertionError(f"nothing is left of the backup that died at {end}")
        self.disarm()
        for folder in left:
            self.whole_or_refused(folder, acknowledged)
        self.worker.start()
        if not self.copy.exists():
            self.backup()
        self.must_be_whole(self.copy, acknowledged)
        self.restore()
        self.must_be_whole(self.into, acknowledged)
        self.worker.kill()
        return hits, died

    def die_in_restore(self, end, nth):
        self.disarm()
        self.worker.start()
        acknowledged = self.load()
        self.backup()
        self.worker.kill()
        self.lane.log.unlink(missing_ok=True)
        code = self.restore({"SLUICE_CRASH_AT": f"{end}:{nth}", "SLUICE_CRASH_LOG": str(self.lane.log)})
        if code not in (KILLED, 0):
            raise AssertionError(f"a restore that was to end at {end} ended with {code}")
        hits = self.lane.hits()
        for folder in (self.into, partial(self.into)):
            if folder.exists():
                self.whole_or_refused(folder, acknowledged)
        if not self.into.exists():
            self.restore()
        self.must_be_whole(self.into, acknowledged)
        return hits, code == KILLED

    def disarm(self):
        for name in ("SLUICE_CRASH_AT", "SLUICE_CRASH_LOG"):
            self.worker.environment.pop(name, None)

    def load(self):
        """Something new in the log; where each partition ends now: so much a backup must have."""
        before = sum(self.ends().values())
        for source in ("a", "b"):
            self.work.append(source, self.lane.dice.randint(20, 200))
        wait_until(lambda: sum(self.ends().values()) > before, 60, "the lines")
        return self.ends()

    def ends(self):
        return {(topic, partition["partition"]): partition["end"] for topic in ("a", "b", "c")
                for partition in self.work.call(f"/sluice/topics/{topic}").json()["partitions"]}

    def backup(self):
        answer = self.work.call("/sluice/log/backup", "POST", {"directory": str(self.copy)})
        if answer.status != 202:
            raise AssertionError(f"backup: {answer}")
        while (state := self.work.call("/sluice/log/backup?wait_ms=1000").json())["state"] == "RUNNING":
            pass
        if state["state"] != "DONE":
            raise AssertionError(f"backup: {state}")

    def sluice(self, *arguments, environment=None):
        return subprocess.run([self.worker.binary, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False,
                              env={**os.environ, **self.worker.environment, **(environment or {})})

    def restore(self, environment=None):
        done = self.sluice("log", "restore", self.copy, self.into, environment=environment)
        if done.returncode != 0 and environment is None:
            raise AssertionError(f"restore: {done.stdout}{done.stderr}")
        return done.returncode

    def whole_or_refused(self, folder, acknowledged):
        """Refused: no worker starts on it, no restore takes it."""
        run = ["run", "--set", f"data.dir={folder}", "--set", f"listeners=http://127.0.0.1:{free_port()}"]
        if (folder / "copy.unfinished").exists():
            for arguments in (run, ["log", "verify", folder], ["log", "restore", folder, self.lane.folder / "nothing"]):
                done = self.sluice(*arguments)
                if done.returncode not in (1, 2) or "copy.unfinished" not in done.stdout + done.stderr:
                    raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
        else:
            self.must_be_whole(folder, acknowledged)

    def must_be_whole(self, folder, acknowledged):
        done = self.sluice("log", "verify", folder)
        if done.returncode != 0:
            raise AssertionError(f"{folder} is not whole: {done.stdout}{done.stderr}")
        names = {}
        for line in self.sluice("--output", "json", "log", "dump", folder, "--checkpoint").stdout.splitlines():
            known = json.loads(line)
            if "nextOffset" in known:
                names[(known["topic"], known["partition"])] = known["nextOffset"]
        for place, end in acknowledged.items():
            if names.get(place, 0) < end:
                raise AssertionError(f"{folder}: {place} ends at {names.get(place)}, {end} was acknowledged before the copy")


def partial(folder):
    return folder.with_name(folder.name + ".partial")
