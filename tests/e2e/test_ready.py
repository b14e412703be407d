"""What the daemon needs is looked at before it starts, and what is called fine starts."""
import os
import shutil
import socket
import subprocess
import unittest

from tree import CHAIN, PATIENCE, ROOT, Tree, guantong, guantongd, run


# What is put in the place of each file and folder of a node that has not run yet, and
# how the start ends (0: it starts, None: as another row), in this order. 71 and 78 come with a line that
# names the file and says what to do.
SPOILT = ("missing", "empty", "garbage", "folder")
FOLDER = {
    "guantong.yaml": (78, 78, 78, 78), "policy.yaml": (0, 78, 78, 78), "credentials.json": (0, 78, 78, 78),
    "pki/ca.pem": (78, 78, 78, 78), "pki/cert.pem": (78, 78, None, None), "pki/key.pem": (78, 78, 78, None),
    "pki/node.key": (78, 78, 78, 78), "pki/roster.key": (78, 78, None, None), "pki/date.key": (None, 78, None, None),
    "pki/members.bin": (0, 78, 78, 78), "data/guantong.db": (None, 0, 71, 71), "data/reserve": (None, None, 0, 71),
    "data/lock": (None, None, None, 71), "run.json": (None, None, 0, 71), "control.sock": (None, None, 0, 71),
    "objects": (0, 71, None, None), "staged": (None, 71, None, None), "index": (None, 71, None, None),
    "data": (0, 71, None, None), "pki": (78, 71, None, 78),
}


