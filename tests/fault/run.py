#!/usr/bin/python3
"""run.py [--sample K] [--fresh] [--jobs J] [--memory STEP] [SCENARIO [FAULT [N]]]

Fails the n-th call of each kind in turn, n = 1, 2, 3, ..., in real daemons,
until a run ends without the fault having fired; see README.md. Each point is
written down as it ends, for these programs and these tests: a run that was
stopped goes on where it was, --fresh begins anew. With --sample K points of
each kind, as many as --seconds allow. With SCENARIO FAULT N one point, its
folder kept. Ends with "N passed, N failed".
"""
import argparse
import collections
import concurrent.futures
import fcntl
import hashlib
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import threading
import time

import point
from box import BIN, HERE, SHIM, TRACER, NotAllowed, guantong
from point import FAULTS, REASONS
from scenarios import ALL
from tree import guantongd

# A sample's n: what most scenarios have of a class, or more.
LIKELY = {"write": 16, "sync": 3, "name": 2, "size": 1, "kill": 20, "memory": 200, "syscall": 200}
# Here every allocation fails in turn. Elsewhere there are thousands, made from
# the same places again and again: the first from each place (the whole stack of
# calls that leads there), unless --memory says otherwise.
SHORT_OF_MEMORY = {"publish", "withdraw", "policy"}
QUIET = 2  # threads make a count differ by a few: so many in a row are the end
GIVE_UP = 8  # failures of one kind
LISTINGS = 3  # a place that is not met in each run is in one of them


class Kind:
    """The points of one scenario and fault: what is done, what comes next."""

    def __init__(self, name, fault, step=1, by_place=False, todo=None):
        self.name, self.fault, self.step = name, fault, step
        self.label = f"{name} {fault}" + (f"/{step}" if step > 1 else "")
        self.todo = todo  # a list of n, or None: 1, 1 + step, ... to the end
        self.unlisted = LISTINGS if by_place else 0
        self.by_place = by_place
        if by_place:
            self.label += " places"
            self.todo = []
        self.done = {}  # n: its record
        self.flying = set()
        self.calls = 0  # allocations in a run, of those by place
        self.last = 1 - step  # n that fired, of those not by a list
        self.skipped = None
        self.whole = False

    def take(self, record):
        """A record of this run or of one before."""
        n = record["n"]
        self.flying.discard(n)
        self.done[n] = record
        if self.todo is None and record["fired"]:
            self.last = max(self.last, n)

    def listed(self, calls, places):
        self.unlisted -= 1
        self.flying.clear()
        self.calls = max(self.calls, calls)
        self.todo = list(dict.fromkeys(self.todo + places))

    def next(self):
        """The next n, "places" for a listing, or None: none now."""
        if self.skipped or self.whole or len(self.failures()) >= GIVE_UP:
            return None
        if self.unlisted:
            n = None if self.flying else "places"
        elif self.todo is not None:
            n = next((n for n in self.todo if n not in self.done and n not in self.flying), None)
        else:
            beyond = range(1, self.last + QUIET * self.step + 1, self.step)
            n = next((n for n in beyond if n not in self.done and n not in self.flying), None)
        if n is not None:
            self.flying.add(n)
        return n

    def failures(self):
        return [r["failed"] for r in self.done.values() if r["failed"]]

    def fired(self):
        return sum(r["fired"] for r in self.done.values())

    def line(self):
        if self.skipped:
            return f"{self.label}: skipped, no right to it on this machine: {self.skipped}"
        seconds = sum(r["seconds"] for r in self.done.values())
        text = f"{self.name:17} {self.fault:12} {self.fired():5} points {len(self.failures()):3} failed {seconds:6.0f} s"
        if len(self.failures()) >= GIVE_UP:
            text += "  given up"
        if self.by_place:
            text += f"  {len(self.todo) or len(self.done)} places of {self.calls} calls"
        return text


