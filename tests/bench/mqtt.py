# SPDX-License-Identifier: Apache-2.0
"""MQTT -> topic, QoS 1, 100 bytes: Sluice (twice, A/A), a subscriber on libmosquitto that only counts, and Telegraf that writes
to Apache Kafka. Publisher and Mosquitto run on the same machine. Then latency, and many subscriptions and tasks."""
import socket
import subprocess
import time

from tests.bench.measure import alternate, cpu_seconds, memory_mib, percentile, warm_memory
from tests.integration.mqtt.mosquitto import Mosquitto
from tests.peers.kafka import kafka
from tests.peers.telegraf import telegraf
from tests.support.processes import Folder, Worker, free_port, wait_until

BYTES = 100
WINDOW = 1000
RUNS = 7  # at least: the consumers are compared by their medians
SETTINGS = ["log_type error", "max_inflight_messages 0", "set_tcp_nodelay true"]
CONVERTER = "org.apache.kafka.connect.converters.ByteArrayConverter"


def publisher(load, port, count, rate=0):
    return subprocess.Popen([load, "publish", str(port), str(count), str(BYTES), str(WINDOW), str(rate)], stdout=subprocess.PIPE,
                            text=True)


class Raw:
    """The subscriber that counts."""

    def __init__(self, load, port, count):
        self.process = subprocess.Popen([load, "count", str(port), str(count), str(WINDOW)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the counting subscriber did not subscribe")
        self.pids = [self.process.pid]

    def wait(self, _count):
        self.process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()


class Sluice:
    def __init__(self, binary, folder, port, **config):
        self.worker = Worker(binary, folder, {"value.converter": CONVERTER, "log.level": "WARN"}).start()
        self.tasks = int(config.get("tasks.max", 1))
        self.worker.create("bench", {"connector.class": "MqttSource", "mqtt.server.uri": f"tcp://127.0.0.1:{port}",
                                     "mqtt.topics": "bench/#", "kafka.topic": "bench", "mqtt.receive.maximum": WINDOW,
                                     "topic.creation.default.partitions": 1, "topic.creation.default.replication.factor": 1,
                                     **config})
        self.pids = [self.worker.process.pid]
        wait_until(self.ready, 120, lambda: f"the subscription; {self.worker.tail()}")

    def ready(self):
        """Each task has stored a subscription that the broker has confirmed."""
        offsets = self.worker.call("/connectors/bench/offsets").json()["offsets"]
        return len(offsets) >= self.tasks and all(None not in offset["offset"].values() for offset in offsets)

    def wait(self, count):
        wait_until(lambda: sum(self.worker.samples("mqtt_source_acknowledged_total")) >= count, 600,
                   lambda: f"{count} messages; {self.worker.tail()}", step=0.02)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.worker.kill()


class Bridge:
    """Telegraf and the Kafka broker that it writes to."""

    def __init__(self, peers, folder, port):
        libs, program = peers
        self.broker = kafka.Broker(libs, folder)
        self.telegraf = telegraf.Telegraf(program, folder, port, self.broker.bootstrap, "bench", "bench/#")
        self.pids = [self.telegraf.pid]

    def wait(self, count):
        def end():
            answer = subprocess.run(["kcat", "-b", self.broker.bootstrap, "-Q", "-t", "bench:0:-1"], capture_output=True, text=True,
                                    check=False).stdout.strip()
            return answer and int(answer.rsplit(" ", 1)[1]) >= count
        wait_until(end, 600, "Telegraf to deliver all", step=0.1)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.telegraf.__exit__()
        self.broker.stop()


def run_once(load, count, connect):
    """Figures of one consumer, made by `connect(folder, port)`; from the first message that is sent to the last that is durable."""
    with Folder() as folder:
        broker = Mosquitto(folder / "mosquitto", SETTINGS, persistence=False).start()
        try:
            with connect(folder, broker.port) as consumer:
                if isinstance(consumer, Bridge):
                    wait_for_subscription(load, broker.port, consumer)
                warm_memory()
                spent = lambda: sum(cpu_seconds(pid) for pid in consumer.pids)
                before, cpu, begin = cpu_seconds(broker.process.pid), spent(), time.monotonic()
                sender = publisher(load, broker.port, count)
                consumer.wait(count)
                seconds = time.monotonic() - begin
                figures = {"messages_per_s": count / seconds, "cpu_us_per_message": (spent() - cpu) / count * 1e6,
                           "mosquitto_cpu_us_per_message": (cpu_seconds(broker.process.pid) - before) / count * 1e6,
                           "rss_mib": sum(memory_mib(pid, "Rss") for pid in consumer.pids)}
                sender.wait(60)
                return figures
        finally:
            broker.stop()


def wait_for_subscription(load, port, bridge):
    """Telegraf does not say when it has subscribed: messages are sent until the first of them is there."""
    def arrived():
        publisher(load, port, 1).wait(30)
        answer = subprocess.run(["kcat", "-b", bridge.broker.bootstrap, "-Q", "-t", "bench:0:-1"], capture_output=True, text=True,
                                check=False).stdout.strip()
        return answer and int(answer.rsplit(" ", 1)[1]) >= 1
    wait_until(arrived, 120, "Telegraf to subscribe", step=0.5)


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def latency_once(load, rate, connect):
    """From the time at which a message was sent to the consumer's PUBACK, which for Sluice says that it is durable, seen by a
    relay before Mosquitto; milliseconds."""
    with Folder() as folder:
        broker = Mosquitto(folder / "mosquitto", SETTINGS, persistence=False).start()
        port = free_port()
        relay = subprocess.Popen([load, "relay", str(broker.port), str(port)], stdout=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: accepts(port), 30, "the relay")
            with connect(folder, port) as consumer:
                if isinstance(consumer, Bridge):
                    wait_for_subscription(load, broker.port, consumer)
                count = rate * 10
                publisher(load, broker.port, count, rate).wait(120)
                consumer.wait(count)
                relay.terminate()
                times = [int(line) / 1e6 for line in relay.communicate(timeout=30)[0].split()]
                return {"p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99), "messages": len(times)}
        finally:
            relay.kill()
            relay.wait()
            broker.stop()


def many(load, binary, count):
    """1,000 filters in each of 16 tasks that share them."""
    filters = ",".join(["bench/#", *(f"other/{n}/+" for n in range(999))])
    with Folder() as folder:
        broker = Mosquitto(folder / "mosquitto", SETTINGS, persistence=False).start()
        try:
            begin = time.monotonic()
            with Sluice(binary, folder, broker.port, **{"mqtt.topics": filters, "tasks.max": 16, "record.key": "none"}) as consumer:
                subscribed = time.monotonic() - begin
                cpu, begin = cpu_seconds(consumer.pids[0]), time.monotonic()
                sender = publisher(load, broker.port, count)
                consumer.wait(count)
                seconds = time.monotonic() - begin
                sender.wait(60)
                return {"start to 16,000 subscriptions, s": subscribed, "messages_per_s": count / seconds,
                        "cpu_us_per_message": (cpu_seconds(consumer.pids[0]) - cpu) / count * 1e6,
                        "rss_mib": memory_mib(consumer.pids[0], "Rss")}
        finally:
            broker.stop()


def find_peers(bin_folder):
    cache = bin_folder.parent.parent / "peers"
    try:
        return kafka.fetch(cache / "kafka"), telegraf.build(cache / "telegraf")
    except (kafka.Missing, telegraf.Missing) as why:
        print(f"without Telegraf: {why}", flush=True)
        return None


def run(args, bin_folder, result):
    load, binary, count = str(bin_folder / "mqtt_load"), bin_folder / "sluice", args.messages
    sluice = lambda folder, port: Sluice(binary, folder, port)
    consumers = {"raw subscriber": lambda folder, port: Raw(load, port, count), "sluice": sluice,
                 "sluice again (A/A)": sluice}
    peers = find_peers(bin_folder) if args.peers else None
    if peers:
        consumers["Telegraf to Kafka"] = lambda folder, port: Bridge(peers, folder, port)
    rates = alternate(max(args.runs, RUNS), {name: lambda c=connect: run_once(load, count, c) for name, connect in consumers.items()})
    latencies = {}
    for rate in (1000, 10000):
        consumers["raw subscriber"] = lambda folder, port, n=rate * 10: Raw(load, port, n)
        del consumers["sluice again (A/A)"]
        latencies[f"{rate}/s"] = {name: latency_once(load, rate, connect) for name, connect in consumers.items()}
        print(f"  latency at {rate}/s: {latencies[f'{rate}/s']}", flush=True)
        consumers["sluice again (A/A)"] = sluice
    median = lambda name, figure: rates[name]["median"][figure]
    result["MQTT -> topic"] = rates
    result["MQTT: from publish to PUBACK"] = latencies
    result["MQTT: 1,000 subscriptions, 16 tasks"] = many(load, binary, count)
    result["MQTT ratios"] = {
        "rate: sluice / raw subscriber (goal >= 0.95)": median("sluice", "messages_per_s") / median("raw subscriber", "messages_per_s"),
        "rate: A/A": median("sluice", "messages_per_s") / median("sluice again (A/A)", "messages_per_s"),
        "CPU: sluice / raw subscriber (goal <= 1.3)":
            median("sluice", "cpu_us_per_message") / median("raw subscriber", "cpu_us_per_message"),
        **({"rate: sluice / Telegraf": median("sluice", "messages_per_s") / median("Telegraf to Kafka", "messages_per_s"),
            "CPU: Telegraf / sluice": median("Telegraf to Kafka", "cpu_us_per_message") / median("sluice", "cpu_us_per_message")}
           if peers else {})}
