# SPDX-License-Identifier: Apache-2.0
"""A TCP relay before an MQTT broker that understands packets: notes them, and cuts the connection at the one that a test names."""
import socket
import threading

from tests.support.mqtt import Packets

TO_BROKER, TO_CLIENT = "to broker", "to client"


class Proxy:
    """`judge(direction, kind, first, body)` says of each packet: None, it passes; "before", the connection is cut in its place;
    "after", it passes and then the connection is cut. Called by several threads, one packet at a time."""

    def __init__(self, broker_port, judge=lambda *packet: None):
        self.broker_port, self.judge = broker_port, judge
        self.seen, self.cuts = [], 0  # (direction, kind, first byte, body)
        self.lock = threading.Lock()
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(("127.0.0.1", self.broker_port), timeout=10)
            except OSError:
                client.close()
                continue
            broker.settimeout(None)
            for end in (client, broker):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append((client, broker))
            for source, target, direction in ((client, broker, TO_BROKER), (broker, client, TO_CLIENT)):
                threading.Thread(target=self._relay, args=(source, target, direction), daemon=True).start()

    def _relay(self, source, target, direction):
        packets = Packets()
        try:
            while data := source.recv(1 << 16):
                for first, body, raw in packets.feed(data):
                    with self.lock:
                        self.seen.append((direction, first >> 4, first, body))
                        verdict = self.judge(direction, first >> 4, first, body)
                        self.cuts += verdict is not None
                        # Before the other thread can let an answer pass.
                        if verdict == "after":
                            target.sendall(raw)
                        if verdict is not None:
                            self._end(source, target)
                            return
                    target.sendall(raw)
        except OSError:
            pass
        finally:
            self._end(source, target)

    @staticmethod
    def _end(*sockets):
        """Also for threads that wait for something from them."""
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def kinds(self, direction):
        with self.lock:
            return [kind for way, kind, _first, _body in self.seen if way == direction]

    def bodies(self, direction, kind):
        with self.lock:
            return [body for way, what, _first, body in self.seen if (way, what) == (direction, kind)]

    def close(self):
        self._end(self.listener)
        self.listener.close()
        for pair in self.connections:
            self._end(*pair)
            for end in pair:
                end.close()


def cut_at(direction, kind, when, nth=1):
    """A judge that cuts once, at the nth packet of that kind."""
    passed = [0]

    def judge(way, what, _first, _body):
        if (way, what) != (direction, kind):
            return None
        passed[0] += 1
        return when if passed[0] == nth else None
    return judge