class Journal:
    """What was done with these programs and these tests, a line per point."""

    def __init__(self, fresh):
        folder = os.path.join(os.path.dirname(BIN), "fault")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, self.key() + ".jsonl")
        self.file = open(path, "a+")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(f"{path}: another run is at work")
        if fresh:
            self.file.truncate(0)
        self.file.seek(0)
        text = self.file.read()
        # one that was stopped may have left half a line
        whole = text[: text.rfind("\n") + 1]
        self.file.truncate(len(whole.encode()))
        self.records = [json.loads(line) for line in whole.splitlines()]
        self.before = max((r["wall"] for r in self.records), default=0)
        self.began = time.monotonic()

    @staticmethod
    def key():
        h = hashlib.sha256()
        files = [guantongd(), guantong(), SHIM, TRACER, os.path.join(HERE, "../e2e/tree.py")]
        for name in files + sorted(os.path.join(HERE, f) for f in os.listdir(HERE) if f.endswith(".py")):
            with open(name, "rb") as f:
                h.update(f.read())
        return h.hexdigest()[:12]

    def wall(self):
        """Seconds so far, those of the runs before with them."""
        return self.before + time.monotonic() - self.began

    def add(self, kind, record):
        self.file.write(json.dumps(dict(record, kind=kind.label, wall=round(self.wall(), 2)), ensure_ascii=False) + "\n")
        self.file.flush()

    def fill(self, kinds):
        by_label = {k.label: k for k in kinds}
        for r in self.records:
            kind = by_label.get(r["kind"])
            if kind and "whole" in r:
                kind.whole, kind.calls, kind.skipped = True, r["calls"], r["skipped"]
            elif kind:
                kind.take(r)


# -------------------------------------------------------------------- workers


def work(name, fault, n):
    """One point, or a listing, in a worker."""
    began = time.monotonic()
    try:
        if n == "places":
            return point.list_stacks(point.box_here(), name)
        fired, said, library, bad = point.try_point(name, fault, n)
    except NotAllowed as e:
        point.box_here().stop(check=False)
        return str(e)
    seconds = round(time.monotonic() - began, 3)
    return {"n": n, "fired": bool(fired), "seconds": seconds, "said": said, "library": library, "failed": bad}


