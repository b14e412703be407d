"""Bulk on links and disks too small for it: it is slow, it pauses, and records and
metadata pass all the same."""
import os
import subprocess
import time

from spaces import NetCase, NetTree
from test_records import post, statement
from tree import CHAIN, find, make_files

RID = "33/lesson"
MIB = 1 << 20
LISTED = ("listed", "complete")


class Slow(NetTree):
    """Loss makes TCP pause for seconds: a shorter dead time would cut what works."""

    heartbeat, dead = 2, 10


class Usual(NetTree):
    """As installed."""

    heartbeat, dead = 15, 45


class FiveLevels(NetCase):
    def test_delay_loss_and_rate_at_every_hop(self):
        """100 ms one way, 2 % of packets lost, 10 Mbit/s: TCP itself makes no more
        than some 60 KB/s of that. All levels have all of it, records once."""
        with Slow(how={"delay": 100, "jitter": 10, "loss": 2, "rate": 10_000}) as t:
            province, village = t["33"], t["330106109210"]
            src = os.path.join(t.dir, "src")
            want = make_files(src, {"a.bin": 700_000, "b/课程.html": 1234, "c/empty": 0})
            began = time.monotonic()
            province.publish(RID, src)
            sent = []
            for code in ("330106109210", "330106109"):
                batch = [statement(i) for i in range(100)]
                self.assertEqual(post(t[code], batch).status, 200)
                sent += batch
            for code in CHAIN:
                t[code].wait_state(RID, "complete", 120)
                for path, body in want.items():
                    self.assertEqual(t[code].file(RID, path).body, body, f"{code} {path}")
            self.say(f"0.7 MB at the fifth level after {time.monotonic() - began:.1f} s")
            village.wait("every mark", lambda: find(village.status(), "records_unrooted") == 0)
            self.assertEqual(sorted(r["id"] for r in province.records()), sorted(s["id"] for s in sent))
            lost = sum(way["lost"] for n in t if n.links for way in n.link.stats().values())
            self.say(f"{lost} packets lost")
            self.assertGreater(lost, 20)


class ThinLink(NetCase):
    @staticmethod
    def middle(times):
        return times[len(times) // 2]

    def latencies(self, t, numbers):
        """Seconds that records up and metadata down the whole tree take, sorted."""
        province, village = t["33"], t["330106109210"]
        up, down = [], []
        for i in numbers:
            s = statement(i)
            began = time.monotonic()
            self.assertEqual(post(village, s).status, 200)
            province.wait("the record", lambda: s["id"] in {r["id"] for r in province.records()})
            up.append(time.monotonic() - began)
            began = time.monotonic()
            province.publish(f"33/note{i}", None, type="announcement")
            village.wait_state(f"33/note{i}", LISTED)
            down.append(time.monotonic() - began)
        return sorted(up), sorted(down)

    def test_bulk_does_not_starve_records_and_metadata(self):
        """1 Mbit/s between city and county, its queue half a second long, and an
        object that would take minutes: everything else passes in a few seconds."""
        with Usual() as t:
            county = t["330106"]
            county.link.set(rate=1000, delay=20, queue=64)
            quiet = self.latencies(t, range(3))
            src = os.path.join(t.dir, "src")
            want = make_files(src, {"x": 16_000_000})["x"]
            t["33"].publish(RID, src)
            county.wait("bulk to run", lambda: county.metrics()["guantong_frames_in_total"] > 2)
            before = county.link.stats()["ab"]["bytes"], time.monotonic()
            busy = self.latencies(t, range(10, 18))
            sent = county.link.stats()["ab"]["bytes"] - before[0]
            rate = sent * 8 / (time.monotonic() - before[1]) / 1000
            for i, what in enumerate(("a record up", "metadata down")):
                self.say(f"{what} {quiet[i][-1]:.2f} s, with bulk {self.middle(busy[i]):.2f}, at most {busy[i][-1]:.2f} s")
            self.say(f"the link carried {rate:.0f} kbit/s")
            self.assertNotEqual(county.state(RID), "complete")
            # a piece takes 2.1 s and more; behind two of them is the worst there is
            self.assertLess(busy[0][-1], 2)
            self.assertLess(self.middle(busy[1]), 4)
            self.assertLess(busy[1][-1], 8)
            self.assertGreater(rate, 700, "the thin link is not made use of")
            county.link.set(rate=0)
            village = t["330106109210"]
            village.wait_state(RID, "complete")
            self.assertEqual(village.file(RID, "x").body, want)


class TinyDisk(NetCase):
    def test_a_county_with_8_mib(self):
        """Bulk pauses there, records and metadata go on through it, and it resumes
        when its disk has grown."""
        with NetTree(CHAIN[:4], start=False) as t:
            county, township = t["330106"], t["330106109"]
            if not county.small_disk("8m"):
                self.skipTest("no right to mount a small disk")
            county.configure({"storage": {"reserve": "3MiB"}})
            t.start()
            src = os.path.join(t.dir, "src")
            want = make_files(src, {"x": 12 * MIB})["x"]
            t["33"].publish(RID, src)
            county.wait("bulk to pause", lambda: find(county.status(), "bulk_paused"))
            t["3301"].wait_state(RID, "complete")
            sent = [statement(i) for i in range(50)]
            began = time.monotonic()
            self.assertEqual(post(township, sent).status, 200)
            t["33"].wait("the records", lambda: len(t["33"].records()) >= len(sent))
            t["33"].publish("33/note", None, type="announcement")
            township.wait_state("33/note", LISTED)
            self.say(f"records and metadata past a full disk in {time.monotonic() - began:.2f} s")
            self.assertTrue(find(county.status(), "bulk_paused"))
            self.assertTrue(county.alive())
            grow = ["mount", "-o", "remount,size=64m", county.dir]
            self.assertEqual(subprocess.run(grow).returncode, 0)
            began = time.monotonic()
            for node in (county, township):
                node.wait_state(RID, "complete", 90)
                self.assertEqual(node.file(RID, "x").body, want)
            self.say(f"whole {time.monotonic() - began:.1f} s after there is room")
            self.assertEqual(sorted(r["id"] for r in t["33"].records()), sorted(s["id"] for s in sent))
