# SPDX-License-Identifier: Apache-2.0
"""Data directories with known records, made by real pipelines, and the log tools run on them."""
import json
import shutil
import subprocess
from pathlib import Path

from tests.support.processes import Worker, wait_until


def source_config(file, topic="t", **more):
    return {"connector.class": "FileStreamSource", "file": str(file), "topic": topic, **more}


def line(number):
    return f"{number:08d} " + "abcdefghij" * 9


def append_lines(path, first, count):
    with open(path, "ab", buffering=0) as out:
        out.write("".join(line(n) + "\n" for n in range(first, first + count)).encode())


def end_offset(worker, topic="t"):
    answer = worker.call(f"/sluice/topics/{topic}")
    return sum(p["end"] for p in answer.json()["partitions"]) if answer.status == 200 else 0


class Tools:
    """`sluice log ...` with its exit code and output."""

    def __init__(self, test, binary):
        self.test, self.binary = test, str(binary)

    def __call__(self, *arguments, code=0, worker=None):
        command = [self.binary, *(("--worker", worker.url) if worker else ()), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        self.test.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done

    def json(self, *arguments, code=0, worker=None):
        return json.loads(self("--output", "json", *arguments, code=code, worker=worker).stdout)

    def json_lines(self, *arguments, code=0):
        return [json.loads(text) for text in self("--output", "json", *arguments, code=code).stdout.splitlines()]


def make_directory(binary, folder, chunks, kill, **settings):
    """A worker's directory whose topic `t` has `chunks` batches of 100 lines in several segments."""
    data = folder / "in.txt"
    data.touch()
    worker = Worker(binary, folder, settings).start()
    worker.create("lines", source_config(data, **{
        "topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1",
        "topic.creation.default.segment.bytes": "32768"}))
    for chunk in range(chunks):
        append_lines(data, chunk * 100, 100)
        wait_until(lambda: end_offset(worker) == (chunk + 1) * 100, 60, "the lines to be durable")
    if kill:
        worker.kill()
    else:
        assert worker.stop() == 0, worker.tail()
    return folder / "data"


def copy_of(data, folder):
    target = Path(folder) / "data"
    shutil.copytree(data, target)
    return target


def partition_folder(data, topic="t"):
    return next(p for p in (data / "topics").iterdir() if p.name.startswith(f"{topic}-0-"))


def flip(path, byte):
    content = bytearray(path.read_bytes())
    content[byte] ^= 0x10
    path.write_bytes(content)
