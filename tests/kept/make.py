#!/usr/bin/python3
"""make.py PROGRAMS OUT.tar.zst: makes a kept tree with the programs in PROGRAMS.

A kept tree is three nodes as the programs of one commit left them, from which
every later program must go on: tests/e2e/test_kept.py. An archive is made once,
of that commit's own programs, and stays as it is:

    git worktree add /tmp/then c58be93 && make -C /tmp/then -j4
    tests/kept/make.py /tmp/then/build/release tests/kept/c58be93.tar.zst

In it are pki/ (keys of these nodes only), a directory for each node, and
kept.json: what was published and handed in, and what each node must have of it.
The county was killed (its database has a log beside it) in the middle of an
object, with records waiting there and at the city; the other two ended in order.

The programs run on New Year's day of 2025, by faketime, so that no clock that
reads the tree is behind it; its CA ends ten years later.
"""
import datetime
import glob
import hashlib
import json
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
programs, archive = (os.path.abspath(a) for a in sys.argv[1:3])
os.environ["GUANTONG_BIN"] = programs
# of the programs started from here on, not of this one
os.environ["LD_PRELOAD"] = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")[0]
os.environ["FAKETIME"] = f"-{(datetime.date.today() - datetime.date(2025, 1, 1)).days}d"
os.environ["FAKETIME_DONT_FAKE_MONOTONIC"] = os.environ["NO_FAKE_STAT"] = "1"
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
from test_records import post, statement  # noqa: E402
from tree import CHAIN, Tree, find, guantong, layer, run, send_command  # noqa: E402

PROVINCE, CITY, COUNTY = CODES = CHAIN[:3]
BYTES_A_SECOND = 12_000  # on the link on which the county is caught half way
COMPLETE, LISTED, GONE = "complete", "listed", None
PROVINCE_RULES = [
    {"name": "exams-stay", "to": ["city", "county"], "when": {"type": "exam"}, "verdict": "deny"},
    {"name": "films-on-demand", "to": ["county"], "when": {"type": "video"}, "verdict": "on-demand"},
]
CITY_RULES = [{"name": "cases-listed", "to": ["county"], "when": {"type": "case"}, "verdict": "metadata"}]
# id: what each node has in the end, once all of them run again
STATES = {
    "33/page": [COMPLETE, COMPLETE, COMPLETE],
    "33/course": [COMPLETE, COMPLETE, COMPLETE],
    "33/updated": [COMPLETE, COMPLETE, COMPLETE],
    "33/half": [COMPLETE, COMPLETE, COMPLETE],
    "33/notice": [COMPLETE, COMPLETE, COMPLETE],
    "33/withdrawn": ["withdrawn", "withdrawn", "withdrawn"],
    "33/film": [COMPLETE, COMPLETE, COMPLETE],  # asked for at the county
    "33/unasked": [COMPLETE, COMPLETE, LISTED],
    "33/case": [COMPLETE, COMPLETE, LISTED],
    "33/exam": [COMPLETE, GONE, GONE],
    "3301/local": [GONE, COMPLETE, COMPLETE],
}


