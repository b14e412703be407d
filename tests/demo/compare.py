#!/usr/bin/python3
"""compare.py URL RESOURCE FOLDER: downloads every file of a resource from a node
and compares it, byte for byte, with the folder it was published from. Also the
other way round: the node may list no file that the folder has not."""
import http.client
import json
import os
import sys
import urllib.parse


def source_files(folder):
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            yield os.path.relpath(path, folder), path


CONNS = {}


def get(url, path):
    """The answer, from where a redirect leads if there is one."""
    where = urllib.parse.urlsplit(url + path)
    conn = CONNS.get(where.netloc) or http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    CONNS[where.netloc] = conn
    conn.request("GET", where.path)
    r = conn.getresponse()
    body = r.read()
    if r.status == 302:
        return get("", r.headers["Location"])
    return r.status, body


def main():
    url, rid, folder = sys.argv[1:4]
    status, body = get(url, "/api/resources/" + rid)
    if status != 200:
        sys.exit(f"{rid}: the catalogue answers {status}: {body[:200]!r}")
    listed = {f["path"]: f["size"] for f in json.loads(body).get("files", [])}
    count = total = 0
    for rel, path in sorted(source_files(folder)):
        with open(path, "rb") as f:
            want = f.read()
        status, got = get(url, f"/c/{rid}/{urllib.parse.quote(rel)}")
        if status != 200:
            sys.exit(f"{rid}: {rel}: status {status}: {got[:200]!r}")
        if got != want:
            at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
            sys.exit(f"{rid}: {rel}: differs at byte {at} ({len(got)} bytes, {len(want)} expected)")
        if listed.pop(rel, None) != len(want):
            sys.exit(f"{rid}: {rel}: not in the catalogue's list, or with another size")
        count += 1
        total += len(want)
    if listed:
        sys.exit(f"{rid}: files nobody published: {sorted(listed)[:5]}")
    print(f"  {rid}: {count} files, {total:,} bytes, bit for bit")


main()
