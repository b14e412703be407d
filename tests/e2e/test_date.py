"""Dates of the tree: renewed through every node, and what a node does that hears of none."""
import os
import shutil
import unittest

from tree import CHAIN, Tree, guantong, make_files, run


def date(node):
    return node.status()["node"]["date"]


class Date(unittest.TestCase):
    def sign(self, t):
        """The province gets a date key."""
        run([guantong(), "pki", "date", t.pki])
        shutil.copy(os.path.join(t.pki, "nodes/33/date.key"), os.path.join(t["33"].dir, "pki"))
        t["33"].stop()
        t["33"].start()
        t["33"].cli("roster", "import", os.path.join(t.pki, "date-33.bin"))

    def test_a_tree_gets_dates(self):
        with Tree(CHAIN[:3], config={"link": {"heartbeat": "300ms"}}) as t:
            low = t["330106"]
            self.assertIsNone(date(low))
            self.sign(t)
            d = low.wait("a date", lambda: (date(low) or {}).get("at") and date(low))
            self.assertEqual((d["state"], d["missed"]), ("good", False))
            self.assertEqual(d["at"], date(t["33"])["at"])
            self.assertIn("guantong_date_age_seconds ", low.http("GET", "/metrics").body.decode())
            self.assertNotIn("date      ", low.cli("status", "--lang", "en"))
            # it is there after a restart
            low.stop()
            low.start()
            self.assertEqual(date(low)["at"], d["at"])

    def test_cut_off_and_taken_up_again(self):
        with Tree(CHAIN[:2], config={"link": {"heartbeat": "300ms"}, "trust": {"date_warn": "1s", "date_limit": "1s"}}) as t:
            top, low = t["33"], t["3301"]
            folder = os.path.join(t.dir, "files")
            make_files(folder, {"index.html": 100})
            top.publish("here", folder)
            low.wait_state("33/here", "complete")
            self.sign(t)
            # the next date is an hour away
            low.wait("it is cut off", lambda: (date(low) or {}).get("state") == "too-old")
            self.assertIn("no new entries are taken", low.log())
            self.assertIn("trust.date_limit", low.cli("status", "--lang", "en"))
            self.assertIn("trust.date_limit", low.http("GET", "/?lang=en").body.decode())
            self.assertIn("guantong_date_too_old 1", low.http("GET", "/metrics").body.decode())
            top.publish("new", folder)
            low.wait("it is refused", lambda: date(low)["missed"])
            self.assertEqual(low.audit(subject="33/new")[-1]["result"], "UNDATED")
            # readers are served all that is there
            self.assertEqual(low.http("GET", "/c/33/here/index.html").status, 200)
            self.assertEqual(low.http("GET", "/api/resources/33/new").status, 404)
            # a date by hand, from a node that has a newer one; long enough to compare
            low.stop()
            low.configure({"trust": {"date_warn": "1h", "date_limit": "1h"}})
            low.start()
            low.wait_state("33/new", "complete")
            low.wait("all is there", lambda: not date(low)["missed"])

    def test_carried_by_hand(self):
        with Tree(CHAIN[:2], config={"link": {"heartbeat": "300ms"}}) as t:
            top, low = t["33"], t["3301"]
            low.stop()
            self.sign(t)
            low.configure({"parent": {"addresses": '["127.0.0.1:1"]'}})
            low.start()
            self.assertIsNone(date(low))
            file = os.path.join(t.dir, "roster.bin")
            top.cli("roster", "export", file)
            low.cli("roster", "import", file)
            self.assertEqual(date(low)["at"], date(top)["at"])


if __name__ == "__main__":
    unittest.main()
