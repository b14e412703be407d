#!/usr/bin/python3
"""expect.py GUANTONG RUN EXPECTED ANNOUNCEMENTS: waits until every node has what
policy lets it have; then it must have exactly that, no more and no less."""
import json
import subprocess
import sys

guantong, run, expected, announcements = sys.argv[1:5]
with open(announcements) as f:
    announced = {json.loads(line)["id"] for line in f}
with open(expected) as f:
    rows = [line.rstrip("\n").split("\t") for line in f if not line.startswith("# ") or line.startswith("# resource")]
codes, rows = rows[0][1:], rows[1:]
def announcement(i):
    """Policy lists announcements; the publisher keeps what is its own."""
    return ("mirror", "complete") if i == 0 else ("metadata", "listed")


STATE = {"mirror": "complete", "on-demand": "listed", "metadata": "listed"}


def wait(code, rid, state):
    subprocess.run([guantong, "-C", f"{run}/{code}", "wait", "--until", f"resource={rid}:{state}"], check=True)


# what comes last at the village has come everywhere above it
for i, code in reversed(list(enumerate(codes))):
    for rid, *verdicts in rows:
        if verdicts[i] != "deny":
            wait(code, rid, STATE[verdicts[i]])
    for rid in announced:
        wait(code, rid, announcement(i)[1])

bad = []
for i, code in enumerate(codes):
    out = subprocess.run([guantong, "-C", f"{run}/{code}", "ls", "--json", "--limit", "1000"], capture_output=True, text=True, check=True)
    have = {r["id"]: r for r in json.loads(out.stdout)["resources"]}
    counts = {}
    for rid, *verdicts in rows:
        want, got = verdicts[i], have.pop(rid, None)
        counts[want] = counts.get(want, 0) + 1
        if want == "deny":
            if got:
                bad.append(f"{code} has {rid}, which is denied to it")
            continue
        state = STATE[want]
        if not got or got["verdict"] != want or got["state"] != state:
            bad.append(f"{code}: {rid} should be {want}, {state}; is {got and (got['verdict'], got['state'])}")
    for rid in announced:
        got = have.pop(rid, None)
        want = announcement(i)
        counts[want[0]] = counts.get(want[0], 0) + 1
        if not got or (got["verdict"], got["state"]) != want:
            bad.append(f"{code}: the announcement {rid} is missing")
    if have:
        bad.append(f"{code} has what nobody published: {sorted(have)}")
    print(f"  {code:14}" + ", ".join(f"{n} {v}" for v, n in sorted(counts.items())))
if bad:
    sys.exit("\n".join(bad))
