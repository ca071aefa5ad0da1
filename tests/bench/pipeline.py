# SPDX-License-Identifier: Apache-2.0
"""file -> topic and topic -> file of 100-byte lines: Sluice (twice, A/A), a raw loop that writes the same bytes with
the same number of syncs, and Kafka Connect's FileStream on Apache Kafka."""
import subprocess
import time

from tests.bench.measure import alternate, cpu_seconds, memory_mib, warm_memory
from tests.peers.kafka import kafka
from tests.support.processes import Folder, Worker, request, wait_until

LINE = 100
SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"
STRING = "org.apache.kafka.connect.storage.StringConverter"


def write_lines(path, lines):
    filler = " " + "abcdefghij" * 8 + "abcdef\n"
    with open(path, "w", encoding="ascii") as out:
        for begin in range(0, lines, 100_000):
            out.write("".join(f"{n:012d}{filler}" for n in range(begin, min(begin + 100_000, lines))))


def figures(lines, seconds, cpu):
    return {"records_per_s": lines / seconds, "cpu_us_per_record": cpu / lines * 1e6,
            "cpu_s_per_gib": cpu / (lines * LINE) * (1 << 30), "seconds": seconds}


def sluice(binary, source, lines, results):
    """One run of both directions; returns the source's figures, puts the sink's and the log's into `results`."""
    with Folder() as folder:
        worker = Worker(binary, folder, {"file.allowed.roots": f"{folder},{source.parent}"}).start()
        try:
            offsets = lambda name: worker.call(f"/connectors/{name}/offsets").json()["offsets"]
            warm_memory()
            cpu, begin = cpu_seconds(worker.process.pid), time.monotonic()
            worker.create("source", {"connector.class": SOURCE, "file": source, "topic": "lines"})
            wait_until(lambda: (o := offsets("source")) and o[0]["offset"]["position"] == lines * LINE, 600,
                       lambda: f"the source; {worker.tail()}", step=0.005)
            into = figures(lines, time.monotonic() - begin, cpu_seconds(worker.process.pid) - cpu)
            syncs = sum(worker.samples("sluice_log_syncs_total"))
            size = sum(worker.samples("sluice_log_committed_bytes_total"))
            results["log"] = {"syncs": syncs, "bytes": size}

            warm_memory()
            cpu, begin = cpu_seconds(worker.process.pid), time.monotonic()
            worker.create("sink", {"connector.class": SINK, "file": folder / "out.txt", "topics": "lines"})
            wait_until(lambda: (o := offsets("sink")) and o[0]["offset"]["kafka_offset"] == lines, 600,
                       lambda: f"the sink; {worker.tail()}", step=0.005)
            out = figures(lines, time.monotonic() - begin, cpu_seconds(worker.process.pid) - cpu)
            out["rss_mib"] = memory_mib(worker.process.pid, "Rss")
            results.setdefault("sink", []).append(out)
            return into
        finally:
            worker.kill()


def raw(binary, log):
    """Seconds for the same bytes and syncs, as records/s-like figures of the same size."""
    with Folder() as folder:
        warm_memory()
        done = subprocess.run([binary, str(folder), str(int(log["bytes"])), str(max(1, int(log["syncs"])))], check=True,
                              capture_output=True, text=True)
        return {"seconds": float(done.stdout)}


def connect(libs, source, lines, results):
    """The same two directions through Kafka Connect standalone and a broker."""
    with Folder() as folder, kafka.Broker(libs, folder) as broker, kafka.Connect(
            libs, folder, broker, {"key.converter": STRING, "value.converter": STRING,
                                   "offset.flush.interval.ms": 1000}) as worker:
        pids = (worker.pid, broker.pid)
        spent = lambda: sum(cpu_seconds(pid) for pid in pids)
        end = lambda: subprocess.run(["kcat", "-b", broker.bootstrap, "-Q", "-t", "lines:0:-1"], capture_output=True,
                                     text=True, check=False).stdout.strip().endswith(f" {lines}")
        warm_memory()
        cpu, begin = spent(), time.monotonic()
        post(worker.url, "source", {"connector.class": SOURCE, "file": str(source), "topic": "lines",
                                    "batch.size": "2000", "tasks.max": "1"})
        wait_until(end, 900, "Kafka Connect's source", step=0.05)
        into = figures(lines, time.monotonic() - begin, spent() - cpu)
        request(worker.url + "/connectors/source", "DELETE")
        warm_memory()
        cpu, begin = spent(), time.monotonic()
        out = folder / "out.txt"
        post(worker.url, "sink", {"connector.class": SINK, "file": str(out), "topics": "lines", "tasks.max": "1"})
        wait_until(lambda: out.exists() and out.stat().st_size == lines * LINE, 900, "Kafka Connect's sink", step=0.05)
        sink = figures(lines, time.monotonic() - begin, spent() - cpu)
        sink["rss_mib"] = sum(memory_mib(pid, "Rss") for pid in pids)
        results.setdefault("sink", []).append(sink)
        return into


def post(url, name, config):
    answer = request(url + "/connectors", "POST", {"name": name, "config": config}, timeout=100)
    if answer.status != 201:
        raise RuntimeError(f"creating {name}: {answer}")


def run(args, bin_folder, result):
    lines = args.mib * (1 << 20) // LINE
    with Folder() as folder:
        source = folder / "in.txt"
        write_lines(source, lines)
        a, again, peer = {}, {}, {}
        variants = {
            "sluice": lambda: sluice(bin_folder / "sluice", source, lines, a),
            "raw loop": lambda: raw(bin_folder / "raw_log", a["log"]),
            "sluice again (A/A)": lambda: sluice(bin_folder / "sluice", source, lines, again),
        }
        if args.peers:
            libs = kafka.fetch(bin_folder.parent.parent / "peers" / "kafka")
            variants["Kafka Connect"] = lambda: connect(libs, source, lines, peer)
        result["file -> topic"] = alternate(args.runs, variants)
        for name, sinks in (("sluice", a), ("sluice again (A/A)", again), ("Kafka Connect", peer)):
            if sinks.get("sink"):
                result.setdefault("topic -> file", {})[name] = {
                    "median": {k: sorted(s[k] for s in sinks["sink"])[len(sinks["sink"]) // 2] for k in sinks["sink"][0]},
                    "runs": sinks["sink"]}
        result["log"] = a["log"]
        summarize(result, args.peers)


def summarize(result, peers):
    into, out = result["file -> topic"], result["topic -> file"]
    m = lambda table, name: table[name]["median"]
    ratios = {
        "raw loop's time / sluice's time (goal >= 0.5)": m(into, "raw loop")["seconds"] / m(into, "sluice")["seconds"],
        "A/A rate": m(into, "sluice")["records_per_s"] / m(into, "sluice again (A/A)")["records_per_s"],
    }
    if peers:
        for title, table in (("source", into), ("sink", out)):
            ratios[f"{title}: Connect CPU / sluice CPU (goal >= 10)"] = (
                m(table, "Kafka Connect")["cpu_us_per_record"] / m(table, "sluice")["cpu_us_per_record"])
            ratios[f"{title}: sluice rate / Connect rate (goal >= 5)"] = (
                m(table, "sluice")["records_per_s"] / m(table, "Kafka Connect")["records_per_s"])
    result["ratios"] = ratios
