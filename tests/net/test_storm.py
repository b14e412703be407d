"""Thirty children of one parent, cut off and restored all at once."""
import os
import time

from spaces import NetCase, NetTree
from test_records import post, statement
from tree import find

CHILDREN = 30


class Star(NetTree):
    """One parent; all children behind one link, as in one street's cabinet."""

    heartbeat, dead = 1, 3
    codes = ["33"] + [f"33{i:02}" for i in range(1, CHILDREN + 1)]

    @property
    def members(self):
        path = os.path.join(self.dir, "tree.yaml")
        with open(path, "w") as f:
            f.write("nodes:\n  - {code: \"33\", level: province, name: P}\n")
            f.writelines(f"  - {{code: \"{c}\", level: city, name: C}}\n" for c in self.codes[1:])
        return path

    def grow(self, codes, config):
        for code in codes:
            self.nodes[code] = self.node(self, code, self.nodes.get("33"), config=config)

    def place(self, code, parent):
        if not parent:
            return super().place(code, parent)
        if not self.net.links:
            self.net.link(parent.space, self.net.space("children"), rate=100_000, delay=5)
        return self.net.links[0].spaces[1], self.net.links


class Storm(NetCase):
    def links_made(self, parent):
        return sum(r["event"] == "link" and r["detail"] == "up" for r in parent.audit(limit=1000))

    def test_thirty_children_restored_at_once(self):
        with Star(Star.codes) as t:
            parent = t["33"]
            children = [n for n in t if n is not parent]
            link = t.net.links[0]
            began = time.monotonic()
            link.cut()
            sent = [statement(i) for i in range(len(children))]
            for n, s in zip(children, sent):
                self.assertEqual(post(n, s).status, 200)
            for n in children:
                n.wait("the parent to be found dead", lambda: not find(n.status(), "parent_up"))
            parent.wait("all to be found dead", lambda: find(parent.status(), "children_up") == 0)
            self.say(f"all found dead after {time.monotonic() - began:.1f} s")
            before = self.links_made(parent)
            parent.publish("33/note", None, type="announcement")
            began = time.monotonic()
            link.restore()
            came = []
            while len(came) < len(children):
                up = find(parent.status(), "children_up")
                came += [time.monotonic() - began] * (up - len(came))
                parent.wait("the next", lambda: find(parent.status(), "children_up") > up or up == len(children), 30)
            self.say(f"the first back after {came[0]:.1f} s, half {came[len(came) // 2]:.1f} s, all {came[-1]:.1f} s")
            # not one wave, and nobody twice
            self.assertGreater(came[-1] - came[0], 0.2)
            self.assertEqual(self.links_made(parent) - before, len(children))
            for n in children:
                n.wait_state("33/note", ("listed", "complete"))
            parent.wait("every record", lambda: len(parent.records()) >= len(sent))
            self.assertEqual(sorted(r["id"] for r in parent.records()), sorted(s["id"] for s in sent))
