# SPDX-License-Identifier: Apache-2.0
"""Configs of Confluent's and Lenses' MQTT sources, as people have them, with a real Mosquitto. usage: compat_test.py SLUICE"""
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.integration.mqtt.mosquitto import Mosquitto  # noqa: E402
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)
CONFIGS = Path(__file__).parent / "configs"


def config_of(file):
    if file.suffix == ".json":
        return json.loads(file.read_text())["config"]
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


class CompatTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = Folder()
        cls.folder = holder.__enter__()
        cls.addClassCleanup(holder.__exit__)
        cls.broker = Mosquitto(cls.folder / "mosquitto", verbose=True).start()
        cls.addClassCleanup(cls.broker.stop)
        cls.worker = Worker(SLUICE, cls.folder).start()
        cls.addClassCleanup(cls.worker.__exit__)

    def create(self, name, file, **more):
        """The config of the file with our broker in it; waits until its tasks are subscribed."""
        config = {**config_of(CONFIGS / file), **more}
        config["connect.mqtt.hosts" if "connect.mqtt.hosts" in config else "mqtt.server.uri"] = self.broker.uri
        before = self.broker.said().count("Received SUBSCRIBE")
        self.worker.create(name, {**config, "name": name})
        self.addCleanup(self.worker.call, f"/connectors/{name}", "DELETE")
        tasks = len(wait_until(lambda: self.worker.tasks(name), 60, "its tasks"))
        wait_until(lambda: self.broker.said().count("Received SUBSCRIBE") >= before + tasks, 30,
                   lambda: f"{tasks} subscriptions; {self.worker.status(name)} {self.worker.tail()}")
        return tasks

    def records(self, topic, count):
        def read():
            done = subprocess.run([SLUICE, "--worker", self.worker.url, "--output", "json", "topic", "read", topic],
                                  capture_output=True, text=True, timeout=60, check=False)
            lines = [json.loads(line) for line in done.stdout.splitlines() if line]
            return lines if done.returncode == 0 and len(lines) >= count else None
        return wait_until(read, 30, lambda: f"{count} records in {topic}; {self.worker.tail()}")

    def refused(self, cls, text, **config):
        answer = self.worker.call("/connectors", "POST", {"name": "refused", "config": {"connector.class": cls, **config}})
        self.assertEqual(answer.status, 400, answer)
        self.assertRegex(answer.json()["message"], text)

    def test_configs_are_accepted_unmodified(self):
        files = sorted(CONFIGS.iterdir())
        self.assertGreater(len(files), 5)
        for file in files:
            with self.subTest(file.name):
                done = subprocess.run([SLUICE, "--worker", self.worker.url, "connector", "validate", file], capture_output=True,
                                      text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_confluent_records(self):
        self.create("vehicles", "confluent-source-vehicles.json")
        self.broker.publish("vehicle/7/position", '{"lat": 1}')
        record, = self.records("vehicle_positions", 1)
        self.assertEqual((record["key"], record["value"]), ("vehicle/7/position", '{"lat": 1}'))
        headers = {header["key"]: header["value"] for header in record["headers"]}
        self.assertEqual(set(headers), {"mqtt.message.id", "mqtt.qos", "mqtt.retained", "mqtt.duplicate"})
        self.assertEqual([str(headers[key]).lower() for key in ("mqtt.qos", "mqtt.retained", "mqtt.duplicate")],
                         ["1", "false", "false"])
        log = self.worker.log.read_text()
        self.assertRegex(log, "confluent.topic.bootstrap.servers.*there is no licence to check")

    def test_confluent_divides_filters_over_tasks_and_keeps_sessions(self):
        self.assertEqual(self.create("several", "confluent-source-several.properties", **{"kafka.topic": "several"}), 2)
        for kind in ("temperature", "humidity", "camera"):
            self.broker.publish(f"i/{kind}", kind)
        self.assertEqual(sorted(record["value"] for record in self.records("several", 3)), ["camera", "humidity", "temperature"])
        # While it is stopped the broker keeps what comes, since mqtt.clean.session.enabled is false.
        self.worker.call("/connectors/several/stop", "PUT")
        wait_until(lambda: not self.worker.status("several")["tasks"], 30, "the stop")
        self.broker.publish("i/camera", "meanwhile")
        self.worker.call("/connectors/several/resume", "PUT")
        self.assertIn("meanwhile", [record["value"] for record in self.records("several", 4)])

    def test_lenses_json(self):
        self.create("json", "lenses-source-json.properties")
        self.broker.publish("/mjson", '{"id":1,"on":true}')
        record, = self.records("mqtt", 1)
        self.assertEqual((record["key"], json.loads(record["value"])), ("/mjson", {"id": 1, "on": True}))
        self.assertIn(" as dm_source_id ", self.broker.said())

    def test_lenses_old_names_and_keys(self):
        self.create("old", "lenses-source-old-names.json")
        self.broker.publish("truck/3/position", '{"truck":"T3","at":{"day":5},"lat":2.5}')
        record, = self.records("truck_position", 1)
        self.assertEqual((record["key"], json.loads(record["value"])["lat"]), ("T3.5", 2.5))
        # 1000 s are accepted, and 60 are used; the session is to be kept.
        self.assertRegex(self.broker.said(), r" as trucks \(p2, c0, k60")

    def test_lenses_several_statements_over_tasks(self):
        self.assertEqual(self.create("sensors", "lenses-source-several.json"), 2)
        self.broker.publish("sensors/temperature/1", "21")
        self.broker.publish("sensors/motion/2", "yes")
        self.broker.publish("/raw/a/b", "any")
        self.assertEqual(self.records("sensors.temperature", 1)[0]["value"], "21")
        self.assertEqual(self.records("sensors.motion", 1)[0]["value"], "yes")
        record = self.records("raw_a_b", 1)[0]
        self.assertEqual((record["key"], record["value"]), ("/raw/a/b", "any"))
        for task in range(2):
            self.assertIn(f" as multi-{task} ", self.broker.said())

    def test_what_cannot_be_honoured_is_refused_with_a_way_out(self):
        confluent = "io.confluent.connect.mqtt.MqttSourceConnector"
        self.refused(confluent, "PEM", **{"mqtt.server.uri": self.broker.uri, "mqtt.topics": "a",
                                          "mqtt.ssl.trust.store.path": "/tmp/truststore.jks"})
        self.refused(confluent, "no MQTT topic filter", **{"mqtt.server.uri": self.broker.uri, "mqtt.topics": "a/#/b"})
        lenses = "io.lenses.streamreactor.connect.mqtt.source.MqttSourceConnector"
        base = {"connect.mqtt.hosts": self.broker.uri, "connect.mqtt.service.quality": "1"}
        for kcql, text in (
                ("INSERT INTO a SELECT x FROM b", "'x' stands where . is expected.*Allowed is INSERT INTO"),
                ("INSERT INTO a SELECT * FROM b WITHCONVERTER=`x.AvroConverter`", "AvroConverter is not there.*JsonSimpleConverter"),
                ("INSERT INTO a SELECT * FROM b; INSERT INTO c SELECT * FROM d WITHKEY(e)", "make a connector of each"),
                ("INSERT INTO a/b SELECT * FROM c", "connect.mqtt.kcql: a Kafka topic has letters")):
            self.refused(lenses, text, **base, **{"connect.mqtt.kcql": kcql})

    def test_the_laws_of_the_abi_hold(self):
        build = Path(SLUICE).resolve().parents[1]
        if not (build / "bin" / "sluice-plugin-test").exists():
            self.skipTest("this build has no sluice-plugin-test (tsan builds what has several threads)")
        for cls, config in (
                ("io.confluent.connect.mqtt.MqttSourceConnector",
                 {"mqtt.server.uri": self.broker.uri, "mqtt.topics": "laws"}),
                ("io.lenses.streamreactor.connect.mqtt.source.MqttSourceConnector",
                 {"connect.mqtt.hosts": self.broker.uri, "connect.mqtt.service.quality": "1",
                  "connect.mqtt.kcql": "INSERT INTO laws SELECT * FROM laws"})):
            with self.subTest(cls):
                keys = [word for key, value in config.items() for word in ("--config", f"{key}={value}")]
                done = subprocess.run([build / "bin" / "sluice-plugin-test", build / "lib" / "sluice" / "plugins" / "mqtt.so",
                                       "--class", cls, *keys], capture_output=True, text=True, timeout=200, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn(f"PASS {cls} source.lifecycle", done.stdout)

    def test_check_subscribes_without_moving_data(self):
        self.broker.publish("checked/a", "retained", "-r")
        subscribed = self.broker.said().count("Received SUBSCRIBE")
        for cls, more in (
                ("MqttSource", {"mqtt.server.uri": self.broker.uri, "mqtt.topics": "$share/g/checked/#,alarms"}),
                ("io.confluent.connect.mqtt.MqttSourceConnector",
                 {"mqtt.server.uri": self.broker.uri, "mqtt.topics": "checked/#,alarms", "mqtt.qos": "2"}),
                ("io.lenses.streamreactor.connect.mqtt.source.MqttSourceConnector", {
                    "connect.mqtt.hosts": self.broker.uri, "connect.mqtt.service.quality": "1",
                    "connect.mqtt.kcql": "INSERT INTO a SELECT * FROM checked/#; INSERT INTO b SELECT * FROM alarms"})):
            with self.subTest(cls):
                answer = self.worker.call(f"/connector-plugins/{cls}/config/check", "PUT", {
                    "name": "looks", "connector.class": cls, **more}).json()
                self.assertEqual(answer["result"], "PASSED", answer)
                self.assertEqual([finding["text"] for finding in answer["findings"] if finding["kind"] == "subscription"],
                                 ["checked/#: granted QoS 1", "alarms: granted QoS 1"])
        log = self.broker.said()
        self.assertEqual(log.count("Received SUBSCRIBE"), subscribed + 6)
        self.assertNotIn("Received PUBACK from looks", log)
        self.assertIn("-check", log)
        self.assertEqual(self.worker.call("/sluice/topics/a").status, 404)


if __name__ == "__main__":
    unittest.main()
