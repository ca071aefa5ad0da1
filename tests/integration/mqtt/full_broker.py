# SPDX-License-Identifier: Apache-2.0
"""A broker that is full once, which Mosquitto never is: MQTT 5's answer 'quota exceeded' to one message, with others behind it."""
import socket
import threading

QUOTA_EXCEEDED = 0x97


class FullBroker:
    """Speaks as much MQTT 5 as a publisher of QoS 1 hears. Refuses the first message with the payload `refused`."""

    def __init__(self, refused):
        self.refused, self.payloads, self.connections = refused, [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                with connection, connection.makefile("rwb") as stream:  # whose end sends what is left
                    self._serve(stream)
            except OSError:
                pass

    def _serve(self, stream):
        while True:
            packet = self._packet(stream)
            if packet is None:
                return
            kind, body = packet
            if kind == 1:  # CONNECT
                self.connections += 1
                stream.write(b"\x20\x03\x00\x00\x00")
            elif kind == 3:  # PUBLISH with QoS 1 and no properties
                at = 2 + int.from_bytes(body[:2], "big")
                payload = body[at + 3:]
                self.payloads.append(payload)
                if payload == self.refused:
                    self.refused = None
                    stream.write(b"\x40\x03" + body[at:at + 2] + bytes([QUOTA_EXCEEDED]))
                else:
                    stream.write(b"\x40\x02" + body[at:at + 2])
            elif kind == 12:  # PINGREQ
                stream.write(b"\xd0\x00")
            stream.flush()

    @staticmethod
    def _packet(stream):
        first = stream.read(1)
        size, shift = 0, 0
        while first:
            byte = stream.read(1)
            if not byte:
                return None
            size |= (byte[0] & 127) << shift
            shift += 7
            if byte[0] < 128:
                return first[0] >> 4, stream.read(size)
        return None
