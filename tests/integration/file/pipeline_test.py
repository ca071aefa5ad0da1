# SPDX-License-Identifier: Apache-2.0
"""file -> topic -> file on the real worker, as a user would set it up. usage: pipeline_test.py SLUICE [TEST...]"""
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)
SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"


class PipelineTest(unittest.TestCase):
    def setUp(self):
        self.holder = Folder()
        self.folder = self.holder.__enter__()
        self.addCleanup(self.holder.__exit__)
        self.source, self.sink = self.folder / "in.txt", self.folder / "out.txt"

    def worker(self, **properties):
        worker = Worker(SLUICE, self.folder, properties).start()
        self.addCleanup(worker.__exit__)
        return worker

    def pipeline(self, worker):
        worker.create("source", {"connector.class": SOURCE, "file": self.source, "topic": "lines"})
        worker.create("sink", {"connector.class": SINK, "file": self.sink, "topics": "lines"})

    def arrives(self, text):
        wait_until(lambda: self.sink.exists() and self.sink.read_text() == text, 30,
                   lambda: f"{text!r}; there is {self.sink.read_text() if self.sink.exists() else None!r}")

    def test_lines_appear_and_appended_ones_follow(self):
        worker = self.worker()
        self.source.write_text("one\ntwo\n")
        self.pipeline(worker)
        self.arrives("one\ntwo\n")
        with open(self.source, "a", encoding="utf-8") as out:
            out.write("three\nfo")
            out.flush()
            self.arrives("one\ntwo\nthree\n")
            out.write("ur\n")
        self.arrives("one\ntwo\nthree\nfour\n")

    def test_a_file_that_appears_later(self):
        worker = self.worker()
        self.pipeline(worker)
        wait_until(lambda: worker.status("source")["tasks"] and worker.status("source")["tasks"][0]["state"] == "RUNNING",
                   30, "the source's task")
        self.source.write_text("late\n")
        self.arrives("late\n")

    def test_resumes_after_a_clean_stop_without_repeats(self):
        worker = self.worker()
        self.source.write_text("".join(f"line {n}\n" for n in range(5000)))
        self.pipeline(worker)
        self.arrives(self.source.read_text())
        self.assertEqual(worker.stop(), 0)
        with open(self.source, "a", encoding="utf-8") as out:
            out.write("while it was down\n")
        worker.start()
        self.arrives(self.source.read_text())

    def test_offsets_are_shown_once_durable(self):
        worker = self.worker()
        self.source.write_text("one\ntwo\n")
        self.pipeline(worker)
        self.arrives("one\ntwo\n")
        wait_until(lambda: worker.call("/connectors/sink/offsets").json()["offsets"] == [
            {"partition": {"kafka_topic": "lines", "kafka_partition": 0}, "offset": {"kafka_offset": 2}}],
            30, "the sink's offset")
        self.assertEqual(worker.call("/connectors/source/offsets").json()["offsets"], [
            {"partition": {"filename": str(self.source)}, "offset": {"position": 8}}])

    def test_pause_stop_resume_and_delete(self):
        worker = self.worker()
        self.source.write_text("one\n")
        self.pipeline(worker)
        self.arrives("one\n")
        self.assertEqual(worker.call("/connectors/sink/pause", "PUT").status, 202)
        wait_until(lambda: worker.status("sink")["tasks"][0]["state"] == "PAUSED", 30, "the pause")
        with open(self.source, "a", encoding="utf-8") as out:
            out.write("two\n")
        wait_until(lambda: worker.call("/connectors/source/offsets").json()["offsets"][0]["offset"]["position"] == 8,
                   30, "the source to go on")
        self.assertEqual(self.sink.read_text(), "one\n")
        self.assertEqual(worker.call("/connectors/sink/resume", "PUT").status, 202)
        self.arrives("one\ntwo\n")
        self.assertEqual(worker.call("/connectors/sink/stop", "PUT").status, 204)
        wait_until(lambda: worker.status("sink")["connector"]["state"] == "STOPPED", 30, "the stop")
        self.assertEqual(worker.status("sink")["tasks"], [])
        self.assertEqual(worker.call("/connectors/sink", "DELETE").status, 204)
        wait_until(lambda: worker.call("/connectors/sink/status").status == 404, 30, "the delete")

    def test_json_converter_writes_connects_envelope(self):
        worker = self.worker(**{"key.converter": "org.apache.kafka.connect.json.JsonConverter",
                                "value.converter": "org.apache.kafka.connect.json.JsonConverter"})
        self.source.write_text('say "hi"\n')
        worker.create("source", {"connector.class": SOURCE, "file": self.source, "topic": "lines"})

        def read():  # fails, with an error as JSON, while there is no topic yet
            done = subprocess.run([SLUICE, "--worker", worker.url, "--output", "json", "topic", "read", "lines"],
                                  capture_output=True, text=True, check=False)
            return done.returncode == 0 and done.stdout
        record = json.loads(wait_until(read, 30, "the record").splitlines()[0])
        self.assertEqual(record["value"], '{"schema":{"type":"string","optional":false},"payload":"say \\"hi\\""}')

    def test_a_path_outside_of_the_roots_is_refused_with_what_to_add(self):
        worker = self.worker()
        worker.create("source", {"connector.class": SOURCE, "file": "/etc/hostname", "topic": "lines"})
        status = wait_until(lambda: (s := worker.status("source")) and s["tasks"] and
                            s["tasks"][0]["state"] == "FAILED" and s, 30, "the refusal")
        self.assertIn("file.allowed.roots", status["tasks"][0]["trace"])
        self.assertIn("/etc/hostname", status["tasks"][0]["trace"])

    def test_a_directory_in_place_of_a_file_fails_the_task_with_its_name(self):
        worker = self.worker()
        self.source.mkdir()
        worker.create("source", {"connector.class": SOURCE, "file": self.source, "topic": "lines"})
        status = wait_until(lambda: (s := worker.status("source")) and s["tasks"] and
                            s["tasks"][0]["state"] == "FAILED" and s, 30, "the failure")
        self.assertIn(str(self.source), status["tasks"][0]["trace"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
