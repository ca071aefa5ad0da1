# SPDX-License-Identifier: Apache-2.0
"""Starts a real Apache Kafka broker and Kafka Connect (standalone) beside Sluice, on free loopback ports.

    libs = kafka.fetch(cache_folder)          # jars through Maven; quick when they are there; raises Missing
    with kafka.Broker(libs, folder) as broker, kafka.Connect(libs, folder, broker, {...}) as connect: ...
"""
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.support.processes import free_port, wait_until

HERE = Path(__file__).resolve().parent


class Missing(Exception):
    """Java, Maven or the jars cannot be had; the text says which."""


def fetch(cache):
    """The folder of jars below `cache`, filled through Maven on the first call."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise Missing(f"{tool} is not installed, so Apache Kafka cannot be started beside Sluice")
    cache = Path(cache)
    libs = cache / "libs"
    if not (cache / "complete").exists():
        cache.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "pom.xml", cache / "pom.xml")
        done = subprocess.run(["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={libs}"],
                              cwd=cache, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Missing("Maven could not bring Apache Kafka's jars: " + (done.stdout + done.stderr)[-800:])
        (cache / "complete").touch()
    return libs


class _Java:
    def __init__(self, libs, main, arguments, heap, log):
        self.log = open(log, "wb")  # noqa: SIM115 closed in stop
        self.process = subprocess.Popen(
            ["java", *heap, "-XX:+UseG1GC", "-cp", f"{libs}/*", main, *arguments],
            stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()


class Broker(_Java):
    """One KRaft node; `properties` go to server.properties (flush.messages=1 makes it sync before it answers)."""

    def __init__(self, libs, folder, properties=None):
        folder = Path(folder) / "kafka-broker"
        folder.mkdir(parents=True)
        self.port, controller = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        config = {
            "process.roles": "broker,controller", "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}", "controller.listener.names": "CONTROLLER",
            "log.dirs": folder / "data", "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1, "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0, "num.partitions": 1, **(properties or {})}
        file = folder / "server.properties"
        file.write_text("".join(f"{k}={v}\n" for k, v in config.items()))
        run = lambda *a: subprocess.run(["java", "-cp", f"{libs}/*", "kafka.tools.StorageTool", *a], check=True,
                                        capture_output=True, text=True).stdout.strip()
        run("format", "-t", run("random-uuid").splitlines()[-1], "-c", str(file))
        super().__init__(libs, "kafka.Kafka", [str(file)], ["-Xms1G", "-Xmx1G"], folder / "out.log")
        admin = lambda: b"" if self.process.poll() is not None else subprocess.run(
            ["kcat", "-b", self.bootstrap, "-L", "-m", "2"], capture_output=True, check=False).stdout
        wait_until(lambda: b"1 brokers" in admin(), 600, "the Apache Kafka broker", step=0.2)


class Connect(_Java):
    """Kafka Connect in standalone mode; `properties` go to the worker file."""

    def __init__(self, libs, folder, broker, properties=None):
        folder = Path(folder) / "kafka-connect"
        folder.mkdir(parents=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = {
            "bootstrap.servers": broker.bootstrap, "listeners": self.url,
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "offset.storage.file.filename": folder / "offsets", "offset.flush.interval.ms": 10000,
            **(properties or {})}
        file = folder / "worker.properties"
        file.write_text("".join(f"{k}={v}\n" for k, v in config.items()))
        super().__init__(libs, "org.apache.kafka.connect.cli.ConnectStandalone", [str(file)],
                         ["-Xms256M", "-Xmx2G"], folder / "out.log")
        wait_until(self._answers, 600, "Kafka Connect", step=0.2)

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("Kafka Connect stopped while it started")
        try:
            with urllib.request.urlopen(self.url + "/", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False


def cpu_seconds(pid):
    """User + system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
