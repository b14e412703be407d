"""The stages on which the rogues play: real daemons, and what must hold."""
import base64
import json
import os
import shutil
import tempfile
import uuid

import wire
from tree import XAPI, Failed, Tree, free_ports, guantong, layer, make_files, release_ports, run

HERE = os.path.dirname(os.path.abspath(__file__))
BIG = 4 << 20
SECRET = "only-for-readers"


def statement(word="good"):
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": f"mailto:{word}@example.cn"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": f"https://xuexi.example.cn/{word}"},
    }


class GoodTerminal:
    """Hands in, reads a page, a file, its own records; under a name of its own."""

    def __init__(self, node, rid):
        self.node = node
        self.rid = rid
        self.sent = []
        secret = node.cli_json("credential", "add", "school")["secret"]
        word = base64.b64encode(f"school:{secret}".encode()).decode()
        self.headers = dict(XAPI, Authorization="Basic " + word)

    def ask(self, method, path, body=None, **more):
        return self.node.http(method, path, body, dict(self.headers, **more), timeout=30)

    def hand_in(self):
        s = statement()
        a = self.ask("POST", "/xapi/statements", json.dumps(s))
        if a.status == 200:
            self.sent.append(s["id"])
        return a.status == 200

    def read_back(self):
        return not self.sent or self.ask("GET", "/xapi/statements?statementId=" + self.sent[-1]).status == 200

    def page(self):
        return self.ask("GET", "/").status == 200

    def file(self):
        a = self.ask("GET", f"/c/{self.rid}/small.bin")
        return a.status == 200 and len(a.body) == 3000

    def part(self):
        return self.ask("GET", f"/c/{self.rid}/big.bin", Range="bytes=1000000-1000999").status == 206

    def requests(self):
        return [self.hand_in, self.read_back, self.page, self.file, self.part]


class Terminal:
    """A city below its province; a school hands in and reads while strangers attack
    the city's HTTP."""

    program = "rogue_terminal.py"
    rid = "33/course"

    def __init__(self, stack):
        self.tree = stack.enter_context(Tree(["33", "3301"]))
        self.top, self.node = self.tree["33"], self.tree["3301"]
        src = os.path.join(self.tree.dir, "src")
        make_files(src, {"big.bin": BIG, "small.bin": 3000})
        self.top.publish(self.rid, src)
        self.node.wait_state(self.rid, "complete")
        self.good = GoodTerminal(self.node, self.rid)
        self.victim = statement(SECRET)
        assert self.good.ask("POST", "/xapi/statements", json.dumps(self.victim)).status == 200
        self.good.sent.append(self.victim["id"])
        self.node.cli("credential", "add", "report", "--role", "reader")
        self.strangers = 0

    def context(self):
        n = self.node
        return {
            "http": n.http_port,
            "content": n.content_port,
            "staff": n.staff_port,
            "rid": self.rid,
            "file": "big.bin",
            "secret": SECRET,
            "victim": self.victim["id"],
        }

    def requests(self):
        return self.good.requests()

    def after(self, did):
        """What was acknowledged is here, and comes to the province; nothing of it
        was voided."""
        self.strangers += did.get("acknowledged", 0)
        for n in (self.node, self.top):
            n.wait("every record", lambda: n.metrics()["guantong_records"] >= len(self.good.sent) + self.strangers)

    def last(self):
        rows = {r["id"]: r for r in self.top.records()}
        assert all(i in rows for i in self.good.sent), "a record of the good terminal was lost"
        assert not any(r["voided"] for r in rows.values()), "a record was voided"
        names = {r["statement"]["authority"]["account"]["name"] for r in rows.values()}
        assert names <= {"school", "terminal"}, f"a stranger is vouched for: {names}"


