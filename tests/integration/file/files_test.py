# SPDX-License-Identifier: Apache-2.0
"""FileSource and FileSink on the real worker: patterns, rotation, rolling. usage: files_test.py SLUICE [TEST...]"""
import gzip
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)


class FilesTest(unittest.TestCase):
    def setUp(self):
        holder = Folder()
        self.folder = holder.__enter__()
        self.addCleanup(holder.__exit__)
        (self.folder / "log").mkdir()
        self.worker = Worker(SLUICE, self.folder).start()
        self.addCleanup(self.worker.__exit__)

    def append(self, name, text):
        with open(self.folder / "log" / name, "a", encoding="utf-8") as out:
            out.write(text)

    def source(self, **more):
        self.worker.create("source", {"connector.class": "FileSource", "file": self.folder / "log" / "*.log",
                                      "topic": "lines", "rescan.interval.ms": 20, "rotated.wait.ms": 200, **more})

    def sink(self, name="sink", **more):
        self.worker.create(name, {"connector.class": "FileSink", "topics": "lines", "file": self.folder / "out.txt", **more})

    def arrive(self, lines):
        """Those of a.log and those of b.log, each in order."""
        out = self.folder / "out.txt"
        by_file = lambda found: sorted(found, key=lambda line: line[0])
        wait_until(lambda: out.exists() and by_file(out.read_text().splitlines()) == by_file(lines), 30,
                   lambda: f"{lines}; there is {out.read_text() if out.exists() else None!r}")

    def findings(self, plugin, **config):
        answer = self.worker.call(f"/connector-plugins/{plugin}/config/validate", "PUT",
                                  {"connector.class": plugin, "name": "x", **config})
        self.assertEqual(answer.status, 200, answer)
        return {c["value"]["name"]: c["value"]["errors"] for c in answer.json()["configs"] if c["value"]["errors"]}

    def test_files_come_and_are_rotated_also_while_the_worker_is_down(self):
        self.append("a.log", "a1\n")
        self.source(**{"tasks.max": 2})
        self.sink()
        self.append("b.log", "b1\n")
        self.arrive(["a1", "b1"])
        self.assertEqual(len(self.worker.status("source")["tasks"]), 2)
        wait_until(lambda: {o["partition"]["filename"]: o["offset"]["position"]
                            for o in self.worker.call("/connectors/source/offsets").json()["offsets"]} ==
                   {str(self.folder / "log" / "a.log"): 3, str(self.folder / "log" / "b.log"): 3}, 30, "the offsets")
        self.assertEqual(self.worker.stop(), 0)
        self.append("a.log", "a2\n")
        (self.folder / "log" / "a.log").rename(self.folder / "log" / "a.log.1")
        self.append("a.log", "a3\n")
        (self.folder / "log" / "b.log").unlink()
        self.worker.start()
        self.arrive(["a1", "b1", "a2", "a3"])
        wait_until(lambda: sorted((o["offset"]["path"], o["partition"]["filename"]) for o in
                                  self.worker.call("/connectors/source/offsets").json()["offsets"]) ==
                   [(str(self.folder / "log" / name), str(self.folder / "log" / "a.log")) for name in ("a.log", "a.log.1")],
                   30, "offsets of files that are gone to go, those of files that are there to stay")

    def test_files_by_partition_roll_into_compressed_ones(self):
        self.append("a.log", "".join(f"line {n}\n" for n in range(1000)))
        self.source()
        self.sink(file=str(self.folder / "out/${topic}/${partition}-${seq}.txt"), **{
            "roll.interval.ms": 50, "roll.compression": "gzip", "exactly.once.support": "required"})
        finished = lambda: sorted(self.folder.glob("out/lines/*.gz"))
        text = lambda: b"".join(gzip.decompress(f.read_bytes()) for f in finished())
        wait_until(lambda: text().count(b"\n") == 1000, 30, "the finished files")
        self.assertEqual(text().decode(), (self.folder / "log" / "a.log").read_text())

    def test_a_link_out_of_the_roots_is_left_out_and_said(self):
        self.append("a.log", "a1\n")
        (self.folder / "log" / "passwd.log").symlink_to("/etc/passwd")
        self.source()
        self.sink()
        self.arrive(["a1"])
        log = (self.folder / "worker.log").read_text()
        self.assertRegex(log, "file-refused.*passwd.log.*file.allowed.roots")

    def test_a_pattern_outside_of_the_roots_fails_with_what_to_add(self):
        self.source(file="/etc/*.conf")
        status = wait_until(lambda: (s := self.worker.status("source")) and s["tasks"] and
                            s["tasks"][0]["state"] == "FAILED" and s, 30, "the refusal")
        self.assertIn("file.allowed.roots", status["tasks"][0]["trace"])

    def test_findings_name_key_value_and_what_is_allowed(self):
        found = self.findings("FileSource", file="*.log", topic="t-${file}")
        self.assertEqual(set(found), {"topic"})
        self.assertIn("${file.name}", found["topic"][0])
        found = self.findings("FileSource", file="*.log", topic="t", encoding="utf-7", **{"long.lines": "cut"})
        self.assertEqual(set(found), {"encoding", "long.lines"})
        self.assertIn("ISO-8859-1", found["encoding"][0])
        self.assertIn("cut", found["long.lines"][0])
        found = self.findings("FileSink", topics="t", file="out-%Q.txt")
        self.assertIn("'%Q'", found["file"][0])
        found = self.findings("FileSink", topics="t", file="out.txt", **{"roll.bytes": "10"})
        self.assertIn("${seq}", found["file"][0])


if __name__ == "__main__":
    unittest.main(verbosity=1)
