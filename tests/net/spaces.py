"""Nodes in network namespaces of their own, joined by links that misbehave.

A Net makes namespaces and links and removes them all again, also when a test
fails or is told to stop; what a run that was killed has left behind is removed
by the next. A NetTree is a Tree whose nodes live in a Net.
"""
import contextlib
import ctypes
import http.client
import os
import re
import secrets
import shutil
import signal
import subprocess
import unittest

from tree import BIN, CHAIN, ROOT, Failed, Node, Tree, send_command

VLINK = os.path.join(BIN, "tests/net/vlink")
CLONE_NEWNET = 0x40000000
LINK_PORT, HTTP_PORT = 7700, 8080
libc = ctypes.CDLL(None, use_errno=True)

# `with` undoes everything at an exception: let the end of a run be one that
# unittest does not take for a failed test
signal.signal(signal.SIGTERM, signal.default_int_handler)


def ip(*args, lines=None):
    p = subprocess.run(["ip", *args], input=lines, capture_output=True, text=True)
    if p.returncode != 0:
        raise Failed(f"ip {' '.join(args)}: {p.stderr.strip()}")


@contextlib.contextmanager
def inside(space):
    """This thread's sockets are made in that namespace."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open("/run/netns/" + space, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(there)
        yield
    finally:
        enter(here)
        os.close(there)
        os.close(here)


def enter(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Link:
    """Packets between two namespaces. Address 0 is A's, 1 is B's; "ab" is the
    direction from A to B."""

    def __init__(self, a, b, number, mtu=1500):
        self.spaces = (a, b)
        self.addresses = (f"10.77.{number}.1", f"10.77.{number}.2")
        device = f"gt{number}"
        self.process = subprocess.Popen(
            [VLINK, a, device, b, device], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self.process.stdout.readline() != "ready\n":
            raise Failed("vlink does not start")
        for i in range(2):
            setup = f"link set {device} up mtu {mtu}\naddr add {self.addresses[i]}/30 dev {device}\n"
            ip("-n", self.spaces[i], "-batch", "-", lines=setup)

    def tell(self, command):
        send_command(self.process, command)

    def set(self, way="", **how):
        """delay=100, loss=2, rate=10000...: see vlink.c."""
        pairs = " ".join(f"{k}={v}" for k, v in how.items())
        self.tell(f"{way} set {pairs}".strip())

    def cut(self, way=""):
        self.tell(f"{way} cut".strip())

    def restore(self, way=""):
        self.tell(f"{way} restore".strip())

    def stats(self):
        """{"ab": {"carried": packets, "bytes": n, "lost": ..., "full": ...}, "ba": ...}"""
        self.process.stdin.write("stats\n")
        self.process.stdin.flush()
        found, way = {}, None
        for word in self.process.stdout.readline().split():
            if "=" in word:
                key, value = word.split("=")
                way[key] = int(value)
            else:
                way = found[word] = {}
        return found

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Net:
    def __init__(self):
        sweep()
        self.prefix = f"gt-{os.getpid()}-{secrets.token_hex(3)}-"
        self.spaces = []
        self.links = []

    def space(self, name):
        name = self.prefix + name
        ip("netns", "add", name)
        self.spaces.append(name)
        ip("-n", name, "link", "set", "lo", "up")
        return name

    def link(self, a, b, **how):
        mtu = how.pop("mtu", 1500)
        made = Link(a, b, len(self.links), mtu)
        self.links.append(made)
        if how:
            made.set(**how)
        return made

    def close(self):
        for made in self.links:
            made.close()
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], check=False)
        self.links, self.spaces = [], []


def sweep():
    """Removes namespaces of runs that are no more."""
    out = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    for name in re.findall(r"^(gt-\d+-\S+)", out, re.M):
        if not os.path.exists("/proc/" + name.split("-")[1]):
            subprocess.run(["ip", "netns", "del", name], check=False)


# ------------------------------------------------------------------------ tree


class Connection(http.client.HTTPConnection):
    """From within the namespace to its own loopback."""

    def __init__(self, space, port, timeout):
        super().__init__("127.0.0.1", port, timeout=timeout)
        self.space = space

    def connect(self):
        with inside(self.space):
            super().connect()


class NetNode(Node):
    """tree.place() says where it lives and how it reaches its parent."""

    listen = "0.0.0.0"

    def __init__(self, tree, code, parent=None, **more):
        self.space, self.links = tree.place(code, parent)
        super().__init__(tree, code, parent, **more)

    def ports(self):
        """Others may live in the same namespace."""
        n = sum(node.space == self.space for node in self.tree)
        return LINK_PORT + n, HTTP_PORT + n, HTTP_PORT + 100 + n, HTTP_PORT + 200 + n

    def parent_addresses(self, port):
        return [f"{link.addresses[0]}:{self.parent.link_port}" for link in self.links]

    def command(self):
        return ["ip", "netns", "exec", self.space, *super().command()]

    def connection(self, timeout, port=None):
        return Connection(self.space, port or self.http_port, timeout)

    @property
    def link(self):
        return self.links[0]


class NetTree(Tree):
    """A chain by default, each node in a namespace of its own, each link as `how`
    says; A is the parent's end. Heartbeats are quick, so that a link's death is."""

    node = NetNode
    heartbeat, dead = 0.5, 2.0

    def __init__(self, codes=CHAIN, config=None, how=None, start=True):
        self.net = Net()
        self.how = how or {}
        link = {"heartbeat": f"{self.heartbeat * 1000:.0f}ms", "dead": f"{self.dead * 1000:.0f}ms"}
        config = dict(config or {})
        config["link"] = link | config.get("link", {})
        try:
            super().__init__(codes, start=False, config=config)
            if start:
                with self.undo_on_failure():
                    self.start()
        except BaseException:
            self.net.close()
            raise

    @contextlib.contextmanager
    def undo_on_failure(self):
        try:
            yield
        except BaseException as e:
            super().__exit__(type(e), e, None)
            raise

    def place(self, code, parent):
        space = self.net.space(code)
        return space, [self.net.link(parent.space, space, **self.how)] if parent else []

    def __exit__(self, kind, value, trace):
        try:
            super().__exit__(kind, value, trace)
        finally:
            self.net.close()


def why_not():
    """Why this machine does not let the tests run; None: it does."""
    if os.geteuid() != 0:
        return "not root: no right to make network namespaces"
    if not shutil.which("ip"):
        raise Failed("no ip command (package iproute2)")
    if not os.path.exists("/dev/net/tun"):
        return "no /dev/net/tun: no right to make links"
    net = Net()
    try:
        net.link(net.space("a"), net.space("b"))
    except (Failed, OSError) as e:
        return f"no right to make network namespaces or TUN devices: {e}"
    finally:
        net.close()
    return None


WHY_NOT = why_not()


class NetCase(unittest.TestCase):
    def setUp(self):
        if WHY_NOT:
            self.skipTest(WHY_NOT)

    def say(self, text):
        """A figure for whoever reads the log."""
        print(text, end="; ", flush=True)
