#!/usr/bin/python3
"""run.py [--out DIR] [--mb N] [CASE...]: figures, each beside what the hardware or
another tool does in the same run, on the same disk.

Prints a table and writes DIR/results.jsonl, a line per figure:
    {"case", "metric", "guantong", "peer", "peer_value", "ratio"}
ratio is guantong / peer_value; for rates more is better, for sizes and times less.
"""
import argparse
import http.client
import json
import multiprocessing
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
from readers import BIG, SlowReaders, large_package, memory, peak_from_here  # noqa: E402
from tree import CHAIN, XAPI, Node, Tree, carried, find, free_ports, make_files, restored  # noqa: E402

MB = 1_000_000
RID = "33/bench"
results = []


def report(case, metric, value, peer, peer_value, less=False):
    """less: the smaller figure is the better one. The ratio is above 1 where we are better."""
    ratio = (peer_value / value if less else value / peer_value) if peer_value and value else None
    row = {"case": case, "metric": metric, "guantong": round(value, 3), "peer": peer,
           "peer_value": round(peer_value, 3) if peer_value is not None else None,
           "ratio": round(ratio, 3) if ratio is not None else None}
    results.append(row)
    print(f"{case:16} {metric:28} {value:14,.1f}   {peer:26} {peer_value or 0:14,.1f}   x {ratio or 0:.2f}", flush=True)


def timed(job):
    os.sync()
    began = time.monotonic()
    job()
    return time.monotonic() - began


# ----------------------------------------------------------------------- peers


def raw_write(path, size):
    """The disk alone: one file, written in 1 MiB pieces, synced once."""
    block = random.Random(1).randbytes(1 << 20)

    def job():
        with open(path, "wb", buffering=0) as f:
            left = size
            while left > 0:
                left -= f.write(block[: min(left, len(block))])
            os.fsync(f.fileno())

    seconds = timed(job)
    os.unlink(path)
    return seconds


def rsync(src, base, *options):
    """rsync from a daemon on loopback, unencrypted, into an empty folder."""
    if not shutil.which("rsync"):
        return None
    (port,) = free_ports(1)
    dst = os.path.join(base, "rsync-dst")
    conf = os.path.join(base, "rsyncd.conf")
    with open(conf, "w") as f:
        f.write(f"use chroot = no\nlog file = {base}/rsyncd.log\npid file = {base}/rsyncd.pid\n[d]\npath = {src}\n")
    d = subprocess.Popen(["rsync", "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={port}", f"--config={conf}"])
    try:
        while True:  # it says nothing when it listens
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
                break
            except OSError:
                time.sleep(0.01)
        os.makedirs(dst)
        return timed(lambda: subprocess.run(["rsync", "-a", *options, f"rsync://127.0.0.1:{port}/d/", dst], check=True))
    finally:
        d.terminate()
        d.wait()
        shutil.rmtree(dst, ignore_errors=True)


def raw_sqlite(base, rows, batch):
    """Bare SQLite, WAL, synchronous=FULL: the same rows, a commit a batch."""
    path = os.path.join(base, "raw.db")
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE r(seq INTEGER PRIMARY KEY, id BLOB UNIQUE, body BLOB)")

    def job():
        for i in range(0, len(rows), batch):
            db.execute("BEGIN")
            db.executemany("INSERT INTO r(id, body) VALUES(?, ?)", rows[i : i + batch])
            db.execute("COMMIT")

    seconds = timed(job)
    db.close()
    for end in ("", "-wal", "-shm"):
        if os.path.exists(path + end):
            os.unlink(path + end)
    return seconds


# ----------------------------------------------------------------------- cases


def sync_time(t, codes, src, rate=None, **publish):
    """Seconds from the children's start until the last has everything."""
    for a, b in zip(codes, codes[1:]):
        if rate:
            _, port = t.relay(t[a].link_port, "--rate", str(rate))
            t[b].configure({"parent": {"addresses": f'["127.0.0.1:{port}"]'}})
    t[codes[0]].start()
    t[codes[0]].publish(RID, src, **publish)

    def job():
        for c in codes[1:]:
            t[c].spawn()
        for c in codes[1:]:
            t[c].ready()
        t[codes[-1]].wait_state(RID, "complete", 600)

    return timed(job)


