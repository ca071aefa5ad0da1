# SPDX-License-Identifier: Apache-2.0
"""A test that starts a program with a fault fails, although it looks at nothing that the program says or answers.

usage: sanitizers_test.py FAULTY FAULT...     (the faults that this build's sanitizers report)
"""
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAULTY, *FAULTS = sys.argv[1:]
WORDS = {"race": "ThreadSanitizer: data race", "leak": "LeakSanitizer: detected memory leaks",
         "overflow": "__ubsan_handle_add_overflow"}
# What a careless test would be.
CARELESS = f"""
import subprocess, sys
sys.path.insert(0, {str(ROOT)!r})
import tests.support.processes
subprocess.run(sys.argv[1:], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""


def careless(*arguments):
    return subprocess.run([sys.executable, "-c", CARELESS, FAULTY, *arguments], capture_output=True, text=True,
                          timeout=120, check=False)


class SanitizersTest(unittest.TestCase):
    def test_each_report_fails_the_test(self):
        for fault in FAULTS:
            with self.subTest(fault=fault):
                done = careless(fault)
                self.assertEqual(done.returncode, 1, done)
                self.assertIn(WORDS[fault], done.stderr)

    def test_a_report_of_a_killed_program_too(self):
        for fault in set(FAULTS) - {"leak"}:  # which is found at the end that a killed program does not have
            with self.subTest(fault=fault):
                done = careless(fault, "and-kill")
                self.assertEqual(done.returncode, 1, done)
                self.assertIn(WORDS[fault], done.stderr)

    def test_no_fault_no_report(self):
        for arguments in (["none"], ["none", "and-kill"]):
            done = careless(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
