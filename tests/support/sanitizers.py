# SPDX-License-Identifier: Apache-2.0
"""In a sanitized build, a report by any program that a test starts fails that test: whoever started it (the test, a
shell, the worker itself), wherever its output goes, and however it ended (a worker killed with -9 has no exit code)."""
import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path


class Reports:
    """The folder into which the sanitizers of all programs started from here write what they find."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-reports-"))
        path = f"log_path={self.folder}/report"
        # UBSan beside ASan writes to standard error only; but it can abort, and ASan reports that with the place.
        for name, ours in (("ASAN_OPTIONS", f"{path}:handle_abort=1"), ("LSAN_OPTIONS", path), ("TSAN_OPTIONS", path),
                           ("UBSAN_OPTIONS", f"{path}:abort_on_error=1")):
            set_before = os.environ.get(name)
            os.environ[name] = f"{set_before}:{ours}" if set_before else ours

    def at_exit(self):
        found = sorted(self.folder.iterdir())
        for report in found:
            print(f"--- a sanitizer's report, process {report.suffix[1:]}\n{report.read_text(errors='replace')}",
                  file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)
        if found:
            print(f"FAILED: {len(found)} processes were reported by a sanitizer, see above", file=sys.stderr)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)  # whatever exit code the test itself had in mind


def watch():
    """Once per test program; programs that are not sanitized take no notice."""
    atexit.register(Reports().at_exit)


def environment(more):
    """The environment with `more` in it; options for a sanitizer are added to those that collect its reports."""
    result = dict(os.environ)
    for name, value in more.items():
        result[name] = f"{result[name]}:{value}" if name.endswith("SAN_OPTIONS") and name in result else value
    return result