def end_with_parent():
    """A run that is killed leaves no daemons and no folders behind."""
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    shutil.rmtree(point.box_here().tree.dir, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def init_worker():
    os.setpgrp()  # a key pressed is for the one that hands out the points
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    multiprocessing.util.Finalize(None, lambda: point.box_here().close(), exitpriority=10)
    threading.Thread(target=end_with_parent, daemon=True).start()


# ----------------------------------------------------------------------- runs


def applies(name, fault):
    return fault != "syscall" or ALL[name].traced


def everything(names, faults, step):
    """The kinds, cheap ones of all scenarios first."""
    kinds = []
    for fault in faults:
        for name in names:
            if fault != "memory":
                kinds += [Kind(name, fault)] if applies(name, fault) else []
            else:
                kinds.append(Kind(name, fault, step or 1, not step and name not in SHORT_OF_MEMORY))
    return kinds


def sample(names, faults, k, seed):
    """k points each of what is likely to fire, in an order of their own."""
    r = random.Random(seed)
    kinds = []
    for name in names:
        for fault in faults:
            if applies(name, fault):
                likely = LIKELY[fault.split("-")[0]]
                kinds.append(Kind(name, fault, todo=[r.randint(1, likely) for _ in range(k)]))
    r.shuffle(kinds)
    return kinds


class Run:
    """Hands the points out, writes down and says what came of them."""

    def __init__(self, kinds, jobs, journal, end):
        self.kinds, self.jobs, self.journal, self.end = kinds, jobs, journal, end
        self.flying = {}  # future: (kind, n)
        self.said = time.monotonic()
        self.kept = 0

    def hand_out(self, pool):
        for kind in self.kinds:
            while len(self.flying) < self.jobs and (n := kind.next()) is not None:
                self.flying[pool.submit(work, kind.name, kind.fault, n)] = kind, n
            if len(self.flying) == self.jobs:
                return

    def take(self, future):
        kind, n = self.flying.pop(future)
        record = future.result()
        if isinstance(record, str):
            kind.flying.discard(n)
            kind.skipped = record
        elif n == "places":
            kind.listed(*record)
        else:
            kind.take(record)
            if self.journal:
                self.journal.add(kind, record)
            if record["failed"]:
                print(record["failed"], flush=True)

    def over(self, kind):
        """That it has no more points; said once."""
        if kind.whole or kind.flying:
            return
        n = kind.next()
        if n is not None:
            kind.flying.discard(n)
            return
        kind.whole = True
        if self.journal:
            self.journal.add(kind, {"whole": True, "calls": kind.calls, "skipped": kind.skipped})
            print(kind.line(), flush=True)

    def progress(self):
        if not self.journal or time.monotonic() - self.said < 60:
            return
        self.said = time.monotonic()
        whole, at = sum(k.whole for k in self.kinds), next((k for k in self.kinds if not k.whole), None)
        points, failed = sum(k.fired() for k in self.kinds), sum(len(k.failures()) for k in self.kinds)
        where = f"{at.label} {len(at.done)}" if at else ""
        print(f"  [{self.journal.wall() / 60:.0f} min: {whole} of {len(self.kinds)} kinds, {points} points, {failed} failed; {where}]", flush=True)

    def begin(self):
        """What was done before is said again."""
        if not self.journal:
            return
        self.journal.fill(self.kinds)
        for kind in self.kinds:
            self.kept += kind.fired()
            for failed in kind.failures():
                print(failed)
            if kind.whole:
                print(kind.line())
        if self.kept:
            print(f"  [{self.kept} points were run before; --fresh runs them again]", flush=True)

    def go(self):
        """False: stopped."""
        pool = concurrent.futures.ProcessPoolExecutor(self.jobs, initializer=init_worker)
        try:
            while True:
                if not self.end or time.monotonic() < self.end:
                    self.hand_out(pool)
                if not self.flying:
                    return True
                for f in concurrent.futures.wait(self.flying, 60, concurrent.futures.FIRST_COMPLETED).done:
                    kind = self.flying[f][0]
                    self.take(f)
                    self.over(kind)
                self.progress()
        except KeyboardInterrupt:
            return False
        finally:
            pool.shutdown(cancel_futures=True)


def report(kinds, names, faults, journal, wall, whole):
    """The tables and the sums; how many failed."""
    ended = collections.Counter()
    for name in names:
        mine = [k for k in kinds if k.name == name]
        row = collections.Counter()
        for k in mine:
            row[k.fault] += k.fired()
            ended.update(f"{name} {r['library']}" for r in k.done.values() if r["library"])
        parts = ", ".join(f"{f} {row[f]}" for f in faults if row[f])
        print(f"{name:17} {sum(row.values()):5} points: {parts}")
    for what, times in sorted(ended.items()):
        print(f"{what}: ended the process itself at {times} points: {REASONS[what.split()[1]]}")
    points, failed = sum(k.fired() for k in kinds), sum(len(k.failures()) for k in kinds)
    skipped = sum(bool(k.skipped) for k in kinds)
    if journal and not whole:
        print(f"stopped with {sum(k.whole for k in kinds)} of {len(kinds)} kinds run; the same command goes on from here")
    print(f"fault: points={points} failed={failed} library_ends={sum(ended.values())} minutes={wall / 60:.1f}")
    print(f"{points - failed} passed, {failed} failed, {skipped} skipped")
    if not points and not skipped:
        print("no fault has fired: nothing was tested")
    return failed or not points + skipped


def one_point(a):
    fired, said, _, bad = point.try_point(a.scenario, a.fault, a.n)
    print(bad or f"ok: fired={fired} {said}")
    print("kept:", point.box_here().tree.dir)
    sys.exit(bool(bad))


def which(text):
    """The n of a point: a number from 1 on, or a place as @hash."""
    if re.fullmatch(r"@[0-9a-f]+", text):
        return text
    if re.fullmatch(r"[1-9][0-9]{0,8}", text):
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 on, and no @place of a failed point")


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--sample", type=int, default=0)
    p.add_argument("--fresh", action="store_true", help="forget what was run before")
    # one more than cores: some points wait, a few of them for seconds
    p.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)) + 1)
    p.add_argument("--memory", type=int, default=0, help="every STEP-th allocation, 1: all")
    p.add_argument("--seconds", type=float, default=30, help="of a sample")
    p.add_argument("--seed", type=int, default=1, help="of a sample")
    p.add_argument("scenario", nargs="?", choices=list(ALL))
    p.add_argument("fault", nargs="?", choices=list(FAULTS))
    p.add_argument("n", nargs="?", type=which, help="from 1 on; @hash: a place that allocates memory")
    a = p.parse_args()
    if isinstance(a.n, str) and a.fault != "memory":
        p.error(f"only the points of memory have places, and '{a.fault}' has none")
    if a.n:
        one_point(a)
    names = [a.scenario] if a.scenario else list(ALL)
    faults = [a.fault] if a.fault else list(FAULTS)
    journal, end, began = None, 0, time.monotonic()
    if a.sample:
        kinds, end = sample(names, faults, a.sample, a.seed), began + a.seconds
    else:
        kinds, journal = everything(names, faults, a.memory), Journal(a.fresh)
    signal.signal(signal.SIGTERM, interrupt)
    run = Run(kinds, a.jobs, journal, end)
    run.begin()
    whole = run.go()
    failed = report(kinds, names, faults, journal, journal.wall() if journal else time.monotonic() - began, whole)
    sys.exit(1 if failed else 0 if whole else 130)


if __name__ == "__main__":
    main()
