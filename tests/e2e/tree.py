"""Real daemons for tests: a tree of nodes in a temporary folder.

Nothing here sleeps to wait. A start is awaited by the daemon's own READY=1, as
systemd does it; everything else by /admin/wait, which answers when the node's
state has changed.
"""
import http.client
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("GUANTONG_BIN", os.path.join(ROOT, "build/release"))
RELAY = os.path.join(ROOT, "tests/support/relay.py")
CHAIN = ["33", "3301", "330106", "330106109", "330106109210"]
LEVELS = ["province", "city", "county", "township", "village"]
PATIENCE = 300  # s: what takes longer hangs, however slow or busy the machine
HELD = {}  # port: the socket that keeps it
XAPI = {"X-Experience-API-Version": "1.0.3", "Content-Type": "application/json"}


class Failed(AssertionError):
    pass


def free_ports(n):
    """Free ports, nobody else's until release_ports() or the end of this process,
    also while a daemon is down. Each is bound, so that no other is given it, but not
    listened on: who dials is refused, and a daemon may listen there, for it shares
    (SO_REUSEADDR). Below the ports of outgoing connections, if those leave room, for
    scripts whose daemons outlive us."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        low = int(f.read().split()[0])
    ports = []
    for _ in range(1000):
        if len(ports) == n:
            return ports
        port = hold(random.randrange(10000, low) if low > 20000 else 0)
        if port:
            ports.append(port)
    raise Failed("no free port")


def hold(port):
    """That port (0: any) made ours; None if it is somebody's."""
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", port))
    except OSError:
        s.close()
        return None
    # only now: whoever looks for a port must not get one that is held
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port = s.getsockname()[1]
    HELD[port] = s
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:  # a system that does not share it so
        release_ports(port)
    return port


def free_http_ports():
    """Ports for learners, content and staff that follow from the first, as they do in
    a configuration that names it alone."""
    for _ in range(1000):
        first = free_ports(1)[0]
        others = [hold(first + step) for step in (1, 10)]
        if all(others):
            return [first, *others]
        release_ports(first, *others)
    raise Failed("no free ports beside each other")


def release_ports(*ports):
    for port in ports:
        if port in HELD:
            HELD.pop(port).close()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        # a socket's name is 107 bytes at most, a checkout's path may be more
        folder = os.open(os.path.dirname(self.path), os.O_PATH)
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/{os.path.basename(self.path)}")
        finally:
            os.close(folder)


class Answer:
    def __init__(self, r):
        self.status = r.status
        self.headers = r.headers
        self.body = r.read()

    def json(self):
        return json.loads(self.body)


