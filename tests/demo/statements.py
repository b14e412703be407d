#!/usr/bin/python3
"""Hands xAPI statements to a node, and looks for them at another.

    statements.py send URL COUNT WHERE KEPT    make, send, append to file KEPT
    statements.py check RECORDS KEPT           RECORDS: `guantong records --json`

send uses all three ways: a PUT, a POST of one, POSTs of several. It keeps a
statement only once the node has answered that it is on disk. check wants every
kept statement exactly once, with every property as it was sent.
"""
import http.client
import json
import sys
import urllib.parse
import uuid

HEADERS = {"Content-Type": "application/json", "X-Experience-API-Version": "1.0.3"}


def make(where, n):
    return {
        "id": str(uuid.uuid4()),
        "actor": {"objectType": "Agent", "account": {"homePage": "https://xuexi.example.cn", "name": f"{where}-{n}"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"zh-CN": "完成", "en": "completed"}},
        "object": {
            "id": f"https://xuexi.example.cn/33/phone-basics/lesson-{n % 3 + 1}",
            "definition": {"name": {"zh-CN": f"第{n % 3 + 1}课"}, "type": "http://adlnet.gov/expapi/activities/lesson"},
        },
        "result": {"score": {"scaled": 0.5, "raw": 50 + n % 50}, "completion": True, "duration": "PT3M"},
        "timestamp": f"2025-11-04T08:{n % 60:02d}:00.000Z",
    }


def call(conn, method, path, body):
    conn.request(method, path, json.dumps(body, ensure_ascii=False).encode(), HEADERS)
    r = conn.getresponse()
    text = r.read()
    if r.status not in (200, 204):
        sys.exit(f"{method} {path}: {r.status} {text[:300]!r}")


def send(url, count, where, kept):
    u = urllib.parse.urlsplit(url)
    conn = http.client.HTTPConnection(u.hostname, u.port, timeout=60)
    todo = [make(where, n) for n in range(count)]
    with open(kept, "a") as f:
        while todo:
            n = 1 if len(todo) > count - 2 else 10
            batch, todo = todo[:n], todo[n:]
            if n == 1 and len(todo) == count - 1:
                call(conn, "PUT", "/xapi/statements?statementId=" + batch[0]["id"], batch[0])
            else:
                call(conn, "POST", "/xapi/statements", batch[0] if n == 1 else batch)
            for s in batch:
                f.write(json.dumps(s, ensure_ascii=False) + "\n")
    print(f"  {where}: {count} statements on disk")


def check(records, kept):
    with open(records) as f:
        rows = json.load(f)
    rows = rows["records"] if isinstance(rows, dict) else rows
    there = {}
    for r in rows:
        there.setdefault(r["id"], []).append(r)
    count = 0
    with open(kept) as f:
        for line in f:
            want = json.loads(line)
            found = there.get(want["id"], [])
            if len(found) != 1:
                sys.exit(f"statement {want['id']} is there {len(found)} times")
            got = found[0]["statement"]
            for key, value in want.items():
                if got.get(key) != value:
                    sys.exit(f"statement {want['id']}: {key} became {got.get(key)!r}")
            count += 1
    print(f"  {count} statements, each exactly once, unchanged; {len(rows)} in all")


if sys.argv[1] == "send":
    send(sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5])
else:
    check(sys.argv[2], sys.argv[3])
