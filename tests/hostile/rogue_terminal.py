#!/usr/bin/python3
"""A rogue terminal: whatever can be said to a node's HTTP by who reaches its port.

It comes from addresses of its own (127.0.1.x), has no credential, and is bounded:
a few hundred connections, some MiB. CONTEXT: "http", "content", "staff" (ports),
"rid" and "file" (a resource here and a large file in it), "secret" (a word that
only readers may see)."""
import base64
import gzip
import hashlib
import json
import select
import socket
import uuid
from urllib.parse import quote

from attack import attack, main

XAPI = "X-Experience-API-Version: 1.0.3\r\n"
JSON = "Content-Type: application/json\r\n"
HUGE = ["-1", "0", "9223372036854775807", "9223372036854775806", "-9223372036854775808",
        "18446744073709551615", "9007199254740991", "1e308", "1-9223372036854775806",
        "9223372036854775806-9223372036854775807", "2-1", "%00", "x" * 3000]


def connect(rogue, port, address=1):
    """A connection from an address of the rogue's."""
    s = socket.socket()
    s.settimeout(20)
    s.bind((f"127.0.1.{address % 250 + 1}", 0))
    s.connect(("127.0.0.1", port))
    rogue.did["connections"] += 1
    return s


def head(method, target, more="", host="127.0.0.1"):
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{more}".encode()


def read_answer(s):
    """(status, head, body) of one answer; status 0: the connection is over."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            more = s.recv(65536)
            if not more:
                return 0, data, b""
            data += more
        top, body = data.split(b"\r\n\r\n", 1)
        length = 0
        for line in top.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            more = s.recv(65536)
            if not more:
                break
            body += more
        return int(top.split()[1]), top, body
    except OSError:
        return 0, data, b""


def ask(rogue, port, request, address=1):
    """One request over a connection of its own; what comes is no failure of the
    node's own."""
    try:
        with connect(rogue, port, address) as s:
            s.sendall(request)
            status, top, body = read_answer(s)
    except OSError:
        status, top, body = 0, b"", b""
    rogue.did[str(status or "cut")] += 1
    rogue.wants(status != 500, f"500 for {request[:200]!r}: {body[:200]!r}")
    rogue.wants(rogue.secret.encode() not in body, f"a record was read by {request[:200]!r}")
    return status, top, body


def post(rogue, body, more="", address=1):
    top = head("POST", "/xapi/statements", f"{XAPI}{JSON}{more}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
    return ask(rogue, rogue.http, top + body, address)


def statement(**more):
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:rogue@example.cn"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://xuexi.example.cn/rogue"},
        **more,
    }


def get(rogue, port, target, more="", address=1, host="127.0.0.1"):
    return ask(rogue, port, head("GET", target, more + "Connection: close\r\n\r\n", host), address)


# ---------------------------------------------------------------- the numbers


@attack("cursors", quick=True)
def cursors(rogue):
    """Cursors and counts that steer loops: `more=1-9223372036854775806` and the like"""
    places = [
        (rogue.http, "/xapi/statements?more={}"),
        (rogue.http, "/xapi/statements?limit={}"),
        (rogue.http, "/xapi/statements?since={}&until={}"),
        (rogue.http, "/xapi/statements?statementId={}"),
        (rogue.http, "/api/resources?after={}&limit={}"),
        (rogue.http, "/?q={}&type={}"),
        (rogue.staff, "/admin/records?after={}"),
        (rogue.staff, "/admin/audit?from={}&to={}&limit={}"),
        (rogue.staff, "/admin/wait?generation={}&timeout_ms={}"),
    ]
    for i in rogue.rounds(3):
        for port, where in places:
            for value in HUGE:
                if rogue.left() > 0:
                    get(rogue, port, where.replace("{}", value), XAPI, i)


