"""Configuration, trust, the command line and the web of one or two nodes."""
import fcntl
import json
import os
import re
import signal
import subprocess
import unittest

from tree import CHAIN, PATIENCE, ROOT, Tree, find, guantong, guantongd, make_files, run


class BadConfiguration(unittest.TestCase):
    def test_line_column_key_and_a_guess(self):
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            path = os.path.join(node.dir, "guantong.yaml")
            with open(path, "a") as f:
                f.write("storge:\n  reserve: 1GiB\n")
            line = open(path).read().splitlines().index("storge:") + 1
            p = node.cli("config", "check", ok=False)
            said = p.stdout + p.stderr
            self.assertNotEqual(p.returncode, 0)
            self.assertRegex(said, rf"guantong\.yaml:{line}:1: .*storge")
            self.assertIn("storage", said)
            # the daemon says the same and does not start
            d = subprocess.run([guantongd(), "-C", node.dir], capture_output=True, text=True, timeout=PATIENCE)
            self.assertNotEqual(d.returncode, 0)
            self.assertRegex(d.stdout + d.stderr, rf"guantong\.yaml:{line}:1: ")

    def test_insecure_is_shouted_about(self):
        with Tree(CHAIN[:1], start=False, insecure=True) as t:
            p = t["33"].cli("config", "check", ok=False)
            self.assertEqual(p.returncode, 0, p.stderr)
            self.assertIn("insecure", p.stdout + p.stderr)

    def test_a_bad_policy_changes_nothing(self):
        with Tree(CHAIN[:1]) as t:
            bad = os.path.join(t.dir, "bad.yaml")
            with open(bad, "w") as f:
                f.write("default: mirror\nrules:\n  - name: a\n    verdikt: deny\n")
            p = t["33"].cli("policy", "set", bad, ok=False)
            self.assertNotEqual(p.returncode, 0)
            self.assertRegex(p.stdout + p.stderr, r"bad\.yaml:4:5: .*verdikt")
            self.assertIn("verdict", p.stdout + p.stderr)

    def test_a_slip_in_a_usual_word_is_told(self):
        """In a rule, in what --meta and --from say: the word that was meant."""
        rule = "default: mirror\nrules:\n  - {name: a, when: {audience: %s}, verdict: deny}\n"
        with Tree(CHAIN[:1]) as t:
            def put(name, text):
                path = os.path.join(t.dir, name)
                with open(path, "w") as f:
                    f.write(text)
                return path

            def refused(meant, *args):
                p = t["33"].cli(*args, ok=False)
                self.assertNotEqual(p.returncode, 0, args)
                self.assertIn(meant, p.stdout + p.stderr)

            for word in ("eldrly", "老年人"):
                path = put("rule.yaml", rule % word)
                refused("elderly", "policy", "check", path)
                refused("elderly", "policy", "set", path)
            t["33"].cli("policy", "set", put("rule.yaml", rule % "anglers"))
            draft = "id: a\ntitle: t\ntype: %s\naudiences: [%s]\n"
            line = '{"id":"a","title":"t","type":"%s","audiences":["%s"]}\n'
            for name, form in (("a.yaml", draft), ("a.jsonl", line)):
                for words in (("annoucement", "staff"), ("announcement", "eldrly")):
                    meant = "announcement" if words[1] == "staff" else "elderly"
                    path = put(name, form % words)
                    refused(f"'{meant}'", "publish", "--from", path)
                    if name == "a.yaml":
                        refused(f"'{meant}'", "publish", "--no-content", "--meta", path)
                t["33"].cli("publish", "--from", put(name, form % ("announcement", "anglers")))

    def test_examples_load(self):
        examples = os.path.join(ROOT, "configs")
        policies = [f for f in sorted(os.listdir(examples)) if f.startswith("policy")]
        self.assertTrue(policies)
        with Tree(CHAIN[:1], start=False) as t:
            for name in policies:
                t["33"].cli("policy", "check", os.path.join(examples, name))


