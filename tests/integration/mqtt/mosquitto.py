# SPDX-License-Identifier: Apache-2.0
"""A real Mosquitto on free ports, certificates for it, and a subscriber with a session that collects what is published."""
import asyncio
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

from tests.support.processes import free_port, free_ports, wait_until

USER, PASSWORD, KEY_PASSWORD = "sluice", "open sesame", "the key's password"

TRANSPORTS = ("plain", "tls", "mutual", "user")


def wait_subscribed(worker, *clients):
    """Until these clients of MqttSource have their SUBACK."""
    wait_until(lambda: all(f"subscribed as '{client}'" in worker.said() for client in clients), 120,
               lambda: f"{clients} to be subscribed; {worker.tail()}")


def _accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Certificates:
    """A CA, the broker's certificate for `localhost`, a client's whose key is also there with a password, and another CA."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self._ca("ca")
        self._ca("other-ca")
        (self.folder / "names").write_text("subjectAltName=DNS:localhost\n")
        self._signed("server", "localhost", "-extfile", "names")
        self._signed("client", "a-client")
        self._openssl("pkey", "-in", "client.key", "-aes256", "-passout", f"pass:{KEY_PASSWORD}", "-out", "client-locked.key")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def _request(self, name, subject, *more):
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key",
                      "-subj", f"/CN={subject}", *more)

    def _ca(self, name):
        self._request(name, name, "-x509", "-days", "2", "-out", f"{name}.pem")

    def _signed(self, name, subject, *more):
        self._request(name, subject, "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "2", "-out", f"{name}.pem", *more)


class Mosquitto:
    """Keeps its sessions on disk, unless `persistence` says otherwise, so that it can be stopped and started. `settings`: more
    lines of its configuration, which come last. `certificates`: it has three more ports, for TLS, for TLS with a client's
    certificate, and for a user with a password. `verbose`: its log has each packet."""

    def __init__(self, folder, settings=(), persistence=True, certificates=None, verbose=False):
        self.folder, self.port, self.process, self.verbose = Path(folder), free_port(), None, verbose
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file, self.log, self.database = (self.folder / name for name in ("mosquitto.conf", "mosquitto.log", "mosquitto.db"))
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0", "user root"]
        if certificates is not None:
            lines = ["per_listener_settings true", *lines, *self._secured(certificates)]
        if persistence:
            lines += ["persistence true", f"persistence_location {self.folder}/"]
        # Of the settings that may come once only the test's own count.
        own = {line.split()[0] for line in settings}
        usual = [line for line in ("autosave_interval 1", "autosave_on_changes true") if line.split()[0] not in own]
        self.file.write_text("\n".join([*lines, *(usual if persistence else []), *settings]) + "\n")

    def _secured(self, certificates):
        self.tls_port, self.mutual_port, self.user_port = free_ports(3)
        self.certificates = certificates
        tls = [f"{key} {certificates.folder}/{file}" for key, file in
               (("cafile", "ca.pem"), ("certfile", "server.pem"), ("keyfile", "server.key"))]
        users = self.folder / "users"
        subprocess.run(["mosquitto_passwd", "-b", "-c", str(users), USER, PASSWORD], check=True, capture_output=True)
        return [f"listener {self.tls_port} 127.0.0.1", "allow_anonymous true", *tls,
                f"listener {self.mutual_port} 127.0.0.1", "allow_anonymous true", *tls, "require_certificate true",
                f"listener {self.user_port} 127.0.0.1", "allow_anonymous false", f"password_file {users}"]

    @property
    def uri(self):
        return f"tcp://127.0.0.1:{self.port}"

    def reached_over(self, transport):
        """The keys with which a connector connects: over TCP, TLS, TLS with a certificate of its own, as a user."""
        if transport == "plain":
            return {"mqtt.server.uri": self.uri}
        if transport == "user":
            return {"mqtt.server.uri": f"tcp://127.0.0.1:{self.user_port}", "mqtt.username": USER, "mqtt.password": PASSWORD}
        folder = self.certificates.folder
        if transport == "tls":
            return {"mqtt.server.uri": f"ssl://localhost:{self.tls_port}", "mqtt.tls.ca.file": folder / "ca.pem"}
        return {"mqtt.server.uri": f"ssl://localhost:{self.mutual_port}", "mqtt.tls.ca.file": folder / "ca.pem",
                "mqtt.tls.cert.file": folder / "client.pem", "mqtt.tls.key.file": folder / "client.key"}

    def said(self):
        """Its log so far."""
        return self.log.read_text(errors="replace")

    def start(self):
        command = ["/usr/sbin/mosquitto", *(["-v"] if self.verbose else []), "-c", str(self.file)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        # It listens before it can be told to save: SIGUSR1 would end it then.
        wait_until(lambda: self._runs() and _accepts(self.port), 30, "Mosquitto to run")
        return self

    def _runs(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        caught = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt:"))
        return caught & 1 << signal.SIGUSR1 - 1

    def publish(self, topic, payload, *arguments):
        subprocess.run(["mosquitto_pub", "-p", str(self.port), "-t", topic, "-m", payload, "-q", "1", *arguments], check=True,
                       capture_output=True, timeout=60)

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
        # A signal is lost while Mosquitto saves, so it is sent again; a first save may have begun before this call, a second has not.
        for _ in range(2):
            before, self.signalled = self._inode(), 0
            wait_until(lambda: self._saved_since(before), 30, "Mosquitto to save its sessions", step=0.002)

    def _inode(self):
        return self.database.stat().st_ino if self.database.exists() else None

    def _saved_since(self, before):
        if time.monotonic() - self.signalled > 0.2:
            self.signalled = time.monotonic()
            self.process.send_signal(signal.SIGUSR1)
        return self._inode() not in (None, before)


class TlsRelay:
    """TLS before a port without: what comes from there goes on in full records of 16 KiB, many packets in each, where Mosquitto
    makes a record of each packet."""

    def __init__(self, certificates, broker_port):
        self.certificates, self.broker_port = certificates, broker_port
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(self._listen())
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    async def _listen(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates.folder / "server.pem", self.certificates.folder / "server.key")
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)

    async def _serve(self, reader, writer):
        from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self.broker_port)
        try:
            await asyncio.gather(self._copy(reader, to_broker), self._copy(from_broker, writer))
        except asyncio.CancelledError:
            pass

    @staticmethod
    async def _copy(reader, writer):
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def _close(self):
        self.server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self):
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


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
            self.stop()
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
