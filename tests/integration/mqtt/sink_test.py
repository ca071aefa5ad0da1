# SPDX-License-Identifier: Apache-2.0
"""file -> topic -> MQTT with a real Mosquitto. usage: sink_test.py SLUICE [TEST...]"""
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.integration.mqtt.full_broker import FullBroker  # noqa: E402
from tests.integration.mqtt.mosquitto import Mosquitto, Subscriber, wait_subscribed  # noqa: E402
from tests.support import mqtt  # noqa: E402
from tests.support.mqtt_proxy import TO_BROKER, Proxy  # noqa: E402
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)
RUNNER = Path(SLUICE).resolve().parent / "sluice-plugin-test"
STRINGS = "org.apache.kafka.connect.storage.StringConverter"


class SinkCase(unittest.TestCase):
    broker_lines = ()

    def setUp(self):
        holder = Folder()
        self.folder = holder.__enter__()
        self.addCleanup(holder.__exit__)
        self.broker = Mosquitto(self.folder / "mosquitto", self.broker_lines).start()
        self.addCleanup(lambda: self.broker.stop())
        self.lines = self.folder / "lines.txt"
        self.lines.write_text("")
        self.worker = Worker(SLUICE, self.folder).start()
        self.addCleanup(lambda: self.worker.__exit__())
        self.worker.create("lines", {"connector.class": "FileSource", "file": "lines.txt", "topic": "lines",
                                     "record.key": "name"})

    def sink(self, name="out", **config):
        return self.worker.create(name, {"connector.class": "MqttSink", "topics": "lines", "mqtt.server.uri": self.broker.uri,
                                         **config})

    def subscriber(self, *arguments, **more):
        made = Subscriber(self.broker.port, *arguments, **more)
        self.addCleanup(made.stop)
        return made

    def append(self, *texts):
        with open(self.lines, "a", encoding="utf-8") as out:
            out.write("".join(text + "\n" for text in texts))

    def committed(self, offset, sink="out"):
        answer = self.worker.call(f"/connectors/{sink}/offsets").json()["offsets"]
        return any(entry["offset"]["kafka_offset"] == offset for entry in answer)