class Node:
    """A node on loopback. One that lives elsewhere has its own ports, listens on
    another address and is run and asked there."""

    listen = "127.0.0.1"

    def __init__(self, tree, code, parent=None, to=None, config=None):
        self.tree = tree
        self.code = code
        self.parent = parent
        self.dir = os.path.join(tree.dir, code)
        self.link_port, self.http_port, self.content_port, self.staff_port = self.ports()
        self.process = None
        self.env = {}
        self.log_path = os.path.join(tree.dir, code + ".log")
        self.init(self.parent_addresses(to), config or {})

    # ------------------------------------------------------------- setting up

    def ports(self):
        return free_ports(4)

    def parent_addresses(self, port):
        return [f"127.0.0.1:{port or self.parent.link_port}"] if self.parent else []

    def command(self):
        return [guantongd(), "-C", self.dir]

    def connection(self, timeout, port=None):
        return http.client.HTTPConnection("127.0.0.1", port or self.http_port, timeout=timeout)

    def port_of(self, path):
        """The listener a path is behind."""
        if path.startswith(("/c/", "/o/")):
            return self.content_port
        return self.staff_port if path == "/metrics" else self.http_port

    def init(self, parent_addresses, config):
        args = ["init", "--code", self.code, "--pki", self.tree.pki]
        args += ["--listen", f"{self.listen}:{self.link_port}", "--http", f"127.0.0.1:{self.http_port}"]
        args += ["--content", f"127.0.0.1:{self.content_port}", "--staff", f"127.0.0.1:{self.staff_port}"]
        if self.parent:
            args += ["--parent", self.parent.code]
        for address in parent_addresses:
            args += ["--parent-address", address]
        run([guantong(), *args, self.dir])
        if self.tree.insecure:
            config = dict(config, link=dict(config.get("link", {}), insecure="true"))
        if config:
            self.configure(config)

    def configure(self, sections):
        """Sets keys of guantong.yaml: {"storage": {"reserve": "1MiB"}}."""
        path = os.path.join(self.dir, "guantong.yaml")
        with open(path) as f:
            lines = f.read().splitlines()
        for section, keys in sections.items():
            kept, here, dropping = [], False, False
            for line in lines:
                word = line.strip().split(":")[0]
                indent = len(line) - len(line.lstrip())
                if line and indent == 0 and not line.startswith("#"):
                    here, dropping = word == section, False
                elif here and indent == 2 and not line.strip().startswith("-"):
                    dropping = word in keys
                if not dropping:
                    kept.append(line)
            if section + ":" not in kept:
                kept.append(section + ":")
            at = kept.index(section + ":") + 1
            lines = kept[:at] + [f"  {k}: {v}" for k, v in keys.items()] + kept[at:]
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n")

    def small_disk(self, size):
        """A disk of its own for the node's directory, with its files on it. False:
        no right to."""
        keep = self.dir + ".keep"
        os.rename(self.dir, keep)
        os.mkdir(self.dir)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.dir]
        ok = subprocess.run(mount, capture_output=True).returncode == 0
        if ok:
            self.tree.mounts.append(self.dir)
        shutil.copytree(keep, self.dir, dirs_exist_ok=True)
        shutil.rmtree(keep)
        return ok

    def policy(self, text):
        """Replaces this node's own layer, while it runs or before."""
        path = os.path.join(self.tree.dir, self.code + ".policy.yaml")
        with open(path, "w") as f:
            f.write(text)
        if self.process:
            self.cli("policy", "set", path)
        else:
            shutil.copy(path, os.path.join(self.dir, "policy.yaml"))

    # ---------------------------------------------------------------- running

    def spawn(self):
        """Starts the daemon without waiting for it."""
        notify = os.path.join(self.tree.dir, self.code + ".notify")
        if os.path.exists(notify):
            os.unlink(notify)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(notify)
        os.chmod(notify, 0o777)  # the daemon may be another user's
        env = dict(os.environ, NOTIFY_SOCKET=notify, LC_ALL="C.UTF-8", **self.env)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=env)
        return self

    def start(self, timeout=PATIENCE):
        self.spawn()
        self.ready(timeout)
        return self

    def ready(self, timeout=PATIENCE):
        end = time.monotonic() + timeout
        fd = os.pidfd_open(self.process.pid)
        try:
            while True:
                left = end - time.monotonic()
                r = select.select([self.notify, fd], [], [], max(0, left))[0]
                if self.notify in r:
                    if b"READY=1" in self.notify.recv(4096):
                        return
                elif fd in r:
                    raise Failed(f"{self.code} ended with {self.process.wait()}:\n{self.log(20)}")
                else:
                    raise Failed(f"{self.code} is not ready after {timeout} s:\n{self.log(20)}")
        finally:
            os.close(fd)

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None
        self.notify.close()

    def stop(self, timeout=PATIENCE):
        """Ends it as systemd would; returns the exit status."""
        if not self.process:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise Failed(f"{self.code} does not end:\n{self.log(20)}")
        self.process = None
        self.notify.close()
        return status

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self, last=None):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, errors="replace") as f:
            lines = f.read().splitlines()
        return "\n".join(lines[-last:] if last else lines)

    # ----------------------------------------------------------------- asking

    def cli(self, *args, ok=True, timeout=PATIENCE, env=None):
        """guantong ARGS on this node; standard output."""
        return run([guantong(), "-C", self.dir, *args], ok=ok, timeout=timeout, env=env)

    def cli_json(self, *args):
        return json.loads(self.cli(*args, "--json"))

    def http(self, method, path, body=None, headers=None, timeout=PATIENCE, port=None):
        c = self.connection(timeout, port or self.port_of(path))
        try:
            c.request(method, path, body, headers or {})
            return Answer(c.getresponse())
        finally:
            c.close()

    def admin(self, method, path, body=None, timeout=PATIENCE, headers=None):
        c = UnixConnection(os.path.join(self.dir, "control.sock"), timeout)
        try:
            c.request(method, path, body, headers or {})
            return Answer(c.getresponse())
        finally:
            c.close()

    def status(self):
        return self.admin("GET", "/admin/status").json()

    def metrics(self):
        """Prometheus text as {name: sum over its labels}."""
        found = {}
        for line in self.http("GET", "/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                name = name.split("{")[0]
                found[name] = found.get(name, 0) + float(value)
        return found

    def resource(self, rid):
        """The resource as this node lists it, or None."""
        a = self.http("GET", "/api/resources/" + rid)
        return a.json() if a.status == 200 else None

    def state(self, rid):
        r = self.resource(rid)
        return r["state"] if r else None

    def file(self, rid, path):
        return self.http("GET", f"/c/{rid}/{urllib.parse.quote(path)}")

    def records(self):
        """Every record here, page after page."""
        rows, after = [], 0
        while after is not None:
            page = self.admin("GET", f"/admin/records?after={after}").json()
            rows += page["records"]
            after = page.get("next")
        return rows

    def audit(self, **query):
        q = urllib.parse.urlencode(query)
        return self.admin("GET", "/admin/audit?" + q).json()["rows"]

    def wait(self, what, predicate, timeout=PATIENCE):
        """Until predicate() is true; asked again whenever the node has changed."""
        end = time.monotonic() + timeout
        while True:
            generation = find(self.status(), "generation")
            value = predicate()
            if value:
                return value
            left = end - time.monotonic()
            if left <= 0:
                raise Failed(f"{self.code}: waited {timeout} s for {what}\n{self.log(15)}")
            # other nodes may be what changes, so it is never a long wait
            ms = int(min(left, 1) * 1000)
            self.admin("GET", f"/admin/wait?generation={generation}&timeout_ms={ms}")

    def wait_state(self, rid, state, timeout=PATIENCE):
        want = state if isinstance(state, tuple) else (state,)
        return self.wait(f"{rid} to be {state}, is {self.state(rid)}", lambda: self.state(rid) in want, timeout)

    def wait_connected(self, timeout=PATIENCE):
        return self.wait("its parent", lambda: find(self.status(), "parent_up"), timeout)

    def publish(self, rid, folder, **meta):
        """Publishes a folder (None: an announcement) with sensible defaults."""
        args = ["publish", "--id", rid, "--type", meta.pop("type", "document")]
        args += ["--title", "zh-CN=" + meta.pop("title", rid)]
        for key, value in meta.items():
            for v in value if isinstance(value, list) else [value]:
                args += ["--" + key, v]
        return self.cli(*args, folder or "--no-content")


class Tree:
    """A chain of nodes by default; with Tree(...) as tree: stops them all."""

    node = Node
    members = os.path.join(ROOT, "seeds/tree.yaml")

    def __init__(self, codes=CHAIN, start=True, insecure=False, config=None):
        self.dir = tempfile.mkdtemp(prefix="gt-")
        self.nodes = {}
        self.relays = []
        self.mounts = []
        self.insecure = insecure
        self.pki = os.path.join(self.dir, "pki")
        run([guantong(), "pki", "create", self.members, self.pki])
        self.grow(codes, config)
        if start:
            self.start()

    def grow(self, codes, config):
        parent = None
        for code in codes:
            parent = self.nodes[code] = self.node(self, code, parent, config=config)

    def __getitem__(self, code):
        return self.nodes[code]

    def __iter__(self):
        return iter(self.nodes.values())

    def start(self):
        for n in self:
            n.spawn()
        for n in self:
            n.ready()
        for n in self:
            if n.parent:
                n.wait_connected()
        return self

    def relay(self, to, *args):
        """A relay to a port; (process, port). Commands go to its stdin."""
        p = subprocess.Popen(
            [RELAY, "--to", str(to), *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.relays.append(p)
        return p, int(p.stdout.readline().split()[1])

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        codes = {}
        for n in self:
            if n.process:
                died = n.process.poll()
                codes[n.code] = n.stop() if died is None else died
        for p in self.relays:
            p.stdin.close()
            p.wait()
            p.stdout.close()
        if kind and kind is not unittest_skip():
            for n in self:
                print(f"---- {n.code}\n{n.log(25)}")
        for m in self.mounts:
            subprocess.run(["umount", "-l", m], check=False)
        # one that was killed cannot say so as it ends
        codes.update({n.code: "a sanitizer's report" for n in self if "WARNING: ThreadSanitizer" in n.log()})
        for n in self:
            release_ports(n.link_port, n.http_port, n.content_port, n.staff_port)
        shutil.rmtree(self.dir, ignore_errors=True)
        bad = {c: s for c, s in codes.items() if s != 0}
        if bad and not kind:
            raise Failed(f"daemons did not end well: {bad}")


# -------------------------------------------------------------------- helpers


def unittest_skip():
    import unittest

    return unittest.SkipTest


def guantong():
    return os.path.join(BIN, "guantong")


def guantongd():
    return os.path.join(BIN, "guantongd")


def sanitizer():
    """What a program built with one wants loaded before anything else."""
    for name in ("asan", "tsan"):
        if f"/{name}/" in guantongd():
            return subprocess.check_output(["cc", f"-print-file-name=lib{name}.so"], text=True).strip() + ":"
    return ""


def run(args, cwd=None, ok=True, timeout=PATIENCE, env=None):
    env = dict(os.environ, LC_ALL="C.UTF-8", GUANTONG_LANG="en") | (env or {})
    p = subprocess.run(args, cwd=cwd, capture_output=True, text=True, timeout=timeout, env=env)
    if ok and p.returncode != 0:
        raise Failed(f"{' '.join(args)}: exit {p.returncode}\n{p.stdout}{p.stderr}")
    return p.stdout if ok else p


def find(tree, key):
    """The value of a key, wherever in a JSON tree it is."""
    if isinstance(tree, dict):
        if key in tree:
            return tree[key]
        tree = list(tree.values())
    if isinstance(tree, list):
        for v in tree:
            if (got := find(v, key)) is not None:
                return got
    return None


def send_command(relay, word):
    """Gives a relay a command and waits until it has carried it out."""
    relay.stdin.write(word + "\n")
    relay.stdin.flush()
    assert relay.stdout.readline().strip() == word


def carried(relay):
    """Bytes that went through a relay so far, both ways."""
    relay.stdin.write("carried\n")
    relay.stdin.flush()
    return int(relay.stdout.readline())


def restored(node):
    """Starts a node whose database was put back."""
    node.command = lambda: [*Node.command(node), "--restored"]
    try:
        node.start()
    finally:
        del node.command


def make_files(folder, sizes, seed=1):
    """{path: size} with bytes that do not compress; returns {path: bytes}."""
    import random

    r = random.Random(seed)
    made = {}
    for path, size in sizes.items():
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        made[path] = r.randbytes(size)
        with open(full, "wb") as f:
            f.write(made[path])
    return made


def layer(rules, default):
    """A policy file as text; JSON is YAML."""
    return json.dumps({"rules": rules, "default": default}, ensure_ascii=False)
