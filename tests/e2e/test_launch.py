"""A course is launched (cmi5): a fetch URL that is good once, and a token that opens
what is its learner's in its registration, for a while."""
import base64
import json
import os
import threading
import unittest
import urllib.parse
import uuid

from tree import CHAIN, XAPI, Tree

LEARNER = {"objectType": "Agent", "account": {"homePage": "https://school.example.cn", "name": "1001"}}
OTHER = {"objectType": "Agent", "account": {"homePage": "https://school.example.cn", "name": "1002"}}
AU = "https://courses.example.cn/cmi5/1"


def launch(node, *options, agent=LEARNER, **how):
    return node.cli_json("credential", "launch", "--activity", AU, "--agent", json.dumps(agent), "--url",
                         "https://courses.example.cn/start.html?x=1", *options, **how)


def parts(said):
    """The launch URL's parameters."""
    return {k: v[0] for k, v in urllib.parse.parse_qs(urllib.parse.urlsplit(said["url"]).query).items()}


def fetch(node, url):
    u = urllib.parse.urlsplit(url)
    a = node.http("POST", u.path + "?" + u.query, b"", {})
    return a.status, a.json(), a


def bearer(token):
    return dict(XAPI, Authorization="Basic " + token)


def statement(registration, actor=LEARNER, verb="initialized"):
    return {"id": str(uuid.uuid4()), "actor": actor, "verb": {"id": "http://adlnet.gov/expapi/verbs/" + verb},
            "object": {"id": AU}, "context": {"registration": registration}}


def query(path, **args):
    return path + "?" + urllib.parse.urlencode({k: json.dumps(v) if isinstance(v, dict) else v for k, v in args.items()})


