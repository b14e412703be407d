#!/usr/bin/python3
"""run.py [--quick] [--table] [WHO[/ATTACK]...]: rogues against real daemons; ends with "N passed, N failed".

One line of JSON for each attack, of its last run, is in build/hostile/WHO.jsonl.
--quick: the part that `make check` plays; it leaves these alone. --table: prints the
table of the README from them.
No verdict looks at a time: see README.md."""
import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests/e2e")]

from stages import STAGES  # noqa: E402
from tree import PATIENCE, Failed  # noqa: E402
from watch import SANITIZED, SLACK_FDS, SLACK_KIB, Good, fds, rss_kib  # noqa: E402


def attacks(who):
    """{name: function} in the order they are written in."""
    import attack

    attack.ATTACKS.clear()
    importlib.import_module(STAGES[who].program[:-3])
    return dict(attack.ATTACKS)


def call(stage, name, seconds):
    """The rogue's program, told all it has to know."""
    rogue = subprocess.Popen(
        [sys.executable, os.path.join(HERE, stage.program), name],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    rogue.stdin.write(json.dumps(dict(stage.context(), seconds=seconds)))
    rogue.stdin.flush()
    rogue.stdin.close()
    rogue.stdin = None
    return rogue


def play(stage, who, name, seconds):
    """One attack, while a good client works; what was seen, as one row. A rogue parent
    is there first, and the node begun anew comes to it at once."""
    node = stage.node
    began = time.monotonic()
    rogue = call(stage, name, seconds) if hasattr(stage, "before") else None
    if rogue:
        stage.before()
    pid = node.process.pid
    for request in [] if rogue else stage.requests():  # so that the first of its kind is in no figure
        stage_ready(request)
    before = rss_kib(pid), fds(pid)
    good = Good(pid, stage.requests(), 20 if seconds < 2 else 100)
    good.start()
    rogue = rogue or call(stage, name, seconds)
    out, err = rogue.communicate(timeout=PATIENCE + seconds)
    good.over.set()
    good.join()
    row = {"who": who, "attack": name, "seconds": round(time.monotonic() - began, 1)}
    said = json.loads(out) if out else {"broken": err[-2000:] or "the rogue said nothing", "did": {}}
    broken = said.get("broken") or good.failed or (not any(said["did"].values()) and "the rogue did nothing")
    if not broken:
        try:
            broken = judge(stage, node, pid, before, good, said.get("did", {}))
        except (Failed, AssertionError) as e:
            broken = str(e) or traceback.format_exc()
    row.update(good=good.figures(), did=said.get("did", {}), held=not broken)
    if node.alive():
        row["rss_mib"] = [round(k / 1024) for k in (before[0], good.rss, rss_kib(pid))]
        row["fds"] = [before[1], good.fds, fds(pid)]
    if broken:
        row["why"] = broken
    return row


def stage_ready(request):
    for _ in range(1000):
        with contextlib.suppress(OSError):
            if request():
                return
    raise Failed(f"{request.__name__} does not succeed without an attack")


def judge(stage, node, pid, before, good, did):
    """What did not hold, or None."""
    if not node.alive():
        return f"the daemon ended with {node.process.poll()}: {node.log(5)}"
    if not SANITIZED and good.rss > before[0] + SLACK_KIB:
        return f"memory grew from {before[0]} KiB to {good.rss} KiB"
    stage.after(did)
    node.wait("its descriptors to be given back", lambda: fds(pid) <= before[1] + SLACK_FDS, timeout=PATIENCE)
    if not SANITIZED and rss_kib(pid) > before[0] + SLACK_KIB:
        return f"memory stays at {rss_kib(pid)} KiB, was {before[0]} KiB"
    return None


def show(row):
    g = row["good"]
    word = "ok  " if row["held"] else "FAIL"
    print(f"{word} {row['who']}/{row['attack']} ({row['seconds']} s): good p99 {g['p99_ms']} ms of {g['requests']}, "
          f"MiB {row.get('rss_mib')}, descriptors {row.get('fds')}, {row['did']}", flush=True)
    if not row["held"]:
        print(row["why"], flush=True)


def stage_of(who, names, seconds, rows):
    """(passed, failed) of one rogue's attacks, on one tree; rows[name]: what was seen."""
    passed = failed = 0
    with contextlib.ExitStack() as stack:
        stage = STAGES[who](stack)
        for name in names:
            row = play(stage, who, name, seconds)
            show(row)
            rows[name] = row
            passed, failed = passed + row["held"], failed + (not row["held"])
            if not stage.node.alive():
                return passed, failed
        stage.last()
    return passed, failed


def load(folder, who):
    """{attack: its last row}"""
    path = os.path.join(folder, who + ".jsonl")
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        return {r["attack"]: r for r in map(json.loads, f)}


def save(folder, who, rows):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, who + ".jsonl"), "w") as f:
        f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in rows.values())


def table(folder):
    """What the README shows."""
    print("| attack | what is done | good p50 | p99 | most | MiB before, most, after | descriptors | held |")
    print("|---|---|--:|--:|--:|---|---|---|")
    for who in STAGES:
        rows = load(folder, who)
        for name, attack in attacks(who).items():
            if name not in rows:
                continue
            row = rows[name]
            cells = [f"{who}/{name}", attack.what, *(f"{row['good'][k]:g}" for k in ("p50_ms", "p99_ms", "max_ms"))]
            cells += [", ".join(map(str, row.get(k, []))) for k in ("rss_mib", "fds")]
            print("| " + " | ".join([*cells, "yes" if row["held"] else "**no**"]) + " |")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--quick", action="store_true")
    p.add_argument("--table", action="store_true")
    p.add_argument("--seconds", type=float)
    p.add_argument("--out", default=os.path.join(ROOT, "build/hostile"))
    p.add_argument("which", nargs="*")
    a = p.parse_args()
    if a.table:
        return table(a.out)
    passed = failed = 0
    for who in STAGES:
        names = [n for n, f in attacks(who).items() if f.quick or not a.quick]
        if a.which:
            names = [n for n in names if who in a.which or f"{who}/{n}" in a.which]
        if not names:
            continue
        rows = load(a.out, who)
        try:
            p, f = stage_of(who, names, a.seconds or (0.5 if a.quick else 4), rows)
        except Exception:
            traceback.print_exc(file=sys.stdout)
            print(f"FAIL {who}: see above")
            p, f = 0, 1
        passed, failed = passed + p, failed + f
        if not a.quick:
            save(a.out, who, rows)
    if a.which and passed + failed == 0:
        sys.exit(f"no attack is called {' or '.join(a.which)}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
