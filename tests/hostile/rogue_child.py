#!/usr/bin/python3
"""A rogue child: a member of the tree with keys of its own, below the attacked node,
that says whatever it likes to it over links of real TLS.

CONTEXT: "port" of the attacked node and its code "parent"; folders of keys: "own" (a
child), "below" (a node below that child), "revoked", "expired", "stranger" (another
tree's); "denied" and "allowed" (hex ids of objects), "frames" of the allowed one."""
import os
import socket
import struct
import uuid

from attack import attack, main
from wire import ENUMS, Gone, Identity, catch_up, dial, hello, public_of, request, seal, session

HUGE = [1 << 53, (1 << 53) - 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]


def me(rogue, which="own"):
    return Identity(rogue.context[which][0], rogue.context[which][1])


def up(rogue, which="own", **more):
    rogue.did["sessions"] += 1
    return session(rogue.port, me(rogue, which), rogue.parent, **more)


def gone(rogue, f, *args, **fields):
    """Whatever the node answers, and that it hangs up, is its right."""
    try:
        return f(*args, **fields)
    except Gone:
        rogue.did["dropped"] += 1
        return None, {}, b""
    except TimeoutError:
        rogue.did["no answer"] += 1
        return None, {}, b""


# ------------------------------------------------------- what it may not have


@attack("claims", quick=True)
def claims(rogue):
    """`Inventory` claims MIRROR for a denied object, at once asked for its manifest and frames"""
    denied = bytes.fromhex(rogue.denied)
    for _ in rogue.rounds(30):
        link = up(rogue)
        for name in ("33/secret", "33/course"):
            row = {"id": name, "hash": os.urandom(32), "verdict": "MIRROR"}
            gone(rogue, link.ask, "inventory", rows=[row], first=1, last=1)
        for kind, fields in (("manifest", {"offset": 0}), ("frame", {"frame": 0}), ("frame", {"frame": 1, "suspect": 1})):
            got, said, payload = gone(rogue, link.ask, kind, object=denied, transfer=os.urandom(16), **fields)
            rogue.did["asked"] += 1
            rogue.wants(got in (None, "error") and not payload, f"a denied object was served: {got} {said}")
        names = [c.get("item", b"") for c in gone(rogue, catch_up, link) if isinstance(c, dict)]
        rogue.wants(not any(b"33/secret" in n for n in names), "a denied entry was sent")
        link.close()


@attack("escapes", quick=True)
def escapes(rogue):
    """A node two levels down names this one as its parent; other kinds of links ask a child's questions"""
    kinds = list(ENUMS["Link"].values())
    questions = [("manifest", {"object": bytes.fromhex(rogue.denied), "transfer": b"t" * 16}),
                 ("frame", {"object": bytes.fromhex(rogue.denied), "transfer": b"t" * 16}), ("changes", {"wait_ms": 1}),
                 ("records", {"after": 0}), ("inventory", {"first": 1, "last": 1}), ("offer", {"given_up": "33/course", "version": 9})]
    for _ in rogue.rounds(10):
        try:
            up(rogue, "below")
            rogue.wants(False, "a grandchild was accepted as a child")
        except Gone:
            rogue.did["refused"] += 1
        for which in ("own", "below"):
            for number in kinds[1:] + [5, 99]:
                role = {1: "child roster-only", 2: "child renewal", 3: "child publisher", 4: "child peer"}.get(number, "child")
                for kind, fields in questions:
                    try:
                        link = up(rogue, which, role=role, kind=number)
                        got, said, payload = link.ask(kind, **fields)
                        rogue.wants(got == "error" and not payload, f"a link of kind {number} was answered {kind}: {got} {said}")
                    except Gone:
                        rogue.did["refused"] += 1
        kind, said, _ = gone(rogue, up(rogue).ask, "roster", after=0)
        rogue.did["roster"] += kind == "roster"