class Launch(unittest.TestCase):
    def test_a_whole_launch(self):
        with Tree(CHAIN[:2]) as t:
            node = t["3301"]
            said = launch(node, "--mastery-score", "0.5", "--move-on", "Passed", "--publisher-id", "https://p.cn/au",
                          "--parameters", "level=3")
            p = parts(said)
            self.assertTrue(said["url"].startswith("https://courses.example.cn/start.html?x=1&endpoint="))
            self.assertEqual(p["endpoint"], f"http://127.0.0.1:{node.http_port}/xapi/")
            self.assertEqual((json.loads(p["actor"]), p["registration"], p["activityId"]),
                             (LEARNER, said["registration"], AU))
            status, got, answer = fetch(node, p["fetch"])
            self.assertEqual(status, 200)
            self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")
            token = got["auth-token"]
            self.assertEqual(base64.b64decode(token).decode().count(":"), 1)
            # what the course has to know
            a = node.http("GET", query("/xapi/activities/state", activityId=AU, agent=LEARNER, stateId="LMS.LaunchData",
                                       registration=p["registration"]), headers=bearer(token))
            self.assertEqual(a.status, 200)
            self.assertEqual(a.json(), {
                "contextTemplate": {
                    "contextActivities": {"grouping": [{"objectType": "Activity", "id": "https://p.cn/au"}]},
                    "extensions": {"https://w3id.org/xapi/cmi5/context/extensions/sessionid": said["session"]}},
                "launchMode": "Normal", "moveOn": "Passed", "masteryScore": 0.5, "launchParameters": "level=3"})
            # what it hands in, and reads again: its own, in this session and the next of the registration
            one = statement(p["registration"])
            self.assertEqual(node.http("POST", "/xapi/statements", json.dumps(one).encode(), bearer(token)).status, 200)
            again = launch(node, "--registration", p["registration"])
            self.assertEqual(node.http("GET", "/xapi/statements", headers=bearer(token)).status, 401)
            token = fetch(node, parts(again)["fetch"])[1]["auth-token"]
            mine = node.http("GET", "/xapi/statements", headers=bearer(token)).json()["statements"]
            self.assertEqual([s["id"] for s in mine], [one["id"]])
            self.assertEqual(mine[0]["authority"]["account"]["name"], "launch:" + p["registration"])
            # the node's own "launched", twice, and all of it at the province
            t["33"].wait("all three", lambda: len(t["33"].records()) == 3)
            first = [r["statement"] for r in t["33"].records() if r["statement"]["verb"]["id"].endswith("launched")][0]
            e = first["context"]["extensions"]
            self.assertIn(e["https://w3id.org/xapi/cmi5/context/extensions/sessionid"], (said["session"], again["session"]))
            self.assertEqual(e["https://w3id.org/xapi/cmi5/context/extensions/launchurl"],
                             "https://courses.example.cn/start.html?x=1")

    def test_the_fetch_url_is_good_once(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            url = parts(launch(node))["fetch"]
            said = []
            threads = [threading.Thread(target=lambda: said.append(fetch(node, url)[:2])) for _ in range(8)]
            for x in threads:
                x.start()
            for x in threads:
                x.join()
            self.assertEqual([s[0] for s in said], [200] * 8)
            self.assertEqual(sum("auth-token" in s[1] for s in said), 1)
            self.assertEqual([s[1]["error-code"] for s in said if "error-code" in s[1]], ["1"] * 7)
            token = [s[1]["auth-token"] for s in said if "auth-token" in s[1]][0]
            for _ in range(2):
                self.assertEqual(fetch(node, url)[1]["error-code"], "1")
                self.assertEqual(node.http("GET", "/xapi/statements", headers=bearer(token)).status, 200)
                node.kill9()
                node.start()
            for bad in (url[:-1], url[:-1] + "!", url.split("?")[0], url.rsplit(".", 1)[0]):
                self.assertEqual(fetch(node, bad)[1]["error-code"], "2")
            u = urllib.parse.urlsplit(url)
            self.assertEqual(node.http("GET", u.path + "?" + u.query).status, 405)
            # hashed at rest
            for name in os.listdir(os.path.join(node.dir, "data/launches")):
                with open(os.path.join(node.dir, "data/launches", name)) as f:
                    text = f.read()
                self.assertNotIn(base64.b64decode(token).decode().split(":")[1], text)
            late = parts(launch(node, "--ttl", "1ms"))["fetch"]
            self.assertIn(fetch(node, late)[1]["error-code"], "12")

    def test_what_the_token_opens(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            p = parts(launch(node))
            token = fetch(node, p["fetch"])[1]["auth-token"]
            who = bearer(token)
            r = p["registration"]
            post = lambda s: node.http("POST", "/xapi/statements", json.dumps(s).encode(), who).status
            self.assertEqual(post(statement(r)), 200)
            self.assertEqual(post(statement(r, OTHER)), 403)
            self.assertEqual(post(statement(str(uuid.uuid4()))), 403)
            self.assertEqual(post([statement(r), statement(r, OTHER)]), 403)
            state = lambda method, body=None, **more: node.http(method, query("/xapi/activities/state", **dict(dict(
                activityId=AU, agent=LEARNER, registration=r, stateId="s"), **more)), body, who).status
            self.assertEqual(state("PUT", b"{}"), 204)
            self.assertEqual(state("GET"), 200)
            for more in ({"agent": OTHER}, {"registration": str(uuid.uuid4())}):
                self.assertEqual(state("PUT", b"{}", **more), 403)
                self.assertEqual(state("GET", **more), 403)
            self.assertEqual(state("PUT", b"{}", stateId="LMS.LaunchData"), 403)
            self.assertEqual(state("DELETE", stateId="LMS.LaunchData"), 403)
            self.assertEqual(node.http("DELETE", query("/xapi/activities/state", activityId=AU, agent=LEARNER, registration=r),
                                       headers=who).status, 403)
            profile = lambda agent: node.http("PUT", query("/xapi/agents/profile", agent=agent, profileId="cmi5LearnerPreferences"),
                                              b'{"languagePreference":"zh-CN"}', dict(who, **{"If-None-Match": "*"})).status
            self.assertEqual(profile(LEARNER), 204)
            self.assertEqual(profile(OTHER), 403)
            self.assertEqual(node.http("PUT", query("/xapi/activities/profile", activityId=AU, profileId="p"), b"{}",
                                       dict(who, **{"If-None-Match": "*"})).status, 403)
            self.assertEqual(node.http("GET", query("/xapi/agents", agent=OTHER), headers=who).status, 403)
            # nobody else's token of the same session, and nothing beyond records
            wrong = base64.b64encode(base64.b64decode(token)[:-1] + b"!").decode()
            self.assertEqual(node.http("GET", "/xapi/statements", headers=bearer(wrong)).status, 401)
            self.assertEqual(node.http("GET", "/admin/status", headers=who).status, 404)

    def test_what_is_no_launch(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            base = ["credential", "launch", "--activity", AU, "--agent", json.dumps(LEARNER), "--url", "https://a.cn/"]
            for bad in (["--agent", '{"mbox": "mailto:a@b.cn"}'], ["--agent", "no"], ["--url", "a.cn"], ["--url", "javascript:x"],
                        ["--ttl", "8d"], ["--ttl", "0"], ["--mastery-score", "1.5"], ["--move-on", "Never"],
                        ["--registration", "x"], ["--activity", "no iri"]):
                said = node.cli(*base, *bad, ok=False)
                self.assertNotEqual(said.returncode, 0, bad)
                self.assertIn(bad[0][2:].replace("-", "_").split("_")[0], said.stderr.replace("-", "_"))
            self.assertEqual(os.listdir(os.path.join(node.dir, "data/launches")) if os.path.isdir(
                os.path.join(node.dir, "data/launches")) else [], [])
            self.assertEqual(node.records(), [])
            self.assertIn("launch", node.cli("credential", "launch", "--help"))


if __name__ == "__main__":
    unittest.main()
