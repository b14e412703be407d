"""What the command line shows to a person: Chinese words, local time, columns that align."""
import json
import os
import re
import shlex
import subprocess
import tempfile
import unicodedata
import unittest

from tree import CHAIN, ROOT, XAPI, Tree, free_ports, guantong, guantongd, run

HERE = {"GUANTONG_LANG": "zh-CN", "TZ": "CST-8"}  # POSIX: eight hours east
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?[^\s，；）)]*(?: [+-]\d\d:\d\d)?")
LOCAL = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+08:00")
COMMANDS = [
    ["status"],
    ["ls"],
    ["show", "33/a1"],
    ["show", "33/b2"],
    ["explain", "33/a1"],
    ["explain", "33/b2"],
    ["credential", "ls"],
    ["credential", "ls", "--removed"],
    ["audit", "query"],
    ["records"],
    ["records", "quarantine", "ls"],
    ["records", "quarantine", "show", "1"],
    ["roster", "ls"],
    ["policy", "show"],
]


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def keys():
    with open(os.path.join(ROOT, "daemon/words/words.def"), encoding="utf-8") as f:
        return set(re.findall(r'^WORD\("([^"]+)"', f.read(), re.M))


class Shown(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = t = Tree(CHAIN[:2])
        province, city = cls.nodes = t["33"], t["3301"]
        rules = "rules:\n  - {name: r1, when: {type: announcement}, verdict: metadata}\ndefault: mirror\n"
        province.policy(rules)
        folder = os.path.join(t.dir, "f")
        os.mkdir(folder)
        with open(os.path.join(folder, "index.html"), "w") as f:
            f.write("x")
        province.cli("publish", "--id", "a1", "--type", "course", "--audience", "elderly", "--subject", "energy",
                     "--title", "zh-CN=甲乙丙", folder)
        province.cli("publish", "--id", "b2", "--type", "announcement", "--title", "zh-CN=通知", "--no-content")
        city.wait_state("33/a1", "complete")
        city.wait_state("33/b2", "listed")
        one = {"id": "6690e6c9-3ef0-4ed3-8b37-7f3964730bee", "actor": {"mbox": "mailto:a@example.cn"},
               "verb": {"id": "http://example.cn/v1"}, "object": {"id": "http://example.cn/o1"}}
        for node, what in ((province, "o1"), (city, "o2")):  # one id, two contents: set aside at the province
            one["object"]["id"] = f"http://example.cn/{what}"
            assert node.http("POST", "/xapi/statements", json.dumps(one), XAPI).status == 200
        city.cli("wait", "--until", "records-rooted")
        for node in cls.nodes:
            node.cli("credential", "add", "z1")
            node.cli("credential", "add", "z2", "--role", "reader")
            node.cli("credential", "add", "z3")
            node.cli("credential", "rm", "z3")
            node.policy(rules)  # once it is, so are the rows of all before

    @classmethod
    def tearDownClass(cls):
        cls.tree.__exit__(None, None, None)

    def each(self, env):
        """What each command says at each node."""
        for node in self.nodes:
            for words in COMMANDS:
                if words[-1] != "1" or node is self.nodes[0]:  # at the other nothing is set aside
                    yield words, node.cli(*words, env=env)

    def test_in_chinese_no_word_of_programs_is_left(self):
        known = keys()
        for words, text in self.each(env=HERE):
            if words[:3] == ["records", "quarantine", "show"]:
                text = text[:text.index("{")]  # what was handed in is as it came
            left = {w for w in re.findall(r"(?<![\w/.:-])[a-z][a-z-]+(?![\w/.:-])", text)}
            self.assertEqual(left & known, set(), text)

    def test_times_are_local_and_say_their_zone(self):
        some = 0
        for words, text in self.each(env=HERE):
            if words[:3] == ["records", "quarantine", "show"]:
                text = text[:text.index("{")]
            for at in TIME.findall(text):
                self.assertRegex(at, LOCAL, text)
                some += 1
        self.assertGreater(some, 50)

    def test_columns_align(self):
        for words, text in self.each(env=HERE):
            if words[0] not in ("ls", "credential", "roster", "audit"):
                continue
            head, *rows = text.splitlines()
            column = {"ls": "状态", "credential": "种类", "roster": "状态", "audit": "事件"}[words[0]]
            if "--removed" in words:
                column = "删除时间"
            at = width(head[:head.index(column)])
            for row in rows:
                # where the column begins a word begins, and what is before it is blank
                before = 0
                for i, c in enumerate(row):
                    if before >= at:
                        break
                    before += width(c)
                self.assertEqual(before, at, text)
                self.assertEqual(row[i - 1], " ", text)
                self.assertNotEqual(row[i], " ", text)

    def test_programs_read_what_they_did(self):
        there = {"GUANTONG_LANG": "en", "TZ": "UTC0"}
        for words in COMMANDS[1:-1]:
            if words[0] == "policy":
                continue
            with self.subTest(command=" ".join(words)):
                here, english = (self.nodes[0].cli(*words, "--json", env=env) for env in (HERE, there))
                self.assertEqual(here, english)
                for at in TIME.findall(here):
                    self.assertRegex(at, r"Z")

    def test_a_day_is_a_day_of_the_clock_on_the_wall(self):
        # at any moment one of the two has another day than UTC
        for env in ({"TZ": "XXX-14"}, {"TZ": "XXX+11"}):
            text = self.nodes[0].cli("audit", "query", env=env)
            day = re.search(r"\d{4}-\d\d-\d\d", text)[0]
            self.assertGreater(len(text.splitlines()), 3)
            self.assertEqual(self.nodes[0].cli("audit", "query", "--from", day, env=env), text)
            self.assertEqual(len(self.nodes[0].cli("audit", "query", "--to", day, env=env).splitlines()), 1)

    def test_advice_works_from_any_folder(self):
        node = self.nodes[0]
        up, name = os.path.split(node.dir)
        for folder, said in (("/", node.dir), (up, name), (node.dir, ".")):
            for words in (["credential", "rm", "nobody"], ["show", "33/none"], ["records", "quarantine", "show", "99"]):
                p = run([guantong(), "-C", said, *words], cwd=folder, ok=False)
                advice = re.search(r"guantong -C [^`,;)\n]*?(?=`| lists| and|$)", p.stderr, re.M)[0]
                self.assertEqual(shlex.split(advice)[2], os.path.realpath(node.dir), p.stderr)
                run([guantong(), *shlex.split(advice)[1:]], cwd="/")

    def test_init_says_where_it_made_the_node(self):
        where = os.path.join(self.tree.dir, "二 楼")
        said = run([guantong(), "init", "--code", "33", "--pki", self.tree.pki, "--http", "0.0.0.0:0", where])
        self.assertIn(f"guantong -C {shlex.quote(os.path.realpath(where))} credential rm anonymous", said)

    def test_children_that_never_came_are_told(self):
        province, city = self.nodes
        never = city.status()["never_linked"]
        self.assertEqual((never["count"], [c["code"] for c in never["first"]]), (1, ["330106"]))
        self.assertEqual(province.status()["never_linked"], {"count": 0, "first": []})
        self.assertRegex(city.cli("status", env=HERE), r"(?m)^330106 +从未连接 +- ")
        self.assertRegex(city.cli("status"), r"(?m)^330106 +never linked +- ")
        self.assertIn("1 enrolled right below never linked", city.cli("status"))
        self.assertNotIn("never linked", province.cli("status"))


class Many(unittest.TestCase):
    def test_of_many_that_never_came_the_first_are_listed(self):
        with tempfile.TemporaryDirectory() as top:
            tree, pki, where = (os.path.join(top, n) for n in ("tree.yaml", "pki", "33"))
            with open(tree, "w") as f:
                f.write("nodes:\n  - {code: '33', name: p}\n")
                f.writelines(f"  - {{code: '33{i:02}', name: c{i}}}\n  - {{code: '33{i:02}01', name: d{i}}}\n" for i in range(1, 31))
            run([guantong(), "pki", "create", tree, pki])
            ports = free_ports(2)
            run([guantong(), "init", "--code", "33", "--pki", pki, "--listen", f"127.0.0.1:{ports[0]}",
                 "--http", f"127.0.0.1:{ports[1]}", "--content", "off", "--staff", "off", where])
            with open(os.path.join(top, "log"), "wb") as log:
                daemon = subprocess.Popen([guantongd(), "-C", where], stdout=log, stderr=log)
            try:
                # it asks for two seconds; a start may take longer on a busy machine
                while run([guantong(), "-C", where, "wait", "--until", "connected"], ok=False).returncode:
                    self.assertIsNone(daemon.poll())
                said = run([guantong(), "-C", where, "status"])
                self.assertEqual(len(re.findall(r"(?m)^33\d\d +never linked", said)), 20)
                self.assertEqual(len(re.findall(r"(?m)^33\d{4}", said)), 0)
                self.assertIn("... and 10 more that never linked", said)
                self.assertIn("30 enrolled right below", said)
            finally:
                daemon.terminate()
                daemon.wait()
