# SPDX-License-Identifier: Apache-2.0
"""The control plane: start-up, creating connectors, idle memory and CPU, and a plugin that hangs."""
import concurrent.futures
import os
import socket
import statistics
import subprocess
import threading
import time

from tests.bench.measure import cpu_seconds, memory_mib, percentile, threads
from tests.bench.pipeline import SINK, SOURCE, write_lines
from tests.support.processes import Folder, Worker, wait_until


def first_answer_ms(worker):
    """Starts the worker and asks for its root until it answers."""
    begin = time.monotonic()
    worker.start(wait=False)
    while True:
        try:
            with socket.create_connection(("127.0.0.1", worker.port), timeout=5) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                if connection.recv(12).startswith(b"HTTP/1.1 200"):
                    return (time.monotonic() - begin) * 1000
        except OSError:
            if worker.process.poll() is not None:
                raise RuntimeError("the worker ended: " + worker.tail()) from None
        time.sleep(0.0005)


def startup_empty(args, bin_folder, result):
    def once():
        with Folder() as folder:
            worker = Worker(bin_folder / "sluice", folder)
            elapsed = first_answer_ms(worker)
            worker.wait_ready()
            worker.kill()
            return elapsed
    runs = [once() for _ in range(max(5, args.runs))]
    result["first REST answer, empty directory, ms (goal <= 100)"] = {"median": statistics.median(runs), "runs": runs}


def idle(args, bin_folder, result):
    """Memory with nothing to do, then with `connectors` idle file sources; their creation by POST."""
    with Folder() as folder:
        worker = Worker(bin_folder / "sluice", folder).start()
        pid = worker.process.pid
        time.sleep(1)  # lets start-up work end before the memory is read; nothing waits for it
        base = memory_mib(pid, "Anonymous")
        (folder / "quiet.txt").write_text("one line\n")
        begin = time.monotonic()
        for n in range(args.connectors):
            worker.create(f"idle-{n}", {"connector.class": SOURCE, "file": folder / "quiet.txt", "topic": "quiet"})
        created = (time.monotonic() - begin) / args.connectors * 1000
        wait_until(lambda: all(s["status"]["tasks"] and s["status"]["tasks"][0]["state"] == "RUNNING"
                               for s in worker.call("/connectors?expand=status").json().values()), 120,
                   "all tasks to run", step=0.5)
        time.sleep(2)
        cpu, since = cpu_seconds(pid), time.monotonic()
        time.sleep(10)  # the measured interval
        share = (cpu_seconds(pid) - cpu) / (time.monotonic() - since)
        result["idle"] = {
            "anonymous MiB, nothing to do (goal <= 30)": base, "POST of a connector, ms on average (goal <= 3)": created,
            f"anonymous MiB more with {args.connectors} idle connectors (goal <= 150 for 1,000)":
                memory_mib(pid, "Anonymous") - base,
            "CPU of one core, idle connectors (goal < 0.01)": share, "threads": threads(pid)}
        if args.gib:
            fill_and_restart(args, worker, folder, result)
        worker.end()  # the restarts have stopped it


def fill_and_restart(args, worker, folder, result):
    """`gib` GiB of log besides the idle connectors, a clean stop, and the next start."""
    lines = args.gib * (1 << 30) // 100
    write_lines(folder / "big.txt", lines)
    worker.create("big", {"connector.class": SOURCE, "file": folder / "big.txt", "topic": "big"})
    wait_until(lambda: (o := worker.call("/connectors/big/offsets").json()["offsets"]) and
               o[0]["offset"]["position"] == lines * 100, 1200, "the log to fill", step=0.5)
    os.unlink(folder / "big.txt")
    worker.stop(120)
    runs = []
    for _ in range(3):
        runs.append(first_answer_ms(worker))
        worker.wait_ready(120)
        worker.stop(120)
    result[f"first REST answer, {args.connectors} connectors and {args.gib} GiB, ms (goal <= 100)"] = {
        "median": statistics.median(runs), "runs": runs}


def hang(args, bin_folder, result):
    """64 concurrent validates of a class that hangs and 4 connectors that hang in poll: what others feel of it."""
    libraries = bin_folder.parent / "lib" / "sluice"
    plugins = ",".join(str(p) for p in (libraries / "plugins", libraries / "test-plugins" / "bad_poll_hangs.so",
                                        libraries / "test-plugins" / "bad_validate_hangs.so"))
    lines = 20_000_000
    with Folder() as folder:
        write_lines(folder / "in.txt", lines)
        worker = Worker(bin_folder / "sluice", folder, {"plugin.path": plugins}).start()
        pid = worker.process.pid
        worker.create("other", {"connector.class": SOURCE, "file": folder / "in.txt", "topic": "other"})
        position = lambda: (o := worker.call("/connectors/other/offsets").json()["offsets"]) and o[0]["offset"]["position"] or 0
        rate = lambda seconds: measure_rate(position, seconds)
        wait_until(position, 30, "the other task to move")
        before, count = rate(2), threads(pid)
        for n in range(4):
            worker.create(f"stuck-{n}", {"connector.class": "bad.PollHangs", "topic": "stuck"})
        pool = concurrent.futures.ThreadPoolExecutor(64)
        hung = [pool.submit(worker.call, "/connector-plugins/bad.ValidateHangs/config/validate", "PUT",
                            {"connector.class": "bad.ValidateHangs", "name": "x", "topic": "t"}, timeout=120)
                for _ in range(64)]
        stop, waits = threading.Event(), []
        def ask():
            while not stop.is_set():
                begin = time.monotonic()
                worker.call("/connectors/other/status")
                waits.append((time.monotonic() - begin) * 1000)
        asker = threading.Thread(target=ask)
        asker.start()
        during = rate(3)
        stop.set()
        asker.join()
        result["hanging plugins"] = {
            "REST p99 ms of unrelated requests (goal <= 50)": percentile(waits, 0.99), "requests": len(waits),
            "other task's throughput kept (goal >= 0.9)": during / before if before else 0,
            "threads before": count, "threads during": threads(pid)}
        worker.kill()
        concurrent.futures.wait(hung, 5)
        pool.shutdown(wait=False, cancel_futures=True)


def measure_rate(position, seconds):
    begin, first = time.monotonic(), position()
    time.sleep(seconds)  # the measured interval
    return (position() - first) / (time.monotonic() - begin)


def abi(bin_folder, result):
    program = bin_folder / "abi_bench"
    if program.exists():
        result["ABI"] = subprocess.run([str(program)], capture_output=True, text=True, check=False).stdout.strip()
