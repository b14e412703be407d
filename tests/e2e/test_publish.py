"""What is published, as people do it: mistakes are found before the work, and told all at once."""
import contextlib
import http.client
import json
import os
import resource
import signal
import subprocess
import unittest

from tree import CHAIN, PATIENCE, Tree, guantong, run


def put(folder, *names, text="x"):
    for name in names:
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)


def small_files_only():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


class Publishing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = Tree(CHAIN[:2])
        cls.province, cls.city = cls.tree["33"], cls.tree["3301"]

    @classmethod
    def tearDownClass(cls):
        cls.tree.__exit__(None, None, None)

    def folder(self, *names, text="x"):
        path = os.path.join(self.tree.dir, self.id().rsplit(".", 1)[1])
        put(path, *names, text=text)
        return path

    def batch(self, *rows):
        """A batch of these: entries, or lines as they are."""
        folder = self.folder()
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "batch.jsonl")
        with open(path, "wb") as f:
            f.writelines((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in rows)
        return path

    def publish(self, rid, folder, *options, ok=True):
        return self.province.cli("publish", "--id", rid, "--type", "document", "--title", "zh-CN=x", *options, folder, ok=ok)

    def test_it_starts_without_being_told(self):
        one = self.folder("only.mp4")
        self.publish("33/one", os.path.join(one, "only.mp4"))
        put(one, "index.html", "b/index.html")
        self.publish("33/two", one)
        for rid, start in (("33/one", "only.mp4"), ("33/two", "index.html")):
            self.city.wait_state(rid, "complete")
            self.assertEqual(self.city.resource(rid)["start"], start)
            there = self.city.http("GET", f"/c/{rid}/")
            self.assertEqual((there.status, there.headers["Location"]), (302, f"/c/{rid}/{start}"))
        self.assertEqual(self.city.http("GET", "/c/33/two/b/").status, 200)
        self.assertEqual(self.city.http("GET", "/c/33/two/b").headers["Location"], "/c/33/two/b/")

    def test_mistakes_come_before_the_packing(self):
        folder = self.folder("lesson.html")
        said = self.publish("33/bad", folder, "--start", "lesson.htm", ok=False)
        self.assertEqual(said.returncode, 1)
        self.assertIn("did you mean 'lesson.html'?", said.stderr)
        for options in (["--thumbnail", "none.png"], ["--region", "99x"], ["--language", "?"],
                        [w for i in range(65) for w in ("--keyword", f"k{i}")]):
            said = self.publish("33/bad", folder, *options, ok=False)
            self.assertNotEqual(said.returncode, 0, options)
            self.assertNotIn("B/s", said.stderr, options)  # no byte was packed
        said = self.publish("3301/bad", folder, ok=False)
        self.assertIn("33/", said.stderr)
        said = self.province.cli("publish", "--id", "33/bad", "--title", "x", "--no-content", "--start", "a.html", ok=False)
        self.assertIn("start", said.stderr)
        self.assertIsNone(self.province.resource("33/bad"))

    def test_a_forgotten_path_empties_nothing(self):
        folder = self.folder("index.html", text="whole")
        self.publish("33/kept", folder)
        for options in (["--type", "document"], [], ["--type", "announcement"], ["--type", "document", ""]):
            said = self.province.cli("publish", "--id", "33/kept", "--title", "x", *options, ok=False)
            self.assertEqual(said.returncode, 2, said.stderr)
            self.assertIn("--no-content", said.stderr)
        batch = self.batch({"id": "33/kept", "type": "document", "title": "x"},
                           {"id": "33/kept2", "type": "document", "title": "x", "path": ""})
        said = self.province.cli("publish", "--from", batch, ok=False)
        self.assertEqual(said.returncode, 2)
        for entry in ("batch.jsonl:1:1: ", "batch.jsonl:2:1: "):
            self.assertIn(entry, said.stderr)
        self.assertIn("--no-content", said.stderr)
        self.assertEqual(self.province.resource("33/kept")["version"], 1)
        self.assertEqual(self.province.http("GET", "/c/33/kept/index.html").body, b"whole")
        # who means it says so; and what has no files is not called what it is not
        self.province.cli("publish", "--from", batch, "--no-content")
        self.assertEqual(self.province.resource("33/kept")["version"], 2)
        said = self.province.http("GET", "/c/33/kept/?lang=en").body.decode()
        self.assertNotIn("announcement", said)
        said = self.province.cli("publish", "--from", batch, "--no-content", "--id", "x", ok=False)
        self.assertEqual(said.returncode, 2)

    def damage(self, node, rid):
        """A byte of the object's file becomes another."""
        name = node.resource(rid)["object"]
        path = next(os.path.join(d, f) for d, _, files in os.walk(os.path.join(node.dir, "objects"))
                    for f in files if name in os.path.join(d, f).replace("/", "") or f.startswith(name[2:]))
        with open(path, "r+b") as f:
            f.seek(os.path.getsize(path) // 3)
            byte = f.read(1)
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([byte[0] ^ 0x40]))
        with contextlib.suppress(http.client.IncompleteRead):  # what is bad ends the answer
            node.http("GET", f"/c/{rid}/big.bin")

    def test_damage_is_told_where_it_is_met(self):
        folder = self.folder("big.bin", text="".join(chr(0x4e00 + i * 7919 % 20000) for i in range(200000)))
        self.publish("33/rots", folder)
        self.city.wait_state("33/rots", "complete")
        self.damage(self.city, "33/rots")
        self.city.wait("a warning", lambda: "level=warn" in self.city.log() and "33/rots is damaged on this disk" in self.city.log())
        self.city.wait_state("33/rots", "complete")
        self.damage(self.province, "33/rots")
        self.province.wait("an error", lambda: "33/rots was published here, and its content is damaged" in self.province.log())
        self.assertIn("was damaged here and is whole again", self.publish("33/rots", folder))
        self.assertEqual([self.province.resource("33/rots")[k] for k in ("state", "version")], ["complete", 1])
        self.assertNotIn("damaged", self.publish("33/rots", folder))

    def test_titles_with_equals(self):
        self.province.cli("publish", "--lang", "zh-CN", "--id", "33/titles", "--title", "Lesson=1 intro", "--title", "en=A=B",
                          "--no-content")
        self.assertEqual(self.province.resource("33/titles")["title"], {"zh-CN": "Lesson=1 intro", "en": "A=B"})

    def test_bad_names_all_at_once(self):
        folder = self.folder("a.html", *(b"%d\xbf\xce" % i for i in range(23)), "и\u0306.txt")
        said = self.publish("33/names", folder, ok=False)
        self.assertEqual(said.returncode, 1)
        self.assertIn("24 names cannot be published", said.stderr)
        self.assertEqual(said.stderr.count("cannot be published under"), 20)
        self.assertIn(f"convmv -r --notest -f gbk -t utf8 {folder}\n", said.stderr)

    def test_names_that_are_one_elsewhere(self):
        folder = self.folder("A.TXT", "a.txt", "aux.html", "b.txt")
        said = self.publish("33/clash", folder, ok=False)
        self.assertEqual(said.returncode, 0)
        self.assertIn('"A.TXT" "a.txt"', said.stderr)
        self.assertIn('"aux.html"', said.stderr)
        self.city.wait_state("33/clash", "complete")
        out = os.path.join(self.tree.dir, "out")
        self.city.cli("get", "33/clash", "-o", out)
        self.assertEqual(sorted(os.listdir(out)), ["A.TXT", "a.txt", "aux.html", "b.txt"])
        # again, over what is there already
        self.city.cli("get", "33/clash", "-o", out)
        # a file system on which they are one, as far as this can be had
        out = os.path.join(self.tree.dir, "stick")
        os.mkdir(out)
        os.symlink("A.TXT", os.path.join(out, "a.txt"))
        said = self.city.cli("get", "33/clash", "-o", out, ok=False)
        self.assertEqual(said.returncode, 1)
        self.assertIn("'a.txt' is not saved: where it goes, it is one name with 'A.TXT'", said.stderr)
        self.assertIn("3 of 4 files saved", said.stderr)
        self.assertTrue(os.path.islink(os.path.join(out, "a.txt")))
        self.assertFalse(os.path.islink(os.path.join(out, "A.TXT")))

    def test_a_batch_that_fails_says_what_is_out(self):
        folder = self.folder("good/a.html", "later/b.html")
        rows = [{"id": "33/n1", "type": "announcement", "title": "一"},
                {"id": "33/p1", "type": "document", "title": "二", "path": "good"},
                {"id": "33/p2", "type": "document", "title": "三", "path": "later"},
                {"id": "33/n2", "type": "announcement", "title": "四"}]
        batch = os.path.join(folder, "batch.jsonl")

        def write():
            with open(batch, "w") as f:
                f.writelines(json.dumps(r) + "\n" for r in rows)

        # what can be known before is: nothing goes out
        rows[3]["regions"] = ["99x"]
        write()
        said = self.province.cli("publish", "--from", batch, ok=False)
        self.assertIn("batch.jsonl:4:1: ", said.stderr)
        self.assertIn("none of its 4 entries is out", said.stderr)
        self.assertIsNone(self.province.resource("33/n1"))
        # what fails on the way leaves the first ones out
        del rows[3]["regions"]
        write()
        put(folder, "later/big.bin", text="".join(chr(0x4e00 + i * 7919 % 20000) for i in range(9000)))
        said = subprocess.run([guantong(), "-C", self.province.dir, "publish", "--from", batch], capture_output=True,
                              text=True, timeout=PATIENCE, preexec_fn=small_files_only)
        self.assertEqual(said.returncode, 1, said.stderr)
        self.assertIn("2 of 4 entries are out, up to 33/p1; 33/p2 (entry 3)", said.stderr)
        self.assertIsNone(self.province.resource("33/n2"))
        # and the same again makes nothing new of them
        said = self.province.cli("publish", "--from", batch)
        for rid, version in (("33/n1", 1), ("33/p1", 1), ("33/p2", 1), ("33/n2", 1)):
            self.assertEqual(self.province.resource(rid)["version"], version, rid)
        self.assertEqual(len([r for r in self.province.audit() if (r["event"], r["subject"]) == ("publish", "33/p1")]), 1)

    def test_a_renamed_node(self):
        tree = os.path.join(self.tree.dir, "tree.yaml")
        with open(tree, "w") as f:
            f.write('nodes:\n  - {code: "3301", name: 杭州市的新名}\n')
        said = run([guantong(), "pki", "add", tree, self.tree.pki])
        self.assertIn("roster import", said)
        self.province.cli("roster", "import", os.path.join(self.tree.pki, "members.bin"))
        self.city.wait("its new name", lambda: "杭州市的新名" in self.city.cli("roster", "ls"))


if __name__ == "__main__":
    unittest.main()
