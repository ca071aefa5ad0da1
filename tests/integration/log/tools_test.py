# SPDX-License-Identifier: Apache-2.0
"""Every kind of damage of a data directory: `sluice log verify` names its place, `repair` shows what it would do without doing it,
does it on request, loses no more than it says and keeps what it cuts; afterwards verify finds nothing and a worker starts.

usage: tools_test.py SLUICE
"""
import hashlib
import os
import re
import shutil
import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from log_folder import Tools, append_lines, copy_of, end_offset, flip, line, make_directory, partition_folder  # noqa: E402
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

SLUICE = os.environ.get("SLUICE_BINARY") or sys.argv.pop(1)
CHUNKS = 9
LINES = CHUNKS * 100


def segments(data, extension=".log"):
    return sorted(partition_folder(data).glob("*" + extension))


def crc32c(content):
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def content_of(folder):
    """Everything below it: a dry run must leave it as it is."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob("*")) if p.is_file() and p.name != ".lock"}


class DamageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holders = [Folder(), Folder(), Folder()]
        cls.stopped = make_directory(SLUICE, cls.holders[0].__enter__(), CHUNKS, kill=False)
        cls.killed = make_directory(SLUICE, cls.holders[1].__enter__(), CHUNKS, kill=True)
        # All batches stand in segments only, the commit log refers to them.
        cls.through = make_directory(SLUICE, cls.holders[2].__enter__(), CHUNKS, kill=True,
                                     **{"commit.log.write.through.bytes": 1})

    @classmethod
    def tearDownClass(cls):
        for holder in cls.holders:
            holder.__exit__()

    def setUp(self):
        self.tools = Tools(self, SLUICE)
        holder = Folder()
        self.folder = holder.__enter__()
        self.addCleanup(holder.__exit__)

    def findings(self, data, code):
        return [f for f in self.tools.json("log", "verify", data, code=code) if f["damage"]]

    def records(self, worker):
        out = self.tools("topic", "read", "t", worker=worker).stdout.splitlines()
        return {int(row.split("\t")[0].split(":")[1]): row.split("\t")[2] for row in out}

    def repair(self, original, damage, place, lost_max=0):
        """Damages a copy, repairs it and compares with what was there. `place`: file pattern of a finding, and its byte."""
        data = copy_of(original, self.folder)
        byte = damage(data)
        found = self.findings(data, code=1)
        self.assertTrue(any(re.search(place, f["file"]) and (byte is None or f["byte"] == byte) for f in found),
                        f"{place} at {byte} is not in {found}")
        before = content_of(data)
        plan = self.tools.json("log", "repair", data, code=1)
        self.assertFalse(plan["applied"])
        self.assertEqual(content_of(data), before, "a dry run changed something")
        done = self.tools.json("log", "repair", data, "--yes")
        self.assertEqual([s["text"] for s in done["steps"]], [s["text"] for s in plan["steps"]] if "cluster id" not in
                         str(plan) else [s["text"] for s in done["steps"]])
        self.assertEqual(self.findings(data, code=0), [])
        self.assertIn("nothing to repair", self.tools("log", "repair", data).stdout)
        lost = set()
        for step in done["steps"]:
            if "lost" in step and step["lost"]["topic"] == "t":
                lost |= set(range(step["lost"]["first"], step["lost"]["last"] + 1))
        self.assertLessEqual(len(lost), lost_max)
        self.check_worker(original, lost)
        return done, lost

    def check_worker(self, original, lost):
        """A worker starts on the repaired copy, has all that is not lost, and gives no offset out twice."""
        source = original.parent / "in.txt"
        text = source.read_text(encoding="ascii")
        self.addCleanup(source.write_text, text, encoding="ascii")
        worker = Worker(SLUICE, self.folder, {"file.allowed.roots": f"{self.folder},{original.parent}"})
        self.addCleanup(worker.__exit__)
        worker.start()
        wait_until(lambda: end_offset(worker) >= LINES, 60, "the topic")
        records = self.records(worker)
        self.assertEqual({o: v for o, v in records.items() if o < LINES},
                         {o: line(o) for o in range(LINES) if o not in lost})
        append_lines(source, LINES, 1)
        if worker.call("/connectors/lines").status == 200:
            wait_until(lambda: line(LINES) in self.records(worker).values(), 60, "the next line")
            self.assertTrue(all(o >= LINES for o, v in self.records(worker).items() if v == line(LINES)))
        self.assertEqual(worker.stop(), 0)
        self.assertEqual(self.findings(self.folder / "data", code=0), [])

    # --- segments

    def test_a_flipped_byte_in_a_closed_segment_costs_one_batch(self):
        def damage(data):
            flip(segments(data)[1], 300)
            return 0
        done, lost = self.repair(self.stopped, damage, r"/t-0-[^/]+/\d+\.log", lost_max=100)
        self.assertGreater(len(lost), 0)
        kept = Path(done["aside"]) / "topics" / partition_folder(self.stopped).name / segments(self.stopped)[1].name
        self.assertEqual(len(kept.read_bytes()), segments(self.stopped)[1].stat().st_size)

    def test_a_flipped_byte_in_the_active_segment(self):
        def damage(data):
            path = [s for s in segments(data) if s.stat().st_size][-1]
            flip(path, path.stat().st_size - 10)
        _, lost = self.repair(self.stopped, damage, r"/t-0-[^/]+/\d+\.log", lost_max=100)
        last = self.tools.json_lines("log", "dump", self.stopped, "--topic", "t")[-1]
        self.assertEqual(lost, set(range(last["baseOffset"], LINES)))

    def test_a_damaged_batch_header(self):
        def damage(data):
            flip(segments(data)[1], 5)  # in the base offset, which Kafka's CRC does not cover
            return 0
        self.repair(self.stopped, damage, r"\.log", lost_max=100)

    def test_a_cut_segment(self):
        def damage(data):
            path = segments(data)[0]
            os.truncate(path, path.stat().st_size - 7)
        _, lost = self.repair(self.stopped, damage, r"/t-0-[^/]+/\d+\.(log|check)", lost_max=100)
        self.assertGreater(len(lost), 0)

    def test_a_missing_segment(self):
        expected = int(segments(self.stopped)[2].stem) - int(segments(self.stopped)[1].stem)
        def damage(data):
            segments(data)[1].unlink()
        _, lost = self.repair(self.stopped, damage, r"/t-0-", lost_max=expected)
        self.assertEqual(len(lost), expected)

    def test_a_missing_partition(self):
        _, lost = self.repair(self.stopped, lambda data: shutil.rmtree(partition_folder(data)), r"/topics$", lost_max=LINES)
        self.assertEqual(len(lost), LINES)

    # --- sidecars, indexes

    def test_sidecars_are_made_again_from_the_batches(self):
        damages = {"missing": lambda data: segments(data, ".check")[0].unlink(),
                   "flipped": lambda data: flip(segments(data, ".check")[0], 13),
                   "cut": lambda data: os.truncate(segments(data, ".check")[0], 17)}
        for name, damage in damages.items():
            with self.subTest(name):
                self.repair(self.stopped, lambda data, run=damage: run(data) and None, r"\.(check|log)")
                shutil.rmtree(self.folder / "data")

    def test_indexes_and_strangers_are_remarks(self):
        data = copy_of(self.stopped, self.folder)
        flip(segments(data, ".timeindex")[0], 0)
        (data / "notes.txt").write_text("mine")
        (partition_folder(data) / "notes.txt").write_text("mine")
        remarks = self.tools.json("log", "verify", data)
        self.assertEqual([f for f in remarks if f["damage"]], [])
        for name in (r"\.timeindex", r"data/notes\.txt", r"t-0-[^/]+/notes\.txt"):
            self.assertTrue(any(re.search(name, f["file"]) for f in remarks), (name, remarks))

    def test_a_damaged_end_of_a_compaction(self):
        def damage(data):
            (partition_folder(data) / (segments(data)[0].stem + ".swap")).write_bytes(b"SLSW" + bytes(30))
            return 0
        self.repair(self.stopped, damage, r"\.swap$")

    def test_a_pending_compaction_and_a_damaged_segment_are_one_plan(self):
        def damage(data):
            first, second = segments(data)[:2]
            for path in list(partition_folder(data).glob(first.stem + ".*")):
                shutil.copy(path, f"{path}.cleaned")
            content = struct.pack("<4sIqq", b"SLSW", 0, int(first.stem), int(first.stem))
            first.with_suffix(".swap").write_bytes(content + struct.pack("<I", crc32c(content)))
            flip(second, 300)
            return 0
        done, lost = self.repair(self.stopped, damage, r"/t-0-[^/]+/\d+\.log", lost_max=100)
        self.assertGreater(len(lost), 0)
        self.assertRegex(done["steps"][0]["file"], r"\.swap$")

    # --- checkpoint, commit log

    def test_the_checkpoint(self):
        for original in (self.stopped, self.killed, self.through):
            for name, damage in {"flipped": lambda data: flip(data / "checkpoint", 40),
                                 "missing": lambda data: (data / "checkpoint").unlink()}.items():
                with self.subTest(name, original=original):
                    self.repair(original, lambda data, run=damage: run(data) and None, r"/checkpoint$")
                    shutil.rmtree(self.folder / "data")

    def frames(self, data):
        return [f for f in self.tools.json_lines("log", "dump", data, "--commit") if "sequence" in f]

    def test_the_commit_log(self):
        for original in (self.killed, self.through):
            frames = self.frames(original)
            self.assertGreater(len(frames), CHUNKS)
            middle = frames[len(frames) // 2]
            relative = Path(middle["file"]).relative_to(original)
            damages = {"a frame": lambda data: flip(data / relative, middle["position"] + 100) or middle["position"],
                       "the header": lambda data: flip(data / relative, 20) or 0}
            for name, damage in damages.items():
                with self.subTest(name, original=original):
                    # The segments hold what the frame held: after a kill nothing is lost.
                    self.repair(original, damage, r"/commit/\d+\.commit$")
                    shutil.rmtree(self.folder / "data")

    def test_what_the_commit_log_refers_to(self):
        data = copy_of(self.through, self.folder)
        self.assertEqual(self.findings(data, code=0), [])
        pieces = [p for p in self.tools.json_lines("log", "dump", data, "--commit") if p.get("topic") == "t"]
        self.assertEqual((pieces[0]["segment"], pieces[0]["position"], pieces[0]["offset"]), (0, 0, 0))
        self.assertEqual(sum(p["size"] for p in pieces), sum(s.stat().st_size for s in segments(data)))
        shutil.rmtree(data)
        def damage(copy):
            flip(segments(copy)[1], 300)
            return 0
        _, lost = self.repair(self.through, damage, r"/t-0-[^/]+/\d+\.log", lost_max=100)
        self.assertGreater(len(lost), 0)

    # --- metadata

    def test_meta_properties(self):
        for name, damage in {"missing": lambda data: (data / "meta.properties").unlink(),
                             "cut": lambda data: os.truncate(data / "meta.properties", 20)}.items():
            with self.subTest(name):
                self.repair(self.stopped, lambda data, run=damage: run(data) and None, r"/meta\.properties$")
                shutil.rmtree(self.folder / "data")

    def test_the_metadata(self):
        damages = {"a change": lambda data: flip(data / "metadata" / "log", 40) or 18,
                   "the snapshot": lambda data: flip(data / "metadata" / "snapshot", 30) or 18,
                   "no log": lambda data: (data / "metadata" / "log").unlink() or 0}
        for name, damage in damages.items():
            with self.subTest(name):
                self.repair(self.stopped, damage, r"/metadata/(log|snapshot)$")
                shutil.rmtree(self.folder / "data")

    # --- the rest

    def test_dump(self):
        data = copy_of(self.stopped, self.folder)
        batches = self.tools.json_lines("log", "dump", data, "--topic", "t")
        self.assertEqual((batches[0]["baseOffset"], batches[-1]["lastOffset"]), (0, LINES - 1))
        self.assertTrue(all(b["isvalid"] and b["compresscodec"] == "none" for b in batches))
        self.assertEqual(sum(b["count"] for b in batches), LINES)
        records = [r for r in self.tools.json_lines("log", "dump", data, "--topic", "t", "--records", "--from", "850")
                   if "offset" in r]
        self.assertEqual([(r["offset"], r["value"]) for r in records], [(o, line(o)) for o in range(850, LINES)])
        text = self.tools("log", "dump", data, "--topic", "t", "--partition", "0").stdout
        self.assertRegex(text, r"(?m)^topic: t partition: 0 baseOffset: 0 lastOffset: \d+ count: \d+ .*position: 0 .*isvalid: true$")
        topics = {t["topic"]: t for t in self.tools.json_lines("log", "dump", data, "--metadata")}
        self.assertEqual(topics["t"]["configs"]["segment.bytes"], "32768")
        known = {(c["topic"], c["partition"]): c for c in self.tools.json_lines("log", "dump", data, "--checkpoint")[1:]}
        self.assertEqual(known[("t", 0)]["nextOffset"], LINES)
        self.tools("log", "dump", data, "--topic", "nothing", code=4)
        flip(segments(data)[1], 300)
        damaged = self.tools.json_lines("log", "dump", data, "--topic", "t", code=1)
        self.assertEqual([(Path(b["file"]).name, b["position"]) for b in damaged if not b["isvalid"]],
                         [(segments(data)[1].name, 0)])

    def test_what_is_no_directory_or_in_use(self):
        for command in ("verify", "repair", "dump"):
            self.tools("log", command, self.folder, code=2)
        with Worker(SLUICE, self.folder) as worker:
            for command in ("verify", "repair", "dump"):
                self.assertIn("stop it first", self.tools("log", command, self.folder / "data", code=1).stderr)
            self.assertEqual(worker.call("/health").status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=1)
