"""A small tree under faults: its template, the shim's control, what must hold.

A Box is one or two real nodes whose folders are put back to a template before
each point. What was acknowledged is kept in a Truth; check() compares it with
what the nodes say after a clean restart, and their databases with their object
stores while they are stopped.
"""
import functools
import hashlib
import http.client
import json
import mmap
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
from tree import BIN, CHAIN, XAPI, Failed, Tree, guantong, layer, make_files  # noqa: E402

SHIM = os.path.join(BIN, "fault_shim.so")
TRACER = os.path.join(BIN, "fault_tracer")
# shim.h: what counts, what happens, and at which offsets it is said
CLASSES = {"memory": 1, "write": 2, "sync": 4, "name": 8, "size": 16}
CHANGES = ["write", "sync", "name", "size"]
FAIL, SHORT, KILL_BEFORE, KILL_HALF, KILL_AFTER = 1, 2, 3, 4, 5
TRACE = 6  # not the shim's: the tracer's
TRACED = {"GUANTONG_FAULT_TRACED": "1"}  # a command's env: it is for the tracer
LAYOUT = struct.Struct("<IIIIIIQQQ208s")
STACKS = 1 << 17
# sysexits the daemon documents (service.h), and the command line's own (cli.h)
DAEMON_EXITS = {0, 70, 71, 78}
CLI_EXITS = range(0, 6)
SECONDS = 100  # nothing here takes longer unless it hangs, on slow machines too


# a node that ends under a question, or refuses to answer it (KeyError)
GONE = (OSError, ValueError, http.client.HTTPException, KeyError, TypeError)


class NotAllowed(Exception):
    """This machine lets nobody trace a process."""


class Lie(Failed):
    """What no fault excuses, not even a node about to stop."""


