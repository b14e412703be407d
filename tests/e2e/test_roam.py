"""A learner who moves to another place's terminal finds his bookmark: documents that
courses keep, over real daemons."""
import base64
import json
import tempfile
import unittest
import urllib.parse

from tree import XAPI, Node, Tree

LEARNER = {"account": {"homePage": "https://xuexi.example.cn", "name": "1001"}}
LESSON = "https://xuexi.example.cn/33/first-lesson"
STATE = "/xapi/activities/state"
MEMBERS = """
nodes:
  - {code: "33", level: province, name: 浙江省}
  - {code: "3301", level: city, name: 杭州市}
  - {code: "330102", level: county, name: 上城区}
  - {code: "330106", level: county, name: 西湖区}
  - {code: "3302", level: city, name: 宁波市}
"""
PARENTS = {"33": None, "3301": "33", "330102": "3301", "330106": "3301", "3302": "33"}


def at(state=None, **more):
    more.update(activityId=LESSON, agent=json.dumps(LEARNER))
    if state:
        more["stateId"] = state
    return STATE + "?" + urllib.parse.urlencode(more)


class Fork(Tree):
    def grow(self, codes, config):
        for code in codes:
            parent = PARENTS[code] and self.nodes[PARENTS[code]]
            self.nodes[code] = Node(self, code, parent, config=config)


class Roam(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as f:
            f.write(MEMBERS)
        Fork.members = f.name
        cls.tree = Fork(list(PARENTS))
        cls.tree.__enter__()
        cls.who = {}
        for node in cls.tree:
            made = node.cli_json("credential", "add", "kiosk")
            secret = f"kiosk:{made['secret']}".encode()
            cls.who[node.code] = {"Authorization": "Basic " + base64.b64encode(secret).decode()}

    @classmethod
    def tearDownClass(cls):
        cls.tree.__exit__(None, None, None)

    def ask(self, code, method, path, body=None, **headers):
        all_ = dict(XAPI, **self.who[code])
        all_.update({k.replace("_", "-"): v for k, v in headers.items()})
        return self.tree[code].http(method, path, body, all_)

    def put(self, code, state, body, **headers):
        answer = self.ask(code, "PUT", at(state), json.dumps(body).encode(), **headers)
        self.assertEqual(answer.status, 204, answer.body)
        return answer.headers["ETag"]

    def get(self, code, state):
        answer = self.ask(code, "GET", at(state))
        return answer.json() if answer.status == 200 else None

    def told(self, *codes):
        """All that was put there is known above."""
        for code in codes:
            node = self.tree[code]
            node.wait("documents to go up", lambda n=node: n.metrics()["guantong_documents_waiting"] == 0)

    def test_his_bookmark(self):
        etag = self.put("330106", "bookmark", {"page": 7})
        self.told("330106", "3301")
        # at the next village, and in another city
        for code in "330102", "3302":
            answer = self.ask(code, "GET", at("bookmark"))
            self.assertEqual((answer.status, answer.json()), (200, {"page": 7}))
            self.assertEqual(answer.headers["ETag"], etag)
        # he goes on there: by what he was given, as a course does it
        self.put("3302", "bookmark", {"page": 8}, If_Match=etag)
        self.told("3302")
        self.tree["330106"].wait("page 8", lambda: self.get("330106", "bookmark") == {"page": 8})
        self.assertEqual(self.ask("330106", "PUT", at("bookmark"), b"{}", If_Match=etag).status, 412)
        # what is merged is merged with what is above
        self.assertEqual(self.ask("330106", "POST", at("bookmark"), b'{"note":1}').status, 204)
        self.told("330106", "3301")
        self.tree["330102"].wait("the note", lambda: self.get("330102", "bookmark") == {"page": 8, "note": 1})
        # lists too, and what is deleted is deleted
        self.put("330102", "other", 1)
        self.told("330102", "3301")
        self.tree["3302"].wait("both", lambda: self.ask("3302", "GET", at()).json() == ["bookmark", "other"])
        self.assertEqual(self.ask("330102", "DELETE", at()).status, 204)
        self.told("330102", "3301")
        self.tree["3302"].wait("nothing", lambda: self.ask("3302", "GET", at()).json() == [])

    def test_merged_where_he_never_was(self):
        self.put("330106", "merged", {"a": 1})
        self.told("330106", "3301")
        self.assertEqual(self.ask("3302", "POST", at("merged"), b'{"b":2}').status, 204)
        self.assertEqual(self.get("3302", "merged"), {"a": 1, "b": 2})

    def test_without_a_link(self):
        self.put("330106", "away", {"page": 1})
        self.told("330106", "3301")
        self.assertEqual(self.get("330102", "away"), {"page": 1})
        lost = {n.code: n.metrics()["guantong_documents_lost_total"] for n in self.tree}
        city = self.tree["3301"]
        city.stop()
        # both go on, and neither knows of the other
        self.assertEqual(self.get("330106", "away"), {"page": 1})
        self.put("330106", "away", {"page": 2})
        self.put("330102", "away", {"page": 3})
        city.start()
        for code in "330106", "330102", "3301":
            self.tree[code].wait_connected()
        self.told("330106", "330102", "3301")
        # one counts, the same for all
        last = self.get("33", "away")
        self.assertIn(last, [{"page": 2}, {"page": 3}])
        for code in "330106", "330102", "3301", "3302":
            self.tree[code].wait("the same", lambda c=code: self.get(c, "away") == last)
        # the other is kept, once, where they met
        self.assertEqual(city.metrics()["guantong_documents_lost_total"], lost["3301"] + 1)
        kept = [r for r in city.cli_json("documents", "ls")["conflicts"] if r["id"] == "away"]
        self.assertEqual(len(kept), 1)
        number = str(kept[0]["lid"])
        self.assertNotIn("1001", json.dumps(kept))
        said = city.cli("documents", "show", number, "--lang", "en")
        other = {"page": 5 - last["page"]}
        self.assertIn(json.dumps(other), said)
        self.assertIn("xuexi.example.cn 1001", said)
        self.assertIn("lost against another version", city.cli("status", "--lang", "en"))
        # the operator lets it count after all
        self.assertIn("counts again", city.cli("documents", "restore", number, "--lang", "en"))
        self.assertEqual(self.get("3301", "away"), other)
        for code in "330106", "330102", "3302":
            self.tree[code].wait("the other", lambda c=code: self.get(c, "away") == other)
        self.assertEqual(city.admin("GET", "/admin/documents/" + number).status, 404)
        self.assertEqual(city.metrics()["guantong_documents_conflicts"], 0)


if __name__ == "__main__":
    unittest.main()
