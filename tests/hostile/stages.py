"""The stages on which the rogues play: real daemons, and what must hold."""
import base64
import contextlib
import json
import os
import uuid

from tree import XAPI, Tree, find, make_files

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


STAGES = {"terminal": Terminal}
