# SPDX-License-Identifier: Apache-2.0
"""MQTT seen from outside: packets put together and taken apart, and a publisher that remembers what was acknowledged. No
code of Sluice or of libmosquitto."""
import socket
import struct
from collections import namedtuple

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 10, 11, 12, 13, 14

Publish = namedtuple("Publish", "topic payload qos packet_id duplicate retained")


def text(value):
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(raw)) + raw


def packet(kind, flags, body):
    length, size = bytearray(), len(body)
    while True:
        size, digit = size >> 7, size & 127
        length.append(digit | (128 if size else 0))
        if not size:
            return bytes([kind << 4 | flags]) + bytes(length) + body


def connect_packet(client_id, clean=True, keepalive=60):
    """Of MQTT 3.1.1."""
    return packet(CONNECT, 0, text("MQTT") + bytes([4, 2 if clean else 0]) + struct.pack(">H", keepalive) + text(client_id))


def publish_packet(topic, payload, qos=1, packet_id=1, duplicate=False, retained=False):
    number = struct.pack(">H", packet_id) if qos else b""
    return packet(PUBLISH, duplicate << 3 | qos << 1 | retained, text(topic) + number + payload)


class Packets:
    """Cuts a stream into packets: feed() gives (first byte, body, raw bytes) of each that is whole."""

    def __init__(self):
        self.rest = bytearray()

    def feed(self, data):
        self.rest += data
        found, at = [], 0
        while True:
            size, shift, body = 0, 0, at + 1
            while body < len(self.rest) and self.rest[body] & 128:
                size |= (self.rest[body] & 127) << shift
                shift, body = shift + 7, body + 1
            if body >= len(self.rest):
                break
            size |= self.rest[body] << shift
            body += 1
            if body + size > len(self.rest):
                break
            found.append((self.rest[at], bytes(self.rest[body:body + size]), bytes(self.rest[at:body + size])))
            at = body + size
        del self.rest[:at]
        return found


def skip_properties(body, at):
    size, shift = 0, 0
    while body[at] & 128:
        size |= (body[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return at + 1 + (size | body[at] << shift)


def connect_numbers(body):
    """{identifier: value} of the properties of a CONNECT of MQTT 5, of those that are numbers."""
    sizes = {0x11: 4, 0x21: 2, 0x22: 2, 0x27: 4, 0x19: 1, 0x17: 1}
    at, found = 11, {}  # behind the length, which is one byte here
    end = at + body[10]
    while at < end:
        size = sizes[body[at]]
        found[body[at]] = int.from_bytes(body[at + 1:at + 1 + size], "big")
        at += 1 + size
    return found


def parse_publish(first, body, v5):
    length, = struct.unpack_from(">H", body)
    topic, at, qos, number = body[2:2 + length].decode(), 2 + length, first >> 1 & 3, 0
    if qos:
        number, = struct.unpack_from(">H", body, at)
        at += 2
    if v5:
        at = skip_properties(body, at)
    return Publish(topic, body[at:], qos, number, bool(first & 8), bool(first & 1))


def parse_subscribe(body, v5):
    """[(filter, requested QoS)] of a SUBSCRIBE."""
    at, found = skip_properties(body, 2) if v5 else 2, []
    while at < len(body):
        length, = struct.unpack_from(">H", body, at)
        found.append((body[at + 2:at + 2 + length].decode(), body[at + 2 + length] & 3))
        at += 3 + length
    return found


class Client:
    """A publisher of MQTT 3.1.1 on one socket. publish() takes any number of messages, sends them at once, a window at a time,
    and returns when the broker has acknowledged each. After a lost connection (an OSError) reconnect() and finish() send again
    what is not acknowledged, as MQTT says: PUBLISH with DUP, or PUBREL where PUBREC has come."""

    def __init__(self, port, client_id="publisher", window=500):
        self.port, self.client_id, self.window = port, client_id, window
        self.socket, self.packets, self.next_id = None, None, 0
        self.flying = {}  # packet id -> (topic, payload, qos, retained), or None where a PUBREL is out
        self.reconnect()

    def reconnect(self):
        self.close()
        self.socket, self.packets = socket.create_connection(("127.0.0.1", self.port), timeout=30), Packets()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(connect_packet(self.client_id, clean=False))
        self._read_until(lambda kind, body: kind == CONNACK)

    def publish(self, messages, qos=1, retained=False):
        """`messages`: (topic, payload bytes)."""
        pending = []
        for topic, payload in messages:
            if qos == 0:
                self.socket.sendall(publish_packet(topic, payload, 0, 0, False, retained))
                continue
            while len(self.flying) >= self.window:
                if pending:
                    self.socket.sendall(b"".join(pending))
                    pending = []
                self._take(self._read())
            self.next_id = self.next_id % 65535 + 1
            self.flying[self.next_id] = (topic, payload, qos, retained)
            pending.append(publish_packet(topic, payload, qos, self.next_id, False, retained))
        if pending:
            self.socket.sendall(b"".join(pending))
        self._settle()

    def finish(self):
        for number, message in list(self.flying.items()):
            if message is None:
                self.socket.sendall(packet(PUBREL, 2, struct.pack(">H", number)))
            else:
                topic, payload, qos, retained = message
                self.socket.sendall(publish_packet(topic, payload, qos, number, True, retained))
        self._settle()

    def _settle(self):
        while self.flying:
            self._take(self._read())

    def _read(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the broker closed the connection")
        return self.packets.feed(data)

    def _read_until(self, wanted):
        while True:
            for first, body, _raw in self._read():
                if wanted(first >> 4, body):
                    return

    def _take(self, packets):
        for first, body, _raw in packets:
            number = struct.unpack_from(">H", body)[0] if body else 0
            if first >> 4 in (PUBACK, PUBCOMP):
                self.flying.pop(number, None)
            elif first >> 4 == PUBREC:
                self.flying[number] = None
                self.socket.sendall(packet(PUBREL, 2, struct.pack(">H", number)))

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

