# SPDX-License-Identifier: Apache-2.0
"""Mosquitto -> topic: what MqttSource makes of messages, sessions and subscriptions. usage: source_test.py SLUICE [TEST...]"""
import os
import sys
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.integration.mqtt.mosquitto import Subscriber  # noqa: E402
from tests.integration.mqtt.source_case import SourceCase  # noqa: E402
from tests.support import mqtt  # noqa: E402
from tests.support.mqtt_proxy import TO_BROKER  # noqa: E402
from tests.support.processes import wait_until  # noqa: E402

SourceCase.SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)


class PayloadTest(SourceCase):
    def test_bytes_come_as_they_are(self):
        self.source()
        sent = [b"", b"text", bytes(range(256)), b"\0", "gr\u00fc\u00df".encode(), b"\xff\xfe"]
        self.publish(*sent)
        self.publish(b"unacknowledged", qos=0)
        self.wait_for(len(sent) + 1)
        self.assertEqual(self.values(), [*sent, b"unacknowledged"])
        self.settled()

    def test_ten_mebibytes(self):
        """The record is larger than a topic takes by default: topic.creation raises that."""
        self.source(**{"topic.creation.default.max.message.bytes": 12 << 20})
        sent = [bytes([65 + n]) * (10 << 20) for n in range(3)]
        self.publish(b"small", *sent, b"small again")
        self.wait_for(5)
        self.settled()
        values = self.values()
        self.assertEqual([len(value) for value in values], [5, *[10 << 20] * 3, 11])
        self.assertTrue(values == [b"small", *sent, b"small again"], "other bytes than were sent")

    def test_a_message_that_the_topic_does_not_take_fails_the_task_with_what_to_do(self):
        self.source()
        self.publish(b"x" * (2 << 20))
        self.assertIn("max.message.bytes", self.failed())


class BadMessageTest(SourceCase):
    def test_what_is_no_json_is_acknowledged_once_it_is_a_dead_letter(self):
        self.source(**{"payload.format": "json", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
                       "value.converter.schemas.enable": "false", "errors.tolerance": "all",
                       "errors.deadletterqueue.topic.name": "dead", "errors.deadletterqueue.context.headers.enable": "true"})
        self.publish(b'{"n":1}', b"{no json", b'{"n":2}')
        self.wait_for(2)
        self.wait_for(1, "dead")
        self.settled()
        letter = self.records("dead")[0]
        self.assertEqual(letter["value"], b"{no json")
        self.assertEqual(letter["headers"]["__connect.errors.stage"], "TASK_POLL")
        self.assertEqual(self.metric("mqtt_source_acknowledged_total"), 3)

    def test_one_kafka_topic_too_many_is_refused(self):
        self.source(**{"kafka.topic": "${topic}", "topic.max": 3})
        self.publish(*((f"in/{n}", b"x") for n in range(3)))
        wait_until(lambda: all(self.end_of(f"in.{n}") for n in range(3)), 60, lambda: f"three topics; {self.worker.tail()}")
        self.publish(("in/3", b"x"))
        trace = self.failed()
        for part in ("topic.max", "3", "in.3"):
            self.assertIn(part, trace)
        self.assertNotIn("in.3", [topic["name"] for topic in self.worker.call("/sluice/topics").json()["topics"]])


