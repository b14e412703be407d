#!/usr/bin/python3
"""campaign.py SIMULATE MINUTES [options]: seeds nobody has run, for that long.

A process for each core. Without options a third of the time goes to storms
(small trees, everything that may fail fails all the time), a third to storms
over real counties, each with the villages of one of its townships, and a third
to months of a tree of fifty (people's days and weeks, faults now and then).
What failed is printed as it comes; the sum goes to CAMPAIGN.md and to the last
line of the output.
"""
import collections
import os
import pathlib
import random
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOG = ROOT / "tests/sim/CAMPAIGN.md"
TREE = "seeds/zhejiang.txt"
MONTHS = "--nodes 50 --calendar --minutes 40320".split()


def follow(job, lines):
    for line in job.stdout:
        lines.append(line.rstrip())
        if not re.match(r"(faults|people|campaign): ", line):
            print(line.rstrip(), flush=True)


def run(simulate, seconds, options, first):
    """All cores at once; the lines they print."""
    lines, jobs = [], []
    for k in range(os.cpu_count() or 1):
        job = subprocess.Popen(
            [simulate, str(first + k * 10**8), "--campaign", str(seconds), "-q", *options],
            stdout=subprocess.PIPE, text=True)
        reader = threading.Thread(target=follow, args=(job, lines))
        reader.start()
        jobs.append((job, reader))
    for job, reader in jobs:
        reader.join()
        if job.wait() not in (0, 1):
            sys.exit(f"{simulate} ended with {job.returncode}: what it said last is above; "
                     f"{LOG.name} is as it was")
    return lines


def counties(first):
    """Options for one county chosen by the first seed."""
    towns = re.findall(r"^(\d{9})\b", (ROOT / TREE).read_text(encoding="utf-8"), re.M)
    town = random.Random(first).choice(towns)
    return f"--tree {TREE} --under {town[:6]} --villages {town}".split()


def add_up(lines):
    """(numbers of the last lines, faults by class, everything else)"""
    sums, faults, rest = collections.Counter(), collections.Counter(), []
    for line in lines:
        found = re.match(r"(faults|people|campaign): (.*)", line)
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


def busy(sums):
    """Whether people did anything in all that time."""
    return f"people: deeds={sums['deeds']:.0f} records={sums['records']:.0f}"


def main():
    simulate, minutes, *options = sys.argv[1:]
    try:
        whole = float(minutes) * 60
    except ValueError:
        sys.exit(f"MINUTES={minutes}: a number is wanted, as in MINUTES=10")
    first, total = int(time.time()), collections.Counter()
    parts = [("storms", []), ("counties", counties(first)), ("months", MONTHS)]
    if options:
        parts = [("as asked", options)]
    revision = subprocess.run(["git", "describe", "--always"], cwd=ROOT, text=True,
                              capture_output=True, check=False).stdout.strip()
    lines = [f"## {time.strftime('%F', time.gmtime())}, {minutes} minutes, "
             f"seeds from {first}, {revision}", ""]
    for name, given in parts:
        sums, faults, rest = add_up(run(simulate, int(whole / len(parts)), given, first))
        lines += ["    " + line for line in
                  [f"{name} ({' '.join(given) or 'no options'}): {show(sums)}", *rest,
                   busy(sums),
                   "faults: " + " ".join(f"{k}={v:.0f}" for k, v in faults.items())]]
        total.update(sums)
    lines += ["    " + busy(total), "    campaign: " + show(total)]
    print("\n".join(line.strip() for line in lines[2:]))
    with LOG.open("a", encoding="utf-8") as log:
        log.write("\n" + "\n".join(lines) + "\n")
    return 1 if total["violations"] else 0


sys.exit(main())
