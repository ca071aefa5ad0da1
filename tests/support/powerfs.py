# SPDX-License-Identifier: Apache-2.0
"""Mounts tests/support/powerfs, the file system that cuts the power."""
import os
import socket
import subprocess
from pathlib import Path

from tests.support.processes import wait_until


class CannotMount(Exception):
    """No FUSE on this machine (no /dev/fuse, or not allowed)."""


class PowerFs:
    def __init__(self, program, folder):
        folder = Path(folder)
        self.mount = folder / "power"
        self.socket = str(folder / "power.sock")
        self.mount.mkdir()
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            raise CannotMount("/dev/fuse cannot be opened, so no power-cut file system can be mounted")
        self.process = subprocess.Popen([str(program), str(self.mount), self.socket], stdin=subprocess.DEVNULL)
        wait_until(lambda: os.path.ismount(self.mount) or self.process.poll() is not None, 10, "the mount")
        if self.process.poll() is not None:
            raise CannotMount(f"powerfs ended with {self.process.returncode}")

    def command(self, line):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(self.socket)
            control.sendall(line.encode())
            answer = control.recv(4096).decode().strip()
        if answer.startswith("error"):
            raise ValueError(answer)
        return answer

    def stats(self):
        return {key: int(value) for key, value in (pair.split("=") for pair in self.command("stats").split())}

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        subprocess.run(["fusermount3", "-u", "-z", str(self.mount)], check=False)
        self.process.terminate()
        self.process.wait()