@attack("names")
def names(rogue):
    """Says `Hello` under another's code, for another parent, with a proof of another link or role"""
    own = me(rogue)
    for i in rogue.rounds(40):
        wrong = [{"code": "330106"}, {"code": "3301"}, {"code": "33"}, {"parent": "33"}, {"parent": ""}, {"code": ""},
                 {"code": "3301" + "0" * 300}, {"nonce": b"short"}, {"epoch": b""}, {"lineage": b"x"}, {"version_min": 99}]
        link = dial(rogue.port, own)
        kind, said, _ = gone(rogue, hello, link, own, rogue.parent, **wrong[i % len(wrong)])
        rogue.wants(kind in (None, "error"), f"{wrong[i % len(wrong)]}: {kind} {said}")
        rogue.did["wrong hellos"] += 1
        link = dial(rogue.port, own)
        kind, said, nonce = hello(link, own, rogue.parent)
        # what the parent itself signed; an old proof; another's; nothing
        for proof in ([said.get("proof", b"")], [os.urandom(64)], [b""], [b"x" * 5000])[i % 4]:
            kind, said, _ = gone(rogue, link.ask, "prove", proof=proof)
            rogue.wants(kind in (None, "error"), f"a wrong proof was taken: {said}")
        link.close()
        # questions before anybody has proved anything
        link = dial(rogue.port, own)
        kind, said, payload = gone(rogue, link.ask, "manifest", object=bytes.fromhex(rogue.allowed), transfer=b"t" * 16)
        rogue.wants(kind in (None, "error") and not payload, "a stranger was served")
        link.close()


@attack("certificates", quick=True)
def certificates(rogue):
    """Links by the hundred with a revoked member's, an expired, another tree's, and no certificate"""
    for i in rogue.rounds(150):
        for which in ("revoked", "expired", "stranger"):
            try:
                link = up(rogue, which)
                rogue.wants(False, f"a {which} node was accepted")
                link.close()
            except OSError:
                rogue.did["refused"] += 1
        try:
            dial(rogue.port, None, f"127.0.2.{i % 250 + 1}", timeout=0.2)
            rogue.wants(False, "no TLS was accepted")
        except OSError:
            rogue.did["refused"] += 1


# --------------------------------------------------------------------- floods


def pour(rogue, heads, window=64, begin=lambda link: None):
    """Messages as fast as they are taken, so many at a time unanswered. begin: what is
    said first on each link."""
    link = up(rogue)
    gone(rogue, begin, link)
    for i, head in enumerate(heads):
        if rogue.left() <= 0:
            break
        try:
            link.send(head)
            rogue.did["messages"] += 1
            if i % window == window - 1:
                for _ in range(window):
                    link.receive()
        except (Gone, TimeoutError):
            rogue.did["dropped"] += 1
            try:
                link = up(rogue)
                begin(link)
            except OSError:
                rogue.did["refused"] += 1
    link.close()


@attack("inventories")
def inventories(rogue):
    """Pages of `Inventory`, 4,096 drawn names each, without a last one"""

    def pages():
        for i in rogue.rounds(2000):
            rows = [{"id": f"33/x{i}-{k}", "hash": os.urandom(32), "verdict": "MIRROR"} for k in range(4096)]
            yield request("inventory", rows=rows, first=int(i == 0))

    pour(rogue, pages(), 1)


@attack("dones")
def dones(rogue):
    """`Done` of transfers nobody made, as fast as they are taken"""
    heads = (request("done", transfer=os.urandom(16), object=os.urandom(32), bytes=HUGE[i % 5] if i % 500 == 499 else i, frames=1) for i in range(100000))
    pour(rogue, heads, 8)


