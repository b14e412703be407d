#!/usr/bin/python3
"""campaign.py SIMULATE MINUTES [options]: seeds nobody has run, for that long.

A process for each core. Without options half of the time goes to storms (small
trees, everything that may fail fails all the time), half to months of a tree
of fifty (people's days and weeks, faults now and then). What failed is printed
as it comes; the sum goes to CAMPAIGN.md and to the last line of the output.
"""
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOG = ROOT / "tests/sim/CAMPAIGN.md"
MONTHS = "--nodes 50 --calendar --minutes 40320".split()


def run(simulate, seconds, options, first):
    """All cores at once; their output, joined."""
    jobs = []
    for k in range(os.cpu_count() or 1):
        out = tempfile.TemporaryFile("w+")
        jobs.append((out, subprocess.Popen(
            [simulate, str(first + k * 10**8), "--campaign", str(seconds), "-q", *options],
            stdout=out)))
    text = ""
    for out, job in jobs:
        job.wait()
        out.seek(0)
        text += out.read()
        if job.returncode > 1 or job.returncode < 0:
            sys.exit(f"{simulate} ended with {job.returncode}: {text[-400:]}")
    return text


def add_up(text):
    """(numbers of the last lines, faults by class, everything else)"""
    sums, faults, rest = collections.Counter(), collections.Counter(), []
    for line in text.splitlines():
        found = re.match(r"(faults|campaign): (.*)", line)
        if not found:
            rest.append(line)
            continue
        into = faults if found.group(1) == "faults" else sums
        for word in found.group(2).split():
            name, number = word.split("=")
            into[name] += float(number)
    return sums, faults, rest


def show(sums):
    return (f"seeds={sums['seeds']:.0f} node_years={sums['node_years']:.2f} "
            f"faults={sums['faults']:.0f} violations={sums['violations']:.0f}")


def main():
    simulate, minutes, *options = sys.argv[1:]
    whole = float(minutes) * 60
    parts = [("as asked", options)] if options else [("storms", []), ("months", MONTHS)]
    first, total = int(time.time()), collections.Counter()
    revision = subprocess.run(["git", "describe", "--always"], cwd=ROOT, text=True,
                              capture_output=True, check=False).stdout.strip()
    lines = [f"## {time.strftime('%F', time.gmtime())}, {minutes} minutes, "
             f"seeds from {first}, {revision}", ""]
    for name, given in parts:
        sums, faults, rest = add_up(run(simulate, int(whole / len(parts)), given, first))
        lines += ["    " + line for line in
                  [f"{name} ({' '.join(given) or 'no options'}): {show(sums)}", *rest,
                   "faults: " + " ".join(f"{k}={v:.0f}" for k, v in faults.items())]]
        total.update(sums)
    lines.append("    campaign: " + show(total))
    print("\n".join(line.strip() for line in lines[2:]))
    with LOG.open("a", encoding="utf-8") as log:
        log.write("\n" + "\n".join(lines) + "\n")
    return 1 if total["violations"] else 0


sys.exit(main())
