# SPDX-License-Identifier: Apache-2.0
"""Mosquitto -> topic: what becomes of the sessions of tasks that a connector no longer has.
usage: source_sessions_test.py SLUICE [TEST...]"""
import os
import socket
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.integration.mqtt.source_case import SourceCase  # noqa: E402
from tests.support.mqtt import SUBACK, Client, connect_packet  # noqa: E402
from tests.support.processes import wait_until  # noqa: E402

SourceCase.SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)
VERSIONS = ("5", "3.1.1")


class Load:
    """Publishes numbers all the time, at most 2000 more than have arrived; `sent` is what was acknowledged in the end."""

    def __init__(self, port, arrived):
        self.port, self.arrived, self.sent, self.stop, self.failure = port, arrived, [], threading.Event(), None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            self.publish()
        except Exception as error:  # raised where the test sees it
            self.failure = error

    def publish(self):
        with Client(self.port) as client:
            while not self.stop.is_set():
                if len(self.sent) - self.arrived() > 2000:
                    self.stop.wait(0.02)
                    continue
                part = [b"%d" % n for n in range(len(self.sent), len(self.sent) + 50)]
                client.publish([("in/a", value) for value in part])
                self.sent += part
                self.stop.wait(0.01)

    def finish(self):
        self.stop.set()
        self.thread.join()
        if self.failure:
            raise self.failure
        return self.sent


class OldSessionsTest(SourceCase):
    def offsets(self, name):
        """client id -> {filter: QoS}"""
        offsets = self.worker.call(f"/connectors/{name}/offsets").json()["offsets"]
        return {o["partition"]["client.id"]: o["offset"] for o in offsets}

    def clients(self, name):
        """Whose sessions the connector knows."""
        return set(self.offsets(name))

    def confirmed(self, name):
        return {client for client, filters in self.offsets(name).items() if None not in filters.values()}

    def session_present(self, client_id):
        with socket.create_connection(("127.0.0.1", self.broker.port), timeout=30) as there:
            there.sendall(connect_packet(client_id, clean=False))
            answer = b""
            while len(answer) < 4:
                part = there.recv(4 - len(answer))
                self.assertTrue(part, "Mosquitto has closed the connection")
                answer += part
            return answer[2] & 1 == 1

    def set_tasks(self, name, count, **config):
        answer = self.worker.call(f"/connectors/{name}/config", "PUT", self.config(**config, **{"tasks.max": count}))
        self.assertEqual(answer.status, 200, answer.body)

    def test_fewer_tasks_lose_nothing(self):
        """Mosquitto goes on dealing messages to the sessions of a shared subscription whether or not anybody is there."""
        for version in VERSIONS:
            with self.subTest(version):
                name = "in" + version.replace(".", "")
                config = {"kafka.topic": name, "mqtt.protocol.version": version}
                self.source(name, **config, **{"tasks.max": 4})
                load = Load(self.broker.port, lambda: self.end_of(name))
                try:
                    for count in (2, 1):
                        self.wait_for(self.end_of(name) + 500, name)
                        self.set_tasks(name, count, **config)
                        wait_until(lambda n=count: self.clients(name) == {f"{name}-{task}" for task in range(n)}, 60,
                                   lambda: f"old sessions to be ended; {self.clients(name)}; {self.worker.tail()}")
                    self.wait_for(self.end_of(name) + 500, name)
                finally:
                    sent = load.finish()
                self.wait_for(len(sent), name)
                wait_until(lambda: set(self.values(name)) == set(sent), 60,
                           lambda: f"all; missing {sorted(set(sent) - set(self.values(name)))[:5]}; {self.worker.tail()}")
                self.settled()
                for task in (1, 2, 3):
                    self.assertFalse(self.session_present(f"{name}-{task}"), task)
                self.assertEqual(self.metric("mqtt_source_possible_gaps_total"), 0)
                self.worker.call(f"/connectors/{name}", "DELETE")

    def test_killed_while_old_sessions_are_emptied(self):
        self.source(**{"tasks.max": 4, "mqtt.receive.maximum": 20})
        self.worker.kill()
        sent = [b"%d" % n for n in range(8000)]
        with self.client() as client:
            client.publish([("in/a", value) for value in sent])
        self.worker.start()
        self.set_tasks("in", 1, **{"mqtt.receive.maximum": 20})
        for count in (1000, 3000, 5000):
            self.wait_for(count)
            self.worker.kill()
            self.worker.start()
        wait_until(lambda: self.clients("in") == {"in-0"}, 120, lambda: f"old sessions to be ended; {self.worker.tail()}")
        wait_until(lambda: set(self.values()) == set(sent), 60, lambda: f"all; {len(set(self.values()))}; {self.worker.tail()}")

    def test_killed_before_the_broker_has_confirmed_a_subscription(self):
        """Mosquitto has the session and deals messages to it, and the worker dies before it hears so."""
        proxy = self.proxy(lambda _direction, kind, _first, _body: "before" if kind == SUBACK else None)
        self.source(**{"tasks.max": 2, "mqtt.server.uri": f"tcp://127.0.0.1:{proxy.port}"})
        self.worker.kill()
        proxy.close()
        sent = [b"%d" % n for n in range(100)]
        self.publish(*sent)
        self.worker.start()
        self.set_tasks("in", 1)
        wait_until(lambda: self.clients("in") == {"in-0"}, 60, lambda: f"the old session to be ended; {self.worker.tail()}")
        self.assertEqual(set(self.values()), set(sent))
        self.assertFalse(self.session_present("in-1"))
        self.assertEqual(self.metric("mqtt_source_possible_gaps_total"), 0)

    def test_another_client_id(self):
        self.worker.create("in", self.config(**{"mqtt.client.id": "old"}))
        self.subscribed("old", connector="in")
        self.publish(b"1")
        self.wait_for(1)
        self.settled()
        self.worker.stop()
        self.publish(b"2", b"3")
        self.worker.start()
        self.set_tasks("in", 1, **{"mqtt.client.id": "new"})
        wait_until(lambda: self.clients("in") == {"new-0"}, 60, lambda: f"the old session to be ended; {self.worker.tail()}")
        self.assertEqual(set(self.values()), {b"1", b"2", b"3"})
        self.assertFalse(self.session_present("old-0"))

    def test_a_session_that_the_broker_has_forgotten_is_a_possible_gap(self):
        self.source(**{"tasks.max": 2})
        wait_until(lambda: self.confirmed("in") == {"in-0", "in-1"}, 60, lambda: f"both to be confirmed; {self.worker.tail()}")
        self.broker.stop()
        self.broker.database.unlink()
        self.set_tasks("in", 1)
        self.broker.start()
        self.happened("the session of client 'in-1', which no task has any more")
        wait_until(lambda: self.clients("in") == {"in-0"}, 60, "it to be forgotten")
        self.publish(b"goes on")
        self.wait_for(1)


if __name__ == "__main__":
    unittest.main()
