"""Attachments: taken whole and durable or not at all, given out as they came."""
import hashlib
import http.client
import json
import os
import socket
import threading
import unittest

from test_records import statement
from tree import CHAIN, PATIENCE, XAPI, Tree

EN = {"Accept-Language": "en"}


def attachment(data, algorithm="sha256", **more):
    return {
        "usageType": "https://xuexi.example.cn/photo",
        "display": {"zh-CN": "照片"},
        "contentType": "image/jpeg",
        "length": len(data),
        "sha2": hashlib.new(algorithm, data).hexdigest(),
        **more,
    }


def part(data, **fields):
    digest = fields.pop("digest", hashlib.sha256(data).hexdigest())
    lines = {"Content-Type": "image/jpeg", "Content-Transfer-Encoding": "binary", "X-Experience-API-Hash": digest}
    lines.update({k.replace("_", "-"): v for k, v in fields.items()})
    return "".join(f"{k}: {v}\r\n" for k, v in lines.items() if v is not None).encode() + b"\r\n" + data


def body(statements, *parts, boundary=b"b5"):
    first = b"Content-Type: application/json\r\n\r\n" + json.dumps(statements, ensure_ascii=False).encode()
    return b"".join(b"--" + boundary + b"\r\n" + p + b"\r\n" for p in (first, *parts)) + b"--" + boundary + b"--\r\n"


def send(node, content, method="POST", path="/xapi/statements", timeout=PATIENCE, **headers):
    kind = {"Content-Type": "multipart/mixed; boundary=b5"}
    return node.http(method, path, content, {**XAPI, **kind, **EN, **headers}, timeout=timeout)


def get(node, query):
    return node.admin("GET", "/xapi/statements?" + query, headers=XAPI)


def parts_of(answer):
    """{} of digest and bytes, and the JSON before them."""
    kind = answer.headers["Content-Type"]
    assert kind.startswith("multipart/mixed; boundary="), kind
    boundary = b"--" + kind.split("=", 1)[1].encode()
    pieces = (b"\r\n" + answer.body).split(b"\r\n" + boundary)
    assert pieces[0] == b"" and pieces[-1] == b"--\r\n", pieces
    first, out = None, {}
    for piece in pieces[1:-1]:
        head, data = piece[2:].split(b"\r\n\r\n", 1)
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        if first is None:
            assert fields == {"Content-Type": "application/json"}, fields
            first = json.loads(data)
            continue
        assert fields["Content-Transfer-Encoding"] == "binary"
        assert fields["X-Experience-API-Hash"] not in out, "twice"
        out[fields["X-Experience-API-Hash"]] = data
    return first, out


def files(node):
    found = []
    for folder, _, names in os.walk(os.path.join(node.dir, "attachments")):
        found += [os.path.join(folder, name) for name in names]
    return found


