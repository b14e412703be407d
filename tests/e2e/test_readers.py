"""Many who read slowly, of a package of very many files."""
import os
import shutil
import unittest

from readers import BIG, MEMBERS, SlowReaders, large_package, memory, peak_from_here, peak_of
from tree import CHAIN, PATIENCE, XAPI, Tree, guantong

RID = "33/library"
MIB = 1 << 20
STATEMENT = b'{"actor":{"mbox":"mailto:a@b.cn"},"verb":{"id":"http://a.b/c"},"object":{"id":"http://a.b/d"}}'


class ManyFiles(unittest.TestCase):
    def at_rest(self, node):
        m = node.metrics()
        busy = m["guantong_http_threads_busy"], m["guantong_http_database_readers_busy"]
        return m if busy == (1, 0) else None

    def test_memory_does_not_follow_readers_times_files(self):
        """100,000 files, 60 readers of a member and 20 of the list of them all: the
        node's memory grows by less than 64 MiB. (It was a GiB.)"""
        with Tree(CHAIN[:1], config={"http": {"connections": 256, "per_address": 256}}) as t:
            node = t["33"]
            src = os.path.join(t.dir, "src")
            os.mkdir(src)
            film, last = large_package(src)
            node.publish(RID, src)
            shutil.rmtree(src)
            # a start has no leavings of the publishing
            node.stop()
            # a sanitizer would keep what was freed for much longer than we do
            node.env["ASAN_OPTIONS"] = "quarantine_size_mb=1"
            node.start()
            pid = node.process.pid
            before = memory(pid, "VmRSS")
            peak_from_here(pid)
            listed = f"/api/resources/{RID}"
            with SlowReaders(node.content_port, f"/c/{RID}/{BIG}", 60) as readers, \
                    SlowReaders(node.http_port, listed, 20) as lists:
                for begun in readers.begun + lists.begun:
                    self.assertTrue(begun.startswith(b"HTTP/1.1 200 "), begun[:100])
                one = node.http("GET", f"/c/{RID}/{BIG}", headers={"Range": "bytes=7654321-7654321"})
                self.assertEqual((one.status, one.body), (206, film[7654321:7654322]))
                page = node.http("GET", f"/c/{RID}/{last}/")
                self.assertEqual((page.status, page.body), (200, b"<p>the last folder</p>"))
                self.assertEqual(node.http("GET", f"/c/{RID}/{last}").status, 302)
                self.assertEqual(node.http("GET", f"/c/{RID}/none").status, 404)
                self.assertEqual(node.http("GET", f"/r/{RID}").status, 200)
                # records go through beside them, and nothing of a thread's is a reader's
                said = {node.http("POST", "/xapi/statements", STATEMENT, XAPI).status for _ in range(200)}
                self.assertEqual(said, {200})
                held = node.wait("nothing to be held but 80 answers", lambda: self.at_rest(node))
                self.assertGreaterEqual(held["guantong_http_connections"], 80)
                self.assertLessEqual(held["guantong_http_indexes_open"], 1)
                self.assertEqual(held["guantong_http_indexes_bytes"], 0)
                grown = memory(pid, "VmHWM") - before
                print(f"{grown / MIB:.1f} MiB", end=" ", flush=True)
                self.assertLess(grown, 64 * MIB)
                self.assertTrue(readers.finish(0).endswith(film))
                self.assertTrue(readers.finish(59).endswith(film))
            self.assertEqual(len(node.resource(RID)["files"]), MEMBERS + 2)
            self.assertNotIn("files", node.http("GET", listed + "?files=0").json())
            # nor does that of who lists them at the command line (it was 80 and 110 MiB)
            least = peak_of(guantong(), "-C", node.dir, "ls")
            for command in ("show", RID), ("show", RID, "--json"), ("get", RID, BIG, "-o", os.path.join(t.dir, "film")):
                grown = peak_of(guantong(), "-C", node.dir, *command) - least
                print(f"{command[0]} {grown / MIB:.1f} MiB", end=" ", flush=True)
                self.assertLess(grown, 24 * MIB, command)
            shown = node.cli("show", RID, timeout=PATIENCE)
            self.assertEqual(shown.count("page-with-a-picture"), MEMBERS)
            self.assertEqual(len(node.cli_json("show", RID)["files"]), MEMBERS + 2)

    def test_an_index_is_made_again_where_it_is_missing_or_damaged(self):
        """As an earlier program left the node: without any. As a bad disk does:
        with one that is not to be believed."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            src = os.path.join(t.dir, "src")
            os.mkdir(src)
            film, last = large_package(src, 1000, 3_000_000)
            node.publish(RID, src)

            def served():
                r = node.http("GET", f"/c/{RID}/{last}/")
                self.assertEqual((r.status, r.body), (200, b"<p>the last folder</p>"))
                self.assertEqual(node.file(RID, BIG).body, film)
                self.assertEqual(len(node.resource(RID)["files"]), 1002)

            def index():
                folder = os.path.join(node.dir, "index")
                names = os.listdir(folder)
                self.assertEqual(len(names), 1)
                return os.path.join(folder, names[0])

            served()
            with open(index(), "rb") as f:
                whole = f.read()
            for start in range(0, len(whole), 5 * 4096):
                with open(index(), "r+b") as f:
                    f.seek(start)
                    f.write(b"\xff" * 100)
                served()
            node.stop()
            shutil.rmtree(os.path.dirname(index()))
            node.start()
            served()
            node.stop()
            with open(index(), "wb") as f:
                f.write(whole[:-4096])
            node.start()
            served()
            with open(index(), "rb") as f:
                self.assertEqual(f.read(), whole)
            node.cli("withdraw", RID)
            node.wait("its index to go", lambda: not os.listdir(os.path.join(node.dir, "index")))


if __name__ == "__main__":
    unittest.main()
