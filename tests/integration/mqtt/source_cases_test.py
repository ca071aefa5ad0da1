# SPDX-License-Identifier: Apache-2.0
"""MqttSource and the faults that MQTT bridges are known for, one test each, against a real Mosquitto.
usage: source_cases_test.py SLUICE [TEST...]"""
import os
import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.integration.mqtt.mosquitto import Mosquitto  # noqa: E402
from tests.integration.mqtt.source_case import SourceCase  # noqa: E402
from tests.support import mqtt  # noqa: E402
from tests.support.mqtt_proxy import TO_BROKER, TO_CLIENT, cut_at  # noqa: E402
from tests.support.processes import wait_until  # noqa: E402

SourceCase.SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)
VERSIONS = ("5", "3.1.1")
RECEIVE_MAXIMUM = 0x21  # a property of CONNECT; without it 65535


def numbers(count, first=0):
    return [b"%06d" % n for n in range(first, first + count)]


def first_occurrences(values):
    return list(dict.fromkeys(values))


class SessionTest(SourceCase):
    def test_redelivered_with_dup_is_never_dropped(self):
        """Mosquitto believes to have delivered it and sends it again with DUP; nobody here has seen it before."""
        for version in VERSIONS:
            with self.subTest(version):
                name = "in" + version.replace(".", "")
                proxy = self.proxy(cut_at(TO_CLIENT, mqtt.PUBLISH, "before", nth=3))
                self.source(name, **{"mqtt.server.uri": f"tcp://127.0.0.1:{proxy.port}", "kafka.topic": name,
                                     "mqtt.protocol.version": version})
                self.publish(*numbers(10))
                wait_until(lambda: set(self.values(name)) == set(numbers(10)), 120, lambda: f"all; {self.worker.tail()}")
                self.assertEqual(proxy.cuts, 1)
                third = [r for r in self.records(name) if r["value"] == b"000002"]
                self.assertEqual([r["headers"]["mqtt.duplicate"] for r in third], ["true"])
                self.assertGreaterEqual(self.metric("mqtt_source_redelivered_total"), 1)

    def test_redelivered_after_the_acknowledgement_was_lost_comes_twice_and_is_acknowledged(self):
        """PUBACK never arrives: the same message again, with DUP. It stands in the topic twice, which is what at least once means."""
        proxy = self.proxy(cut_at(TO_BROKER, mqtt.PUBACK, "before"))
        self.source(**{"mqtt.server.uri": f"tcp://127.0.0.1:{proxy.port}"})
        self.publish(b"one")
        self.wait_for(2)
        self.assertEqual([r["headers"]["mqtt.duplicate"] for r in self.records()], ["false", "true"])
        self.settled()
        self.publish(b"two")
        self.wait_for(3)
        self.assertEqual(self.values()[2], b"two")

    def test_the_client_id_is_the_same_and_the_session_kept_over_a_restart(self):
        for version in VERSIONS:
            with self.subTest(version):
                name = "in" + version.replace(".", "")
                self.source(name, **{"kafka.topic": name, "mqtt.protocol.version": version})
                self.publish(b"before")
                self.wait_for(1, name)
                self.settled()
                for number, end in enumerate((self.worker.stop, self.worker.kill)):
                    end()
                    there = self.connections(name)
                    self.publish(b"while it is down")
                    self.worker.start()
                    wait_until(lambda: self.connections(name) > there, 60, "the same client id")
                    self.wait_for(2 + number, name)
                    self.settled()
                self.assertEqual(self.values(name), [b"before", b"while it is down", b"while it is down"])
                clean = set(re.findall(rf" as {name}-\d+ \(p\d, c(\d)", self.broker_log()))
                self.assertEqual(clean, {"0"}, "a session that must be kept was asked for with clean start")
                self.assertEqual(self.metric("mqtt_source_possible_gaps_total"), 0)
                self.worker.call(f"/connectors/{name}", "DELETE")

    def test_a_backlog_of_the_time_it_was_down_is_there_in_order(self):
        for version in VERSIONS:
            with self.subTest(version):
                name = "in" + version.replace(".", "")
                self.source(name, **{"kafka.topic": name, "mqtt.protocol.version": version})
                self.worker.kill()
                with self.client() as client:
                    client.publish([("in/a", value) for value in numbers(20000)])
                self.worker.start()
                self.wait_for(20000, name)
                self.settled()
                self.assertEqual(first_occurrences(self.values(name)), numbers(20000))
                self.worker.call(f"/connectors/{name}", "DELETE")

    def test_it_subscribes_when_the_session_is_there_and_when_it_is_not(self):
        proxy = self.proxy()
        self.source(**{"mqtt.server.uri": f"tcp://127.0.0.1:{proxy.port}"})
        self.publish(b"first session")
        self.wait_for(1)
        self.settled()
        self.broker.stop()  # it keeps its sessions
        self.broker.start()
        self.publish(b"session present")
        self.wait_for_value(b"session present")
        self.assertEqual(self.metric("mqtt_source_possible_gaps_total"), 0)
        present = [body[0] for body in proxy.bodies(TO_CLIENT, mqtt.CONNACK)]
        self.assertEqual((present[0], present[-1]), (0, 1))

        self.forget_sessions()
        self.happened("session-lost")
        wait_until(lambda: self.metric("mqtt_source_possible_gaps_total") >= 1, 60, "the metric")
        wait_until(lambda: self.connections() >= 3 and ": in-0 1 in/#" in self.broker_log().rpartition(" as in-0 ")[2], 60,
                   "the subscription of that connection")
        self.publish(b"session lost")
        self.wait_for_value(b"session lost")
        # Mosquitto may have ended before the PUBACK of the first one came.
        self.assertEqual(first_occurrences(self.values()), [b"first session", b"session present", b"session lost"])
        self.assertEqual(self.worker.status("in")["tasks"][0]["state"], "RUNNING")

    def wait_for_value(self, value):
        wait_until(lambda: value in self.values(), 60, lambda: f"{value}; {self.values()}; {self.worker.tail()}")

    def forget_sessions(self):
        self.broker.stop()
        self.broker.database.unlink()
        self.broker.start()

    def test_a_lost_session_fails_the_task_where_the_config_says_so(self):
        self.source(**{"mqtt.session.lost": "fail"})
        self.publish(b"one")
        self.wait_for(1)
        self.settled()
        self.forget_sessions()
        trace = self.failed()
        self.assertIn("session", trace)
        self.assertIn("mqtt.session.lost", trace)
        self.assertIn("Not restarted by itself", trace)

    def test_a_session_that_was_lost_while_the_worker_was_down_is_noticed(self):
        self.source(**{"mqtt.session.lost": "fail"})
        self.publish(b"one")
        self.wait_for(1)
        self.settled()
        self.worker.stop()
        self.forget_sessions()
        self.worker.start()
        trace = self.failed()
        self.assertIn("session", trace)
        self.assertIn("Not restarted by itself", trace)