@attack("given-up", quick=True)
def given_up(rogue):
    """`given_up` of every name, in versions up to 2^64-1"""
    wild = ("33/secret", "33/none", "3301/x", "x" * 400, "")
    heads = (request("offer", given_up=wild[i // 1000 % 5] if i % 1000 == 999 else "33/course",
                     version=HUGE[i // 100 % 5] if i % 100 == 99 else (2, 1 << 40, 1764500000000 + i)[i % 3]) for i in range(100000))
    pour(rogue, heads, 64, catch_up)


@attack("offers")
def offers(rogue):
    """Layers and entries offered in others' names, in its own with wild versions, torn"""
    own = me(rogue)

    def heads():
        for i in range(3000):
            version = (*HUGE, 1, i)[i % 7]
            layer = {"origin": ("33", "3301", own.code, "330106")[i % 4], "version": version, "fallback": "MIRROR",
                     "rules": [{"name": f"r{k}", "verdict": "MIRROR"} for k in range(i % 3 * 400)]}
            entry = {"id": "33/course", "publisher": "33", "version": version, "object": os.urandom(32)}
            member = {"code": own.code, "version": version, "key": public_of(own.seed), "level": "county"}
            for item in (seal(own.seed, "LAYER", layer, "Layer"), seal(own.seed, "RESOURCE", entry, "Entry"),
                         seal(own.seed, "MEMBER", member, "Member"), os.urandom(300), b""):
                yield request("offer", item=item)

    pour(rogue, heads())


@attack("questions")
def questions(rogue):
    """Thousands of questions at once, not one answer read"""
    allowed = bytes.fromhex(rogue.allowed)
    while rogue.left() > 0:
        try:
            link = up(rogue)
            catch_up(link)
            link.sock.settimeout(1)
            for i in rogue.rounds(20000):
                link.send(request("frame", object=allowed, frame=i % rogue.frames, transfer=b"t" * 16))
                rogue.did["messages"] += 1
        except (Gone, TimeoutError):
            rogue.did["dropped"] += 1


@attack("suspects")
def suspects(rogue):
    """Every frame called damaged, again and again"""
    allowed = bytes.fromhex(rogue.allowed)
    link = up(rogue)
    catch_up(link)
    for i in rogue.rounds(20000):
        kind, _, payload = gone(rogue, link.ask, "frame", object=allowed, frame=i % rogue.frames, transfer=b"t" * 16, suspect=1)
        rogue.did[kind or "none"] += 1
        if kind is None:
            link = up(rogue)
            catch_up(link)


@attack("twins")
def twins(rogue):
    """The same code again and again, each link displacing the one before"""
    for i in rogue.rounds(2000):
        try:
            link = up(rogue)
            if i % 3 == 0:
                link.close()
        except OSError:
            rogue.did["refused"] += 1


# -------------------------------------------------------------------- records


def record(seq, epoch, **more):
    r = {"seq": seq, "origin": "330108", "origin_epoch": epoch, "origin_seq": seq, "id": uuid.uuid4().bytes, "form": os.urandom(32),
         "stored_ms": 1764500000000, "body": b"[1,2]", "authority": '{"mbox":"mailto:a@b.cn"}'}
    r.update(more)
    return r


@attack("records", quick=True)
def records(rogue):
    """Records that are none: `[1,2]`, wrong form, id, flags, origin, an authority that splices keys"""
    good = b'{"id":"%s","actor":{"mbox":"mailto:r@x.cn"},"verb":{"id":"http://x.cn/v"},"object":{"id":"http://x.cn/o"}}'
    wrong = [{}, {"body": b""}, {"body": b"\xff\xfe"}, {"body": b'{"a":' * 5000}, {"body": b"x" * 300000}, {"id": b""}, {"id": b"x" * 40},
             {"form": b""}, {"form": b"y" * 99}, {"origin": "33"}, {"origin": "330106"}, {"origin": ""}, {"origin": "330108" + "1" * 99},
             {"origin_epoch": b""}, {"flags": 7}, {"flags": (1 << 32) - 1}, {"authority": '},"stolen":{'}, {"authority": "x" * 90000},
             {"authority": ""}, {"stored_ms": -(1 << 63)}, {"stored_ms": (1 << 63) - 1}, {"target": b"z" * 16, "flags": 1},
             {"policy": "p" * 70000}, {"origin_seq": (1 << 64) - 1}, {"body": good % str(uuid.uuid4()).encode()}]
    epoch = os.urandom(16)
    link, seq = up(rogue, epoch=epoch), 0
    for i in rogue.rounds(200):
        batch = []
        for w in wrong if i % 2 else [wrong[i % len(wrong)]]:
            seq += 1
            batch.append(record(seq, epoch, **w))
        kind, said, _ = gone(rogue, link.ask, "records", after=seq - len(batch), records=batch, patient=1)
        rogue.did["records"] += len(batch)
        if kind is None or kind == "error":
            epoch, seq = os.urandom(16), 0
            link = up(rogue, epoch=epoch)
        else:
            rogue.wants(said.get("root", 0) <= said.get("hop", 0) <= seq, f"marks beyond what was sent: {said} of {seq}")


@attack("order")
def order(rogue):
    """Batches out of order, with holes, numbers that go back or beyond 2^63, empty, of 100,000 rows"""
    for i in rogue.rounds(300):
        epoch = os.urandom(16)
        link = up(rogue, epoch=epoch)
        shapes = [(5, [6, 7]), (0, [3, 2, 1]), (0, [1, 1, 1]), (HUGE[i % 5], [1]), (0, [HUGE[i % 5]]), (0, []),
                  (0, list(range(1, 2000))), ((1 << 64) - 1, [0]), (0, [0])]
        after, numbers = shapes[i % len(shapes)]
        kind, said, _ = gone(rogue, link.ask, "records", after=after, records=[record(n, epoch) for n in numbers], patient=1)
        rogue.did[kind or "none"] += 1
        rogue.wants(kind != "records" or said.get("hop", 0) <= max(numbers, default=0), f"acknowledged {said} of {after}, {numbers[:5]}")
        link.close()


@attack("avalanche")
def avalanche(rogue):
    """Records of 250 KiB each, as many as are taken"""
    epoch, seq = os.urandom(16), 0
    link = up(rogue, epoch=epoch)
    for _ in rogue.rounds(2000):
        seq += 1
        kind, said, _ = gone(rogue, link.ask, "records", after=seq - 1, records=[record(seq, epoch, body=b'"' + b"x" * 250000 + b'"')])
        rogue.did[kind or "none"] += 1
        if kind != "records":
            epoch, seq = os.urandom(16), 0
            link = up(rogue, epoch=epoch)


# --------------------------------------------------------------------- frames


@attack("lengths")
def lengths(rogue):
    """Messages of 2^62 bytes, of none, torn; heads longer than the message; payloads where none belong"""
    words = [struct.pack(">Q", n) + b"\x80\0\0\1" * 20 for n in (0, 3, 4, 1 << 62, (1 << 64) - 1, 2360329, 2360328)]
    words += [struct.pack(">QII", 60, 0x80000001, h) + b"x" * 52 for h in (1 << 31, 53, (1 << 32) - 1)]
    words += [struct.pack(">QII", 12, 1, 4) + b"abcd", os.urandom(500), b"\0SP\0\0\x30\0\0" * 50, struct.pack(">QII", 300000, 0x80000001, 0) + b"p" * 299992]
    for i in rogue.rounds(300):
        try:
            link = up(rogue)
            link.say(words[i % len(words)])
            link.sock.settimeout(0.2)
            link.receive()
            rogue.did["answered"] += 1
        except (Gone, TimeoutError):
            rogue.did["dropped or waited for"] += 1
        link.close()


@attack("trickles")
def trickles(rogue):
    """200 links that open and say one message of 2 MiB byte by byte, before and after the session"""
    held = []
    own = me(rogue)
    for i in range(200):
        if rogue.left() <= 0:
            break
        try:
            link = dial(rogue.port, own, f"127.0.2.{i % 250 + 1}")
            link.say(struct.pack(">QII", 2000000, 0x80000001, 1900000))
            held.append(link)
            rogue.did["links"] += 1
        except OSError:
            rogue.did["refused"] += 1
    while held and rogue.left() > 0:
        for link in held[:]:
            try:
                link.say(b"x")
                rogue.did["bytes"] += 1
            except OSError:
                held.remove(link)
                rogue.did["dropped"] += 1


@attack("handshakes")
def handshakes(rogue):
    """300 connections that begin a handshake and stay"""
    held = []
    for i in range(300):
        s = socket.socket()
        try:
            s.bind((f"127.0.2.{i % 250 + 1}", 0))
            s.connect(("127.0.0.1", rogue.port))
            s.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
            held.append(s)
            rogue.did["connections"] += 1
        except OSError:
            rogue.did["refused"] += 1
    for s in held:  # they end by the node's own deadline, or ours
        s.settimeout(max(0.01, rogue.left()))
        try:
            rogue.did["ended by the node"] += s.recv(1) == b""
        except OSError:
            pass
        s.close()


@attack("noise")
def noise(rogue):
    """Heads drawn at random, and good ones with some of their bytes drawn anew"""
    models = [request("changes", epoch=b"e" * 16, after=1, wait_ms=1), request("frame", object=b"o" * 32, frame=1, transfer=b"t" * 16),
              request("records", after=0, records=[record(1, b"e" * 16)]), request("roster", after=HUGE[0]),
              request("hello", code="330108", parent="3301", version_max=3), request("prove", proof=b"p" * 64)]
    link = up(rogue)
    for _ in rogue.rounds(5000):
        head = bytearray(rogue.dice.choice(models))
        for _ in range(rogue.dice.randrange(1, 5)):
            head[rogue.dice.randrange(len(head))] = rogue.dice.randrange(256)
        try:
            t = link.send(bytes(head))
            link.sock.settimeout(0.1)
            while link.receive()[0] != t:
                pass
            rogue.did["answered"] += 1
        except (Gone, TimeoutError):
            rogue.did["dropped or waited for"] += 1
            link.close()
            link = up(rogue)


if __name__ == "__main__":
    main()
