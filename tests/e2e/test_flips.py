"""Bits of the database that flip behind the node's back: nothing altered is given out."""
import json
import contextlib
import os
import random
import re
import shutil
import sqlite3
import unittest

from test_records import post, statement
from tree import CHAIN, XAPI, Tree, make_files

PAGE = 4096
MENDED = re.compile(r"page (\d+) was altered on disk and was mended")


def database(node):
    return os.path.join(node.dir, "data", "guantong.db")


def flip(node, bit):
    """Flips it; the page it is in."""
    with open(database(node), "r+b", buffering=0) as f:
        f.seek(bit // 8)
        byte = f.read(1)[0]
        f.seek(bit // 8)
        f.write(bytes([byte ^ 1 << bit % 8]))
    return bit // 8 // PAGE + 1


def mended(node):
    """Pages whose mending was written down, each as often as it was."""
    found = [MENDED.fullmatch(r["detail"]) for r in node.audit(event="note", limit=1000)]
    return sorted(int(m.group(1)) for m in found if m)


class Flips(unittest.TestCase):
    def setUp(self):
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        print(f"SEED={seed}", end=" ", flush=True)
        self.draw = random.Random(seed)

    def fill(self, t):
        node = t["33"]
        for i in range(4):
            src = os.path.join(t.dir, f"src{i}")
            self.files = make_files(src, {"x.bin": 30_000, "y.bin": 3})
            node.publish(f"33/course{i}", src)
        node.policy("default: mirror\nrules:\n  - name: none\n    when: {type: video}\n    verdict: metadata\n")
        for i in range(6):
            self.assertEqual(post(node, [statement(20 * i + j) for j in range(20)]).status, 200)

    def all_of(self, node):
        """What the node says of what it has."""
        rows, more = [], "/xapi/statements?limit=50"
        while more:
            page = node.admin("GET", more, headers=XAPI)
            self.assertEqual(page.status, 200, page.body)
            rows += page.json()["statements"]
            more = page.json().get("more")
        said = [sorted(rows, key=lambda s: s["id"]), node.records()]
        for i in range(4):
            said.append(node.resource(f"33/course{i}"))
            said.append(node.file(f"33/course{i}", "y.bin").body.hex())
        return json.dumps(said, sort_keys=True)

    def test_each_is_found_and_mended(self):
        """One after the other, anywhere in the file of a node that does not run."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(t)
            want = self.all_of(node)
            pages = []
            for _ in range(int(os.environ.get("COUNT", 12))):
                self.assertEqual(node.stop(), 0)
                bit = self.draw.randrange(8 * os.path.getsize(database(node)))
                pages.append(flip(node, bit))
                node.start()
                self.assertEqual(self.all_of(node), want, f"bit {bit}")
                node.wait(f"bit {bit} to be told", lambda: mended(node) == sorted(pages))

    def test_under_a_running_node(self):
        """A bit of every page, and all that is read is as it was."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(t)
            node.stop()
            node.start()
            want = self.all_of(node)
            for page in range(os.path.getsize(database(node)) // PAGE):
                flip(node, self.draw.randrange(8 * PAGE * page, 8 * PAGE * (page + 1)))
            self.assertEqual(self.all_of(node), want)
            node.wait("what was read to be told", lambda: mended(node))
            self.assertEqual(node.stop(), 0)
            node.start()
            self.assertEqual(self.all_of(node), want)
            self.assertNotIn("beyond what can be mended", node.log())

    def spoil(self, node, page, size=PAGE):
        with open(database(node), "r+b") as f:
            f.seek((page - 1) * PAGE + (PAGE - size))
            f.write(self.draw.choice((bytes(size), os.urandom(size))))

    def pages(self, node):
        """Of each table and index, by name: those with its root first."""
        found = {}
        with contextlib.closing(sqlite3.connect(f"file:{database(node)}?immutable=1", uri=True)) as db:
            for name, page in db.execute("SELECT name,pageno FROM dbstat ORDER BY path"):
                found.setdefault(name, []).append(page)
        return found

    def test_without_its_schema_it_is_refused(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(t)
            want = self.all_of(node)
            node.stop()
            data, keep = os.path.join(node.dir, "data"), os.path.join(t.dir, "keep")
            shutil.copytree(data, keep)
            self.spoil(node, 1, 512)
            node.spawn()
            self.assertEqual(node.process.wait(60), 71)
            node.process = None
            node.notify.close()
            self.assertIn("page 1 is not what was written", node.log(5))
            self.assertIn("cannot be made anew", node.log(5))
            # as the advice says
            shutil.rmtree(data)
            shutil.copytree(keep, data)
            node.command = lambda: [*type(node).command(node), "--restored"]
            node.start()
            self.assertEqual(self.all_of(node), want)

    def test_a_page_goes_under_a_running_node(self):
        """Whoever asks is told which page and what to do, the log and the metrics at once; the restart mends it."""
        for table, paths in (("item", ("/api/resources", "/api/resources/33/course1", "/")),
                             ("tally_resource", ("/admin/status", "/")),
                             ("record", ("/admin/records?limit=1000",))):
            with self.subTest(table), Tree(CHAIN[:1]) as t:
                node = t["33"]
                self.fill(t)
                node.stop()
                pages = self.pages(node)[table]
                node.start()
                # so that no reader goes on with what it has in memory
                self.assertEqual(post(node, [statement(9000)]).status, 200)
                for page in pages:
                    self.spoil(node, page)
                for path in paths:
                    ask = node.http if path == "/" else node.admin
                    answer = ask("GET", path)
                    self.assertEqual(answer.status, 500, path)
                    said = answer.body.decode()
                    page = int(re.search(r"page (\d+) of the database was altered", said).group(1))
                    self.assertIn(page, pages)
                    self.assertIn("restart the node", said)
                    self.assertEqual("<html" in said, path == "/")
                node.wait("a line", lambda: re.search(r"event=database page=\d+ ", node.log()))
                node.wait("the metric", lambda: node.metrics()["guantong_pages_bad_total"] >= 1)
                node.stop()
                node.start()
                self.assertIn("made anew", node.log())

    def cut(self, node, size):
        """Shortens its database (or makes it longer) while it does not run; how many pages it had."""
        pages = os.path.getsize(database(node)) // PAGE
        os.truncate(database(node), size if size >= 0 else pages * PAGE + size)
        return pages

    def refused(self, node):
        """Its start is; what it says."""
        node.spawn()
        self.assertEqual(node.process.wait(60), 71)
        node.process = None
        node.notify.close()
        return node.log(5)

    def test_cut_short_it_is_made_anew(self):
        """The last page, a part of it, many: what is left is kept, and the parent brings the rest."""
        with Tree(CHAIN[:2]) as t:
            top, node = t["33"], t["3301"]
            self.fill(t)
            self.assertEqual(post(node, [statement(1000 + i) for i in range(60)]).status, 200)
            top.wait("all records", lambda: len(top.records()) == 180)
            node.wait("all courses", lambda: all((node.resource(f"33/course{i}") or {}).get("state") == "complete"
                                                 for i in range(4)))
            ids = sorted(r["id"] for r in node.records())
            for off in (-PAGE, -1, -3 * PAGE - 700):
                self.assertEqual(node.stop(), 0)
                pages = self.cut(node, off)
                node.start()
                left = (pages * PAGE + off) // PAGE
                self.assertIn(f"cut short: {left} of {pages} pages are left", node.log())
                self.assertIn("made anew", node.log())
                node.wait(f"all behind {off}", lambda: sorted(r["id"] for r in node.records()) == ids and all(
                    (node.resource(f"33/course{i}") or {}).get("state") == "complete" for i in range(4)), timeout=60)

    def test_cut_with_a_log_beside_it(self):
        """A killed node's, whose log holds less than what is gone."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(t)
            node.stop()
            node.start()
            sent = statement(5000)
            self.assertEqual(post(node, [sent]).status, 200)
            node.process.kill()
            node.process.wait()
            self.cut(node, -PAGE)
            node.start()
            self.assertIn(sent["id"], [r["id"] for r in node.records()])

    def test_cut_to_next_to_nothing(self):
        """Without the pages that say what tables there are it says what to do; longer than it was it is as good."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(t)
            want = self.all_of(node)
            node.stop()
            size = os.path.getsize(database(node))
            with open(database(node), "rb") as f:
                good = f.read()
            for to in (0, 50, 100, 2000, PAGE):
                self.cut(node, to)
                said = self.refused(node)
                self.assertIn("--restored", said, to)
                self.assertIn("data/ away", said, to)
                self.assertLessEqual(os.path.getsize(database(node)), size)
                with open(database(node), "wb") as f:
                    f.write(good)
            self.cut(node, size + PAGE + 77)
            node.start()
            self.assertEqual(self.all_of(node), want)

    def test_what_a_page_held_comes_again(self):
        """Any page but those: the node makes its database anew, and its neighbours bring the rest."""
        with Tree(CHAIN[:2]) as t:
            top, node = t["33"], t["3301"]
            self.fill(t)
            sent = [statement(1000 + i) for i in range(60)]
            self.assertEqual(post(node, sent).status, 200)
            top.wait("all records", lambda: len(top.records()) == 180)
            node.wait("all courses", lambda: all((node.resource(f"33/course{i}") or {}).get("state") == "complete"
                                                 for i in range(4)))

            def held():
                rows = sorted(r["id"] for r in node.records())
                courses = [node.file(f"33/course{i}", "y.bin").body for i in range(4)]
                return rows, courses, [(node.resource(f"33/course{i}") or {}).get("version") for i in range(4)]

            want, record = held(), 0
            for i in range(int(os.environ.get("COUNT", 3))):
                self.assertEqual(node.stop(), 0)
                pages = self.pages(node)
                schema = {1, *pages.pop("sqlite_schema", []), *pages.pop("sqlite_master", [])}
                # a whole table of what is wanted, then any
                page = pages["object"][0] if i == 0 else self.draw.choice(sorted(
                    set(range(1, os.path.getsize(database(node)) // PAGE + 1)) - schema))
                self.spoil(node, page)
                node.start()
                node.wait(f"page {page}", lambda: held() == want, timeout=60)
                self.assertEqual(node.metrics()["guantong_records_spoilt"], 0)
                record += node.metrics()["guantong_records_back_total"]
                if "made anew" in node.log():
                    noted = [r for r in node.audit(event="note", limit=1000) if r["detail"].startswith("made anew")]
                    self.assertTrue(noted, page)
            left = [n for n in os.listdir(os.path.join(node.dir, "data")) if ".damaged-" in n]
            self.assertTrue(left)
            print(f"({len(left)} kept, {record:.0f} records back)", end=" ", flush=True)

    def test_by_word(self):
        """--mend makes it anew though nothing is wrong with it, and all is there."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(t)
            want = self.all_of(node)
            node.stop()
            command = node.command
            node.command = lambda: [*type(node).command(node), "--mend"]
            node.start()
            self.assertEqual(self.all_of(node), want)
            node.command = command
            node.stop()
            node.start()
            self.assertEqual(self.all_of(node), want)

    def test_another_program_writes_to_it(self):
        """What it wrote is taken as it is, and guarded from then on."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(t)
            node.stop()
            with sqlite3.connect(database(node)) as db:
                db.execute("UPDATE item SET title=? WHERE id=?", ("另一个程序", "33/course1"))
            db.close()
            node.start()
            self.assertIn("another program wrote to it", node.log())
            want = self.all_of(node)
            node.stop()
            page = flip(node, self.draw.randrange(8 * os.path.getsize(database(node))))
            node.start()
            self.assertEqual(self.all_of(node), want)
            node.wait("the flip to be told", lambda: mended(node) == [page])


if __name__ == "__main__":
    unittest.main()
