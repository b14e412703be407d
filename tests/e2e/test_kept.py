"""A tree that an earlier program left is gone on with by this one: tests/kept."""
import glob
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from test_records import post, statement
from tree import CHAIN, ROOT, XAPI, Node, Tree, find, free_http_ports, free_ports, guantong, make_files, run

PROVINCE, CITY, COUNTY = CODES = CHAIN[:3]


class KeptNode(Node):
    """A node's directory as it was found, with a certificate and ports of today. What
    its configuration says nothing of follows from the one listener it names."""

    def init(self, parent_addresses, config):
        new = os.path.join(self.tree.pki, "nodes", self.code, "cert.pem")
        shutil.copy(new, os.path.join(self.dir, "pki/cert.pem"))
        sections = {
            "link": {"listen": f'"{self.listen}:{self.link_port}"'},
            "http": {"listen": f'"127.0.0.1:{self.http_port}"'},
        }
        if parent_addresses:
            sections["parent"] = {"addresses": json.dumps(parent_addresses)}
        self.configure(sections)


    def ports(self):
        return [*free_ports(1), *free_http_ports()]


class KeptTree(Tree):
    node = KeptNode

    def __init__(self, archive):
        self.dir = tempfile.mkdtemp(prefix="gt-")
        self.nodes, self.relays, self.mounts, self.insecure = {}, [], [], False
        self.pki = os.path.join(self.dir, "pki")
        plain = subprocess.run(["zstd", "-dcq", "--long=27", archive], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "--no-same-owner", "-C", self.dir], input=plain, check=True)
        with open(os.path.join(self.dir, "kept.json")) as f:
            self.kept = json.load(f)
        run([guantong(), "pki", "renew", self.pki])
        self.grow(CODES, None)


class Kept(unittest.TestCase):
    def test_every_tree_that_was_kept(self):
        archives = sorted(glob.glob(os.path.join(ROOT, "tests/kept/*.tar.zst")))
        self.assertTrue(archives)
        for archive in archives:
            with self.subTest(archive), KeptTree(archive) as t:
                self.assert_the_middle_of_something(t)
                t.start()
                self.assert_all(t)
                self.go_on(t)
                # and what this program made of it, once more
                for node in t:
                    self.assertEqual(node.stop(), 0)
                t.start()
                self.assert_all(t)

    def assert_the_middle_of_something(self, t):
        """The county alone: part of an object, and records that wait."""
        county = t[COUNTY]
        self.assertGreater(os.path.getsize(os.path.join(county.dir, "data/guantong.db-wal")), 0)
        county.start()
        half = county.resource("33/half")
        self.assertEqual(half["state"], "partial")
        self.assertTrue(0 < half["present"] < half["frames"], half)
        self.assertEqual(find(county.status(), "records_waiting"), t.kept["waiting_at_county"])
        self.assertEqual(county.stop(), 0)

    def assert_all(self, t):
        self.assert_resources(t)
        self.assert_records(t)
        self.assert_audit(t)
        for node in t:
            self.assertEqual(find(node.status(), "strangers"), 0, "an upgrade looked like a copy")
        standing = {m["code"]: m["standing"] for m in t[PROVINCE].cli_json("roster", "ls")["members"]}
        self.assertEqual({c for c, s in standing.items() if s == "revoked"}, {t.kept["revoked"]})

    def assert_resources(self, t):
        for rid, states in t.kept["states"].items():
            for code, state in states.items():
                node = t[code]
                node.wait(f"{rid} {state}, is {node.state(rid)}", lambda: node.state(rid) == state)
                for path, want in t.kept["files"].get(rid, {}).items():
                    if state == "listed":
                        continue  # to ask for it might be to fetch it
                    got = node.file(rid, path)
                    if state == "complete":
                        self.assertEqual(got.status, 200, f"{code} {rid} {path}")
                        self.assertEqual(hashlib.sha256(got.body).hexdigest(), want, f"{code} {rid} {path}")
                    else:
                        self.assertEqual(got.status // 100, 4, f"{code} {rid} {path}")

    def assert_records(self, t):
        kept = t.kept["records"]
        for code in CODES[1:]:
            t[code].cli("wait", "--until", "records-rooted")
        want = {s["id"]: s for s in kept["rooted"] + kept["waiting"] + kept.get("new", [])}
        rows = t[PROVINCE].records()
        self.assertEqual(sorted(r["id"] for r in rows), sorted(want), "lost, doubled or invented")
        for r in rows:
            for key, value in want[r["id"]].items():
                self.assertEqual(r["statement"][key], value)
        aside = t[CITY].admin("GET", "/admin/quarantine").json()["quarantine"]
        self.assertEqual([q["id"] for q in aside], [kept["quarantined"]])
        for parameter, status in ("statementId", 404), ("voidedStatementId", 200):
            a = t[PROVINCE].admin("GET", f"/xapi/statements?{parameter}={kept['voided']}", headers=XAPI)
            self.assertEqual(a.status, status, parameter)

    def assert_audit(self, t):
        """Every row of then, and nothing in it another."""
        for code, then in t.kept["audit"].items():
            now = {r["aid"]: r for r in t[code].cli_json("audit", "query")["rows"]}
            for row in then:
                self.assertEqual(row, {k: now[row["aid"]].get(k) for k in row})

    def go_on(self, t):
        """What is new crosses it both ways, and what was on demand comes."""
        src = os.path.join(t.dir, "new")
        want = make_files(src, {"new.bin": 300_000})
        t[PROVINCE].publish("33/new", src)
        t[COUNTY].wait_state("33/new", "complete")
        self.assertEqual(t[COUNTY].file("33/new", "new.bin").body, want["new.bin"])
        t[COUNTY].cli("get", "33/unasked")
        t.kept["states"]["33/unasked"][COUNTY] = "complete"
        new = [statement(90), statement(91)]
        self.assertEqual(post(t[COUNTY], new).status, 200)
        t.kept["records"]["new"] = new
        self.assert_records(t)


if __name__ == "__main__":
    unittest.main()
