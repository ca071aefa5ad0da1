# SPDX-License-Identifier: Apache-2.0
"""Devices publish to Mosquitto, the real worker brings their messages into topics, over MQTT 5 and 3.1.1 side by side, and both
worker and Mosquitto are killed with kill -9 under load.

Every message whose publisher got its PUBACK is in both topics, in the order in which it was published; what stands there twice
was not acknowledged by the worker, or given out again by Mosquitto. Mosquitto keeps its promise only up to its last save: kill
-9 takes from it what it acknowledged later. The test has it save all the time (SIGUSR1), notes when each save began that ended
before the kill, and excuses messages whose PUBACK came after that. What it excuses is counted.

usage: mqtt_kill_test.py SLUICE [MQTT_PLUGIN] [--worker-kills 200] [--broker-kills 50] [--rate 4000] [--seed N]
                         [--transport plain|tls|mutual|user]
MQTT_PLUGIN: where it has crash points, every third death of the worker is at one of them.
--transport: how the worker connects; the publishers' connections are plain ones.
"""
import argparse
import random
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.checker.directory import Directory  # noqa: E402
from tests.crash.mqtt_fleet import Publisher, payload  # noqa: E402
from tests.integration.mqtt.mosquitto import TRANSPORTS, Certificates, Mosquitto, wait_subscribed  # noqa: E402
from tests.support.crash_points import crash_points  # noqa: E402
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

VERSIONS = {"five": "5", "three": "3.1.1"}  # connector, which is also its topic -> protocol
PARTITIONS = 3
WINDOW = 200  # receive maximum of MQTT 5 and, for 3.1.1, Mosquitto's own window
TOPICS = 20  # of each publisher
HITS = 5  # of each crash point, at least
BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"


class Life:
    """Of the worker or of Mosquitto: up to which moment before its kill Mosquitto has surely saved what it had."""

    def __init__(self, of_broker):
        self.of_broker = of_broker
        self.saved = self.begun = self.killed = self.back = None  # time.time(); begun: just before the kill
        self.read_until = {}  # connector -> when it had read what a dead Mosquitto had sent


