#!/usr/bin/env python3
"""ADL's public xAPI conformance suite against nodes that are started here: a leaf
and a province, as xAPI 1.0.3 and as 2.0.0. The suite is a program of its own, never
part of this tree; it is run as it comes.

usage: run.py SUITE [--version 1.0.3|2.0.0] [--at leaf|province] [--grep TEXT]
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from tree import CHAIN, Tree  # noqa: E402

COMMIT = "2ec25f2eb8ccfcb7cb63ec2679dbd965f9f6ffdc"
TOTAL = {"1.0.3": 1365, "2.0.0": 1442}
PATIENCE = 600  # s: a suite that waits for what never comes does so for ever
WHERE = f"""conformance: SUITE=DIR names a checkout of ADL's suite with its modules:
  git clone https://github.com/adlnet/lrs-conformance-test-suite DIR
  cd DIR && git checkout {COMMIT[:7]} && npm install
  make conformance SUITE=DIR"""


def missing(suite):
    """Why the suite cannot be run; None: it can."""
    if not suite:
        return WHERE
    if not os.path.isfile(os.path.join(suite, "bin/console_runner.js")):
        return f"{suite}: there is no bin/console_runner.js in it\n{WHERE}"
    if not os.path.isdir(os.path.join(suite, "node_modules")):
        return f"{suite}: it has no modules: cd {suite} && npm install"
    return None


def failures(log, path=()):
    """The titles of the tests that failed, each with why."""
    tests = log.get("tests") or []
    here = path + (log.get("title") or "",)
    if not tests and log.get("status") == "failed":
        yield " > ".join(p for p in here if p), (log.get("error") or "").split("\n")[0]
    for t in tests:
        yield from failures(t, here)


def written(suite, said):
    """What it wrote down of the run, by the file's name that it said."""
    m = re.search(r"log written to (\S.*\.log)", said)
    if not m:
        return {}
    with open(os.path.join(suite, m.group(1))) as f:
        return json.load(f).get("log") or {}


def once(suite, node, version, grep):
    """Runs it against a node. Returns (passed, total, seconds)."""
    secret = node.cli_json("credential", "add", "suite-" + version.replace(".", "-"), *SCOPE)["secret"]
    args = ["node", "bin/console_runner.js", "-e", f"http://127.0.0.1:{node.http_port}/xapi", "-a",
            "-u", "suite-" + version.replace(".", "-"), "-p", secret, "-x", version, "-z"]
    began = time.monotonic()
    p = subprocess.run(args + (["-g", grep] if grep else []), cwd=suite, capture_output=True, text=True,
                       timeout=PATIENCE, env=dict(os.environ, NO_PROXY="127.0.0.1"))
    took = time.monotonic() - began
    sums = [json.loads(s) for s in re.findall(r'^\{"total":.*\}$', p.stdout, re.M)]
    if not sums:
        print(p.stdout[-2000:], p.stderr[-2000:], file=sys.stderr)
        return 0, TOTAL[version], took
    for title, why in failures(written(suite, p.stdout)):
        print(f"  failed: {title}\n          {why}")
    return sums[-1]["passed"] or 0, sums[-1]["total"] or 0, took


SCOPE = ()


def main():
    a = argparse.ArgumentParser()
    a.add_argument("suite", nargs="?", default="")
    a.add_argument("--version", action="append", choices=sorted(TOTAL))
    a.add_argument("--at", action="append", choices=["leaf", "province"])
    a.add_argument("--grep")
    a = a.parse_args()
    why = missing(a.suite)
    if why:
        print(why, file=sys.stderr)
        return 2
    right = True
    with Tree(CHAIN[:2]) as t:
        nodes = {"leaf": t[CHAIN[1]], "province": t[CHAIN[0]]}
        for at in a.at or nodes:
            for version in a.version or sorted(TOTAL):
                passed, total, took = once(os.path.abspath(a.suite), nodes[at], version, a.grep)
                print(f"conformance {version}: {passed}/{total} ({at}, {took:.0f} s)", flush=True)
                right = right and passed == total and (a.grep or total == TOTAL[version])
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
