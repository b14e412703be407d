"""Below a revoked node it is heard of: a node above the parent is asked for the roster."""
import os
import re
import unittest

from tree import CHAIN, Tree, guantong, run


class Above(unittest.TestCase):
    def told(self, node):
        node.wait("it is told", lambda: "the roster revokes 3301" in node.log())
        f = node.wait("the fault", lambda: node.status()["parent_fault"])
        self.assertEqual((f["kind"], f["why"]), ("revoked", "the roster revokes our parent"))
        self.assertTrue(node.status()["node"]["parent_revoked"])
        rows = dict(re.findall(r'guantong_parent_fault\{kind="([a-z-]+)"\} (\d)', node.http("GET", "/metrics").body.decode()))
        self.assertEqual([k for k, v in rows.items() if v == "1"], ["revoked"])
        self.assertIn("the roster revokes our parent", node.cli("status", "--lang", "en"))
        self.assertIn("the roster revokes our parent", node.http("GET", "/?lang=en").body.decode())

    def revoked(self, insecure, every, stop):
        with Tree(CHAIN[:3], insecure=insecure, start=False) as t:
            top, mid, low = t["33"], t["3301"], t["330106"]
            low.configure({"parent": {"above": f'["127.0.0.1:1", "127.0.0.1:{top.link_port}"]', "above_every": every},
                           "link": {"dead": "1s", "heartbeat": "300ms", "insecure": str(insecure).lower()}})
            t.start()
            run([guantong(), "pki", "revoke", "3301", t.pki])
            top.cli("roster", "import", os.path.join(t.pki, "revoked-3301.bin"))
            if stop:
                mid.stop()
            self.told(low)
            self.assertEqual([m["standing"] for m in low.cli_json("roster", "ls")["members"] if m["code"] == "3301"], ["revoked"])

    def test_the_parent_is_there(self):
        """and says nothing of it: it goes on as if it were not revoked."""
        self.revoked(False, "2s", False)

    def test_the_parent_is_gone(self):
        self.revoked(False, "1d", True)

    def test_without_certificates(self):
        self.revoked(True, "2s", False)


if __name__ == "__main__":
    unittest.main()