class GoodChild:
    """A neighbour by hand, so that its questions can be timed, and a real one whose
    terminal's records have to come up and to which what is published has to come
    down."""

    def __init__(self, node, daemon, folder, name):
        self.node = node
        self.daemon = daemon
        self.me = wire.Identity(os.path.basename(folder), folder)
        self.name = name
        self.link = None
        self.sent = []

    def ask(self, kind, **fields):
        """A question on the link, which is made anew if it is gone."""
        try:
            if not self.link:
                self.link = wire.session(self.node.link_port, self.me, self.node.code)
                wire.catch_up(self.link)
            return self.link.ask(kind, **fields)
        except OSError:
            if self.link:
                self.link.close()
            self.link = None
            raise

    def changes(self):
        link = self.link
        return self.ask("changes", epoch=link.epoch if link else b"e" * 16, after=link.after if link else 0, wait_ms=1)[0] == "changes"

    def manifest(self):
        return self.ask("manifest", object=bytes.fromhex(self.name), transfer=b"g" * 16)[0] == "manifest"

    def frame(self):
        kind, _, payload = self.ask("frame", object=bytes.fromhex(self.name), frame=1, transfer=b"g" * 16)
        return kind == "frame" and len(payload) > 1000

    def record(self):
        """Handed in below, it is here."""
        s = statement()
        if self.daemon.http("POST", "/xapi/statements", json.dumps(s), XAPI).status != 200:
            return False
        self.sent.append(s["id"])
        self.node.wait("a record", lambda: self.here(s["id"]))
        return True

    def here(self, sid):
        return self.node.admin("GET", "/xapi/statements?statementId=" + sid, headers=XAPI).status == 200

    def requests(self):
        return [self.changes, self.manifest, self.frame, self.record]


MEMBERS = """nodes:
  - {code: "33", level: province}
  - {code: "3301", level: city}
  - {code: "330106", level: county}
  - {code: "330106109", level: township}
  - {code: "330106110", level: township}
  - {code: "330107", level: county}
  - {code: "330108", level: county}
  - {code: "330108109", level: township}
  - {code: "330109", level: county}
"""


class Grove(Tree):
    """Nodes with a few members more than there are daemons."""

    def __init__(self, codes):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(MEMBERS)
            f.flush()
            self.members = f.name
            super().__init__(codes, start=False)

    def keys(self, code):
        return os.path.join(self.pki, "nodes", code)


class Child:
    """A city with a real county below it and another one by hand; a third county, and
    what lies below it, are the rogue's."""

    program = "rogue_child.py"

    def __init__(self, stack):
        self.tree = stack.enter_context(Grove(["33", "3301", "330106"]))
        self.top, self.node, low = (self.tree[c] for c in ("33", "3301", "330106"))
        rule = {"name": "not-for-330108", "to": ["330108*"], "when": {"keyword": "secret"}, "verdict": "deny"}
        self.top.policy(layer([rule], "mirror"))
        self.tree.start()
        src = os.path.join(self.tree.dir, "src")
        make_files(src, {"big.bin": 2 << 20, "small.bin": 3000})
        self.top.publish("33/course", src)
        make_files(src, {"big.bin": 300_000}, seed=2)
        self.top.publish("33/secret", src, keyword="secret")
        for rid in ("33/course", "33/secret"):
            self.node.wait_state(rid, "complete")
        run([guantong(), "pki", "revoke", "330109", self.tree.pki])
        self.top.cli("roster", "import", os.path.join(self.tree.pki, "revoked-330109.bin"))
        self.node.wait("the revocation", lambda: "revoked" in [m["standing"] for m in self.members()])
        self.wrong = self.wrong_keys()
        allowed = self.node.resource("33/course")["object"]
        self.good = GoodChild(self.node, low, self.tree.keys("330107"), allowed)
        self.published = 0
        self.versions = self.issued()

    def members(self):
        return self.node.admin("GET", "/admin/members").json()["members"]

    def wrong_keys(self):
        """Folders of an expired member of this tree, and of another tree's."""
        with open(os.path.join(self.tree.dir, "tree.yaml"), "w") as f:
            f.write(MEMBERS)
        other, old = (os.path.join(self.tree.dir, d) for d in ("other", "old"))
        run([guantong(), "pki", "create", f.name, other])
        shutil.copytree(self.tree.pki, old)
        run(["faketime", "2020-01-01 00:00:00", guantong(), "pki", "renew", old, "330108"])
        return {"expired": os.path.join(old, "nodes/330108"), "stranger": os.path.join(other, "nodes/330108")}

    def issued(self):
        """Versions of the course its publisher wrote down."""
        return len([r for r in self.top.audit(event="publish", limit=1000) if r["subject"] == "33/course"])

    def context(self):
        return {
            "port": self.node.link_port,
            "parent": "3301",
            "own": ("330108", self.tree.keys("330108")),
            "below": ("330108109", self.tree.keys("330108109")),
            "revoked": ("330109", self.tree.keys("330109")),
            **{k: ("330108", v) for k, v in self.wrong.items()},
            "denied": self.node.resource("33/secret")["object"],
            "allowed": self.good.name,
            "frames": 4,
        }

    def requests(self):
        return self.good.requests()

    def after(self, did):
        """What is published now comes to the good child; no reader meets an error; what
        a child said it had given up brought forth no storm of versions."""
        self.published += 1
        rid = f"33/news-{self.published}"
        self.top.publish(rid, None, type="announcement")
        self.good.daemon.wait_state(rid, ("listed", "complete"))
        for n in (self.node, self.top):
            a = n.admin("GET", "/xapi/statements?limit=500", headers=XAPI)
            if a.status != 200 or not isinstance(a.json()["statements"], list):
                raise Failed(f"records of {n.code} cannot be read: {a.status} {a.body[:200]}")
        if self.issued() > self.versions + 3:
            raise Failed(f"{self.issued()} versions of the course, {self.versions} before")
        if self.top.resource("33/course")["version"] >= 1 << 53:
            raise Failed("a version beyond 2^53")

    def last(self):
        self.good.link and self.good.link.close()
        self.top.wait("every record", lambda: set(self.good.sent) <= {r["id"] for r in self.top.records()})
        ids = [r["id"] for r in self.top.records()]
        assert len(ids) == len(set(ids)), "a record is here twice"
        strange = [r for r in self.top.records() if r["origin"] == "330108" and "actor" not in r["statement"]]
        assert not strange, f"what is no record was passed on: {strange[:1]}"


