"""One point: one real run of a scenario with one fault in it, judged."""
import errno
import os
import shutil
import signal
import subprocess
import time
import traceback

# a container's may have room for a few points at once, not for one per core
if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > (os.cpu_count() + 1) << 24:
    os.environ.setdefault("TMPDIR", "/dev/shm")
from box import CHANGES, DAEMON_EXITS, FAIL, GONE, KILL_AFTER, KILL_BEFORE, KILL_HALF, SECONDS, SHORT, TRACE, TRACED  # noqa: E402
from box import Box, Failed, Lie, NotAllowed, call_name  # noqa: E402
from scenarios import ALL  # noqa: E402

# name: (classes, action, errno, whether the calls behind the n-th fail too)
FAULTS = {
    "write-eio": (["write"], FAIL, errno.EIO, False),
    "write-full": (["write", "size", "name"], FAIL, errno.ENOSPC, True),
    "write-short": (["write"], SHORT, 0, False),
    "sync-eio": (["sync"], FAIL, errno.EIO, False),
    "sync-full": (["sync"], FAIL, errno.ENOSPC, False),
    "name-eio": (["name"], FAIL, errno.EIO, False),
    "name-full": (["name"], FAIL, errno.ENOSPC, False),
    "size-full": (["size"], FAIL, errno.ENOSPC, False),
    "size-eio": (["size"], FAIL, errno.EIO, False),
    "kill-before": (CHANGES, KILL_BEFORE, 0, False),
    "kill-half": (["write"], KILL_HALF, 0, False),
    "kill-after": (CHANGES, KILL_AFTER, 0, False),
    "syscall": ([], TRACE, 0, False),
    "memory": (["memory"], FAIL, errno.ENOMEM, False),
}
NEVER = 1 << 60

# Libraries that end the process themselves when an allocation of theirs fails,
# and where; most of them only as they start. All else must hold, and how often
# it happened is said at the end.
ENDS_AT_START = {
    "ld-linux": "libuv aborts when it cannot make its threads",
    "libc.so": "glibc asserts that it could read nsswitch.conf, or goes on without",
    "libuv.so": "uv__io_start() aborts when its table cannot grow",
    "libmicrohttpd.so": "MHD_start_daemon() aborts when it gives up half-way",
}
ENDS_BY_ITSELF = {
    "libnng.so": "nng 1.5 frees a TLS connection it has not finished making",
}
REASONS = {**ENDS_AT_START, **ENDS_BY_ITSELF}


def excused(code, what, at_start):
    """The library that ended the process, or None."""
    if code not in (-signal.SIGSEGV, -signal.SIGABRT):
        return None
    file = what.partition(" ")[2]
    table = REASONS if at_start else ENDS_BY_ITSELF
    return next((library for library in table if file.startswith(library)), None)


def ended_well(node, killed, what="", at_start=False):
    """A target that is gone said why, and went the documented way."""
    code = node.process.poll()
    if code is None:
        return
    if killed and code == -signal.SIGKILL or excused(code, what, at_start):
        return
    if code not in DAEMON_EXITS or code == 0:
        raise Failed(f"{node.code} ended with {code}:\n{node.log(8)}")
    if not node.log().strip():
        raise Failed(f"{node.code} ended with {code} and no word")


def gets_ready(node):
    """False: it ended, or has no room for a start: then it waits, and says so."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            node.ready(0.2)
            return True
        except Failed:
            if node.process.poll() is not None or "event=waiting" in node.log():
                return False
            if time.monotonic() > end:
                raise


def gets_room(node):
    """One that waited for it starts by itself now that there is some."""
    log = node.log()
    if log.rfind("event=waiting") > log.rfind("event=ready"):
        node.ready(SECONDS)


def start_under(box, s, target, arm, env):
    """Starts the nodes, the target with env; False: it did not start."""
    for code in s.nodes:
        node = box.tree[code]
        if node is target:
            node.env = env
        if code in s.late:
            continue
        if s.at_start and node is target:
            arm()
            node.spawn()
            if not gets_ready(node):
                return False
        else:
            node.start()
    if len(s.nodes) == 2 and not s.late:
        box.down.wait_connected()
    return True


def under_fault(box, s, target, arm, env):
    """The scenario with the fault in it."""
    if not start_under(box, s, target, arm, env):
        return
    if hasattr(s, "prepare"):
        s.prepare(box)
    if not s.at_start:
        arm()
    for code in s.late:
        box.tree[code].start()
    s.act(box, env if s.target == "cli" else None)
    try:
        s.watch(box)
    except GONE:
        pass  # it ended under the question


def live_on(box, nodes, killed, target, what):
    """Those that do not stop need no restart: all arrives by itself."""
    if not all(n.alive() for n in nodes):
        return
    try:
        box.converged(nodes)
    except Lie:
        raise
    except (Failed, *GONE):
        # one that was about to stop is no failure
        try:
            if not target:
                raise
            target.process.wait(SECONDS)
            ended_well(target, killed, what)
        except subprocess.TimeoutExpired:
            pass
        if target.process.poll() is None:
            raise


def start_all(box, nodes):
    for node in nodes:
        node.start()
    if len(nodes) == 2:
        box.down.wait_connected()


def again(box, s):
    """Clean, without help: what was refused is done again and must go."""
    nodes = [box.tree[c] for c in s.nodes]
    for node in nodes:
        node.env = {}
        box.age(node)
    start_all(box, nodes)
    box.converged(nodes)  # what had been acknowledged, before anything is retried
    box.stop()
    for node in nodes:
        box.books(node, at_rest=False)
    start_all(box, nodes)
    if not s.act(box):
        raise Failed("refused although nothing fails any more")
    box.converged(nodes)
    box.stop()
    for node in nodes:
        box.books(node)


def room_again(fault, s, target, what):
    """A full disk pauses content, puts records off and refuses a publish; it ends
    no node that was ready. What it cannot wait for is a sync or a name in the
    database's folder."""
    _, _, error, sticky = FAULTS[fault]
    if error != errno.ENOSPC or s.at_start or not target or "/data/" in what and not sticky:
        return
    if target.process and target.process.poll() is not None:
        raise Failed(f"a full disk ended {target.code}:\n{target.log(8)}")


