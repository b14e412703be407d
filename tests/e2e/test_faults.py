"""Full disks, hostile bytes, wrong clocks: the node copes and says so."""
import glob
import json
import os
import random
import re
import resource
import select
import signal
import socket
import ssl
import struct
import subprocess
import time
import unittest

from test_records import post, statement
from tree import CHAIN, PATIENCE, Tree, find, layer, make_files

RID = "33/big"
MIB = 1 << 20


class FullDisk(unittest.TestCase):
    def small_disk(self, node, size):
        if not node.small_disk(size):
            self.skipTest("no right to mount a small disk")

    def test_bulk_pauses_and_nothing_else(self):
        with Tree(CHAIN[:2], start=False) as t:
            up, down = t["33"], t["3301"]
            self.small_disk(down, 64 * MIB)
            down.configure({"storage": {"reserve": "12MiB"}})
            ballast = os.path.join(down.dir, "ballast")
            with open(ballast, "wb") as f:
                f.write(bytes(36 * MIB))
            src = os.path.join(t.dir, "src")
            want = make_files(src, {"x": 30 * MIB})["x"]
            t.start()
            up.publish(RID, src)
            down.wait("bulk to pause", lambda: find(down.status(), "bulk_paused"))
            # records and metadata go on
            s = [statement(i) for i in range(50)]
            self.assertEqual(post(down, s).status, 200)
            up.wait("the records", lambda: len(up.records()) == 50)
            up.publish("33/note", None, type="announcement")
            down.wait_state("33/note", ("listed", "complete"))
            self.assertNotEqual(down.state(RID), "complete")
            # and it recovers by itself
            os.unlink(ballast)
            down.wait_state(RID, "complete")
            self.assertEqual(down.file(RID, "x").body, want)

    def test_what_must_be_here_comes_first(self):
        """Anybody on the network fetches on demand until a small disk is full."""
        with Tree(CHAIN[:2], start=False) as t:
            up, down = t["33"], t["3301"]
            self.small_disk(down, 48 * MIB)
            down.configure({"storage": {"reserve": "4MiB", "on_demand": "45MiB"}, "records": {"reserve": "1MiB"}})
            up.policy(layer([{"name": "asked", "when": {"type": ["video"]}, "verdict": "on-demand"}], "mirror"))
            want = make_files(os.path.join(t.dir, "m"), {"x": 25 * MIB})["x"]
            for i in range(4):
                make_files(os.path.join(t.dir, f"v{i}"), {"x": 10 * MIB}, seed=20 + i)
            t.start()
            for i in range(4):
                up.publish(f"33/v{i}", os.path.join(t.dir, f"v{i}"), type="video")
            for i in range(3):
                down.wait_state(f"33/v{i}", "listed")
                down.file(f"33/v{i}", "x")
                down.wait_state(f"33/v{i}", "complete")
            up.publish("33/m", os.path.join(t.dir, "m"))
            down.wait_state("33/m", "complete")
            self.assertEqual(down.file("33/m", "x").body, want)
            self.assertGreater(down.metrics()["guantong_objects_evicted_total"], 0)
            self.assertEqual(down.state("33/v0"), "listed")
            # what went comes again when it is asked for, and not at its expense
            down.file("33/v3", "x")
            down.wait_state("33/v3", "complete")
            self.assertEqual(down.state("33/m"), "complete")
            # more than it may, it says, and how to change that
            down.stop()
            down.configure({"storage": {"on_demand": "1MiB"}})
            down.start()
            a = down.file("33/v0", "x")
            self.assertEqual(a.status, 507)
            self.assertIn("storage.on_demand", a.body.decode())

    def fill(self, node, but=0):
        """Somebody else takes the disk, all but so many bytes."""
        path = os.path.join(node.dir, "ballast")
        with open(path, "ab", buffering=0) as f:
            try:
                while f.write(bytes(65536)):
                    pass
            except OSError:
                pass
            if but:
                f.truncate(f.tell() - but)
        return path

    def flood(self, node, count=5000):
        """Hands in until it is refused; (acknowledged, the refusal)."""
        acked = []
        for _ in range(count):
            batch = [statement(i, context={"extensions": {"https://x.cn/pad": "x" * 4000}}) for i in range(20)]
            a = post(node, batch)
            if a.status != 200:
                return acked, a
            acked += batch
        self.fail("it was never refused")

    def announce(self, node, n, count=100):
        """So many resources without content, in one command."""
        text = {"zh-CN": "x" * 40 * count}
        batch = [
            {"id": f"33/n{n}-{count}-{i}", "type": "announcement", "title": {"zh-CN": "x"}, "description": text}
            for i in range(count)
        ]
        return node.admin("POST", "/admin/publish", json.dumps(batch))

    def assertHas(self, node, sent):
        have = {r["id"] for r in node.records()}
        self.assertEqual([s["id"] for s in sent if s["id"] not in have], [])

    def test_records_are_put_off_and_the_daemon_goes_on(self):
        with Tree(CHAIN[:2], start=False) as t:
            up, down = t["33"], t["3301"]
            self.small_disk(up, 64 * MIB)
            up.configure({"storage": {"reserve": "0B"}, "records": {"reserve": "3MiB"}})
            ballast = self.fill(up, 12 * MIB)  # before, so that it is known
            t.start()
            down.wait_connected()
            acked, refusal = self.flood(up)
            for _ in range(20):
                if find(up.status(), "records_short"):
                    break
                # the log was moved into the database meanwhile, and there was room again
                more, refusal = self.flood(up)
                acked += more
            self.assertTrue(acked, "nothing was taken before the disk was full")
            self.assertEqual(refusal.status, 507)
            self.assertEqual(refusal.json()["error"], "NOSPACE")
            self.assertIn("nothing of this was taken", refusal.json()["message"])
            # what is full, by its key, and when it can be tried again
            self.assertRegex(refusal.json()["message"], r"\(records\.reserve\).* tried again in \d+ s")
            self.assertGreaterEqual(int(refusal.headers["Retry-After"]), 1)
            self.assertTrue(find(up.status(), "records_short"))
            self.assertEqual(up.metrics()["guantong_records_short"], 1)
            # a child is told to come later, and keeps what it has
            below = [statement(i) for i in range(30)]
            self.assertEqual(post(down, below).status, 200)
            down.wait("to be put off", lambda: find(down.status(), "records_put_off"))
            # and then not a byte is left, which it sees when it looks again: what
            # it thought there was, it may take till then
            self.fill(up)
            up.wait("to see it", lambda: post(up, statement(1)).status == 507)
            up.publish("33/note", None, type="announcement")
            down.wait_state("33/note", "complete")
            self.assertTrue(find(down.status(), "parent_up"))
            self.assertHas(up, acked)
            # it starts on such a disk, however it ended
            for _ in range(3):
                up.kill9()
                up.start()
            self.assertEqual(up.stop(), 0)
            up.start()
            self.assertHas(up, acked)
            self.assertEqual(post(up, statement(1)).status, 507)
            down.wait_connected()
            # and goes on by itself
            os.unlink(ballast)
            up.wait("room", lambda: not find(up.status(), "records_short"))
            self.assertEqual(post(up, statement(1)).status, 200)
            up.wait("the child's", lambda: len(up.records()) >= len(acked) + 31)
            self.assertHas(up, acked + below)

    def test_a_node_waits_when_nothing_at_all_is_left(self):
        """The reserve is used up too: what it has to write waits, what is here is
        read, and a stop is a stop."""
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            self.small_disk(node, 24 * MIB)
            node.configure({"storage": {"reserve": "0B"}, "records": {"reserve": "0B"}})
            node.start()
            ballast = self.fill(node, 3 * MIB)
            acked, _ = self.flood(node)
            self.fill(node)
            for i in range(200):  # of what is no record
                a = self.announce(node, i)
                if a.status != 200:
                    break
            self.assertEqual(a.status, 507)
            self.assertRegex(a.json()["message"], "nothing is left on the disk.* tried again in 30 s")
            self.assertTrue(node.alive())
            self.assertHas(node, acked)
            self.assertEqual(node.http("GET", "/").status, 200)
            self.assertEqual(post(node, statement(1)).status, 507)
            os.unlink(ballast)
            node.wait("room", lambda: post(node, statement(1)).status == 200)
            self.assertHas(node, acked)
            self.assertEqual(node.stop(), 0)


    def test_thirty_starts_on_a_full_disk(self):
        """None uses up what is kept for the next, however the one before ended, and
        with somebody who takes each byte that is let go."""
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            self.small_disk(node, 64 * MIB)
            node.configure({"storage": {"reserve": "0B"}, "records": {"reserve": "2MiB"}})
            node.start()
            kept = os.path.join(node.dir, "data", "reserve")
            sent = [statement(i) for i in range(20)]
            self.assertEqual(post(node, sent).status, 200)
            for i in range(30):
                if i % 2:
                    self.assertEqual(node.stop(), 0)
                else:
                    node.kill9()
                self.fill(node)
                node.start()
            self.assertHas(node, sent)
            self.assertGreater(os.stat(kept).st_blocks * 512, MIB)

    def use_up(self, node, count):
        """Until all that is kept is written full, but for what a start needs."""
        self.fill(node)
        for i in range(200):  # of what is no record
            a = self.announce(node, i, count)
            if a.status != 200:
                self.assertEqual(a.status, 507)
                return
        self.fail("the reserve has no end")

    def test_a_start_behind_a_reserve_that_is_used_up(self):
        """It is ready, reads, waits with what it has to write, and goes on."""
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            self.small_disk(node, 32 * MIB)
            node.configure({"storage": {"reserve": "0B"}, "records": {"reserve": "1MiB"}})
            node.start()
            sent = [statement(i) for i in range(20)]
            self.assertEqual(post(node, sent).status, 200)
            ballast = self.fill(node)
            self.use_up(node, 100)
            # what that could not commit is room too, and goes in small pieces
            node.kill9()
            node.start()
            self.use_up(node, 1)
            stalls = node.log().count("event=disk")
            for _ in range(5):
                node.kill9()
                self.fill(node)
                node.start()
                self.assertHas(node, sent)
                self.assertEqual(node.http("GET", "/").status, 200)
                self.assertEqual(post(node, statement(99)).status, 507)
            self.assertGreater(node.log().count("event=disk"), stalls)
            self.assertEqual(node.stop(), 0)
            self.fill(node)
            node.start()
            os.unlink(ballast)
            node.wait("room", lambda: post(node, statement(99)).status == 200)
            self.assertHas(node, sent)
            self.assertEqual(node.stop(), 0)

    def told(self, node, what, times=1):
        """A line of a log of a node that answers nobody yet."""
        end = time.monotonic() + PATIENCE
        while node.log().count(what) < times:
            self.assertTrue(node.alive(), node.log(10))
            self.assertLess(time.monotonic(), end, node.log(10))
            select.select([node.notify], [], [], 0.05)

    def test_a_start_without_a_byte_waits_for_room(self):
        """Nothing is kept, nothing is free: it says what it needs, ends when it is
        told to, and starts by itself once there is room."""
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            self.small_disk(node, 24 * MIB)
            node.configure({"storage": {"reserve": "0B"}, "records": {"reserve": "0B"}})
            node.start()
            sent = [statement(i) for i in range(20)]
            self.assertEqual(post(node, sent).status, 200)
            node.kill9()
            ballast = self.fill(node)
            node.spawn()
            self.told(node, "event=waiting")
            self.assertRegex(node.log(3), "0 B are free.*needs at least 128.0 KiB")
            node.process.send_signal(signal.SIGHUP)  # hurts nobody
            self.assertEqual(node.stop(), 0)
            node.spawn()
            self.told(node, "event=waiting", 2)
            os.unlink(ballast)
            node.ready()
            self.assertHas(node, sent)
            self.assertEqual(post(node, statement(99)).status, 200)
            self.assertEqual(node.stop(), 0)

    def test_a_limit_on_files_is_named(self):
        """LimitFSIZE= stops the log of the database: that is no fault of the disk, what
        is here is read, and it goes on when the limit is gone."""
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            node.start()
            unlimited = resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (3 * MIB, unlimited[1]))
            acked, refusal = self.flood(node)
            self.assertTrue(acked)
            self.assertEqual(refusal.status, 507)
            self.assertRegex(refusal.json()["message"], "LimitFSIZE=.* tried again in 30 s")
            self.assertRegex(node.log(2), r"no file beyond 3\.0 MiB .*LimitFSIZE=")
            self.assertTrue(node.alive())
            self.assertHas(node, acked)
            resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, unlimited)
            node.wait("it to go on", lambda: post(node, statement(1)).status == 200)
            self.assertHas(node, acked)
            self.assertEqual(node.stop(), 0)

    def test_a_limit_that_stops_a_start_is_named(self):
        """It is the limit, not the disk, that a killed node waits for."""
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            node.start()
            acked = [statement(i, context={"extensions": {"https://x.cn/t": "y" * 9000}}) for i in range(40)]
            self.assertEqual(post(node, acked).status, 200)
            node.kill9()
            plain = node.command()
            node.command = lambda: ["prlimit", "--fsize=100000:unlimited", *plain]
            node.spawn()
            self.told(node, "event=waiting", 1)
            self.assertIn("no file beyond 97.7 KiB (ulimit -f, LimitFSIZE=)", node.log(2))
            self.assertNotIn("the disk of data/ is full", node.log(2))
            resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            node.ready()
            self.assertHas(node, acked)
            self.assertEqual(node.stop(), 0)


