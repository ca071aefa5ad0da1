# SPDX-License-Identifier: Apache-2.0
"""What every test that starts real programs needs: free ports, waiting for a condition, the worker itself."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.support import sanitizers

sanitizers.watch()


def free_ports(count):
    """Different ones."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def free_port():
    return free_ports(1)[0]


def wait_until(condition, seconds, what, step=0.02):
    """Returns the condition's first true value; fails with `what`, a text or what makes one, after `seconds` (generous: machines
    are slow)."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            try:
                text = what() if callable(what) else what
            except Exception as error:  # pylint: disable=broad-except
                text = f"something of which no more can be told: {error!r}"
            raise TimeoutError(f"waited {seconds} s for {text}")
        time.sleep(step)


class Answer:
    def __init__(self, status, body, headers):
        self.status, self.body, self.headers = status, body, headers

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


def request(url, method="GET", body=None, headers=None, timeout=30):
    """One HTTP request; `body` may be anything JSON or bytes. Never raises for an HTTP status; OSError
    where there is no whole answer."""
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body, default=str).encode()
    sent = {"Content-Type": "application/json"} if data is not None else {}
    sent.update(headers or {})
    ask = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with urllib.request.urlopen(ask, timeout=timeout) as answer:
            return Answer(answer.status, answer.read(), answer.headers)
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(), error.headers)
    except http.client.HTTPException as error:
        raise ConnectionError(f"{method} {url}: {error!r}") from error


class Folder:
    """A temporary folder that goes when the test ends."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="sluice-test-"))

    def __enter__(self):
        return self.path

    def __exit__(self, *unused):
        shutil.rmtree(self.path, ignore_errors=True)


class Worker:
    """The real `sluice run` on a free port with its data below `folder`. `binary`: the program under test."""

    def __init__(self, binary, folder, properties=None, environment=None, arguments=()):
        self.binary, self.folder = str(binary), Path(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = sanitizers.environment(environment or {})
        self.arguments = [str(a) for a in arguments]
        self.file = self.folder / "worker.properties"
        config = {"data.dir": self.folder / "data", "listeners": self.url, "file.allowed.roots": self.folder,
                  "offset.flush.interval.ms": 200,
                  "task.shutdown.graceful.timeout.ms": 60000,  # a slow disk must not turn a clean stop into another one
                  "key.converter": "org.apache.kafka.connect.storage.StringConverter",
                  "value.converter": "org.apache.kafka.connect.storage.StringConverter", **(properties or {})}
        self.file.write_text("".join(f"{k}={v}\n" for k, v in config.items() if v is not None))
        self.log = self.folder / "worker.log"
        self.process = None

    def start(self, wait=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.binary, "run", str(self.file), *self.arguments], stdout=log,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self.environment)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=60, unless=lambda: False):
        """Until it is healthy; or until `unless`, for a worker that may never be."""
        def healthy():
            if self.process.poll() is not None:
                raise RuntimeError(f"the worker ended with {self.process.returncode}:\n{self.tail()}")
            try:
                return request(self.url + "/health", timeout=5).status == 200
            except (urllib.error.URLError, OSError):
                return False
        wait_until(lambda: unless() or healthy(), seconds, lambda: f"the worker to be healthy; its log:\n{self.tail()}")

    def said(self):
        """Its log so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self):
        return self.said()[-3000:]

    def kill(self):
        """SIGKILL to a worker that runs, or has done that itself, at a crash point. One that ended otherwise is a failure."""
        if self.process.poll() not in (None, -signal.SIGKILL):
            raise AssertionError(f"the worker ended on its own with {self.process.returncode}:\n{self.tail()}")
        self.process.kill()
        self.process.wait()

    def end(self):
        """SIGKILL where the worker may have ended already, as it was made to; its exit code."""
        self.process.kill()
        return self.process.wait()

    def stop(self, seconds=90):
        """SIGTERM and the exit code."""
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def call(self, path, method="GET", body=None, **more):
        return request(self.url + path, method, body, **more)

    def create(self, name, config):
        answer = self.call("/connectors", "POST", {"name": name, "config": config})
        if answer.status != 201:
            raise AssertionError(f"creating {name}: {answer}\n{self.tail()}")
        return answer.json()

    def status(self, name):
        return self.call(f"/connectors/{name}/status").json()

    def tasks(self, name):
        """Of which its config is made; none while that is being done."""
        answer = self.call(f"/connectors/{name}/tasks")
        return answer.json() if answer.status == 200 else []

    def samples(self, metric, **more):
        """Its values, one for each set of labels. Of a plugin's metric the plugin's own name for it is enough."""
        lines = self.call("/metrics", **more).body.decode().splitlines()
        named = [(re.split(r"[{ ]", line)[0], line.rsplit(" ", 1)[1]) for line in lines if line and line[0] != "#"]
        return [float(value) for name, value in named if name == metric or name.endswith("_" + metric)]

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        if self.process is not None and self.process.poll() is None:
            try:
                code = self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            if code != 0:
                raise AssertionError(f"the worker's exit code at the end is {code}:\n{self.tail()}")
