# SPDX-License-Identifier: Apache-2.0
"""The worker's own system calls show that every PUBACK follows the fdatasync that covers its message.

strace notes reads and writes of the connection to Mosquitto and writes and syncs of the log. For each PUBACK that goes out:
the message with that packet id was read, its payload was written to a file of the commit log, an fdatasync of that file began
when that write had ended, and it had ended with 0 when the write to the socket began. So it is where each message is a bad one, whose
payload is written as a dead letter.

usage: puback_trace_test.py SLUICE [--messages 2000]
"""
import argparse
import re
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.integration.mqtt.mosquitto import Mosquitto, wait_subscribed  # noqa: E402
from tests.integration.mqtt.source_case import BYTES  # noqa: E402
from tests.support import mqtt  # noqa: E402
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402
from tests.support.skips import skip_program  # noqa: E402

CALLS = "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,fdatasync,fsync,connect"
MARK = re.compile(rb"<message (\d{6})>")
LINE = re.compile(r"^(\d+) +(.*)$")
# Each message is a bad one, and goes to a dead letter topic.
BAD = {"payload.format": "json", "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "dead",
       "errors.deadletterqueue.topic.replication.factor": 1}
RUNS = {"MQTT 5": ("5", {}), "MQTT 3.1.1": ("3.1.1", {}), "bad messages": ("5", BAD)}
NAME = re.compile(r"^(\w+)\((\d+)<(.*?)>[,)] ?(.*)$")


class Call:
    """begin, end: numbers of lines of the trace."""

    def __init__(self, name, fd, path, data, result, begin, end):
        self.name, self.fd, self.path, self.data, self.result, self.begin, self.end = name, fd, path, data, result, begin, end


