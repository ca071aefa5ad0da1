# SPDX-License-Identifier: Apache-2.0
"""Usage: compare_layout.py PROGRAM layout.txt. Exit 1 with a diff if the ABI's layout is not the one checked in."""
import difflib
import subprocess
import sys

program, snapshot = sys.argv[1:]
now = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
then = open(snapshot, encoding="utf-8").read().splitlines()
diff = list(difflib.unified_diff(then, now, "checked in", "now", lineterm="", n=1))
if not diff:
    sys.exit(0)
print("\n".join(diff))
print("\nThe layout of plugin.h has changed. While SLUICE_ABI_MAJOR is 0 that is allowed: if it is meant, bump\n"
      "SLUICE_ABI_MINOR once it has left this repository, and write the new layout down:\n"
      f"  {program} > tests/abi/layout.txt\n"
      "From 1.0 on structs only grow at their ends, and nothing else here may differ.")
sys.exit(1)
