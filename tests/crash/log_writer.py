# SPDX-License-Identifier: Apache-2.0
"""A process that appends numbered lines to log files and rotates them, as logrotate and its kind do, whatever becomes of
those who read them."""
import gzip
import json
import multiprocessing
import os
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

RENAME, COPY = "rename", "copytruncate"
HEADER = "name number text\n"


@dataclass(frozen=True)
class How:
    """How a file is rotated and written."""
    rotate: str
    encoding: str = "utf-8"
    header: bool = False  # each file begins with HEADER


def line(name, number):
    return f"{name} {number:07d} {'abcdefgh' * (number % 13)}\n".encode()


class RotatedFile:
    """One log file and what rotation has made of it: .1, .2 ...; from .2 on compressed in place, as gzip does that."""

    def __init__(self, path, name, how, dice):
        self.path, self.name, self.how, self.dice = Path(path), name, how, dice
        self.number = 0    # of the next line
        self.rotated = 0   # the highest number of a rotated file
        self.out = open(self.path, "ab", buffering=0)

    def append(self, most=60):
        count = self.dice.randint(1, most)
        text = "".join(line(self.name, self.number + n).decode() for n in range(count))
        if self.how.header and os.fstat(self.out.fileno()).st_size == 0:
            text = HEADER + text
        self.number += count
        data = text.encode(self.how.encoding)
        cut = self.dice.randrange(len(data)) if self.dice.random() < 0.3 else 0
        for part in (data[:cut], data[cut:]):  # now and then half a line stands there for a moment
            if part:
                self.out.write(part)
                self.rest(0.2)

    def rest(self, share):
        """Lets others see the files as they are now; most of the time nothing is seen of what lies between two steps."""
        if self.dice.random() < share:
            time.sleep(self.dice.uniform(0.001, 0.03))

    def at(self, number):
        """Where the file of this number is: itself or compressed."""
        plain = Path(f"{self.path}.{number}")
        return plain if plain.exists() else Path(f"{plain}.gz")

    def rotate(self):
        for number in range(self.rotated, 0, -1):
            old = self.at(number)
            old.rename(f"{self.path}.{number + 1}{'.gz' if old.suffix == '.gz' else ''}")
            self.rest(0.05)
        self.rotated += 1
        first = Path(f"{self.path}.1")
        if self.how.rotate == RENAME:
            self.path.rename(first)
            self.rest(0.3)
            if self.dice.random() < 0.5:  # who writes has not opened the new file yet
                self.append(20)
            self.out.close()
            self.out = open(self.path, "ab", buffering=0)
        else:
            self.copy(first)
            self.rest(0.3)
            os.truncate(self.path, 0)
        self.rest(0.3)
        if self.dice.random() < 0.3:  # one that was rotated twice at once has no line in between
            return
        for number in range(2, self.rotated + 1):
            if self.at(number).suffix != ".gz":
                self.compress(self.at(number))

    def copy(self, to):
        with open(self.path, "rb") as source, open(to, "wb", buffering=0) as copy:
            while data := source.read(4096):
                copy.write(data)
                self.rest(0.2)

    def compress(self, path):
        """As gzip(1): the compressed file grows under its own name, gets the time of the other one, which then goes."""
        packed = gzip.compress(path.read_bytes(), mtime=0)
        with open(f"{path}.gz", "wb", buffering=0) as out:
            for begin in range(0, len(packed), 512):
                out.write(packed[begin:begin + 512])
                self.rest(0.2)
        shutil.copystat(path, f"{path}.gz")
        self.rest(0.3)
        path.unlink()
        self.rest(0.2)


class LogWriter:
    """Writes `files` ("folder/file" -> How) below `folder` in a process of its own until finish(), which says of each how many
    lines it has, and how often it was rotated. (Nothing is written between a copy and the cut: that is lost by copytruncate itself.)"""

    def __init__(self, folder, files, seed):
        self.counts_path = Path(folder) / "written.json"
        self.stop = multiprocessing.Event()
        self.process = multiprocessing.Process(target=self.work, args=(Path(folder), files, seed), daemon=True)
        self.process.start()

    def work(self, folder, files, seed):
        dice = random.Random(seed)
        logs = [RotatedFile(folder / name, name, how, random.Random(dice.random())) for name, how in files.items()]
        while not self.stop.is_set():
            log = dice.choice(logs)
            log.append()
            if dice.random() < 0.06:
                log.rotate()
            time.sleep(dice.uniform(0, 0.008))
        self.counts_path.write_text(json.dumps({log.name: [log.number, log.rotated] for log in logs}))

    def finish(self):
        self.stop.set()
        self.process.join(60)
        if self.process.exitcode != 0:
            raise RuntimeError(f"the process that writes the logs ended with {self.process.exitcode}")
        return json.loads(self.counts_path.read_text())
