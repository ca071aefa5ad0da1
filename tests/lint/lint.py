# SPDX-License-Identifier: Apache-2.0
"""Runs the rules over every C and C++ file that git knows. Usage: lint.py ROOT. Exit 1 with the findings."""
import subprocess
import sys
from pathlib import Path

from rules import RULES

root = Path(sys.argv[1])
listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=root, check=True,
                        capture_output=True, text=True).stdout.split("\n")
files = [name for name in listed if name.endswith((".cpp", ".hpp", ".c", ".h")) and (root / name).exists()]
if not files:
    sys.exit("lint: found no source files, so checked nothing")
findings = 0
for name in files:
    text = (root / name).read_text(encoding="utf-8")
    frozen = name.startswith("tests/abi/v")  # copies of released headers, never touched again
    for rule in RULES:
        if frozen:
            continue
        for line, message in rule(name, text):
            print(f"{name}:{line}: {message} [{rule.__name__}]")
            findings += 1
print(f"lint: {len(files)} files, {findings} findings")
sys.exit(1 if findings else 0)
