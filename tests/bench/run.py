# SPDX-License-Identifier: Apache-2.0
"""All benchmarks in one command, result as JSON on stdout (or --json FILE), progress before it.

    python3 tests/bench/run.py --build build/release                    everything, with Kafka Connect beside it
    python3 tests/bench/run.py --build build/release --only pipeline --mib 256 --runs 3 --no-peers
"""
import argparse
import json
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.bench import control, mqtt, pipeline, storage  # noqa: E402

PARTS = ["pipeline", "storage", "mqtt", "startup", "idle", "hang", "abi"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", help="a build folder with the release preset")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--mib", type=int, default=1024, help="size of the input file, and of the log in storage")
    parser.add_argument("--runs", type=int, default=3, help="alternating runs of each variant")
    parser.add_argument("--connectors", type=int, default=1000)
    parser.add_argument("--gib", type=int, default=10, help="size of the log for the restart; 0 leaves it out")
    parser.add_argument("--appends", type=int, default=2000, help="storage: appends of each variant")
    parser.add_argument("--messages", type=int, default=300_000, help="mqtt: messages of each run")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="without Kafka Connect and Telegraf")
    parser.add_argument("--json", help="file for the result")
    args = parser.parse_args()
    bin_folder = Path(args.build).resolve() / "bin"
    only = args.only or PARTS
    result = {"machine": {"cores": os.cpu_count(), "kernel": platform.release()}}
    if "pipeline" in only:
        pipeline.run(args, bin_folder, result)
    if "storage" in only:
        storage.run(args, bin_folder, result)
    if "mqtt" in only:
        mqtt.run(args, bin_folder, result)
    if "startup" in only:
        control.startup_empty(args, bin_folder, result)
    if "idle" in only:
        control.idle(args, bin_folder, result)
    if "hang" in only:
        control.hang(args, bin_folder, result)
    if "abi" in only:
        control.abi(bin_folder, result)
    text = json.dumps(result, indent=2)
    if args.json:
        Path(args.json).write_text(text + "\n", encoding="utf-8")
    print(text)


main()
