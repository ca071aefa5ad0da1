# SPDX-License-Identifier: Apache-2.0
"""An ext4 on a block device that fails when told: nbdkit's error filter, nbdfuse, a loop mount. Needs root."""
import os
import shutil
import subprocess
from pathlib import Path

from tests.support.powerfs import CannotMount
from tests.support.processes import wait_until


def missing_tools():
    return [tool for tool in ("nbdkit", "nbdfuse", "mkfs.ext4", "losetup") if shutil.which(tool) is None]


class FailingDisk:
    """`mount` is an ext4 without a journal: its fsync fails as the device does, and the kernel takes the pages for clean."""

    def __init__(self, folder):
        folder = Path(folder)
        self.mount, self.device = folder / "ext4", folder / "device"
        self.switch, self.log = folder / "broken", folder / "device.log"
        if missing := missing_tools():
            raise CannotMount(f"not installed: {', '.join(missing)}")
        if os.geteuid() != 0 or not os.path.exists("/dev/loop-control") or not os.path.exists("/dev/fuse"):
            raise CannotMount("loop devices and FUSE need root, /dev/loop-control and /dev/fuse")
        self.mount.mkdir()
        self.device.mkdir()
        self.processes, self.mounted = [], False
        socket, log = folder / "nbd.sock", open(self.log, "ab")
        try:
            self.processes.append(subprocess.Popen(
                ["nbdkit", "-f", "-U", str(socket), "--filter=error", "memory", "256M", "error=EIO",
                 "error-pwrite-rate=100%", f"error-file={self.switch}"], stdout=log, stderr=log))
            wait_until(socket.exists, 10, "nbdkit")
            self.processes.append(subprocess.Popen(["nbdfuse", f"{self.device}/", "--unix", str(socket)],
                                                   stdout=log, stderr=log))
            wait_until((self.device / "nbd").exists, 10, "nbdfuse")
            subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", str(self.device / "nbd")], check=True, capture_output=True)
            self._mount()
        except (OSError, TimeoutError, subprocess.CalledProcessError) as error:
            self.__exit__()
            raise CannotMount(f"no ext4 on a block device of our own: {error} {getattr(error, 'stderr', b'')!r}") from None

    def _mount(self):
        subprocess.run(["mount", "-o", "loop,errors=continue", str(self.device / "nbd"), str(self.mount)],
                       check=True, capture_output=True)
        self.mounted = True

    def break_(self):
        """From now on every write to the device fails."""
        self.switch.touch()

    def heal(self):
        self.switch.unlink()

    def forget(self):
        """What only the page cache held is gone."""
        subprocess.run(["umount", str(self.mount)], check=True)
        self.mounted = False
        self._mount()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.mount)], check=False)
        subprocess.run(["fusermount3", "-u", "-z", str(self.device)], check=False, capture_output=True)
        for process in reversed(self.processes):
            process.terminate()
            process.wait()