class HostileClients(unittest.TestCase):
    def barrage(self, port, r, tls):
        """Everything a stranger may do before he is known."""
        held = []
        for _ in range(100):  # half-open: says nothing, stays
            held.append(socket.create_connection(("127.0.0.1", port)))
        for _ in range(200):  # connect and reset
            s = socket.create_connection(("127.0.0.1", port))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if r.random() < 0.5:
                self.push(s, r.randbytes(r.randrange(1, 40)))
            s.close()
        hello = b"\x00SP\x00\x00\x30\x00\x00"
        shapes = [
            lambda: r.randbytes(r.randrange(1, 4000)),
            lambda: hello + struct.pack(">Q", 1 << 62),
            lambda: hello + struct.pack(">Q", 0),
            lambda: hello + struct.pack(">Q", 40) + r.randbytes(40),
            lambda: hello + struct.pack(">QI", 64, 0x80000001) + struct.pack(">I", 1 << 30) + r.randbytes(56),
            lambda: b"\x00SP\x00\x00\x10\x00\x00",
            lambda: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + r.randbytes(500),
            lambda: b"\x16\x03\x03\xff\xff" + r.randbytes(70000),
        ]
        for _ in range(20):
            for shape in shapes:
                s = socket.create_connection(("127.0.0.1", port))
                self.push(s, shape())
                s.close()
        if tls:  # a good handshake without a certificate
            c = ssl.create_default_context()
            c.check_hostname = False
            c.verify_mode = ssl.CERT_NONE
            for _ in range(5):
                try:
                    with socket.create_connection(("127.0.0.1", port)) as s, c.wrap_socket(s) as w:
                        w.settimeout(5)
                        w.sendall(hello)
                        self.assertNotIn(b"SP", w.recv(8), "a stranger got through")
                except OSError:
                    pass
        return held

    @staticmethod
    def push(s, data):
        try:
            s.sendall(data)
        except OSError:
            pass

    def served(self, t, n):
        """Good neighbours are served meanwhile, old links and new ones."""
        src = os.path.join(t.dir, f"src{n}")
        want = make_files(src, {"x": 400_000}, seed=n)["x"]
        t["33"].publish(f"33/r{n}", src)
        t["3301"].wait_state(f"33/r{n}", "complete")
        self.assertEqual(t["3301"].file(f"33/r{n}", "x").body, want)
        t["3301"].kill9()
        t["3301"].start()
        t["3301"].wait_connected()

    def test_tls_listener_lives(self):
        with Tree(CHAIN[:2]) as t:
            held = self.barrage(t["33"].link_port, random.Random(1), True)
            self.served(t, 1)
            for s in held:
                s.close()
            self.assertTrue(t["33"].alive())

    def test_plain_listener_lives(self):
        with Tree(CHAIN[:2], insecure=True) as t:
            held = self.barrage(t["33"].link_port, random.Random(2), False)
            self.served(t, 1)
            for s in held:
                s.close()
            self.assertTrue(t["33"].alive())

    def test_http_takes_garbage(self):
        with Tree(CHAIN[:1]) as t:
            r = random.Random(3)
            for i in range(60):
                with socket.create_connection(("127.0.0.1", t["33"].http_port)) as s:
                    self.push(s, r.randbytes(r.randrange(1, 3000)) if i % 2 else b"GET /" + b"A" * 100000)
            for path in ("/c/%00", "/c/33/x/%2e%2e/%2e%2e/etc/passwd", "/c//", "/api/resources/" + "a" * 5000, "/?q=%ff%fe<script>"):
                a = t["33"].http("GET", path)
                self.assertNotIn(b"root:", a.body)
                self.assertNotIn(b"<script>", a.body)
                self.assertLess(a.status, 500)
            # administration is not on the public port
            self.assertIn(t["33"].http("GET", "/admin/status").status, (403, 404))
            t["33"].wait("good health", lambda: t["33"].http("GET", "/healthz").status == 200)