class Control:
    """The shim's page, and the tracer's."""

    def __init__(self, path):
        self.path = path
        self.tracer = None
        with open(path, "wb") as f:
            f.write(bytes(LAYOUT.size))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), LAYOUT.size)

    def arm(self, classes, action, n, error=0, sticky=False, stack=0):
        bits = sum(CLASSES[c] for c in classes)
        self.map[:] = LAYOUT.pack(0, bits, action, error, sticky, 0, n, 0, stack, b"")
        self.map[0:4] = struct.pack("<I", 1)

    def trace(self, pid, n):
        """As arm(), of the n-th system call boundary of a running process."""
        self.arm([], 0, n)
        self.attach(pid)

    def attach(self, pid):
        self.tracer = subprocess.Popen([TRACER, self.path, str(pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.tracer.stdout.readline():
            return
        why = self.tracer.stderr.read().strip()
        if self.let_go() == 77:
            raise NotAllowed(why)
        raise Failed(f"the tracer ended: {why}")

    def let_go(self):
        tracer, self.tracer = self.tracer, None
        if not tracer:
            return 0
        tracer.terminate()
        tracer.communicate()
        return tracer.returncode

    def disarm(self):
        self.let_go()
        self.map[0:4] = struct.pack("<I", 0)
        v = LAYOUT.unpack(self.map[:])
        return bool(v[5]), v[7], v[9].split(b"\0")[0].decode("utf-8", "replace")

    def env(self, depth=12):
        # by its name alone: a path with a space in it would be two
        shim = {"LD_LIBRARY_PATH": os.path.dirname(SHIM), "LD_PRELOAD": os.path.basename(SHIM)}
        return {**shim, "GUANTONG_FAULT": self.path, "GUANTONG_FAULT_DEPTH": str(depth)}

    def list_stacks(self):
        """More for env(): has the shim write down where allocations are made."""
        with open(self.path + ".stacks", "wb") as f:
            f.truncate(8 + 8 * STACKS)
        return {"GUANTONG_FAULT_STACKS": self.path + ".stacks"}

    def stacks(self):
        with open(self.path + ".stacks", "rb") as f:
            n = struct.unpack("<Q", f.read(8))[0]
            return struct.unpack(f"<{min(n, STACKS)}Q", f.read(8 * min(n, STACKS)))


@functools.cache
def call_numbers():
    """{number: name} of the system calls."""
    p = subprocess.run(["cc", "-E", "-dM", "-include", "sys/syscall.h", "-xc", "/dev/null"], capture_output=True, text=True)
    rows = [line.split() for line in p.stdout.splitlines() if line.startswith("#define __NR_")]
    return {row[2]: row[1][5:] for row in rows}


def call_name(text):
    """'entry 18 x' as 'entry pwrite64 x'."""
    words = text.split(" ", 2)
    if words[0] == "entry":
        words[1] = call_numbers().get(words[1], words[1])
    return " ".join(words)


def statement(tag):
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://xuexi.example.cn/{tag}")),
        "actor": {"mbox": "mailto:li@example.cn"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": f"https://xuexi.example.cn/{tag}", "definition": {"name": {"zh-CN": "课" * 40}}},
        "timestamp": "2026-01-01T08:00:00+08:00",
    }


class Truth:
    """What was acknowledged, and what was asked for and may be or not."""

    def __init__(self):
        self.files = {}  # rid -> {path: bytes}, of all that was ever offered
        self.published = set()
        self.withdrawn = set()
        self.records = {}  # id -> statement, acknowledged
        self.offered = {}  # id -> statement, not acknowledged
        self.rules = None  # text of the policy acknowledged


class Box:
    def __init__(self):
        self.tree = Tree(CHAIN[:2], start=False)
        self.up, self.down = self.tree["33"], self.tree["3301"]
        self.control = Control(os.path.join(self.tree.dir, "fault"))
        self.template = os.path.join(self.tree.dir, "template")
        self.accepted = set()  # what zstd -t found good, by its hash
        self.sources = {}
        for rid, sizes in (("33/base", {"a.bin": 90_000, "b.txt": 700}), ("33/new", {"x.bin": 150_000, "d/y.txt": 900})):
            folder = os.path.join(self.tree.dir, rid.replace("/", "-"))
            self.sources[rid] = (folder, make_files(folder, sizes, seed=len(rid)))
        for n in self.tree:
            n.configure({"storage": {"reserve": "1MiB"}})
        self.make_template()

    def close(self):
        self.stop(check=False)
        shutil.rmtree(self.tree.dir, ignore_errors=True)

    def make_template(self):
        self.truth = Truth()
        self.tree.start()
        self.publish("33/base")
        self.down.wait_state("33/base", "complete", SECONDS)
        self.hand_in(self.down, [statement("base")])
        self.up.wait("the record", lambda: self.up.records(), SECONDS)
        self.stop()
        os.mkdir(self.template)
        for n in self.tree:
            shutil.copytree(n.dir, os.path.join(self.template, n.code))
        self.base = self.truth

    def reset(self):
        for n in self.tree:
            shutil.rmtree(n.dir)
            shutil.copytree(os.path.join(self.template, n.code), n.dir)
            n.env = {}
            if os.path.exists(n.log_path):
                os.unlink(n.log_path)
        self.truth = Truth()
        self.truth.__dict__.update({k: v.copy() if hasattr(v, "copy") else v for k, v in self.base.__dict__.items()})

    def stop(self, check=True):
        for n in self.tree:
            if not n.process:
                continue
            code = n.process.poll()
            if code is None:
                code = n.stop(SECONDS)
            else:
                n.process = None
                n.notify.close()
            if check and code not in DAEMON_EXITS:
                raise Failed(f"{n.code} ended with {code}")

    # ---------------------------------------------- what people ask of a node

    def run(self, command, env):
        """(exit status, output, errors) of a command, traced if env says so."""
        e = dict(os.environ, LC_ALL="C.UTF-8", GUANTONG_LANG="en", **(env or {}))
        if env == TRACED:
            # it waits until it is seen, so that its execve() is the first call
            command = ["sh", "-c", 'kill -STOP $$; exec "$@"', "sh", *command]
        p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=e)
        try:
            if env == TRACED:
                os.waitid(os.P_PID, p.pid, os.WSTOPPED)
                self.control.attach(p.pid)
                p.send_signal(signal.SIGCONT)
            out, err = p.communicate(timeout=SECONDS)
        except BaseException:
            p.kill()
            p.communicate()
            raise
        return p.returncode, out, err

    def guantong(self, node, *args, env=None):
        """The command line; True: it did what it was asked."""
        status, out, err = self.run([guantong(), "-C", node.dir, *args], env)
        if env is not None and status == -signal.SIGKILL:
            return False
        if status not in CLI_EXITS:
            raise Failed(f"guantong {args[0]} ended with {status}: {out}{err}")
        if status != 0 and not err.strip():
            raise Failed(f"guantong {args[0]} ended with {status} and no word")
        return status == 0

    def publish(self, rid, env=None):
        folder, files = self.sources[rid]
        self.truth.files[rid] = files
        ok = self.guantong(self.up, "publish", "--id", rid, "--type", "document", "--title", "zh-CN=课", folder, env=env)
        if ok:
            self.truth.published.add(rid)
        return ok

    def withdraw(self, rid, env=None):
        self.truth.published.discard(rid)  # from here on it may be either
        ok = self.guantong(self.up, "withdraw", rid, env=env)
        if ok:
            self.truth.withdrawn.add(rid)
        return ok

    def set_policy(self, kind, env=None):
        path = os.path.join(self.tree.dir, "rules.yaml")
        with open(path, "w") as f:
            f.write(layer([{"name": "no-" + kind, "when": {"type": [kind]}, "verdict": "deny"}], "mirror"))
        ok = self.guantong(self.up, "policy", "set", path, env=env)
        if ok:
            self.truth.rules = "no-" + kind
        return ok

    def hand_in(self, node, statements):
        self.truth.offered.update({s["id"]: s for s in statements})
        try:
            a = node.http("POST", "/xapi/statements", json.dumps(statements).encode(), XAPI, timeout=SECONDS)
        except GONE:
            return False
        if a.status == 200:
            for s in statements:
                self.truth.records[s["id"]] = s
        elif a.status < 400:
            raise Failed(f"hand-in answered {a.status}")
        return a.status == 200

    # ----------------------------------------------------------- what must hold

    def served(self, node, rid):
        for path, want in self.truth.files[rid].items():
            a = node.file(rid, path)
            if a.status != 200:
                raise Failed(f"{node.code} does not serve {rid} {path}: {a.status}")
            if a.body != want:
                raise Lie(f"{node.code} serves other bytes for {rid} {path}")

    def no_lie(self, node, rids):
        """What a living node serves is whole or is not served."""
        for rid in rids:
            for path, want in self.truth.files[rid].items():
                a = node.file(rid, path)
                if a.status == 200 and a.body != want:
                    raise Lie(f"{node.code} serves other bytes for {rid} {path}")

    def records_at(self, node, want):
        records = node.records()
        ids = [r["id"] for r in records]
        if len(ids) != len(set(ids)):
            raise Lie(f"{node.code} has a record twice")
        lost = set(want) - set(ids)
        if lost:
            raise Lie(f"{node.code} lost {len(lost)} acknowledged records")
        if set(ids) - set(self.truth.offered):
            raise Lie(f"{node.code} invented records")
        for r in records:
            s = self.truth.offered[r["id"]]
            if any(r["statement"].get(k) != v for k, v in s.items()):
                raise Lie(f"{node.code} changed record {r['id']}")

    def converged(self, nodes, seconds=SECONDS):
        """Everything acknowledged is everywhere it belongs."""
        for n in nodes:
            for rid in self.truth.published:
                n.wait_state(rid, "complete", seconds)
                self.served(n, rid)
            for rid in self.truth.withdrawn:
                n.wait_state(rid, ("withdrawn", None), seconds)
        if self.up in nodes and self.down in nodes:
            want = len(self.truth.records)
            self.up.wait(f"{want} records", lambda: len(self.up.records()) >= want, seconds)
        for n in nodes:
            if n is self.up and len(nodes) == 2 or len(nodes) == 1 and n is self.down:
                self.records_at(n, self.truth.records)
            self.no_lie(n, set(self.truth.files) - self.truth.published)
        if self.truth.rules and self.up in nodes:
            layers = self.up.admin("GET", "/admin/layers").json()["layers"]
            if not any(x["origin"] == "33" and x["rules"] == 1 for x in layers):
                raise Failed("the policy acknowledged is gone")

    def books(self, node, at_rest=True):
        """A stopped node's database is whole and agrees with its files."""
        copy = os.path.join(self.tree.dir, "books")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(os.path.join(node.dir, "data"), copy)
        db = sqlite3.connect(os.path.join(copy, "guantong.db"))
        try:
            said = db.execute("PRAGMA integrity_check").fetchall()
            if said != [("ok",)]:
                raise Failed(f"{node.code}: integrity_check says {said[:3]}")
            rows = db.execute("SELECT id, state, size FROM object").fetchall()
            wanted = {bytes(r[0]) for r in db.execute("SELECT object FROM item WHERE object IS NOT NULL AND state=0 AND verdict=3")}
        finally:
            db.close()
        known = set()
        for oid, state, size in rows:
            name = os.path.join(node.dir, "objects", oid.hex()[:2], oid.hex()[2:] + ".tar.zst")
            known.add(name)
            if state != 4:
                continue
            if not os.path.exists(name) or os.path.getsize(name) != size:
                raise Failed(f"{node.code}: complete object {oid.hex()[:8]} is not there or cut")
            self.sound(node, name)
        missing = wanted - {bytes(r[0]) for r in rows if r[1] == 4}
        if missing and at_rest:
            raise Failed(f"{node.code}: {len(missing)} wanted objects are not complete at rest")
        stray = []
        for folder, _, files in os.walk(node.dir):
            for f in files:
                full = os.path.join(folder, f)
                under = os.path.relpath(full, node.dir)
                if under.startswith("staged/") or f.endswith(".new") or under.startswith("objects/") and full not in known:
                    stray.append(under)
        if stray:
            raise Failed(f"{node.code}: left behind: {stray}")

    def sound(self, node, name):
        """zstd -t accepts the file, or has accepted these very bytes."""
        with open(name, "rb") as f:
            digest = hashlib.sha256(f.read()).digest()
        if digest in self.accepted:
            return
        p = subprocess.run(["zstd", "-tq", name], capture_output=True, text=True)
        if p.returncode != 0:
            raise Failed(f"{node.code}: {p.stderr.strip()}")
        self.accepted.add(digest)

    def objects(self, node):
        return [f for _, _, files in os.walk(os.path.join(node.dir, "objects")) for f in files]

    def age(self, node):
        """Makes what crashed runs staged look a day old: start-up leaves young
        files alone, since somebody may be at work on them."""
        old = time.time() - 86400
        folder = os.path.join(node.dir, "staged")
        for f in os.listdir(folder) if os.path.isdir(folder) else []:
            os.utime(os.path.join(folder, f), (old, old))