def text(name, size):
    """Words that compress well, the same for the same name."""
    r = random.Random(name)
    words = [r.randbytes(4).hex() for _ in range(40)]
    return " ".join(r.choice(words) for _ in range(size // 9)).encode()


class Making:
    def __init__(self, tree):
        self.t = tree
        self.files = {}

    def publish(self, rid, kind, sizes, version=1, at=PROVINCE):
        """Files of the given sizes as a folder, one without a folder of its own if
        its name has no slash behind it."""
        folder = os.path.join(self.t.dir, "content", rid, str(version))
        self.files[rid] = {}
        for path, size in sizes.items():
            full = os.path.join(folder, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            content = text(f"{rid} {path} {version}", size)
            with open(full, "wb") as f:
                f.write(content)
            self.files[rid][path] = hashlib.sha256(content).hexdigest()
        what = folder if len(sizes) > 1 else os.path.join(folder, *sizes)
        self.t[at].publish(rid, what if sizes else None, type=kind, title=f"{kind} {version}")

    def hand_in(self, code, *statements):
        assert post(self.t[code], list(statements)).status == 200
        return list(statements)

    def settle(self, rid):
        for code, state in zip(CODES, STATES[rid]):
            node = self.t[code]
            node.wait(f"{rid} {state}, is {node.state(rid)}", lambda: node.state(rid) == state)


def records(m):
    """Some at the root, one that voids another, one set aside at the city."""
    t = m.t
    rooted = m.hand_in(COUNTY, *(statement(i) for i in range(6)))
    rooted += m.hand_in(CITY, *(statement(10 + i) for i in range(6)))
    void = statement(20, verb={"id": "http://adlnet.gov/expapi/verbs/voided"})
    void["object"] = {"objectType": "StatementRef", "id": rooted[0]["id"]}
    rooted += m.hand_in(CITY, void)
    other = dict(rooted[-2], object={"id": "https://xuexi.example.cn/other"})
    m.hand_in(COUNTY, other)
    t[CITY].wait("a record set aside", lambda: t[CITY].admin("GET", "/admin/quarantine").json()["quarantine"])
    for code in CODES[1:]:
        t[code].cli("wait", "--until", "records-rooted")
    return {"rooted": rooted, "voided": rooted[0]["id"], "quarantined": other["id"]}


def leave(m, kept):
    """Everybody is stopped in the middle of something."""
    province, city, county = m.t
    assert county.stop() == 0
    m.publish("33/half", "document", {"half.txt": 900_000})
    city.wait_state("33/half", COMPLETE)
    kept["audit"][PROVINCE] = province.audit(limit=1000)
    assert province.stop() == 0
    relay, port = m.t.relay(city.link_port, "--rate", str(BYTES_A_SECOND))
    county.configure({"parent": {"addresses": f'["127.0.0.1:{port}"]'}})
    county.start()
    waiting = m.hand_in(COUNTY, *(statement(30 + i) for i in range(4)))
    ids = {s["id"] for s in waiting}
    city.wait("what waits", lambda: ids <= {r["id"] for r in city.records()})
    county.wait("some of it", lambda: (county.resource("33/half") or {}).get("present"))
    send_command(relay, "cut")
    half = county.resource("33/half")
    assert 0 < half["present"] < half["frames"], half
    waiting += m.hand_in(CITY, *(statement(40 + i) for i in range(2)))
    waiting += m.hand_in(COUNTY, *(statement(50 + i) for i in range(3)))
    kept["records"]["waiting"] = waiting
    kept["waiting_at_county"] = 3
    county.wait("no parent", lambda: not find(county.status(), "parent_up"))
    for node in (city, county):
        kept["audit"][node.code] = node.audit(limit=1000)
    county.kill9()
    assert city.stop() == 0
    assert os.path.getsize(os.path.join(county.dir, "data/guantong.db-wal")) > 0
    print(f"33/half: {half['present']} of {half['frames']} frames at the county")


def make(t):
    m = Making(t)
    t[PROVINCE].policy(layer(PROVINCE_RULES, "mirror"))
    t[CITY].policy(layer(CITY_RULES, "mirror"))
    t.start()
    m.publish("33/page", "document", {"page.html": 3000})
    m.publish("33/course", "course", {"index.html": 2000, "unit/课文.txt": 5000, "unit/empty": 0})
    m.publish("33/updated", "document", {"a.txt": 4000, "b.txt": 100})
    m.settle("33/updated")
    m.publish("33/updated", "document", {"a.txt": 4000, "c.txt": 200}, version=2)
    m.publish("33/withdrawn", "document", {"old.txt": 1000})
    t[COUNTY].wait_state("33/withdrawn", COMPLETE)
    t[PROVINCE].cli("withdraw", "33/withdrawn", "--reason", "out of date")
    m.publish("33/notice", "announcement", {})
    for name, kind in {"film": "video", "unasked": "video", "case": "case", "exam": "exam"}.items():
        m.publish("33/" + name, kind, {name: 2000})
    m.publish("3301/local", "document", {"local.txt": 1500}, at=CITY)
    t[COUNTY].wait("the film", lambda: t[COUNTY].resource("33/film"))
    t[COUNTY].cli("get", "33/film")
    run([guantong(), "pki", "revoke", "33-ou", t.pki])
    t[PROVINCE].cli("roster", "import", os.path.join(t.pki, "revoked-33-ou.bin"))
    for rid in STATES:
        if rid != "33/half":
            m.settle(rid)
    for code in CODES[1:]:
        t[code].cli("wait", "--until", "synced")
    kept = {"states": {rid: dict(zip(CODES, states)) for rid, states in STATES.items()}, "audit": {}}
    kept["records"] = records(m)
    leave(m, kept)
    kept["files"] = {rid: files for rid, files in m.files.items() if rid != "33/withdrawn"}
    kept["revoked"] = "33-ou"
    return kept


with Tree(CODES, start=False) as tree:
    kept = make(tree)
    with open(os.path.join(tree.dir, "kept.json"), "w") as f:
        json.dump(kept, f, ensure_ascii=False, indent=1)
    tar = ["tar", "-C", tree.dir, "--exclude=*.sock", "--exclude=run.json", "--owner=0", "--group=0", "-c"]
    tar += ["kept.json", "pki", *CODES]
    plain = subprocess.run(tar, check=True, capture_output=True).stdout
    packed = subprocess.run(["zstd", "-q", "--ultra", "-22", "--long=27"], input=plain, check=True, capture_output=True)
with open(archive, "wb") as f:
    f.write(packed.stdout)
print(f"{archive}: {len(plain)} bytes, {len(packed.stdout)} packed")
