# SPDX-License-Identifier: Apache-2.0
"""fdatasync fails under the real worker, on an ext4 whose block device fails: the kernel then takes the lost pages for clean.

The data directory stops taking writes and never syncs again, although the device soon works again; the log, GET /health
and a metric say so, requests are refused with an error that says so. After a restart without what only the page cache
held, the pipeline goes on without a loss or a repeat.

usage: fsync_failure_test.py SLUICE POWERFS     (POWERFS is used, and said, where no block device can be had)
"""
import errno
import random
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.support.failing_disk import FailingDisk, missing_tools  # noqa: E402
from tests.support.powerfs import CannotMount, PowerFs  # noqa: E402
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402
from tests.support.skips import fail_in_ci, skip_program  # noqa: E402

LINES = 2000  # a portion


class FailingPowerFs(PowerFs):
    """The same by the FUSE shim: every fsync fails until it is told otherwise."""

    def break_(self):
        self.command(f"fault fsync 1 {errno.EIO} sticky")

    def heal(self):
        self.command("clear")

    def forget(self):
        self.command("cut")
        self.command(f"restore {random.SystemRandom().randrange(1 << 32)}")


def append(path, begin, end):
    with open(path, "a", encoding="ascii") as out:
        out.write("".join(f"{n:08d} {'x' * 40}\n" for n in range(begin, end)))


def metric(worker, name):
    value, = worker.samples(name)
    return value


def must(condition, what):
    if not condition:
        sys.exit(what)


def fail(worker, disk, source):
    """The sync fails; the device works again at once; the worker must not."""
    disk.break_()
    append(source, LINES, 2 * LINES)
    health = wait_until(lambda: (a := worker.call("/health")).status != 200 and a, 60,
                        lambda: f"an unhealthy worker; its log: {worker.tail()}")
    disk.heal()
    must(health.status == 500 and b"takes no writes since an I/O error" in health.body, f"health: {health}")
    must(metric(worker, "sluice_log_failed") == 1, "sluice_log_failed is not 1")
    wait_until(lambda: "takes no more writes" in worker.log.read_text(), 60, "the log to say so")
    syncs = metric(worker, "sluice_log_syncs_total")
    refused = worker.call("/connectors", "POST", {"name": "late", "config": {
        "connector.class": "FileStreamSource", "file": source, "topic": "late"}})
    must(refused.status >= 500 and b"takes no writes" in refused.body, f"creating a connector: {refused}")
    append(source, 2 * LINES, 3 * LINES)
    wait_until(lambda: worker.status("source")["tasks"][0]["state"] == "FAILED", 60, "the source to say that it cannot write")
    must(metric(worker, "sluice_log_syncs_total") == syncs, "the failed sync was tried again")
    must(worker.call("/health").status == 500, "the worker became healthy without a restart")
    return health


def run(sluice, folder, disk):
    source, out, exact = folder / "in.txt", folder / "out.txt", folder / "exact.txt"
    worker = Worker(sluice, folder, {"data.dir": disk.mount / "data", "offset.flush.interval.ms": 50}).start()
    append(source, 0, LINES)
    worker.create("source", {"connector.class": "FileStreamSource", "file": source, "topic": "lines"})
    worker.create("sink", {"connector.class": "FileStreamSink", "file": out, "topics": "lines"})
    worker.create("exact", {"connector.class": "FileStreamSink", "file": exact, "topics": "lines",
                            "exactly.once.support": "required"})
    size = source.stat().st_size
    wait_until(lambda: exact.exists() and exact.stat().st_size == size, 60, lambda: f"the first lines; {worker.tail()}")
    health = fail(worker, disk, source)
    delivered = exact.stat().st_size
    worker.kill()
    disk.forget()
    worker.start()
    must(worker.call("/connectors/late").status == 404, "the connector that was refused is there")
    size = source.stat().st_size
    wait_until(lambda: exact.stat().st_size >= size, 120, lambda: f"all lines after the restart; {worker.tail()}")
    wait_until(lambda: len(out.read_bytes()) >= size, 60, "all lines in the at-least-once output")
    must(worker.call("/health").status == 200, "the restarted worker is not healthy")
    code = worker.stop()
    must(code == 0, f"the worker ended with {code}: {worker.tail()}")
    must(exact.read_bytes() == source.read_bytes(), "the exactly-once output differs from the input")
    expected = 0
    for line in out.read_bytes().splitlines():
        number = int(line[:8])
        must(number <= expected, f"{number} follows {expected - 1} in the at-least-once output")
        expected = max(expected, number + 1)
    must(expected == 3 * LINES, f"the at-least-once output ends at {expected}")
    verified = subprocess.run([sluice, "log", "verify", str(disk.mount / "data")], capture_output=True, text=True, check=False)
    must(verified.returncode == 0, f"log verify: {verified.stdout}{verified.stderr}")
    print(f"health: {health.status} {health.body.decode()}")
    print(f"{delivered} bytes were delivered before the failure, {size} after the restart: nothing lost, nothing twice")


def main():
    sluice, powerfs = sys.argv[1:3]
    if missing := missing_tools():
        fail_in_ci(f"not installed: {', '.join(missing)}")
    with Folder() as folder:
        try:
            disk = FailingDisk(folder)
            print("ext4 on a failing block device (nbdkit, nbdfuse, loop)")
        except CannotMount as why:
            print(f"NO BLOCK DEVICE HERE ({why}); the FUSE shim takes its place, which is not a real kernel's page cache")
            try:
                disk = FailingPowerFs(powerfs, folder)
            except CannotMount as error:
                skip_program(error)
        with disk:
            run(sluice, folder, disk)


main()
