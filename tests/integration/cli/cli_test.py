# SPDX-License-Identifier: Apache-2.0
"""The `sluice` commands against a real worker: output, JSON, exit codes, what errors say next. usage: cli_test.py SLUICE"""
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.support.processes import Folder, Worker, free_port, wait_until  # noqa: E402

SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)


class CliTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = Folder()
        cls.folder = cls.holder.__enter__()
        cls.worker = Worker(SLUICE, cls.folder).start()
        (cls.folder / "in.txt").write_text("one\ntwo\nthree\n")

    @classmethod
    def tearDownClass(cls):
        cls.worker.__exit__()
        cls.holder.__exit__()

    def sluice(self, *arguments, code=0, worker=None, stdin=None):
        done = subprocess.run([SLUICE, "--worker", worker or self.worker.url, *map(str, arguments)], input=stdin,
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done

    def source_file(self, name, **more):
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps({"name": name, "config": {
            "connector.class": "FileStreamSource", "file": str(self.folder / "in.txt"), "topic": f"t-{name}", **more}}))
        return file

    def test_life_of_a_connector(self):
        out = self.sluice("connector", "create", self.source_file("life"))
        self.assertIn("Created connector life", out.stdout)
        self.assertIn("sluice connector describe life", out.stderr)
        state = lambda: json.loads(self.sluice("--output", "json", "connector", "describe", "life").stdout)["status"]
        wait_until(lambda: [t["state"] for t in state()["tasks"]] == ["RUNNING"], 30, "the task")
        row = next(r for r in self.sluice("connector", "list").stdout.splitlines() if r.startswith("life "))
        self.assertEqual(row.split()[:5], ["life", "source", "RUNNING", "0:", "RUNNING"])
        self.assertIn("connector.class=FileStreamSource", self.sluice("connector", "describe", "life").stdout)
        self.sluice("connector", "pause", "life")
        wait_until(lambda: state()["connector"]["state"] == "PAUSED", 30, "the pause")
        self.sluice("connector", "resume", "life")
        wait_until(lambda: state()["connector"]["state"] == "RUNNING", 30, "the resume")
        self.sluice("connector", "restart", "life")
        self.sluice("connector", "restart", "life", "--task", "0")
        self.sluice("connector", "stop", "life")
        wait_until(lambda: state()["connector"]["state"] == "STOPPED", 30, "the stop")
        self.sluice("connector", "delete", "life")
        wait_until(lambda: self.worker.call("/connectors/life").status == 404, 30, "the delete")
        gone = self.sluice("connector", "describe", "life", code=4)
        self.assertIn("sluice connector list", gone.stderr)

    def test_topics(self):
        self.sluice("connector", "create", self.source_file("topics"))
        read = lambda *more: self.sluice("topic", "read", "t-topics", *more).stdout
        wait_until(lambda: self.worker.call("/sluice/topics/t-topics").status == 200 and read().count("\n") == 3, 30,
                   "the records")
        self.assertEqual(read(), "0:0\tnull\tone\n0:1\tnull\ttwo\n0:2\tnull\tthree\n")
        self.assertEqual(read("--from", "1", "-n", "1"), "0:1\tnull\ttwo\n")
        self.assertEqual(read("--from", "end"), "")
        record = json.loads(self.sluice("--output", "json", "topic", "read", "t-topics", "-n", "1").stdout)
        self.assertEqual((record["partition"], record["offset"], record["key"], record["value"], record["headers"]),
                         (0, 0, None, "one", []))
        self.assertIn("t-topics", self.sluice("topic", "list").stdout)
        self.assertNotIn("connect-configs", self.sluice("topic", "list").stdout)
        self.assertIn("connect-configs", self.sluice("topic", "list", "--internal").stdout)
        self.assertRegex(self.sluice("topic", "describe", "t-topics").stdout, r"(?m)^0 +0 +3 +3$")
        self.sluice("topic", "describe", "nothing", code=4)
        self.assertIn("--from", self.sluice("topic", "read", "t-topics", "--from", "now", code=2).stderr)
        huge = self.sluice("topic", "read", "t-topics", "--from", "99999999999999999999", code=2)
        self.assertIn("--from", huge.stderr)

    def test_topics_are_made_and_deleted(self):
        self.assertEqual(self.sluice("topic", "create", "made", "-p", "3", "-c", "segment.bytes=4096").stdout,
                         "Created topic made.\n")
        described = json.loads(self.sluice("--output", "json", "topic", "describe", "made").stdout)
        self.assertEqual((len(described["partitions"]), described["configs"]), (3, {"segment.bytes": "4096"}))
        self.assertIn("already exists", self.sluice("topic", "create", "made", code=1).stderr)
        self.assertIn("KEY=VALUE", self.sluice("topic", "create", "other", "-c", "segment.bytes", code=2).stderr)
        self.assertIn("segment.bytes", self.sluice("topic", "create", "other", "-c", "segment.bytes=many", code=1).stderr)
        self.sluice("topic", "delete", "made")
        self.sluice("topic", "describe", "made", code=4)
        self.sluice("topic", "delete", "made", code=4)
        self.assertIn("worker's own", self.sluice("topic", "delete", "connect-configs", code=1).stderr)

    def test_validate_says_which_key(self):
        good = self.sluice("connector", "validate", self.source_file("valid"))
        self.assertIn("valid", good.stdout)
        bad = self.sluice("connector", "validate", self.source_file("invalid", **{"tasks.max": "many"}), code=1)
        self.assertRegex(bad.stdout, r"tasks\.max +- +Invalid value many for configuration tasks\.max: Not a number of type INT")

    def test_check_looks_at_the_other_side_without_a_connector(self):
        good = self.source_file("checked")
        self.assertEqual(self.sluice("connector", "check", good).stdout, f"{good}: passed\n")
        outside = self.source_file("checked", file="/etc/passwd")
        self.assertRegex(self.sluice("connector", "check", outside, code=1).stdout, "failed: .*file.allowed.roots")
        answer = json.loads(self.sluice("--output", "json", "connector", "check", outside, code=1).stdout)
        self.assertEqual((answer["result"], answer["findings"]), ("FAILED", []))
        self.assertEqual(self.worker.call("/connectors/checked").status, 404)
        invalid = self.source_file("checked", **{"tasks.max": "many"})
        self.assertIn("tasks.max", self.sluice("connector", "check", invalid, code=1).stderr)

    def test_create_from_properties_and_standard_input(self):
        text = f"name=from-stdin\nconnector.class=FileStreamSource\nfile={self.folder}/in.txt\ntopic=t-stdin\n"
        self.sluice("connector", "create", "-", stdin=text)
        self.assertEqual(self.worker.call("/connectors/from-stdin/config").json()["topic"], "t-stdin")

    def test_broken_files_are_refused_with_their_place(self):
        file = self.folder / "broken.json"
        file.write_text('{"name": "x", "config": {')
        self.assertIn("broken.json", self.sluice("connector", "create", file, code=2).stderr)
        self.assertIn("none.json", self.sluice("connector", "create", self.folder / "none.json", code=2).stderr)

    def test_plugins(self):
        self.assertRegex(self.sluice("plugin", "list").stdout, r"source +org\.apache\.kafka\.connect\.file\.FileStreamSource")
        self.assertRegex(self.sluice("plugin", "describe", "FileStreamSource").stdout, r"(?m)^topic +")
        self.sluice("plugin", "describe", "NoSuch", code=4)

    def test_no_worker(self):
        out = self.sluice("connector", "list", worker=f"http://127.0.0.1:{free_port()}", code=3)
        self.assertIn("sluice run", out.stderr)

    def test_usage(self):
        self.sluice("connector", "frobnicate", code=2)
        self.sluice("--output", "xml", "connector", "list", code=2)
        self.assertIn("Exit codes", self.sluice("--help").stdout)

    def test_log_verify_of_a_running_and_a_stopped_worker(self):
        with Folder() as folder:
            worker = Worker(SLUICE, folder).start()
            busy = self.sluice("log", "verify", folder / "data", code=1)
            self.assertIn("stop it first", busy.stderr)
            self.assertEqual(worker.stop(), 0)
            self.assertIn("no damage found", self.sluice("log", "verify", folder / "data").stdout)
            self.sluice("log", "verify", folder, code=2)

    def test_completion_is_made_from_the_commands(self):
        script = self.sluice("completion", "bash").stdout
        def words_after(*typed):
            line = " ".join(f"'{word}'" for word in ("sluice", *typed, ""))
            complete = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(typed) + 1}; _sluice; echo ${{COMPREPLY[@]}}"
            done = subprocess.run(["bash", "-c", complete], capture_output=True, text=True, check=True, cwd=self.folder)
            return set(done.stdout.split())
        self.assertLessEqual({"list", "create", "describe", "pause", "validate", "check"}, words_after("connector"))
        self.assertLessEqual({"verify", "repair", "dump", "backup", "restore"}, words_after("log"))
        self.assertLessEqual({"--yes", "in.txt"}, words_after("log", "repair"))
        self.assertLessEqual({"bash", "zsh"}, words_after("completion"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
