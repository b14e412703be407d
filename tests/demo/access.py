#!/usr/bin/python3
"""Shows who may do what with records over the network.

    access.py GUANTONG DIR URL KEPT    the node in DIR at URL, which handed KEPT in

Nobody known hands in (that has been seen), but neither reads nor takes back; a
credential of a reader reads what was handed in.
"""
import base64
import http.client
import json
import subprocess
import sys
import urllib.parse

guantong, node, url, kept = sys.argv[1:]
with open(kept) as f:
    one = json.loads(f.readline())
at = urllib.parse.urlsplit(url)


def call(want, method, path, body=None, secret=None):
    headers = {"Content-Type": "application/json", "X-Experience-API-Version": "1.0.3"}
    if secret:
        headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
    conn = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
    conn.request(method, path, json.dumps(body).encode() if body else None, headers)
    answer = conn.getresponse()
    text = answer.read()
    conn.close()
    if answer.status != want:
        sys.exit(f"{method} {path}: {answer.status}, not {want}: {text[:300]!r}")
    return json.loads(text)


def credential(*words):
    done = subprocess.run([guantong, "-C", node, "credential", *words], stdout=subprocess.PIPE, check=True)
    return done.stdout


path = "/xapi/statements?statementId=" + one["id"]
call(401, "GET", path)
print("  nobody known reads it: HTTP 401")
void = {
    "actor": one["actor"],
    "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
    "object": {"objectType": "StatementRef", "id": one["id"]},
}
call(403, "POST", "/xapi/statements", void)
print("  nobody known takes it back: HTTP 403")
made = json.loads(credential("add", "county-report", "--role", "reader", "--json"))
got = call(200, "GET", path, secret="county-report:" + made["secret"])
if any(got.get(key) != value for key, value in one.items()):
    sys.exit(f"statement {one['id']} became {got!r}")
print("  $ guantong credential add county-report --role reader: with it, HTTP 200, as it was handed in")
credential("rm", "county-report")
call(401, "GET", path, secret="county-report:" + made["secret"])
print("  $ guantong credential rm county-report: HTTP 401 again")
