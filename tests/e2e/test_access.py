"""Who may hand in records, read them and take them back: nobody known, terminals,
readers, the operator."""
import base64
import json
import os
import re
import threading
import time
import unittest
import uuid

from tree import CHAIN, XAPI, Tree, guantong, run


def statement(verb="completed"):
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:learner@example.cn"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/" + verb},
        "object": {"id": "https://xuexi.example.cn/lesson"},
    }


def void_of(target):
    return dict(statement("voided"), object={"objectType": "StatementRef", "id": target["id"]})


def headers(name=None, secret=None):
    if not name:
        return XAPI
    word = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return dict(XAPI, Authorization="Basic " + word)


def post(node, body, *who):
    return node.http("POST", "/xapi/statements", json.dumps(body).encode(), headers(*who))


def read(node, one=None, *who):
    query = "?statementId=" + one["id"] if one else ""
    return node.http("GET", "/xapi/statements" + query, headers=headers(*who))


def add(node, name, *options):
    return node.cli_json("credential", "add", name, *options)["secret"]


class Access(unittest.TestCase):
    def test_open_by_default_is_handing_in_alone(self):
        """Whoever is near hands in, reads nothing, voids nothing, speaks for nobody."""
        with Tree(CHAIN[:2]) as t:
            low, top = t["3301"], t["33"]
            s = dict(statement(), authority={"mbox": "mailto:minister@example.cn"})
            self.assertEqual(post(low, s).status, 200)
            self.assertEqual(read(low).status, 401)
            self.assertEqual(read(low, s).status, 401)
            self.assertIn("guantong -C DIR credential add", read(low).json()["message"])
            # before its target exists, and after
            unborn = statement()
            for target in s, unborn:
                self.assertEqual(post(low, void_of(target)).status, 403)
            self.assertEqual(post(low, unborn).status, 200)
            top.wait("both", lambda: len(top.records()) == 2)
            for n in t:
                for r in n.records():
                    self.assertFalse(r["voided"])
                    account = r["statement"]["authority"]["account"]
                    self.assertEqual(account, {"homePage": "urn:guantong:3301", "name": "terminal"})
            # the operator of the place may, and it holds above
            a = low.admin("POST", "/xapi/statements", json.dumps(void_of(s)), headers=XAPI)
            self.assertEqual(a.status, 200)
            top.wait("the void", lambda: len(top.records()) == 3)
            for n in t:
                self.assertEqual({r["id"] for r in n.records() if r["voided"]}, {s["id"]})

    def test_credentials_count_at_once(self):
        with Tree(CHAIN[:2]) as t:
            low, top = t["3301"], t["33"]
            school, home = add(low, "school"), add(low, "home")
            report = add(low, "report", "--role", "reader")
            mine, other, nobodys = statement(), statement(), statement()
            self.assertEqual(post(low, mine, "school", school).status, 200)
            self.assertEqual(post(low, other, "home", home).status, 200)
            self.assertEqual(post(low, nobodys).status, 200)
            self.assertEqual(post(low, statement(), "school", home).status, 401)
            # its own, all of them, none
            self.assertEqual([s["id"] for s in read(low, None, "school", school).json()["statements"]], [mine["id"]])
            self.assertEqual(read(low, other, "school", school).status, 404)
            self.assertEqual(len(read(low, None, "report", report).json()["statements"]), 3)
            self.assertEqual(post(low, statement(), "report", report).status, 403)
            # what it may void
            self.assertEqual(post(low, void_of(other), "school", school).status, 403)
            self.assertEqual(post(low, void_of(nobodys), "school", school).status, 403)
            self.assertEqual(post(low, void_of(mine), "school", school).status, 200)
            top.wait("all four", lambda: len(top.records()) == 4)
            self.assertEqual({r["id"] for r in top.records() if r["voided"]}, {mine["id"]})
            # kept hashed, through a restart; gone at once
            with open(os.path.join(low.dir, "credentials.json")) as f:
                text = f.read()
            for secret in school, home, report:
                self.assertNotIn(secret, text)
            low.kill9()
            low.start()
            self.assertEqual(read(low, other, "home", home).status, 200)
            names = [c["name"] for c in low.cli_json("credential", "ls")["credentials"]]
            self.assertEqual(names, ["anonymous", "home", "report", "school"])
            low.cli("credential", "rm", "home")
            low.cli("credential", "rm", "anonymous")
            self.assertEqual(read(low, other, "home", home).status, 401)
            self.assertEqual(post(low, statement()).status, 401)
            self.assertEqual(low.cli("credential", "rm", "home", ok=False).returncode, 4)
            said = [r["subject"] for r in low.audit(event="note")]
            self.assertEqual(said.count("credential-remove"), 2)

    def test_guesses_are_told_where_little_is_logged(self):
        with Tree(CHAIN[:1], config={"log": {"level": "warn"}}) as t:
            node = t["33"]
            node.cli("credential", "add", "school", "--lang", "en")
            said = [post(node, statement(), "school", f"guess-{i}").status for i in range(30)]
            self.assertEqual((said[:5], said[-1]), ([401] * 5, 429))
            told = [line for line in node.log().splitlines() if "event=wrong-password" in line]
            self.assertTrue(told)
            self.assertLessEqual(len(told), 3)
            self.assertRegex(told[0], r"level=warn .*address=127\.0\.0\.1 name=school times=5")

    def test_what_is_open_is_told_where_little_is_logged(self):
        for listen, told in (("0.0.0.0:0", 1), ("127.0.0.1:0", 0)):
            with self.subTest(listen), Tree(CHAIN[:1], config={"log": {"level": "warn"}, "http": {"listen": listen}}) as t:
                self.assertEqual(t["33"].log().count("event=credentials anonymous=attached"), told)
                t["33"].cli("credential", "add", "school", "--lang", "en")
                self.assertEqual(t["33"].log().count("event=credentials"), told)

    def test_a_removed_name_reads_nothing_for_another(self):
        """Whoever has a name reads what was handed in under it: so nobody gets one that was
        another's, nor one that looks like it, unless it is said to be the same holder."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            secret = add(node, "school-3")
            mine = statement()
            self.assertEqual(post(node, mine, "school-3", secret).status, 200)
            self.assertIn("--again", node.cli("credential", "rm", "school-3"))
            for times in range(2):
                for name in "school-3", "School-3", "SCHOOL-3", "\uff53chool-3", "sch\u043eol-3", "school\u20103", "schoo1-3":
                    said = node.cli("credential", "add", name, ok=False)
                    self.assertEqual(said.returncode, 5, name)
                    self.assertIn("school-3 --again", said.stderr)
                self.assertEqual(node.cli("credential", "add", "School-3", "--again", ok=False).returncode, 5)
                self.assertEqual(node.cli("credential", "add", "school-4", "--again", ok=False).returncode, 4)
                self.assertEqual([r["name"] for r in node.cli_json("credential", "ls")["removed"]], ["school-3"])
                self.assertIn("school-3", node.cli("credential", "ls", "--removed"))
                self.assertNotIn("school-3", node.cli("credential", "ls"))
                node.stop()
                node.start()
            # another name reads nothing of it
            other = add(node, "school-5")
            self.assertEqual(read(node, None, "school-5", other).json()["statements"], [])
            self.assertEqual(read(node, mine, "school-5", other).status, 404)
            self.assertEqual(post(node, void_of(mine), "school-5", other).status, 403)
            # the same holder does, and is told so
            said = node.cli("credential", "add", "school-3", "--again", "--lang", "zh-CN")
            self.assertIn("读取并撤销", said)
            secret = re.search(r"(?:[0-9a-z]{5}-){4}[0-9a-z]{5}", said)[0]
            self.assertEqual([s["id"] for s in read(node, None, "school-3", secret).json()["statements"]], [mine["id"]])
            node.wait("the name given again in the audit log",
                      lambda: "name=school-3 again" in [r["detail"] for r in node.audit(event="note")])

    def test_one_word_for_one_thing(self):
        """A credential is told with the same words when it is made and when it is listed."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            made = node.cli_json("credential", "add", "school")
            row = [c for c in node.cli_json("credential", "ls")["credentials"] if c["name"] == "school"][0]
            self.assertTrue(made.pop("secret"))
            self.assertEqual(made, row)
            self.assertEqual(row["kind"], "secret")
            self.assertEqual(node.cli("credential", "ls").split("\n")[0].split(), [k.upper() for k in row][:6])
            self.assertEqual(node.cli_json("credential", "show", "school"), row)

    def test_scopes(self):
        """What a credential opens; a refusal names the scope that is missing; changed while it runs."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            only = {s: add(node, "only-" + s.replace("/", "-"), "--scope", s)
                    for s in ("statements/write", "statements/read/mine", "statements/read", "state", "all")}
            who = lambda s: ("only-" + s.replace("/", "-"), only[s])
            one = statement()
            self.assertEqual(post(node, one, *who("statements/write")).status, 200)
            for scope, hand_in, all_of_them, its_own in (
                    ("statements/write", 200, 403, 403), ("statements/read/mine", 403, 404, 200),
                    ("statements/read", 403, 200, 200), ("state", 403, 403, 403), ("all", 200, 200, 200)):
                with self.subTest(scope):
                    self.assertEqual(post(node, statement(), *who(scope)).status, hand_in)
                    self.assertEqual(read(node, one, *who(scope)).status, all_of_them)
                    said = read(node, None, *who(scope))
                    self.assertEqual(said.status, its_own)
                    if its_own == 403:
                        self.assertIn("statements/read/mine", said.json()["message"])
            self.assertIn("statements/write", post(node, one, *who("state")).json()["message"])
            # written under a name, though it reads nothing: it may void its own
            self.assertEqual(post(node, void_of(one), *who("statements/write")).status, 200)
            node.cli("credential", "set", "only-state", "--scope", "write,mine,state")
            self.assertEqual(post(node, statement(), *who("state")).status, 200)
            self.assertEqual(node.cli_json("credential", "show", "only-state")["scopes"],
                             ["statements/write", "statements/read/mine", "state"])
            for bad in "", "state,", "State", "states", "write mine":
                self.assertEqual(node.cli("credential", "add", "x", "--scope", bad, ok=False).returncode, 2)
            self.assertEqual(node.cli("credential", "set", "nobody", "--scope", "all", ok=False).returncode, 4)
            self.assertEqual(node.cli("credential", "set", "only-all", ok=False).returncode, 2)

    def test_bearer(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            secret = add(node, "school")
            node.cli("credential", "rm", "anonymous")
            bearer = lambda s: dict(XAPI, Authorization="Bearer " + s)
            a = node.http("POST", "/xapi/statements", json.dumps(statement()).encode(), bearer(secret))
            self.assertEqual(a.status, 200)
            mine = node.http("GET", "/xapi/statements", headers=bearer(secret)).json()["statements"]
            self.assertEqual(mine[0]["authority"]["account"]["name"], "school")
            for wrong in "", "x", secret[:-1], "school:" + secret:
                a = node.http("GET", "/xapi/statements", headers=bearer(wrong))
                self.assertEqual(a.status, 401)
            self.assertIn("Basic", a.headers["WWW-Authenticate"])

    def test_rotation_and_expiry(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            old = add(node, "school")
            new = node.cli_json("credential", "rotate", "school", "--grace", "1h")["secret"]
            for _ in range(2):
                for secret in old, new:
                    self.assertEqual(read(node, None, "school", secret).status, 200)
                node.stop()
                node.start()
            self.assertIn("counts until", node.cli("credential", "show", "school"))
            last = node.cli_json("credential", "rotate", "school", "--grace", "0")["secret"]
            for secret, status in (old, 401), (new, 401), (last, 200):
                self.assertEqual(read(node, None, "school", secret).status, status)
            self.assertEqual(node.cli("credential", "rotate", "nobody", ok=False).returncode, 4)
            self.assertEqual(node.cli("credential", "rotate", "school", "--grace", "2y", ok=False).returncode, 2)
            guest = add(node, "guest", "--expires", "500ms")
            node.wait("the end of the guest", lambda: read(node, None, "guest", guest).status == 401)
            self.assertIn("has expired", read(node, None, "guest", guest).json()["message"])
            self.assertEqual(read(node, None, "guest", "wrong").json()["message"].count("expired"), 0)
            node.cli("credential", "set", "guest", "--expires", "1d")
            self.assertEqual(read(node, None, "guest", guest).status, 200)
            for bad in "yesterday", "2020-01-01", "-1d":
                self.assertEqual(node.cli("credential", "set", "guest", "--expires=" + bad, ok=False).returncode, 2)
            said = [r["subject"] for r in node.audit(event="note")]
            self.assertEqual(said.count("credential-rotate"), 2)

    def test_quotas(self):
        """Of a credential, whatever the connections; others and a restart change nothing of it."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            kiosk = add(node, "kiosk", "--statements", "10", "--bytes", "64KiB")
            school = add(node, "school")
            batch = [statement() for _ in range(10)]
            self.assertEqual(post(node, [statement() for _ in range(11)], "kiosk", kiosk).status, 413)
            self.assertEqual(post(node, batch, "kiosk", kiosk).status, 200)
            a = post(node, statement(), "kiosk", kiosk)
            self.assertEqual(a.status, 429)
            self.assertTrue(1 <= int(a.headers["Retry-After"]) <= 360)
            self.assertEqual(post(node, statement(), "school", school).status, 200)
            # reading is not handing in
            self.assertEqual(read(node, None, "kiosk", kiosk).status, 200)
            node.stop()
            node.start()
            self.assertEqual(post(node, statement(), "kiosk", kiosk).status, 429)
            shown = node.cli_json("credential", "show", "kiosk")
            self.assertEqual(shown["using"]["statements"], 10)
            self.assertTrue(shown["used"])
            self.assertIn("10 of 10 statements", node.cli("credential", "show", "kiosk"))
            node.cli("credential", "set", "kiosk", "--statements", "0")
            self.assertEqual(post(node, statement(), "kiosk", kiosk).status, 200)
            # bytes, whatever is in them
            big = dict(statement(), object={"id": "https://a.cn/", "definition": {"name": {"en": "x" * 40000}}})
            self.assertEqual(post(node, big, "kiosk", kiosk).status, 200)
            self.assertEqual(post(node, dict(big, id=str(uuid.uuid4())), "kiosk", kiosk).status, 429)
            # requests, also those that are refused
            hasty = add(node, "hasty", "--requests", "5")
            said = [read(node, None, "hasty", hasty).status for _ in range(9)]
            self.assertEqual((said[:5], said[-1]), ([200] * 5, 429))
            # and through many connections at once
            crowd, said = add(node, "crowd", "--requests", "20"), []
            threads = [threading.Thread(target=lambda: said.extend(read(node, None, "crowd", crowd).status for _ in range(10)))
                       for _ in range(8)]
            began = time.monotonic()
            for x in threads:
                x.start()
            for x in threads:
                x.join()
            self.assertEqual(set(said), {200, 429})
            # a third of one comes back each second
            self.assertIn(said.count(200), range(20, 22 + int((time.monotonic() - began) / 3)))

    def test_an_id_cannot_be_squatted(self):
        """A stranger at one node is first with the id of what a terminal hands in at
        another; the province reads what the terminal said, and keeps the other."""
        with Tree(CHAIN[:3]) as t:
            top, city, county = t["33"], t["3301"], t["330106"]
            secret = add(county, "school")
            true = statement()
            lie = dict(true, verb={"id": "http://adlnet.gov/expapi/verbs/failed"})
            self.assertEqual(post(city, lie).status, 200)
            self.assertEqual(post(county, lie).status, 200)
            top.wait("the lie", lambda: len(top.records()) == 1)
            self.assertEqual(post(county, true, "school", secret).status, 200)
            for n in top, city, county:
                n.wait("the truth", lambda: [r["statement"]["verb"] for r in n.records()] == [true["verb"]])
                kept = n.admin("GET", "/admin/quarantine").json()["quarantine"]
                self.assertEqual([q["statement"]["verb"] for q in kept], [lie["verb"]])
            self.assertEqual(post(county, lie).status, 409)

    def test_what_http_terminals_said(self):
        """A node of an earlier release keeps out whoever it kept out."""
        terminals = '[{name: school, password: pw}]'
        with Tree(CHAIN[:1], config={"http": {"terminals": terminals}}) as t:
            node = t["33"]
            self.assertEqual(post(node, statement()).status, 401)
            self.assertEqual(post(node, statement(), "school", "pw").status, 200)
            said = run([guantong(), "-C", node.dir, "config", "check"], ok=False)
            self.assertEqual(said.returncode, 0)
            self.assertIn(f"guantong -C {os.path.realpath(node.dir)} credential", said.stderr)
            self.assertIn("with a credential only", said.stdout)

    def test_credentials_that_were_lost_open_nothing(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            node.cli("credential", "rm", "anonymous")
            self.assertEqual(post(node, statement()).status, 401)
            node.stop()
            # whoever checks writes nothing: the node's user might not be able to
            mark = os.path.join(node.dir, "data", "admitted")
            os.rename(mark, mark + ".away")
            node.cli("config", "check")
            self.assertFalse(os.path.exists(mark))
            os.rename(mark + ".away", mark)
            os.unlink(os.path.join(node.dir, "credentials.json"))
            node.start()
            self.assertEqual(post(node, statement()).status, 401)
            self.assertIn("credentials.json is gone", node.log())
            secret = add(node, "school")
            self.assertEqual(post(node, statement(), "school", secret).status, 200)
            self.assertEqual(post(node, statement()).status, 401)
            node.stop()
            node.start()
            self.assertEqual(post(node, statement(), "school", secret).status, 200)
            self.assertEqual(node.log().count("credentials.json is gone"), 1)

    def test_names_outlive_the_file_of_credentials(self):
        """Where it is lost, no name that was given goes to somebody else, removed or not."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            mine = statement()
            self.assertEqual(post(node, mine, "school", add(node, "school")).status, 200)
            add(node, "home")
            node.cli("credential", "rm", "school")
            path, mark = os.path.join(node.dir, "credentials.json"), os.path.join(node.dir, "data", "admitted")
            node.stop()
            os.unlink(path)
            node.start()
            for name in "school", "home", "School", "h\u043eme":
                said = node.cli("credential", "add", name, ok=False)
                self.assertEqual(said.returncode, 5, name)
                self.assertIn("--again", said.stderr)
            secret = add(node, "school", "--again")
            self.assertEqual([s["id"] for s in read(node, None, "school", secret).json()["statements"]], [mine["id"]])
            self.assertEqual([r["name"] for r in node.cli_json("credential", "ls")["removed"]], ["home"])
            # one that is older than what was done since
            node.stop()
            with open(path) as f:
                old = f.read()
            node.start()
            add(node, "garden")
            node.stop()
            with open(path, "w") as f:
                f.write(old)
            node.start()
            self.assertEqual(node.cli("credential", "add", "garden", ok=False).returncode, 5)
            # where only an earlier program was, the names are not known, and that is said
            node.stop()
            os.unlink(path)
            with open(mark, "w"):
                pass
            node.start()
            self.assertIn("not known any more", node.cli("credential", "add", "school"))

    def test_credentials_put_back_under_a_running_node(self):
        """Moved away, they open nothing; put back, they count; nothing is written over them."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            secret, path = add(node, "school"), os.path.join(node.dir, "credentials.json")
            os.rename(path, path + ".away")
            node.wait("nobody", lambda: post(node, statement()).status == 401)
            self.assertEqual(post(node, statement(), "school", secret).status, 401)
            self.assertIn("credentials.json is gone", node.log())
            self.assertIn("credentials.json is gone", node.cli("status"))
            self.assertTrue(node.status()["access"]["lost"])
            for look in ([guantong(), "-C", node.dir, "config", "check"], [*node.command(), "--check"]):
                said = run(look, ok=False)
                self.assertEqual(said.returncode, 0)
                self.assertIn("credentials.json is gone", said.stdout + said.stderr)
                self.assertNotIn(" 0 credential", said.stdout)
            os.rename(path + ".away", path)
            node.wait("all", lambda: post(node, statement(), "school", secret).status == 200)
            self.assertEqual(post(node, statement()).status, 200)
            self.assertNotIn("credentials.json is gone", node.cli("status"))
            # put back at the very moment of a change
            os.rename(path, path + ".away")
            node.wait("nobody", lambda: node.status()["access"]["lost"])
            os.rename(path + ".away", path)
            self.assertNotIn("not known any more", node.cli("credential", "add", "home"))
            self.assertEqual(post(node, statement(), "school", secret).status, 200)
            self.assertIn(f"-C {node.dir} credential add home --again", node.cli("credential", "rm", "home"))
            os.rename(path, path + ".away")
            for name in "home", "school":
                self.assertEqual(node.cli("credential", "add", name, ok=False).returncode, 5)
            self.assertNotIn("not known any more", node.cli("credential", "add", "garden"))
            said = post(node, statement(), "school", secret)
            self.assertEqual(said.status, 401)
            self.assertIn("add NAME --again", said.body.decode())

    def test_init_beyond_this_machine(self):
        """What listens beyond this machine is made with a credential to read with."""
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            folder = os.path.join(t.dir, "open")
            address = f"0.0.0.0:{node.http_port}"
            said = run([guantong(), "init", "--code", "33", "--pki", t.pki, "--http", address, folder])
            self.assertIn("reader (reader): ", said)
            secret = said.split("reader (reader): ")[1].split()[0]
            node.dir = folder
            node.start()
            self.assertEqual(read(node).status, 401)
            self.assertEqual(read(node, None, "reader", secret).status, 200)
            said = node.cli("config", "check")
            self.assertIn("without a credential from this machine", said)
            self.assertIn("credentials travel in clear", said)
            path = os.path.join(folder, "guantong.yaml")
            with open(path) as f:
                text = f.read()
            with open(path, "w") as f:
                f.write(re.sub(r"listen_tls: .*", "listen_tls: node", text))
            self.assertNotIn("credentials travel in clear", node.cli("config", "check"))


if __name__ == "__main__":
    unittest.main()
