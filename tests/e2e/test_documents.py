"""Documents that courses keep: State, profiles, activities and agents over HTTP."""
import base64
import hashlib
import json
import unittest
import urllib.parse
import uuid

from tree import XAPI, Tree

LEARNER = {"account": {"homePage": "https://xuexi.example.cn", "name": "1001"}}
ACTIVITY = "https://xuexi.example.cn/33/first-lesson"
STATE, AGENT, PROFILE = "/xapi/activities/state", "/xapi/agents/profile", "/xapi/activities/profile"
OLD, NEW = dict(XAPI), dict(XAPI, **{"X-Experience-API-Version": "2.0.0"})


def at(path, agent=LEARNER, activity=ACTIVITY, **args):
    if path != PROFILE:
        args["agent"] = json.dumps(agent)
    if path != AGENT:
        args["activityId"] = activity
    return path + "?" + urllib.parse.urlencode(args)


def etag(body):
    return '"%s"' % hashlib.sha1(body).hexdigest()


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = Tree(["33"])
        cls.tree.__enter__()
        cls.node = cls.tree["33"]
        cls.terminal = cls.credential("school-3")
        cls.reader = cls.credential("report", "--scope", "all/read")

    @classmethod
    def tearDownClass(cls):
        cls.tree.__exit__(None, None, None)

    @classmethod
    def credential(cls, name, *more):
        made = cls.node.cli_json("credential", "add", name, *more)
        secret = f"{name}:{made['secret']}".encode()
        return {"Authorization": "Basic " + base64.b64encode(secret).decode()}

    def ask(self, method, path, body=None, who=None, version=OLD, **headers):
        all_ = dict(version, **(self.terminal if who is None else who))
        all_.update({k.replace("_", "-"): v for k, v in headers.items()})
        return self.node.http(method, path, body, all_)

    def test_state_from_put_to_delete(self):
        where = at(STATE, stateId="bookmark", registration=str(uuid.uuid4()))
        self.assertEqual(self.ask("GET", where).status, 404)
        body = '{"page": 3,  "名": "第三课"}'.encode()
        put = self.ask("PUT", where, body)
        self.assertEqual((put.status, put.headers["ETag"]), (204, etag(body)))
        got = self.ask("GET", where)
        self.assertEqual((got.status, got.body), (200, body))
        self.assertEqual(got.headers["ETag"], etag(body))
        self.assertEqual(got.headers["Content-Type"], "application/json")
        self.assertIn("GMT", got.headers["Last-Modified"])
        self.assertIn("sandbox", got.headers["Content-Security-Policy"])
        self.assertEqual(self.ask("GET", where, If_None_Match=etag(body)).status, 304)
        self.assertEqual(self.ask("POST", where, b'{"page":4}').status, 204)
        self.assertEqual(self.ask("GET", where).json(), {"page": 4, "名": "第三课"})
        # one learner, however he is written
        other = dict(LEARNER, objectType="Agent", name="王")
        again = where.replace(urllib.parse.quote_plus(json.dumps(LEARNER)), urllib.parse.quote_plus(json.dumps(other)))
        self.assertEqual(self.ask("GET", again).json()["page"], 4)
        self.assertEqual(self.ask("DELETE", where).status, 204)
        self.assertEqual(self.ask("GET", where).status, 404)

    def test_bytes_of_any_type(self):
        body = bytes(range(256)) * 40
        where = at(STATE, stateId="blob")
        self.assertEqual(self.ask("PUT", where, body, Content_Type="image/png").status, 204)
        got = self.ask("GET", where)
        self.assertEqual((got.body, got.headers["Content-Type"]), (body, "image/png"))
        self.assertEqual(self.ask("POST", where, b"{}").status, 400)
        large = b"x" * (1 << 20)
        where = at(STATE, stateId="large")
        self.assertEqual(self.ask("PUT", where, large, Content_Type="text/plain").status, 204)
        self.assertEqual(self.ask("GET", where).body, large)
        self.assertEqual(self.ask("PUT", where, large + b"x", Content_Type="text/plain").status, 413)

    def test_ids_since_and_deleting_all(self):
        lesson = f"https://xuexi.example.cn/{uuid.uuid4()}"
        for name in ("b", "a"):
            self.assertEqual(self.ask("PUT", at(STATE, activity=lesson, stateId=name), b"{}").status, 204)
        got = self.ask("GET", at(STATE, activity=lesson))
        self.assertEqual(got.json(), ["a", "b"])
        self.assertEqual(self.ask("GET", at(STATE, activity=lesson, since="2001-01-01T00:00:00Z")).json(), ["a", "b"])
        self.assertEqual(self.ask("GET", at(STATE, activity=lesson, since="2999-01-01T00:00:00Z")).json(), [])
        self.assertEqual(self.ask("DELETE", at(STATE, activity=lesson, since="2001-01-01T00:00:00Z")).status, 400)
        self.assertEqual(self.ask("DELETE", at(STATE, activity=lesson)).status, 204)
        self.assertEqual(self.ask("GET", at(STATE, activity=lesson)).json(), [])

    def test_who_overwrites_says_what(self):
        for path in (AGENT, PROFILE):
            where = at(path, profileId=str(uuid.uuid4()))
            self.assertEqual(self.ask("PUT", where, b"{}").status, 400)
            self.assertEqual(self.ask("PUT", where, b"{}", If_None_Match="*").status, 204)
            self.assertEqual(self.ask("PUT", where, b"1", If_None_Match="*").status, 412)
            refused = self.ask("PUT", where, b"1")
            self.assertEqual(refused.status, 409)
            self.assertIn("If-Match", refused.json()["message"])
            self.assertEqual(self.ask("PUT", where, b"1", If_Match=etag(b"2")).status, 412)
            self.assertEqual(self.ask("PUT", where, b"1", If_Match=etag(b"{}")).status, 204)
            self.assertEqual(self.ask("GET", where).body, b"1")
        where = at(STATE, stateId="guarded")
        self.assertEqual(self.ask("PUT", where, b"{}", version=NEW).status, 204)
        self.assertEqual(self.ask("PUT", where, b"1", version=NEW).status, 409)
        self.assertEqual(self.ask("DELETE", where, version=NEW, If_Match=etag(b"1")).status, 412)
        self.assertEqual(self.ask("PUT", where, b"1").status, 204)  # xAPI 1.0.3 asks nothing of it
        self.assertEqual(self.ask("DELETE", where, version=NEW, If_Match=etag(b"1")).status, 204)

    def test_what_is_wrong_is_named(self):
        rows = [
            ("GET", STATE, "activityId"),
            ("GET", STATE + "?activityId=http://a.cn/", "agent"),
            ("PUT", at(STATE), "stateId"),
            ("GET", at(STATE, stateId="a", registration="1"), "registration"),
            ("GET", at(STATE, since="yesterday"), "since"),
            ("GET", at(STATE, stateId="a", colour="red"), "colour"),
            ("GET", at(STATE, agent={"name": "x"}, stateId="a"), "agent: "),
            ("GET", at(STATE, agent={"mbox": "x@y.cn"}, stateId="a"), "agent: mbox: "),
            ("GET", at(STATE, activity="none", stateId="a"), "IRI"),
            ("DELETE", at(AGENT), "profileId"),
        ]
        for method, path, name in rows:
            got = self.ask(method, path, b"{}" if method == "PUT" else None)
            self.assertEqual(got.status, 400, path)
            self.assertIn(name, got.json()["message"])

    def test_nobody_without_a_name(self):
        where = at(STATE, stateId="mine")
        self.assertEqual(self.ask("PUT", where, b"{}", who={}).status, 401)
        self.assertEqual(self.ask("GET", where, who={}).status, 401)
        self.assertEqual(self.ask("PUT", where, b"{}", who=self.reader).status, 403)
        self.assertEqual(self.ask("PUT", where, b"{}").status, 204)
        self.assertEqual(self.ask("GET", where, who=self.reader).status, 200)

    def test_kept_through_a_kill(self):
        where = at(STATE, stateId="kept")
        self.assertEqual(self.ask("PUT", where, b'{"n":1}').status, 204)
        self.node.kill9()
        self.node.start()
        self.assertEqual(self.ask("GET", where).body, b'{"n":1}')

    def test_activities_and_agents(self):
        lesson = f"https://xuexi.example.cn/{uuid.uuid4()}"
        mbox = f"mailto:{uuid.uuid4()}@example.cn"

        def statement(who, **definition):
            return {
                "actor": {"mbox": mbox, "name": who},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
                "object": {"id": lesson, "definition": definition},
            }

        first = statement("王", name={"zh-CN": "课"}, type="http://a.cn/old")
        second = statement("Wang", name={"en": "Lesson"}, type="http://a.cn/new")
        slashes = json.dumps([second]).replace("/", "\\/").encode()
        self.assertEqual(self.ask("POST", "/xapi/statements", json.dumps(first).encode()).status, 200)
        self.assertEqual(self.ask("POST", "/xapi/statements", slashes).status, 200)
        got = self.ask("GET", "/xapi/activities?" + urllib.parse.urlencode({"activityId": lesson})).json()
        self.assertEqual(got["definition"], {"name": {"zh-CN": "课", "en": "Lesson"}, "type": "http://a.cn/new"})
        agent = json.dumps({"mbox": mbox})
        got = self.ask("GET", "/xapi/agents?" + urllib.parse.urlencode({"agent": agent})).json()
        self.assertEqual((got["objectType"], got["mbox"], sorted(got["name"])), ("Person", [mbox], ["Wang", "王"]))
        unknown = self.ask("GET", "/xapi/activities?activityId=http://a.cn/never").json()
        self.assertEqual(unknown, {"objectType": "Activity", "id": "http://a.cn/never"})
        self.assertEqual(self.ask("GET", "/xapi/activities").status, 400)
        self.assertEqual(self.ask("GET", "/xapi/agents").status, 400)


if __name__ == "__main__":
    unittest.main()
