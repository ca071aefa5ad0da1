# SPDX-License-Identifier: Apache-2.0
"""powerfs loses at a cut what POSIX does not promise to keep, keeps what was synced, and fails the calls that it is told to.

usage: powerfs_test.py POWERFS
"""
import errno
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.support.powerfs import CannotMount, PowerFs  # noqa: E402
from tests.support.processes import Folder  # noqa: E402
from tests.support.skips import skip_case  # noqa: E402

PROGRAM = sys.argv.pop(1)


class PowerFsTest(unittest.TestCase):
    def setUp(self):
        self.holder = Folder()
        self.addCleanup(self.holder.__exit__)
        try:
            self.power = PowerFs(PROGRAM, self.holder.__enter__())
        except CannotMount as error:
            skip_case(error)
        self.addCleanup(self.power.__exit__)
        self.root = self.power.mount

    def sync(self, path, flags=os.O_RDONLY):
        descriptor = os.open(path, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def put(self, name, content, sync=True):
        path = self.root / name
        with open(path, "wb", buffering=0) as file:
            file.write(content)
            if sync:
                os.fsync(file.fileno())
        return path

    def outcomes(self, look):
        """What `look` sees after the same cut under many seeds: each seed restores from the same state."""
        seen = set()
        for seed in range(12):
            self.prepare()
            self.power.command("cut")
            with self.assertRaises(OSError) as raised:
                os.listdir(self.root)
            self.assertEqual(raised.exception.errno, errno.EIO)
            self.power.command(f"restore {seed}")
            seen.add(look())
            for name in os.listdir(self.root):
                os.unlink(self.root / name)
            self.sync(self.root)
        return seen

    def test_bytes_that_were_not_synced_may_go(self):
        def prepare():
            path = self.put("file", b"kept")
            self.sync(self.root)
            with open(path, "ab", buffering=0) as file:
                file.write(b"-lost")
        self.prepare = prepare
        self.assertEqual(self.outcomes(lambda: (self.root / "file").read_bytes()), {b"kept", b"kept-lost"})

    def test_large_writes_are_torn(self):
        def prepare():
            path = self.put("file", bytes(16384))
            self.sync(self.root)
            with open(path, "r+b", buffering=0) as file:
                file.write(b"x" * 16384)
        self.prepare = prepare
        seen = self.outcomes(lambda: (self.root / "file").read_bytes())
        self.assertTrue(any(0 < content.count(b"x") < 16384 for content in seen))

    def test_names_that_were_not_synced_may_go(self):
        self.prepare = lambda: self.put("new", b"content")
        self.assertEqual(self.outcomes(lambda: tuple(os.listdir(self.root))), {(), ("new",)})

    def test_renames_and_removals_that_were_not_synced_may_come_undone(self):
        def prepare():
            self.put("old", b"old")
            self.put("gone", b"gone")
            self.sync(self.root)
            os.rename(self.root / "old", self.root / "renamed")
            os.unlink(self.root / "gone")
        self.prepare = prepare
        seen = self.outcomes(lambda: tuple(sorted(os.listdir(self.root))))
        self.assertIn(("gone", "old"), seen)
        self.assertIn(("renamed",), seen)

    def test_what_was_synced_stays(self):
        def prepare():
            os.rename(self.put("a", b"all"), self.root / "b")
            self.sync(self.root)
        self.prepare = prepare
        self.assertEqual(self.outcomes(lambda: (os.listdir(self.root)[0], (self.root / "b").read_bytes())), {("b", b"all")})

    def test_every_kind_of_call_fails_when_told(self):
        path = self.put("file", b"content")
        other = self.root / "other"
        calls = {"write": lambda: self.put("file", b"x", sync=False), "fsync": lambda: self.sync(path),
                 "open": lambda: open(path, "rb").close(), "create": lambda: open(other, "xb").close(),
                 "rename": lambda: os.rename(path, other), "truncate": lambda: os.truncate(path, 1),
                 "unlink": lambda: os.unlink(path), "read": lambda: path.read_bytes(), "stat": lambda: os.stat(path),
                 "list": lambda: os.listdir(self.root)}
        for code in (errno.EIO, errno.ENOSPC):
            for operation, call in calls.items():
                # The kernel asks twice what a name is before it believes that it cannot be known.
                self.power.command(f"fault {operation} 1 {code}{' sticky' if operation == 'stat' else ''}")
                with self.assertRaises(OSError, msg=operation) as raised:
                    call()
                self.assertEqual(raised.exception.errno, code, operation)
                self.power.command("clear")
        descriptor = os.open(path, os.O_RDWR)
        self.addCleanup(os.close, descriptor)
        self.power.command(f"fault fallocate 1 {errno.ENOSPC}")
        with self.assertRaises(OSError):
            os.posix_fallocate(descriptor, 0, 100)
        self.power.command("fault write 1 0 short")
        self.assertEqual(os.pwrite(descriptor, b"12345678", 0), 4)
        self.power.command("fault write 2 28 sticky")
        self.assertEqual(os.pwrite(descriptor, b"12", 0), 2)
        for _ in range(2):
            with self.assertRaises(OSError):
                os.pwrite(descriptor, b"12", 0)
        self.power.command("clear")
        self.power.command("fault read 1 0 short")
        self.assertEqual(len(os.pread(descriptor, 4, 0)), 2)

    def test_a_failed_fsync_loses_what_it_was_for(self):
        path = self.put("file", b"kept")
        self.sync(self.root)
        with open(path, "ab", buffering=0) as file:
            file.write(b"-lost")
            self.power.command(f"fault fsync 1 {errno.EIO}")
            with self.assertRaises(OSError):
                os.fsync(file.fileno())
            os.fsync(file.fileno())  # as on a real kernel, the second one says that all is well
        self.assertEqual(path.read_bytes(), b"kept-lost")
        self.power.command("cut")
        self.power.command("restore 1")
        self.assertEqual(path.read_bytes(), b"kept")

    def test_full(self):
        self.power.command("capacity 10")
        with self.assertRaises(OSError) as raised:
            self.put("file", b"12345678901")
        self.assertEqual(raised.exception.errno, errno.ENOSPC)


if __name__ == "__main__":
    unittest.main()
