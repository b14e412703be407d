"""What somebody meets who has only README and --help: what is wrong is said whole, where it
is, and with what to do next; and in the same way whichever door it came by."""
import json
import os
import subprocess
import tempfile
import unittest

from test_publish import put
from tree import CHAIN, PATIENCE, Tree, guantong, run


class OneNode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = Tree(CHAIN[:1])
        cls.node = cls.tree["33"]

    @classmethod
    def tearDownClass(cls):
        cls.tree.__exit__(None, None, None)


class Batches(OneNode):
    def setUp(self):
        self.folder = os.path.join(self.tree.dir, self.id().rsplit(".", 1)[1])
        os.makedirs(self.folder)

    def batch(self, *rows, name="batch.jsonl"):
        """A batch of these: entries, or lines as they are."""
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.writelines((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in rows)
        return path

    def publish(self, *args):
        return self.node.cli("publish", *args, ok=False)

    def news(self, slug, **more):
        return {"id": slug, "type": "announcement", "title": "x", **more}

    def test_every_line_is_looked_at_before_the_first_byte(self):
        put(self.folder, "files/a.html", "files/bad\n.html")
        rows = [self.news("n1"), b"{", self.news("n3", titel="x"), {"id": "n4"}, self.news("n5", regions=["99x"]),
                self.news("n6", type="document", path="none"), self.news("n7", type="document", path="files"),
                self.news("n 8"), self.news("n1"), b"", "第".encode("gbk") + b'"', self.news("3301/n12"),
                self.news("n13", start="a.html")]
        said = self.publish("--from", self.batch(*rows))
        self.assertEqual(said.returncode, 2, said.stderr)
        for line in 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13:
            self.assertIn(f"batch.jsonl:{line}:", said.stderr)
        self.assertNotIn("batch.jsonl:1:", said.stderr)
        self.assertIn("batch.jsonl:9:1: 33/n1 is in line 1 already", said.stderr)
        self.assertIn("none of its 12 entries is out", said.stderr)
        self.assertNotIn("B/s", said.stderr)
        self.assertIsNone(self.node.resource("33/n1"))

    def test_the_batch_of_the_help_is_taken(self):
        """As it stands there, in both forms and in both languages."""
        put(self.folder, "lessons/first/one.html", "second.mp4")
        for lang in "en", "zh-CN":
            told = run([guantong(), "--lang", lang, "publish", "--help"])
            lines = told.splitlines()
            at = lines.index("  resources:")
            end = next(i for i in range(at + 1, len(lines)) if not lines[i].startswith("   "))
            with open(os.path.join(self.folder, "batch.yaml"), "w") as f:
                f.writelines(line[2:] + "\n" for line in lines[at:end])
            said = self.publish("--from", f.name)
            self.assertEqual((said.returncode, said.stdout.count("\n")), (0, 2), said.stderr)
            rows = [line.strip().encode() for line in lines if line.startswith('  {"')]
            said = self.publish("--from", self.batch(*rows))
            self.assertEqual((said.returncode, said.stdout.count("\n")), (0, 2), said.stderr)

    def test_what_is_about_one_resource_does_not_go_with_a_batch(self):
        path = self.batch(self.news("mixed"))
        for option, value, said in (("--start", "x.html", "'start'"), ("--title", "x", "'title'"),
                                    ("--subject", "health", "'subjects'"), ("--id", "x", "'id'"),
                                    ("--meta", "x.yaml", "--meta")):
            p = self.publish("--from", path, option, value)
            self.assertEqual(p.returncode, 2, p.stderr)
            self.assertIn(option, p.stderr)
            self.assertIn(said, p.stderr)
        self.assertEqual(self.publish("--files", self.folder, "--id", "x", "--title", "x", "--no-content").returncode, 2)
        self.assertIsNone(self.node.resource("33/mixed"))

    def test_a_batch_that_is_none_is_told_once(self):
        def told(name, data, word):
            path = os.path.join(self.folder, name)
            with open(path, "wb") as f:
                f.write(data)
            for option in "--from", "--meta":
                p = self.publish(option, path)
                self.assertEqual((p.returncode, p.stderr.count("\n")), (2, 1), p.stderr)
                self.assertIn(word, p.stderr)
        told("empty.jsonl", b"", "holds no entry")
        told("blank.jsonl", b"\n \n", "holds no entry")
        told("empty.yaml", b"resources:\n", "holds no entry")
        told("list.csv", "编号,标题\n1,第一课\n".encode(), "resources:")
        rows = "".join(f'{{"id": "g{i}", "type": "announcement", "title": "第{i}课 数学课程"}}\n' for i in range(9))
        told("gbk.jsonl", rows.encode("gbk"), "GB18030")

    def test_a_blank_title_is_none(self):
        for title in "", " ", "zh-CN=", "en= \t", "\u3000":
            p = self.publish("--id", "blank", "--title", title, "--no-content")
            self.assertEqual(p.returncode, 2, p.stderr)
            self.assertIn("title is empty", p.stderr)
        p = self.publish("--from", self.batch(self.news("b1", title={"en": "x", "zh-CN": ""}),
                                              self.news("b2", title={})))
        self.assertEqual(p.returncode, 2, p.stderr)
        self.assertIn("batch.jsonl:1:1: the title is empty (zh-CN)", p.stderr)
        self.assertIn("batch.jsonl:2:1: 'title' is missing", p.stderr)
        self.assertIsNone(self.node.resource("33/blank"))

    def test_twenty_lines_and_how_many(self):
        said = self.publish("--from", self.batch(*({"id": f"m{i}"} for i in range(30)), self.news("good")))
        self.assertEqual(said.stderr.count("'title' is missing"), 20)
        self.assertIn("30 of 31 entries are wrong", said.stderr)
        self.assertIn("batch.jsonl:20:1", said.stderr)
        self.assertNotIn("batch.jsonl:21:1", said.stderr)
        # of those that only the node finds, too
        said = self.publish("--from", self.batch(*(self.news(f"r{i}", regions=["99x"] if i % 2 else []) for i in range(60))))
        self.assertIn("30 of 60 entries are wrong", said.stderr)
        self.assertIn("batch.jsonl:40:1", said.stderr)
        self.assertNotIn("batch.jsonl:39:1", said.stderr)

    def test_no_path_of_a_batch_leaves_its_folder(self):
        put(self.folder, "files/in/a.html", "secret/b.html")
        files, secret = os.path.join(self.folder, "files"), os.path.join(self.folder, "secret")
        os.symlink(secret, os.path.join(files, "link"))
        os.symlink("..", os.path.join(files, "up"))
        for path in "../secret", "in/../../secret", secret, "link", "link/b.html", "up/secret", "..", "/":
            row = self.news("out", type="document", path=path)
            said = self.publish("--from", self.batch(row), "--files", files)
            self.assertEqual(said.returncode, 5, path)
            self.assertIn("--files", said.stderr)
            self.assertIsNone(self.node.resource("33/out"))
        # nor without --files the one it is in
        said = self.publish("--from", self.batch(self.news("out", type="document", path="../secret"), name="files/b.jsonl"))
        self.assertEqual(said.returncode, 5)
        for name in "link", "up":
            os.unlink(os.path.join(files, name))
        for i, path in enumerate(("in", "in/a.html", "in/../in", os.path.join(files, "in"), ".")):
            row = self.news(f"in{i}", type="document", path=path)
            self.assertEqual(self.publish("--from", self.batch(row), "--files", files).returncode, 0, path)

    def test_one_table_of_exit_codes(self):
        """The same mistake has the same code, alone, from --meta and in a batch."""
        put(self.folder, "f/a.html", "bad/a\\b.html")
        f = os.path.join(self.folder, "f")
        table = [
            (0, {"title": "x", "type": "document"}, "f"),
            (1, {"title": "x", "type": "document", "start": "none.html"}, "f"),
            (1, {"title": "x", "type": "document"}, "bad"),
            (2, {"type": "document"}, "f"),
            (2, {"title": "x", "type": "document", "regions": ["99x"]}, "f"),
            (2, {"title": "x", "type": "document", "languages": ["?"]}, "f"),
            (2, {"title": "x", "type": "document"}, None),
            (2, {"title": "x", "type": "document", "id": "no good"}, "f"),
            (4, {"title": "x", "type": "document"}, "nowhere"),
            (2, {"title": "x", "type": "document", "id": "3301/x"}, "f"),
        ]
        options = {"regions": "region", "languages": "language"}
        for code, row, path in table:
            row = {"id": "33/codes", **row}
            words = [w for k, v in row.items() for w in ("--" + options.get(k, k), v[0] if isinstance(v, list) else v)]
            alone = self.publish(*words, *([os.path.join(self.folder, path)] if path else []))
            batch = self.publish("--from", self.batch({**row, **({"path": path} if path else {})}))
            with open(os.path.join(self.folder, "meta.yaml"), "w") as out:
                json.dump(row, out)
            meta = self.publish("--meta", out.name, *([os.path.join(self.folder, path)] if path else []))
            for said in alone, batch, meta:
                self.assertEqual(said.returncode, code, (row, said.stderr))
        for option in "--from", "--meta":
            self.assertEqual(self.publish(option, os.path.join(self.folder, "none.yaml"), *([f] if option == "--meta" else [])).returncode, 4)
        for lang, word in ("en", "what describes"), ("zh-CN", "描述"):
            self.assertIn(word, run([guantong(), "--lang", lang, "publish", "--help"]))

    def test_what_is_no_utf8_is_told_what_it_seems(self):
        def said(*words, lang="en"):
            p = subprocess.run([guantong().encode(), b"-C", self.node.dir.encode(), b"--lang", lang.encode(), *words],
                               capture_output=True, timeout=PATIENCE)
            self.assertEqual(p.returncode, 2, p)
            return p.stderr.decode()

        title = "第一课：学用手机".encode("gbk")
        for option in b"--title", b"--description", b"--keyword", b"--start":
            text = said(b"publish", b"--id", b"x", b"--title", b"x", option, title, self.folder.encode())
            self.assertIn(option.decode() + " is not UTF-8: it looks like GB18030", text)
            self.assertIn("第一课：学用手机", text)
            self.assertIn("--from", text)
        self.assertIn("--title 不是 UTF-8", said(b"publish", b"--id", b"x", b"--title", title, lang="zh-CN"))
        self.assertIn("--reason is not UTF-8", said(b"withdraw", b"33/x", b"--reason", title))
        self.assertIn("NAME is not UTF-8", said(b"credential", b"add", title))
        # and so that the terminal it was typed at can show it
        p = subprocess.run([guantong().encode(), b"publish", b"--title", title], capture_output=True, timeout=PATIENCE,
                           env={"LC_ALL": "zh_CN.GBK"})
        self.assertIn("--title 不是 UTF-8：看上去是 GB18030 编码，按此编码为：第一课：学用手机", p.stderr.decode("gb18030"))
        # what cannot be guessed is not guessed
        self.assertNotIn("looks like", said(b"publish", b"--id", b"x", b"--title", "café".encode("latin-1")))
        files = {
            "b.jsonl": ('{"id": "n1", "title": "%s"}\n', ["publish", "--from"]),
            "m.yaml": ("id: n1\ntitle: %s\n", ["publish", "--no-content", "--meta"]),
            "p.yaml": ("rules: []\ndefault: mirror # %s\n", ["policy", "check"]),
            "tree.yaml": ('nodes:\n  - {code: "33", name: %s}\n', ["pki", "create"]),
        }
        for name, (form, words) in files.items():
            path = os.path.join(self.folder, name)
            for encoding in "gb18030", "utf-16", "utf-16-le", "utf-16-be":
                with open(path, "wb") as out:
                    out.write((form % "第一课").encode(encoding))
                more = [os.path.join(self.folder, "pki")] if name == "tree.yaml" else []
                p = self.node.cli(*words, path, *more, ok=False)
                self.assertNotEqual(p.returncode, 0)
                looks = "GB18030" if encoding == "gb18030" else "UTF-16"
                self.assertRegex(p.stderr, rf"{name}:\d+:\d+: (.*: )?not UTF-8: it looks like {looks}")
                if encoding == "gb18030":
                    self.assertIn("第一课", p.stderr)
            with open(path, "wb") as out:
                out.write((form % "第一课").encode("utf-8-sig"))
            more = {"tree.yaml": [os.path.join(self.folder, "pki")], "b.jsonl": ["--no-content"]}.get(name, [])
            self.assertNotIn("UTF-8", self.node.cli(*words, path, *more, ok=False).stderr)


class Beginnings(unittest.TestCase):
    def test_init_names_the_option_that_is_wrong(self):
        """Not the key of a file that nobody has written yet; with an example; all at once."""
        child = ["--code", "330106", "--parent", "3301"]
        address = ["--parent-address", "a.example:7700"]
        wrong = {
            "code": [[], ["--code", "99x"], ["--code", ""]],
            "parent": [["--code", "330106", "--parent", p, *address] for p in ("zz", "44")] + [["--code", "330106", *address]],
            "parent-address": [child, [*child, "--parent-address", "nowhere"], [*child, *address * 20]],
            "name": [["--code", "33", "--name", "a" * 400]],
            **{o: [["--code", "33", "--" + o, v] for v in ("foo", "70000", "127.0.0.1:70000", ":8080", "127.0.0.1:80a", "[::1:80")]
               for o in ("http", "content", "staff", "listen", "above")},
        }
        wrong["http"].append(["--code", "33", "--http", ""])
        wrong["content"].append(["--code", "33", "--http", "127.0.0.1:8080", "--content", "127.0.0.1:8080"])
        with tempfile.TemporaryDirectory(prefix="gt-") as folder:
            out = os.path.join(folder, "node")
            for lang, example in ("en", r"for example: --|as 330106|at most|can have"), ("zh-CN", "例如：--|如 330106|最多"):
                for option, rows in wrong.items():
                    for words in rows if lang == "en" else rows[:1]:
                        said = run([guantong(), "--lang", lang, "init", *words, out], ok=False)
                        self.assertEqual(said.returncode, 2, words)
                        self.assertIn("--" + option, said.stderr)
                        self.assertRegex(said.stderr, example)
                        self.assertNotIn("guantong.yaml", said.stderr)
                        self.assertFalse(os.path.exists(out))
            said = run([guantong(), "init", "--code", "33", "--http", "foo", "--listen", "bar", out], ok=False)
            self.assertIn("--http: ", said.stderr)
            self.assertIn("--listen: ", said.stderr)


class Hints(OneNode):
    """What goes on all the same, or might have, says what was meant."""

    def test_a_folder_without_an_index_names_what_could_be_the_start(self):
        folder = os.path.join(self.tree.dir, "lessons")
        put(folder, "b/two.html", "notes.txt", "one.htm")
        args = ["publish", "--id", "33/lessons", "--type", "course", "--title", "en=Lessons"]
        p = self.node.cli(*args, folder, ok=False)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("there is no index.html", p.stderr)
        self.assertIn("Candidates: b/two.html, one.htm; for example: --start 'b/two.html'", p.stderr)
        p = self.node.cli(*args, "--start", "one.htm", folder, ok=False)
        self.assertEqual((p.returncode, p.stderr.count("index.html")), (0, 0), p.stderr)
        # of those that are no pages, the ones a browser shows
        put(folder + "2", "b.txt", "film.mp4")
        p = self.node.cli("publish", "--id", "33/film", "--type", "video", "--title", "en=Film", folder + "2", ok=False)
        self.assertIn("Candidates: film.mp4;", p.stderr)

    def test_in_a_batch_the_start_belongs_into_the_entry(self):
        put(self.tree.dir, "bare/one.html", "bare/two.html")
        path = os.path.join(self.tree.dir, "bare.jsonl")
        with open(path, "w") as f:
            f.write('{"id": "bare", "title": "x", "type": "course", "path": "bare"}\n')
        p = self.node.cli("publish", "--from", path, ok=False)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("bare.jsonl:1:1: warning: there is no index.html", p.stderr)
        self.assertIn("`start: one.html`", p.stderr)
        self.assertNotIn("--start", p.stderr)

    def test_explain_for_a_place_that_is_not_there(self):
        self.node.publish("33/known", None)
        for asked, meant in ("330166", "330106"), ("330106199", "330106109"), ("99", "33"):
            p = self.node.cli("explain", "33/known", "--for", asked, ok=False)
            self.assertEqual(p.returncode, 4, p.stderr)
            self.assertIn(f"the roster has no place {asked}; did you mean {meant}?", p.stderr)
        self.assertIn("33/known for 330106", self.node.cli("explain", "33/known", "--for", "330106"))

    def test_an_option_without_its_value(self):
        for args in (["--type"], ["--type", "--title", "x"], ["--title", "--type=course"]):
            p = self.node.cli("publish", "--id", "33/x", *args, ok=False)
            name = args[0]
            self.assertEqual(p.returncode, 2, p.stderr)
            self.assertIn(f"guantong: {name} needs a value", p.stderr)
            self.assertIn("see guantong publish --help", p.stderr)
        # one that looks like an option can be meant
        p = self.node.cli("publish", "--id", "33/x", "--title=--type", "--no-content", ok=False)
        self.assertEqual(p.returncode, 0, p.stderr)


if __name__ == "__main__":
    unittest.main()
