"""Certificates of completion: issued at one node, checked at another."""
import base64
import json
import os
import re
import shutil
import tempfile
import unittest

import qr
from test_records import post, statement
from test_roam import MEMBERS, Fork
from tree import XAPI, Tree, guantong, run

# lists go up with the next exchange
QUICK = {"link": {"heartbeat": "500ms"}}


class Certificates(unittest.TestCase):
    def test_issued_checked_revoked(self):
        with Tree(["33", "3301"], config=QUICK) as t, tempfile.TemporaryDirectory() as folder:
            county, province = t["3301"], t["33"]
            one, paper, listed = statement(1), os.path.join(folder, "a.json"), os.path.join(folder, "list.json")
            self.assertEqual(post(county, [one]).status, 200)
            county.cli("certificate", "issue", one["id"], "--name", "李明", "-o", paper)
            with open(paper, encoding="utf-8") as f:
                document = json.load(f)
            self.assertNotIn("learner1@example.cn", json.dumps(document))
            row, = county.cli_json("certificate", "ls")["certificates"]
            self.assertEqual((row["id"], row["statement"], row["name"], row["revoked"]),
                             (document["id"], one["id"], "李明", None))
            self.assertEqual(county.cli_json("certificate", "show", row["id"]), document)
            # for everybody who has its id
            self.assertEqual(county.http("GET", "/certificate/" + row["id"]).json(), document)
            self.assertEqual(county.http("GET", "/certificate/urn:uuid:none").status, 404)
            page = self.page(county, row["id"])
            for text in "李明", 'chip good">genuine', row["id"], 'href="/certificate/urn', 'href="/verify?lang=en"':
                self.assertIn(text, page)
            self.assertIn("结业证书", self.page(county, row["id"], "zh-CN"))
            # what a telephone reads from paper leads to this page
            url = qr.read(re.search("<svg.*?</svg>", page).group(0))
            origin = f"http://127.0.0.1:{county.http_port}"
            self.assertEqual(url, origin + "/verify/" + row["id"].replace(":", "%3A"))
            self.assertIn(">" + url + "<", page)
            self.assertEqual(county.http("GET", url[len(origin):]).status, 200)
            for other in "urn:uuid:none", "", "%3Cb%3E":
                self.assertEqual(county.http("GET", "/verify/" + other).status, 404)
            self.assertEqual(province.http("GET", "/verify/" + row["id"]).status, 404)
            said = county.cli("certificate", "verify", paper)
            self.assertIn("genuine: 李明", said)
            self.assertIn("not revoked", said)
            # the list goes up by itself, and a list in a file says it too
            self.listed(province, paper)
            county.cli("certificate", "list", "-o", listed)
            self.assertIn("not revoked", province.cli("certificate", "verify", paper, "--list", listed))
            county.cli("certificate", "revoke", row["id"], "--why", "issued twice")
            self.assertEqual(self.verdict(county, paper), (1, "revoked"))
            self.assertNotIn("genuine", self.page(county, row["id"]))
            self.assertIn('chip bad">revoked', self.page(county, row["id"]))
            os.unlink(listed)
            county.cli("certificate", "list", "-o", listed)
            self.assertEqual(self.verdict(province, paper, "--list", listed), (1, "revoked"))
            # a list of before, or none at all, does not make it good again where it is known
            junk = os.path.join(folder, "junk.json")
            with open(junk, "w", encoding="utf-8") as f:
                f.write("{}")
            self.assertEqual(self.verdict(county, paper, "--list", junk), (1, "revoked"))
            province.wait("the list", lambda: self.verdict(province, paper) == (1, "revoked"))
            self.assertEqual(self.verdict(province, paper, "--list", junk), (1, "revoked"))
            # one member twice: who reads the first is told another thing
            with open(paper, encoding="utf-8") as f:
                text = f.read()
            with open(junk, "w", encoding="utf-8") as f:
                f.write('{"name": "FORGED",' + text.lstrip()[1:])
            self.assertIn("no JSON", province.cli("certificate", "verify", junk, ok=False).stderr)
            document["credentialSubject"]["achievement"]["name"] = "Rockets"
            with open(paper, "w", encoding="utf-8") as f:
                json.dump(document, f)
            self.assertEqual(self.verdict(province, paper), (1, "altered"))
            with open(paper, "w", encoding="utf-8") as f:
                f.write("PK")
            self.assertIn("no JSON", province.cli("certificate", "verify", paper, ok=False).stderr)
            self.assertEqual(county.cli_json("status")["certificates"], {"issued": 1, "revoked": 1})
            self.assertIn("1 issued here, 1 of them revoked", county.cli("status"))
            metrics = county.http("GET", "/metrics").body.decode()
            self.assertIn("\nguantong_certificates_issued 1\n", metrics)
            self.assertIn("\nguantong_certificates_revoked 1\n", metrics)
            self.assertEqual([(r["event"], r["subject"]) for r in county.audit(kind="certificate")],
                             [("certify", row["id"]), ("revoke", row["id"])])

    def test_what_a_stranger_wrote_in_it(self):
        """Neither its length nor what speaks to a terminal gets through."""
        with Tree(["33", "3301"], config=QUICK) as t, tempfile.TemporaryDirectory() as folder:
            county, paper = t["3301"], os.path.join(folder, "a.json")
            one = statement(1, actor={"mbox": "mailto:a@b.cn", "name": "N\x1b[31mX\x9b2K" + "名" * 500})
            one["object"]["definition"] = {"name": {"zh-CN": "课" * 40000}, "description": {"zh-CN": "课" * 40000}}
            self.assertEqual(post(county, [one]).status, 200)
            county.cli("certificate", "issue", one["id"], "-o", paper)
            self.assertLess(os.path.getsize(paper), 30000)
            said = county.cli("certificate", "verify", paper)
            self.assertIn("genuine: N?[31mX??2K", said)
            self.assertNotIn("\x1b", said)
            self.assertEqual(self.verdict(t["33"], paper), (0, "genuine"))

    def test_what_is_refused(self):
        with Tree(["33"]) as t:
            node = t["33"]
            tried = statement(1, verb={"id": "http://adlnet.gov/expapi/verbs/attempted"})
            done = statement(2)
            void = {"actor": done["actor"], "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
                    "object": {"objectType": "StatementRef", "id": done["id"]}}
            secret = node.cli_json("credential", "add", "school")["secret"]
            who = dict(XAPI, Authorization="Basic " + base64.b64encode(f"school:{secret}".encode()).decode())
            for body in [tried, done], void:
                self.assertEqual(node.http("POST", "/xapi/statements", json.dumps(body).encode(), who).status, 200)
            self.assertIn("completed", node.cli("certificate", "issue", tried["id"], ok=False).stderr)
            self.assertIn("voided", node.cli("certificate", "issue", done["id"], ok=False).stderr)
            self.assertEqual(node.cli("certificate", "issue", "x", ok=False).returncode, 1)
            self.assertEqual(node.cli("certificate", "issue", "00000000-0000-4000-8000-000000000001",
                                      ok=False).returncode, 4)
            self.assertEqual(node.cli("certificate", "revoke", "urn:uuid:none", ok=False).returncode, 4)
            self.assertIn("no certificate", node.cli("certificate", "ls"))

    def test_shown_to_a_browser(self):
        """Who has a file asks any node of the tree what it is, in his language."""
        with Tree(["33", "3301"], config=QUICK) as t:
            county, province = t["3301"], t["33"]
            one, two = statement(1), statement(2)
            self.assertEqual(post(county, [one, two]).status, 200)
            paper = county.cli_json("certificate", "issue", one["id"], "--name", "李<b>明")
            gone = county.cli_json("certificate", "issue", two["id"])
            self.assertIn('enctype="multipart/form-data"', self.shown(county, None))
            page = self.shown(county, paper)
            for text in 'chip good">genuine', "李&lt;b&gt;明", "by the time of the list":
                self.assertIn(text, page)
            self.assertNotIn("李<b>", page)
            county.cli("certificate", "revoke", gone["id"])
            self.assertIn('chip bad">revoked', self.shown(county, gone))
            self.assertIn("已被撤销，不再有效", self.shown(county, gone, "zh-CN"))
            province.wait("the list", lambda: 'chip bad">revoked' in self.shown(province, gone))
            self.assertIn('chip good">genuine', self.shown(province, paper))
            # what nobody signed is not shown as if somebody had
            paper["credentialSubject"]["achievement"]["name"] = "Rockets"
            page = self.shown(province, paper)
            self.assertIn('chip bad">altered', page)
            self.assertNotIn("Rockets", page)
            self.assertIn("内容与签名不符", self.shown(province, paper, "zh-CN"))
            self.assertIn("This is no certificate", self.shown(province, {"a": 1}))
            for junk in b"PK\3\4", b"", b'{"a":1,"a":2}', b"[" * 100000:
                self.assertIn("This is no certificate", self.shown(province, junk))
            # for programs; and within limits
            said = province.http("POST", "/verify", json.dumps(gone).encode(), {"Content-Type": "application/json"})
            self.assertEqual(said.json()["verdict"], "revoked")
            self.assertEqual(province.http("POST", "/verify", b"x" * (300 << 10), {}).status, 413)
            self.assertEqual(province.http("POST", "/verify", b"x", {}).status, 400)

    @staticmethod
    def shown(node, document, lang="en"):
        """The page that a form with this file in it leads to."""
        head = {"Accept": "text/html", "Accept-Language": lang}
        if document is None:
            a = node.http("GET", "/verify", headers=head)
        else:
            text = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
            body = (b'--x7\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\n'
                    b'Content-Type: application/json\r\n\r\n' + text +
                    b'\r\n--x7\r\nContent-Disposition: form-data; name="text"\r\n\r\n\r\n--x7--\r\n')
            a = node.http("POST", "/verify", body, dict(head, **{"Content-Type": "multipart/form-data; boundary=x7"}))
        assert a.status == 200, (a.status, a.body)
        return a.body.decode().split("<main", 1)[1]

    def test_known_to_the_whole_tree(self):
        """What a county issues another city checks, without a link, and what it revokes too."""
        with tempfile.TemporaryDirectory() as folder:
            forked = os.path.join(folder, "tree.yaml")
            with open(forked, "w", encoding="utf-8") as f:
                f.write(MEMBERS)
            self.addCleanup(setattr, Fork, "members", Fork.members)
            Fork.members = forked
            self.known(folder)

    def known(self, folder):
        with Fork(["33", "3301", "330106", "3302"], config=QUICK) as t:
            county, other, paper = t["330106"], t["3302"], os.path.join(folder, "a.json")
            one = statement(1)
            self.assertEqual(post(county, [one]).status, 200)
            county.cli("certificate", "issue", one["id"], "-o", paper)
            # never heard of
            for node in other, t["33"]:
                self.listed(node, paper)
            county.cli("certificate", "revoke", county.cli_json("certificate", "ls")["certificates"][0]["id"])
            other.wait("the list", lambda: self.verdict(other, paper) == (1, "revoked"))
            t["33"].stop()
            other.stop()
            other.start()
            self.assertEqual(self.verdict(other, paper), (1, "revoked"))
            self.assertIn("REVOKED, by the list as of", other.cli("certificate", "verify", paper, ok=False).stdout)

    def test_by_rule(self):
        """Who completes what a rule names has a certificate, once, whatever befalls the node."""
        rule = json.dumps([{"name": "手机入门", "activity": "https://o.cn/phones*", "score": 0.8},
                           {"subject": "health"}], ensure_ascii=False)
        with Tree(["33", "3301"], start=False) as t:
            city = t["3301"]
            city.configure({"records": {"certify": rule}})
            t.start()
            t["33"].publish("herbs", None, subject="health")
            city.wait("the entry", lambda: "33/herbs" in city.cli("ls"))

            def done(i, who, activity, score=None):
                s = statement(i, actor={"mbox": f"mailto:{who}@b.cn", "name": who}, object={"id": activity})
                return dict(s, result={"score": {"scaled": score}}) if score is not None else s
            sent = [done(1, "li", "https://o.cn/phones", 0.9), done(2, "li", "https://o.cn/phones", 1),
                    done(3, "wang", "https://o.cn/phones", 0.7), done(4, "wang", "https://o.cn/other"),
                    done(5, "zhao", "https://xuexi.cn/33/herbs/2"), done(6, "qian", "urn:guantong:subject:health"),
                    done(7, "sun", "https://xuexi.cn/33/none/2")]
            for i in range(20):
                self.assertEqual(post(city, sent).status, 200)
                if i % 5 == 0:
                    city.kill9()
                    city.start()
            city.wait("certificates", lambda: len(city.cli_json("certificate", "ls")["certificates"]) == 3)
            rows = city.cli_json("certificate", "ls")["certificates"]
            self.assertEqual([(r["name"], r["statement"]) for r in rows],
                             [("li", sent[0]["id"]), ("zhao", sent[4]["id"]), ("qian", sent[5]["id"])])
            self.assertEqual(rows[0]["title"], "手机入门")
            self.assertEqual([r["rule"] for r in city.audit(event="certify")], ["手机入门", "health", "health"])
            # by hand too it is the same one
            self.assertEqual(city.cli_json("certificate", "issue", sent[0]["id"])["id"], rows[0]["id"])
            self.assertEqual(t["33"].cli_json("certificate", "ls")["certificates"], [])

    def test_another_key(self):
        """What a node signed by the key it had before stands, unless that was lost."""
        with Tree(["33", "3301"], config=QUICK) as t, tempfile.TemporaryDirectory() as folder:
            city, province = t["3301"], t["33"]
            papers = [os.path.join(folder, f"{i}.json") for i in range(2)]
            both = [statement(i) for i in range(2)]
            self.assertEqual(post(city, both).status, 200)
            city.cli("certificate", "issue", both[0]["id"], "-o", papers[0])
            self.listed(province, papers[0])
            self.rekey(t, city)
            self.assertIn("not revoked", province.cli("certificate", "verify", papers[0]))
            city.cli("certificate", "issue", both[1]["id"], "-o", papers[1])
            self.assertEqual([self.verdict(city, p) for p in papers], [(0, "genuine")] * 2)
            self.assertEqual(self.verdict(province, papers[1]), (0, "genuine"))
            with open(papers[0], encoding="utf-8") as f:
                city.cli("certificate", "revoke", json.load(f)["id"])
            province.wait("the list", lambda: self.verdict(province, papers[0]) == (1, "revoked"))
            self.rekey(t, city, "--lost")
            self.assertEqual(self.verdict(province, papers[1]), (1, "unknown"))
            self.assertEqual(self.verdict(city, papers[1]), (1, "unknown"))

    @staticmethod
    def rekey(t, node, *how):
        """Another key, as its operator gives it to the node and to the tree."""
        row = os.path.join(t.dir, "row.bin")
        run([guantong(), "pki", "rekey", *how, "-o", row, node.code, t.pki])
        for name in "node.key", "members.bin":
            shutil.copy(os.path.join(t.pki, "nodes", node.code, name), os.path.join(node.dir, "pki", name))
        node.stop()
        t["33"].cli("roster", "import", row)
        node.start()
        node.wait_connected()

    def listed(self, node, paper):
        """Waits until it is genuine there by a list."""
        node.wait("the list", lambda: "not revoked" in node.cli("certificate", "verify", paper, ok=False).stdout)

    @staticmethod
    def page(node, name, lang="en"):
        a = node.http("GET", "/verify/" + name, headers={"Accept": "text/html", "Accept-Language": lang})
        assert a.status == 200, (a.status, a.body)
        return a.body.decode().split("<main", 1)[1]

    @staticmethod
    def verdict(node, *args):
        p = node.cli("certificate", "verify", *args, "--json", ok=False)
        return p.returncode, json.loads(p.stdout)["verdict"]


if __name__ == "__main__":
    unittest.main()
