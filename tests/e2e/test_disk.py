"""What happens to a node's files behind its back is seen, said and mended."""
import contextlib
import glob
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import unittest

from test_records import post, statement
from tree import CHAIN, Failed, Tree, find, guantong, guantongd, layer, make_files, run

RID = "33/course"
OTHER = 54321  # a user who is not root


def objects(node):
    return glob.glob(os.path.join(node.dir, "objects", "*", "*.tar.zst"))


def lost(node):
    """Object files whose loss was written down."""
    return [r for r in node.audit(event="damage", limit=1000) if r["result"] == "DAMAGED"]


class Content(unittest.TestCase):
    def publish(self, t):
        src = os.path.join(t.dir, "src")
        want = make_files(src, {"x.bin": 700_000, "y.bin": 3})
        t["33"].publish(RID, src)
        return want

    def assertServes(self, node, want):
        for path, body in want.items():
            self.assertEqual(node.file(RID, path).body, body)


class ObjectFiles(Content):
    def test_a_deleted_object_file_is_fetched_again(self):
        with Tree(CHAIN[:3]) as t:
            want = self.publish(t)
            for code in CHAIN[1:3]:
                t[code].wait_state(RID, "complete")
            middle, low = t[CHAIN[1]], t[CHAIN[2]]
            # a reader meets it: not here, on its way, here again
            (path,) = objects(low)
            os.unlink(path)
            answer = low.file(RID, "x.bin")
            self.assertIn(answer.status, (503, 200))
            low.wait("its loss", lambda: len(lost(low)) == 1)
            low.wait_state(RID, "complete")
            self.assertServes(low, want)
            self.assertEqual(objects(low), [path])
            # a child meets it: the whole way is mended
            for n in (middle, low):
                os.unlink(objects(n)[0])
            low.file(RID, "x.bin")
            middle.wait("its loss", lambda: len(lost(middle)) == 1)
            low.wait_state(RID, "complete")
            middle.wait_state(RID, "complete")
            self.assertServes(low, want)
            self.assertServes(middle, want)
            # nobody reads: the next start looks
            low.stop()
            shutil.rmtree(os.path.join(low.dir, "objects"))
            low.start()
            low.wait(
                "the file", lambda: low.state(RID) == "complete" and len(objects(low)) == 1 and len(lost(low)) == 3
            )
            self.assertServes(low, want)

    def test_a_file_cut_short_is_fetched_again(self):
        with Tree(CHAIN[:2]) as t:
            want = self.publish(t)
            low = t[CHAIN[1]]
            low.wait_state(RID, "complete")
            low.stop()
            (path,) = objects(low)
            os.truncate(path, 1000)
            low.start()
            low.wait("its loss", lambda: len(lost(low)) == 1)
            low.wait_state(RID, "complete")
            self.assertServes(low, want)

    def test_at_its_publisher_it_is_not_called_complete(self):
        with Tree(CHAIN[:1]) as t:
            want = self.publish(t)
            node = t["33"]
            os.unlink(objects(node)[0])
            self.assertEqual(node.file(RID, "y.bin").status, 500)
            node.wait_state(RID, "damaged")
            self.assertIn("publish it again", node.log())
            self.publish(t)
            self.assertEqual(node.state(RID), "complete")
            self.assertServes(node, want)


def truncate(node):
    (path,) = objects(node)
    os.truncate(path, 1000)


def unlink(node):
    (path,) = objects(node)
    os.unlink(path)


