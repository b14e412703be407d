"""Nodes of version N beside nodes of N-1: a node is held to the older protocol by
its configuration, which makes it do all things as that version does."""
import os
import unittest

import test_records
from test_records import post, statement
from tree import Tree, make_files

CODES = ["33", "3301", "330106"]
FIRST, SECOND, THIRD = "33/first", "33/second", "33/third"
NEWEST = 6


def transfers(t, child):
    """[(fetch rows, serve rows)] of each transfer between a node and its parent."""
    parent = t[child].parent
    fetched = [r for r in t[child].audit(event="fetch") if r["result"] == "ok"]
    served = [r for r in parent.audit(event="serve") if r["peer"] == child]
    names = {r["transfer"] for r in fetched + served}
    return [
        ([r for r in fetched if r["transfer"] == n], [r for r in served if r["transfer"] == n]) for n in sorted(names)
    ]


def told(t, child, count):
    """Waits until so many transfers of the child are in both books."""
    both = lambda: [p for p in transfers(t, child) if p[0] and p[1]]
    t[child].parent.wait(f"{count} transfers of {child}", lambda: len(both()) >= count)
    return both()


class Versions(unittest.TestCase):
    assert_once = test_records.ExactlyOnce.assert_once

    def spread(self, t, rid, seed):
        src = os.path.join(t.dir, rid.replace("/", "-"))
        want = make_files(src, {"a.bin": 700_000, "b.txt": 900}, seed=seed)
        t["33"].publish(rid, src)
        for code in CODES:
            t[code].wait_state(rid, "complete")
            self.assertEqual(t[code].file(rid, "a.bin").body, want["a.bin"])

    def assert_books(self, t, rid, version, count):
        """Each transfer is at both ends once, of the same object. That of rid, under
        version 2, with one figure; before, the child's stands in the detail."""
        object_id = t["33"].resource(rid)["object"]
        for child in CODES[1:]:
            pairs = told(t, child, count)
            self.assertEqual(len(pairs), len(transfers(t, child)))
            for fetched, served in pairs:
                self.assertEqual((len(fetched), len(served)), (1, 1), pairs)
                self.assertEqual(fetched[0]["subject"], served[0]["subject"])
            fetched, served = next(p for p in pairs if p[0][0]["subject"] == object_id)
            self.assertIn(f"protocol={version} ", fetched[0]["detail"])
            if version >= 2:
                self.assertEqual(fetched[0]["bytes"], served[0]["bytes"])
                self.assertIn(f"protocol={version} ", served[0]["detail"])
            else:
                self.assertIn(f"child counts {fetched[0]['bytes']} bytes", served[0]["detail"])

    @staticmethod
    def held(protocol=1):
        """Three levels, of which the middle one is held to an older version."""
        t = Tree(CODES, start=False)
        t["3301"].configure({"link": {"protocol": protocol}})
        return t.start()

    def test_one_held_back_between_two(self):
        with self.held() as t:
            self.assertIn("protocol", t["3301"].cli("config", "show"))
            self.spread(t, FIRST, 1)
            sent = [statement(i) for i in range(20)]
            self.assertEqual(post(t["330106"], sent).status, 200)
            self.assert_once(t["33"], sent)
            self.assert_books(t, FIRST, 1, 1)
            t["33"].cli("withdraw", FIRST)
            t["330106"].wait("the withdrawal", lambda: t["330106"].state(FIRST) != "complete")

    def test_one_held_to_the_version_before(self):
        with self.held(NEWEST - 1) as t:
            self.spread(t, FIRST, 1)
            self.assert_books(t, FIRST, NEWEST - 1, 1)

    def test_upgraded_and_back_while_things_move(self):
        with self.held() as t:
            self.spread(t, FIRST, 1)
            self.assert_books(t, FIRST, 1, 1)
            sent = [statement(i) for i in range(10)]
            self.assertEqual(post(t["330106"], sent).status, 200)
            # upgraded in the middle of it all, and once more killed as the newest
            self.restart(t["3301"], 0)
            self.spread(t, SECOND, 2)
            self.assert_books(t, SECOND, NEWEST, 2)
            t["3301"].kill9()
            sent += [statement(100 + i) for i in range(10)]
            self.assertEqual(post(t["330106"], sent[10:]).status, 200)
            t["3301"].start()
            # and back to the version before on the same data
            self.restart(t["3301"], 1)
            self.spread(t, THIRD, 3)
            self.assert_books(t, THIRD, 1, 3)
            self.assert_once(t["33"], sent)

    @staticmethod
    def restart(node, protocol):
        node.stop()
        node.configure({"link": {"protocol": protocol}})
        node.start()
        node.wait_connected()


if __name__ == "__main__":
    unittest.main()
