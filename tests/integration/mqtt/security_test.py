# SPDX-License-Identifier: Apache-2.0
"""TLS, clients' certificates, users: against a real Mosquitto. usage: security_test.py SLUICE"""
import os
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.integration.mqtt.mosquitto import (KEY_PASSWORD, PASSWORD, USER, Certificates, Mosquitto, Subscriber,  # noqa: E402
                                              TlsRelay, wait_subscribed)
from tests.support.mqtt import Client  # noqa: E402
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)


class SecurityTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = Folder()
        cls.folder = holder.__enter__()
        cls.addClassCleanup(holder.__exit__)
        cls.broker = Mosquitto(cls.folder / "mosquitto", ["max_inflight_messages 0", "autosave_on_changes false"],
                               certificates=Certificates(cls.folder / "tls")).start()
        cls.addClassCleanup(cls.broker.stop)
        cls.worker = Worker(SLUICE, cls.folder).start()
        cls.addClassCleanup(cls.worker.__exit__)
        (cls.folder / "in.txt").write_text("hello\n")
        cls.worker.create("lines", {"connector.class": "FileSource", "file": "in.txt", "topic": "lines"})

    def config(self, port, host="localhost", scheme="ssl", **tls):
        keys = {f"mqtt.tls.{key.replace('_', '.')}": value for key, value in tls.items()}
        return {"connector.class": "MqttSink", "topics": "lines", "mqtt.server.uri": f"{scheme}://{host}:{port}", **keys}

    def mutual(self, **tls):
        return self.config(self.broker.mutual_port, **{"ca_file": "tls/ca.pem", "cert_file": "tls/client.pem",
                                                       "key_file": "tls/client.key", **tls})

    def user(self, password):
        return {**self.config(self.broker.user_port, scheme="tcp"), "mqtt.username": USER, "mqtt.password": password}

    def check(self, config):
        answer = self.worker.call("/connector-plugins/MqttSink/config/check", "PUT", {"name": "a-check", **config}).json()
        self.assertNotIn(PASSWORD, str(answer))
        self.assertNotIn(KEY_PASSWORD, str(answer))
        return answer

    def refused(self, config, text):
        answer = self.check(config)
        self.assertEqual(answer["result"], "FAILED", answer)
        self.assertRegex(answer["message"], text)

    def test_messages_get_through(self):
        subscriber = Subscriber(self.broker.port, "-t", "#")
        self.addCleanup(subscriber.stop)
        ways = {"tls": self.config(self.broker.tls_port, ca_file="tls/ca.pem"), "mutual": self.mutual(),
                "locked": self.mutual(key_file="tls/client-locked.key", key_password=KEY_PASSWORD), "user": self.user(PASSWORD)}
        for name, config in ways.items():
            with self.subTest(name):
                self.assertEqual(self.check(config)["result"], "PASSED")
                self.worker.create(name, {**config, "mqtt.topic": name})
                wait_until(lambda: f"{name} hello" in subscriber.seen(), 30, lambda: f"the message; {self.worker.tail()}")

    def source(self, name, reached, **config):
        """One that is subscribed to `source/<name>`."""
        self.worker.create(name, {"connector.class": "MqttSource", **reached, "mqtt.topics": f"source/{name}", "kafka.topic": name,
                                  "payload.format": "string", "record.headers": "", "topic.creation.default.partitions": 1,
                                  "topic.creation.default.replication.factor": 1, **config})
        self.addCleanup(self.worker.call, f"/connectors/{name}", "DELETE")
        wait_subscribed(self.worker, f"{name}-0")

    def publish(self, name, sent, **more):
        with Client(self.broker.port, window=1000) as client:
            client.publish([(f"source/{name}", value.encode()) for value in sent], **more)

    def arrives(self, name, sent):
        """Whole and in order."""
        end = lambda: sum(p["end"] for p in self.worker.call(f"/sluice/topics/{name}").json().get("partitions", []))
        wait_until(lambda: end() >= len(sent), 120, lambda: f"{len(sent)} records; there are {end()}; {self.worker.tail()}")
        read = subprocess.run([SLUICE, "--worker", self.worker.url, "topic", "read", name], capture_output=True, text=True,
                              timeout=120, check=True)
        self.assertEqual([line[-5:] for line in read.stdout.splitlines()], sent)
        self.assertEqual(self.worker.status(name)["tasks"][0]["state"], "RUNNING")

    def test_a_source_gets_what_came_while_it_was_away(self):
        sent = [f"{n:05d}" for n in range(3000)]
        for transport in ("tls", "mutual", "user"):
            with self.subTest(transport):
                name = f"over-{transport}"
                self.source(name, self.broker.reached_over(transport))
                self.assertIn(self.worker.call(f"/connectors/{name}/stop", "PUT").status, (202, 204))
                wait_until(lambda: f"Client {name}-0 " in self.broker.said().rpartition(f" as {name}-0 ")[2], 60,
                           "the end of the connection")
                self.publish(name, sent)
                self.assertIn(self.worker.call(f"/connectors/{name}/resume", "PUT").status, (202, 204))
                self.arrives(name, sent)

    def test_records_of_tls_that_hold_the_end_of_a_round_and_more(self):
        """Then the library hands out more messages than the batch has room for: those of QoS 0, while behind some hundred of QoS 1
        it stops after each."""
        relay = TlsRelay(self.broker.certificates, self.broker.port)
        self.addCleanup(relay.stop)
        self.source("relayed", {**self.broker.reached_over("tls"), "mqtt.server.uri": f"ssl://localhost:{relay.port}"},
                    **{"mqtt.qos": 0})
        sent = [f"{n:05d}" for n in range(10000)]
        self.publish("relayed", sent, qos=0)
        self.arrives("relayed", sent)

    def test_what_is_wrong_is_said(self):
        tls = self.broker.tls_port
        self.refused(self.config(tls, ca_file="tls/other-ca.pem"), "TLS: certificate verify failed.*(issuer|self.signed)")
        self.refused(self.config(tls), "TLS: certificate verify failed.*(issuer|self.signed)")
        self.refused(self.config(tls, host="127.0.0.1", ca_file="tls/ca.pem"), "TLS: host name verification failed")
        self.refused(self.config(self.broker.mutual_port, ca_file="tls/ca.pem"), "did not accept .*(certificate required|may want a client's certificate)")
        self.refused(self.mutual(key_file="tls/client-locked.key", key_password="no"), 'client key file "tls/client-locked.key"')
        self.refused(self.mutual(key_file="tls/client-locked.key"), 'client key file "tls/client-locked.key"')
        self.refused(self.mutual(key_file="tls/server.key"), "key values mismatch|inconsistent")
        self.refused(self.mutual(ca_file="tls/none.pem"), "mqtt.tls.ca.file.*tls/none.pem")
        self.refused(self.mutual(ca_file="in.txt"), 'CA certificates, check cafile "in.txt"')
        self.refused(self.config(self.broker.port, ca_file="tls/ca.pem"), "TLS|connection was lost|broke")
        self.refused(self.user("wrong"), r"refused the connection: .*mqtt.username and mqtt.password")
        self.refused({**self.user(PASSWORD), "mqtt.protocol.version": "3.1.1", "mqtt.username": "nobody"},
                     r"refused the connection: .*mqtt.username and mqtt.password")

    def test_a_sink_that_is_refused_says_so_and_waits(self):
        self.worker.create("waiting", self.config(self.broker.tls_port, ca_file="tls/other-ca.pem"))
        wait_until(lambda: "certificate verify failed" in self.worker.tail(), 30, "the warning")
        wait_until(lambda: self.worker.status("waiting")["tasks"][0]["state"] == "RUNNING", 60, "a task that waits")
        self.worker.call("/connectors/waiting", "DELETE")


if __name__ == "__main__":
    unittest.main()
