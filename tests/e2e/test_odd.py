"""What no program writes, in every column of every table: the node heals, or says where and what to do."""
import contextlib
import os
import random
import shutil
import sqlite3
import unittest

from test_records import post, statement
from tree import CHAIN, Tree, make_files

# what is tried in each column
VALUES = ["x", b"\xff\x00", -1, 1 << 62, None]
ALLOWED = {0, 71}


def database(node):
    return os.path.join(node.dir, "data", "guantong.db")


@contextlib.contextmanager
def opened(node):
    with contextlib.closing(sqlite3.connect(database(node), isolation_level=None)) as db:
        yield db


def columns(db):
    """(table, column) of all tables with rows."""
    for table, in db.execute("SELECT name FROM sqlite_schema WHERE type='table' ORDER BY name").fetchall():
        if db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
            yield from ((table, row[1]) for row in db.execute(f"PRAGMA table_info({table})").fetchall())


class Odd(unittest.TestCase):
    def fill(self, t):
        top, node, low = t["33"], t["3301"], t["330106"]
        for i in range(2):
            src = os.path.join(t.dir, f"src{i}")
            make_files(src, {"x": 30_000})
            top.publish(f"33/r{i}", src)
        node.publish("3301/own", src)
        top.policy("default: mirror\nrules:\n  - name: none\n    when: {type: video}\n    verdict: metadata\n")
        for n in (node, low):
            self.assertEqual(post(n, [statement(i + 10 * int(n.code)) for i in range(3)]).status, 200)
            n.wait_state("33/r1", "complete")
        top.wait("all records", lambda: len(top.records()) == 6)
        node.wait("the parent's word", lambda: node.status())

    def begins(self, node):
        """Until it is ready, or has ended; the status it ended with, None: it runs."""
        node.spawn()
        try:
            node.ready()
        except AssertionError:
            status = node.process.wait(60) if node.process else 0
            node.process = None
            node.notify.close()
            return status
        return None

    def test_every_column(self):
        """One row of each, one value after the other."""
        with Tree(CHAIN[:3]) as t:
            self.fill(t)
            node = t["3301"]
            for n in t:
                n.stop()
            keep = os.path.join(t.dir, "keep")
            data = os.path.join(node.dir, "data")
            shutil.copytree(data, keep)
            with opened(node) as db:
                todo = list(columns(db))
            self.assertGreater(len(todo), 80)
            # all of them: COUNT=0; each with each value: COUNT=-1
            count = int(os.environ.get("COUNT", 12))
            seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
            print(f"SEED={seed}", end=" ", flush=True)
            todo = [(k, *c) for k, c in enumerate(todo * (len(VALUES) if count < 0 else 1))]
            if count > 0:
                todo = random.Random(seed).sample(todo, count)
            tried = healed = refused = 0
            for k, table, column in todo:
                shutil.rmtree(data)
                shutil.copytree(keep, data)
                with opened(node) as db:
                    value = self.set(db, table, column, k)
                if value is False:
                    continue
                what = f"{table}.{column}={value!r}"
                tried += 1
                before = len(node.log() or "")
                status = self.begins(node)
                said = node.log()[before:]
                self.assertNotIn('why=""', said, what)
                self.assertNotIn("out of memory", said, what)
                self.assertNotIn("Assertion", said, what)
                self.assertIn(status, (None, 71), what + said)
                healed += status is None and "was made anew" in said
                if status is not None:
                    refused += 1
                    self.assertRegex(said, rf"table {table}, row .* column {column}", what)
                    self.assertIn("--mend", said, what)
                    continue
                self.assertTrue(node.alive(), what)
                self.assertEqual(node.http("GET", "/healthz").status, 200, what)
                self.assertEqual(node.stop(), 0, what + node.log()[before:])
            print(f"{tried} tried, {healed} healed, {refused} refused", end=" ", flush=True)
            self.assertGreater(healed + refused, len(todo) // 4)

    def set(self, db, table, column, k):
        """Writes the first of the values, from the k-th on, that the table takes; False: none."""
        for i in range(len(VALUES)):
            value = VALUES[(k + i) % len(VALUES)]
            try:
                key = f"(SELECT {column} FROM {table} LIMIT 1)"
                n = db.execute(f"UPDATE {table} SET {column}=? WHERE {column} IS {key}", (value,)).rowcount
            except sqlite3.IntegrityError:
                continue
            return value if n else False
        return False

    def test_a_kind_of_no_program(self):
        """An entry that says it is a layer: fetched again; one published here: nothing goes without a word."""
        with Tree(CHAIN[:3]) as t:
            self.fill(t)
            top, node = t["33"], t["3301"]
            node.stop()
            with opened(node) as db:
                self.assertEqual(db.execute("UPDATE item SET kind=2 WHERE id='33/r0'").rowcount, 1)
            node.start()
            self.assertRegex(node.log(), r"table item, row \d+, column kind: it cannot be 2")
            node.wait_state("33/r0", "complete")
            self.assertEqual(len(node.records()), 6)
            top.stop()
            with opened(top) as db:
                self.assertEqual(db.execute("UPDATE item SET kind=2,seq=seq+100 WHERE id='33/r0'").rowcount, 1)
            self.assertEqual(self.begins(top), 71)
            self.assertRegex(top.log(5), r"column kind: it cannot be 2")
            self.assertIn("--mend", top.log(5))
            with opened(top) as db:
                self.assertEqual(db.execute("UPDATE item SET kind=1,seq=seq-100 WHERE id='33/r0'").rowcount, 1)
            top.start()
            self.assertEqual(top.state("33/r0"), "complete")


if __name__ == "__main__":
    unittest.main()
