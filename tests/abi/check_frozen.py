# SPDX-License-Identifier: Apache-2.0
"""Usage: check_frozen.py tests/abi. Every file below vN is in frozen.sha256, and has the hash that stands there."""
import hashlib
import sys
from pathlib import Path

root = Path(sys.argv[1])
listed = dict(reversed(line.split()) for line in (root / "frozen.sha256").read_text(encoding="utf-8").splitlines())
present = {str(path.relative_to(root)) for folder in root.glob("v[0-9]*") for path in folder.rglob("*")
           if path.is_file()}
faults = [f"{name} is frozen and gone" for name in listed.keys() - present]
faults += [f"{name} is not in frozen.sha256: freeze.sh adds what it makes" for name in present - listed.keys()]
for name in present & listed.keys():
    if hashlib.sha256((root / name).read_bytes()).hexdigest() != listed[name]:
        faults.append(f"{name} is frozen and was changed; a new version is made by freeze.sh")
if not present:
    faults.append("nothing is frozen, so nothing was checked")
print("\n".join(faults) or f"{len(present)} frozen files as they were")
sys.exit(1 if faults else 0)