class Run:
    def __init__(self, args, folder, dice):
        self.args, self.dice = args, dice
        self.broker = Mosquitto(folder / "mosquitto", [f"max_inflight_messages {WINDOW}", "autosave_interval 0",
                                                       "autosave_on_changes false"],
                                certificates=None if args.transport == "plain" else Certificates(folder / "tls")).start()
        self.points = [p for p in crash_points(args.plugin) if p.startswith("mqtt.")] if args.plugin else []
        self.hit_log = folder / "hits"
        self.worker = Worker(args.sluice, folder, {"offset.flush.interval.ms": 100, "offset.storage.partitions": 1,
                                                   "status.storage.partitions": 1},
                             {"SLUICE_CRASH_LOG": str(self.hit_log)} if self.points else None).start()
        self.armed = None  # the crash point at which this life of the worker is to end
        self.lives = 0  # of the worker, that have ended
        self.deaths_at, self.tries_at = Counter(), Counter()  # by crash point
        self.deaths = []
        self.idle_lives = 0  # of the worker, killed before they had received anything
        self.open_windows = 0  # kills of the worker after which Mosquitto sent again what it had no PUBACK for
        for name, version in VERSIONS.items():
            self.worker.create(name, {
                "connector.class": "MqttSource", **self.broker.reached_over(args.transport),
                "mqtt.topics": "fleet/#", "kafka.topic": name, "mqtt.protocol.version": version,
                "mqtt.receive.maximum": WINDOW, "mqtt.keepalive.interval.seconds": 5, "mqtt.reconnect.backoff.ms": 50,
                "mqtt.reconnect.backoff.max.ms": 200, "key.converter": "org.apache.kafka.connect.storage.StringConverter",
                "value.converter": BYTES, "topic.creation.default.partitions": PARTITIONS,
                "topic.creation.default.replication.factor": 1})
        wait_subscribed(self.worker, *(f"{name}-0" for name in VERSIONS))
        self.broker.save()  # from now on the sessions are there for ever
        self.fleet = [Publisher(self.broker.port, f"device{n}", [f"fleet/{n}/{topic}" for topic in range(TOPICS)], args.rate / 2)
                      for n in range(2)]

    def metric(self, name):
        """Sum over the tasks; 0 while the worker does not answer."""
        try:
            return sum(self.worker.samples(name, timeout=5))
        except OSError:
            return 0

    def worker_life(self, another):
        """It ends at a crash point, or at a random moment, mostly while messages come, sometimes while it starts. `another`: the
        next one is to be killed, too."""
        if self.armed:
            self.wait_for_the_point()
        elif self.dice.random() < 0.8:
            wait_until(lambda: self.metric("mqtt_source_received_total") > 0, 60, lambda: f"messages; {self.worker.tail()}", step=0.01)
            if self.deaths and not self.deaths[-1].of_broker and self.metric("mqtt_source_redelivered_total") > 0:
                self.open_windows += 1
        else:
            self.idle_lives += 1
        if not self.armed:
            time.sleep(self.dice.uniform(0, 0.3))  # a random moment, not a wait for anything
        death = Life(False)
        death.begun = time.time()
        self.worker.kill()
        death.killed = time.time()
        self.deaths.append(death)
        self.lives += 1
        self.arm(another)
        self.worker.start(wait=False)
        death.back = time.time()

    def arm(self, wanted):
        """Every third life ends at a crash point, first at those that had no death."""
        wanted = wanted and self.points and self.lives % 3 == 2
        self.armed = min(self.points, key=lambda p: (self.deaths_at[p] > 0, self.tries_at[p])) if wanted else None
        self.worker.environment.pop("SLUICE_CRASH_AT", None)
        if self.armed:
            self.tries_at[self.armed] += 1
            # Each of the two connectors subscribes once in a life, if Mosquitto lives as long.
            nth = self.dice.randint(1, 2 if self.armed == "mqtt.subscribed" else 40)
            self.worker.environment["SLUICE_CRASH_AT"] = f"{self.armed}:{nth}"

    def wait_for_the_point(self):
        """One that it does not come to is no fault here; the sum is looked at in the end."""
        try:
            wait_until(lambda: self.worker.process.poll() is not None, 15, self.armed, step=0.005)
        except TimeoutError:
            return
        self.deaths_at[self.armed] += 1

    def broker_life(self):
        death = Life(True)
        for _ in range(self.dice.randint(1, 4)):
            begin = time.time()
            self.broker.save()
            death.saved = begin
            time.sleep(self.dice.uniform(0, 0.1))
        death.begun = time.time()
        self.broker.kill()
        death.killed = time.time()
        self.deaths.append(death)
        self.broker.start()
        death.back = time.time()

    def settle(self):
        """Publishers end, everything arrives, the worker ends in peace."""
        histories = {publisher: publisher.finish() for publisher in self.fleet}
        self.worker.wait_ready()
        last = {payload(p.name, p.topic_of(sent - 1), sent - 1).decode() for p, (sent, _, _) in histories.items()}
        for name in VERSIONS:
            wait_until(lambda: last <= self.newest(name), 600,
                       lambda: f"the last messages in {name}; {self.worker.status(name)}; {self.worker.tail()}", step=0.2)
        code = self.worker.stop()
        if code != 0:
            sys.exit(f"the worker ended with {code}: {self.worker.tail()}")
        self.broker.stop()
        return histories

    def look_for_ends_of_connections(self):
        """A worker reads what a dead Mosquitto had sent until it finds the connection lost, has another one, or dies itself."""
        rows = self.worker.said().splitlines()
        for name in VERSIONS:
            own = [(datetime.strptime(row[1:24], "%Y-%m-%d %H:%M:%S,%f").timestamp(), row) for row in rows
                   if row.endswith(f"(connector.{name}.task-0)")]
            lost = [when for when, row in own if " connection-lost: " in row]
            subscribed = [when for when, row in own if f" subscribed as '{name}-0' " in row]
            if not subscribed:
                sys.exit(f"the log does not say that {name} was ever subscribed:\n{self.worker.tail()}")
            killed = [death.killed for death in self.deaths if not death.of_broker]
            for death in self.deaths:
                ends = [end for end in lost + killed if end + 0.001 >= death.begun]
                ends += [end for end in subscribed if end >= death.back]
                death.read_until[name] = min(ends, default=time.time())

    def look_at_points(self):
        hits = Counter(self.hit_log.read_text(encoding="ascii").split()) if self.points else Counter()
        for point in self.points:
            print(f"{point:24} {hits[point]:8} hits {self.deaths_at[point]:4} deaths")
        return [f"crash point {point}: {hits[point]} hits and {self.deaths_at[point]} deaths, at least {HITS} and 1 are wanted"
                for point in self.points if hits[point] < HITS or not self.deaths_at[point]]

    def newest(self, topic):
        found = set()
        for partition in self.worker.call(f"/sluice/topics/{topic}").json()["partitions"]:
            begin = max(partition["start"], partition["end"] - 1000)
            answer = self.worker.call(f"/sluice/topics/{topic}/records?partition={partition['partition']}&offset={begin}&limit=1000")
            found |= {record["value"] for record in answer.json()["records"]}
        return found


