"""Learner records up the tree: exactly once, whatever is killed."""
import hashlib
import json
import os
import sqlite3
import unittest
import uuid

from tree import CHAIN, XAPI, Tree, find


def statement(n, **more):
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": f"mailto:learner{n}@example.cn"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"zh-CN": "完成"}},
        "object": {"id": f"https://xuexi.example.cn/lesson/{n}"},
        "result": {"score": {"scaled": 0.1 * (n % 10)}, "extensions": {"https://xuexi.example.cn/n": n}},
        **more,
    }


def post(node, body):
    return node.http("POST", "/xapi/statements", json.dumps(body, ensure_ascii=False).encode(), XAPI)


class ExactlyOnce(unittest.TestCase):
    def assert_once(self, root, sent):
        want = {s["id"]: s for s in sent}
        root.wait(f"{len(want)} records", lambda: len(root.records()) >= len(want))
        rows = root.records()
        ids = [r["id"] for r in rows]
        self.assertEqual(sorted(ids), sorted(want), "lost, doubled or invented")
        for r in rows:
            for key, value in want[r["id"]].items():
                self.assertEqual(r["statement"][key], value)

    def test_through_the_death_of_every_node(self):
        """Statements go in at two levels while each node of the chain is killed
        and started again; every acknowledged one is at the root once."""
        with Tree() as t:
            sent = []
            for round_, code in enumerate(CHAIN):
                for where in ("330106109210", "330106109"):
                    batch = [statement(100 * round_ + i) for i in range(7)]
                    self.assertEqual(post(t[where], batch).status, 200)
                    sent += batch
                t[code].kill9()
                for where in ("330106109210", "330106109"):
                    if where != code:
                        one = statement(100 * round_ + 50)
                        self.assertEqual(post(t[where], one).status, 200)
                        sent.append(one)
                t[code].start()
            self.assert_once(t["33"], sent)
            village = t["330106109210"]
            village.wait("every record to be known at the root", lambda: self.unrooted(village) == 0)

    @staticmethod
    def unrooted(node):
        return find(node.status(), "records_unrooted")

    def test_handed_in_while_the_link_is_down(self):
        with Tree(CHAIN[:3]) as t:
            t["3301"].kill9()
            sent = [statement(i) for i in range(120)]
            for i in range(0, 120, 40):
                self.assertEqual(post(t["330106"], sent[i : i + 40]).status, 200)
            t["330106"].kill9()
            t["330106"].start()
            self.assertEqual(len(t["330106"].records()), 120)
            t["3301"].start()
            self.assert_once(t["33"], sent)


def leaf(p):
    """What a seal is over, as PROTOCOL.md M49 has it."""
    return hashlib.sha256(
        b"\0"
        + uuid.UUID(p["id"]).bytes
        + bytes.fromhex(p["body"])
        + p["flags"].to_bytes(4, "big")
        + p["stored_ms"].to_bytes(8, "big")
        + p["origin"].encode() + b"\0"
        + p["policy"].encode() + b"\0"
        + p["authority"].encode()
    ).digest()


def root(p, at, n):
    """Of the tree that the record's leaf and the subtrees beside its way make."""
    for g in p["path"]:
        if (g["at"], g["n"]) == (at, n):
            return bytes.fromhex(g["hash"])
    if n == 1:
        assert at == p["leaf"]
        return leaf(p)
    k = 1
    while k * 2 < n:
        k *= 2
    return hashlib.sha256(b"\1" + root(p, at, k) + root(p, at + k, n - k)).digest()


class Sealed(unittest.TestCase):
    def test_the_province_knows_where_it_comes_from(self):
        with Tree(CHAIN[:3]) as t:
            sent = [statement(i) for i in range(40)]
            self.assertEqual(post(t["330106"], sent).status, 200)
            province = t["33"]
            province.wait("40 records", lambda: len(province.records()) == 40)
            proofs = [province.cli_json("records", "proof", s["id"]) for s in sent]
            roots = {}
            for p in proofs:
                self.assertEqual((p["is"], p["by"], p["origin"]), ("genuine", "330106", "330106"))
                roots.setdefault(p["signature"], set()).add(root(p, 0, p["leaves"]))
            self.assertTrue(all(len(r) == 1 for r in roots.values()), "a seal of two trees")
            said = province.cli("records", "proof", sent[0]["id"])
            self.assertIn("330106", said)
            self.assertEqual(province.cli("records", "proof", str(uuid.uuid4()), ok=False).returncode, 4)
            # somebody alters what no form tells of
            province.stop()
            db = sqlite3.connect(os.path.join(province.dir, "data", "guantong.db"))
            db.execute("UPDATE record SET origin_ms=origin_ms-86400000 WHERE id=?", (uuid.UUID(sent[7]["id"]).bytes,))
            db.commit()
            db.close()
            province.start()
            altered = province.cli("records", "proof", sent[7]["id"], ok=False)
            self.assertEqual(altered.returncode, 1, altered.stdout + altered.stderr)


