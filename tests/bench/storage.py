# SPDX-License-Identifier: Apache-2.0
"""The log against raw loops: appends at 1 to 10,000 dirty partitions, streams, recovery, compaction, scale."""
import json
import os
import subprocess
import tempfile

PARTITIONS = [1, 100, 1_000, 10_000]
BATCH_KIB = [1, 16]


def bench(binary, *arguments, timeout=600):
    """Runs one command of storage_bench in a folder of its own; its JSON lines as one dict."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("SLUICE_BENCH_DIR")) as folder:
        command = [str(binary), arguments[0], folder, *[str(argument) for argument in arguments[1:]]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=True)
    result = {}
    for line in done.stdout.splitlines():
        print(f"  {line}", flush=True)
        result.update(json.loads(line))
    return result


def run(args, bin_folder, result):
    binary = bin_folder / "storage_bench"
    print("storage: appends with a sync each, beside a raw file", flush=True)
    figures = result["storage"] = {"append": []}
    for kib in BATCH_KIB:
        for partitions in PARTITIONS:
            figures["append"].append(bench(binary, "append", partitions, kib, args.appends)["append"])
    print("storage: stream, recovery, compaction", flush=True)
    figures.update(bench(binary, "stream", args.mib))
    figures.update(bench(binary, "recover", args.mib))
    figures.update(bench(binary, "compact", args.mib))
    if args.gib:
        print(f"storage: {args.gib} GiB in {PARTITIONS[-1]} partitions", flush=True)
        figures.update(bench(binary, "scale", args.gib, PARTITIONS[-1], timeout=3600))
