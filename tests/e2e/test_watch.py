"""systemd's watchdog is told while every thread gets on, and not while one does not."""
import os
import select
import socket
import subprocess
import unittest

from tree import CHAIN, PATIENCE, ROOT, Tree, make_files, sanitizer

PERIOD = 2  # s, WatchdogSec of these tests


def told(node, timeout):
    """Whether WATCHDOG=1 comes within timeout s."""
    while select.select([node.notify], [], [], timeout)[0]:
        if b"WATCHDOG=1" in node.notify.recv(4096):
            return True
    return False


class Watch(unittest.TestCase):
    def test_nobody_asks_nobody_is_told(self):
        with Tree(CHAIN[:1]) as t:
            self.assertFalse(told(t["33"], PERIOD))

    def test_a_worker_that_hangs(self):
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            preload, here = os.path.join(t.dir, "stall.so"), os.path.join(t.dir, "stall")
            source = os.path.join(ROOT, "tests/e2e/stall.c")
            subprocess.run(["cc", "-shared", "-fPIC", "-o", preload, source, "-ldl"], check=True)
            node.env = {"WATCHDOG_USEC": str(PERIOD * 1000000), "LD_PRELOAD": f"{sanitizer()}{preload}",
                        "GT_STALL": here}
            node.start()
            make_files(os.path.join(t.dir, "ke"), {"x.bin": 100000})
            node.cli("publish", "--id", "ke", "--type", "course", "--title", "en=k", os.path.join(t.dir, "ke"))
            for _ in range(3):
                self.assertTrue(told(node, PATIENCE))
            open(here, "w").close()
            with socket.create_connection(("127.0.0.1", node.content_port)) as s:
                s.sendall(b"GET /c/33/ke/x.bin HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                node.wait("a line in the log", lambda: "event=stuck part=http in=/c/" in node.log())
                # the core goes on, pages too: it is the one worker that is missed
                self.assertEqual(node.http("GET", "/healthz").status, 200)
                while select.select([node.notify], [], [], 0)[0]:
                    node.notify.recv(4096)
                self.assertFalse(told(node, PERIOD))
                os.unlink(here)
                # it comes back, and so does the word
                self.assertTrue(told(node, PATIENCE))
                self.assertTrue(s.recv(1))


if __name__ == "__main__":
    unittest.main()
