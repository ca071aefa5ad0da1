# SPDX-License-Identifier: Apache-2.0
"""Every block marked ```sh in README.md and docs/ is run as it stands, in an empty folder, against a worker of its own.

The only changes: build/release/bin/sluice becomes the program under test, and ports 8083 and 1883 free ones, with a Mosquitto on the
latter where a document asks for it. A block may show in a following ```text block what it prints; lines there must appear in the
output ("..." stands for anything).

usage: docs_test.py SLUICE ROOT
"""
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

SLUICE = Path(sys.argv.pop(1)).resolve()
ROOT = Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT))
from tests.integration.mqtt.mosquitto import Mosquitto  # noqa: E402
from tests.support.processes import Folder, Worker  # noqa: E402

BLOCK = re.compile(r"```sh\n(.*?)```(?:\s*```text\n(.*?)```)?", re.S)


def documents():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


class DocsTest(unittest.TestCase):
    def run_document(self, document, blocks):
        with Folder() as folder:
            worker = Worker(SLUICE, folder)
            worker.start()
            self.addCleanup(worker.__exit__)
            environment = {**os.environ, "SLUICE_WORKER": worker.url, "PATH": f"{SLUICE.parent}:{os.environ['PATH']}"}
            (folder / "in.txt").write_text("hello\nworld\n")
            broker = Mosquitto(folder / "mosquitto")
            if any("1883" in commands for commands, _ in blocks):
                self.addCleanup(broker.start().stop)
            for commands, expected in blocks:
                script = commands.replace("build/release/bin/sluice", str(SLUICE)).replace("1883", str(broker.port))
                script = script.replace("127.0.0.1:8083", f"127.0.0.1:{worker.port}")
                expected = (expected or "").replace("1883", str(broker.port))
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment,
                                      capture_output=True, text=True, timeout=120, check=False)
                self.assertEqual(done.returncode, 0, f"{document}:\n{commands}\n{done.stdout}{done.stderr}{worker.tail()}")
                for line in expected.splitlines():
                    pattern = ".*".join(re.escape(part) for part in line.strip().split("..."))
                    self.assertRegex(done.stdout + done.stderr, pattern, f"{document}:\n{commands}")
            self.assertEqual(worker.stop(), 0)

    def test_every_command_in_the_documents_runs(self):
        found = 0
        for document in documents():
            blocks = BLOCK.findall(document.read_text(encoding="utf-8"))
            if blocks:
                found += len(blocks)
                with self.subTest(document=str(document.relative_to(ROOT))):
                    self.run_document(document, blocks)
        self.assertGreater(found, 3, "the documents show hardly a command")

    def test_links_lead_somewhere(self):
        for document in documents():
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
                self.assertTrue((document.parent / link).exists(), f"{document.relative_to(ROOT)} links to {link}")

    def test_tests_that_the_documents_name_exist(self):
        """As ctest knows them, and suites of GoogleTest in the documents' way: `unit.storage` (`Races`)."""
        known = {"sim", "checker", "mutants", "powerfs"}
        for lists in (ROOT / "tests").rglob("CMakeLists.txt"):
            text = lists.read_text(encoding="utf-8")
            known |= set(re.findall(r"add_test\(NAME ([\w.]+)", text))
            known |= {f"unit.{name}" for name in re.findall(r"sluice_unit_test\(NAME (\w+)", text)}
            known |= {f"integration.{name}" for name in re.findall(r"sluice_integration_test\((\w+)", text)}
        sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.cpp"))
        suites = set(re.findall(r"\bTEST(?:_[FP])?\((\w+),", sources))
        named = 0
        for document in documents():
            text = document.read_text(encoding="utf-8")
            for test in re.findall(r"`((?:unit|integration|crash|support|abi|lint|conformance)\.\w+)`", text):
                self.assertIn(test, known, document.relative_to(ROOT))
                named += 1
        for row in (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8").splitlines():
            proof = row.split(" | ")[1] if row.startswith("| ") else ""
            for suite in re.findall(r"`([A-Z]\w+)`", proof):
                self.assertIn(suite, suites, "docs/guarantees.md")
                named += 1
        self.assertGreater(named, 30, "the documents name hardly a test")

    def test_example_configs_are_valid(self):
        examples = [p for p in sorted((ROOT / "configs").iterdir()) if not p.name.startswith("worker")]
        self.assertTrue(examples)
        with Folder() as folder, Worker(SLUICE, folder) as worker:
            for example in examples:
                done = subprocess.run([SLUICE, "--worker", worker.url, "connector", "validate", example],
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, f"{example.name}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    unittest.main(verbosity=1)