class Ready(unittest.TestCase):
    def setUp(self):
        self.tree = Tree(CHAIN[:2], start=False)
        self.addCleanup(self.tree.__exit__, None, None, None)
        self.node = self.tree["3301"]

    def asked(self):
        """(exit status, what was said) of the daemon's look and the command's."""
        for args in ([guantongd(), "-C", self.node.dir, "--check"], None):
            p = run(args, ok=False) if args else self.node.cli("config", "check", ok=False)
            yield p.returncode, p.stdout + p.stderr

    def own(self, name):
        return os.path.join(self.node.dir, name)

    def issued(self, tree, code, name):
        return os.path.join(tree.pki, "nodes", code, name)

    def write(self, name, text):
        with open(self.own(name), "w") as f:
            f.write(text)

    def pem(self, code, *names, tree=None):
        for name in names:
            shutil.copy(self.issued(tree or self.tree, code, name), self.own("pki"))

    def spoil(self, how, *said, starts=False):
        """Both name what how() does; the start agrees that this is no start."""
        kept = self.node.dir + ".kept"
        shutil.copytree(self.node.dir, kept)
        try:
            how()
            for code, text in self.asked():
                self.assertIn(code, (78, 1), (said, text))
                for word in said:
                    self.assertIn(word, text)
            if not starts:
                p = subprocess.run(self.node.command(), capture_output=True, timeout=PATIENCE)
                self.assertEqual(p.returncode, 78, said)
        finally:
            shutil.rmtree(self.node.dir)
            os.rename(kept, self.node.dir)

    def test_what_keeps_it_from_starting_is_found(self):
        self.assertEqual([code for code, _ in self.asked()], [0, 0])
        self.spoil(lambda: self.write("pki/cert.pem", "garbage"), "pki/cert.pem", "or no certificate", "nodes/3301")
        self.spoil(lambda: self.pem("33", "key.pem"), "pki/key.pem", "belong together")
        self.spoil(lambda: self.pem("33", "cert.pem", "key.pem"), "certificate of 33", starts=True)
        with Tree(CHAIN[:2], start=False) as other:
            self.spoil(lambda: self.pem("3301", "cert.pem", "key.pem", tree=other), "pki/ca.pem", "unknown CA")
        self.spoil(lambda: os.unlink(self.own("pki/roster.key")), "pki/roster.key", "nodes/3301")
        self.spoil(lambda: os.unlink(self.own("pki/ca.pem")), "pki/ca.pem", "nodes/3301")
        self.spoil(lambda: self.write("credentials.json", "{"), "credentials.json")
        self.spoil(lambda: self.node.configure({"http": {"listen_tls": "own"}}), "guantong.yaml:", "http.listen_tls",
                   "pki/http-cert.pem")
        self.spoil(lambda: self.node.configure({"policy": {"file": "polcy.yaml"}}), "guantong.yaml:", "policy.file",
                   "polcy.yaml", "leave")
        self.spoil(lambda: self.write("policy.yaml", "default: miror\n"), "policy.yaml:1:")

    def said_of(self, sections, *words, starts=True):
        self.spoil(lambda: self.node.configure(sections), *words, starts=starts)

    def test_what_does_not_fit_the_tree_is_found(self):
        """Such a node starts and waits for its link in vain: the look says so before, the log then."""
        own = self.node.dir
        county = os.path.join(self.tree.pki, "nodes", "33")
        self.said_of({"parent": {"code": "'33-z'"}}, "guantong.yaml:", "parent.code", "no node `33-z`", "members.bin")
        self.said_of({"parent": {"code": "", "addresses": "[]"}}, "parent.code", "names for 3301: that is 33")
        self.said_of({"parent": {"code": "'34'"}}, "parent.code", "3301 does not lie in 34", starts=False)
        self.said_of({"parent": {"addresses": f"['127.0.0.1:{self.node.link_port}']"}}, "parent.addresses", "itself listens")
        self.spoil(lambda: shutil.copy(os.path.join(county, "node.key"), own + "/pki"), "pki/node.key", "not the key",
                   "nodes/3301", starts=True)
        with Tree(CHAIN[:2], start=False) as other:
            self.spoil(lambda: shutil.copy(self.issued(other, "3301", "roster.key"), own + "/pki"), "pki/roster.key",
                       "not signed", starts=True)
        self.spoil(lambda: os.unlink(self.own("pki/members.bin")), "pki/members.bin", "no roster yet", starts=True)
        run([guantong(), "pki", "revoke", "3301", self.tree.pki], cwd=self.tree.dir)
        self.spoil(lambda: self.pem("3301", "members.bin"), "pki/members.bin", "revokes this node", starts=True)
        self.node.configure({"parent": {"code": "'33-z'"}})
        self.node.start()
        self.assertRegex(self.node.log(), "level=error event=tree why=.*no node `33-z`")

    def test_a_parent_the_certificate_does_not_name_is_found(self):
        """Without a roster, by the certificate alone."""
        with Tree(CHAIN[:3], start=False) as t:
            self.tree, self.node = t, t["330106"]
            os.unlink(self.own("pki/members.bin"))
            os.makedirs(self.own("data"), exist_ok=True)
            self.said_of({"parent": {"code": "'33'"}}, "parent.code", "names for 330106: that is 3301")

    def test_listeners_that_meet_are_found(self):
        """Which the start would say one at a time, when it cannot have the port."""
        n = self.node
        for sections, key in (({"http": {"listen": f"0.0.0.0:{n.link_port}"}}, "http.listen"),
                              ({"http": {"content": f"localhost:{n.http_port}"}}, "http.content"),
                              ({"http": {"staff": f"'[::]:{n.link_port}'"}}, "http.staff")):
            self.said_of(sections, "guantong.yaml:", key, "port of its own", starts=False)
        for key, section in (("link.listen", "link"), ("http.listen", "http")):
            found = f"{key}: 203.0.113.7:{n.http_port} is no address of this machine"
            self.said_of({section: {"listen": f"203.0.113.7:{n.http_port}"}}, found)

    def test_a_port_that_is_taken_is_told_with_what_to_do(self):
        """Of each listener: its key, and how to find who holds the port."""
        n = self.node
        for key, port in (("link.listen", n.link_port), ("http.listen", n.http_port), ("http.content", n.content_port),
                          ("http.staff", n.staff_port)):
            for lang, said in (("C.UTF-8", "another program has the port"), ("zh_CN.UTF-8", "已被其他程序占用")):
                n.configure({"node": {"language": "en" if lang[0] == "C" else "zh-CN"}})
                with socket.socket() as taken:
                    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    taken.bind(("127.0.0.1", port))
                    taken.listen()
                    p = subprocess.run(n.command(), capture_output=True, text=True, timeout=PATIENCE)
                self.assertEqual(p.returncode, 71)
                line = [w for w in p.stderr.splitlines() if "cannot-start" in w][0]
                self.assertRegex(line, f"{key}[:：]")
                self.assertIn(said, line)
                self.assertIn(f"sudo ss -ltnp 'sport = :{port}'", line)

    def put(self, name, how):
        path = self.own(name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)
        if how == "folder":
            os.makedirs(path)
        elif how != "missing":
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self.write(name, "garbage\n" if how == "garbage" else "")

    def test_each_file_missing_empty_and_wrong(self):
        """A start that is refused names the file and says what to do; the look before agrees."""
        self.node.configure({"node": {"language": "zh-CN"}})
        kept = self.node.dir + ".kept"
        for name, codes in FOLDER.items():
            for how, code in zip(SPOILT, codes):
                if code is None:
                    continue
                with self.subTest(f"{name} {how}"):
                    shutil.copytree(self.node.dir, kept)
                    try:
                        self.put(name, how)
                        self.node.env = {"GUANTONG_LANG": "zh_CN.UTF-8"}
                        if code == 0:
                            self.node.start()
                            self.assertEqual(self.node.stop(), 0)
                            continue
                        p = subprocess.run(self.node.command(), capture_output=True, text=True, timeout=PATIENCE,
                                           env=dict(os.environ, **self.node.env))
                        self.assertEqual(p.returncode, code, p.stderr)
                        line = p.stderr.splitlines()[-1]
                        self.assertIn("pki/node.key" if name == "pki" and code == 78 else name, line)
                        self.assertRegex(line, "请|缺少|此处应为")
                        self.assertNotRegex(line, "[a-z]{3,} [a-z]{3,} [a-z]{3,} [a-z]{3,}")
                        if name != "data/guantong.db" or how == "folder":
                            self.assertEqual(run([*self.node.command(), "--check"], ok=False).returncode, 78)
                    finally:
                        shutil.rmtree(self.node.dir)
                        os.rename(kept, self.node.dir)

    def test_files_of_another_user_are_found(self):
        """What somebody copied as root; loose modes are said, and mended by the start."""
        if os.geteuid() != 0:
            self.skipTest("only root gives files away")
        self.spoil(lambda: os.chown(self.own("pki/key.pem"), 1, 1), "pki/key.pem", "chown root pki/key.pem", starts=True)
        os.chmod(self.own("pki/node.key"), 0o644)
        for code, text in self.asked():
            self.assertEqual(code, 0)
            self.assertIn("pki/node.key: other users may read", text)

    def test_open_over_the_network_is_said_of_what_is(self):
        said = self.node.cli("config", "check")
        self.assertIn("open on this machine only", said)
        self.assertNotIn("over the network", said)
        self.node.configure({"http": {"listen": f"0.0.0.0:{self.node.http_port}"}})
        self.assertIn("open over the network: pages", self.node.cli("config", "check"))

    def test_the_daemon_says_what_the_check_says(self):
        """In one language, whole, and with the file's folder: of the environment, or of --lang."""
        def said(command, lang, *more):
            env = {k: v for k, v in os.environ.items() if k != "GUANTONG_LANG"} | {"LC_ALL": lang}
            p = subprocess.run([*command, *more], capture_output=True, env=env, timeout=PATIENCE)
            return p.stderr.decode().splitlines()
        kept = self.node.dir + ".kept"
        shutil.copytree(self.node.dir, kept)
        check = [guantong(), "-C", self.node.dir, "config", "check"]
        start = [guantongd(), "-C", self.node.dir]
        path = self.own("guantong.yaml")
        spoilt = {"node:\n  code: '33'\n  language: zh-CN\nlink:\n  heartbeat: soon\n": "时长",
                  "node:\n  code: '330106'\nparent:\n  code: '34'\n": "34",
                  "node:\n  - {\n": "YAML", None: "没有"}
        try:
            for text, word in spoilt.items():
                if text:
                    self.write("guantong.yaml", text)
                else:
                    os.unlink(path)
                chinese = said(start, "zh_CN.UTF-8")
                self.assertTrue(chinese[0].startswith(path + ":"), chinese)
                self.assertNotRegex(chinese[0].replace(path, ""), r"[a-z]+ [a-z]+ [a-z]+", chinese)
                self.assertIn(word, chinese[0])
                self.assertEqual(chinese, said(check, "zh_CN.UTF-8")[:len(chinese)])
                self.assertEqual(chinese, said(start, "C.UTF-8", "--lang", "zh-CN"))
                self.assertTrue("\n".join(said(start, "zh_CN.UTF-8", "--lang=en")).isascii())
        finally:
            shutil.rmtree(self.node.dir)
            os.rename(kept, self.node.dir)
        self.assertIn("fr", said(start, "C.UTF-8", "--lang", "fr")[0])

    def test_a_folder_of_keys_that_is_none_is_called_so(self):
        for name, said in (("nowhere", "does not exist"), ("empty", "is no folder of keys")):
            pki = os.path.join(self.tree.dir, name)
            if name == "empty":
                os.mkdir(pki)
            p = run([guantong(), "init", pki + ".node", "--code", "33", "--pki", pki], ok=False)
            self.assertEqual(p.returncode, 4, p.stderr)
            self.assertIn(said, p.stderr)
            self.assertIn("pki create", p.stderr)
            self.assertNotIn("pki add", p.stderr)

    def test_all_is_said_at_once(self):
        def how():
            self.node.configure({"http": {"staff_tls": "own"}, "policy": {"file": "polcy.yaml"}})
            self.write("pki/cert.pem", "garbage")
            os.unlink(self.own("pki/node.key"))
        self.spoil(how, "policy.file", "http.staff_tls", "pki/cert.pem", "pki/node.key")

    def test_the_start_says_what_the_look_says(self):
        self.node.configure({"policy": {"file": "polcy.yaml"}})
        looked = run([guantongd(), "-C", self.node.dir, "--check"], ok=False).stderr
        self.assertEqual(subprocess.run(self.node.command(), capture_output=True, text=True, timeout=PATIENCE).stderr, looked)

    def test_another_nodes_certificate_is_told_at_the_start(self):
        self.pem("33", "cert.pem", "key.pem")
        self.node.start()
        self.assertRegex(self.node.log(), "level=error event=certificate .*certificate of 33")

    def test_the_service_starts_whenever_the_daemon_does(self):
        with open(os.path.join(ROOT, "deploy/guantongd@.service")) as f:
            self.assertNotIn("ExecStartPre=", f.read())


if __name__ == "__main__":
    unittest.main()
