"""What travels again after a restore: only what differs (PROTOCOL.md, M54)."""
import os
import shutil
import sqlite3
import unittest

import test_records
from test_copies import Copies
from test_records import post, statement
from tree import Node, Tree, carried, find, restored

CITY, COUNTY, MANY = "3301", "330106", 6000


class Resent(unittest.TestCase):
    assert_once = test_records.ExactlyOnce.assert_once

    def grown(self, t):
        """A county with many records behind a relay that counts, its city."""
        city = t[CITY]
        relay, port = t.relay(city.link_port)
        county = t.nodes[COUNTY] = Node(t, COUNTY, city, to=port)
        county.start().wait_connected()
        sent = []
        for first in range(0, MANY, 100):
            batch = [statement(i, context={"platform": "x" * 300}) for i in range(first, first + 100)]
            self.assertEqual(post(county, batch).status, 200)
            sent += batch
        self.all_at(city, county, MANY)
        return city, county, relay, sent

    def all_at(self, city, county, n):
        city.wait(f"{n} records", lambda: int(city.status()["records"]["count"]) >= n, 60)
        county.wait("nothing waits", lambda: find(county.status(), "records_waiting") == 0, 60)

    def held(self, node):
        """Bytes of the records it holds: on the wire they are packed, the names of few are not."""
        with sqlite3.connect(os.path.join(node.dir, "data", "guantong.db")) as db:
            (held,) = db.execute("SELECT sum(length(body)) FROM record").fetchone()
        db.close()
        return held

    def resent(self, relay, before, whole):
        """Of what is held."""
        part = (carried(relay) - before) / whole
        print(f"resent {100 * part:.2f} % of {whole} bytes")
        return part

    def forget(self, node, which):
        node.stop()
        with sqlite3.connect(os.path.join(node.dir, "data", "guantong.db")) as db:
            db.execute(f"DELETE FROM record WHERE {which}")
            (left,) = db.execute("SELECT count(*) FROM record").fetchone()
        db.close()
        node.start()
        return left

    def test_only_what_differs(self):
        with Tree(["33", CITY]) as t:
            city, county, relay, sent = self.grown(t)
            whole = self.held(city)
            # nothing does: the county says that it was restored
            county.stop()
            before = carried(relay)
            restored(county)
            county.wait_connected()
            self.all_at(city, county, MANY)
            self.assertLess(self.resent(relay, before, whole), 0.01)
            # one of a hundred does
            self.assertEqual(self.forget(city, "seq % 100 = 37"), MANY - MANY // 100)
            county.wait_connected()
            county.stop()
            before = carried(relay)
            restored(county)
            county.wait_connected()
            self.all_at(city, county, MANY)
            self.assertLess(self.resent(relay, before, whole), 0.05)
            self.assert_once(city, sent)
            self.assert_once(t["33"], sent)

    def test_behind_a_backup_without_a_word(self):
        with Tree(["33", CITY]) as t:
            city, county, relay, sent = self.grown(t)
            whole = self.held(city)
            city.stop()
            kept = shutil.copytree(os.path.join(city.dir, "data"), city.dir + ".kept")
            city.start()
            county.wait_connected()
            late = [statement(i) for i in range(MANY // 100)]
            self.assertEqual(post(county, late).status, 200)
            self.all_at(city, county, MANY + len(late))
            before = carried(relay)
            Copies.put_back(city, kept)
            self.all_at(city, county, MANY + len(late))
            self.assertLess(self.resent(relay, before, whole), 0.05)
            self.assert_once(city, sent + late)
            self.assert_once(t["33"], sent + late)


if __name__ == "__main__":
    unittest.main()
