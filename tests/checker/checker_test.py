# SPDX-License-Identifier: Apache-2.0
"""The checker finds each kind of violation that is put into a clean run, and nothing in clean ones."""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.checker.directory import Directory  # noqa: E402
from tests.checker.findings import KINDS  # noqa: E402
from tests.checker.history import History  # noqa: E402
from tests.checker.invariants import check  # noqa: E402
from tests.checker.world import World, batch, group_key, group_value, slot  # noqa: E402

CHECK = Path(__file__).resolve().parent / "check.py"
OFFSETS = ("connect-offsets", 0)
GROUPS = ("__consumer_offsets", 0)
tried = set()


class CheckerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-checker-")
        self.world = World(Path(self.folder.name))

    def tearDown(self):
        self.folder.cleanup()

    def findings(self):
        history = self.world.write()
        return check(History(history), Directory(self.world.data))

    def expect(self, kind, part):
        """One of the findings is of `kind` and says `part`."""
        tried.add(kind)
        found = self.findings()
        self.assertTrue([f for f in found if f.kind == kind and part in f.text], found)

    def clean(self):
        self.assertEqual(self.findings(), [])

    def event(self, kind, **changes):
        next(e for e in self.world.events if e["event"] == kind).update(changes)

    def add(self, kind, **fields):
        self.world.events.append({"event": kind, **fields})

    # --- clean runs

    def test_clean(self):
        self.clean()

    def test_clean_with_a_producer_that_is_no_file(self):
        self.world.topics["more"] = (1, {})
        self.world.batches[("more", 0)] = [[(0, [(None, b"a"), (None, b"b")])]]
        self.add("sent", producer="p", topic="more", values=["a", "b", "c"])
        self.add("acknowledged", producer="p", count=2)
        self.clean()

    def test_clean_with_records_that_retention_took(self):
        self.world.topics["lines"] = (1, {"retention.bytes": "100"})
        del self.world.batches[("lines", 1)]
        self.world.batches[GROUPS][0] = [part for part in self.world.batches[GROUPS][0] if part[0] % 2 == 0]
        self.world.batches[("lines", 0)] = [[(4, [(None, line.encode()) for line in self.world.lines[4:]])]]
        self.world.events = [e for e in self.world.events if not e["event"].startswith(("sink", "seen"))]
        self.clean()

    def test_clean_with_torn_lines_after_power_cuts(self):
        self.world.alo = (self.world.lines[:5] + ["line-7", "li\0\0ne-8"] + self.world.lines[4:])
        for event in self.world.events:
            if event.get("sink") == "alo" and event["event"] == "sink":
                event["torn"] = True
        self.clean()

    def test_an_unknown_outcome_may_be_either(self):
        self.add("topic", topic="perhaps", state="unknown")
        self.add("connector", connector="perhaps", state="unknown")
        self.clean()

    # --- the log

    def test_lost(self):
        self.world.batches[("lines", 0)].pop()
        self.expect("lost", "value 6 of in was acknowledged")

    def test_not_acknowledged_is_not_lost(self):
        self.world.events = self.world.events[:1]
        self.world.batches = {("lines", 0): [[(0, self.world.values(0, 2, 1))]]}
        self.clean()

    def test_duplicated_in_a_topic(self):
        self.world.batches[("lines", 0)].append([(6, self.world.values(0, 1, 1))])
        self.expect("duplicated", "'line-0'")

    def test_reordered_in_a_topic(self):
        self.world.batches[("lines", 1)] = [[(0, self.world.values(7, 12, 2)), (3, self.world.values(1, 6, 2))]]
        self.expect("reordered", "value 7 of in")

    def test_not_sent(self):
        self.world.batches[("lines", 0)].append([(6, [(None, b"invented")])])
        self.expect("not-sent", "'invented'")

    def test_gap(self):
        self.world.batches[("lines", 0)][1] = [(4, self.world.values(6, 12, 2))]
        self.expect("gap", "offsets 4 to 6 where 3 comes next")

    def test_gap_at_the_front(self):
        self.world.batches[("lines", 0)].pop(0)
        self.expect("gap", "where 0 comes next")

    def test_overlap(self):
        self.world.batches[("lines", 0)][1] = [(2, self.world.values(6, 12, 2))]
        self.expect("overlap", "offsets 2 to 4 where 3 comes next")

    def test_two_values_at_one_offset_now(self):
        self.event("seen", value="line-4")
        self.expect("two-values", "read 'line-4', now 'line-2'")

    def test_two_values_at_one_offset_then(self):
        self.add("seen", topic="lines", partition=0, offset=99, value="a")
        self.add("seen", topic="lines", partition=0, offset=99, value="b")
        self.expect("two-values", "read 'a', later 'b'")

    def test_seen_and_lost(self):
        self.add("seen", topic="lines", partition=1, offset=6, value="line-13")
        self.expect("lost", "'line-13' was read and is gone")

    def test_damaged_segment(self):
        content = bytearray(batch(3, self.world.values(6, 12, 2)))
        content[-1] ^= 1
        self.world.batches[("lines", 0)][1] = [(3, self.world.values(6, 7, 1)), bytes(content)]
        self.expect("unparsable", "no whole batch")

    def test_cut_segment(self):
        self.world.batches[("lines", 1)][0].append(batch(6, self.world.values(0, 1, 1))[:-3])
        self.expect("unparsable", "no whole batch")

    # --- sinks

    def test_lost_in_a_sink(self):
        self.world.alo = [line for line in self.world.alo if line != "line-4"]
        self.expect("lost", "the worker showed 5 of lines-0, but offset 2")

    def test_skipped_in_a_sink(self):
        self.world.exact.remove("line-3")
        self.expect("lost", "offset 2 where 1 comes next")

    def test_duplicated_in_an_exactly_once_sink(self):
        self.world.exact.append("line-0")
        self.expect("duplicated", "line 13: lines-0, offset 0 again")

    def test_reordered_in_a_sink(self):
        self.world.exact[0], self.world.exact[2] = self.world.exact[2], self.world.exact[0]
        self.expect("reordered", "offset 0 behind 1")

    def test_torn_line_in_a_sink(self):
        self.world.exact[3] = "line-3line-4"
        self.expect("not-sent", "line 4")

    def test_reordered_between_power_cuts(self):
        self.world.alo = self.world.lines[2:6] + self.world.lines[:2] + self.world.lines[6:]
        for event in self.world.events:
            if event.get("sink") == "alo" and event["event"] == "sink":
                event["torn"] = True
        self.expect("reordered", "never comes behind")

    # --- offsets

    def test_source_offset_ahead_of_the_data(self):
        self.world.batches[("lines", 0)].pop()
        self.event("acknowledged", position=7)
        self.expect("ahead", "connect-offsets stands at")

    def test_source_offset_beyond_the_file(self):
        key = json.dumps(["src", {"filename": str(self.world.folder / "in.txt")}]).encode()
        self.world.batches[OFFSETS][0].append((9, [(key, b'{"position":10000}')]))
        self.expect("ahead", "the file ends at")

    def test_source_offset_went_back(self):
        self.world.batches[OFFSETS][0].reverse()
        self.expect("not-monotone", "back to {'position': 42}")

    def test_acknowledged_source_offset_is_gone(self):
        self.world.batches[OFFSETS][0].pop()
        self.expect("not-monotone", "was acknowledged, connect-offsets says 42")

    def test_group_offset_beyond_the_log(self):
        self.world.batches[GROUPS][0].append((9, [(group_key("connect-alo", "lines", 0), group_value(7))]))
        self.expect("ahead", "which ends at 6")

    def test_group_offset_ahead_of_the_sink(self):
        self.event("sink_offset", offset=0)
        self.world.alo.remove("line-11")
        self.expect("ahead", "__consumer_offsets says 6 of lines-1, but offset 5")

    def test_group_offset_went_back(self):
        self.world.batches[GROUPS][0].append((9, [(group_key("connect-alo", "lines", 0), group_value(2))]))
        self.expect("not-monotone", "back to 2")

    def test_shown_group_offset_is_gone(self):
        self.world.batches[GROUPS][0].pop(0)
        self.expect("not-monotone", "was shown as committed")

    def test_offsets_file_ahead_of_its_file(self):
        self.world.slots[0] = slot(5, 1000, [("lines", 0, 6), ("lines", 1, 6)])
        self.expect("ahead", "counts 1000 bytes")

    def test_offsets_file_behind_its_file(self):
        self.world.slots[1] = slot(4, len("\n".join(self.world.lines)) + 1, [("lines", 0, 6), ("lines", 1, 5)])
        self.expect("duplicated", "it would come again")

    def test_offsets_file_is_damaged(self):
        self.world.slots = [bytes(4096), slot(4, 1, [])[:-4090].ljust(4096, b"x")]
        self.expect("unparsable", "no slot")

    # --- the worker's own topics, metadata

    def test_unparsable_config(self):
        self.world.batches[("connect-configs", 0)][0].append((1, [(b"connector-src", b'{"proper')]))
        self.expect("unparsable", "connect-configs-0, offset 1")

    def test_unparsable_group_offset(self):
        self.world.batches[GROUPS][0].append((9, [(group_key("connect-alo", "lines", 0), b"\0\3\0")]))
        self.expect("unparsable", "__consumer_offsets-0, offset 9")

    def test_connector_is_missing(self):
        self.world.batches[("connect-configs", 0)][0].append((1, [(b"connector-src", None)]))
        self.expect("missing", "connector src")

    def test_connector_is_resurrected(self):
        self.world.batches[("connect-configs", 0)][0].append((1, [(b"connector-old", b"{}")]))
        self.expect("resurrected", "connector old")

    def test_topic_is_missing(self):
        self.add("topic", topic="new", state="created")
        self.expect("missing", "topic new")

    def test_topic_is_resurrected(self):
        self.world.topics["old"] = (1, {})
        self.expect("resurrected", "topic old")

    def test_folder_of_no_topic(self):
        self.world.batches[("stray", 0)] = [[(0, [(None, b"x")])]]
        self.expect("resurrected", "belongs to no topic")

    def test_damaged_metadata(self):
        self.world.write()
        path = self.world.data / "metadata" / "log"
        content = bytearray(path.read_bytes())
        content[60] ^= 1
        path.write_bytes(content)
        tried.add("unparsable")
        found = Directory(self.world.data).findings
        self.assertIn("the frame is damaged", found[0].text)

    # --- the program

    def test_program(self):
        history = self.world.write()
        good = subprocess.run([sys.executable, CHECK, history, self.world.data], capture_output=True, text=True, check=False)
        self.assertEqual((good.returncode, good.stderr), (0, ""))
        self.assertIn("12 values sent (12 acknowledged)", good.stdout)
        (self.world.folder / "exact.txt").write_text("")
        bad = subprocess.run([sys.executable, CHECK, history, self.world.data], capture_output=True, text=True, check=False)
        self.assertEqual(bad.returncode, 1)
        self.assertIn("findings:", bad.stderr)

    def test_a_directory_that_was_not_stopped_is_refused(self):
        history = self.world.write()
        (self.world.data / "checkpoint").write_bytes(b"SLCP" + (1).to_bytes(4, "little") + bytes(4))
        bad = subprocess.run([sys.executable, CHECK, history, self.world.data], capture_output=True, text=True, check=False)
        self.assertIn("SIGTERM", bad.stderr)


class EveryKindIsTried(unittest.TestCase):
    """Runs last: a kind of finding that no test seeds is one that may never be found."""

    def test_all_kinds(self):
        self.assertEqual(set(KINDS), tried)


if __name__ == "__main__":
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(case)
                               for case in (CheckerTest, EveryKindIsTried))
    sys.exit(0 if unittest.TextTestRunner().run(suite).wasSuccessful() else 1)
