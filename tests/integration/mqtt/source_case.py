# SPDX-License-Identifier: Apache-2.0
"""What the tests of MqttSource have in common: Mosquitto, the worker, a publisher, what stands in the topics."""
import base64
import re
import unittest

from tests.integration.mqtt.mosquitto import Mosquitto
from tests.support.mqtt import Client
from tests.support.mqtt_proxy import Proxy
from tests.support.processes import Folder, Worker, wait_until

STRINGS = "org.apache.kafka.connect.storage.StringConverter"
BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"


class SourceCase(unittest.TestCase):
    SLUICE = None  # the worker under test
    # More lines for mosquitto.conf. It saves its sessions when it ends. Its log tells of connections and subscriptions, not of
    # each message.
    BROKER = ["autosave_interval 0", "autosave_on_changes false",
              *(f"log_type {kind}" for kind in ("error", "warning", "notice", "information", "subscribe", "unsubscribe"))]

    def setUp(self):
        holder = Folder()
        self.folder = holder.__enter__()
        self.addCleanup(holder.__exit__)
        self.broker = Mosquitto(self.folder / "mosquitto", self.BROKER).start()
        self.addCleanup(lambda: self.broker.stop())
        self.worker = self.make_worker().start()
        self.addCleanup(lambda: self.worker.__exit__())

    def make_worker(self, **properties):
        return Worker(self.SLUICE, self.folder, {"value.converter": BYTES, **properties})

    def config(self, **config):
        return {"connector.class": "MqttSource", "mqtt.server.uri": f"tcp://127.0.0.1:{self.broker.port}", "mqtt.topics": "in/#",
                "kafka.topic": "out", "mqtt.reconnect.backoff.ms": 50,
                "mqtt.reconnect.backoff.max.ms": 200, "topic.creation.default.partitions": 1,
                "topic.creation.default.replication.factor": 1, **{key: str(value) for key, value in config.items()}}

    def source(self, name="in", **config):
        """Creates it, and waits until it is subscribed."""
        self.worker.create(name, self.config(**config))
        self.subscribed(name)

    def subscribed(self, name="in", seconds=60, connector=None):
        """A status RUNNING says little: Mosquitto must know what each of its tasks wants. `name`: before the task's number in the
        client id, which is the connector's unless that is given."""
        client = re.compile(rf": ({re.escape(name)}-\d+) [012] ")
        connector = connector or name
        tasks = lambda: self.worker.tasks(connector)
        wait_until(lambda: tasks() and len(set(client.findall(self.broker_log()))) >= len(tasks()), seconds,
                   lambda: f"{name} to be subscribed; {self.worker.status(connector)}; {self.worker.tail()}")

    def broker_log(self):
        return self.broker.said()

    def connections(self, name="in"):
        return self.broker_log().count(f" as {name}-0 ")

    def proxy(self, judge=lambda *packet: None):
        made = Proxy(self.broker.port, judge)
        self.addCleanup(made.close)
        return made

    def client(self, port=None, client_id="publisher", **more):
        made = Client(port or self.broker.port, client_id, **more)
        self.addCleanup(made.close)
        return made

    def publish(self, *messages, **more):
        """`messages`: payloads for in/a, or (topic, payload)."""
        with Client(self.broker.port) as client:
            client.publish([m if isinstance(m, tuple) else ("in/a", m) for m in messages], **more)

    def records(self, topic="out"):
        """All of its records, partition by partition; `value` as bytes, `headers` as a dict."""
        answer = self.worker.call(f"/sluice/topics/{topic}")
        found = []
        for partition in answer.json()["partitions"] if answer.status == 200 else []:
            at = partition["start"]
            while at < partition["end"]:
                part = self.worker.call(f"/sluice/topics/{topic}/records?partition={partition['partition']}&offset={at}"
                                        "&limit=1000").json()["records"]
                if not part:
                    break
                found += part
                at = part[-1]["offset"] + 1
        for record in found:
            if "value_base64" in record:
                record["value"] = base64.b64decode(record.pop("value_base64"))
            elif record["value"] is not None:
                record["value"] = record["value"].encode()
            record["headers"] = {header["key"]: header.get("value") for header in record["headers"]}
        return found

    def values(self, topic="out"):
        return [record["value"] for record in self.records(topic)]

    def end_of(self, topic="out"):
        answer = self.worker.call(f"/sluice/topics/{topic}")
        return sum(p["end"] - p["start"] for p in answer.json()["partitions"]) if answer.status == 200 else 0

    def wait_for(self, count, topic="out", seconds=120):
        wait_until(lambda: self.end_of(topic) >= count, seconds, lambda: f"{count} records in {topic}; there are {self.end_of(topic)}; "
                   f"{self.worker.call('/connectors?expand=status').body}; {self.worker.tail()}")

    def metric(self, name):
        """The sum over the tasks."""
        return sum(self.worker.samples(name))

    def settled(self):
        """Until everything that was received is acknowledged."""
        wait_until(lambda: self.metric("mqtt_source_unacknowledged") == 0, 60, lambda: f"PUBACKs; {self.worker.tail()}")

    def failed(self, name="in", seconds=60):
        """Waits until a task has failed; its trace."""
        def trace():
            return next((task["trace"] for task in self.worker.status(name)["tasks"] if task["state"] == "FAILED"), None)
        return wait_until(trace, seconds, lambda: f"a failed task; {self.worker.status(name)}; {self.worker.tail()}")

    def happened(self, kind, seconds=60):
        """Waits until the worker's log tells of an event; the line."""
        def line():
            return next((row for row in self.worker.said().splitlines() if kind in row), None)
        return wait_until(line, seconds, lambda: f"the event {kind}; {self.worker.tail()}")
