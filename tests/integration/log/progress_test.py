# SPDX-License-Identifier: Apache-2.0
"""What `sluice log verify`, `repair` and `restore` show on a terminal while they work, and that they show nothing of it elsewhere.

usage: progress_test.py SLUICE
"""
import os
import pty
import re
import subprocess
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from log_folder import Tools, copy_of, flip, make_directory, partition_folder  # noqa: E402
from tests.support.processes import Folder, Worker  # noqa: E402

SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)


def on_a_terminal(*arguments):
    """Exit code, standard output, and what appears on the terminal, which is standard error."""
    ours, theirs = pty.openpty()
    shown = bytearray()

    def read():
        try:
            while piece := os.read(ours, 4096):
                shown.extend(piece)
        except OSError:  # EIO: nobody has the other side open any more
            pass
    reader = threading.Thread(target=read)
    reader.start()
    done = subprocess.run([SLUICE, *map(str, arguments)], stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=300, check=False)
    os.close(theirs)
    reader.join()
    os.close(ours)
    return done.returncode, done.stdout, shown.decode().replace("\r\n", "\n")


def percents(shown, what):
    return [int(percent) for percent in re.findall(rf"\r{what}: +(\d+) % of \d+ (?:KiB|MiB|steps)", shown)]


class ProgressTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = Folder()
        cls.original = make_directory(SLUICE, cls.holder.__enter__(), 9, kill=False)

    @classmethod
    def tearDownClass(cls):
        cls.holder.__exit__()

    def setUp(self):
        holder = Folder()
        self.folder = holder.__enter__()
        self.addCleanup(holder.__exit__)
        self.data = copy_of(self.original, self.folder)
        self.tools = Tools(self, SLUICE)

    def damage(self, data):
        flip(sorted(partition_folder(data).glob("*.log"))[1], 300)

    def assert_whole(self, shown, what):
        seen = percents(shown, what)
        self.assertGreater(len(seen), 1, shown)
        self.assertEqual(seen, sorted(set(seen)), shown)
        self.assertEqual(seen[-1], 100, shown)

    def assert_nothing_glued(self, shown):
        for line in shown.split("\n"):
            self.assertNotRegex(line, r"% of \d+ (KiB|MiB|steps)[^\r]", shown)
        self.assertTrue(shown.endswith("\n"), shown)

    def test_verify(self):
        code, out, shown = on_a_terminal("log", "verify", self.data)
        self.assertEqual((code, out), (0, f"{self.data}: no damage found\n"))
        self.assert_whole(shown, "Checking")
        self.assert_nothing_glued(shown)
        self.assertEqual(self.tools("log", "verify", self.data).stderr, "")

    def test_repair(self):
        self.damage(self.data)
        code, out, shown = on_a_terminal("log", "repair", self.data, "--yes")
        self.assertEqual(code, 0, shown)
        self.assertIn("LOST ", out)
        plan, after = shown.split("\rRepairing", 1)
        self.assert_whole(plan, "Checking")
        self.assert_whole("\rRepairing" + after, "Repairing")
        self.assert_whole(after, "Checking")
        self.assert_nothing_glued(shown)
        self.assertRegex(shown, r"(?m)^Done; what was cut")

    def test_an_error_in_the_middle_stands_on_a_line_of_its_own(self):
        with Worker(SLUICE, self.folder) as worker:
            _, _, shown = on_a_terminal("--worker", worker.url, "log", "backup", self.folder / "copy")
            self.assert_nothing_glued(shown)
        self.damage(self.folder / "copy")
        code, out, shown = on_a_terminal("log", "restore", self.folder / "copy", self.folder / "restored")
        self.assertEqual((code, out), (1, ""))
        seen = percents(shown, "Copying")
        self.assertGreater(len(seen), 0, shown)
        self.assertLess(seen[-1], 100, shown)
        self.assertRegex(shown, r"(?m)^Cannot restore ")
        self.assert_nothing_glued(shown)


if __name__ == "__main__":
    unittest.main(verbosity=1)
