"""What is done while faults fire. Each has the nodes it needs, the one under
the shim, and an act; act() runs with the shim armed and is done again without
faults until it is acknowledged."""
import signal
import time

from box import CHANGES, SECONDS, Failed, statement


class Scenario:
    nodes = ("33",)
    target = "33"  # a node, or "cli"
    at_start = False  # armed before the target starts
    late = ()  # nodes that start once the shim is armed
    depth = 12  # calls on the stack that tell two places apart
    traced = False  # the target is also killed at each of its system calls

    def act(self, box, env=None):
        """True: acknowledged."""
        raise NotImplementedError

    def watch(self, box):
        """Waits, while the shim is armed, for what follows by itself."""

    def look(self, box, n, what):
        """What only this scenario asks, behind the n-th call, which failed."""


class Publish(Scenario):
    """a package is published; the daemon fails"""

    traced = True

    def act(self, box, env=None):
        return box.publish("33/new")


class PublishCli(Scenario):
    """a package is published; the command line fails"""

    target = "cli"
    traced = True

    def act(self, box, env=None):
        return box.publish("33/new", env=env)


class Synced(Scenario):
    nodes = ("33", "3301")
    traced = True

    def act(self, box, env=None):
        return box.publish("33/new")

    def watch(self, box):
        """Until it is there, or is known not to come while this lasts."""
        def settled():
            if not box.down.alive() or not box.up.alive():
                return True
            return box.down.state("33/new") == "complete" or box.control.map[20] != 0

        if box.truth.published >= {"33/new"} and box.down.alive():
            box.down.wait("an end of the transfer", settled, SECONDS)


class SyncChild(Synced):
    """a county fetches a package; the county fails"""

    target = "3301"


class SyncParent(Synced):
    """a county fetches a package; the province fails"""

    late = ("3301",)

    def prepare(self, box):
        if not box.publish("33/new"):
            raise Failed("publish")

    def act(self, box, env=None):
        return True


class Record(Scenario):
    """records are handed in where there is no link; the node fails"""

    traced = True

    nodes = ("3301",)
    target = "3301"

    def act(self, box, env=None):
        done = box.hand_in(box.down, [statement("one")])
        return box.hand_in(box.down, [statement(i) for i in range(3)]) and done


class RecordUp(Scenario):
    nodes = ("33", "3301")
    traced = True

    def act(self, box, env=None):
        return box.hand_in(box.down, [statement(i) for i in range(3)])

    def watch(self, box):
        def settled():
            if not box.down.alive() or not box.up.alive():
                return True
            return len(box.up.records()) == 4 or box.control.map[20] != 0

        if box.up.alive() and len(box.truth.records) == 4:
            box.up.wait("an end of the batch", settled, SECONDS)


class RecordUpChild(RecordUp):
    """records move up; the child fails"""

    target = "3301"


class RecordUpParent(RecordUp):
    """records move up; the parent fails"""


class Withdraw(Scenario):
    """a resource is withdrawn at a province; the daemon fails"""

    def act(self, box, env=None):
        return box.withdraw("33/base")

    def watch(self, box):
        """Its file goes behind the commit, and nobody says when."""
        node, end = box.tree[self.target], time.monotonic() + SECONDS
        while node.alive() and box.control.map[20] == 0 and box.objects(node):
            if time.monotonic() > end:
                raise Failed("a file withdrawn stays")
            time.sleep(0.002)


class WithdrawChild(Withdraw):
    """a county hears of a withdrawal; the county fails"""

    nodes = ("33", "3301")
    target = "3301"


class Start(Scenario):
    """a node starts on its database"""

    at_start = True
    depth = 6

    def act(self, box, env=None):
        return True


class Restart(Start):
    """a node starts after a SIGKILL"""

    nodes = ("3301",)
    target = "3301"

    def prepare_files(self, box):
        box.down.start()
        if not box.hand_in(box.down, [statement("killed")]):
            raise Failed("hand-in")
        box.down.kill9()

    def look(self, box, n, what):
        """First of all the log left behind is written again: it may be in the
        system's memory only. Who cannot do that does not open it."""
        if n == 1 and "guantong.db-wal" not in what:
            raise Failed(f"the first call was {what}")
        if n == 1 and "cannot-start" not in box.down.log():
            raise Failed(f"it went on:\n{box.down.log(8)}")


class StartNew(Start):
    """a node starts for the first time"""

    def prepare_files(self, box):
        import os
        import shutil

        for name in ("data", "objects", "staged"):
            shutil.rmtree(os.path.join(box.up.dir, name), ignore_errors=True)
        box.truth.published.clear()
        box.truth.records.clear()


class Close(Scenario):
    """a node is stopped, with what it took last in its log"""

    stopped = False

    def prepare(self, box):
        if not box.hand_in(box.up, [statement(f"last{i}") for i in range(5)]):
            raise Failed("hand-in")

    def act(self, box, env=None):
        """What is left of it is no process, if it ended as it was told to."""
        node, again, self.stopped = box.up, self.stopped, True
        if again or not node.alive():
            return True
        node.process.send_signal(signal.SIGTERM)
        node.process.wait(SECONDS)
        if node.process.returncode == 0:
            node.process = None
            node.notify.close()
        return True


class Policy(Scenario):
    """a rule is set; the daemon fails"""

    def act(self, box, env=None):
        return box.set_policy("video")


ALL = {
    "publish": Publish,
    "publish-cli": PublishCli,
    "sync-child": SyncChild,
    "sync-parent": SyncParent,
    "record": Record,
    "record-up-child": RecordUpChild,
    "record-up-parent": RecordUpParent,
    "withdraw": Withdraw,
    "withdraw-child": WithdrawChild,
    "policy": Policy,
    "close": Close,
    "start": Start,
    "restart": Restart,
    "start-new": StartNew,
}
__all__ = ["ALL", "CHANGES", "Scenario"]