class Reload(unittest.TestCase):
    def test_it_says_which_keys_wait_for_a_restart(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.assertNotIn("waits", node.cli("reload"))
            node.configure({"http": {"connections": "50"}, "trust": {"date_warn": "2d"}, "log": {"level": "debug"}})
            keys = "trust.date_warn, http.connections"
            said = node.cli("reload")
            self.assertIn(f"waits for a restart of the daemon (sudo systemctl restart guantongd@CODE): {keys}\n", said)
            self.assertEqual(node.cli_json("reload")["waits"], keys)
            n = node.log().count("event=reload")
            node.process.send_signal(signal.SIGHUP)
            node.wait("the reload", lambda: node.log().count("event=reload") > n)
            self.assertRegex(node.log(), f'event=needs-restart keys="{keys}" why=".*systemctl restart')
            # a mistake is said, and changes nothing
            node.configure({"http": {"conections": "50"}})
            p = node.cli("reload", ok=False)
            self.assertEqual(p.returncode, 1)
            self.assertRegex(p.stderr, r"guantong\.yaml:\d+:\d+: .*connections")
            node.wait("the refusal", lambda: "goes on as before" in node.log())

    def test_a_policy_with_a_mistake_is_refused(self):
        """And said to whoever asked, and in the log as lines of the log."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            path = os.path.join(node.dir, "policy.yaml")
            for text, said in (("default: everything\n", r"policy\.yaml:1:10: .*mirror"),
                               (None, r"guantong\.yaml:\d+:\d+: .*nix\.yaml")):
                if text:
                    with open(path, "w") as f:
                        f.write(text)
                else:
                    os.unlink(path)
                    node.configure({"policy": {"file": "nix.yaml"}})
                n = node.log().count("goes on as before")
                p = node.cli("reload", ok=False)
                self.assertEqual(p.returncode, 1)
                self.assertRegex(p.stderr, said)
                node.wait("the refusal", lambda: node.log().count("goes on as before") > n)
                self.assertRegex(node.log(), f'level=error event=reload why="{said}')


class Listeners(unittest.TestCase):
    def test_config_check_lists_each_with_who_reaches_it_and_how_it_travels(self):
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            node.configure({"http": {"listen": f"0.0.0.0:{node.http_port}", "listen_tls": "node", "staff": "off",
                                     "content": f"0.0.0.0:{node.content_port}"}})
            said = node.cli("config", "check")
            for row in (rf"link\.listen +127\.0\.0\.1:{node.link_port} +this machine +encrypted",
                        rf"http\.listen +0\.0\.0\.0:{node.http_port} +the network +encrypted",
                        rf"http\.content +0\.0\.0\.0:{node.content_port} +the network +in clear",
                        r"http\.staff +- +nobody"):
                self.assertRegex(said, row)
            v = node.cli_json("config", "check")
            self.assertTrue(v["ok"])
            rows = {r["key"]: (r["address"], r["open"], r["tls"], r["clear"]) for r in v["listeners"]}
            self.assertEqual(rows, {
                "link.listen": (f"127.0.0.1:{node.link_port}", False, "mutual", False),
                "http.listen": (f"0.0.0.0:{node.http_port}", True, "node", False),
                "http.content": (f"0.0.0.0:{node.content_port}", True, "off", True),
                "http.staff": (None, False, "off", False)})
            self.assertEqual((v["anonymous"], v["parent_named"]), (True, None))


class Ending(unittest.TestCase):
    def test_a_signal_at_the_last_moment_leaves_the_status(self):
        with Tree(CHAIN[:1], start=False) as t:
            for _ in range(8):
                node = t["33"].start()
                with open(node.log_path) as log:
                    log.seek(0, os.SEEK_END)
                    node.process.send_signal(signal.SIGTERM)
                    said = ""
                    while "event=stopped" not in said and node.alive():
                        said += log.read()
                self.assertEqual(node.stop(), 0)


class Directories(unittest.TestCase):
    def test_a_directory_may_be_named_from_where_one_is(self):
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            here, name = os.path.split(node.dir)
            for relative in name, "./" + name, name + "/":
                p = run([guantongd(), "-C", relative, "--check"], cwd=here, ok=False)
                self.assertEqual((p.returncode, p.stderr), (0, ""))
            node.command = lambda: ["/bin/sh", "-c", 'cd "$1" && exec "$2" -C "$3"', "-", here, guantongd(), name]
            node.start()
            self.assertIn('"code": "33"', run([guantong(), "-C", name, "status", "--json"], cwd=here))
            self.assertEqual(node.stop(), 0)


class Trust(unittest.TestCase):
    def test_a_revoked_node_is_cut_within_a_minute(self):
        with Tree(CHAIN[:3]) as t:
            run([guantong(), "pki", "revoke", "330106", t.pki])
            t["33"].cli("roster", "import", os.path.join(t.pki, "revoked-330106.bin"))
            t["3301"].wait("the link to be cut", lambda: find(t["3301"].status(), "children_up") == 0, 60)
            t["330106"].wait("to notice", lambda: not find(t["330106"].status(), "parent_up"), 60)
            src = os.path.join(t.dir, "src")
            make_files(src, {"x": 1000})
            t["33"].publish("33/after", src)
            t["3301"].wait_state("33/after", "complete")
            self.assertIsNone(t["330106"].resource("33/after"))

    def test_a_node_of_another_tree_is_refused(self):
        with Tree(CHAIN[:1]) as t, Tree(CHAIN[:2], start=False) as other:
            stranger = other["3301"]
            stranger.configure({"parent": {"addresses": f'["127.0.0.1:{t["33"].link_port}"]'}})
            stranger.start()
            src = os.path.join(t.dir, "src")
            make_files(src, {"x": 1000})
            t["33"].publish("33/x", src)
            t["33"].wait("a refused handshake in the log", lambda: re.search("certificate|handshake|证书|握手", t["33"].log()))
            self.assertEqual(find(t["33"].status(), "children_up"), 0)
            self.assertIsNone(stranger.resource("33/x"))


class HostilePackages(unittest.TestCase):
    def test_publish_names_the_member(self):
        with Tree(CHAIN[:1]) as t:
            for i, (name, make) in enumerate({
                "link": lambda p: os.symlink("/etc/passwd", p),
                "pipe": lambda p: os.mkfifo(p),
                "back\\slash": lambda p: open(p, "w").close(),
                "bell\a": lambda p: open(p, "w").close(),
            }.items()):
                src = os.path.join(t.dir, f"bad-{i}")
                os.mkdir(src)
                make(os.path.join(src, name))
                p = t["33"].cli("publish", "--id", "33/bad", "--type", "document", "--title", "zh-CN=x", src, ok=False)
                self.assertNotEqual(p.returncode, 0, name)
                self.assertIn(name[:4], p.stderr)
            self.assertIsNone(t["33"].resource("33/bad"))


class Surfaces(unittest.TestCase):
    def test_pages_metrics_health(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            src = os.path.join(t.dir, "src")
            make_files(src, {"x.html": 100})
            node.publish("33/课".replace("课", "ke"), src, title="第一课<b>", start="x.html")
            node.wait_state("33/ke", "complete")
            page = node.http("GET", "/?lang=zh-CN").body.decode()
            self.assertIn("第一课&lt;b&gt;", page)
            self.assertNotRegex(page, r"(src|href)=\"https?://")
            self.assertEqual(node.http("GET", "/r/33/ke").status, 200)
            # a core that is busy for seconds is not well
            node.wait("good health", lambda: node.http("GET", "/healthz").status == 200)
            text = node.http("GET", "/metrics").body.decode()
            self.assertRegex(text, r"(?m)^# TYPE \w+ counter$")
            etag = node.file("33/ke", "x.html").headers["ETag"]
            again = node.http("GET", "/c/33/ke/x.html", headers={"If-None-Match": etag})
            self.assertEqual(again.status, 304)

    def test_one_version_whoever_is_asked(self):
        with open(os.path.join(ROOT, "src/base/version.h")) as f:
            version = re.search(r'#define GT_VERSION "([0-9.]+)"', f.read()).group(1)
        self.assertEqual(run([guantong(), "--version"]), f"guantong {version}\n")
        self.assertEqual(run([guantong(), "version"]), f"guantong {version}\n")
        self.assertEqual(run([guantongd(), "--version"]), f"guantongd {version}\n")
        with Tree(CHAIN[:2]) as t:
            self.assertIn(f" version={version}\n", t["3301"].log() + "\n")
            text = t["3301"].http("GET", "/metrics").body.decode()
            self.assertIn(f'guantong_info{{code="3301",version="{version}"}} 1\n', text)
            said = lambda: find(t["33"].status()["children"], "software")
            self.assertEqual(t["33"].wait("the child's status", said), f"guantong {version}")
            # a start is written down with what started
            self.assertIn(f"guantongd {version}", {r["detail"] for r in t["33"].audit()})

    def test_every_command_helps(self):
        out = run([guantong(), "--help"])
        for name in ("init", "publish", "withdraw", "ls", "show", "get", "status", "wait", "records", "audit",
                     "policy", "explain", "config", "pki", "roster"):
            self.assertIn(name, out)
            self.assertTrue(run([guantong(), name, "--help"]))

    def test_status_and_wait_as_scripts_use_them(self):
        with Tree(CHAIN[:2]) as t:
            t["3301"].cli("wait", "--until", "connected")
            t["3301"].cli("wait", "--until", "synced")
            self.assertEqual(find(t["3301"].cli_json("status"), "code"), "3301")
            gone = t["3301"].cli("show", "33/none", ok=False)
            self.assertEqual(gone.returncode, 4)
            t["3301"].stop()
            off = t["3301"].cli("status", ok=False)
            self.assertEqual(off.returncode, 3)

    def test_a_daemon_that_does_not_answer_yet_is_waited_for(self):
        """Between a start's lock and its socket, however long that is."""
        with Tree(CHAIN[:2]) as t:
            node = t["3301"]
            self.assertEqual(node.stop(), 0)
            with open(os.path.join(node.dir, "data", "lock")) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                command = [guantong(), "-C", node.dir, "wait", "--until", "connected"]
                p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                with self.assertRaises(subprocess.TimeoutExpired):
                    p.wait(3)
                off = node.cli("wait", "--until", "connected", "--timeout", "100ms", ok=False)
                self.assertEqual(off.returncode, 1)
                self.assertIn("does not answer", off.stderr)
            node.start()
            self.assertEqual(p.wait(PATIENCE), 0, p.stdout.read())
            p.stdout.close()


if __name__ == "__main__":
    unittest.main()
