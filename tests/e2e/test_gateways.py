"""A place with more than one node: whoever is under it may dial any of them."""
import json
import os
import tempfile
import unittest

from tree import Node, Tree, find, guantong, layer, make_files, run
from test_records import post, statement

RID = "33/lesson"
MEMBERS = """\
nodes:
  - {code: "33", level: province}
  - {code: "33-a", level: province, parent: "33"}
  - {code: "3301", level: city}
  - {code: "330106", level: county}
"""


class Gateways(Tree):
    """3301 lies in 33 and dials 33-a, which dials 33."""

    def grow(self, codes, config):
        parent = None
        for code in "33", "33-a", "3301", "330106":
            parent = self.nodes[code] = Node(self, code, parent, config=config)


class SecondGateway(unittest.TestCase):
    def setUp(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as f:
            f.write(MEMBERS)
        self.addCleanup(os.unlink, f.name)
        self.addCleanup(setattr, Gateways, "members", Gateways.members)
        Gateways.members = f.name

    def test_children_of_the_place_dial_33_a(self):
        """All goes down through it and all comes up; when it is gone, the city goes on
        at 33 itself: nothing is lost, nothing is there twice."""
        with Gateways(start=False) as t:
            top, gate, city, county = t
            either = [f"127.0.0.1:{n.link_port}" for n in (gate, top)]
            city.configure({"parent": {"addresses": json.dumps(either)}})
            top.policy(layer([], "mirror"))
            # the first address answers, so the second is not tried
            for node in t:
                node.start()
            for node in gate, city, county:
                node.cli("wait", "--until", "connected")
            self.assertEqual([c["code"] for c in find(gate.status(), "children")], ["3301"])
            folder = os.path.join(t.dir, "lesson")
            made = make_files(folder, {"a.bin": 300000})
            top.publish(RID, folder)
            county.wait_state(RID, "complete")
            self.assertEqual(county.file(RID, "a.bin").body, made["a.bin"])
            sent = [statement(i) for i in range(3)]
            self.assertEqual(post(county, sent).status, 200)
            top.wait("the county's records", lambda: len(top.records()) == 3)
            self.assertEqual(len(gate.records()), 3)
            self.assertEqual(gate.stop(), 0)
            more = [statement(10 + i) for i in range(2)]
            self.assertEqual(post(county, more).status, 200)
            top.wait("what came without the gateway", lambda: len(top.records()) == 5)
            ids = [s["id"] for s in sent + more]
            self.assertEqual(sorted(r["id"] for r in top.records()), sorted(ids))

    def test_a_parent_that_is_not_the_rosters(self):
        """guantong config check says so; another node of the same place is right."""
        with Gateways(start=False) as t:
            city, county = t["3301"], t["330106"]
            for code in '"33"', '"33-a"':
                city.configure({"parent": {"code": code}})
                self.assertIn("ok", city.cli("config", "check"))
            self.assertIn("ok", county.cli("config", "check"))
            county.configure({"parent": {"code": '"33-a"'}})
            p = run([guantong(), "-C", county.dir, "config", "check"], ok=False)
            self.assertEqual(p.returncode, 1)
            self.assertIn("parent.code: `33-a` is not the parent that the tree names for 330106: that is 3301,", p.stderr)


if __name__ == "__main__":
    unittest.main()