class Checker:
    """Compares the topic of one connector with what was published."""

    def __init__(self, name, directory, histories, deaths):
        self.name, self.directory, self.histories, self.deaths = name, directory, histories, deaths
        self.found = []
        self.places = {}  # (publisher, sequence) -> [(when it came into the topic, seconds since 1970; whether marked as duplicate)]
        self.repeats = Counter()

    def fault(self, text):
        self.found.append(f"{self.name}: {text}")

    def read(self):
        """Per topic of MQTT: one partition, and each message for the first time only after all before it."""
        by_name = {publisher.name: publisher for publisher in self.histories}
        highest, homes = {}, {}
        for partition in self.directory.partitions(self.name):
            end = 0
            for batch in self.directory.logs.get((self.name, partition), []):
                if batch.base != end:
                    self.fault(f"partition {partition}: offset {batch.base} follows {end - 1}")
                end = batch.last + 1
            for offset, key, value, time_ms, headers in self.records(partition):
                try:
                    who, topic, sequence = value.split(b" ")[:3]
                    publisher, sequence = by_name[who.decode()], int(sequence)
                except (ValueError, KeyError):
                    self.fault(f"partition {partition}, offset {offset}: nobody sent {value[:60]!r}")
                    continue
                topic = topic.decode()
                if value != payload(publisher.name, topic, sequence) or publisher.topic_of(sequence) != topic or \
                        key != topic.encode():
                    self.fault(f"partition {partition}, offset {offset}: {key!r} {value[:60]!r} was sent in no such form")
                if homes.setdefault(topic, partition) != partition:
                    self.fault(f"{topic} is in the partitions {homes[topic]} and {partition}")
                copies = self.places.setdefault((publisher.name, sequence), [])
                copies.append((time_ms / 1000, dict(headers)["mqtt.duplicate"] == b"true"))
                if len(copies) == 1:
                    if sequence < highest.get(topic, -1):
                        self.fault(f"{topic}: {sequence} comes for the first time after {highest[topic]}")
                    highest[topic] = max(sequence, highest.get(topic, -1))

    def records(self, partition):
        for batch in self.directory.logs.get((self.name, partition), []):
            for record, time_ms, headers in zip(batch.records, batch.times, batch.headers):
                yield *record, time_ms, headers

    def excused(self, when, connected):
        """Was it acknowledged by a Mosquitto that died before its next save? `when`: of the PUBACK, or later, on a connection that
        was there at `connected`."""
        return any(connected <= death.killed and death.saved <= when for death in self.deaths if death.of_broker)

    def look_for_lost(self):
        lost_by_broker = lost = 0
        for publisher, (sent, acknowledged, _resent) in self.histories.items():
            begin = 0
            for when, end, connected in acknowledged:
                missing = [n for n in range(begin, end) if (publisher.name, n) not in self.places]
                begin = end
                if missing and self.excused(when, connected):
                    lost_by_broker += len(missing)
                elif missing:
                    lost += len(missing)
                    if lost < 100:
                        self.fault(f"lost: {publisher.name} {missing[:5]}, acknowledged at {when:.3f}")
            if begin != sent:
                self.fault(f"{publisher.name} was told of {begin} messages and sent {sent}")
        return lost_by_broker

    def look_at_repeats(self):
        """After a kill of the worker Mosquitto gives out again what it has no PUBACK for. After its own kill also what it had been
        told of since its last save; and a publisher sends again what was not acknowledged when it lost its connection. How many
        these are is not judged: Mosquitto 2.0.11 goes far beyond its window once a client has come back. But what it sends again
        it marks as a duplicate, and so must the record."""
        sent_again = {publisher.name: resent for publisher, (_sent, _acknowledged, resent) in self.histories.items()}
        unexplained = Counter()
        for (name, sequence), copies in self.places.items():
            for (earlier, _), (later, marked) in zip(copies, copies[1:]):
                self.repeats["all"] += 1
                if any(begin <= sequence < end for begin, end in sent_again[name]):
                    self.repeats["sent again by the publisher"] += 1
                    continue
                between = [n for n, death in enumerate(self.deaths) if death.killed <= later and
                           earlier <= (death.read_until[self.name] if death.of_broker else death.killed) + 0.01]
                if any(self.deaths[n].of_broker and self.deaths[n].saved <= earlier + 0.1 for n in between):
                    self.repeats["forgotten by Mosquitto"] += 1
                elif between:
                    unexplained[between[0]] += 1
                    if not marked:
                        self.fault(f"{name} {sequence} came at {earlier:.3f} and at {later:.3f}, without mqtt.duplicate = true")
                else:
                    self.fault(f"{name} {sequence} came at {earlier:.3f} and {later:.3f}, and nothing was killed in between")
        self.repeats["in the window of a killed worker"] = sum(unexplained.values())


