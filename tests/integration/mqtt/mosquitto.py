# SPDX-License-Identifier: Apache-2.0
"""A real Mosquitto on a free port, and a subscriber with a session that collects what is published."""
import signal
import subprocess
import threading
from pathlib import Path

from tests.support.processes import free_port, wait_until


def _accepts(port):
    import socket
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Mosquitto:
    """Keeps its sessions on disk, as `persistence` says, so that it can be stopped and started."""

    def __init__(self, folder):
        self.folder, self.port, self.process = Path(folder), free_port(), None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "mosquitto.conf"
        self.file.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
                             f"persistence_location {self.folder}/\nmax_queued_messages 0\nautosave_interval 1\n"
                             "autosave_on_changes true\nuser root\n")

    def start(self):
        with open(self.folder / "mosquitto.log", "ab") as log:
            self.process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(self.file)], stdout=log, stderr=log)
        wait_until(lambda: _accepts(self.port), 30, "Mosquitto to listen")
        return self

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)


class Subscriber:
    """mosquitto_sub with a session; lines are `topic payload`."""

    def __init__(self, port, *arguments, form="%t %p"):
        self.lines, self.lock = [], threading.Lock()
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", "-p", str(port), "-i", "collector", "-c", "-q", "1", "-V", "5", "-x", "3600", "-d",
             "-F", form, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        if not self.ready.wait(30):
            raise TimeoutError("the subscriber is not subscribed")

    def _read(self):
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line.startswith(("Client ", "Subscribed ", "Connection error")):
                if line.startswith("Subscribed"):
                    self.ready.set()
                continue
            with self.lock:
                self.lines.append(line)

    def seen(self):
        with self.lock:
            return list(self.lines)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.thread.join()
        self.process.stdout.close()
