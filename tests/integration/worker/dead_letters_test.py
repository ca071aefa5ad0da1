# SPDX-License-Identifier: Apache-2.0
"""Bad records of sources and sinks on the real worker. usage: dead_letters_test.py SLUICE FILE_PLUGIN BAD_RECORDS_PLUGIN"""
import base64
import re
import shutil
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

SLUICE, *PLUGINS = sys.argv[1:4]
JSON = {"value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false"}
DEAD = {"errors.tolerance": "all", "errors.deadletterqueue.topic.name": "dead",
        "errors.deadletterqueue.context.headers.enable": "true"}
EXCEPTION = "org.apache.kafka.connect.errors.DataException"


class DeadLettersTest(unittest.TestCase):
    def setUp(self):
        holder = Folder()
        self.folder = holder.__enter__()
        self.addCleanup(holder.__exit__)
        (self.folder / "plugins").mkdir()
        for plugin in PLUGINS:
            shutil.copy(plugin, self.folder / "plugins")
        self.worker = Worker(SLUICE, self.folder, {"plugin.path": self.folder / "plugins"}).start()
        self.addCleanup(lambda: self.worker.__exit__())

    def records(self, topic):
        answer = self.worker.call(f"/sluice/topics/{topic}/records?limit=1000")
        return answer.json()["records"] if answer.status == 200 else []

    def values(self, topic):
        return [r.get("value") if "value" in r else base64.b64decode(r["value_base64"]) for r in self.records(topic)]

    def arrive(self, topic, values):
        wait_until(lambda: self.values(topic) == values, 30,
                   lambda: f"{values} in {topic}; there is {self.values(topic)}; {self.worker.tail()}")

    def headers(self, record):
        return {h["key"].removeprefix("__connect.errors."): h["value"] for h in record["headers"]}

    def metric(self, name, connector):
        text = self.worker.call("/metrics").body.decode()
        return float(re.search(rf'kafka_connect_{name}{{connector="{connector}",task="0"}} (\S+)', text).group(1))

    def failed(self, connector):
        status = wait_until(lambda: (s := self.worker.status(connector)) and s["tasks"] and
                            s["tasks"][0]["state"] == "FAILED" and s, 30, "the failure")
        return status["tasks"][0]["trace"]

    def lines(self, text, **config):
        (self.folder / "in.txt").write_text(text)
        self.worker.create("lines", {"connector.class": "FileSource", "file": "in.txt", "topic": "lines", **config})

    def sink(self, **config):
        self.worker.create("sink", {"connector.class": "FileSink", "file": "out.txt", "topics": "lines", **JSON, **config})

    def committed(self, offset):
        entries = self.worker.call("/connectors/sink/offsets").json()["offsets"]
        return [e["offset"]["kafka_offset"] for e in entries] == [offset]

    def test_what_a_sink_cannot_convert_is_kept_as_it_is(self):
        self.lines('"one"\n{broken\n"two"\n{"also": broken}\n', **{"record.headers": "line"})
        self.sink(**DEAD)
        self.arrive("dead", ["{broken", '{"also": broken}'])
        wait_until(lambda: self.committed(4), 30, "the offset")
        self.assertEqual((self.folder / "out.txt").read_text(), "one\ntwo\n")
        headers = self.headers(self.records("dead")[0])
        message = headers.pop("exception.message")
        self.assertIn("value: Converting byte[] to Kafka Connect data failed", message)
        self.assertEqual(headers.pop("exception.stacktrace"), f"{EXCEPTION}: {message}\n")
        self.assertEqual(headers, {
            "file.line": "2", "topic": "lines", "partition": "0", "offset": "1", "connector.name": "sink", "task.id": "0",
            "stage": "VALUE_CONVERTER", "class.name": JSON["value.converter"], "exception.class.name": EXCEPTION})
        self.assertEqual(len(self.worker.call("/sluice/topics/dead").json()["partitions"]), 1)
        self.assertEqual(self.metric("deadletterqueue_produce_requests", "sink"), 2)
        self.assertEqual(self.metric("deadletterqueue_produce_failures", "sink"), 0)
        self.assertEqual(self.metric("total_records_skipped", "sink"), 2)
        # A topic that is deleted is made again.
        self.assertEqual(self.worker.call("/sluice/topics/dead", "DELETE").status, 204)
        with open(self.folder / "in.txt", "a", encoding="ascii") as out:
            out.write("{\n")
        self.arrive("dead", ["{"])
        wait_until(lambda: self.committed(5), 30, "the offset")

    def test_what_a_converter_refuses_of_a_source_is_kept(self):
        self.worker.create("bad", {"connector.class": "test.BadRecords", "topic": "lines", "numbers": "6",
                                   "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
                                   "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
                                   **DEAD, "errors.deadletterqueue.topic.name": "not-bytes"})
        self.arrive("not-bytes", ["0", b"\xff1", "2", b"\xff3", "4", b"\xff5"])
        stages = [(h["stage"], h["class.name"], h["topic"]) for h in map(self.headers, self.records("not-bytes"))]
        self.assertEqual(stages[:2], [
            ("KEY_CONVERTER", "org.apache.kafka.connect.converters.ByteArrayConverter", "lines"),
            ("TASK_POLL", "test.BadRecords", "lines")])

    def test_what_a_source_cannot_decode_is_in_the_dead_letter_topic_once(self):
        self.worker.create("bad", {"connector.class": "test.BadRecords", "topic": "numbers", "numbers": "9", **DEAD})
        self.arrive("numbers", ["0", "2", "4", "6", "8"])
        self.arrive("dead", [b"\xff1", b"\xff3", b"\xff5", b"\xff7"])
        first = self.records("dead")[0]
        self.assertEqual(first["key"], "odd")
        headers = self.headers(first)
        self.assertEqual({k: headers[k] for k in ("n", "topic", "offset", "stage", "class.name", "exception.message")},
                         {"n": "2", "topic": "numbers", "offset": "-1", "stage": "TASK_POLL",
                          "class.name": "test.BadRecords", "exception.message": "1 is odd"})
        wait_until(lambda: [o["offset"] for o in self.worker.call("/connectors/bad/offsets").json()["offsets"]] ==
                   [{"next": 9}], 30, "the offset")
        self.worker.kill()
        self.worker.start()
        self.worker.call("/connectors/bad/config", "PUT",
                         {"connector.class": "test.BadRecords", "topic": "numbers", "numbers": "12", **DEAD})
        self.arrive("numbers", ["0", "2", "4", "6", "8", "10"])
        self.arrive("dead", [b"\xff1", b"\xff3", b"\xff5", b"\xff7", b"\xff9", b"\xff11"])

    def test_without_tolerance_the_task_fails_and_nothing_of_the_batch_is_written(self):
        self.worker.create("bad", {"connector.class": "test.BadRecords", "topic": "numbers"})
        trace = self.failed("bad")
        self.assertIn("record 1 of the batch, topic numbers: 1 is odd", trace)
        self.assertIn("Not restarted by itself", trace)
        self.assertEqual(self.records("numbers"), [])
        self.assertEqual(self.worker.call("/connectors/bad/offsets").json()["offsets"], [])

    def test_lines_that_are_too_large_for_their_topic(self):
        large = "x" * 5000
        self.lines(f"a\n{large}\nb\n", **{"topic.creation.default.partitions": 1, "topic.creation.default.replication.factor": 1,
                                          "topic.creation.default.max.message.bytes": 1000, **DEAD})
        self.arrive("lines", ["a", "b"])
        self.arrive("dead", [large])

    def test_findings_name_key_and_value(self):
        key = "errors.deadletterqueue.topic.name"
        for plugin, more in (("FileSink", {"topics": "t"}), ("FileSource", {"topic": "t"})):
            for topic, word in (("a b", "Topic name is invalid: 'a b'"), ("connect-offsets", "worker's own"),
                                ("__consumer_offsets", "worker's own"), ("dead", None)):
                answer = self.worker.call(f"/connector-plugins/{plugin}/config/validate", "PUT", {
                    "connector.class": plugin, "name": "x", "file": "f", key: topic, **more}).json()
                found = {c["value"]["name"]: c for c in answer["configs"]}
                self.assertEqual(bool(found[key]["value"]["errors"]), word is not None, found[key])
                if word:
                    self.assertIn(word, found[key]["value"]["errors"][0])
                    self.assertIn(f"Invalid value {topic} for configuration {key}", found[key]["value"]["errors"][0])
                self.assertEqual((found[key]["definition"]["group"], found[key]["definition"]["order"]), ("Error Handling", 6))


if __name__ == "__main__":
    unittest.main(verbosity=1, argv=sys.argv[:1] + sys.argv[4:])
