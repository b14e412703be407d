#!/usr/bin/python3
"""A rogue parent: it has the keys of the node above the attacked one, and answers it
as it likes. What others have signed it has as well, as anybody in the middle would.

CONTEXT: "ports" to listen on, "own" (its code and keys), "top" (the province's: only to
sign what it would have passed on), "child" (the attacked node's code)."""
import hashlib
import os
import select
import socket
import ssl
import struct
import threading
import time

from attack import attack, main
from wire import Gone, Identity, Link, decode, encode, proof_text, public_of, seal, sign

HUGE = [1 << 53, (1 << 53) - 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]


class Parent:
    """Answers as a parent should that has nothing to tell, until its time is over and
    the child has done at least what the attack needs (must); an attack turns some of it
    round. A method ask_X(link, fields) answers a request X: the reply's fields, or
    (kind, fields, payload), or None: no answer."""

    def __init__(self, rogue):
        self.rogue = rogue
        self.me = Identity(*rogue.own)
        self.top = Identity(*rogue.top)
        self.epoch = os.urandom(16)
        self.links = 0
        self.given = 0
        self.must = "taken" if type(self).news is not Parent.news else self.must

    must = "hello"

    def serve(self):
        """Until the time is over, which counts from the first link."""
        servers = [socket.create_server(("127.0.0.1", p)) for p in self.rogue.ports]
        context = self.me.context(server=True)
        late = time.monotonic() + 120
        while time.monotonic() < late and (self.rogue.left() > 0 or not self.rogue.did[self.must]):
            for server in select.select(servers, [], [], 0.2)[0]:
                s, _ = server.accept()
                if not self.links:
                    self.rogue.begin()
                self.links += 1
                self.rogue.did["links"] += 1
                threading.Thread(target=self.talk, args=(context, s), daemon=True).start()

    def talk(self, context, s):
        s.settimeout(30)
        try:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.speak(context.wrap_socket(s, server_side=True))
        except (OSError, ssl.SSLError, Gone):
            self.rogue.did["closed by the child"] += 1
        finally:
            s.close()

    def speak(self, s):
        link = Link(s, parent=True)
        while True:
            token, head, _ = link.receive()
            for kind, fields in decode("Request", head).items():
                self.rogue.did[kind] += 1
                said = getattr(self, "ask_" + kind)(link, fields)
                if said is not None:
                    self.answer(link, token, kind, said)

    def answer(self, link, token, kind, said):
        names = {"inventory": "ok", "offer": "ok", "done": "ok"}
        kind, said, payload = said if isinstance(said, tuple) else (names.get(kind, kind), said, b"")
        link.send(encode("Reply", {kind: said}), payload, token)

    def ask_hello(self, link, h):
        nonce = os.urandom(32)
        proof = sign(self.me.seed, proof_text("parent", h["code"], self.me.code, h["nonce"], nonce))
        return {"version": 3, "code": self.me.code, "epoch": self.epoch, "nonce": nonce, "proof": proof}

    def ask_prove(self, link, p):
        return {}

    def news(self):
        """Changes to tell, once."""
        return []

    def ask_changes(self, link, c):
        if c.get("epoch") != self.epoch:
            return {"epoch": self.epoch, "reconcile": 1}
        self.rogue.did["taken"] += 0 < self.given <= c.get("after", 0)
        changes = self.news() if self.given == 0 else []
        if not changes:
            return None  # parked for good
        for i, one in enumerate(changes):
            one.setdefault("seq", self.given + i + 1)
        self.given += len(changes)
        return {"epoch": self.epoch, "changes": changes, "upto": self.given}

    def ask_manifest(self, link, m):
        return "error", {"code": 19, "retry_ms": 100}, b""

    ask_frame = ask_manifest

    def ask_records(self, link, r):
        last = max((x["seq"] for x in r["records"]), default=0)
        return {"hop": last, "root": 0}

    def ask_inventory(self, link, r):
        return {}

    ask_offer = ask_done = ask_inventory

    def ask_roster(self, link, r):
        return {"upto": 0}

    def entry(self, who, slug, **more):
        """A change that brings an entry that the one named has signed."""
        e = {"id": f"{who.code}/{slug}", "publisher": who.code, "version": 1, "type": "document",
             "title": [{"lang": "zh-CN", "text": slug}], "modified_ms": 1764500000000}
        e.update(more)
        return {"item": seal(who.seed, "RESOURCE", e, "Entry"), "verdict": "MIRROR", "priority": 50, "rule": "r", "layer": "33"}