class MappingTest(SourceCase):
    def test_a_hundred_thousand_topics_onto_sixteen(self):
        count = 100_000
        self.source(**{"mqtt.topics": "site/#", "topic.rules": "site/+/device/+ -> site.${1}", "topic.max": 16,
                       "record.headers": "topic"})
        self.publish(*((f"site/{n % 16}/device/{n}", b"%d" % n) for n in range(count)))
        wait_until(lambda: sum(self.end_of(f"site.{n}") for n in range(16)) >= count, 300, lambda: f"all; {self.worker.tail()}")
        self.settled()
        for site in (0, 15):
            self.assertEqual(self.values(f"site.{site}"), [b"%d" % n for n in range(site, count, 16)])
            self.assertEqual([r["key"] for r in self.records(f"site.{site}")][:2],
                             [f"site/{site}/device/{site}", f"site/{site}/device/{site + 16}"])
        self.assertEqual([self.end_of(f"site.{n}") for n in range(16)], [count // 16] * 16)

    def test_properties_of_mqtt_5_become_headers_key_and_time(self):
        self.source(**{"record.key": "property:device", "record.timestamp": "property:at",
                       "record.headers": "topic, qos, retained, duplicate, properties, user.properties, message.id"})
        properties = (("content-type", "text/plain"), ("response-topic", "answers/d7"), ("correlation-data", "c-1"),
                      ("message-expiry-interval", "100"), ("payload-format-indicator", "1"),
                      ("user-property", "device", "d7"), ("user-property", "at", "2026-01-31T12:00:00Z"),
                      ("user-property", "a", "b"))
        self.broker.publish("in/a", "text", "-V", "5", *(part for one in properties for part in ("-D", "publish", *one)))
        self.wait_for(1)
        record = self.records()[0]
        self.assertEqual((record["key"], record["timestamp"], record["value"]), ("d7", 1769860800000, b"text"))
        self.assertLessEqual(int(record["headers"].pop("mqtt.message.expiry.interval")), 100)
        self.assertEqual(record["headers"], {
            "mqtt.topic": "in/a", "mqtt.qos": "1", "mqtt.retained": "false", "mqtt.duplicate": "false", "mqtt.message.id": "1",
            "mqtt.content.type": "text/plain", "mqtt.response.topic": "answers/d7", "mqtt.correlation.data": "Yy0x",
            "mqtt.payload.format.indicator": "1", "mqtt.user.device": "d7", "mqtt.user.at": "2026-01-31T12:00:00Z",
            "mqtt.user.a": "b"})

    def test_retained_messages(self):
        self.publish(("in/kept", b"kept"), retained=True)
        self.source()
        self.wait_for(1)
        self.publish(("in/kept", b"live"))
        self.wait_for(2)
        self.assertEqual([(r["value"], r["headers"]["mqtt.retained"]) for r in self.records()],
                         [(b"kept", "true"), (b"live", "false")])
        self.worker.stop()  # mqtt.retain.handling 1: not again for a subscription that the session has
        self.worker.start()
        wait_until(lambda: self.connections() >= 2, 60, "another connection")
        self.publish(b"after the restart")
        self.wait_for(3)
        self.assertEqual(self.values()[2:], [b"after the restart"])

    def test_retained_messages_are_skipped(self):
        self.publish(("in/kept", b"kept"), retained=True)
        self.source(**{"mqtt.skip.retained": "true"})
        self.publish(b"live")
        self.wait_for(1)
        self.settled()
        self.assertEqual(self.values(), [b"live"])


class SubscriptionTest(SourceCase):
    def test_a_filter_that_left_the_config_is_unsubscribed(self):
        proxy = self.proxy()
        uri = {"mqtt.server.uri": f"tcp://127.0.0.1:{proxy.port}"}
        self.source(**{"mqtt.topics": "in/#,old/#", **uri})
        self.publish(("old/a", b"wanted"))
        self.wait_for(1)
        self.settled()
        before = self.connections()
        self.assertEqual(self.worker.call("/connectors/in/config", "PUT", self.config(**{"mqtt.topics": "in/#", **uri})).status, 200)
        wait_until(lambda: self.connections() > before and proxy.bodies(TO_BROKER, mqtt.UNSUBSCRIBE), 60,
                   lambda: f"UNSUBSCRIBE; {self.worker.tail()}")
        wait_until(lambda: "in-0 old/#" in self.broker_log(), 60, "Mosquitto to have taken it")
        # In between nothing is without a subscription that both have.
        changes = [kind for kind in proxy.kinds(TO_BROKER) if kind in (mqtt.SUBSCRIBE, mqtt.UNSUBSCRIBE)]
        self.assertEqual(changes, [mqtt.SUBSCRIBE, mqtt.SUBSCRIBE, mqtt.UNSUBSCRIBE])
        self.publish(("old/a", b"unwanted"), ("in/a", b"wanted, too"))
        self.wait_for(2)
        self.settled()
        self.assertEqual(self.values(), [b"wanted", b"wanted, too"])

    def test_several_tasks_share_the_messages(self):
        self.source(**{"tasks.max": 4, "record.key": "none"})
        self.assertEqual(len(self.worker.status("in")["tasks"]), 4)
        self.assertIn("$share/in/in/#", self.broker_log())
        sent = [b"%d" % n for n in range(4000)]
        with self.client() as client:
            client.publish([("in/a", value) for value in sent])
        self.wait_for(len(sent))
        self.settled()
        self.assertEqual(sorted(self.values()), sorted(sent))
        shares = self.worker.samples("mqtt_source_received_total")
        self.assertEqual(len(shares), 4)
        self.assertTrue(all(share > 100 for share in shares), shares)

    def test_a_shared_subscription_of_a_task_that_was_killed_loses_nothing(self):
        self.source(**{"tasks.max": 4})
        sent = [b"%d" % n for n in range(6000)]
        with self.client() as client:
            client.publish([("in/a", value) for value in sent[:3000]])
            self.worker.kill()
            client.publish([("in/a", value) for value in sent[3000:]])
        self.worker.start()
        wait_until(lambda: set(self.values()) == set(sent), 120, lambda: f"all; {len(set(self.values()))}; {self.worker.tail()}")

    def test_the_will_is_published_when_the_worker_dies_and_only_then(self):
        self.source(**{"mqtt.will.topic": "gone/in", "mqtt.will.payload": "died", "mqtt.will.qos": 1})
        watcher = Subscriber(self.broker.port, "-t", "gone/#", "-t", "sign/#")
        self.addCleanup(watcher.stop)
        self.worker.stop()
        self.publish(("sign/a", b"stopped"))
        wait_until(lambda: "sign/a stopped" in watcher.seen(), 60, "the sign")
        self.worker.start()
        wait_until(lambda: self.connections() >= 2, 60, "another connection")
        self.worker.kill()
        wait_until(lambda: "gone/in died" in watcher.seen(), 60, lambda: f"the will; {watcher.seen()}")
        self.assertEqual(Counter(watcher.seen()), {"sign/a stopped": 1, "gone/in died": 1})
        self.worker.start()


if __name__ == "__main__":
    unittest.main()