class QualityTwoTest(SourceCase):
    """Messages published with QoS 2, with a cut at each packet of theirs; the source asks for QoS 1."""

    def test_it_asks_for_one_and_says_so(self):
        proxy = self.proxy()
        self.source(**{"mqtt.server.uri": f"tcp://127.0.0.1:{proxy.port}", "mqtt.qos": 2})
        asked = mqtt.parse_subscribe(proxy.bodies(TO_BROKER, mqtt.SUBSCRIBE)[0], True)
        self.assertEqual(asked, [("in/#", 1)])
        self.assertIn("mqtt.qos=2", self.happened("granted-qos"))
        self.publish(b"two", qos=2)
        self.wait_for(1)
        self.assertEqual(self.records()[0]["headers"]["mqtt.qos"], "1")

    def test_nothing_is_lost_at_a_cut_on_the_way_to_the_broker(self):
        self.source()
        sent = []
        for direction, kind in ((TO_BROKER, mqtt.PUBLISH), (TO_CLIENT, mqtt.PUBREC), (TO_BROKER, mqtt.PUBREL),
                                (TO_CLIENT, mqtt.PUBCOMP)):
            for when in ("before", "after"):
                with self.subTest(f"{kind} {direction} {when}"):
                    proxy = self.proxy(cut_at(direction, kind, when, nth=2))
                    first, second, third = (f"{kind} {when} {n}".encode() for n in range(3))
                    sent += [first, second, third]
                    with self.client(proxy.port, f"p{len(sent)}", window=1) as client:
                        client.publish([("in/a", first)], qos=2)
                        try:
                            client.publish([("in/a", second)], qos=2)
                        except OSError:
                            pass
                        else:  # the cut came when the last packet had passed
                            self.assertEqual((kind, when), (mqtt.PUBCOMP, "after"))
                        client.reconnect()
                        client.finish()
                        client.publish([("in/a", third)], qos=2)
                    self.assertEqual(proxy.cuts, 1)
        self.wait_for(len(sent))
        self.settled()
        self.assertEqual(self.values(), sent)  # exactly once, as QoS 2 is on this way

    def test_nothing_is_lost_at_a_cut_on_the_way_to_the_worker(self):
        for version in VERSIONS:
            for direction, kind in ((TO_BROKER, mqtt.CONNECT), (TO_CLIENT, mqtt.CONNACK), (TO_BROKER, mqtt.SUBSCRIBE),
                                    (TO_CLIENT, mqtt.SUBACK), (TO_CLIENT, mqtt.PUBLISH), (TO_BROKER, mqtt.PUBACK)):
                for when in ("before", "after"):
                    with self.subTest(f"MQTT {version}: {kind} {direction} {when}"):
                        name = f"in-{version.replace('.', '')}-{kind}-{when}"
                        proxy = self.proxy(cut_at(direction, kind, when))
                        self.source(name, **{"mqtt.server.uri": f"tcp://127.0.0.1:{proxy.port}", "kafka.topic": name,
                                             "mqtt.topics": f"{name}/#", "mqtt.protocol.version": version})
                        self.publish(*((f"{name}/a", value) for value in numbers(20)), qos=2)
                        wait_until(lambda: set(self.values(name)) == set(numbers(20)), 60,
                                   lambda: f"all in {name}; {self.values(name)}; {self.worker.tail()}")
                        self.assertEqual(first_occurrences(self.values(name)), numbers(20))
                        wait_until(lambda: proxy.cuts, 60, "the cut")  # of PUBACK: they are durable before
                        self.assertEqual(proxy.cuts, 1)
                        self.worker.call(f"/connectors/{name}", "DELETE")