class SinkTest(SinkCase):
    def test_records_become_messages_and_offsets_follow(self):
        subscriber = self.subscriber("-t", "#")
        self.append('{"id":"m1"}', '{"id":"a/b"}')
        self.sink(**{"mqtt.topic": "plant/${topic}/${json:/id}"})
        wait_until(lambda: len(subscriber.seen()) >= 2, 30, lambda: f"two messages; {self.worker.tail()}")
        self.assertEqual(subscriber.seen(), ['plant/lines/m1 {"id":"m1"}', 'plant/lines/a/b {"id":"a/b"}'])
        wait_until(lambda: self.committed(2), 30, "the offset")

    def test_headers_become_properties(self):
        subscriber = self.subscriber("-t", "#", form="%t %P")
        self.worker.create("headed", {"connector.class": "FileSource", "file": "lines.txt", "topic": "headed",
                                      "record.headers": "line"})
        self.append("text")
        self.sink(topics="headed")
        wait_until(lambda: subscriber.seen(), 30, "a message")
        self.assertEqual(subscriber.seen()[0], "headed file.line:1")

    def test_what_a_message_has_in_mqtt_5_it_has_on_the_other_side(self):
        """From MQTT into a topic and on: with QoS 1, with QoS 0, and as a retained message. The default header converter would keep
        bytes as base64, and they would stay that."""
        if not RUNNER.exists():
            self.skipTest("this build has no sluice-plugin-test: tsan, where no source runs, which has no thread of its own")
        converter = {"header.converter": "org.apache.kafka.connect.json.JsonConverter"}
        self.worker.create("in", {"connector.class": "MqttSource", "mqtt.server.uri": self.broker.uri, "mqtt.topics": "in/#",
                                  "kafka.topic": "received", "payload.format": "string", **converter})
        subscriber = self.subscriber("-t", "out/#", form="%t q%q r%r|%C|%R|%D|%E|%P|%p")
        for name, more in (("one", {}), ("none", {"mqtt.qos": "0"}), ("kept", {"mqtt.retained": "true"})):
            self.sink(name, topics="received", **{"mqtt.topic": f"out/{name}"}, **converter, **more)
        wait_subscribed(self.worker, "in-0")
        self.broker.publish("in/a", "text", "-V", "5", *(part for one in (
            ("content-type", "text/plain"), ("response-topic", "answers/d7"), ("correlation-data", "c-1"),
            ("message-expiry-interval", "1000"), ("user-property", "a", "b")) for part in ("-D", "publish", *one)))
        wait_until(lambda: len(subscriber.seen()) >= 3, 60, lambda: f"three messages; {subscriber.seen()}; {self.worker.tail()}")
        late = self.subscriber("-i", "late", "-t", "out/#", form="%t r%r %p")
        wait_until(late.seen, 60, "the retained message")
        self.assertEqual(late.seen(), ["out/kept r1 text"])
        rest = [re.sub(r"[|](9[0-9]{2}|1000)[|]", "|expires|", line) for line in subscriber.seen()]
        self.assertCountEqual(rest, [f"out/{name} q{qos} r0|text/plain|answers/d7|c-1|expires|a:b|text"
                                     for name, qos in (("one", 1), ("none", 0), ("kept", 1))])
        for name in ("one", "none", "kept"):
            wait_until(lambda name=name: self.committed(1, name), 60, f"the offset of {name}")

    def test_no_more_are_on_their_way_than_the_config_allows(self):
        self.append(*(str(n) for n in range(300)))
        subscriber = self.subscriber("-t", "#")
        for count, limit in enumerate((1, 10), 1):
            proxy = Proxy(self.broker.port)
            self.addCleanup(proxy.close)
            self.sink(f"out{limit}", **{"mqtt.server.uri": f"tcp://127.0.0.1:{proxy.port}", "mqtt.max.inflight": str(limit)})
            wait_until(lambda: self.committed(300, f"out{limit}"), 60, lambda: f"the offset; {self.worker.tail()}")
            wait_until(lambda: len(subscriber.seen()) >= count * 300, 60, "the messages")
            self.assertEqual(subscriber.seen()[-300:], [f"lines {n}" for n in range(300)])
            flying = most = 0
            for way, kind, _first, _body in proxy.seen:
                flying += (kind == mqtt.PUBLISH and way == TO_BROKER) - (kind == mqtt.PUBACK)
                most = max(most, flying)
            self.assertEqual(most, limit)

    def test_a_record_that_no_topic_can_be_made_of_is_one_bad_record(self):
        subscriber = self.subscriber("-t", "#")
        self.append('{"id":"a+"}', '{"id":"good"}', "no json")
        self.sink(**{"mqtt.topic": "${json:/id}", "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "dead"})
        wait_until(lambda: subscriber.seen(), 30, "the good one")
        wait_until(lambda: self.committed(3), 30, "the offset")
        self.assertEqual(subscriber.seen(), ['good {"id":"good"}'])
        dead = self.worker.call("/sluice/topics/dead/records").json()["records"]
        self.assertEqual([record["value"] for record in dead], ['{"id":"a+"}', "no json"])

    def test_text_that_mqtt_does_not_take_makes_bad_records(self):
        subscriber = self.subscriber("-t", "#", form="%t %P")
        files = self.folder / "files"
        files.mkdir()
        for name in (b"a.txt", b"control\x01.txt", b"latin\xff.txt", b"b.txt"):
            with open(os.path.join(os.fsencode(files), name), "wb") as out:
                out.write(b"text\n")
        self.worker.create("named", {"connector.class": "FileSource", "file": "files", "topic": "named", "record.headers": "path"})
        for sink, more in (("out", {}), ("other", {"mqtt.topic": "${header:file.path}", "headers.as.properties": "false"})):
            self.sink(sink, topics="named", **{"errors.tolerance": "all"}, **more)
            wait_until(lambda: self.committed(4, sink), 30, lambda: f"the offset; {self.worker.tail()}")
        wait_until(lambda: len(subscriber.seen()) >= 4, 30, "the messages")
        self.assertCountEqual(subscriber.seen(), [f"named file.path:files/{name}.txt" for name in "ab"]
                              + [f"files/{name}.txt " for name in "ab"])

    def test_each_task_has_a_connection_of_its_own(self):
        subscriber = self.subscriber("-t", "#")
        self.assertEqual(self.worker.call("/sluice/topics/many?partitions=3", "PUT", {}).status, 201)
        self.worker.create("fan", {"connector.class": "FileSource", "file": "lines.txt", "topic": "many"})
        self.sink(topics="many", **{"tasks.max": "3"})
        self.append(*(str(n) for n in range(300)))
        wait_until(lambda: set(subscriber.seen()) == {f"many {n}" for n in range(300)}, 60, lambda: f"messages; {self.worker.tail()}")
        wait_until(lambda: [task["state"] for task in self.worker.status("out")["tasks"]] == ["RUNNING"] * 3, 60, "three tasks")
        wait_until(lambda: all(f" as out-{task} " in self.broker.said() for task in range(3)), 60, "three connections")

    def test_after_quota_exceeded_the_last_message_stays_the_last(self):
        full = FullBroker(b"3")
        self.addCleanup(full.stop)
        self.append(*(str(n) for n in range(8)))
        self.worker.create("out", {"connector.class": "MqttSink", "topics": "lines", "mqtt.server.uri": full.uri,
                                   "headers.as.properties": "false"})
        self.addCleanup(self.worker.call, "/connectors/out", "DELETE")
        wait_until(lambda: self.committed(8), 30, lambda: f"the offset; {self.worker.tail()}")
        self.assertEqual(full.connections, 2)
        payloads = [int(payload) for payload in full.payloads]
        self.assertEqual(payloads[:4], [0, 1, 2, 3])
        # All that were sent behind the refused one come again behind it.
        self.assertEqual(payloads[-5:], [3, 4, 5, 6, 7])

    def test_confluents_config_unmodified(self):
        subscriber = self.subscriber("-t", "#")
        self.append("This is my message")
        self.worker.create("out", {
            "connector.class": "io.confluent.connect.mqtt.MqttSinkConnector", "tasks.max": "1", "topics": "lines",
            "mqtt.server.uri": f"tcp://127.0.0.1:{self.broker.port}", "mqtt.qos": "2", "mqtt.username": "myuser",
            "mqtt.password": "mypassword", "key.converter": STRINGS, "value.converter": STRINGS,
            "confluent.license": "", "confluent.topic.bootstrap.servers": "broker:9092",
            "confluent.topic.replication.factor": "1"})
        wait_until(lambda: subscriber.seen(), 30, lambda: f"a message; {self.worker.tail()}")
        self.assertEqual(subscriber.seen(), ["lines This is my message"])

    def test_java_key_stores_are_refused_with_a_way_out(self):
        answer = self.worker.call("/connectors", "POST", {"name": "out", "config": {
            "connector.class": "io.confluent.connect.mqtt.MqttSinkConnector", "topics": "lines",
            "mqtt.server.uri": "ssl://127.0.0.1:8883", "mqtt.ssl.trust.store.path": "/tmp/truststore.jks"}})
        self.assertEqual(answer.status, 400)
        self.assertIn("PEM", answer.json()["message"])

    def test_the_laws_of_the_abi_hold(self):
        if not RUNNER.exists():
            self.skipTest("this build has no sluice-plugin-test (tsan builds what has several threads)")
        done = subprocess.run([RUNNER, RUNNER.parents[1] / "lib" / "sluice" / "plugins" / "mqtt.so",
                               "--class", "MqttSink", "--config", f"mqtt.server.uri={self.broker.uri}", "--config", "topics=t"],
                              capture_output=True, text=True, timeout=200, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("PASS MqttSink sink.lifecycle", done.stdout)

    def test_nothing_is_lost_or_overtaken_when_mosquitto_restarts_and_the_worker_is_killed(self):
        subscriber = self.subscriber("-t", "lines")
        self.sink()
        total, step = 4000, 500
        for first in range(0, total, step):
            self.append(*(f"{n}" for n in range(first, first + step)))
            wait_until(lambda: len(subscriber.seen()) > first // 2, 60, lambda: f"messages; {self.worker.tail()}")
            if first // step % 4 == 1:
                self.broker.stop()
                self.broker.start()
            elif first // step % 4 == 3:
                self.worker.kill()
                self.worker.start()
        wanted = {f"lines {n}" for n in range(total)}
        wait_until(lambda: wanted <= set(subscriber.seen()), 120,
                   lambda: f"{total} messages; there are {len(set(subscriber.seen()))}; {self.worker.tail()}")
        # Per key: a number comes for the first time only after all smaller ones have.
        numbers, highest = [int(line.split()[1]) for line in subscriber.seen()], -1
        for number in numbers:
            self.assertLessEqual(number, highest + 1)
            highest = max(highest, number)
        wait_until(lambda: self.committed(total), 60, "the last offset")


class SmallPacketsTest(SinkCase):
    broker_lines = ("max_packet_size 500",)

    def test_messages_that_are_too_large_are_bad_records(self):
        subscriber = self.subscriber("-t", "#")
        # 1 byte, 2 of length, 2 + 5 of topic, 2 of packet id, 1 of properties: 13 before the payload.
        self.append("x" * 487, "y" * 488, "small")
        self.sink(**{"headers.as.properties": "false"})
        failed = wait_until(lambda: [t for t in self.worker.status("out")["tasks"] if t["state"] == "FAILED"], 30, "the failure")
        self.assertIn("the message has 501 bytes, and the broker takes no more than 500", failed[0]["trace"])
        self.worker.call("/connectors/out/config", "PUT", {
            "connector.class": "MqttSink", "topics": "lines", "mqtt.server.uri": self.broker.uri,
            "headers.as.properties": "false", "errors.tolerance": "all"})
        wait_until(lambda: self.committed(3), 30, lambda: f"the offset; {self.worker.tail()}")
        wait_until(lambda: "lines small" in subscriber.seen(), 30, "the last message")
        self.assertEqual([line for line in dict.fromkeys(subscriber.seen())], ["lines " + "x" * 487, "lines small"])


if __name__ == "__main__":
    unittest.main()
