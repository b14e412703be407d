"""Privacy by level: what a layer demands of records is done before they leave."""
import base64
import glob
import hashlib
import json
import os
import socket
import tempfile
import threading
import unittest
import uuid

from tree import CHAIN, XAPI, Tree, find, guantong
from tree import run as run_program

NAME, MAIL, PHONE, CARD = "王小磊", "wang.xiaolei@school.example", "13800571234", "330106199001011234"
FAILED = "http://adlnet.gov/expapi/verbs/failed"
POLICY = f"""
default: mirror
records:
  - name: failures stay
    to: [city, province]
    when: {{verb: "{FAILED}"}}
    demand: drop
  - name: names stay in the county
    to: [city, province]
    demand: pseudonymise
"""
SHA2 = hashlib.sha256(b"x").hexdigest()


def statement(n, verb="http://adlnet.gov/expapi/verbs/completed"):
    """One learner under four names, wherever one can be."""
    actors = [
        {"mbox": f"mailto:{MAIL}", "name": NAME},
        {"account": {"homePage": "https://lms.example", "name": PHONE}, "name": NAME},
        {"account": {"homePage": "https://lms.example", "name": CARD}},
        {"mbox_sha1sum": hashlib.sha1(f"mailto:{MAIL}".encode()).hexdigest()},
    ]
    return {
        "id": str(uuid.uuid4()),
        "actor": actors[n % 4],
        "verb": {"id": verb, "display": {"zh-CN": NAME}},
        "object": {
            "id": f"https://lesson.example/{n % 3}",
            "definition": {"name": {"zh-CN": f"{NAME}的课"}, "extensions": {"https://e.example/who": MAIL}},
        },
        "result": {"response": f"我是{NAME}", "extensions": {"https://e.example/tel": PHONE}, "success": True},
        "context": {
            "instructor": {"mbox": f"mailto:{MAIL}"},
            "platform": NAME,
            "extensions": {"https://e.example/64": base64.b64encode(MAIL.encode()).decode()},
            "contextActivities": {"other": [{"id": f"https://u.example/{PHONE}"}]},
        },
    }


def hidden():
    """What must be in no byte above the county."""
    b64 = base64.b64encode(MAIL.encode()).rstrip(b"=")
    sha1 = hashlib.sha1(f"mailto:{MAIL}".encode()).hexdigest().encode()
    return [NAME.encode(), MAIL.encode(), PHONE.encode(), CARD.encode(), b64, sha1]


class Tap:
    """Passes a link on and keeps what goes over it, both ways."""

    def __init__(self, to):
        self.to, self.bytes = to, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:  # it does not listen yet
                near.close()
                continue
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(a, b), daemon=True).start()

    def carry(self, a, b):
        try:
            while data := a.recv(65536):
                self.bytes.append(data)
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def files_of(node):
    """Every byte that lies with a node, its log beside it."""
    for folder, _, names in os.walk(node.dir):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    yield path, f.read()
    with open(node.log_path, "rb") as f:
        yield node.log_path, f.read()