class StockClient(unittest.TestCase):
    def test_nngcat_gets_a_well_formed_answer(self):
        with Tree(CHAIN[:1], insecure=True) as t:
            field = lambda n, b: bytes([n << 3 | 2, len(b)]) + b
            hello = b"\x08\x01\x10\x01" + field(4, b"3301") + field(5, b"33") + field(6, bytes(16)) + field(7, bytes(range(32)))
            request = field(1, hello)
            path = os.path.join(t.dir, "request")
            with open(path, "wb") as f:
                f.write(struct.pack(">I", len(request)) + request)
            out = subprocess.run(
                ["nngcat", "--req0", "--dial", f"tcp://127.0.0.1:{t['33'].link_port}", "--file", path, "--raw",
                 "--recv-timeout", str(PATIENCE)],
                capture_output=True, timeout=2 * PATIENCE,
            )
            self.assertEqual(out.returncode, 0, out.stderr)
            (n,) = struct.unpack(">I", out.stdout[:4])
            self.assertLessEqual(4 + n, len(out.stdout))
            # a Reply with error (1) or hello (2)
            self.assertIn(out.stdout[4], (1 << 3 | 2, 2 << 3 | 2))


class WrongClock(unittest.TestCase):
    def test_1970_and_2090(self):
        """Records are taken whatever the clock says; only certificates care."""
        # preloaded rather than by `faketime`, which would stay between us
        library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        self.assertTrue(library, "faketime is not installed")
        with Tree(CHAIN[:2]) as t:
            up, down = t["33"], t["3301"]
            sent = []
            for when in ("1970-01-02 00:00:00", "2090-06-01 00:00:00"):
                down.kill9()
                down.env = {"LD_PRELOAD": library[0], "FAKETIME": "@" + when, "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                            "ASAN_OPTIONS": "verify_asan_link_order=0",
                            # faketime waits on conditions behind the sanitizer's back
                            "TSAN_OPTIONS": "report_bugs=0"}
                before = len(down.log())
                down.start()
                self.assertEqual(down.http("GET", "/").status, 200)
                s = statement(len(sent))
                self.assertEqual(post(down, s).status, 200)
                sent.append(s)
                down.wait("a word about the certificate", lambda: re.search("(?i)certificate|证书", down.log()[before:]))
            down.kill9()
            down.env = {}
            down.start()
            down.wait_connected()
            up.wait("the records", lambda: {r["id"] for r in up.records()} == {s["id"] for s in sent})


if __name__ == "__main__":
    unittest.main()
