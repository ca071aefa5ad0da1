# SPDX-License-Identifier: Apache-2.0
"""Publishers that go on while everything around them is killed, each in a process of its own, with a history of what the broker
acknowledged and when."""
import multiprocessing
import select
import socket
import struct
import time

from tests.support.mqtt import CONNACK, PUBACK, Packets, connect_packet, publish_packet

WINDOW = 400  # messages sent and not acknowledged
FILLER = "abcdefghij" * 5


def payload(publisher, topic, sequence):
    return f"{publisher} {topic} {sequence:08d} {FILLER}".encode()


class Publisher:
    """Sends payload(name, topic, n) for n = 0, 1, 2, ... to `topics` in turn, `rate` a second, until finish(). After that:
    `sent`, how many; `acknowledged`: (time, n, begin): at that time (seconds since 1970) the PUBACKs of all before n had come, the
    last of them on a connection that was made before `begin`; `resent`: (n, n), which were sent again since their PUBACK had not
    come when a connection ended."""

    def __init__(self, port, name, topics, rate):
        self.port, self.name, self.topics, self.rate = port, name, topics, rate
        self.stop = multiprocessing.Event()
        self.answers = multiprocessing.Queue()
        self.process = multiprocessing.Process(target=self._work, daemon=True)
        self.process.start()

    def topic_of(self, sequence):
        return self.topics[sequence % len(self.topics)]

    def finish(self, seconds=120):
        """The broker must be there. Returns (sent, acknowledged, resent)."""
        self.stop.set()
        answer = self.answers.get(timeout=seconds)
        self.process.join(10)
        return answer

    # --- in the process

    def _work(self):
        self.sent = self.confirmed = 0
        self.acknowledged, self.resent = [], []
        self.begin = time.monotonic()
        while not (self.stop.is_set() and self.confirmed == self.sent and self.sent > 0):
            try:
                self._one_connection()
            except OSError:
                time.sleep(0.01)  # between attempts to reach a broker that is being killed
        self.answers.put((self.sent, self.acknowledged, self.resent))

    def _one_connection(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(connect_packet(self.name, clean=True))
            packets = Packets()
            while not any(first >> 4 == CONNACK for first, _body, _raw in packets.feed(self._read(connection))):
                pass
            self.connected = time.time()
            if self.confirmed < self.sent:
                self.resent.append((self.confirmed, self.sent))
                connection.sendall(b"".join(self._packet(n, True) for n in range(self.confirmed, self.sent)))
            while not (self.stop.is_set() and self.confirmed == self.sent):
                self._send_what_is_due(connection)
                if select.select([connection], [], [], 0.005)[0]:
                    self._take(packets.feed(self._read(connection)))

    def _read(self, connection):
        data = connection.recv(1 << 16)
        if not data:
            raise ConnectionError("closed")
        return data

    def _send_what_is_due(self, connection):
        if self.stop.is_set() and self.sent > 0:
            return
        due = int((time.monotonic() - self.begin) * self.rate) - self.sent
        if due > self.rate:  # a broker was away: no more than the window catches up
            self.begin = time.monotonic() - self.sent / self.rate
        number = min(due, WINDOW - (self.sent - self.confirmed))
        if number > 0:
            first = self.sent
            self.sent += number
            connection.sendall(b"".join(self._packet(n, False) for n in range(first, self.sent)))

    def _packet(self, sequence, again):
        topic = self.topic_of(sequence)
        return publish_packet(topic, payload(self.name, topic, sequence), 1, sequence % 65535 + 1, again)

    def _take(self, packets):
        before = self.confirmed
        for first, body, _raw in packets:
            if first >> 4 == PUBACK:  # in the order of the messages
                number, = struct.unpack_from(">H", body)
                if number != self.confirmed % 65535 + 1:
                    raise SystemExit(f"{self.name}: PUBACK {number} comes where that of message {self.confirmed} is due")
                self.confirmed += 1
        if self.confirmed > before:
            self.acknowledged.append((time.time(), self.confirmed, self.connected))
