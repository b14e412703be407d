"""What is measured while a node is attacked: a good client's requests, the daemon's
memory and descriptors."""
import os
import threading
import time

from tree import BIN, PATIENCE, Failed

# a sanitizer keeps what is freed: its memory says nothing
SANITIZED = any(f"/{v}" in BIN for v in ("asan", "tsan", "fuzz"))
SLACK_KIB = 192 << 10  # what an attack may take, and keep, beside what was there
SLACK_FDS = 16


def rss_kib(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 10


def fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Good(threading.Thread):
    """A good client at its ordinary work: each request is repeated until it is
    answered as it should be. A request is a function that returns whether it was."""

    def __init__(self, pid, requests, least):
        super().__init__()
        self.pid = pid
        self.requests = requests
        self.least = least
        self.took = []  # s, from the first try
        self.again = 0
        self.rss = self.fds = 0
        self.over = threading.Event()
        self.failed = None

    def look(self):
        self.rss = max(self.rss, rss_kib(self.pid))
        self.fds = max(self.fds, fds(self.pid))

    def one(self, request):
        began = time.monotonic()
        while True:
            self.look()
            try:
                if request():
                    break
            except (OSError, ValueError):
                pass
            if time.monotonic() - began > PATIENCE:
                raise Failed(f"the good one's {request.__name__} was never answered")
            self.again += 1
            self.over.wait(0.01)  # no storm of its own
        self.took.append(time.monotonic() - began)

    def run(self):
        try:
            while not self.over.is_set() or len(self.took) < self.least:
                for r in self.requests:
                    self.one(r)
                self.over.wait(0.02)
        except (Failed, FileNotFoundError, ProcessLookupError) as e:
            self.failed = f"{type(e).__name__}: {e}"

    def figures(self):
        took = sorted(self.took) or [0]
        return {
            "requests": len(self.took),
            "again": self.again,
            "p50_ms": round(1000 * took[len(took) // 2], 1),
            "p99_ms": round(1000 * took[min(len(took) - 1, len(took) * 99 // 100)], 1),
            "max_ms": round(1000 * took[-1], 1),
        }
