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
from tests.support.mqtt import Client, connect_packet  # noqa: E402
from tests.support.processes import wait_until  # noqa: E402

SourceCase.SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)
VERSIONS = ("5", "3.1.1")


class Load:
    """Publishes numbers all the time; `sent` is what was acknowledged in the end."""

    def __init__(self, port):
        self.port, self.sent, self.stop = port, [], threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with Client(self.port) as client:
            while not self.stop.is_set():
                part = [b"%d" % n for n in range(len(self.sent), len(self.sent) + 50)]
                client.publish([("in/a", value) for value in part])
                self.sent += part
                self.stop.wait(0.01)

    def finish(self):
        self.stop.set()
        self.thread.join()
        return self.sent


class OldSessionsTest(SourceCase):
    def clients(self, name):
        """Whose sessions the connector knows."""
        return {o["partition"]["client.id"] for o in self.worker.call(f"/connectors/{name}/offsets").json()["offsets"]}

    def session_present(self, client_id):
        with socket.create_connection(("127.0.0.1", self.broker.port)) as there:
            there.sendall(connect_packet(client_id, clean=False))
            answer = b""
            while len(answer) < 4:
                answer += there.recv(4 - len(answer))
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
                load = Load(self.broker.port)
                try:
                    for count in (2, 1):
                        self.wait_for(self.end_of(name) + 500, name)
                        self.set_tasks(name, count, **config)
                        wait_until(lambda n=count: self.clients(name) == {f"{name}-{task}" for task in range(n)}, 60,
                                   f"old sessions to be ended; {self.clients(name)}; {self.worker.tail()}")
                    self.wait_for(self.end_of(name) + 500, name)
                finally:
                    sent = load.finish()
                wait_until(lambda: set(self.values(name)) == set(sent), 60,
                           f"all; missing {sorted(set(sent) - set(self.values(name)))[:5]}; {self.worker.tail()}")
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
        wait_until(lambda: self.clients("in") == {"in-0"}, 120, f"old sessions to be ended; {self.worker.tail()}")
        wait_until(lambda: set(self.values()) == set(sent), 60, f"all; {len(set(self.values()))}; {self.worker.tail()}")

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
        wait_until(lambda: self.clients("in") == {"new-0"}, 60, f"the old session to be ended; {self.worker.tail()}")
        self.assertEqual(set(self.values()), {b"1", b"2", b"3"})
        self.assertFalse(self.session_present("old-0"))

    def test_a_session_that_the_broker_has_forgotten_is_a_possible_gap(self):
        self.source(**{"tasks.max": 2})
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
