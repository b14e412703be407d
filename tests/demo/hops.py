#!/usr/bin/python3
"""hops.py GUANTONG RUN RESOURCE CODE...: the way of a resource's object down the
tree, as the audit rows of `guantong audit query --json` tell it. Every transfer
must be written down at both ends under one id."""
import json
import subprocess
import sys

guantong, run, rid, *codes = sys.argv[1:]


def ask(code, *args):
    out = subprocess.run([guantong, "-C", f"{run}/{code}", *args, "--json"], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def rows(code, event, obj):
    return [r for r in ask(code, "audit", "query", "--event", event, "--resource", obj)["rows"] if r["result"] == "ok"]


obj = ask(codes[0], "show", rid)["object"]
for parent, child in zip(codes, codes[1:]):
    got = [r for r in rows(child, "fetch", obj) if r["peer"] == parent]
    gave = {r["transfer"]: r for r in rows(parent, "serve", obj) if r["peer"] == child}
    both = [r for r in got if r["transfer"] in gave]
    if not both:
        sys.exit(f"no transfer from {parent} to {child} is in both audits: {got} {list(gave.values())}")
    r = both[-1]
    print(f"  {parent:>12} -> {child:12}  {r['bytes']:12,} bytes  transfer {r['transfer'][:16]}  {r['at']}")
