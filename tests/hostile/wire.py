"""What two nodes say to each other, in Python: proto/guantong.proto read as it is,
the framing and the session of proto/PROTOCOL.md. Nothing here is polite: whatever
is given is said."""
import ctypes
import ctypes.util
import hashlib
import os
import re
import socket
import ssl
import struct

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# ------------------------------------------------------------------- protobuf


def read_proto(path):
    """({message: {field: (number, type, repeated)}}, {enum: {name: number}})"""
    with open(path) as f:
        words = re.findall(r'"[^"]*"|\w+|[{}=;]', re.sub(r"//[^\n]*", "", f.read()))
    messages, enums = {}, {}

    def block(i, name):
        fields = messages.setdefault(name, {})
        while words[i] != "}":
            if words[i] == "message":
                i = block(i + 3, words[i + 1])
            elif words[i] == "oneof":
                i += 3
                while words[i] != "}":
                    fields[words[i + 1]] = (int(words[i + 3]), words[i], False)
                    i += 5
                i += 1
            else:
                many = words[i] == "repeated"
                i += many
                fields[words[i + 1]] = (int(words[i + 3]), words[i], many)
                i += 5
        return i + 1

    i = 0
    while i < len(words):
        if words[i] == "message":
            i = block(i + 3, words[i + 1])
        elif words[i] == "enum":
            j = words.index("}", i)
            enums[words[i + 1]] = {words[k]: int(words[k + 2]) for k in range(i + 3, j, 4)}
            i = j + 1
        else:
            i = words.index(";", i) + 1
    return messages, enums


MESSAGES, ENUMS = read_proto(os.path.join(ROOT, "proto/guantong.proto"))


def varint(v):
    v &= (1 << 64) - 1
    out = bytearray()
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    out.append(v)
    return bytes(out)


def encode(name, value):
    """A message from a dict; bytes are taken as they are, whatever they should be."""
    if isinstance(value, bytes):
        return value
    out = b""
    for key, given in value.items():
        number, kind, many = MESSAGES[name][key]
        for v in given if many else [given]:
            if kind in MESSAGES:
                v = encode(kind, v)
            elif isinstance(v, str) and kind in ENUMS:
                v = ENUMS[kind][v]
            if isinstance(v, str):
                v = v.encode()
            if isinstance(v, bytes):
                out += varint(number << 3 | 2) + varint(len(v)) + v
            else:
                out += varint(number << 3) + varint(int(v))
    return out


def decode(name, data):
    """The dict of a message; repeated fields are lists."""
    numbers = {n: (key, kind, many) for key, (n, kind, many) in MESSAGES[name].items()}
    found = {key: [] for key, (_, _, many) in MESSAGES[name].items() if many}
    i = 0

    def number():
        nonlocal i
        v = shift = 0
        while True:
            v |= (data[i] & 127) << shift
            shift += 7
            i += 1
            if data[i - 1] < 128:
                return v

    while i < len(data):
        tag = number()
        if tag & 7 == 0:
            v = number()
        elif tag & 7 == 2:
            n = number()
            v, i = data[i : i + n], i + n
        else:
            raise ValueError(f"wire type {tag & 7}")
        if tag >> 3 not in numbers:
            continue
        key, kind, many = numbers[tag >> 3]
        if kind in MESSAGES:
            v = decode(kind, v)
        elif kind == "string":
            v = v.decode()
        if many:
            found[key].append(v)
        else:
            found[key] = v
    return found


# ------------------------------------------------------------------ signatures

CRYPTO = ctypes.CDLL(ctypes.util.find_library("crypto"))
for f in ("EVP_PKEY_new_raw_private_key", "EVP_MD_CTX_new"):
    getattr(CRYPTO, f).restype = ctypes.c_void_p
ED25519 = 1087  # NID


def with_key(seed, work):
    key = ctypes.c_void_p(CRYPTO.EVP_PKEY_new_raw_private_key(ED25519, None, seed, ctypes.c_size_t(32)))
    try:
        return work(key)
    finally:
        CRYPTO.EVP_PKEY_free(key)


def public_of(seed):
    def work(key):
        out, n = ctypes.create_string_buffer(32), ctypes.c_size_t(32)
        assert CRYPTO.EVP_PKEY_get_raw_public_key(key, out, ctypes.byref(n)) == 1
        return out.raw

    return with_key(seed, work)


def sign(seed, text):
    def work(key):
        out, n = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
        c = ctypes.c_void_p(CRYPTO.EVP_MD_CTX_new())
        assert CRYPTO.EVP_DigestSignInit(c, None, None, None, key) == 1
        assert CRYPTO.EVP_DigestSign(c, out, ctypes.byref(n), text, ctypes.c_size_t(len(text))) == 1
        CRYPTO.EVP_MD_CTX_free(c)
        return out.raw

    return with_key(seed, work)


def seal(seed, kind, body, message=None):
    """An encoded Signed of one body, a dict of the message or bytes."""
    body = encode(message, body) if message else body
    root = hashlib.sha256(bytes([0, ENUMS["Kind"][kind]]) + body).digest()
    s = {"kind": kind, "body": body, "key": public_of(seed), "signature": sign(seed, b"guantong seal v1\n" + root), "count": 1}
    return encode("Signed", s)