class Damage(Content):
    """What is damaged is said to be, with what becomes of it."""

    def events(self, node):
        rows = json.loads(node.cli("audit", "query", "--resource", RID, "--json"))["rows"]
        return [(r["event"], r["kind"]) for r in rows]

    def page(self, node, path, lang):
        return node.http("GET", path, headers={"Accept": "text/html", "Accept-Language": lang})

    def damaged(self, node, how):
        return f'guantong_resources_damaged{{repair="{how}"}} 1' in node.http("GET", "/metrics").body.decode()

    def test_at_its_publisher_it_is_damaged_until_it_is_published_again(self):
        for hurt in truncate, unlink:
            with Tree(CHAIN[:1]) as t:
                want = self.publish(t)
                node = t["33"]
                version = node.resource(RID)["version"]
                hurt(node)
                for _ in range(2):  # who finds it, and who comes after
                    a = node.file(RID, "x.bin")
                    self.assertEqual((a.status, a.json()["error"]), (500, "DAMAGED"))
                    self.assertIsNone(a.headers["Retry-After"])
                    node.wait_state(RID, "damaged")
                r = node.resource(RID)
                self.assertEqual((r["state"], r["repair"]), ("damaged", "publish"))
                how = "guantong -C {} publish ... --id " + RID + " PATH"
                here = how.format(os.path.realpath(node.dir))
                how = how.format("DIR")  # whoever reads a page is not told the folder
                self.assertIn(here, node.cli("ls", "--state", "damaged"))
                self.assertIn(here, node.cli("show", RID))
                self.assertIn("DAMAGED on this disk: 1, and nobody above has it", node.cli("status"))
                self.assertEqual(node.status()["damaged"], {"publish": 1, "parent": 0, "asked": 0})
                self.assertTrue(self.damaged(node, "publish"))
                for lang, words in ("en", "cannot be opened"), ("zh-CN", "现在无法打开"):
                    for path in f"/c/{RID}/x.bin", f"/r/{RID}":
                        page = self.page(node, path, lang)
                        self.assertEqual(page.status, 500 if path[1] == "c" else 200)
                        self.assertIn(words, page.body.decode())
                        self.assertIn(how, page.body.decode())
                    self.assertIn("state=damaged", self.page(node, "/", lang).body.decode())
                # who asks for it is told at once
                p = node.cli("get", RID, ok=False)
                self.assertNotEqual(p.returncode, 0)
                self.assertIn("nobody has another copy", p.stderr)
                self.publish(t)
                self.assertEqual(node.resource(RID)["version"], version)
                self.assertEqual((node.state(RID), node.resource(RID)["repair"]), ("complete", None))
                self.assertServes(node, want)
                events = self.events(node)
                self.assertIn(("damage", "object"), events)
                self.assertIn(("repair", "object"), events)
                self.assertFalse(self.damaged(node, "publish"))

    def test_at_a_child_it_is_damaged_until_it_is_fetched_again(self):
        for hurt in truncate, unlink:
            with Tree(CHAIN[:2]) as t:
                want = self.publish(t)
                top, low = t["33"], t["3301"]
                low.wait_state(RID, "complete")
                self.assertEqual(top.stop(), 0)
                low.wait("no parent", lambda: not find(low.status(), "parent_up"))
                hurt(low)
                a = low.file(RID, "x.bin")
                self.assertEqual(a.status, 503)
                self.assertIsNotNone(a.headers["Retry-After"])
                low.wait_state(RID, "damaged")
                self.assertEqual(low.resource(RID)["repair"], "parent")
                self.assertIn("is fetched again from 33", low.cli("show", RID))
                self.assertIn("DAMAGED on this disk: 1, fetched again from 33", low.cli("status"))
                self.assertTrue(self.damaged(low, "parent"))
                for lang, words in ("en", "fetched again from 33"), ("zh-CN", "从上级 33 重新获取"):
                    for path in f"/c/{RID}/x.bin", f"/r/{RID}":
                        self.assertIn(words, self.page(low, path, lang).body.decode())
                self.assertEqual(low.file(RID, "x.bin").status, 503)
                top.start()
                low.wait_state(RID, "complete")
                self.assertServes(low, want)
                events = self.events(low)
                self.assertLess(events.index(("damage", "object")), events.index(("repair", "object")))

    def test_what_was_removed_stands_among_the_rows_of_its_resource(self):
        with Tree(CHAIN[:2]) as t:
            self.publish(t)
            top, low = t["33"], t["3301"]
            low.wait_state(RID, "complete")
            make_files(os.path.join(t.dir, "src"), {"x.bin": 1000}, seed=2)
            top.publish(RID, os.path.join(t.dir, "src"))
            low.wait("the new one", lambda: low.resource(RID)["version"] == 2 and low.state(RID) == "complete")
            low.wait("the old one's end", lambda: ("remove", "object") in self.events(low))
            self.assertEqual(self.events(low).count(("fetch", "object")), 2)
            self.assertIn(("remove", "resource"), self.events(low))
            top.policy(layer([], "deny"))
            low.wait("the end of both", lambda: self.events(low).count(("remove", "object")) == 2)