def large_batch():
    return [statement(i, context={"extensions": {"https://x.cn/pad": "x" * 2000}}) for i in range(50)]


class Statements(unittest.TestCase):
    def test_put_get_duplicate_conflict(self):
        with Tree(CHAIN[:2]) as t:
            node = t["3301"]
            s = statement(1)
            path = "/xapi/statements?statementId=" + s["id"]
            body = json.dumps(s).encode()
            self.assertEqual(node.http("PUT", path, body, XAPI).status, 204)
            self.assertEqual(node.http("PUT", path, body, XAPI).status, 204)
            got = node.admin("GET", path, headers=XAPI)
            self.assertEqual(got.status, 200)
            for key, value in s.items():
                self.assertEqual(got.json()[key], value)
            other = dict(s, verb={"id": "http://adlnet.gov/expapi/verbs/failed"})
            self.assertEqual(node.http("PUT", path, json.dumps(other).encode(), XAPI).status, 409)
            # a batch is all or nothing
            fresh = statement(2)
            self.assertEqual(post(node, [fresh, {"actor": 3}]).status, 400)
            missing = node.admin("GET", "/xapi/statements?statementId=" + fresh["id"], headers=XAPI)
            self.assertEqual(missing.status, 404)
            # without an id the node gives one
            del fresh["id"]
            made = post(node, fresh)
            self.assertEqual(made.status, 200)
            self.assertEqual(len(made.json()), 1)
            t["33"].wait("both", lambda: len(t["33"].records()) == 2)

    def test_who_reads_on_by_consistent_through_misses_nothing(self):
        """Each time given out bears its clock era, a start begins one, and since
        goes by (era, order)."""
        with Tree(CHAIN[:2]) as t:
            node, through, eras = t["3301"], None, []
            for round_ in range(3):
                s = statement(round_)
                self.assertEqual(post(node, s).status, 200)
                for want in ([s["id"]], []):
                    path = "/xapi/statements" + ("?since=" + through if through else "")
                    got = node.admin("GET", path, headers=XAPI)
                    self.assertEqual([one["id"] for one in got.json()["statements"]], want)
                    for one in got.json()["statements"]:
                        self.assertRegex(one["stored"], r"\.\d{6}Z$")
                        eras.append(int(one["stored"][-4:-1]))
                    through = got.headers["X-Experience-API-Consistent-Through"]
                node.kill9()
                node.start()
            self.assertEqual(eras, sorted(set(eras)))
            self.assertIsNone(node.status()["clock"]["moved"])

    def test_what_the_node_added_makes_no_conflict(self):
        """What a node gave out is handed in again: there, and by stick at another
        node, before or after the first comes up. It is the same statement."""
        with Tree(CHAIN[:3]) as t:
            low, mid, top = t["330106"], t["3301"], t["33"]
            mid.kill9()
            s = statement(1, context={"contextActivities": {"parent": {"id": "https://xuexi.example.cn/p"}}})
            sub = dict(s, id=str(uuid.uuid4()))
            sub["object"] = {"objectType": "SubStatement", **{k: s[k] for k in ("actor", "verb", "object", "context")}}
            for one in (s, sub):
                self.assertEqual(post(low, one).status, 200)
            rows = {r["id"]: r["statement"] for r in low.records()}
            back = [rows[s["id"]], rows[sub["id"]]]
            self.assertIn("timestamp", back[0])
            self.assertEqual(back[0]["context"]["contextActivities"]["parent"], [{"id": "https://xuexi.example.cn/p"}])
            self.assertIsInstance(back[1]["object"]["context"]["contextActivities"]["parent"], list)
            self.assertEqual(post(low, back).status, 200)
            self.assertEqual(len(low.records()), 2)
            # by stick: one comes to the province before the first, one after
            self.assertEqual(post(top, back[0]).status, 200)
            mid.start()
            top.wait("both", lambda: len(top.records()) == 2)
            self.assertEqual(post(top, back[1]).status, 200)
            low.wait("all to be known above", lambda: find(low.status(), "records_unrooted") == 0)
            self.assertEqual(len(top.records()), 2)
            for n in t:
                self.assertEqual(n.admin("GET", "/admin/quarantine").json()["quarantine"], [])

    def until_refused(self, node):
        """Hands in until the node says later; how many it took."""
        taken = 0
        for _ in range(100):
            a = post(node, large_batch())
            if a.status != 200:
                break
            taken += 50
        self.assertEqual(a.status, 429)
        self.assertEqual(a.json()["error"], "BUDGET")
        self.assertGreaterEqual(int(a.headers["Retry-After"]), 1)
        self.assertIn(f"tried again in {a.headers['Retry-After']} s", a.json()["message"])
        return taken

    def test_who_hands_in_too_much_is_told_when_to_come(self):
        with Tree(CHAIN[:2], config={"records": {"terminal_hour": "1MiB", "child_hour": "1MiB"}}) as t:
            up, low = t["33"], t["3301"]
            low.wait_connected()
            taken = self.until_refused(low)
            self.assertEqual(low.metrics()["guantong_records_over_share_total"], 1)
            # it takes nothing from whoever reads, nor from the link
            self.assertEqual(low.http("GET", "/").status, 200)
            up.wait("some", lambda: find(low.status(), "records_waiting") < taken)
            self.assertTrue(find(low.status(), "parent_up"))

    def test_no_more_of_a_terminal_waits_for_the_link_than_may(self):
        with Tree(CHAIN[:2], config={"records": {"terminal_waiting": "1MiB"}}) as t:
            up, low = t["33"], t["3301"]
            low.wait_connected()
            up.stop()
            taken = self.until_refused(low)
            self.assertEqual(low.metrics()["guantong_records_over_waiting_total"], 1)
            self.assertEqual(low.metrics()["guantong_records_crowded"], 1)
            self.assertTrue(find(low.status(), "records_crowded"))
            self.assertIn("SOME PUT OFF", low.cli("status", "--lang", "en"))
            # all that was taken goes up, and then it is taken again
            up.start()
            up.wait("all", lambda: len(up.records()) == taken)
            low.wait("room", lambda: not find(low.status(), "records_crowded"))
            self.assertEqual(post(low, large_batch()).status, 200)

    def test_bad_statements_say_why(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            for bad in (b"", b"{", b"[]x", b'{"actor":{}}', b'{"a":' * 5000, b"\xff\xfe", b"null"):
                a = node.http("POST", "/xapi/statements", bad, XAPI)
                self.assertEqual(a.status, 400, bad[:20])
                self.assertTrue(a.json()["message"])
            self.assertTrue(node.alive())

    def test_same_id_other_form_is_quarantined_not_stalled(self):
        """Two terminals use one id for two statements while cut off from each
        other: the second to arrive is listed, the stream goes on."""
        with Tree(CHAIN[:3]) as t:
            s = statement(1)
            self.assertEqual(post(t["3301"], s).status, 200)
            other = dict(s, object={"id": "https://xuexi.example.cn/other"})
            after = statement(2)
            self.assertEqual(post(t["330106"], other).status, 200)
            self.assertEqual(post(t["330106"], after).status, 200)
            t["33"].wait("the first and the one behind", lambda: {s["id"], after["id"]} <= {r["id"] for r in t["33"].records()})
            kept = [r for r in t["33"].records() if r["id"] == s["id"]]
            self.assertEqual(len(kept), 1)
            listed = t["3301"].admin("GET", "/admin/quarantine").json()["quarantine"]
            self.assertIn(s["id"], {q["id"] for q in listed})


class BadRows(unittest.TestCase):
    """What an earlier program took from below, or what rotted since."""

    def test_what_rots_is_fetched_again(self):
        """At a node in the middle and at the root: whole again, under the same ids, each once."""
        with Tree(CHAIN[:3]) as t:
            top, mid, low = (t[c] for c in CHAIN[:3])
            sent = [statement(i) for i in range(5)]
            self.assertEqual(post(low, sent).status, 200)
            top.wait("all", lambda: len(top.records()) == 5)
            for node, seq in ((top, 3), (mid, 2), (low, 4)):
                node.stop()
                db = sqlite3.connect(os.path.join(node.dir, "data", "guantong.db"))
                db.execute("UPDATE record SET body=replace(CAST(body AS TEXT),'learner','robber') WHERE seq=?", (seq,))
                db.commit()
                db.close()
                node.start()
            for node in (top, mid, low):
                node.wait("it to be back", lambda: node.metrics()["guantong_records_back_total"] == 1)
                self.assertEqual(node.metrics()["guantong_records_spoilt"], 0)
                self.assertEqual(node.status()["node"]["records_spoilt"], 0)
                self.assertNotIn("DAMAGED OR LOST", node.cli("status"))
                page = node.admin("GET", "/xapi/statements?ascending=true", headers=XAPI).json()
                self.assertEqual(sorted(s["id"] for s in page["statements"]), sorted(s["id"] for s in sent))
                self.assertEqual(page.get("gaps", []), [])
                self.assertEqual(len(node.audit(event="repair")), 1)
                self.assertEqual(node.cli_json("records", "quarantine", "ls")["quarantine"], [])

    def test_one_bad_row_breaks_no_answer_and_goes_no_further(self):
        with Tree(CHAIN[:3]) as t:
            node, above = t["330106"], t["3301"]
            above.kill9()
            sent = [statement(i) for i in range(6)]
            self.assertEqual(post(node, sent).status, 200)
            node.stop()
            db = sqlite3.connect(os.path.join(node.dir, "data", "guantong.db"))
            db.execute("UPDATE record SET body=x'5b312c325d' WHERE seq=2")
            db.execute("UPDATE record SET authority='},\"stolen\":{' WHERE seq=3")
            db.execute("UPDATE record SET body=replace(CAST(body AS TEXT),'learner3','learner9') WHERE seq=4")
            db.commit()
            db.close()
            node.start()
            page = node.admin("GET", "/xapi/statements?ascending=true", headers=XAPI)
            self.assertEqual(page.status, 200)
            good = [sent[i]["id"] for i in (0, 4, 5)]
            self.assertEqual([s["id"] for s in page.json()["statements"]], good)
            self.assertEqual([g["seq"] for g in page.json()["gaps"]], [2, 3, 4])
            one = node.admin("GET", "/xapi/statements?statementId=" + sent[1]["id"], headers=XAPI)
            self.assertEqual((one.status, one.json()["error"]), (404, "DAMAGED"))
            self.assertEqual(node.http("GET", "/").status, 200)
            self.assertIn("(damaged: the form is not its statement's)", node.cli("records"))
            self.assertGreaterEqual(node.metrics()["guantong_record_gaps_total"], 7)
            above.start()
            t["33"].wait("the good ones", lambda: len(t["33"].records()) == 3)
            self.assertEqual([r["id"] for r in t["33"].records()], good)
            self.assertEqual(node.metrics()["guantong_records_damaged_total"], 3)
            self.assertEqual(node.metrics()["guantong_records_spoilt"], 3)
            self.assertIn("3 DAMAGED OR LOST here", node.cli("status"))
            self.assertIn("Learner records are damaged or lost here", node.admin("GET", "/").body.decode())
            self.assertEqual(above.admin("GET", "/admin/quarantine").json()["quarantine"], [])
            self.look_at_the_quarantine(node)

    def look_at_the_quarantine(self, node):
        rows = node.cli_json("records", "quarantine", "ls")["quarantine"]
        self.assertEqual(rows, node.cli_json("records", "--quarantine")["quarantine"])
        self.assertEqual([r["reason"] for r in rows][0], "damaged here: must be an object")
        number = str(rows[0]["qid"])
        self.assertIn("damaged here: must be an object\n", node.cli("records", "quarantine", "show", number))
        self.assertIn("在本节点损坏：须为对象", node.cli("records", "quarantine", "ls", "--lang", "zh-CN"))
        self.assertEqual(node.cli_json("records", "quarantine", "show", number)["body"], "[1,2]")
        self.assertIn(number, node.cli("records", "quarantine", "drop", number))
        self.assertEqual(len(node.cli_json("records", "quarantine", "ls")["quarantine"]), 2)
        self.assertEqual(len(node.audit(event="drop")), 1)
        for words, code in ((("show", number), 4), (("drop", number), 4), (("drop", "x"), 2), ((), 2), (("lss",), 2)):
            done = node.cli("records", "quarantine", *words, ok=False)
            self.assertEqual(done.returncode, code, words)


if __name__ == "__main__":
    unittest.main()