def unescape(text):
    """All the strings of a call's arguments, which -xx prints as \\x61\\x62."""
    return b"".join(bytes.fromhex(s.replace("\\x", "")) for s in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', text))


def calls(path):
    """Calls that were interrupted by others' lines are put together; the rest as they stand."""
    open_calls = {}
    with open(path, encoding="ascii", errors="replace") as trace:
        for number, line in enumerate(trace):
            match = LINE.match(line.rstrip("\n"))
            if not match:
                continue
            thread, text = match.groups()
            begin = number
            if text.endswith("<unfinished ...>"):
                open_calls[thread] = (number, text[:-len("<unfinished ...>")].rstrip())
                continue
            resumed = re.match(r"^<\.\.\. \w+ resumed>(.*)$", text)
            if resumed:
                begin, head = open_calls.pop(thread)
                text = head + resumed.group(1)
            result = re.search(r" = (-?\d+)[^=\"]*$", text)
            named = NAME.match(text)
            if not named or not result:
                continue
            name, fd, what, rest = named.groups()
            yield Call(name, int(fd), what, unescape(rest or ""), int(result.group(1)), begin, number)


class Trace:
    """Follows the trace, and keeps what of each message has happened."""

    def __init__(self, port, v5):
        self.port, self.v5 = port, v5
        self.incoming, self.outgoing = {}, {}   # fd -> Packets
        self.waiting = {}                       # (fd, packet id) -> number of the message
        self.written = {}                       # number of the message -> [(file, line at which the write had ended)]
        self.syncs = {}                         # file -> [(line of begin, line of end)]
        self.acknowledged = 0
        self.faults = []

    def take(self, call):
        is_socket = f":{self.port}]" in call.path
        if call.name in ("fdatasync", "fsync"):
            if call.result == 0:
                self.syncs.setdefault(call.path, []).append((call.begin, call.end))
        elif call.name == "connect":
            self.incoming.pop(call.fd, None)
            self.outgoing.pop(call.fd, None)
        elif is_socket and call.result > 0 and call.name.startswith(("read", "recv")):
            self.read(call)
        elif is_socket and call.result > 0:
            self.sent(call)
        elif call.name.startswith(("pwrite", "write")) and call.result > 0:
            for number in MARK.findall(call.data[:call.result]):
                self.written.setdefault(int(number), []).append((call.path, call.end))

    def read(self, call):
        for first, body, _raw in self.incoming.setdefault(call.fd, mqtt.Packets()).feed(call.data[:call.result]):
            if first >> 4 != mqtt.PUBLISH:
                continue
            message = mqtt.parse_publish(first, body, self.v5)
            if message.qos == 1:
                self.waiting[(call.fd, message.packet_id)] = int(MARK.search(message.payload).group(1))

    def sent(self, call):
        for first, body, _raw in self.outgoing.setdefault(call.fd, mqtt.Packets()).feed(call.data[:call.result]):
            if first >> 4 != mqtt.PUBACK:
                continue
            self.acknowledged += 1
            packet_id, = struct.unpack_from(">H", body)
            number = self.waiting.pop((call.fd, packet_id), None)
            if number is None:
                self.faults.append(f"line {call.begin}: PUBACK {packet_id} for nothing that was read")
            elif not self.durable(number, call.begin):
                self.faults.append(f"line {call.begin}: PUBACK {packet_id} of message {number} goes out before it is durable")

    def durable(self, number, line):
        return any(written < begin and end < line for path, written in self.written.get(number, [])
                   for begin, end in reversed(self.syncs.get(path, [])[-200:]))


def run(args, name, folder):
    version, config = RUNS[name]
    folder.mkdir()
    broker = Mosquitto(folder / "mosquitto", ["max_inflight_messages 200"]).start()
    trace = folder / "trace"
    # -D: the worker stays our child; strace is its grandchild. Leaks cannot be looked for under a tracer.
    start = folder / "traced"
    start.write_text(f"#!/bin/sh\nexec strace -D -f --seccomp-bpf -q -y -yy -xx -s 65536 -e trace={CALLS} -o {trace} {args.sluice} \"$@\"\n")
    start.chmod(0o755)
    worker = Worker(start, folder, {"value.converter": BYTES, "commit.log.file.bytes": 1 << 20}, {"ASAN_OPTIONS": "detect_leaks=0", "LSAN_OPTIONS": "detect_leaks=0"})
    worker.start()
    try:
        worker.create("in", {"connector.class": "MqttSource", "mqtt.server.uri": f"tcp://127.0.0.1:{broker.port}",
                             "mqtt.topics": "in/#", "kafka.topic": "out", "mqtt.protocol.version": version,
                             "mqtt.receive.maximum": 200, "topic.creation.default.partitions": 1,
                             "topic.creation.default.replication.factor": 1, **config})
        metric = lambda name: sum(worker.samples(name))
        wait_subscribed(worker, "in-0")
        with mqtt.Client(broker.port, window=100) as client:
            for begin in range(0, args.messages, 500):
                client.publish([("in/a", b"<message %06d>" % n) for n in range(begin, min(begin + 500, args.messages))])
        wait_until(lambda: metric("mqtt_source_acknowledged_total") >= args.messages, 300, lambda: f"all PUBACKs; {worker.tail()}")
        bad = metric("mqtt_source_bad_messages_total")
    finally:
        code = worker.stop()
        broker.stop()
    if code != 0:
        sys.exit(f"the worker ended with {code}: {worker.tail()}")
    faults = examine(args, version, broker.port, trace)
    if bad != (args.messages if config else 0):
        faults.append(f"{bad:.0f} messages were bad ones")
    return [f"{name}: {fault}" for fault in faults]


def tail(path):
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 500))
        return file.read()


def examine(args, version, port, trace):
    # strace ends a moment after the worker.
    wait_until(lambda: b"+++ exited with" in tail(trace), 60, "the end of the trace")
    found = Trace(port, version == "5")
    for call in calls(trace):
        found.take(call)
    syncs = sum(len(ends) for ends in found.syncs.values())
    print(f"{trace.parent.name}: {found.acknowledged} PUBACKs, {syncs} syncs")
    if found.acknowledged < args.messages:
        found.faults.append(f"the trace shows {found.acknowledged} PUBACKs of {args.messages}")
    if found.waiting:
        found.faults.append(f"no PUBACK for {len(found.waiting)} messages")
    return found.faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice")
    parser.add_argument("--messages", type=int, default=2000)
    args = parser.parse_args()
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode != 0:
        skip_program("strace cannot trace here")
    faults = []
    with Folder() as folder:
        for name in RUNS:
            faults += run(args, name, folder / name.replace(" ", "-"))
    if faults:
        print("\n".join(faults[:20]))
        sys.exit(f"{len(faults)} faults")
    print("every PUBACK follows the fdatasync that covers its message")


if __name__ == "__main__":
    main()