def play(kind):
    """An attack out of a class: it serves until its time is over."""

    def f(rogue):
        kind(rogue).serve()

    f.__doc__ = kind.__doc__
    return f


def attacks(name, quick=False):
    return lambda kind: attack(name, quick)(play(kind)) and kind


# ------------------------------------------------------------------ what it tells


@attacks("widens", quick=True)
class Widens(Parent):
    """Verdict MIRROR for what the province's layer denies to the child"""

    def news(self):
        self.rogue.did["plain"] = 1
        plain = self.entry(self.top, "plain")
        return [plain, *(self.entry(self.top, f"secret-{i}", keywords=["secret"], object=os.urandom(32)) for i in range(50))]


@attacks("forges")
class Forges(Parent):
    """Entries, layers and roster rows in others' names, signed by itself, by nobody, torn"""

    def news(self):
        own, top = self.me, self.top
        layer = {"origin": "33", "version": (1 << 53) - 1, "fallback": "MIRROR"}
        member = {"code": "33", "version": 9, "key": public_of(own.seed), "level": "province"}
        mine = {"item": seal(own.seed, "LAYER", layer, "Layer"), "verdict": "MIRROR"}
        row = {"item": seal(own.seed, "MEMBER", member, "Member"), "verdict": "MIRROR"}
        good = self.entry(top, "forged-1")["item"]
        wrong = [self.entry(own, "x", id="33/forged-2", publisher="33"), self.entry(own, "x", id="33/forged-3"), mine, row,
                 dict(row, item=good[:-1]), {"item": good.replace(b"forged-1", b"forged-4"), "verdict": "MIRROR"},
                 {"item": os.urandom(400), "verdict": "MIRROR"}, self.entry(top, "forged-5", version=0),
                 self.entry(top, "forged-6", object=b"short"), self.entry(top, "forged-7", subjects=["s"] * 5000)]
        return wrong


@attacks("numbers", quick=True)
class Numbers(Parent):
    """Versions, sequences and marks of 2^53-1 and beyond, in every answer"""

    must = "changes"

    answers = 0

    def huge(self):
        self.answers += 1
        return HUGE[self.answers % len(HUGE)]

    def ask_prove(self, link, p):
        h = self.huge()
        return [{"records": h}, {"acked": h}, {"layer_version": h, "layer_hash": os.urandom(32)}, {}][self.answers % 4]

    def ask_changes(self, link, c):
        h = self.huge()
        shapes = [{"upto": h}, {"root_mark": h}, {"changes": [{"seq": h, "retract": "33/nothing"}], "upto": h},
                  {"changes": [self.entry(self.me, "wild", version=h)], "upto": h}]
        return dict(shapes[self.answers % 4], epoch=c.get("epoch", self.epoch))

    def ask_records(self, link, r):
        return {"hop": self.huge(), "root": self.huge()}


@attacks("reconciles")
class Reconciles(Parent):
    """`reconcile`, whatever was asked, for ever"""

    must = "changes"

    def ask_changes(self, link, c):
        return {"epoch": os.urandom(16), "reconcile": 1}


@attacks("empties")
class Empties(Parent):
    """`more` is to come and never comes"""

    must = "changes"

    def ask_changes(self, link, c):
        return {"epoch": c.get("epoch", self.epoch), "more": 1, "upto": c.get("after", 0)}


@attacks("retracts")
class Retracts(Parent):
    """What is here is retracted, again and again, and what never was"""

    def news(self):
        return [{"retract": ("33/small", f"33/none-{i}")[i % 2]} for i in range(1000)]


@attacks("strange")
class Strange(Parent):
    """The child is told that it is strange, each time it comes"""

    must = "prove"

    def ask_prove(self, link, p):
        return {"strange": 1}


@attacks("endless")
class Endless(Parent):
    """A catalogue that does not end, of its own resources"""

    must = "changes"

    def ask_changes(self, link, c):
        if c.get("epoch") != self.epoch:
            return {"epoch": self.epoch, "reconcile": 1}
        n = c.get("after", 0)
        changes = [dict(self.entry(self.me, f"n{n + i}", version=HUGE[1]), seq=n + i + 1) for i in range(1000)]
        self.rogue.did["entries"] += 1000
        return {"epoch": self.epoch, "changes": changes, "upto": n + 1000, "more": 1}


# ------------------------------------------------------------------ what it keeps


@attacks("acknowledges", quick=True)
class Acknowledges(Parent):
    """Records that it never kept are acknowledged, to the root"""

    must = "records"

    def ask_records(self, link, r):
        last = max((x["seq"] for x in r["records"]), default=0)
        return {"hop": last, "root": last}


