# SPDX-License-Identifier: Apache-2.0
"""`sluice log backup` of a worker under load, and `sluice log restore`: everything acknowledged before the backup began is in it, it is
consistent (a worker that starts on it goes on without a gap or a repeat), and kill -9 in the middle leaves nothing that passes
for whole.

usage: backup_test.py SLUICE
"""
import json
import os
import subprocess
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from log_folder import Tools, append_lines, end_offset, flip, line, source_config  # noqa: E402
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)
TOPIC = {"topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1",
         "topic.creation.default.segment.bytes": str(1 << 20)}


class Load(threading.Thread):
    """Appends lines to the source's file until it is stopped."""

    def __init__(self, path, first):
        super().__init__(daemon=True)
        self.path, self.lines = path, first
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.wait(0.005):
            append_lines(self.path, self.lines, 50)
            self.lines += 50

    def finish(self):
        self.stopped.set()
        self.join()
        return self.lines


class BackupTest(unittest.TestCase):
    def setUp(self):
        holder = Folder()
        self.folder = holder.__enter__()
        self.addCleanup(holder.__exit__)
        self.tools = Tools(self, SLUICE)
        self.input = self.folder / "in.txt"
        self.input.touch()

    def start(self, folder=None, **settings):
        folder = folder or self.folder
        folder.mkdir(exist_ok=True)
        worker = Worker(SLUICE, folder, {"file.allowed.roots": f"{self.folder}", **settings})
        self.addCleanup(worker.__exit__)
        return worker.start()

    def fill(self, lines, **settings):
        worker = self.start(**settings)
        append_lines(self.input, 0, lines)
        worker.create("lines", source_config(self.input, **TOPIC))
        wait_until(lambda: end_offset(worker) == lines, 120, "the lines")
        return worker

    def values(self, data, topic="t"):
        return [r["value"] for r in self.tools.json_lines("log", "dump", data, "--topic", topic, "--records") if "offset" in r]

    def assert_lines(self, values, begin, end, what):
        self.assertEqual(len(values), end - begin, f"lines of {what}")
        wrong = next(((at, value) for at, value in enumerate(values) if value != line(begin + at)), None)
        self.assertIsNone(wrong, f"place and line of {what}")

    def metric(self, worker, name):
        value, = worker.samples(name)
        return value

    def offset(self, worker, connector, key):
        offsets = worker.call(f"/connectors/{connector}/offsets").json()["offsets"]
        return offsets[0]["offset"][key] if offsets else 0

    def position(self, worker, source):
        return self.offset(worker, source, "position")

    def sink_offset(self, worker):
        return self.offset(worker, "out", "kafka_offset")

    def backup_with_a_deletion_inside(self, worker):
        """A topic with records is deleted after the copy has begun and before it is done. Returns the backup's folder, and
        how far lines and the sink were when it began."""
        (self.folder / "gone.txt").write_text("gone\n" * 1000)
        for attempt in range(1, 41):
            gone, copy = f"gone{attempt}", self.folder / f"copy{attempt}"
            worker.create(gone, source_config(self.folder / "gone.txt", topic=gone, **TOPIC))
            wait_until(lambda: end_offset(worker, gone) == 1000, 60, "a topic that will be deleted")
            self.assertEqual(worker.call(f"/connectors/{gone}", "DELETE").status, 204)
            before = end_offset(worker), self.sink_offset(worker)
            self.assertEqual(worker.call("/sluice/log/backup", "POST", {"directory": str(copy)}).status, 202)
            state = lambda: worker.call("/sluice/log/backup").json()
            wait_until(lambda: (now := state())["state"] != "RUNNING" or now["bytes"] > 0, 60, "the copy to begin", step=0.001)
            self.assertEqual(worker.call(f"/sluice/topics/{gone}", "DELETE").status, 204)
            inside = state()["state"] == "RUNNING"
            wait_until(lambda: state()["state"] != "RUNNING", 60, "the end of the backup")
            self.assertEqual(state()["state"], "DONE", state())
            if inside:
                return copy, *before
        self.fail("the copy was always done before the topic was deleted")

    def test_a_backup_under_load_is_whole_and_goes_on(self):
        # Its offsets topic is so small that it is compacted all the time.
        worker = self.fill(20_000, **{"log.retention.check.interval.ms": 20, "offset.storage.segment.bytes": 8192,
                                      "offset.storage.min.cleanable.dirty.ratio": 0.01})
        load = Load(self.input, 20_000)
        load.start()
        self.addCleanup(load.finish)
        wait_until(lambda: end_offset(worker) > 21_000, 60, "the load")
        # Retention and compaction may not disturb it, nor deleted topics.
        worker.create("short", source_config(self.input, topic="short", **TOPIC | {
            "topic.creation.default.segment.bytes": "65536", "topic.creation.default.retention.bytes": "200000"}))
        output = self.folder / "out.txt"
        worker.create("out", {"connector.class": "FileStreamSink", "topics": "t", "file": str(output)})
        wait_until(lambda: self.sink_offset(worker) > 0, 60, "the sink")
        cleaning = ("sluice_log_segments_deleted_total", "sluice_log_segments_compacted_total")
        for what in cleaning:
            wait_until(lambda: self.metric(worker, what) > 0, 60, what)
        cleaned = [self.metric(worker, what) for what in cleaning]
        copy, acknowledged, delivered = self.backup_with_a_deletion_inside(worker)
        wait_until(lambda: end_offset(worker) > acknowledged + 2000, 60, "the load to go on")
        for what, before in zip(cleaning, cleaned):
            wait_until(lambda: self.metric(worker, what) > before, 60, f"{what} to grow again")
        lines = load.finish()
        wait_until(lambda: end_offset(worker) == lines, 60, "the last line")
        worker.kill()

        self.tools("log", "restore", copy, self.folder / "again" / "data")
        self.assertIn("no damage found", self.tools("log", "verify", self.folder / "again" / "data").stdout)
        values = self.values(self.folder / "again" / "data")
        self.assertGreaterEqual(len(values), acknowledged)
        self.assert_lines(values, 0, len(values), "the copy")
        # Records and source offsets are of one moment: the source goes on exactly behind the last record.
        output.unlink()
        restored = self.start(self.folder / "again")
        for source, topic in (("lines", "t"), ("short", "short")):
            wait_until(lambda: self.position(restored, source) == self.input.stat().st_size, 120, f"the restored {source}")
            self.assertEqual(end_offset(restored, topic), lines)
        wait_until(lambda: output.exists() and output.read_text().endswith(line(lines - 1) + "\n"), 120, "the restored sink")
        self.assertEqual(restored.stop(), 0)
        self.assert_lines(self.values(self.folder / "again" / "data"), 0, lines, "the topic")
        short = self.values(self.folder / "again" / "data", "short")
        self.assert_lines(short, lines - len(short), lines, "the topic with retention")
        # So is a sink's offset: not below what was committed before, and not ahead of the records that it stands for.
        written = output.read_text().splitlines()
        begin = int(written[0].split()[0])
        self.assert_lines(written, begin, lines, "the sink's output")
        self.assertLessEqual(delivered, begin)
        self.assertLessEqual(begin, len(values))

    def interrupt(self, begin, target, victim_of):
        """Begins until the victim is killed while `target` is not whole yet; returns how often it took."""
        for attempt in range(1, 21):
            handle = begin()
            partial = Path(f"{target}.partial")
            wait_until(lambda: partial.exists() or target.exists(), 60, "the copy to begin", step=0.0005)
            victim_of(handle)
            if not target.exists():
                return attempt
            subprocess.run(["rm", "-rf", str(target)], check=True)
        self.fail("the copy was always whole before the kill")

    def test_kill_in_the_middle_of_a_backup(self):
        self.assertEqual(self.fill(150_000).stop(), 0)
        workers = []

        def begin():
            workers.append(self.start())
            answer = workers[-1].call("/sluice/log/backup", "POST", {"directory": str(self.folder / "copy")})
            self.assertEqual(answer.status, 202, answer)
            return workers[-1]
        self.interrupt(begin, self.folder / "copy", lambda worker: worker.kill())
        partial = self.folder / "copy.partial"
        self.assertIn("no finished backup", self.tools("log", "restore", partial, self.folder / "x", code=1).stderr)
        self.assertFalse((self.folder / "x").exists())
        worker = self.start()
        self.tools("log", "backup", self.folder / "copy", worker=worker)
        self.assertFalse(partial.exists())
        self.tools("log", "restore", self.folder / "copy", self.folder / "x")

    def test_kill_in_the_middle_of_a_restore(self):
        worker = self.fill(150_000)
        self.tools("log", "backup", self.folder / "copy", worker=worker)
        into = self.folder / "again" / "data"
        into.parent.mkdir()

        def begin():
            return subprocess.Popen([SLUICE, "log", "restore", str(self.folder / "copy"), str(into)],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def kill(process):
            process.kill()
            process.wait()
        self.interrupt(begin, into, kill)
        self.assertTrue(Path(f"{into}.partial").exists())
        self.tools("log", "restore", self.folder / "copy", into)
        self.assertFalse(Path(f"{into}.partial").exists())
        self.assertEqual(self.values(into), [line(n) for n in range(150_000)])

    def test_a_damaged_backup_is_not_restored(self):
        worker = self.fill(5000)
        self.tools("log", "backup", self.folder / "copy", worker=worker)
        self.assertEqual(worker.stop(), 0)
        segment = next(p for p in (self.folder / "copy" / "topics").rglob("*.log") if p.stat().st_size > 1000)
        flip(segment, 500)
        error = self.tools("log", "restore", self.folder / "copy", self.folder / "x", code=1).stderr
        self.assertIn(segment.name, error)
        flip(segment, 500)
        segment.unlink()
        self.tools("log", "restore", self.folder / "copy", self.folder / "x", code=1)
        flip(self.folder / "copy" / "backup.manifest", 30)
        self.assertIn("manifest", self.tools("log", "restore", self.folder / "copy", self.folder / "x", code=1).stderr)
        self.assertEqual([p.name for p in self.folder.iterdir() if p.name.startswith("x")], [])

    def test_refusals(self):
        worker = self.fill(10)
        for directory, text in (("/etc/sluice-backup", "file.allowed.roots"), ("relative", "absolute"),
                                (str(self.folder / "data" / "x"), "data directory"),
                                (str(self.folder / "none" / "x"), "folder above"),
                                (f"{self.folder}/../x", "file.allowed.roots")):
            answer = worker.call("/sluice/log/backup", "POST", {"directory": directory})
            self.assertEqual(answer.status, 400, answer)
            self.assertIn(text, answer.json()["message"])
        for body in ({}, {"directory": "/x", "more": "y"}, []):
            self.assertEqual(worker.call("/sluice/log/backup", "POST", body).status, 400)
        (self.folder / "link").symlink_to("/etc")
        self.assertEqual(worker.call("/sluice/log/backup", "POST", {"directory": f"{self.folder}/link/x"}).status, 400)
        (self.folder / "full").mkdir()
        (self.folder / "full" / "file").write_text("mine")
        self.assertEqual(worker.call("/sluice/log/backup", "POST", {"directory": f"{self.folder}/full"}).status, 409)
        self.assertEqual(worker.call("/sluice/log/backup").json()["state"], "NONE")
        self.tools("log", "backup", "/etc/sluice-backup", worker=worker, code=1)
        self.tools("log", "backup", self.folder / "copy", worker=worker)
        self.tools("log", "restore", self.folder / "copy", self.folder / "full", code=1)
        self.tools("log", "restore", self.folder / "data", self.folder / "x", code=1)
        self.assertEqual((self.folder / "full" / "file").read_text(), "mine")
        self.assertEqual(json.loads(worker.call("/sluice/log/backup?wait_ms=10").body)["state"], "DONE")
        self.assertEqual(worker.call("/sluice/log/backup?wait_ms=x").status, 400)


if __name__ == "__main__":
    unittest.main(verbosity=1)
