"""What nodes hold of one person: guantong person find, export."""
import json
import os
import stat
import subprocess
import tempfile
import unittest

from test_records import post, statement
from tree import Tree, guantong

LI = {"mbox": "mailto:li@b.cn"}


def typed(node, text, *args):
    """The command with that on its standard input."""
    return subprocess.run([guantong(), "-C", node.dir, *args], input=text, text=True, capture_output=True,
                          env=dict(os.environ, LC_ALL="C.UTF-8", GUANTONG_LANG="en"), timeout=60)


class Person(unittest.TestCase):
    def test_found_wherever_he_is(self):
        with Tree(["33", "3301"]) as t:
            node = t["3301"]
            mine = statement(1, actor=LI)
            with_me = statement(2, context={"instructor": {"mbox": "mailto:LI@b.cn"}})
            of_me = statement(3, result={"response": "ask li@b.cn"})
            self.assertEqual(post(node, [mine, with_me, of_me, statement(4)]).status, 200)
            t["33"].wait("the records", lambda: len(t["33"].records()) == 4)
            for place in t["3301"], t["33"]:
                found = place.cli_json("person", "find", "li@b.cn")["found"]
                self.assertEqual([(r["id"], r["as"]) for r in found],
                                 [(mine["id"], "agent"), (with_me["id"], "agent"), (of_me["id"], "text")])
                self.assertEqual({r["part"] for r in found}, {"statement"})
                self.assertIn(mine["id"], place.cli("person", "find", "li@b.cn"))
            # who looked is in the log, whom he looked for is not
            rows = node.audit(event="note", subject="person-find")
            self.assertEqual([r["detail"] for r in rows], ["names=1", "names=1"])
            self.assertNotIn("li@b.cn", json.dumps(node.audit()))

    def test_a_file_that_only_the_asker_reads(self):
        with Tree(["33"]) as t, tempfile.TemporaryDirectory() as folder:
            node, out = t["33"], os.path.join(folder, "li.json")
            self.assertEqual(post(node, [statement(1, actor=LI)]).status, 200)
            # a name that is typed stands in no list of processes
            p = typed(node, "\nli@b.cn\r\n", "person", "export", "-", "-o", out)
            self.assertEqual((p.returncode, p.stderr), (0, ""))
            self.assertEqual(stat.S_IMODE(os.stat(out).st_mode), 0o600)
            with open(out, encoding="utf-8") as f:
                whole = json.load(f)
            self.assertEqual(whole["names"], ["li@b.cn"])
            self.assertEqual(whole["found"][0]["body"]["actor"], LI)
            self.assertNotEqual(node.cli("person", "export", "li@b.cn", "-o", out, ok=False).returncode, 0)
            self.assertIn("nothing here", node.cli("person", "find", "nobody@b.cn"))
            self.assertEqual(typed(node, "", "person", "find", "-").returncode, 2)
            self.assertEqual(node.cli("person", "find", " ", ok=False).returncode, 2)

    def test_erased_for_good(self):
        """Not a byte of his is left in the node's folder, and nobody brings it again."""
        with Tree(["33"]) as t:
            node = t["33"]
            name = b"learner-7c41"
            mine = [statement(i, actor={"mbox": f"mailto:{name.decode()}@b.cn"}) for i in range(40)]
            others = [statement(100 + i) for i in range(40)]
            for i in range(0, 40, 10):
                self.assertEqual(post(node, mine[i:i + 10] + others[i:i + 10]).status, 200)
            of_me = statement(200, result={"response": f"{name.decode()}@b.cn wrote"})
            self.assertEqual(post(node, [of_me]).status, 200)
            who = f"{name.decode()}@b.cn"
            self.assertIn("40", node.cli("person", "erase", who))
            self.assertEqual(len(node.records()), 81)
            said = node.cli_json("person", "erase", who, "--yes")
            self.assertEqual((said["statement"], said["kept"]), (40, 0))
            self.assertEqual([r["id"] for r in node.cli_json("person", "find", who)["found"]], [of_me["id"]])
            self.assertEqual(node.cli_json("person", "erase", who, "--yes", "--mentions")["statement"], 1)
            self.assertEqual(node.cli_json("person", "find", who)["found"], [])
            self.assertEqual(node.cli_json("status")["erased"], 41)
            self.assertIn("41 records", node.cli("status"))
            self.assertIn(b"\nguantong_records_erased 41\n", node.http("GET", "/metrics").body)
            # a terminal whose answer was lost brings it once more
            self.assertEqual(post(node, mine[:10]).status, 200)
            self.assertEqual({r["id"] for r in node.records()}, {s["id"] for s in others})
            rows = node.audit(event="erase")
            self.assertEqual([r["subject"] for r in rows], ["1", "2"])
            node.wait("the log to be ended", lambda: not self.left(node, name))
            node.stop()
            self.assertEqual(self.left(node, name), [])

    def test_told_to_the_nodes_above_and_below(self):
        """Erased in the middle; a node that is down learns of it when it is back."""
        with Tree(["33", "3301", "330106"], start=False) as t:
            t["3301"].configure({"link": {"heartbeat": "1s"}})
            t.start()
            sent = [statement(i, actor=LI) for i in range(5)] + [statement(9)]
            self.assertEqual(post(t["330106"], sent).status, 200)
            t["33"].wait("the records", lambda: len(t["33"].records()) == 6)
            t["330106"].stop()
            self.assertEqual(t["3301"].cli_json("person", "erase", "li@b.cn", "--yes")["statement"], 5)
            t["33"].wait("the province to erase", lambda: len(t["33"].records()) == 1)
            t["330106"].start()
            t["330106"].wait("the county to erase", lambda: len(t["330106"].records()) == 1)
            for code in "33", "330106":
                row = t[code].audit(event="erase")[0]
                self.assertEqual((row["peer"], row["detail"]), ("3301", "statements=5"))
            # and it comes back from nowhere
            self.assertEqual(post(t["330106"], sent).status, 200)
            extra = statement(10)
            self.assertEqual(post(t["330106"], [extra]).status, 200)
            t["33"].wait("what is new", lambda: len(t["33"].records()) == 2)
            self.assertEqual({r["id"] for r in t["33"].records()}, {sent[5]["id"], extra["id"]})

    @staticmethod
    def left(node, name):
        """Files of the node that hold these bytes."""
        found = []
        for folder, _, files in os.walk(node.dir):
            for f in files:
                path = os.path.join(folder, f)
                if os.path.isfile(path):
                    with open(path, "rb") as data:
                        if name in data.read():
                            found.append(path)
        return found


if __name__ == "__main__":
    unittest.main()
