# SPDX-License-Identifier: Apache-2.0
"""`sluice connector check` against a real Mosquitto: what it says, and that it leaves nothing behind; and that a source says the same
of subscriptions. usage: check_test.py SLUICE"""
import contextlib
import json
import os
import socket
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.integration.mqtt.mosquitto import Mosquitto  # noqa: E402
from tests.support.processes import Folder, Worker, free_port, wait_until  # noqa: E402

SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)


class CheckTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = Folder()
        cls.folder = holder.__enter__()
        cls.addClassCleanup(holder.__exit__)
        cls.broker = Mosquitto(cls.folder / "open", ("max_packet_size 4096", "max_inflight_messages 7")).start()
        cls.addClassCleanup(cls.broker.stop)
        cls.strict = Mosquitto(cls.folder / "strict", ("max_qos 0", "retain_available false")).start()
        cls.addClassCleanup(cls.strict.stop)
        cls.forbidding = cls.forbidding_broker(cls.folder / "forbidding").start()
        cls.addClassCleanup(cls.forbidding.stop)
        cls.worker = Worker(SLUICE, cls.folder).start()
        cls.addClassCleanup(cls.worker.__exit__)

    @staticmethod
    def forbidding_broker(folder):
        """With Mosquitto's plugin for access control, which at first lets nobody but its administrator subscribe."""
        folder.mkdir()
        subprocess.run(["mosquitto_ctrl", "dynsec", "init", folder / "access.json", "administrator", "a password"], check=True,
                       capture_output=True, timeout=60)
        plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
        return Mosquitto(folder, (f"plugin {plugin}", f"plugin_opt_config_file {folder}/access.json"))

    @contextlib.contextmanager
    def source(self, broker, **config):
        self.worker.create("in", {"connector.class": "MqttSource", "mqtt.server.uri": broker.uri, "mqtt.topics": "in/#", **config})
        try:
            yield
        finally:
            self.worker.call("/connectors/in", "DELETE")

    def check(self, cls, broker, code, *arguments, **config):
        file = self.folder / "checked.json"
        uri = broker.uri if isinstance(broker, Mosquitto) else broker
        file.write_text(json.dumps({"name": "checked", "config": {"connector.class": cls, "mqtt.server.uri": uri, **config}}))
        done = subprocess.run([SLUICE, "--worker", self.worker.url, *arguments, "connector", "check", file], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(self.worker.call("/connectors").json(), [])
        return done.stdout

    def test_sink(self):
        out = self.check("MqttSink", self.broker, 0, topics="t")
        self.assertIn("checked.json: passed\n", out)
        self.assertIn(f"connection: 127.0.0.1:{self.broker.port} accepts 'checked-0-check' with MQTT 5: maximum QoS 2, "
                      "receive maximum 7, maximum packet size 4096 bytes, retained messages available", out)
        out = self.check("MqttSink", self.broker, 0, topics="t", **{"mqtt.protocol.version": "3.1.1"})
        self.assertIn("with MQTT 3.1.1", out)

    def test_sink_that_wants_more_than_the_broker_gives(self):
        out = self.check("MqttSink", self.strict, 1, topics="t")
        self.assertRegex(out, "failed: the MQTT broker .* takes messages with QoS 0 at most")
        out = self.check("MqttSink", self.strict, 1, topics="t", **{"mqtt.qos": "0", "mqtt.retained": "true"})
        self.assertRegex(out, "failed: the MQTT broker .* takes no retained messages")
        self.check("MqttSink", self.strict, 0, topics="t", **{"mqtt.qos": "0"})

    def test_a_source_that_is_granted_less_than_it_asks_for(self):
        out = self.check("MqttSource", self.strict, 1, **{"mqtt.topics": "in/#"})
        self.assertIn("subscription: in/#: granted QoS 0 only", out)
        self.assertRegex(out, "failed: the MQTT broker .* grants the filter 'in/#' QoS 0 only, 1 was asked for")
        self.check("MqttSource", self.strict, 0, **{"mqtt.topics": "in/#", "mqtt.qos": "0"})
        with self.source(self.strict):
            log = lambda: self.worker.said()
            wait_until(lambda: "granted-qos" in log(), 60, lambda: f"the event; {self.worker.tail()}")
            self.assertIn("the MQTT broker grants QoS 0 for 'in/#' only, not 1", log())

    def test_a_source_whose_subscription_is_refused(self):
        for version, why in (("5", "Not authorized"), ("3.1.1", "no reason given")):
            with self.subTest(version):
                config = {"mqtt.protocol.version": version}
                out = self.check("MqttSource", self.forbidding, 1, **{"mqtt.topics": "in/#", **config})
                self.assertIn(f"subscription: in/#: refused: {why}", out)
                self.assertRegex(out, f"failed: the MQTT broker .* refused the filter 'in/#': {why}")
                with self.source(self.forbidding, **config):
                    failed = wait_until(lambda: [t for t in self.worker.status("in")["tasks"] if t["state"] == "FAILED"], 60,
                                        lambda: f"the failure; {self.worker.tail()}")
                self.assertIn("the MQTT broker refused the subscription to 'in/#'", failed[0]["trace"])
                self.assertIn("mqtt.topics", failed[0]["trace"])

    def test_each_broker_is_tried(self):
        with socket.socket() as away:  # nobody listens on its port
            away.bind(("127.0.0.1", 0))
            out = self.check("MqttSink", f"tcp://127.0.0.1:{away.getsockname()[1]},{self.broker.uri}", 1, topics="t")
        self.assertRegex(out, "failed: no connection to the MQTT broker .*Connection refused")
        self.assertIn("connection: ", out)

    def test_json(self):
        answer = json.loads(self.check("MqttSink", self.broker, 0, "--output", "json", topics="t"))
        self.assertEqual((answer["name"], answer["result"], answer["message"]), ("MqttSink", "PASSED", None))
        self.assertEqual([finding["kind"] for finding in answer["findings"]], ["connection"])

    def test_a_broker_that_never_answers_does_not_hang_it(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            out = self.check("MqttSink", f"tcp://127.0.0.1:{silent.getsockname()[1]}", 1, topics="t")
        self.assertRegex(out, "failed: the MQTT broker .* took longer than 10 s to accept a client")


if __name__ == "__main__":
    unittest.main()
