#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks a run: the history of what was sent and acknowledged against what the disk holds now. Shares no code with Sluice.

usage: check.py HISTORY DATA_DIR      history.py describes the first; the second belongs to a worker that ended with SIGTERM
Exit code 0: nothing is wrong; 1: one line for each finding. Needs Debian's python3-kafka.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.checker.directory import Directory  # noqa: E402
from tests.checker.history import History  # noqa: E402
from tests.checker.invariants import check, summary  # noqa: E402


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    history, directory = History(sys.argv[1]), Directory(sys.argv[2])
    found = check(history, directory)
    for finding in found:
        print(f"{finding.kind}: {finding.text}")
    if found:
        sys.exit(f"{len(found)} findings: {summary(found)}")
    records = sum(len(batch.records) for log in directory.logs.values() for batch in log)
    sent = sum(len(source.values) for source in history.sources.values())
    acknowledged = sum(source.acknowledged for source in history.sources.values())
    print(f"checked {sent} values sent ({acknowledged} acknowledged), {len(history.sinks)} sinks, {len(history.seen)} reads, "
          f"{records} records in {len(directory.logs)} partitions: nothing is wrong")


main()