def point(box, name, fault, n):
    """One run; (fired, calls counted, where, library that ended it)."""
    classes, action, error, sticky = FAULTS[fault]
    s = ALL[name]()
    target = None if s.target == "cli" else box.tree[s.target]
    killed = action in (KILL_BEFORE, KILL_HALF, KILL_AFTER, TRACE)
    # no shim where each of its own calls would be one to be killed at
    env = box.control.env(s.depth)
    if action == TRACE:
        env = {} if target else TRACED

    def arm():
        if action == TRACE and not target:
            box.control.arm([], 0, n)  # attached to when it is run
        elif action == TRACE:
            box.control.trace(target.process.pid, n)
        elif isinstance(n, str):
            box.control.arm(classes, action, 1, error, sticky, stack=int(n[1:], 16))
        else:
            box.control.arm(classes, action, n, error, sticky)

    box.reset()
    if hasattr(s, "prepare_files"):
        s.prepare_files(box)
    fired, count, what = False, 0, ""
    try:
        under_fault(box, s, target, arm, env)
        fired, count, what = box.control.disarm()
        live = [box.tree[c] for c in s.nodes]
        if s.at_start and target.alive():
            gets_room(target)
        for node in live:
            if node.process:
                ended_well(node, killed and node is target, what if node is target else "", s.at_start)
        if fired and fault in ("write-eio", "sync-eio"):
            s.look(box, n, what)
        room_again(fault, s, target, what)
        live_on(box, live, killed, target, what)
        library = None
        if target and target.process and target.process.poll() is not None:
            library = excused(target.process.poll(), what, s.at_start)
            target.process = None
            target.notify.close()
        box.stop()
        again(box, s)
    except BaseException as e:
        if not what:
            fired, count, what = box.control.disarm()
        e.where = what
        raise
    return fired, count, what, library


def list_stacks(box, name):
    """How often a scenario allocates, and the places in the code it does so
    from, in order of their first time: '@hash' each."""
    s = ALL[name]()
    target = None if s.target == "cli" else box.tree[s.target]
    box.reset()
    if hasattr(s, "prepare_files"):
        s.prepare_files(box)
    env = dict(box.control.env(s.depth), **box.control.list_stacks())
    under_fault(box, s, target, lambda: box.control.arm(["memory"], FAIL, NEVER), env)
    box.control.disarm()
    box.stop()
    stacks = box.control.stacks()
    return len(stacks), [f"@{h:016x}" for h in dict.fromkeys(stacks)]


_box = None


def box_here():
    global _box
    if _box is None:
        _box = Box()
    return _box


def try_point(name, fault, n):
    global _box
    started = time.monotonic()
    try:
        fired, count, what, library = point(box_here(), name, fault, n)
        return fired, f"{count} calls, {call_name(what)}", library, None
    except NotAllowed:
        raise
    except Exception as e:
        where = call_name(getattr(e, "where", ""))
        text = str(e) if isinstance(e, Failed) else traceback.format_exc()
        logs = "".join(f"\n  {x.code}: " + x.log(6).replace("\n", "\n  ") for x in _box.tree) if _box else ""
        report = f"FAILED run.py {name} {fault} {n} ({time.monotonic() - started:.1f} s)\n  at {where}\n  {text}{logs}"
        if _box:
            for x in _box.tree:
                if x.process and x.process.poll() is None:
                    x.kill9()
                elif x.process:
                    x.process = None
                    x.notify.close()
        return True, "", None, report