class Parent:
    """A county whose city is the rogue's, with a real township below it and another one
    by hand. In the end the true city comes back."""

    program = "rogue_parent.py"

    def __init__(self, stack):
        self.tree = stack.enter_context(Grove(["33", "3301", "330106", "330106109"]))
        self.top, self.city, self.node, low = self.tree
        # the more addresses, the sooner the child comes back
        self.ports = [self.city.link_port, *free_ports(7)]
        stack.callback(release_ports, *self.ports[1:])
        self.node.configure({"parent": {"addresses": json.dumps([f"127.0.0.1:{p}" for p in self.ports])}})
        rule = {"name": "not-for-330106", "to": ["330106*"], "when": {"keyword": "secret"}, "verdict": "deny"}
        self.top.policy(layer([rule], "mirror"))
        self.tree.start()
        src = os.path.join(self.tree.dir, "src")
        make_files(src, {"big.bin": 2 << 20, "small.bin": 3000})
        self.top.publish("33/course", src)
        make_files(src, {"big.bin": 3000}, seed=2)
        self.top.publish("33/small", src)
        for n in (self.node, low):
            for rid in ("33/course", "33/small"):
                n.wait_state(rid, "complete")
        self.city.stop()
        self.good = GoodChild(self.node, low, self.tree.keys("330106110"), self.node.resource("33/course")["object"])

    def context(self):
        return {
            "ports": self.ports,
            "own": ("3301", self.tree.keys("3301")),
            "top": ("33", self.tree.keys("33")),
            "child": "330106",
        }

    def before(self):
        """Begun anew, both dial at once, however often they have been refused before."""
        for n in (self.node, self.good.daemon):
            n.kill9()
        for n in (self.node, self.good.daemon):
            n.start()
        self.good.daemon.wait_connected()

    def requests(self):
        return self.good.requests()

    def after(self, did):
        """What may be here of what was told is; nothing that is denied or forged, nor
        below; what was here before is."""
        for rid in ["33/plain"] if did.get("plain") else []:
            self.node.wait_state(rid, ("listed", "complete"))
        for n in (self.node, self.good.daemon):
            for i in range(50):
                for rid in (f"33/secret-{i}", f"33/forged-{i}"):
                    if n.resource(rid):
                        raise Failed(f"{n.code} lists {rid}")
            if n.state("33/course") != "complete":
                raise Failed(f"{n.code} lost the course: {n.state('33/course')}")

    def last(self):
        """The true city: everything comes down, every record up, once."""
        self.good.link and self.good.link.close()
        self.city.start()
        self.top.publish("33/after", None, type="announcement")
        for n in (self.node, self.good.daemon):
            n.wait_state("33/after", ("listed", "complete"))
            n.wait_state("33/small", "complete")
        want = set(self.good.sent)
        self.top.wait("every record", lambda: want <= {r["id"] for r in self.top.records()})
        ids = [r["id"] for r in self.top.records()]
        assert len(ids) == len(set(ids)), "a record is here twice"


STAGES = {"terminal": Terminal, "child": Child, "parent": Parent}
