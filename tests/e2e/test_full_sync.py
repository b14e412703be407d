"""A disk that says only at the sync that it has no room: the node ends, and starts on the full disk with all it promised."""
import errno
import http.client
import mmap
import os
import struct
import subprocess
import unittest

from test_records import post, statement
from tree import BIN, CHAIN, Tree, sanitizer

SHIM = os.path.join(BIN, "fault_shim.so")
LAYOUT = struct.Struct("<IIIIIIQQQ208s")  # tests/fault/shim.h
SYNC, FAIL = 4, 1
MIB = 1 << 20


class FullSync(unittest.TestCase):
    def shim(self, node):
        """The page by which the node's syncs are made to fail."""
        path = os.path.join(node.tree.dir, "fault")
        with open(path, "wb") as f:
            f.write(bytes(LAYOUT.size))
        # by its name alone: a path with a space in it would be two
        node.env = {"LD_LIBRARY_PATH": os.path.dirname(SHIM), "LD_PRELOAD": sanitizer() + os.path.basename(SHIM),
                    "GUANTONG_FAULT": path}
        with open(path, "r+b") as f:
            return mmap.mmap(f.fileno(), LAYOUT.size)

    def fail_next_sync(self, page):
        page[:] = LAYOUT.pack(0, SYNC, FAIL, errno.ENOSPC, 0, 0, 1, 0, 0, b"")
        page[0:4] = struct.pack("<I", 1)

    def test_starts_again_on_the_full_disk(self):
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            if not node.small_disk(40 * MIB):
                self.skipTest("no right to mount a small disk")
            node.configure({"storage": {"reserve": "1MiB"}, "records": {"reserve": "1MiB"}})
            page = self.shim(node)
            node.start()
            for i in range(5):
                self.assertEqual(post(node, [statement(i)]).status, 200)
            promised = {r["id"] for r in node.records()}
            self.fail_next_sync(page)
            try:
                status = post(node, [statement(9)]).status
            except (OSError, http.client.HTTPException):
                status = 0
            self.assertNotEqual(status, 200)
            self.assertEqual(node.process.wait(60), 70)
            self.assertIn("sync", page[48:].decode(errors="replace"))
            said = node.log(6)
            self.assertIn("had no room for it when it was synced", said)
            node.process = None
            node.notify.close()
            # the last byte of the disk is somebody else's
            with open(os.path.join(node.dir, "ballast"), "wb", buffering=0) as f:
                with self.assertRaises(OSError):
                    while True:
                        f.write(bytes(4096))
            node.env = {}
            node.start()
            have = [r["id"] for r in node.records()]
            self.assertTrue(promised <= set(have))
            self.assertEqual(len(have), len(set(have)))
            self.assertEqual(node.http("GET", "/healthz").status, 200)
            os.unlink(os.path.join(node.dir, "ballast"))
            node.wait("records to be taken", lambda: post(node, [statement(9)]).status == 200)
            self.assertEqual(node.stop(), 0)


if __name__ == "__main__":
    unittest.main()
