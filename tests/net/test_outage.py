"""How long a link that can be used again waits to be taken up: said, not judged."""
import time

from spaces import NetCase, NetTree
from tree import CHAIN, find

OUTAGES = (3, 10, 30, 70, 150)  # s


class Outage(NetCase):
    def test_taken_up_again(self):
        """Outages shorter than the dead time, and longer; a note goes out during each."""
        with NetTree(CHAIN[:2], config={"link": {"heartbeat": "15s", "dead": "45s"}}) as t:
            top, low = t
            for i, seconds in enumerate(OUTAGES):
                rid = f"33/note-{i}"
                low.link.cut()
                top.publish(rid, None, type="announcement")
                time.sleep(seconds)  # this is what the outage is
                began = time.monotonic()
                low.link.restore()
                low.wait_state(rid, ("listed", "complete"))
                self.say(f"{seconds} s: back after {time.monotonic() - began:.1f} s")
            self.assertTrue(find(low.status(), "parent_up"))