class Attachments(unittest.TestCase):
    @staticmethod
    def none_stays(node, but=0):
        """They go once an answer is out: who asks again sees it in the end."""
        while len(files(node)) != but:
            send(node, b"")

    def test_come_back_as_they_came(self):
        """Of every digest, in a SubStatement too, alone, in a page and in the pages
        behind it; each once; and over a restart."""
        photo, text = os.urandom(70000) + b"\r\n--b5x\r\n", b""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            one = statement(1, attachments=[attachment(photo, "sha512")])
            two = statement(2, attachments=[attachment(photo, "sha512"), attachment(text, "sha224")])
            two["object"] = {
                "objectType": "SubStatement",
                **{k: two[k] for k in ("actor", "verb", "object")},
                "attachments": [attachment(b"sub", "sha384")],
            }
            said = {
                attachment(photo, "sha512")["sha2"]: photo,
                attachment(text, "sha224")["sha2"]: text,
                attachment(b"sub", "sha384")["sha2"]: b"sub",
            }
            sent = body([one, two], *(part(data, digest=digest.upper()) for digest, data in said.items()))
            sent = sent.replace(b"--b5x", b"--a5x")  # no boundary may be in a part
            photo2 = photo.replace(b"--b5x", b"--a5x")
            self.assertNotEqual(send(node, sent).status, 200)  # the digest is another's now
            said = {attachment(photo2, "sha512")["sha2"]: photo2, **{k: v for k, v in said.items() if v is not photo}}
            for s in (one, two):
                s["attachments"][0] = attachment(photo2, "sha512")
            sent = body([one, two], *(part(data, digest=digest.upper()) for digest, data in said.items()))
            answer = send(node, sent)
            self.assertEqual((answer.status, answer.body), (200, json.dumps([one["id"], two["id"]], separators=(",", ":")).encode()))
            self.assertEqual(len(files(node)), 3)
            for _ in range(2):
                first, parts = parts_of(get(node, f"statementId={two['id']}&attachments=true"))
                self.assertEqual(first["id"], two["id"])
                self.assertEqual(parts, said)
                first, parts = parts_of(get(node, "attachments=true&ascending=true"))
                self.assertEqual([s["id"] for s in first["statements"]], [one["id"], two["id"]])
                self.assertEqual(parts, said)
                first, parts = parts_of(get(node, "attachments=true&ascending=true&limit=1"))
                self.assertEqual(list(parts.values()), [photo2])
                first, parts = parts_of(get(node, first["more"].split("?", 1)[1]))
                self.assertEqual(parts, said)
                plain = get(node, f"statementId={two['id']}&attachments=false")
                self.assertEqual(plain.headers["Content-Type"], "application/json")
                self.assertEqual(plain.json()["attachments"], two["attachments"])
                node.kill9()
                node.start()
            # what was given out may be handed in again, with its attachments or without
            first, parts = parts_of(get(node, f"statementId={two['id']}&attachments=true"))
            again = body(first, *(part(data, digest=digest) for digest, data in parts.items()))
            self.assertEqual(send(node, again).status, 200)
            self.assertEqual(node.http("POST", "/xapi/statements", json.dumps(first).encode(), XAPI).status, 200)
            # and PUT takes one with what belongs to it
            put = statement(3, attachments=[attachment(b"put")])
            path = "/xapi/statements?statementId=" + put["id"]
            self.assertEqual(send(node, body(put, part(b"put")), "PUT", path).status, 204)

    def test_parts_whose_type_a_client_does_not_say(self):
        """@xapi/xapi in Node.js calls its parts application/octet-stream."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            one = statement(1, attachments=[attachment(b"picture")])
            said = body([one], part(b"picture"))
            for kind, status in ("application/octet-stream", 200), ("text/plain", 400):
                self.assertEqual(send(node, said, **{"Content-Type": kind}).status, status)
            for bad in b"", b"--", b"--" + b"x" * 200 + b"\r\n", b'--a"b\r\n', b"--x\r", b"PK\r\n":
                self.assertEqual(send(node, bad, **{"Content-Type": "application/octet-stream"}).status, 400)
            self.assertEqual(len(node.records()), 1)

    def test_refused_is_as_if_it_had_not_been(self):
        """What does not fit is refused with the place that is wrong, and no file
        stays."""
        data = b"photo"
        named = statement(1, attachments=[attachment(data)])
        linked = statement(2, attachments=[attachment(data, fileUrl="https://f.cn/1")])
        rows = [
            (body(named), "attachments[0]: its bytes did not come"),
            (body(statement(1), part(data)), "part 2: no statement names it"),
            (body(named, part(data), part(b"more")), "part 3: no statement names it"),
            (body(named, part(data, digest=attachment(b"x")["sha2"])), "part 2: its bytes are not those"),
            (body(named, part(data, digest="00")), "part 2: X-Experience-API-Hash must be"),
            (body(named, part(data, X_Experience_API_Hash=None)), "part 2: X-Experience-API-Hash must be"),
            (body(named, part(data, Content_Transfer_Encoding="base64")), "part 2: Content-Transfer-Encoding"),
            (body(named, part(data))[:-9], "the boundary that ends the body is missing"),
            (body(named, part(data)).replace(b"application/json", b"text/plain"), "the first part must be"),
            (b"{}", "the boundary that Content-Type names is not in the body"),
            (body({"actor": 1}, part(data)), "actor: must be"),
        ]
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            for content, why in rows:
                answer = send(node, content)
                self.assertEqual(answer.status, 400, answer.body)
                self.assertIn(why, answer.json()["message"])
                self.none_stays(node)
            for kind in ("multipart/form-data; boundary=b5", "multipart/mixed"):
                answer = send(node, body(named, part(data)), **{"Content-Type": kind})
                self.assertEqual(answer.status, 400)
                self.assertIn("multipart/mixed", answer.json()["message"])
            answer = node.http("POST", "/xapi/statements", json.dumps(named).encode(), {**XAPI, **EN})
            self.assertEqual(answer.status, 400)
            self.assertIn(f"statement {named['id']}: attachments[0]: its bytes did not come", answer.json()["message"])
            self.assertEqual(node.records(), [])
            # somewhere else is good enough; what is here for another is brought again
            self.assertEqual(node.http("POST", "/xapi/statements", json.dumps(linked).encode(), XAPI).status, 200)
            _, parts = parts_of(get(node, f"statementId={linked['id']}&attachments=true"))
            self.assertEqual(parts, {})
            self.assertEqual(send(node, body(linked, part(data))).status, 200)
            self.assertEqual(node.http("POST", "/xapi/statements", json.dumps(named).encode(), XAPI).status, 400)
            self.assertEqual(send(node, body(named, part(data))).status, 200)
            # a conflict leaves what others have
            other = dict(named, verb={"id": "http://v/2"})
            self.assertEqual(send(node, body(other, part(data))).status, 409)
            _, parts = parts_of(get(node, f"statementId={named['id']}&attachments=true"))
            self.assertEqual(list(parts.values()), [data])
            new = dict(other, attachments=[attachment(b"new")])
            self.assertEqual(send(node, body(new, part(b"new"))).status, 409)
            self.none_stays(node, 1)

    def test_limits(self):
        limits = {"attachment": "64KiB", "attachments": "200KiB", "attachments_hour": "1MiB"}
        with Tree(CHAIN[:1], config={"records": limits}) as t:
            node = t["33"]
            large = os.urandom(64 * 1024 + 1)
            answer = send(node, body(statement(1, attachments=[attachment(large)]), part(large)))
            self.assertEqual(answer.status, 413)
            self.assertIn("64.0 KiB", answer.json()["message"])
            some = [os.urandom(60000) for _ in range(4)]
            answer = send(node, body(statement(1, attachments=[attachment(d) for d in some]), *map(part, some)))
            self.assertEqual(answer.status, 413)
            many = [str(i).encode() for i in range(501)]
            answer = send(node, body(statement(1, attachments=[attachment(d) for d in many]), *map(part, many)))
            self.assertEqual(answer.status, 413)
            self.assertIn("more than 500 attachments", answer.json()["message"])
            self.none_stays(node)
            taken = 0
            while taken < 100:
                data = os.urandom(60000)
                answer = send(node, body(statement(taken, attachments=[attachment(data)]), part(data)))
                if answer.status != 200:
                    break
                taken += 1
            self.assertEqual(answer.status, 429)
            self.assertGreater(int(answer.headers["Retry-After"]), 0)
            self.assertIn("attachments", answer.json()["message"])
            self.assertIn(taken, (17, 18))
            self.none_stays(node, taken)
            # records do not wait for that
            self.assertEqual(node.http("POST", "/xapi/statements", json.dumps(statement(1)).encode(), XAPI).status, 200)

    def test_broken_off(self):
        """A terminal that goes away, and a node that is killed, in the middle of a
        part leave nothing."""
        data = os.urandom(200000)
        content = body(statement(1, attachments=[attachment(data)]), part(data))
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            for kill in (False, True):
                s = socket.create_connection(("127.0.0.1", node.http_port))
                s.sendall(
                    b"POST /xapi/statements HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Experience-API-Version: 1.0.3\r\n"
                    b"Content-Type: multipart/mixed; boundary=b5\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(content) + content[:150000]
                )
                while not files(node):  # it has come so far
                    send(node, b"")
                if kill:
                    node.kill9()
                s.close()
                if kill:
                    node.start()
                self.none_stays(node)
            self.assertEqual(node.records(), [])
            self.assertEqual(send(node, content).status, 200)

    def test_killed_again_and_again(self):
        """Terminals hand in while the node is killed: what was acknowledged is there
        with its attachment, and of the rest no file stays over a start."""
        with Tree(CHAIN[:1]) as t:
            node, acknowledged = t["33"], {}
            for round_ in range(4):
                stop = threading.Event()
                threads = [threading.Thread(target=self.hand_in, args=(node, stop, acknowledged)) for _ in range(4)]
                before = len(acknowledged)
                for thread in threads:
                    thread.start()
                while len(acknowledged) < before + 10:
                    node.admin("GET", "/healthz")
                node.kill9()
                stop.set()
                for thread in threads:
                    thread.join()
                node.start()
            # two are here, and one that nobody names goes
            stray = os.path.join(node.dir, "attachments", "00", "0" * 62)
            os.makedirs(os.path.dirname(stray), exist_ok=True)
            with open(stray, "wb") as f:
                f.write(b"x")
            node.stop()
            node.start()
            self.assertFalse(os.path.exists(stray))
            for id_, data in acknowledged.items():
                first, parts = parts_of(get(node, f"statementId={id_}&attachments=true"))
                self.assertEqual((first["id"], list(parts.values())), (id_, [data]))
            digests = {hashlib.sha256(r).hexdigest() for r in acknowledged.values()}
            names = {"".join(f.split(os.sep)[-2:]) for f in files(node)}
            self.assertLessEqual(digests, names)
            # what is beyond was taken, and only the answer was lost
            self.assertEqual(len(names), len(node.records()))

    @staticmethod
    def hand_in(node, stop, acknowledged):
        while not stop.is_set():
            data = os.urandom(3000)
            s = statement(1, attachments=[attachment(data)])
            try:
                if send(node, body(s, part(data)), timeout=20).status == 200:
                    acknowledged[s["id"]] = data
            except (OSError, http.client.HTTPException):
                pass

    def test_a_disk_without_room(self):
        """Attachments are refused while the reserve is not free; records go on."""
        with Tree(CHAIN[:1], config={"storage": {"reserve": "1000TiB"}}) as t:
            node, data = t["33"], b"photo"
            one = statement(1, attachments=[attachment(data)])
            answer = send(node, body(one, part(data)))
            self.assertEqual(answer.status, 507)
            self.assertIn("attachments cannot be kept", answer.json()["message"])
            self.none_stays(node)
            linked = statement(2, attachments=[attachment(data, fileUrl="https://f.cn/1")])
            self.assertEqual(node.http("POST", "/xapi/statements", json.dumps(linked).encode(), XAPI).status, 200)

    def test_a_lost_file_is_told(self):
        """A file that rots or goes is found behind a start, told, never given out,
        and here again once somebody brings it again."""
        data, other = b"photo" * 1000, b"other"
        one = statement(1, attachments=[attachment(data), attachment(other)])
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            self.assertEqual(send(node, body(one, part(data), part(other))).status, 200)
            node.stop()
            for path in files(node):
                if os.path.getsize(path) == len(other):
                    os.unlink(path)
                else:
                    with open(path, "r+b") as f:
                        f.seek(1234)
                        f.write(b"!")
            node.start()
            node.wait("both to be missed", lambda: len(self.lost(node)) == 2)
            self.assertEqual({r["result"] for r in self.lost(node)}, {"DAMAGED", "UNKNOWN"})
            answer = get(node, f"statementId={one['id']}&attachments=true")
            self.assertEqual(parts_of(answer)[1], {})
            self.assertEqual(len(answer.headers["X-Guantong-Attachments-Missing"].split(", ")), 2)
            self.assertEqual(send(node, body(one, part(data), part(other))).status, 200)
            self.assertEqual(sorted(parts_of(get(node, f"statementId={one['id']}&attachments=true"))[1].values()), sorted([data, other]))

    @staticmethod
    def lost(node):
        return [r for r in node.audit(event="damage") if r["kind"] == "attachment"]


if __name__ == "__main__":
    unittest.main()
