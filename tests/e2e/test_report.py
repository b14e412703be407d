"""What was learnt, by place, subject and time: guantong records report."""
import csv
import io
import json
import os
import sqlite3
import tempfile
import unittest
import uuid
import xml.etree.ElementTree

from test_records import post
from tree import Tree

VERBS = "http://adlnet.gov/expapi/verbs/"


def deed(learner, activity, day="2025-11-04", verb=VERBS + "experienced", **more):
    return {"id": str(uuid.uuid4()), "actor": {"account": {"homePage": "https://x.cn", "name": learner}},
            "verb": {"id": verb}, "object": {"id": activity}, "timestamp": day + "T04:00:00Z", **more}


def pick(report, **which):
    rows = [r for r in report["rows"] if all(r[k] == v for k, v in which.items())]
    assert len(rows) == 1, (which, report)
    return rows[0]


def spans(node):
    """Of how many the sums are there, by either clock."""
    db = sqlite3.connect(f"file:{node.dir}/data/guantong.db?mode=ro", uri=True)
    try:
        return db.execute("SELECT count(*) FROM figures").fetchone()[0] // 2
    finally:
        db.close()


class Report(unittest.TestCase):
    def test_of_a_tree(self):
        """The same records, counted at each node for what lies below it."""
        with Tree(["33", "3301", "330106"]) as t:
            for rid, subject in ("herbs", "health"), ("tractors", "rural-revitalisation"):
                t["33"].cli("publish", "--id", rid, "--type", "course", "--title", rid, "--subject", subject,
                            "--no-content")
            for node in t["3301"], t["330106"]:
                node.cli("wait", "--until", "resource=33/tractors:complete")
            herbs, tractors = "https://x.cn/33/herbs/1", "https://x.cn/33/tractors"
            county = [deed("li", herbs, result={"duration": "PT30M"}),
                      deed("li", herbs, verb=VERBS + "completed", result={"duration": "PT1H"}),
                      deed("wang", herbs, day="2025-12-01"),
                      deed("wang", "urn:guantong:subject:health", verb="urn:guantong:verb:needs")]
            city = [deed("li", tractors), deed("zhao", "https://x.cn/nothing")]
            self.assertEqual(post(t["330106"], county).status, 200)
            self.assertEqual(post(t["3301"], city).status, 200)
            t["33"].wait("the records", lambda: len(t["33"].records()) == 6)

            top = t["33"].cli_json("records", "report")
            self.assertEqual((top["node"], top["by"], top["counts_by"]),
                             ("33", ["region", "subject", "month"], "timestamp"))
            self.assertEqual(pick(top, region="330106", subject="health", month="2025-11"),
                             {"region": "330106", "subject": "health", "month": "2025-11", "visits": 2, "learners": 2,
                              "completions": 1, "hours": 1.5, "needs": 1, "statements": 3})
            self.assertEqual(pick(top, region="330106", subject="health", month="2025-12")["learners"], 1)
            self.assertEqual(pick(top, region="3301", subject="rural-revitalisation", month="2025-11")["visits"], 1)
            self.assertEqual(pick(top, region="3301", subject="-", month="2025-11")["learners"], 1)
            self.assertEqual((top["total"]["learners"], top["total"]["statements"]), (3, 6))
            self.assertEqual(t["330106"].cli_json("records", "report")["total"]["learners"], 2)
            below = t["33"].cli_json("records", "report", "--within", "330106")
            here = t["330106"].cli_json("records", "report")
            self.assertEqual((below["rows"], below["total"]), (here["rows"], here["total"]))

            # places by their level; times
            by_city = t["33"].cli_json("records", "report", "--by", "region", "--level", "city")
            self.assertEqual([(r["region"], r["learners"]) for r in by_city["rows"]], [("3301", 3)])
            late = t["33"].cli_json("records", "report", "--by", "month", "--from", "2025-12")
            self.assertEqual([r["month"] for r in late["rows"]], ["2025-12"])

            # a void takes it out, here and above
            void = {"id": str(uuid.uuid4()), "actor": county[1]["actor"], "verb": {"id": VERBS + "voided"},
                    "object": {"objectType": "StatementRef", "id": county[1]["id"]}}
            self.assertEqual(t["330106"].admin("POST", "/xapi/statements", json.dumps(void), headers={
                "X-Experience-API-Version": "2.0.0", "Content-Type": "application/json"}).status, 200)
            t["33"].wait("the void", lambda: len(t["33"].records()) == 7)
            now = t["33"].cli_json("records", "report", "--by", "subject")
            self.assertEqual((pick(now, subject="health")["completions"], pick(now, subject="health")["hours"]), (0, 0.5))
            self.assertEqual(now["total"]["statements"], 5)

    def test_wrong_clocks(self):
        """A terminal that lives in another year: by the clock here it counts to this one."""
        with Tree(["33"]) as t:
            node = t["33"]
            self.assertEqual(post(node, [deed("li", "https://x.cn/33/a", day="2099-01-01"),
                                         deed("li", "https://x.cn/33/a", day="1999-01-01")]).status, 200)
            said = node.cli_json("records", "report", "--by", "year")
            self.assertEqual([(r["year"], r["statements"]) for r in said["rows"]], [("1999", 1), ("2099", 1)])
            self.assertEqual(said["ahead"], 1)
            here = node.cli_json("records", "report", "--by", "year", "--counts-by", "stored")
            self.assertEqual([r["statements"] for r in here["rows"]], [2])
            self.assertEqual(here["counts_by"], "stored")
            text = node.cli("records", "report", "--by", "year")
            self.assertIn("2099", text)
            self.assertIn("1 statements say that they were made after they were received", text)
            self.assertNotIn("when it was received there", text)

    def test_sums_are_kept(self):
        """When no more come, what was done is added up; a void counts at once, and its sums come again."""
        with Tree(["33"]) as t:
            node = t["33"]
            given = [deed(f"l{n % 50}", f"https://x.cn/33/a{n % 3}", day=f"2025-{1 + n % 12:02}-15",
                          result={"duration": "PT1M"}) for n in range(2100)]
            for at in range(0, len(given), 300):
                self.assertEqual(post(node, given[at:at + 300]).status, 200)
            node.wait("the sums", lambda: spans(node) == 1)
            for _ in range(2):
                r = node.cli_json("records", "report", "--by", "resource,month")
                self.assertEqual(len(r["rows"]), 12)
                self.assertEqual((r["total"]["statements"], r["total"]["learners"], r["total"]["hours"]),
                                 (len(given), 50, round(len(given) / 60, 2)))
                gone = given.pop(7)
                void = {"actor": gone["actor"], "verb": {"id": VERBS + "voided"},
                        "object": {"objectType": "StatementRef", "id": gone["id"]}}
                self.assertEqual(node.admin("POST", "/xapi/statements", json.dumps(void), headers={
                    "X-Experience-API-Version": "2.0.0", "Content-Type": "application/json"}).status, 200)
                r = node.cli_json("records", "report", "--by", "year")
                self.assertEqual(r["total"]["statements"], len(given))
                node.wait("the sums", lambda: spans(node) == 1)

    def test_for_people_and_programs(self):
        with Tree(["33"]) as t, tempfile.TemporaryDirectory() as folder:
            node, svg = t["33"], os.path.join(folder, "a.svg")
            self.assertEqual(post(node, [deed("li", "https://x.cn/=1+2&b", result={"duration": "PT90M"})]).status, 200)
            text = node.cli("--lang", "zh-CN", "records", "report")
            for word in "地区", "主题", "月份", "人次", "学时", "合计", "1.50", "UTC+8":
                self.assertIn(word, text)
            rows = list(csv.DictReader(io.StringIO(node.cli("records", "report", "--by", "activity", "--csv"))))
            self.assertEqual([(r["activity"], r["hours"], r["visits"]) for r in rows],
                             [("https://x.cn/=1+2&b", "1.50", "1")])
            node.cli("records", "report", "--by", "activity", "--measure", "hours", "--svg", svg)
            drawn = xml.etree.ElementTree.parse(svg).getroot()
            texts = [e.text for e in drawn.iter("{http://www.w3.org/2000/svg}text")]
            self.assertIn("https://x.cn/=1+2&b", texts)
            self.assertIn("1.50", texts)
            # it is not written over
            self.assertNotEqual(node.cli("records", "report", "--svg", svg, ok=False).returncode, 0)
            for wrong in ("--by", "region,color"), ("--by", "region,"), ("--level", "street"), ("--within", "x"), \
                    ("--counts-by", "sundial"), ("--measure", "joy"):
                self.assertEqual(node.cli("records", "report", *wrong, ok=False).returncode, 2, wrong)
            for wrong in "by=region,region", "by=color", "from=2025", "until=2025-1x", "level=street", "colour=red", \
                    "within=a", "counts-by=sun":
                self.assertEqual(node.admin("GET", "/admin/records/report?" + wrong).status, 400, wrong)


if __name__ == "__main__":
    unittest.main()