# ----------------------------------------------------------------------- links


class Gone(OSError):
    """The other end closed the link."""


class Identity:
    """A node's keys, out of a folder that `guantong pki` or `init` made."""

    def __init__(self, code, folder):
        self.code = code
        self.folder = folder
        with open(os.path.join(folder, "node.key")) as f:
            self.seed = bytes.fromhex(f.read().strip())

    def context(self, server=False):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        c.check_hostname = False
        c.verify_mode = ssl.CERT_NONE
        c.minimum_version = ssl.TLSVersion.TLSv1_3
        c.load_cert_chain(os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem"))
        if server:
            c.num_tickets = 0
            c.verify_mode = ssl.CERT_REQUIRED
            c.load_verify_locations(os.path.join(self.folder, "ca.pem"))
        return c


def request(what, /, **fields):
    return encode("Request", {what: fields})


class Link:
    """Framed messages over a connected socket of either end."""

    def __init__(self, sock, parent=False):
        self.sock = sock
        self.ids = 0
        self.early = {}  # id: an answer that came before its turn
        self.got = b""
        if parent:
            self.say(b"\0SP\0\0\x31\0\0")
        self.take(8)
        if not parent:
            self.say(b"\0SP\0\0\x30\0\0")

    def say(self, data):
        try:
            self.sock.sendall(data)
        except (ssl.SSLError, ConnectionError) as e:
            raise Gone(str(e)) from None

    def take(self, n):
        while len(self.got) < n:
            try:
                more = self.sock.recv(1 << 18)
            except (ssl.SSLError, ConnectionError) as e:
                raise Gone(str(e)) from None
            if not more:
                raise Gone("closed")
            self.got += more
        out, self.got = self.got[:n], self.got[n:]
        return out

    def send(self, head, payload=b"", token=None):
        """One message; the id it was given."""
        if token is None:
            self.ids += 1
            token = 0x80000000 | self.ids
        body = struct.pack(">II", token, len(head)) + head + payload
        self.say(struct.pack(">Q", len(body)) + body)
        return token

    def receive(self):
        """(id, head, payload)"""
        (n,) = struct.unpack(">Q", self.take(8))
        body = self.take(n)
        token, head = struct.unpack(">II", body[:8])
        return token, body[8 : 8 + head], body[8 + head :]

    def ask(self, what, /, **fields):
        """The reply to one request: (kind, fields, payload)."""
        token = self.send(request(what, **fields))
        while token not in self.early:
            t, head, payload = self.receive()
            self.early[t] = (decode("Reply", head), payload)
        reply, payload = self.early.pop(token)
        for key in reply:
            return key, reply[key], payload
        return None, None, payload

    def close(self):
        self.sock.close()


def dial(port, identity, address="127.0.0.1", timeout=30):
    """A link with TLS and SP header, without a session."""
    s = socket.socket()
    s.settimeout(timeout)
    try:
        s.bind((address, 0))
        s.connect(("127.0.0.1", port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Link(identity.context().wrap_socket(s) if identity else s)
    except (ssl.SSLError, ConnectionError) as e:
        s.close()
        raise Gone(str(e)) from None
    except OSError:
        s.close()
        raise


def proof_text(role, child, parent, one, two):
    return f"guantong hello v1\n{role}\n{child}\n{parent}\n".encode() + one + two


def hello(link, identity, parent, /, **more):
    """Says Hello, as a child that has just been made; (kind, reply, nonce)."""
    nonce = more.pop("nonce", None) or os.urandom(32)
    said = {"version_min": 1, "version_max": 3, "code": identity.code, "parent": parent, "epoch": os.urandom(16), "nonce": nonce}
    said.update(more)
    kind, reply, _ = link.ask("hello", **said)
    return kind, reply, nonce


def session(port, identity, parent, /, role="child", address="127.0.0.1", **more):
    """A link in state READY, or Gone with what was refused."""
    link = dial(port, identity, address)
    try:
        kind, reply, nonce = hello(link, identity, parent, **more)
        if kind != "hello":
            raise Gone(f"refused: {reply}")
        link.epoch = reply["epoch"]
        text = proof_text(role, identity.code, reply["code"], nonce, reply["nonce"])
        kind, link.proved, _ = link.ask("prove", proof=sign(identity.seed, text))
        if kind != "prove":
            raise Gone(f"refused: {link.proved}")
    except OSError:
        link.close()
        raise
    return link


def catch_up(link):
    """All changes the parent has for this child: [change]."""
    found, after = [], 0
    while True:
        kind, r, _ = link.ask("changes", epoch=link.epoch, after=after, wait_ms=1)
        if kind != "changes":
            raise Gone(f"refused: {r}")
        if r.get("reconcile"):
            link.epoch, after = r["epoch"], 0
            link.ask("inventory", first=1, last=1)
            continue
        found += r["changes"]
        after = r.get("upto", after)
        if not r.get("more"):
            link.after = after
            return found
