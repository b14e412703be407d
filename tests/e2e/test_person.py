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


if __name__ == "__main__":
    unittest.main()
