#!/usr/bin/python3
"""table.py GUANTONG RUN CODE...: one row per level, from `guantong status --json`
and `guantong ls --json`: resources by verdict and state, bytes, records, lag."""
import json
import subprocess
import sys

LEVELS = ["省 province", "市 city", "县 county", "乡镇 township", "村 village"]


def ask(guantong, node, *args):
    out = subprocess.run([guantong, "-C", node, *args, "--json"], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def find(tree, key):
    if isinstance(tree, dict):
        if key in tree:
            return tree[key]
        tree = list(tree.values())
    if isinstance(tree, list):
        for v in tree:
            got = find(v, key)
            if got is not None:
                return got
    return None


def width(text):
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def main():
    guantong, run, *codes = sys.argv[1:]
    head = ["level", "node", "mirror", "on-demand", "metadata", "withdrawn", "bytes", "records", "lag"]
    rows = [head]
    worst = 0
    for level, code in zip(LEVELS, codes):
        status = ask(guantong, f"{run}/{code}", "status")
        cells = {}
        for r in ask(guantong, f"{run}/{code}", "ls", "--limit", "1000")["resources"]:
            verdict = "withdrawn" if r["state"] == "withdrawn" else r["verdict"]
            states = cells.setdefault(verdict, {})
            states[r["state"]] = states.get(r["state"], 0) + 1
        def cell(v):
            return " ".join(f"{n} {s}" for s, n in sorted(cells.get(v, {}).items())) or "-"

        lag = (find(status, "records_unrooted") or 0) + sum(c.get("lag", 0) for c in find(find(status, "node"), "children") or [])
        worst = max(worst, lag)
        rows.append([level, code, cell("mirror"), cell("on-demand"), cell("metadata"), str(sum(cells.get("withdrawn", {}).values())),
                     f"{find(status, 'bytes'):,}", f"{find(find(status, 'records'), 'count'):,}", str(lag)])
    widths = [max(width(r[i]) for r in rows) for i in range(len(head))]
    for r in rows:
        print("  " + "  ".join(c + " " * (w - width(c)) for c, w in zip(r, widths)).rstrip())
    if worst:
        sys.exit(f"something still lags behind: {worst}")


main()