@attack("queries")
def queries(rogue):
    """Query strings of 60 KiB, with broken escapes, NULs, markup, a hundred keys"""
    words = ["a=%", "%zz=%zz", "q=%ff%fe", "q=%00", "q=" + "%F0%9F%98%80" * 500, "=" * 3000,
             "&".join(f"k{i}={i}" for i in range(100)), "q=" + "a" * 60000, "lang=" + "-" * 500,
             "q=<script>alert(1)</script>", "q=' OR 1=1--", "q=" + "%25" * 900, "type=" + "*" * 900, "q=%0d%0aX:y"]
    for i in rogue.rounds(20):
        for w in words:
            for port, path in ((rogue.http, "/"), (rogue.http, "/api/resources"), (rogue.http, "/xapi/statements"),
                               (rogue.content, f"/c/{rogue.rid}/{rogue.file}")):
                if rogue.left() <= 0:
                    return
                _, top, body = get(rogue, port, f"{path}?{w}", XAPI, i)
                rogue.wants(b"<script>alert" not in body, f"markup of the query came back: {w[:60]}")
                rogue.wants(b"\r\nX:y" not in top, "the query wrote a header")


@attack("paths")
def paths(rogue):
    """Paths out of the store, of other listeners, of administration"""
    wild = ["/c/{r}/%2e%2e/%2e%2e/etc/passwd", "/c/{r}/../../guantong.yaml", "/c//", "/c/%00", "/o/" + "0" * 64,
            "/o/" + "f" * 64 + ".tar.zst", "/c/{r}/" + "a/" * 2000, "//etc/passwd", "/c/33%2f..%2f..%2fpki%2fkey.pem",
            "http://evil.example/", "http://[::1]:99999999/", "*", "/" + "%F0" * 500]
    for i in rogue.rounds(10):
        for w in wild:
            for port in (rogue.http, rogue.content):
                _, _, body = get(rogue, port, w.replace("{r}", rogue.rid), "", i)
                for word in (b"root:", b"PRIVATE KEY", b"addresses:"):
                    rogue.wants(word not in body, f"{w} gave out {word}")
        for port in (rogue.http, rogue.content):
            for path in ("/admin/status", "/admin/records", "/admin/members", "/metrics"):
                rogue.wants(get(rogue, port, path, "", i)[0] != 200, f"{path} at port {port}")
        for path in ("/", "/xapi/statements", "/api/resources", "/healthz"):
            rogue.wants(get(rogue, rogue.content, path, XAPI, i)[0] != 200, f"{path} in the packages' origin")


@attack("hosts")
def hosts(rogue):
    """Another site's name in `Host` (DNS rebinding), at all three listeners"""
    for i in rogue.rounds(10):
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "a b", "@", ""):
            for port, path in ((rogue.http, "/"), (rogue.http, "/api/resources"), (rogue.staff, "/metrics"),
                               (rogue.content, f"/c/{rogue.rid}/{rogue.file}")):
                status, _, _ = get(rogue, port, path, "Range: bytes=0-0\r\n", i, host)
                rogue.wants(status in (400, 421, 503, 0), f"{status} for the host {host!r} at {path}")


# ------------------------------------------------------------------ slow, many


def hold(rogue, count, opening, drop):
    """So many connections that are never done: each gets a byte in turn."""
    held, sent = [], 0
    for i in range(count):
        try:
            s = connect(rogue, (rogue.http, rogue.content)[i % 2], i)
            s.sendall(opening)
            held.append(s)
        except OSError:
            rogue.did["refused"] += 1
    while held and rogue.left() > 0:
        for s in held[:]:
            try:
                s.sendall(drop)
                sent += 1
            except OSError:
                rogue.did["ended by the node"] += 1
                s.close()
                held.remove(s)
        # what the node says of it is read, so that no buffer fills
        for s in select.select(held, [], [], min(0.2, max(0, rogue.left())))[0]:
            if not s.recv(4096):
                rogue.did["ended by the node"] += 1
                s.close()
                held.remove(s)
    rogue.did["drops"] = sent
    for s in held:
        s.close()