def big_files(base, size):
    src = os.path.join(base, "big")
    n = max(1, size // (32 * MB))
    make_files(src, {f"video{i:02}.bin": size // n for i in range(n)})
    return src


def first_sync(base, a):
    size = a.mb * MB
    src = big_files(base, size)
    with Tree(CHAIN[:2], start=False) as t:
        seconds = sync_time(t, CHAIN[:2], src)
        sent = t["33"].metrics()
    shutil.rmtree(os.path.join(base, "x"), ignore_errors=True)
    rate = size / MB / seconds
    report("first-sync", "MB/s, TLS, durable", rate, "raw write and fsync", size / MB / raw_write(os.path.join(base, "w"), size))
    for name, options in (("rsync daemon, no TLS", ()), ("rsync --fsync, no TLS", ("--fsync",))):
        s = rsync(src, base, *options)
        if s:
            report("first-sync", "MB/s, TLS, durable", rate, name, size / MB / s)
    out = sent.get("guantong_bytes_out_total")
    if out:
        report("first-sync", "bytes on the wire / content", out / size, "content", 1.0, less=True)
    shutil.rmtree(src)


def five_levels(base, a):
    size = min(a.mb, 64) * MB
    rate = 12.5 * MB  # a 100 Mbit/s link
    src = big_files(base, size)
    with Tree(CHAIN[:2], start=False) as t:
        one = sync_time(t, CHAIN[:2], src, rate)
    with Tree(CHAIN, start=False) as t:
        five = sync_time(t, CHAIN, src, rate)
    report("five-levels", "s, 100 Mbit/s a link", five, "one hop, same link", one, less=True)
    with Tree(CHAIN, start=False) as t:
        free = sync_time(t, CHAIN, src)
    with Tree(CHAIN[:2], start=False) as t:
        one_free = sync_time(t, CHAIN[:2], src)
    report("five-levels", "s, links unlimited", free, "one hop, same link", one_free, less=True)
    shutil.rmtree(src)


def small_files(base, a):
    src = os.path.join(base, "small")
    r = random.Random(7)
    files = make_files(src, {f"{i // 250:02}/{i:05}.json": r.randrange(200, 4000) for i in range(a.files)})
    size = sum(map(len, files.values()))
    with Tree(CHAIN[:2], start=False) as t:
        seconds = sync_time(t, CHAIN[:2], src)
    one = os.path.join(base, "one")
    make_files(one, {"all.bin": size})
    with Tree(CHAIN[:2], start=False) as t:
        large = sync_time(t, CHAIN[:2], one)
    report("small-files", "MB/s, TLS, durable", size / MB / seconds, "one file of that size", size / MB / large)
    for name, options in (("rsync daemon, no TLS", ()), ("rsync --fsync, no TLS", ("--fsync",))):
        s = rsync(src, base, *options)
        if s:
            report("small-files", "files/s, TLS, durable", a.files / seconds, name, a.files / s)
    shutil.rmtree(src)


def statements(n, seed):
    r = random.Random(seed)
    for i in range(n):
        yield {
            "id": str(uuid.UUID(int=r.getrandbits(128), version=4)),
            "actor": {"account": {"homePage": "https://xuexi.example.cn", "name": f"l{r.randrange(100000)}"}},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
            "object": {"id": f"https://xuexi.example.cn/lesson/{i % 977}"},
            "result": {"score": {"scaled": 0.5}, "completion": True},
        }


def poster(port, bodies, queue):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    took = []
    for body in bodies:
        began = time.monotonic()
        c.request("POST", "/xapi/statements", body, XAPI)
        r = c.getresponse()
        r.read()
        took.append(time.monotonic() - began)
        if r.status != 200:
            queue.put(None)
            return
    queue.put(took)


def records_durable(base, a):
    n, batch, clients = a.records, 100, 8
    all_ = list(statements(n, 3))
    bodies = [json.dumps(all_[i : i + batch]).encode() for i in range(0, n, batch)]
    with Tree(CHAIN[:2]) as t:
        village, root = t["3301"], t["33"]
        queue = multiprocessing.Queue()
        procs = [multiprocessing.Process(target=poster, args=(village.http_port, bodies[k::clients], queue)) for k in range(clients)]
        began = time.monotonic()
        for p in procs:
            p.start()
        took = [queue.get() for _ in procs]
        seconds = time.monotonic() - began
        for p in procs:
            p.join()
        if any(x is None for x in took):
            raise SystemExit("a batch was refused")
        village.wait("the root to have them all", lambda: int(root.status()["records"]["count"]) >= n, 600)
        rooted = time.monotonic() - began
    took = sorted(x for v in took for x in v)
    rows = [(uuid.UUID(s["id"]).bytes, json.dumps(s).encode()) for s in all_]
    raw = raw_sqlite(base, rows, batch)
    report("records-durable", "statements/s acknowledged", n / seconds, "raw SQLite, same batches", n / raw)
    report("records-durable", "statements/s at the root", n / rooted, "raw SQLite, same batches", n / raw)
    report("records-durable", "ms, p99 of a batch of 100", 1000 * took[len(took) * 99 // 100], "aim", 100.0, less=True)


def whole_statement(r):
    """As b_records.c writes one: some 650 bytes."""
    lesson, learner = r.randrange(977), r.randrange(100000)
    return {
        "id": str(uuid.UUID(int=r.getrandbits(128), version=4)),
        "actor": {"objectType": "Agent", "account": {"homePage": "https://xuexi.example.cn", "name": f"l{learner}"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/" + r.choice(["completed", "answered", "launched", "passed"]), "display": {"en": "x"}},
        "object": {"id": f"https://xuexi.example.cn/lesson/{lesson}",
                   "definition": {"name": {"zh-CN": f"第 {lesson} 课"}, "type": "http://adlnet.gov/expapi/activities/lesson"}},
        "context": {"registration": f"{learner:08x}-0000-4000-8000-{r.randrange(10):012x}",
                    "contextActivities": {"parent": [{"id": f"https://xuexi.example.cn/course/{lesson // 20}"}]}},
        "result": {"score": {"scaled": r.randrange(100) / 100}, "completion": True},
        "timestamp": f"2026-11-30T08:00:{r.randrange(60):02}.{r.randrange(1000):03}Z",
    }


def records_wire(base, a):
    """What a record costs on a link, TLS and answers and all: of a backlog, and handed in one by one."""
    n, alone, batch = a.records, 300, 100
    r = random.Random(11)
    all_ = [json.dumps(whole_statement(r), ensure_ascii=False).encode() for _ in range(n + alone)]
    with Tree(CHAIN[:1]) as t:
        root = t["33"]
        relay, port = t.relay(root.link_port)
        city = t.nodes["3301"] = Node(t, "3301", root, to=port)
        city.start().wait_connected()
        root.stop()
        queue = multiprocessing.Queue()
        poster(city.http_port, [b"[" + b",".join(all_[i : i + batch]) + b"]" for i in range(0, n, batch)], queue)
        if queue.get() is None:
            raise SystemExit("a batch was refused")
        before = carried(relay)
        root.start()
        root.wait("all of them", lambda: int(root.status()["records"]["count"]) >= n and find(city.status(), "records_waiting") == 0, 600)
        backlog = (carried(relay) - before) / n
        before = carried(relay)
        for i in range(alone):
            poster(city.http_port, [all_[n + i]], queue)
            if queue.get() is None:
                raise SystemExit("a statement was refused")
            root.wait("it", lambda: find(city.status(), "records_waiting") == 0, 60)
        one = (carried(relay) - before) / alone
    size = sum(map(len, all_)) / len(all_)
    report("records-wire", f"bytes a record of {n}, both ways, TLS", backlog, "the statement as it is handed in", size, less=True)
    report("records-wire", f"bytes a record of {n}, both ways, TLS", backlog, "aim", 100, less=True)
    report("records-wire", "bytes a record alone, both ways, TLS", one, "the statement as it is handed in", size, less=True)
    report("records-wire", "bytes a record alone, both ways, TLS", one, "aim", 250, less=True)


def records_restore_bytes(base, a):
    """What travels again when a node was restored and its parent lacks 1 %."""
    n, batch = a.records, 100
    all_ = list(statements(n, 5))
    bodies = [json.dumps(all_[i : i + batch]).encode() for i in range(0, n, batch)]
    with Tree(CHAIN[:1]) as t:
        root = t["33"]
        relay, port = t.relay(root.link_port)
        city = t.nodes["3301"] = Node(t, "3301", root, to=port)
        city.start().wait_connected()
        queue = multiprocessing.Queue()
        poster(city.http_port, bodies, queue)
        if queue.get() is None:
            raise SystemExit("a batch was refused")

        def settled():
            return int(root.status()["records"]["count"]) >= n and find(city.status(), "records_waiting") == 0

        root.wait("all of them", settled, 600)
        whole = carried(relay)
        for part, which in ((0, "0"), (1, "seq % 100 = 37"), (100, "1")):
            root.stop()
            with sqlite3.connect(os.path.join(root.dir, "data", "guantong.db")) as db:
                db.execute(f"DELETE FROM record WHERE {which}")
            db.close()
            root.start()
            city.wait_connected()
            city.stop()
            before = carried(relay)
            restored(city)
            city.wait_connected()
            root.wait("all of them", settled, 600)
            report("records-restore-bytes", f"KB for {n}, {part} % differs", (carried(relay) - before) / 1000,
                   "all of them, first", whole / 1000, less=True)


def metadata(base, a):
    n = a.entries
    def entry(i):
        return {"id": f"33/e{i:07}", "type": "announcement", "title": {"zh-CN": f"第{i}号公告", "en": f"Announcement {i}"},
                "description": {"zh-CN": "示例"}, "subjects": ["digital-technology"], "audiences": ["elderly"],
                "languages": ["zh-CN"], "licence": "CC-BY-4.0", "regions": [], "keywords": [f"k{i % 100}"]}

    with Tree(CHAIN[:2], start=False) as t:
        t["33"].start()
        began = time.monotonic()
        for i in range(0, n, 1000):
            r = t["33"].admin("POST", "/admin/publish", json.dumps([entry(k) for k in range(i, min(n, i + 1000))]).encode())
            if r.status != 200:
                raise SystemExit(r.body)
        published = time.monotonic() - began
        last = entry(n - 1)["id"]

        def job():
            t["3301"].start()
            t["3301"].wait("the last entry", lambda: t["3301"].resource(last), 600)

        seconds = timed(job)
    rows = [(uuid.uuid4().bytes, json.dumps(entry(i)).encode()) for i in range(n)]
    raw = raw_sqlite(base, rows, 1000)
    report("metadata", "entries/s, first sync, one hop", n / seconds, "raw SQLite, 1,000 a commit", n / raw)
    report("metadata", "entries/s, published", n / published, "raw SQLite, 1,000 a commit", n / raw)


def proc(pid, key):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return 0


def idle_village(base, a):
    src = big_files(base, 8 * MB)
    with Tree(CHAIN) as t:
        t["33"].publish(RID, src)
        village = t["330106109210"]
        village.wait_state(RID, "complete")
        pid = village.process.pid

        def wakeups():
            return sum(proc(f"{pid}/task/{x}", "voluntary_ctxt_switches") for x in os.listdir(f"/proc/{pid}/task"))

        time.sleep(2)  # what is under way comes to rest
        before = wakeups()
        time.sleep(a.idle)
        woken = (wakeups() - before) / a.idle
        report("idle-village", "MiB RSS", proc(pid, "VmRSS") / 1024, "aim", 16.0, less=True)
        report("idle-village", "MiB RSS, peak", proc(pid, "VmHWM") / 1024, "aim", 16.0, less=True)
        report("idle-village", "wake-ups/s, all threads", woken, "aim: heartbeats, 2 in 15 s", 2 / 15, less=True)
    shutil.rmtree(src)


def trickle(port, path, n, stop):
    """n readers that take 8 KiB ten times a second, and begin again at the end."""
    with SlowReaders(port, path, n) as r:
        while not stop.wait(0.1):
            for i, s in enumerate(r.sockets):
                if not s.recv(8192):
                    s.close()
                    with SlowReaders(port, path, 1) as again:
                        r.sockets[i] = again.sockets.pop()


def p99(took):
    return 1000 * sorted(took)[len(took) * 99 // 100]


def slow_readers(base, a):
    readers = 60
    src = os.path.join(base, "src")
    os.mkdir(src)
    _, last = large_package(src, a.members)
    bodies = [json.dumps(s).encode() for s in statements(2 * a.posts, 5)]
    with Tree(CHAIN[:1], config={"http": {"connections": 256, "per_address": 256}}) as t:
        node = t["33"]
        node.publish(RID, src)
        node.stop()
        node.start()
        path = f"/c/{RID}/{BIG}"

        def post(some):
            queue = multiprocessing.Queue()
            poster(node.http_port, some, queue)
            took = queue.get()
            if took is None:
                raise SystemExit("a statement was refused")
            return p99(took)

        def get():
            took = []
            for _ in range(a.posts):
                began = time.monotonic()
                r = node.http("GET", path, headers={"Range": "bytes=7000000-7000000"})
                took.append(time.monotonic() - began)
                if r.status != 206:
                    raise SystemExit(f"{r.status} for a byte")
            return p99(took)

        alone = post(bodies[: a.posts])
        alone_get = get()
        before = memory(node.process.pid, "VmRSS")
        peak_from_here(node.process.pid)
        stop = multiprocessing.Event()
        crowd = multiprocessing.Process(target=trickle, args=(node.content_port, path, readers, stop))
        crowd.start()
        node.wait("them to be there", lambda: node.metrics()["guantong_http_connections"] >= readers)
        beside = post(bodies[a.posts :])
        beside_get = get()
        grown = memory(node.process.pid, "VmHWM") - before
        stop.set()
        crowd.join()
    report("slow-readers", "ms, p99 of POST, 60 readers", beside, "without them", alone, less=True)
    report("slow-readers", "ms, p99 of POST, aim", beside, "aim", 100.0, less=True)
    report("slow-readers", "ms, p99 of GET of a byte", beside_get, "without them", alone_get, less=True)
    report("slow-readers", "MiB more for 60 readers", grown / (1 << 20), "aim", 64.0, less=True)
    shutil.rmtree(src)


CASES = {"first-sync": first_sync, "five-levels": five_levels, "small-files": small_files,
         "records-durable": records_durable, "records-wire": records_wire, "records-restore-bytes": records_restore_bytes, "metadata": metadata, "idle-village": idle_village,
         "slow-readers": slow_readers}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", default="build/bench")
    p.add_argument("--mb", type=int, default=256, help="size of the large content")
    p.add_argument("--files", type=int, default=5000)
    p.add_argument("--records", type=int, default=50000)
    p.add_argument("--entries", type=int, default=20000)
    p.add_argument("--idle", type=float, default=20)
    p.add_argument("--members", type=int, default=100_000, help="of the package that is read slowly")
    p.add_argument("--posts", type=int, default=1000)
    p.add_argument("cases", nargs="*", metavar="case", help=", ".join(CASES))
    a = p.parse_args()
    for name in set(a.cases) - set(CASES):
        p.error(f"no case {name}; there are {', '.join(CASES)}")
    os.makedirs(a.out, exist_ok=True)
    failed = []
    # everything on the disk the results go to, so that peers have the same
    tempfile.tempdir = tempfile.mkdtemp(prefix="work-", dir=os.path.abspath(a.out))
    try:
        for name in a.cases or CASES:
            with tempfile.TemporaryDirectory() as base:
                try:
                    CASES[name](base, a)
                except AssertionError as e:
                    failed.append(name)
                    print(f"{name}: {e}", file=sys.stderr)
    finally:
        shutil.rmtree(tempfile.tempdir, ignore_errors=True)
        with open(os.path.join(a.out, "results.jsonl"), "w") as f:
            for row in results:
                f.write(json.dumps(row, ensure_ascii=False) + "\n")
    sys.exit(1 if failed else 0)


main()
