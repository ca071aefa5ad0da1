# SPDX-License-Identifier: Apache-2.0
"""Reading a process from outside, and medians of alternating runs."""
import mmap
import os
import statistics
from pathlib import Path


def cpu_seconds(pid):
    """User + system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid, field):
    """`field` of /proc/PID/smaps_rollup (Anonymous, Rss ...) in MiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise KeyError(field)


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def warm_memory():
    """Right before what is measured, in each variant: a virtual machine gives free memory back to its host after some
    seconds, and a page that the host has to find anew costs several times what writing it costs. At most half of what is
    available."""
    populate = 0x8000  # MAP_POPULATE
    available = next(int(line.split()[1]) * 1024 for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
                     if line.startswith("MemAvailable:"))
    mmap.mmap(-1, min(4 << 30, available // 2), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | populate).close()


def alternate(runs, variants):
    """Runs each of `variants` {name: function -> dict of figures} in turn, `runs` times; the medians and all figures.
    Each round begins with another variant."""
    figures = {name: [] for name in variants}
    names = list(variants)
    for number in range(runs):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            figures[name].append(variants[name]())
            print(f"  run {number + 1} {name}: {figures[name][-1]}", flush=True)
    return {name: {"median": {key: statistics.median(run[key] for run in all_runs) for key in all_runs[0]},
                   "runs": all_runs} for name, all_runs in figures.items()}


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
