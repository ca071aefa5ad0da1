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
    """Keeps its sessions on disk, unless `persistence` says otherwise, so that it can be stopped and started. `settings`: more
    lines of its configuration, which come last."""

    def __init__(self, folder, settings=(), persistence=True):
        self.folder, self.port, self.process = Path(folder), free_port(), None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file, self.log, self.database = (self.folder / name for name in ("mosquitto.conf", "mosquitto.log", "mosquitto.db"))
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0", "user root"]
        if persistence:
            lines += ["persistence true", f"persistence_location {self.folder}/"]
        # Of the settings that may come once only the test's own count.
        own = {line.split()[0] for line in settings}
        usual = [line for line in ("autosave_interval 1", "autosave_on_changes true") if line.split()[0] not in own]
        self.file.write_text("\n".join([*lines, *(usual if persistence else []), *settings]) + "\n")

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(self.file)], stdout=log, stderr=log)
        wait_until(lambda: _accepts(self.port), 30, "Mosquitto to listen")
        return self

    def stop(self):
        """Saves what it keeps, and ends."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def kill(self):
        """What it took since its last save is gone."""
        self.process.kill()
        self.process.wait()

    def save(self):
        """Returns when what it holds now is on disk."""
        inode = lambda: self.database.stat().st_ino if self.database.exists() else None
        before = inode()
        self.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: inode() not in (None, before), 30, "Mosquitto to save its sessions", step=0.002)


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
