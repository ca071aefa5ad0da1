# SPDX-License-Identifier: Apache-2.0
"""MqttSource over a disk that is full, and over one that stands still for longer than the keepalive (that one needs FUSE).
usage: source_disk_test.py SLUICE [POWERFS]"""
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.integration.mqtt.source_case import SourceCase  # noqa: E402
from tests.support import mqtt  # noqa: E402
from tests.support.mqtt_proxy import TO_BROKER  # noqa: E402
from tests.support.powerfs import CannotMount, PowerFs  # noqa: E402
from tests.support.processes import wait_until  # noqa: E402
from tests.support.skips import skip_case  # noqa: E402

SourceCase.SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)
POWERFS = sys.argv.pop(1) if len(sys.argv) > 1 and Path(sys.argv[1]).exists() else None


def numbers(first, count):
    return [b"%06d" % n for n in range(first, first + count)]


class FullDiskTest(SourceCase):
    def make_worker(self):
        disk = self.folder / "disk"
        disk.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(disk)], capture_output=True, check=False)
        if done.returncode != 0:
            skip_case(f"no small disk of our own: {done.stderr.decode()}")
        self.addCleanup(lambda: subprocess.run(["umount", "-l", str(disk)], check=True))
        return super().make_worker(**{"data.dir": disk / "data", "commit.log.file.bytes": 1 << 20,
                                      "commit.log.checkpoint.bytes": 4 << 20})

    def test_it_waits_and_loses_nothing(self):
        self.source(**{"mqtt.receive.maximum": 100})
        self.publish(*numbers(0, 100))
        self.wait_for(100)
        self.settled()
        filler = self.folder / "disk" / "filler"
        with open(filler, "wb", buffering=0) as out:
            try:
                while True:
                    out.write(bytes(4096))
            except OSError:
                pass
        sent = 100
        full = lambda: "log-retry" in self.worker.said()
        while not full():
            self.publish(*(n + b"x" * 20000 for n in numbers(sent, 50)))
            sent += 50
            self.assertLess(sent, 5000, "the disk does not become full")
            wait_until(lambda: full() or self.end_of() >= sent, 120, lambda: f"them; {self.worker.tail()}")
        wait_until(lambda: self.metric("mqtt_source_unacknowledged") > 0, 60, "messages that are held")
        acknowledged = self.metric("mqtt_source_acknowledged_total")
        self.assertLessEqual(acknowledged, self.end_of(), "acknowledged more than there is")
        self.publish(*numbers(sent, 500))
        sent += 500
        self.assertEqual(self.metric("mqtt_source_acknowledged_total"), acknowledged)
        filler.unlink()
        wait_until(lambda: len({v[:6] for v in self.values()}) == sent, 120,
                   lambda: f"all {sent}; {self.end_of()}; {self.worker.tail()}")
        self.settled()
        self.assertEqual(list(dict.fromkeys(v[:6] for v in self.values())), numbers(0, sent))


@unittest.skipIf(POWERFS is None, "no program powerfs was named (builds with sanitizers have none)")
class StallTest(SourceCase):
    BROKER = [*SourceCase.BROKER, "max_inflight_messages 50"]

    def make_worker(self):
        try:
            self.power = PowerFs(POWERFS, self.folder)
        except CannotMount as error:
            skip_case(error)
        self.addCleanup(self.power.__exit__)
        self.addCleanup(self.go_on)  # before the worker is ended: it could not be
        return super().make_worker(**{"data.dir": self.power.mount / "data"})

    def hold(self):
        """Every operation on the data directory waits from now on, fdatasync as well."""
        self.power.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.power.process.send_signal(signal.SIGCONT)

    def test_a_log_that_stands_still_for_longer_than_the_keepalive(self):
        for version in ("5", "3.1.1"):
            with self.subTest(version):
                name = "in" + version.replace(".", "")
                proxy = self.proxy()
                self.source(name, **{"kafka.topic": name, "mqtt.protocol.version": version, "mqtt.receive.maximum": 50,
                                     "mqtt.keepalive.interval.seconds": 5,
                                     "mqtt.server.uri": f"tcp://127.0.0.1:{proxy.port}"})
                self.publish(*numbers(0, 1000))
                self.wait_for(1000, name)
                self.settled()
                acknowledged = lambda: proxy.kinds(TO_BROKER).count(mqtt.PUBACK)
                wait_until(lambda: acknowledged() >= 1000, 60, "all PUBACKs to pass")
                before = acknowledged()
                stalls = self.metric("mqtt_source_log_stalls_total")
                self.hold()
                try:
                    self.publish(*numbers(1000, 1000))
                    # After one and a half times the keepalive neither side counts on the connection any more.
                    wait_until(lambda: self.metric("mqtt_source_log_stalls_total") > stalls, 60, "the stall to be noticed", step=0.1)
                    self.assertEqual(acknowledged(), before, "acknowledged while nothing could become durable")
                finally:
                    self.go_on()
                self.wait_for(2000, name)
                wait_until(lambda: set(self.values(name)) == set(numbers(0, 2000)), 60, lambda: f"all; {self.worker.tail()}")
                self.settled()
                self.happened("log-stall")
                values = self.values(name)
                self.assertEqual(list(dict.fromkeys(values)), numbers(0, 2000))
                self.assertLessEqual(len(values), 2050, "more than a window came twice")
                self.assertEqual([body[0] & 1 for body in proxy.bodies("to client", mqtt.CONNACK)][-1], 1, "the session was lost")
                self.assertEqual(self.worker.status(name)["tasks"][0]["state"], "RUNNING")
                self.worker.call(f"/connectors/{name}", "DELETE")


if __name__ == "__main__":
    unittest.main()