class WindowTest(SourceCase):
    BROKER = [*SourceCase.BROKER, "max_inflight_messages 0"]

    def test_no_window_stalls(self):
        for version in VERSIONS:
            for window in (1, 10, 20, 65535):
                with self.subTest(f"MQTT {version}, {window}"):
                    name, count = f"in-{version.replace('.', '')}-{window}", 300 if window == 1 else 3000
                    proxy = self.proxy()
                    self.source(name, **{"mqtt.server.uri": f"tcp://127.0.0.1:{proxy.port}", "kafka.topic": name, "mqtt.topics": f"{name}/#",
                                         "mqtt.receive.maximum": window, "mqtt.protocol.version": version})
                    if version == "5":
                        asked = mqtt.connect_numbers(proxy.bodies(TO_BROKER, mqtt.CONNECT)[0])
                        self.assertEqual(asked.get(RECEIVE_MAXIMUM, 65535), window)
                    self.publish(*((f"{name}/a", value) for value in numbers(count)))
                    self.wait_for(count, name)
                    self.settled()
                    self.assertEqual(self.values(name), numbers(count))
                    self.worker.call(f"/connectors/{name}", "DELETE")

    def test_a_window_of_mosquitto_that_is_smaller_than_ours_does_not_stall(self):
        """MQTT 3.1.1 has no receive maximum: the broker's own window decides, here of one message."""
        self.broker.stop()
        self.broker = Mosquitto(self.folder / "narrow", [*SourceCase.BROKER, "max_inflight_messages 1"]).start()
        self.source(**{"mqtt.protocol.version": "3.1.1", "mqtt.receive.maximum": 1000})
        self.publish(*numbers(200))
        self.wait_for(200)
        self.assertEqual(self.values(), numbers(200))


if __name__ == "__main__":
    unittest.main()
