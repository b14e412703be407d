"""What terminals may expect of /xapi beyond the records' way up (proto/XAPI.md)."""
import gzip
import json
import threading
import time
import unittest
import urllib.parse
import uuid

from tree import CHAIN, XAPI, Tree


def statement(n, verb="completed"):
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": f"mailto:learner{n}@example.cn"},
        "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}"},
        "object": {"id": f"https://xuexi.example.cn/lesson/{n}"},
    }


def post(node, body, **headers):
    return node.http("POST", "/xapi/statements", json.dumps(body).encode(), {**XAPI, **headers})


def through(answer):
    return answer.headers["X-Experience-API-Consistent-Through"]


def seconds(stamp):
    """Of a time without the mark of its era, which stands in the last three digits."""
    from datetime import datetime, timezone
    return datetime.strptime(stamp[:23], "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=timezone.utc).timestamp()


class Xapi(unittest.TestCase):
    def test_consistent_through_goes_on_at_rest(self):
        """Within a second of now, in answers and in refusals, where nothing happens."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            for path, status in (("/xapi/about", 200), ("/xapi/statements", 401), ("/xapi/nothing", 404)):
                def recent():
                    asked = time.time()
                    got = node.http("GET", path, headers=XAPI)
                    self.assertEqual(got.status, status)
                    return seconds(through(got)) >= asked - 1
                node.wait(f"a moment that is not a second old in {path}", recent)

    def test_who_reads_on_while_a_child_hands_up_misses_nothing(self):
        """Whatever is not told yet is stored behind the moment that was told."""
        with Tree(CHAIN[:2]) as t:
            root, child = t["33"], t["3301"]
            sent = [statement(n) for n in range(300)]
            hand_in = threading.Thread(target=lambda: [post(child, s) for s in sent])
            hand_in.start()
            since, ids = None, []
            while len(ids) < len(sent):
                query = {"ascending": "true", "limit": "500", **({"since": since} if since else {})}
                path, since = "/xapi/statements?" + urllib.parse.urlencode(query), None
                while path:
                    got = root.admin("GET", path, headers=XAPI)
                    self.assertEqual(got.status, 200)
                    since = since or through(got)
                    page = got.json()
                    new = [s["id"] for s in page["statements"] if s["id"] not in ids]
                    ids += new
                    path = page["more"]
                if not hand_in.is_alive() and not new:
                    root.wait("what is on its way", lambda: len(root.records()) == len(sent))
            hand_in.join()
            self.assertEqual(sorted(ids), sorted(s["id"] for s in sent))

    def test_more_goes_on_across_a_restart(self):
        """All that was asked, each once, whatever came in between."""
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            first = [statement(n, "completed" if n % 2 else "attempted") for n in range(60)]
            self.assertEqual(post(node, first).status, 200)
            path = "/xapi/statements?" + urllib.parse.urlencode(
                {"verb": "http://adlnet.gov/expapi/verbs/completed", "limit": "7", "format": "ids"})
            told = []
            while path:
                got = node.admin("GET", path, headers=XAPI).json()
                told += [s["id"] for s in got["statements"]]
                path = got["more"]
                if len(told) == 14:
                    self.assertEqual(post(node, statement(99)).status, 200)
                    node.kill9()
                    node.start()
            self.assertEqual(told, [s["id"] for s in reversed(first) if s["verb"]["id"].endswith("completed")])

    def test_gzip_and_requests_in_forms(self):
        with Tree(CHAIN[:1]) as t:
            node, s = t["33"], statement(1)
            got = node.http("POST", "/xapi/statements", gzip.compress(json.dumps(s).encode()),
                            {**XAPI, "Content-Encoding": "gzip"})
            self.assertEqual((got.status, got.json()), (200, [s["id"]]))
            bomb = node.http("POST", "/xapi/statements", gzip.compress(b" " * (4 << 20)),
                             {**XAPI, "Content-Encoding": "gzip"})
            self.assertEqual(bomb.status, 413)
            s = statement(2)
            form = urllib.parse.urlencode({"statementId": s["id"], "content": json.dumps(s),
                                           "X-Experience-API-Version": "1.0.3"})
            put = node.http("POST", "/xapi/statements?method=PUT", form.encode(),
                            {"Content-Type": "application/x-www-form-urlencoded"})
            self.assertEqual(put.status, 204)
            get = node.admin("POST", "/xapi/statements?method=GET", b"limit=1&X-Experience-API-Version=1.0.3",
                             headers={"Content-Type": "application/x-www-form-urlencoded"})
            self.assertEqual([one["id"] for one in get.json()["statements"]], [s["id"]])
            self.assertEqual(get.headers["X-Experience-API-Version"], "1.0.3")


if __name__ == "__main__":
    unittest.main()