class Demands(unittest.TestCase):
    def post(self, node, body):
        answer = node.http("POST", "/xapi/statements", json.dumps(body, ensure_ascii=False).encode(), XAPI)
        self.assertEqual(answer.status, 200, answer.body)

    def assert_none(self, what, data):
        for text in hidden():
            self.assertNotIn(text, data, f"{text.decode()} in {what}")

    def county(self, t, tap=None):
        county = t.nodes["330106"] = t.node(t, "330106", t["3301"], to=tap.port if tap else None)
        county.policy(POLICY)
        return county

    def test_no_name_leaves_the_county(self):
        """Five daemons, one rule at the county: the link upward, and all that lies
        and is answered above, is searched for every name."""
        with Tree(CHAIN[:2], start=False, insecure=True) as t:
            tap = Tap(t["3301"].link_port)
            county = self.county(t, tap)
            for parent, code in zip(CHAIN[2:], CHAIN[3:]):
                t.nodes[code] = t.node(t, code, t[parent])
            county.cli("records", "key", "new", "--scope", "33")
            with open(os.path.join(county.dir, "pki/aliases.txt"), "w") as f:
                f.write(f"mailto:{MAIL} {PHONE} {CARD}\n")
            t.start()
            village = t[CHAIN[4]]
            self.post(village, [statement(n) for n in range(40)])
            self.post(village, [statement(n, FAILED) for n in range(7)])
            self.post(county, statement(1))
            county.wait("all to be at the root", lambda: find(county.status(), "records_unrooted") == 0)
            village.wait("the village to know", lambda: find(village.status(), "records_unrooted") == 0)
            self.assertEqual(len(county.records()), 48)
            self.assertEqual(find(county.status(), "records_withheld"), 7)
            self.assertEqual(find(county.status(), "records_transformed"), 41)
            for code in CHAIN[:2]:
                self.above(t[code])
            self.preview(county, t["3301"])
            sent = [r for r in county.audit(event="send")]
            self.assertTrue(all(" by 330106/" in r["detail"] for r in sent), sent)
            self.assertEqual(sum(int(find_count(r["detail"], "drop")) for r in sent), 7)
            self.assert_none("the link", b"".join(tap.bytes))
            for code in CHAIN[:2]:
                t[code].stop()
                for path, data in files_of(t[code]):
                    self.assert_none(path, data)
            self.assertIn(MAIL.encode(), b"".join(d for _, d in files_of(county)))
            tap.close()

    def above(self, node):
        rows = node.records()
        self.assertEqual(len(rows), 41)
        self.assertEqual({r["statement"]["verb"]["id"] for r in rows}, {"http://adlnet.gov/expapi/verbs/completed"})
        accounts = {json.dumps(r["statement"]["actor"]["account"]) for r in rows}
        self.assertEqual(len(accounts), 1, "one learner")
        self.assertIn("/33/1", accounts.pop())
        self.assertEqual({r["statement"]["result"]["success"] for r in rows}, {True})
        self.assertEqual(find(node.status(), "records_quarantined"), 0)
        for path in ("/xapi/statements?limit=500", "/", "/metrics", "/healthz"):
            self.assert_none(path, node.http("GET", path, headers=XAPI).body)
        for path in ("/admin/status", "/admin/records?limit=500", "/admin/audit?limit=1000", "/admin/quarantine"):
            self.assert_none(path, node.admin("GET", path).body)

    def preview(self, county, city):
        """What is shown before is what went."""
        shown = county.cli_json("records", "preview", "--to", "3301")
        self.assertEqual(shown["did"], {"pass": 0, "redact": 0, "pseudonymise": 41, "aggregate": 0, "drop": 7})
        self.assertEqual((shown["looked"], shown["keyless"]), (48, 0))
        went = {r["id"]: r["statement"] for r in city.records()}
        samples = {s["treatment"]: s for s in shown["samples"]}
        self.assertEqual(set(samples), {"pseudonymise", "drop"})
        self.assertIsNone(samples["drop"]["body"])
        self.assertEqual((samples["drop"]["rule"], samples["drop"]["layer"]), ("failures stay", "330106"))
        body = samples["pseudonymise"]["body"]
        for key, value in body.items():
            self.assertEqual(went[body["id"]][key], value)
        self.assert_none("the preview", county.cli("records", "preview", "--to", "3301").encode())
        # for the township nothing is demanded
        self.assertEqual(county.cli_json("records", "preview", "--to", "330106109", "--limit", "5")["did"]["pass"], 5)
        self.assertEqual(county.cli("records", "preview", ok=False).returncode, 2)
        # by which layer and rule, and what another file would change
        shown = county.cli_json("policy", "explain", went.popitem()[0])
        self.assertEqual([(h["to"], h["treatment"], h["rule"], h["layer"]) for h in shown["hops"]],
                         [("3301", "pseudonymise", "names stay in the county", "330106"), ("33", "pass", "", "")])
        path = os.path.join(county.dir, "other.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write("default: mirror\nrecords: [{name: as it is, demand: pass}]\n")
        shown = county.cli_json("policy", "diff", path, "--to", "3301")
        self.assertEqual([(c["was"], c["becomes"], c["count"]) for c in shown["changes"]],
                         [("pseudonymise", "pass", 41), ("drop", "pass", 7)])
        self.assertIn("41", county.cli("policy", "diff", path, "--to", "3301"))
        bad = county.cli("policy", "explain", str(uuid.uuid4()), ok=False)
        self.assertEqual(bad.returncode, 4, bad.stderr)
        with open(path, "w", encoding="utf-8") as f:
            f.write("defalt: mirror\n")
        self.assertEqual(county.cli("policy", "diff", path, "--to", "3301", ok=False).returncode, 1)

    def test_a_file_is_tried(self):
        """`policy test` needs no node, and makes of a statement what a link would."""
        with tempfile.TemporaryDirectory() as folder:
            path = {name: os.path.join(folder, name) for name in ("p.yaml", "s.json", "f.json", "bad.json")}
            with open(path["p.yaml"], "w", encoding="utf-8") as f:
                f.write(POLICY)
            for name, value in (("s.json", statement(1)), ("f.json", statement(1, FAILED)), ("bad.json", {"actor": 1})):
                with open(path[name], "w", encoding="utf-8") as f:
                    json.dump(value, f)

            def run(name, *more, to="3301"):
                words = ["policy", "test", path["p.yaml"], "--statement", path[name], "--from", "330106", "--to", to, *more]
                return run_program([guantong(), *words], ok=False)

            shown = json.loads(run("s.json", "--json").stdout)
            self.assertEqual((shown["treatment"], shown["rule"]), ("pseudonymise", "names stay in the county"))
            self.assertEqual(shown["body"]["result"], {"success": True})
            self.assert_none("the trial", run("s.json").stdout.encode())
            self.assertIsNone(json.loads(run("f.json", "--json").stdout)["body"])
            self.assertEqual(json.loads(run("f.json", "--json", to="330106").stdout)["treatment"], "pass")
            self.assertIn("actor", run("bad.json").stderr)
            self.assertEqual(run("bad.json").returncode, 1)

    def test_groups_go_up_when_the_month_is_over(self):
        """Learners of last month are told of as one group, and none of them is named above."""
        with Tree(CHAIN[:2], start=False) as t:
            city = t["3301"]
            county = t.nodes["330106"] = t.node(t, "330106", city)
            county.policy("default: mirror\nrecords: [{name: counts alone, to: [city], demand: aggregate, group: 10}]\n")
            # preloaded rather than by `faketime`, which would stay between us
            county.env = {"LD_PRELOAD": glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")[0], "FAKETIME": "-40d",
                          "FAKETIME_DONT_FAKE_MONOTONIC": "1", "ASAN_OPTIONS": "verify_asan_link_order=0",
                          "TSAN_OPTIONS": "report_bugs=0"}
            for n in t:  # the county's certificate is not good yet there, so it has no link
                n.start()
            for n in range(12):
                self.post(county, {"actor": {"mbox": f"mailto:learner{n}@school.example"},
                                   "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
                                   "object": {"id": "https://lesson.example/1"}})
            county.stop()
            county.env = {}
            county.start()
            city.wait("the group", lambda: city.cli_json("records", "groups")["groups"])
            (group,) = city.cli_json("records", "groups")["groups"]
            self.assertEqual([group[k] for k in ("region", "verb", "activity", "statements", "learners")],
                             ["330106", "http://adlnet.gov/expapi/verbs/completed", "https://lesson.example/1", 12, 12])
            self.assertIn("12", city.cli("records", "groups"))
            self.assertEqual([r["statement"]["verb"]["id"] for r in city.records()], ["urn:guantong:verb:counted"])
            county.wait("all to be at the root", lambda: find(county.status(), "records_unrooted") == 0)
            self.assertEqual(find(city.status(), "records_quarantined"), 0)
            city.stop()
            for path, data in files_of(city):
                self.assertNotIn(b"school.example", data, path)

    def test_waits_for_a_key(self):
        """Fails closed: without a key nothing goes, and the log says what to do."""
        with Tree(CHAIN[:2], start=False) as t:
            county = self.county(t)
            t.start()
            self.post(county, statement(1))
            county.wait("to be told of the key", lambda: "records key new" in county.log())
            self.assertEqual(len(t["3301"].records()), 0)
            self.assertEqual(find(county.status(), "records_waiting"), 1)
            self.assertEqual(county.cli_json("records", "preview", "--to", "3301")["keyless"], 1)
            out = county.cli("records", "key", "new")
            self.assertIn("330106.1", out)
            path = os.path.join(county.dir, "pki/pseudonym.keys")
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            county.stop()
            county.start()
            county.wait("it to be at the root", lambda: find(county.status(), "records_unrooted") == 0)
            self.assert_none("the city's records", json.dumps(t["3301"].records(), ensure_ascii=False).encode())
            self.assertEqual(county.cli_json("records", "key", "ls")["keys"][0]["key"], "330106.1")
            self.assertNotEqual(county.cli("records", "key", "retire", "330106.1", ok=False).returncode, 0)
            # a void goes under the name of what it is about, whatever key is in use
            one = county.records()[0]
            county.cli("records", "key", "new")
            county.stop()
            county.start()
            void = {"actor": {"mbox": f"mailto:{MAIL}"}, "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
                    "object": {"objectType": "StatementRef", "id": one["id"]}}
            made = county.cli_json("credential", "add", "school", "--role", "terminal")
            who = {"Authorization": "Basic " + base64.b64encode(f"school:{made['secret']}".encode()).decode()}
            answer = county.http("POST", "/xapi/statements", json.dumps(void).encode(), dict(XAPI, **who))
            self.assertIn(answer.status, (200, 403), answer.body)
            if answer.status == 200:
                county.wait("the void to be at the root", lambda: find(county.status(), "records_unrooted") == 0)
                went = next(r["statement"] for r in t["3301"].records() if r["id"] == json.loads(answer.body)[0])
                shown = county.cli_json("records", "preview", "--to", "3301")["samples"]
                body = next(s["body"] for s in shown if s["body"]["id"] == went["id"])
                self.assertEqual(body["actor"], went["actor"])
            county.cli("records", "key", "retire", "330106.1")
            self.assertEqual([k["key"] for k in county.cli_json("records", "key", "ls")["keys"]], ["330106.2"])


def find_count(detail, what):
    return next((w.split("=")[1] for w in detail.split() if w.startswith(what + "=")), 0)


if __name__ == "__main__":
    unittest.main()