@attack("drippers", quick=True)
def drippers(rogue):
    """400 connections from 250 addresses whose headers come byte by byte"""
    hold(rogue, 400, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", b"x")


@attack("bodies")
def bodies(rogue):
    """400 bodies of 8 MiB that come byte by byte"""
    opening = head("POST", "/xapi/statements", f"{XAPI}{JSON}Content-Length: 8000000\r\n\r\n") + b"[" + b" " * 60000
    hold(rogue, 400, opening, b" ")


@attack("arguments")
def arguments(rogue):
    """300 requests of 3,000 arguments, which take more memory than one may have"""
    hold(rogue, 300, head("GET", "/?" + "&" * 3000, "\r\n"), b"")


@attack("idlers")
def idlers(rogue):
    """400 connections that ask once and stay"""
    hold(rogue, 400, head("GET", "/healthz", "\r\n"), b"")


@attack("one-address")
def one_address(rogue):
    """300 connections from one address, byte by byte"""
    held = []
    for _ in rogue.rounds(300):
        try:
            s = connect(rogue, rogue.http)
            s.sendall(b"GET /")
            held.append(s)
        except OSError:
            rogue.did["refused"] += 1
    while rogue.left() > 0 and held:
        ready = select.select(held, [], [], max(0, rogue.left()))[0]
        for s in ready:
            try:
                said = s.recv(4096)
            except OSError:
                said = b""
            rogue.did["told 503" if b" 503 " in said else "ended by the node"] += 1
            s.close()
            held.remove(s)


@attack("connects")
def connects(rogue):
    """Connections that are reset at once, thousands"""
    linger = b"\x01\0\0\0\0\0\0\0"
    for i in rogue.rounds(20000):
        try:
            s = connect(rogue, (rogue.http, rogue.content, rogue.staff)[i % 3], i)
            if i % 2:
                s.sendall(rogue.dice.randbytes(40))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            s.close()
        except OSError:
            rogue.did["refused"] += 1


@attack("slow-readers")
def slow_readers(rogue):
    """150 that ask for a whole large file and read nothing"""
    held = []
    for i in rogue.rounds(150):
        try:
            s = connect(rogue, rogue.content, i)
            s.sendall(head("GET", f"/c/{rogue.rid}/{rogue.file}", "\r\n"))
            held.append(s)
        except OSError:
            rogue.did["refused"] += 1
    wait_out(rogue, held)


def wait_out(rogue, held):
    """Until the time is over; what the node closes by then is counted."""
    poll = select.poll()
    for s in held:
        poll.register(s, select.POLLHUP | select.POLLERR)
    gone = set()
    while rogue.left() > 0:
        for fd, _ in poll.poll(max(0, rogue.left()) * 1000):
            gone.add(fd)
            poll.unregister(fd)
    rogue.did["ended by the node"] = len(gone)
    for s in held:
        s.close()


@attack("pipelines")
def pipelines(rogue):
    """100 requests in one packet, answered all and in order"""
    for i in rogue.rounds(30):
        with connect(rogue, rogue.http, i) as s:
            try:
                s.sendall(b"".join(head("GET", f"/api/resources/33/none-{k}", "\r\n") for k in range(100)))
                data = b""
                while data.count(b"HTTP/1.1 ") < 100 or not data.endswith(b"}"):
                    more = s.recv(1 << 20)
                    if not more:
                        break
                    data += more
            except OSError:
                rogue.did["cut"] += 1
                continue
            if b" 503 " in data[:20]:
                rogue.did["503"] += 1
                continue
            # others may be given the place; what was answered was in order
            rogue.did["answers"] += data.count(b"HTTP/1.1 404")
            rogue.wants(data.count(b"HTTP/1.1 ") == data.count(b"HTTP/1.1 404"), f"not all 404: {data[:300]!r}")


@attack("ranges")
def ranges(rogue):
    """Ranges: 1,000 in one header, overlapping, absurd; single bytes by the hundred"""
    storms = ["bytes=" + ",".join(f"{i}-{i + 9}" for i in range(1000)), "bytes=0-,0-,0-,0-", "bytes=-0", "bytes=9-1",
              "bytes=18446744073709551615-", "bytes=0-18446744073709551615", "bytes=-18446744073709551616",
              "bytes=" + "0-0," * 3000, "lines=0-1", "bytes=a-b"]
    for i in rogue.rounds(200):
        if i < 20:
            for r in storms:
                get(rogue, rogue.content, f"/c/{rogue.rid}/{rogue.file}", f"Range: {r}\r\n", i)
        get(rogue, rogue.content, f"/c/{rogue.rid}/{rogue.file}", f"Range: bytes={i * 1000}-{i * 1000}\r\n", i)


# -------------------------------------------------------------------- records


@attack("flood", quick=True)
def flood(rogue):
    """Statements, 60 KiB at a time, as many as are taken: 200, 429, 503 or 507, never lost"""
    pad = {"extensions": {"https://x.cn/pad": "x" * 2000}}
    for i in rogue.rounds(2000):
        status, _, body = post(rogue, json.dumps([statement(context=pad) for _ in range(25)]).encode(), address=i)
        rogue.wants(status in (200, 429, 503, 507, 0), f"{status}: {body[:200]!r}")
        rogue.did["acknowledged"] += 25 * (status == 200)


@attack("voids", quick=True)
def voids(rogue):
    """Voids without a credential, before and after their target; an `authority` of its own"""
    for _ in rogue.rounds(100):
        target = statement(authority={"mbox": "mailto:minister@example.cn"})
        void = statement(verb={"id": "http://adlnet.gov/expapi/verbs/voided"},
                         object={"objectType": "StatementRef", "id": target["id"]})
        for body in (void, target, void, [statement(), void]):
            status, _, said = post(rogue, json.dumps(body).encode())
            if body is not target:
                rogue.wants(status in (403, 429, 503, 507), f"{status} for a void: {said[:200]!r}")
    victim = {"objectType": "StatementRef", "id": rogue.victim}
    void = statement(verb={"id": "http://adlnet.gov/expapi/verbs/voided"}, object=victim)
    rogue.wants(post(rogue, json.dumps(void).encode())[0] != 200, "somebody's record was voided")


@attack("readers")
def readers(rogue):
    """Everybody's records read without a credential, by every parameter there is"""
    for i in rogue.rounds(20):
        for query in ("", "?limit=1", "?ascending=true", f"?statementId={rogue.victim}", "?format=exact",
                      "?since=1970-01-01T00:00:00Z", "?more=1-2", f"?voidedStatementId={rogue.victim}", "?attachments=true"):
            status, _, _ = get(rogue, rogue.http, "/xapi/statements" + query, XAPI, i)
            rogue.wants(status != 200, f"{status} for {query!r}")


@attack("forms", quick=True)
def forms(rogue):
    """Requests folded into forms: to read, from pages elsewhere, of wild shape, gzip'ed"""
    s = json.dumps(statement())
    mine = f"statementId={json.loads(s)['id']}&content={quote(s)}&X-Experience-API-Version=1.0.3"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n"
    wild = [f"statementId={rogue.victim}", "limit=1", "content=" + "%00" * 90000, "&" * 90000, "=" * 90000, "a=1&" * 90000, "%",
            "content=1&content=2", "method=DELETE", "Authorization=Basic%20eDp5&limit=1", "x" * (2 << 20), mine + "&statementId=x"]

    def fold(method, form, more="", address=1):
        body = form if isinstance(form, bytes) else form.encode()
        top = head("POST", f"/xapi/statements?method={method}", f"{kind}{more}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
        return ask(rogue, rogue.http, top + body, address)

    for i in rogue.rounds(20):
        for w in wild:
            for method in ("GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "", "PUT&method=GET"):
                if rogue.left() > 0:
                    status, _, body = fold(method, w, XAPI, i)
                    rogue.wants(status != 200 and status != 204, f"{status} for {method} {w[:60]!r}: {body[:100]!r}")
        status, _, _ = fold("PUT", mine, "Origin: http://evil.example\r\n", i)
        rogue.wants(status in (401, 429, 503, 0), f"{status} for a page's form from elsewhere")
        status, _, _ = fold("PUT", gzip.compress(b"a" * (64 << 20)), "Content-Encoding: gzip\r\n", i)
        rogue.wants(status in (400, 413, 429, 503, 0), f"{status} for a form that is a bomb")


@attack("guesses")
def guesses(rogue):
    """Passwords guessed, from many addresses"""
    for i in rogue.rounds(300):
        word = base64.b64encode(f"report:{i}".encode()).decode()
        status, _, _ = get(rogue, rogue.http, "/xapi/statements", f"{XAPI}Authorization: Basic {word}\r\n", i // 10)
        rogue.wants(status in (401, 429, 503, 0), f"{status} for a guess")


@attack("tokens")
def tokens(rogue):
    """Bearers, tokens of launches and keys to fetch them guessed, torn, long, out of other places"""
    made = "-".join(["00000"] * 5)
    session = "00000000-0000-4000-8000-000000000000"
    for i in rogue.rounds(60):
        secret = str(uuid.UUID(int=rogue.dice.getrandbits(128)))
        for bearer in ("", made, secret, "report", "x" * 5000, base64.b64encode(b"report:" + made.encode()).decode()):
            status, _, _ = get(rogue, rogue.http, "/xapi/statements", f"{XAPI}Authorization: Bearer {bearer}\r\n", i // 6)
            rogue.wants(status in (400, 401, 403, 413, 414, 429, 431, 503, 0), f"{status} for a bearer")
        for name in (session, "launch:" + session, "../launches", secret):
            word = base64.b64encode(f"{name}:{made}".encode()).decode()
            status, _, _ = get(rogue, rogue.http, "/xapi/statements", f"{XAPI}Authorization: Basic {word}\r\n", i // 6)
            rogue.wants(status in (401, 429, 503, 0), f"{status} for a token")
        for key in ("", session, f"{session}.{made}", "../../credentials.json", f"{secret}.{made}", "%00", "." * 500):
            top = head("POST", "/launch/fetch?k=" + key, "Content-Length: 0\r\nConnection: close\r\n\r\n")
            status, _, body = ask(rogue, rogue.http, top, i // 6)
            rogue.wants(b"auth-token" not in body, "a token was given for a guess")
            rogue.wants(status != 200 or b'"error-code":"2"' in body.replace(b" ", b""), f"{body[:100]!r} for a key")


@attack("bombs", quick=True)
def bombs(rogue):
    """gzip bodies: 32 MiB of blanks, bombs in bombs, torn, with tails, of other codings"""
    blanks = gzip.compress(b"[" + b" " * (32 << 20))
    shapes = [blanks, gzip.compress(blanks), blanks[:1000], gzip.compress(b"[]") + b"x" * 1000, b"\x1f\x8b" + b"\0" * 500,
              gzip.compress(b"") * 2000, rogue.dice.randbytes(50000)]
    rogue.begin()
    for _ in rogue.rounds(10):
        for s in shapes:
            for coding in ("gzip", "deflate", "br", "zstd", "gzip, gzip", "identity", "x" * 300):
                if rogue.left() > 0:
                    status, _, body = post(rogue, s, f"Content-Encoding: {coding}\r\n")
                    rogue.wants(status != 200, f"{status} for a bomb: {body[:100]!r}")


@attack("marks")
def marks(rogue):
    """Byte order marks, UTF-16, NULs, overlong UTF-8 before and in a body"""
    good = json.dumps(statement()).encode()
    shapes = [b"\xef\xbb\xbf" + good, b"\xef\xbb\xbf" * 50 + good, b"\xff\xfe" + good.decode().encode("utf-16-le"),
              b"\xef\xbb\xbf", good.decode().encode("utf-32"), b"\0" + good, good[:-1] + b',"context":{"a\0":1}}',
              good[:-1] + b',"context":{"platform":"\\u0000"}}', good.replace(b"rogue", b"\xc0\xaf"), good[:-1] + b',"x":"\xed\xa0\x80"}']
    for i in rogue.rounds(30):
        for s in shapes:
            status, _, body = post(rogue, s, address=i)
            rogue.wants(status < 500 or status in (503, 507), f"{status} for {s[:20]!r}")
            rogue.wants("\ufeff" not in body.decode(errors="replace"), f"an invisible character in {body[:200]!r}")
            rogue.wants(b"JSON_ALLOW" not in body, f"a library's words: {body[:200]!r}")


@attack("shapes")
def shapes(rogue):
    """Bodies of wild shape: deep, wide, long numbers, keys twice, 501 in a batch"""
    one = json.dumps(statement()).encode()
    wild = [b"[" * 50000, b'{"a":' * 5000, b"[" + b",".join([one] * 501) + b"]", b"[" + b"{}," * 9999 + b"{}]", b"1" * 100000,
            b'{"a":1,"a":2}', b"null", b"[null]", b'"x"', one[:-1] + b',"result":{"score":{"scaled":1e999}}}',
            one[:-1] + b',"result":{"score":{"raw":' + b"9" * 5000 + b"}}}", b'{"' + b"k" * 250000 + b'":1}',
            one[:-1] + b',"context":{"extensions":{' + b",".join(b'"http://x/%d":1' % i for i in range(9000)) + b"}}}"]
    for i in rogue.rounds(20):
        for w in wild:
            status, _, body = post(rogue, w, address=i)
            rogue.wants(status < 500 or status in (503, 507), f"{status} for {w[:40]!r}: {body[:200]!r}")


def parts(*pieces, boundary="B"):
    line = b"--" + boundary.encode() + b"\r\n"
    return b"".join(line + p + b"\r\n" for p in pieces) + b"--" + boundary.encode() + b"--\r\n"


def named(data, digest=None, **more):
    """A statement that names such an attachment, and the part."""
    digest = digest or hashlib.sha256(data).hexdigest()
    s = statement(attachments=[{"usageType": "http://x/u", "display": {"en": "d"}, "contentType": "a/b",
                                "length": len(data), "sha2": digest, **more}])
    top = f"Content-Type: a/b\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {digest}\r\n\r\n"
    return b"Content-Type: application/json\r\n\r\n" + json.dumps(s).encode(), top.encode() + data


@attack("attachments", quick=True)
def attachments(rogue):
    """Parts with other digests, without end, 10,000 of them, heads without end, rogue signatures"""
    kind = "Content-Type: multipart/mixed; boundary=B\r\n"
    first, part = named(b"abc")
    other, _ = named(b"abc", digest=hashlib.sha256(b"other").hexdigest())
    sign = {"usageType": "http://adlnet.gov/expapi/attachments/signature", "contentType": "application/octet-stream"}
    fit = f"{XAPI}{kind}"

    def send(body, address):
        top = head("POST", "/xapi/statements", f"{fit}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
        return ask(rogue, rogue.http, top + body, address)

    wild = [
        parts(other, part), parts(first), parts(first, part, part[:-1] + b"d"), parts(first, part)[:-7], parts(part, first),
        parts(first, *[part.replace(b"abc", b"%d" % i) for i in range(10000)]), parts(first, *[part] * 10000),
        b"--B\r\nX: " + b"y" * 100000 + b"\r\n\r\n", b"--B\r\n" + b"X: y\r\n" * 20000, b"--B\r\n" * 50000, b"--B" * 50000,
        b"\r" * 200000, b"--B\r\n\r\n" + b"\r\n--" * 50000, parts(first[:-1], part), parts(b"\r\n" + b"[" * 50000),
        parts(*named(b"a.b.c", **sign)), parts(*named(b"eyJhbGciOiJub25lIn0.e30.", **sign)),
        parts(*named(b"e30." + b"A" * 900000 + b".AAAA", **sign)), parts(*named(b"." * 100000, **sign)),
    ]
    rogue.begin()
    for i in rogue.rounds(10):
        for w in wild:
            if rogue.left() > 0:
                status, _, body = send(w, i)
                rogue.wants(status != 200, f"{status} for {w[:80]!r}")
                rogue.wants(status in (0, 400, 413, 429, 503, 507), f"{status} for {w[:80]!r}: {body[:200]!r}")


# ------------------------------------------------------------------- the lines


@attack("smuggling")
def smuggling(rogue):
    """Two lengths, chunks of absurd size, chunks without end, folded and endless headers"""
    first = f"POST /xapi/statements HTTP/1.1\r\nHost: 127.0.0.1\r\n{XAPI}{JSON}"
    inner = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    wild = [
        f"{first}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        f"{first}Content-Length: 4\r\nContent-Length: 400\r\n\r\nnull{inner}",
        f"{first}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\nx",
        f"{first}Transfer-Encoding: chunked\r\n\r\n-1\r\nx", f"{first}Content-Length: -1\r\n\r\n",
        f"{first}Content-Length: 99999999999999999999\r\n\r\n", f"{first}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", f"GET / HTTP/1.1\r\n\r\n", "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n", "\r\n" * 5000, "TRACE / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "CONNECT evil.example:80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", f"{first}Expect: 100-continue\r\nContent-Length: 9999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "".join(f"X{i}: {'y' * 100}\r\n" for i in range(2000)) + "\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\n\tc\r\nCookie: " + "z" * 60000 + "\r\n\r\n",
    ]
    for i in rogue.rounds(20):
        for w in wild:
            if rogue.left() <= 0:
                return
            with connect(rogue, rogue.http, i) as s:
                s.settimeout(0.3)  # some are waited for by the node, too
                try:
                    s.sendall(w.encode())
                    said = b""
                    while more := s.recv(65536):
                        said += more
                except OSError:
                    pass
                rogue.did["sent"] += 1
                rogue.wants(b"guantong_" not in said, f"a second request was smuggled in: {w[:120]!r}")


@attack("endless")
def endless(rogue):
    """60 chunked bodies without an end, as fast as they are taken"""
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    opening = head("POST", "/xapi/statements", f"{XAPI}{JSON}Transfer-Encoding: chunked\r\n\r\n")
    for i in rogue.rounds(60):
        try:
            with connect(rogue, rogue.http, i) as s:
                s.sendall(opening)
                for _ in range(1000):  # 64 MiB
                    s.sendall(piece)
                    rogue.did["MiB"] += 1 / 16
                rogue.wants(False, "64 MiB were taken for one body")
        except OSError:
            rogue.did["refused"] += 1
    rogue.did["MiB"] = round(rogue.did["MiB"])


@attack("noise")
def noise(rogue):
    """Bytes drawn at random, and requests with some of their bytes drawn anew"""
    models = [head("GET", "/", "\r\n"), head("GET", f"/c/{rogue.rid}/{rogue.file}", "Range: bytes=0-9\r\n\r\n"),
              head("GET", "/xapi/statements?limit=1", XAPI + "\r\n")]
    for i in rogue.rounds(3000):
        data = bytearray(rogue.dice.choice(models))
        for _ in range(rogue.dice.randrange(1, 6)):
            data[rogue.dice.randrange(len(data))] = rogue.dice.randrange(256)
        with connect(rogue, (rogue.http, rogue.content)[i % 2], i) as s:
            s.settimeout(0.05)  # half of them wait for more
            try:
                s.sendall(bytes(data) if i % 3 else rogue.dice.randbytes(500))
                s.recv(4096)
            except OSError:
                pass


if __name__ == "__main__":
    main()
