"""Links that are cut, half cut, moved or odd: noticed in time, made anew, and
nothing lost or done twice. The short part of the suite, run by `make check`.

How long it all takes is said, not judged: a machine may be slow, and may then lose
a link that nothing was done to. That death comes in time is the unit tests' matter."""
import os
import re
import time

from spaces import NetCase, NetTree
from test_records import post, statement
from tree import CHAIN, find, make_files

RID = "33/lesson"


def up(node):
    return find(node.status(), "parent_up")


def children(node):
    return find(node.status(), "children_up")


class Cut(NetCase):
    def test_partition_longer_than_the_dead_time(self):
        """Cut in the middle of a transfer; both ends go on alone, find the link
        dead, and afterwards neither fetch nor count anything twice."""
        with NetTree(CHAIN[:3], how={"delay": 5, "rate": 20_000}) as t:
            top, mid, low = t
            src = os.path.join(t.dir, "src")
            want = make_files(src, {"x": 6_000_000})["x"]
            top.publish(RID, src)
            mid.wait("the transfer to be on its way", lambda: mid.metrics()["guantong_frames_in_total"] > 8)
            sent = [statement(i) for i in range(10)]
            self.assertEqual(post(low, sent).status, 200)
            began = time.monotonic()
            mid.link.cut()
            more = [statement(100 + i) for i in range(10)]
            self.assertEqual(post(low, more).status, 200)
            top.publish("33/note", None, type="announcement")
            mid.wait("the parent to be found dead", lambda: not up(mid))
            top.wait("the child to be found dead", lambda: children(top) == 0)
            self.say(f"dead on both ends after {time.monotonic() - began:.1f} s")
            low.wait_connected()  # the cut is not there
            began = time.monotonic()
            mid.link.restore()
            mid.wait_connected()
            self.say(f"back after {time.monotonic() - began:.1f} s")
            for node in (mid, low):
                node.wait_state(RID, "complete")
                node.wait_state("33/note", ("listed", "complete"))
                self.assertEqual(node.file(RID, "x").body, want)
            ids = sorted(s["id"] for s in sent + more)
            top.wait("every record", lambda: len(top.records()) >= len(ids))
            low.wait("every mark", lambda: find(low.status(), "records_unrooted") == 0)
            self.assertEqual(sorted(r["id"] for r in top.records()), ids)

    def half_open(self, way):
        with NetTree(CHAIN[:2]) as t:
            top, low = t
            began = time.monotonic()
            low.link.cut(way)
            low.wait("the parent to be found dead", lambda: not up(low))
            top.wait("the child to be found dead", lambda: children(top) == 0)
            self.say(f"dead on both ends after {time.monotonic() - began:.1f} s")
            s = statement(1)
            self.assertEqual(post(low, s).status, 200)
            began = time.monotonic()
            low.link.restore(way)
            low.wait_connected()
            self.say(f"back after {time.monotonic() - began:.1f} s")
            top.wait("the record", lambda: [r["id"] for r in top.records()] == [s["id"]])

    def test_half_open_the_child_hears_nothing(self):
        self.half_open("ab")

    def test_half_open_the_parent_hears_nothing(self):
        self.half_open("ba")


class TwoWays(NetTree):
    def place(self, code, parent):
        space, links = super().place(code, parent)
        return space, links + ([self.net.link(parent.space, space)] if parent else [])


class Addresses(NetCase):
    def in_use(self, low):
        """The link whose address the child said last that its parent is up at. Which
        one that is first depends on when the parent begins to listen."""
        at = re.findall(r"link to 33 \(([0-9.]+):\d+\) is up", low.log())[-1]
        return next(link for link in low.links if link.addresses[0] == at)

    def test_another_address_takes_over(self):
        with TwoWays(CHAIN[:2]) as t:
            top, low = t
            for i in range(2):
                gone = self.in_use(low)
                left = next(link for link in low.links if link is not gone)
                carried = left.stats()["ab"]["carried"]
                began = time.monotonic()
                gone.cut()
                low.wait("the other address", lambda: up(low) and self.in_use(low) is left)
                self.say(f"by the other address after {time.monotonic() - began:.1f} s")
                top.publish(f"33/note{i}", None, type="announcement")
                low.wait_state(f"33/note{i}", ("listed", "complete"))
                self.assertGreater(left.stats()["ab"]["carried"], carried)
                gone.restore()  # and next the other way round

    def test_first_address_never_there(self):
        with TwoWays(CHAIN[:2], start=False) as t:
            t["3301"].links[0].cut()
            began = time.monotonic()
            t.start()
            self.say(f"up after {time.monotonic() - began:.1f} s")


class Odd(NetCase):
    def test_small_doubled_and_disordered_packets(self):
        how = {"mtu": 576, "delay": 10, "jitter": 10, "reorder": 1, "dup": 5}
        with NetTree(CHAIN[:2], how=how) as t:
            top, low = t
            src = os.path.join(t.dir, "src")
            want = make_files(src, {"x": 1_500_000, "y": 1})
            top.publish(RID, src)
            sent = [statement(i) for i in range(300)]
            self.assertEqual(post(low, sent).status, 200)
            low.wait_state(RID, "complete")
            for path, body in want.items():
                self.assertEqual(low.file(RID, path).body, body)
            top.wait("every record", lambda: len(top.records()) >= len(sent))
            self.assertEqual(sorted(r["id"] for r in top.records()), sorted(s["id"] for s in sent))