@attacks("disorder")
class Disorder(Parent):
    """Answers to other questions, to none, twice, of the wrong kind, in the wrong order"""

    def answer(self, link, token, kind, said):
        if kind in ("hello", "prove"):
            return super().answer(link, token, kind, said)
        head = encode("Reply", {"records": {"hop": 1 << 40, "root": 1 << 40}})
        n = self.rogue.dice.randrange(6)
        for t in {0: [token + 1], 1: [token ^ 1, token], 2: [token, token], 3: [], 4: [1 << 31], 5: [token]}[n]:
            link.send(head if n != 5 else encode("Reply", {"ok": {}}), b"", t | 1 << 31)


@attacks("withholds")
class Withholds(Parent):
    """Manifests that are named, asked for and never come, or after 2^63 ms"""

    def news(self):
        return [self.entry(self.top, f"held-{i}", object=os.urandom(32), members=1, plain_size=2048, stored_size=900) for i in range(500)]

    def ask_manifest(self, link, m):
        return [None, ("error", {"code": 19, "retry_ms": HUGE[2]}, b""), ("error", {"code": 19}, b""), ("error", {"code": 9}, b"")][m["object"][0] % 4]


@attacks("torn")
class Torn(Parent):
    """Manifests and frames of other bytes, sizes and places than was signed"""

    def news(self):
        self.manifests = {}
        found = []
        for i in range(40):
            m = {"format": 1, "frame_ids": os.urandom(64), "stored_sizes": [700, 800], "plain_sizes": [65536, 2048],
                 "files": [{"path": f"f{i}", "offset": 512, "size": 66000, "media_type": "text/html"}]}
            data = encode("Manifest", m)
            if i % 4 == 3:
                data = os.urandom(3000)
            name = hashlib.sha256(data).digest()
            self.manifests[name] = data
            found.append(self.entry(self.top, f"torn-{i}", object=name, members=1, plain_size=67584, stored_size=1600))
        return found

    def ask_manifest(self, link, m):
        data, at = self.manifests.get(m["object"], b"x"), m.get("offset", 0)
        n = self.rogue.dice.randrange(8)
        if n == 0:
            return "manifest", {"size": HUGE[2], "offset": at}, data
        if n == 1:
            return "manifest", {"size": len(data), "offset": at + 1}, data
        if n == 2:
            return "manifest", {"size": len(data), "offset": at}, os.urandom(len(data))
        if n == 3:
            return "manifest", {"size": 64 << 20, "offset": at}, data
        return "manifest", {"size": len(data), "offset": at}, data[at:]

    def ask_frame(self, link, m):
        n = self.rogue.dice.randrange(4)
        return "frame", {"frame": m.get("frame", 0) + (n == 0)}, os.urandom((700, 800)[m.get("frame", 0) % 2] + (n == 1))


# ------------------------------------------------------------------ who it is


@attacks("impostor")
class Impostor(Parent):
    """Another's code, a proof of another's key, a version that was not offered, no answer"""

    def ask_hello(self, link, h):
        good = super().ask_hello(link, h)
        return [dict(good, code="33"), dict(good, proof=os.urandom(64)), dict(good, version=99), dict(good, nonce=b""), None,
                dict(good, epoch=b"e"), ("ok", {}, b""), ("error", {"code": 7, "text": "x" * 90000}, b"")][self.links % 8]


@attacks("lengths")
class Lengths(Parent):
    """Messages of 2^62 bytes, of none, torn, after the handshake and after the session"""

    def speak(self, s):
        if self.links % 2:
            self.rogue.did["raw"] += 1
            s.sendall(b"\0SP\0\0\x31\0\0" + struct.pack(">Q", (1 << 62, 0, 3, 2360329)[self.links // 2 % 4]) + os.urandom(100))
            s.recv(100)
        else:
            super().speak(s)

    def ask_changes(self, link, c):
        wild = [struct.pack(">Q", 1 << 62), struct.pack(">QII", 60, 0x80000001, 1 << 31) + b"x" * 52, os.urandom(3000), b"\0" * 3000]
        link.say(wild[self.links // 2 % 4])
        self.rogue.did["wild"] += 1


@attacks("mute")
class Mute(Parent):
    """TLS and then not a word; or a word a second"""

    must = "held"

    def speak(self, s):
        self.rogue.did["held"] += 1
        data = b"\0SP\0\0\x31\0\0" if self.links % 2 else b""
        for byte in data:
            s.sendall(bytes([byte]))
        s.recv(1000)
        s.recv(1000)


if __name__ == "__main__":
    main()