class Interrupted(unittest.TestCase):
    def test_a_publish_that_is_stopped_leaves_nothing(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            src = os.path.join(t.dir, "src")
            make_files(src, {"x.bin": 1000})
            os.truncate(os.path.join(src, "x.bin"), 8 << 30)  # it is never through
            args = [guantong(), "-C", node.dir, "publish", "--id", "33/big", "--type", "video", "--title", "en=Big", src]
            staged = os.path.join(node.dir, "staged")
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
                p = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                while not any("/staged/" in where for where in self.open_files(p)):
                    self.assertIsNone(p.poll(), "it ended by itself")
                p.send_signal(number)
                p.wait()
                self.assertEqual(os.listdir(staged), [], number.name)

    def open_files(self, p):
        for fd in glob.glob(f"/proc/{p.pid}/fd/*"):
            try:
                yield os.readlink(fd)
            except OSError:  # closed meanwhile
                pass


class Links(unittest.TestCase):
    def test_nothing_is_removed_where_a_link_leads(self):
        """A folder of the node's that is a link to somebody else's."""
        for name in "staged", "index":
            with Tree(CHAIN[:1]) as t:
                node = t["33"]
                self.assertEqual(node.stop(), 0)
                foreign = os.path.join(t.dir, "foreign")
                os.mkdir(foreign)
                for file in "passwd", "a.tar.zst", "0" * 64:
                    with open(os.path.join(foreign, file), "w") as f:
                        f.write("mine")
                    os.utime(os.path.join(foreign, file), (1, 1))
                folder = os.path.join(node.dir, name)
                shutil.rmtree(folder, ignore_errors=True)
                os.symlink(foreign, folder)
                node.spawn()
                try:
                    node.ready()
                    self.assertEqual(node.stop(), 0)
                except Failed:  # it may refuse
                    node.process = None
                    node.notify.close()
                self.assertEqual(sorted(os.listdir(foreign)), ["0" * 64, "a.tar.zst", "passwd"], name)


class Database(unittest.TestCase):
    """The database and what lies beside it, changed by another hand."""

    def file(self, node, name="guantong.db"):
        return os.path.join(node.dir, "data", name)

    def ended(self, node, status=70):
        self.assertEqual(node.process.wait(20), status)
        node.process = None
        node.notify.close()

    def test_deleted_under_a_running_node(self):
        for name in ("guantong.db", "guantong.db-wal", "lock"):
            with Tree(CHAIN[:1]) as t:
                node = t["33"]
                os.unlink(self.file(node, name))
                self.ended(node)
                self.assertIn(f"event=stopping file=data/{name} what=deleted", node.log())

    def test_a_removed_control_socket_comes_again(self):
        """Who removes it shuts out the operator; nobody is told to start what runs."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            path = os.path.join(node.dir, "control.sock")
            for times in 1, 2:
                node.process.send_signal(signal.SIGSTOP)
                os.unlink(path)
                said = node.cli("status", ok=False)
                node.process.send_signal(signal.SIGCONT)
                self.assertEqual(said.returncode, 1)
                self.assertIn(f"runs (process {node.process.pid})", said.stderr)
                self.assertNotIn("start it with", said.stderr)
                while node.log().count("event=control-socket") < times:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self.fail(node.process.wait(0.05))
                self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
                node.cli("status")
            # what came to be in its place is not its own either
            os.unlink(path)
            put = os.path.join(node.dir, "staged", "x")
            os.close(os.open(put, os.O_CREAT))
            os.rename(put, path)
            while node.log().count("event=control-socket") < 3:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.fail(node.process.wait(0.05))
            node.cli("status")
            node.stop()
            self.assertFalse(os.path.exists(path))
            said = node.cli("status", ok=False)
            self.assertEqual(said.returncode, 3)
            self.assertIn("start it with", said.stderr)

    def test_replaced_under_a_running_node(self):
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            node.start()
            node.stop()
            backup = self.file(node, "backup")
            shutil.copy(self.file(node), backup)
            with open(backup, "rb") as f:
                want = f.read()
            node.start()
            self.assertEqual(post(node, statement(1)).status, 200)
            os.rename(backup, self.file(node))
            self.ended(node)
            self.assertIn("what=replaced", node.log())
            with open(self.file(node), "rb") as f:
                self.assertEqual(f.read(), want)
            # the log was of the other file; what is there is a backup
            os.unlink(self.file(node, "guantong.db-wal"))
            node.start()
            self.assertIn("its log is missing", node.log())

    def test_the_log_of_a_killed_node_is_missing(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.assertEqual(post(node, statement(1)).status, 200)
            node.kill9()
            os.unlink(self.file(node, "guantong.db-wal"))
            node.start()
            self.assertIn("its log is missing", node.log())
            self.assertEqual([r["subject"] for r in node.audit(event="note") if r["subject"] == "log missing"], ["log missing"])
            # an orderly stop, and a kill that leaves the log, say nothing
            said = node.log().count("its log is missing")
            node.stop()
            node.start()
            node.kill9()
            node.start()
            self.assertEqual(node.log().count("its log is missing"), said)

    def test_a_log_without_its_database_does_not_start(self):
        """Nor is the log touched: it holds what was acknowledged last."""
        for empty in False, True:
            with Tree(CHAIN[:1]) as t:
                node = t["33"]
                self.assertEqual(post(node, [statement(i) for i in range(20)]).status, 200)
                node.kill9()
                with open(self.file(node), "rb") as f:
                    database = f.read()
                with open(self.file(node, "guantong.db-wal"), "rb") as f:
                    log = f.read()
                os.truncate(self.file(node), 0) if empty else os.unlink(self.file(node))
                node.spawn()
                self.ended(node, 71)
                self.assertIn("put the database back", node.log(5))
                with open(self.file(node, "guantong.db-wal"), "rb") as f:
                    self.assertEqual(f.read(), log)
                with open(self.file(node), "wb") as f:
                    f.write(database)
                node.start()
                self.assertEqual(len(node.records()), 20)

    def test_a_damaged_database(self):
        """A page that is no page any more: the rest goes into a new database, and the old one is
        kept. Without the page that names the tables there is no rest: it is said what to do."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            for i in range(20):
                self.assertEqual(post(node, [statement(i) for _ in range(20)]).status, 200)
            kept = lambda: [n for n in os.listdir(os.path.join(node.dir, "data"))
                            if re.fullmatch(r"guantong\.db\.damaged-[0-9]+", n)]
            node.stop()
            self.spoil(node, os.path.getsize(self.file(node)) // 2 // 4096 * 4096)
            node.start()
            self.assertEqual(len(kept()), 1)
            node.stop()
            self.spoil(node, 100)
            node.spawn()
            self.ended(node, 71)
            self.assertRegex(node.log(5), "data/guantong.db is damaged: .*--restored")
            self.assertEqual(len(kept()), 1)

    def spoil(self, node, at):
        with open(self.file(node), "r+b") as f:
            f.seek(at)
            f.write(b"\xff" * 16)


class Log(unittest.TestCase):
    """The database's log, altered by another hand or the disk: nothing of that
    goes into the database, and nothing acknowledged is lost without a word."""

    ROWS = 12
    BEGIN, FRAME = 32, 24 + 4096

    def path(self, node, end="-wal"):
        return os.path.join(node.dir, "data", "guantong.db" + end)

    def read(self, node, end=""):
        with open(self.path(node, end), "rb") as f:
            return f.read()

    def overwrite(self, node, at, body):
        with open(self.path(node), "r+b", buffering=0) as f:
            f.seek(at)
            f.write(body)

    def fill(self, node, n=ROWS):
        for i in range(n):
            self.assertEqual(post(node, statement(i)).status, 200)

    def flip(self, node, frame, at=2000, bit=3):
        """One bit in the page of a frame."""
        at += self.BEGIN + (frame - 1) * self.FRAME + 24
        byte = self.read(node, "-wal")[at]
        self.overwrite(node, at, bytes([byte ^ 1 << bit]))

    def frames(self, node):
        """Those of the log as it is: behind them may lie what an earlier one left."""
        log, n = self.read(node, "-wal"), 0
        while log[self.BEGIN + n * self.FRAME + 8 : self.BEGIN + n * self.FRAME + 16] == log[16:24]:
            n += 1
        return n

    def damage(self, node):
        """Notes of damage in the audit log, and what /metrics counts in this run."""
        return [r["detail"] for r in node.audit(event="note", limit=1000) if r["result"] == "DAMAGED"]

    def cut(self, node):
        os.truncate(self.path(node), 0)

    def halve(self, node):
        os.truncate(self.path(node), os.path.getsize(self.path(node)) // 2)

    def zero(self, node):
        self.overwrite(node, 0, bytes(os.path.getsize(self.path(node))))

    def holes(self, node):
        size = os.path.getsize(self.path(node))
        os.truncate(self.path(node), 0)
        os.truncate(self.path(node), size)

    def piece(self, node):
        self.overwrite(node, self.BEGIN + self.frames(node) // 2 * self.FRAME, os.urandom(1 << 13))

    def begin(self, node):
        self.overwrite(node, 17, b"\xff\x00\xff")

    def test_altered_under_a_running_node(self):
        """Seen within seconds, also by a node at rest; the database is as it was."""
        ways = ((self.cut, "cut"), (self.halve, "cut"), (self.zero, "overwritten"), (self.holes, "overwritten"),
                (self.piece, "altered"), (self.begin, "overwritten"))
        with contextlib.ExitStack() as stack:
            nodes = [stack.enter_context(Tree(CHAIN[:1]))["33"] for _ in ways]
            was = []
            for node, (how, _) in zip(nodes, ways):
                self.fill(node)
                was.append(self.read(node))
                how(node)
            for node, database, (how, what) in zip(nodes, was, ways):
                with self.subTest(how.__name__):
                    self.assertEqual(node.process.wait(20), 70)
                    node.process = None
                    node.notify.close()
                    self.assertIn(f"event=stopping file=data/guantong.db-wal what={what}", node.log())
                    self.assertEqual(self.read(node), database)
                    self.goes_on(node)

    def goes_on(self, node):
        """With all that was acknowledged before what is lost, or all of it."""
        node.start()
        kept = len(node.records())
        self.assertLessEqual(kept, self.ROWS)
        if kept < self.ROWS:
            self.assertIn("what the node acknowledged last is gone", node.log())
            self.assertEqual(len(self.damage(node)), 1)
            self.assertEqual(node.metrics()["guantong_database_damaged_total"], 1)
        self.fill(node, 1)
        self.assertEqual(node.stop(), 0)
        node.start()
        self.assertEqual(len(node.records()), kept + 1)

    def test_nothing_is_acknowledged_behind_a_cut(self):
        """Asked again in the same moment, before anybody looks."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(node)
            database = self.read(node)
            self.cut(node)
            try:
                self.assertNotEqual(post(node, statement(99)).status, 200)
            except OSError:  # it is gone already
                pass
            self.assertEqual(node.process.wait(20), 70)
            node.process = None
            node.notify.close()
            self.assertEqual(self.read(node), database)
            node.start()

    def test_a_stop_looks_at_all_of_it(self):
        """Asked to stop in the same moment: it ends as one that failed, and says why."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(node)
            database = self.read(node)
            self.overwrite(node, self.BEGIN + 3 * self.FRAME + 1000, os.urandom(600))
            self.assertEqual(node.stop(), 70)
            self.assertIn("event=stopping file=data/guantong.db-wal what=altered", node.log())
            self.assertEqual(self.read(node), database)
            self.goes_on(node)

    def test_a_flip_under_a_running_node_is_mended(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(node)
            for frame in range(1, self.frames(node) + 1, 3):
                self.flip(node, frame)
            node.wait("it to be told", lambda: self.damage(node))
            self.assertEqual(len(node.records()), self.ROWS)
            self.assertEqual(node.stop(), 0)
            node.start()
            self.assertEqual(len(node.records()), self.ROWS)
            self.assertNotIn("beyond what can be mended", node.log())

    def test_a_flip_in_what_a_killed_node_left_is_mended(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(node)
            node.kill9()
            for frame in (2, self.frames(node) - 1):
                self.flip(node, frame)
            self.overwrite(node, 20, bytes([self.read(node, "-wal")[20] ^ 4]))
            node.start()
            self.assertEqual(len(node.records()), self.ROWS)
            self.assertEqual(len(self.damage(node)), 3)
            self.assertEqual(node.metrics()["guantong_database_damaged_total"], 3)
            self.assertNotIn("is gone", node.log())
            self.assertNotIn("another program", node.log())

    def test_what_a_killed_node_left_altered_or_cut_is_said(self):
        """Whatever was done to it, and with or without its index."""
        for index in True, False:
            for how in (self.cut, self.halve, self.zero, self.piece):
                if not index and how in (self.halve, self.zero):
                    continue  # nothing tells of what was behind
                with self.subTest(how.__name__, index=index), Tree(CHAIN[:1]) as t:
                    node = t["33"]
                    self.fill(node)
                    era = node.cli_json("status")["clock"]["era"]
                    node.kill9()
                    how(node)
                    if not index:
                        os.unlink(self.path(node, "-shm"))
                    node.start()
                    self.assertIn("what the node acknowledged last is gone", node.log())
                    self.assertEqual(len(self.damage(node)), 1)
                    self.assertEqual(node.metrics()["guantong_database_damaged_total"], 1)
                    self.assertNotEqual(node.cli_json("status")["clock"]["era"], era)
                    self.assertLess(len(node.records()), self.ROWS)

    def aside(self, node):
        data = os.path.join(node.dir, "data")
        return [name for name in os.listdir(data) if name.startswith("guantong.db-wal.other-")]

    def test_another_log_is_put_aside(self):
        """An older one of its own, put back, or another node's, at a stopped node."""
        with Tree(CHAIN[:1]) as t, Tree(CHAIN[:1]) as other:
            node, stranger = t["33"], other["33"]
            self.fill(node)
            old = self.read(node, "-wal")
            self.fill(stranger)
            stranger.kill9()
            logs = [old, self.read(stranger, "-wal")]
            rows = self.ROWS
            for log in logs:
                for index in True, False:
                    self.assertEqual(node.stop(), 0)
                    node.start()
                    self.fill(node, 3)
                    rows += 3
                    self.assertEqual(node.stop(), 0)
                    self.put(node, log, index)
                    self.assertEqual(len(node.records()), rows)
                    self.assertEqual(node.metrics()["guantong_database_damaged_total"], 1)
            self.assertNotIn("is gone", node.log())
            self.assertNotIn("another program", node.log())

    def put(self, node, log, index):
        for name in self.aside(node):
            os.unlink(os.path.join(node.dir, "data", name))
        with open(self.path(node), "wb") as f:
            f.write(log)
        if not index:
            os.unlink(self.path(node, "-shm"))
        node.start()
        self.assertEqual(len(self.aside(node)), 1)
        with open(os.path.join(node.dir, "data", self.aside(node)[0]), "rb") as f:
            self.assertEqual(f.read(), log)
        self.assertIn("was not the log this database had last", node.log())

    def test_another_log_of_a_killed_node_is_said(self):
        for index in "the node's", "none", "its own":
            with self.subTest(index=index), Tree(CHAIN[:1]) as t:
                node = t["33"]
                self.fill(node)
                old, own = self.read(node, "-wal"), self.read(node, "-shm")
                self.assertEqual(node.stop(), 0)
                node.start()
                self.fill(node, 3)
                node.kill9()
                if index == "its own":
                    with open(self.path(node, "-shm"), "wb") as f:
                        f.write(own)
                self.put(node, old, index != "none")
                self.assertIn("what the node acknowledged last is gone", node.log())
                self.assertEqual(len(node.records()), self.ROWS)

    def test_another_log_with_its_index_is_put_aside(self):
        """Another node's, put with its index at one that had stopped."""
        with Tree(CHAIN[:1]) as t, Tree(CHAIN[:1]) as other:
            node, stranger = t["33"], other["33"]
            self.fill(stranger)
            stranger.kill9()
            self.fill(node, 3)
            self.assertEqual(node.stop(), 0)
            with open(self.path(node, "-shm"), "wb") as f:
                f.write(self.read(stranger, "-shm"))
            self.put(node, self.read(stranger, "-wal"), True)
            self.assertEqual(len(node.records()), 3)
            self.assertNotIn("is gone", node.log())

    def test_an_older_copy_of_the_log_is_said(self):
        """The same log as it was a while before, without its index."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(node, 3)
            old = self.read(node, "-wal")
            self.fill(node, 4)
            self.assertEqual(self.read(node, "-wal")[: self.BEGIN], old[: self.BEGIN])
            node.kill9()
            with open(self.path(node), "wb") as f:
                f.write(old)
            os.unlink(self.path(node, "-shm"))
            node.start()
            self.assertIn("what the node acknowledged last is gone", node.log())
            self.assertRegex(node.log(), r"frames_lost=[1-9]")
            self.assertEqual(len(node.records()), 3)
            self.assertEqual(len(self.damage(node)), 1)

    def test_a_log_cut_to_its_beginning_without_an_index_is_said(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(node)
            node.kill9()
            os.truncate(self.path(node), self.BEGIN)
            os.unlink(self.path(node, "-shm"))
            node.start()
            self.assertIn("what the node acknowledged last is gone", node.log())
            self.assertEqual(len(self.damage(node)), 1)

    def test_copies_put_aside_are_bounded_and_said(self):
        """The newest three stay, and status says how many there are."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.fill(node, 3)
            self.assertNotIn("put aside", node.cli("status"))
            self.assertEqual(node.cli_json("status")["copies"], {"count": 0, "bytes": 0})
            self.assertEqual(node.stop(), 0)
            data = os.path.join(node.dir, "data")
            for second in range(95, 105):
                with open(os.path.join(data, f"guantong.db-wal.other-{second}"), "wb") as f:
                    f.write(bytes(8192))
            node.start()
            self.assertEqual(sorted(self.aside(node)), [f"guantong.db-wal.other-{n}" for n in (102, 103, 104)])
            self.assertEqual(node.log().count("the newest three stay"), 7)
            self.assertEqual(node.cli_json("status")["copies"], {"count": 3, "bytes": 3 * 8192})
            self.assertIn("3 copies put aside hold 24", node.cli("status"))
            for name in self.aside(node):
                os.unlink(os.path.join(data, name))
            self.assertNotIn("put aside", node.cli("status"))

    def test_what_a_child_handed_up_comes_again(self):
        """The parent's log is cut; what its child has is at the parent again."""
        with Tree(CHAIN[:2]) as t:
            top, low = t["33"], t["3301"]
            self.fill(low)
            top.wait("the records", lambda: len(top.records()) == self.ROWS)
            top.kill9()
            self.halve(top)
            top.start()
            self.assertIn("what the node acknowledged last is gone", top.log())
            top.wait("them again", lambda: len(top.records()) == self.ROWS)

    def test_what_a_node_handed_up_comes_down_again(self):
        """The child's log is cut; what the parent has of it is at the child again, once."""
        with Tree(CHAIN[:2]) as t:
            top, low = t["33"], t["3301"]
            self.fill(low)
            top.wait("the records", lambda: len(top.records()) == self.ROWS)
            low.wait("the mark", lambda: low.metrics()["guantong_records_waiting"] == 0)
            low.kill9()
            self.halve(low)
            low.start()
            self.assertIn("what the node acknowledged last is gone", low.log())
            low.wait("them again", lambda: len(low.records()) == self.ROWS)
            low.wait("the mark", lambda: low.metrics()["guantong_records_waiting"] == 0)
            self.assertGreater(low.metrics()["guantong_records_back_total"], 0)
            self.assertEqual(len(top.records()), self.ROWS)

    def test_no_false_alarm(self):
        """Stopped, killed, killed at the start; with a torn last frame."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            for i in range(6):
                self.fill(node, 3)
                node.kill9()
                if i % 2:
                    with open(self.path(node), "ab") as f:
                        f.write(os.urandom(3000))
                node.start()
                self.assertEqual(len(node.records()), 3 * (i + 1))
                if i % 3 == 0:
                    self.assertEqual(node.stop(), 0)
                    node.start()
            self.assertEqual(self.damage(node), [])
            for word in ("is gone", "was mended", "another program"):
                self.assertNotIn(word, node.log())


class Kinds(unittest.TestCase):
    """What is not the file it should be is refused at once, in words."""

    def refused(self, node, status, words):
        node.spawn()
        self.assertEqual(node.process.wait(10), status)
        node.process = None
        node.notify.close()
        self.assertIn(words, node.log())

    def test_a_pipe_or_a_folder_in_the_place_of_a_file(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.assertEqual(post(node, statement(1)).status, 200)
            self.assertEqual(node.stop(), 0)
            names = ["data/guantong.db", "data/guantong.db-wal", "data/guantong.db-shm", "data/guantong.db-sums", "guantong.yaml"]
            for name in names:
                path, aside = os.path.join(node.dir, name), os.path.join(t.dir, "aside")
                os.rename(path, aside)
                for make in os.mkfifo, os.mkdir:
                    make(path)
                    status = 78 if name == "guantong.yaml" else 71
                    self.refused(node, status, f"{name}: not a file but a folder, a pipe or a device; remove it")
                    os.rmdir(path) if make is os.mkdir else os.unlink(path)
                os.rename(aside, path)
            node.start()
            self.assertEqual(len(node.records()), 1)

    def test_an_empty_list_of_members_and_a_long_key(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.assertEqual(node.stop(), 0)
            path = os.path.join(node.dir, "pki", "members.bin")
            with open(path, "rb") as f:
                was = f.read()
            self.assertTrue(was)
            for size in 0, len(was) - 1:
                with open(path, "wb") as f:
                    f.write(was[:size])
                self.refused(node, 78, "pki/members.bin is empty or cut short: put the file of that name from PKIDIR")
                self.assertEqual(run([guantongd(), "-C", node.dir, "--check"], ok=False).returncode, 78)
            with open(path, "wb") as f:
                f.write(was)
            with open(os.path.join(node.dir, "pki", "node.key"), "ab") as f:
                f.write(b"0" * 1000)
            self.refused(node, 78, "pki/node.key: not a key of 64 hexadecimal digits; put back the file")


class Secrets(unittest.TestCase):
    """Keys are their owner's, and in no core file."""

    def test_loose_modes_are_closed(self):
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            node.start()
            node.stop()
            loose = ["pki/key.pem", "pki/node.key", "data", "data/guantong.db"]
            for name in loose:
                path = os.path.join(node.dir, name)
                os.chmod(path, os.stat(path).st_mode | 0o066)
            node.start()
            for name in loose:
                self.assertEqual(os.stat(os.path.join(node.dir, name)).st_mode & 0o077, 0, name)
                self.assertIn(f"event=modes file={name} ", node.log())

    def test_loose_keys_of_listeners(self):
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            own, far = os.path.join(node.dir, "pki/http-key.pem"), os.path.join(t.dir, "far.key")
            for path in own, far:
                with open(path, "w") as f:
                    f.write("a key")
                os.chmod(path, 0o666)
            said = run([guantong(), "-C", node.dir, "config", "check"], ok=False)
            self.assertIn("pki/http-key.pem: other users may", said.stdout + said.stderr)
            node.start()
            self.assertEqual(os.stat(own).st_mode & 0o777, 0o600)
            self.assertIn("event=modes file=pki/http-key.pem ", node.log())
            node.stop()
            # who else reads one that is kept elsewhere is not known here: it is told
            node.configure({"http": {"key": far}})
            node.start()
            self.assertEqual(os.stat(far).st_mode & 0o777, 0o666)
            self.assertRegex(node.log(), r"level=warn event=modes file=\S*far.key ")

    def test_no_core_and_no_debugger(self):
        with Tree(CHAIN[:1]) as t:
            pid = t["33"].process.pid
            with open(f"/proc/{pid}/limits") as f:
                core = next(line for line in f if line.startswith("Max core file size"))
            self.assertEqual(core.split()[4:6], ["0", "0"])
            # what is not dumpable belongs to root, whoever runs it
            self.assertEqual(os.stat(f"/proc/{pid}/environ").st_uid, 0)
            if os.geteuid() == 0:
                t["33"].kill9()
                subprocess.run(["chown", "-R", f"{OTHER}:{OTHER}", t["33"].dir], check=True)
                os.chmod(t.dir, 0o755)
                user = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]
                t["33"].command = lambda: [*user, guantongd(), "-C", t["33"].dir]
                t["33"].start()
                self.assertEqual(os.stat(f"/proc/{t['33'].process.pid}/environ").st_uid, 0)

    def test_the_unit_is_strict(self):
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        units = glob.glob(os.path.join(root, "deploy/**/guantong*.service"), recursive=True)
        self.assertTrue(units)
        for unit in units:
            with open(unit) as f:
                lines = f.read().splitlines()
            self.assertIn("LimitCORE=0", lines, unit)
            self.assertTrue(any(re.fullmatch(r"WatchdogSec=[1-9]\w*", line) for line in lines), unit)

    def test_the_compiler_was_told(self):
        if "release" not in guantongd():
            return  # sanitizers have their own flags
        for program in (guantong(), guantongd()):
            head = subprocess.run(["readelf", "-hldsW", program], capture_output=True, text=True, check=True).stdout
            self.assertRegex(head, r"Type: +DYN")
            self.assertIn("GNU_RELRO", head)
            self.assertRegex(head, r"BIND_NOW|FLAGS_1.*NOW")
            self.assertRegex(head, r"GNU_STACK.* RW +0x")
            self.assertIn("__stack_chk_fail", head)
            self.assertRegex(head, r"__\w+_chk@")
            if platform.machine() == "x86_64":
                dump = ["objdump", "-d", "--no-show-raw-insn", program]
                p = subprocess.run(dump, capture_output=True, text=True, check=True)
                self.assertTrue(re.search(r"<main>:\n[^\n]*\tendbr64", p.stdout), "no endbr64")


@unittest.skipUnless(os.geteuid() == 0, "only root has files of two users")
class Owners(unittest.TestCase):
    def give(self, node):
        subprocess.run(["chown", "-R", f"{OTHER}:{OTHER}", node.dir], check=True)
        os.chmod(node.tree.dir, 0o755)

    def as_other(self, node):
        """Runs the node as that user from now on."""
        self.give(node)
        user = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]
        node.command = lambda: [*user, guantongd(), "-C", node.dir]

    def test_root_does_not_run_another_users_node(self):
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            self.give(node)
            p = run([guantongd(), "-C", node.dir], ok=False)
            self.assertEqual(p.returncode, 78)
            self.assertIn(f"sudo -u '#{OTHER}' guantongd -C {node.dir}", p.stderr)
            self.assertFalse(os.path.exists(os.path.join(node.dir, "data", "guantong.db")))
            self.assertEqual(run([guantongd(), "-C", node.dir, "--check"], ok=False).returncode, 0)
            p = node.cli("status", ok=False)
            self.assertEqual(p.returncode, 3)
            self.assertIn(f"start it with: sudo -u '#{OTHER}' guantongd", p.stderr)

    def test_who_may_not_enter_is_told_whose_it_is(self):
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            self.give(node)
            os.chmod(node.dir, 0o700)
            nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            for words in (["status"], ["config", "show"], ["ls"]):
                p = run([*nobody, guantong(), "-C", node.dir, *words], ok=False)
                self.assertIn(f"belongs to {OTHER}", p.stderr)
                self.assertIn(f"sudo -u '#{OTHER}' guantong -C {node.dir}", p.stderr)
            self.assertEqual(p.returncode, 5)
            p = run([*nobody, guantongd(), "-C", node.dir], ok=False)
            self.assertEqual(p.returncode, 78)
            self.assertIn(f"start the node with: sudo -u '#{OTHER}' guantongd -C {node.dir}", p.stderr)

    def test_files_of_root_are_made_anew(self):
        with Tree(CHAIN[:2], start=False) as t:
            top, low = t["33"], t["3301"]
            self.as_other(low)
            t.start()
            src = os.path.join(t.dir, "src")
            want = make_files(src, {"x.bin": 700_000})
            top.publish(RID, src)
            low.wait_state(RID, "complete")
            (path,) = objects(low)
            # while it runs: a reader meets it
            os.unlink(path)
            with open(path, "wb") as f:
                f.write(b"root was here")
            os.chmod(path, 0o600)
            low.file(RID, "x.bin")
            low.wait("its loss", lambda: len(lost(low)) == 1)
            low.wait_state(RID, "complete")
            self.assertEqual(low.file(RID, "x.bin").body, want["x.bin"])
            self.assertEqual(os.stat(path).st_uid, OTHER)
            # at a start
            low.stop()
            os.chown(path, 0, 0)
            low.start()
            low.wait("its loss", lambda: len(lost(low)) == 2)
            low.wait_state(RID, "complete")
            self.assertEqual(os.stat(path).st_uid, OTHER)
            self.assertEqual(low.file(RID, "x.bin").body, want["x.bin"])
            # what root publishes there is the node's
            low.publish("3301/own", src)
            self.assertEqual(low.state("3301/own"), "complete")
            self.assertEqual({os.stat(p).st_uid for p in objects(low)}, {OTHER})