def run(args, folder, dice):
    made = Run(args, folder, dice)
    left = {"worker": args.worker_kills, "broker": args.broker_kills}
    begin = time.monotonic()
    while sum(left.values()):
        what = dice.choices(list(left), list(left.values()))[0]
        left[what] -= 1
        made.worker_life(left["worker"] > 0) if what == "worker" else made.broker_life()
        if sum(left.values()) % 20 == 0:
            print(f"  {time.monotonic() - begin:.0f} s: {sum(left.values())} kills to come", flush=True)
    histories = made.settle()
    made.look_for_ends_of_connections()
    directory = Directory(folder / "data")
    faults = [str(finding) for finding in directory.findings]
    published = sum(sent for sent, _, _ in histories.values())
    for name in VERSIONS:
        checker = Checker(name, directory, histories, made.deaths)
        checker.read()
        excused = checker.look_for_lost()
        checker.look_at_repeats()
        faults += checker.found
        print(f"{name} (MQTT {VERSIONS[name]}): {published} messages published, {len(checker.places)} in the topic; Mosquitto forgot "
              f"{excused} of those that it acknowledged after its last save; twice: {dict(checker.repeats)}")
    faults += made.look_at_points()
    if made.open_windows < max(1, args.worker_kills // 20):
        faults.append(f"only {made.open_windows} kills hit the worker with messages unacknowledged; that proves little")
    if faults:
        print("\n".join(faults[:40]))
        sys.exit(f"{len(faults)} faults")
    print(f"{args.worker_kills} kills of the worker ({made.idle_lives} at any moment of its start, {made.open_windows} seen to "
          f"hit unacknowledged messages), {args.broker_kills} of Mosquitto in "
          f"{time.monotonic() - begin:.0f} s: nothing acknowledged was lost")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice")
    parser.add_argument("plugin", nargs="?")
    parser.add_argument("--transport", choices=TRANSPORTS, default="plain")
    parser.add_argument("--worker-kills", type=int, default=200)
    parser.add_argument("--broker-kills", type=int, default=50)
    parser.add_argument("--rate", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    with Folder() as folder:
        run(args, folder, random.Random(args.seed))


if __name__ == "__main__":
    main()
