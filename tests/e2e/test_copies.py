"""A node's directory that runs twice, and one that came back from a backup
without a word: the neighbours notice, people are told, and no record is lost or
counted twice."""
import os
import shutil
import sqlite3
import unittest

import test_records
from test_records import post, statement
from tree import Node, Tree, find, free_ports

CITY, COUNTY = "3301", "330106"
CODES = ["33", CITY, COUNTY]


class Copy(Node):
    """The directory of a stopped node, started from another place."""

    def __init__(self, of):
        self.tree, self.code, self.parent = of.tree, of.code, of.parent
        self.dir = of.dir + "-copy"
        self.link_port, self.http_port, self.content_port, self.staff_port = free_ports(4)
        self.process = None
        self.env = {}
        self.name = of.code + "-copy"
        self.log_path = self.dir + ".log"
        shutil.copytree(of.dir, self.dir, ignore=shutil.ignore_patterns("*.sock"))
        http = {"listen": self.http_port, "content": self.content_port, "staff": self.staff_port}
        self.configure(
            {
                "link": {"listen": f'"127.0.0.1:{self.link_port}"'},
                "http": {key: f'"127.0.0.1:{port}"' for key, port in http.items()},
            }
        )
        of.tree.nodes[self.name] = self


def strangers(node):
    return find(node.status(), "strangers")


def alarms(node, of):
    """What a node wrote down about a neighbour's other past."""
    return [r for r in node.audit(event="link", peer=of) if r["result"] == "CONFLICT"]


class Copies(unittest.TestCase):
    assert_once = test_records.ExactlyOnce.assert_once

    def hand_in(self, node):
        batch = [statement(i) for i in range(5)]
        self.assertEqual(post(node, batch).status, 200)
        return batch

    def noticed(self, node, of, times):
        """In the audit, in all so many times; and where people look since the start,
        which is told a moment later."""
        node.wait(f"{times} alarms", lambda: len(alarms(node, of)) >= times and strangers(node))
        said = node.cli_json("status")
        self.assertEqual(find(said, "stranger"), of)
        self.assertTrue(find(said, "stranger_seen"))
        self.assertIn(f"A SECOND COPY MAY BE RUNNING: {of} ", node.cli("status"))
        self.assertIn(f"可能有第二份副本在运行：{of} ", node.cli("--lang", "zh-CN", "status"))
        self.assertIn("stop one of the two copies", node.http("GET", "/?lang=en").body.decode())
        self.assertGreaterEqual(node.metrics()["guantong_strangers_total"], find(said, "strangers"))
        self.assertIn(f"{of} and this node remember different pasts", node.log())
        rows = node.cli("--lang", "zh-CN", "audit", "query", "--event", "link", "--node", of)
        self.assertRegex(rows, "它所出示的上次会话在本节点没有记录|本节点所出示的上次会话在对方没有记录|却不是由此处上报的")
        self.assertIn("已连接", rows)

    def exactly(self, node, of, times):
        self.noticed(node, of, times)
        self.assertEqual(len(alarms(node, of)), times)

    def silent(self, *nodes):
        for n in nodes:
            self.assertEqual(strangers(n), 0)
            self.assertNotIn("SECOND COPY", n.cli("status"))

    def test_one_after_the_other_and_side_by_side(self):
        with Tree(CODES) as t:
            city, county = t[CITY], t[COUNTY]
            sent = self.hand_in(county)
            self.assert_once(city, sent)
            county.stop()
            copy = Copy(county)
            # in turn: each finds that the other was here in between
            county.start().wait_connected()
            sent += self.hand_in(county)
            self.assert_once(city, sent)
            self.silent(city, county)
            county.stop()
            sent += self.hand_in(copy.start())
            self.assert_once(city, sent)
            self.exactly(copy, CITY, 1)
            self.exactly(city, COUNTY, 1)
            copy.stop()
            sent += self.hand_in(county.start())
            self.assert_once(city, sent)
            self.exactly(county, CITY, 1)
            self.exactly(city, COUNTY, 2)
            # at once: the one that comes later is held off, and begins nothing
            before = self.epoch(copy)
            copy.start()
            city.wait("it to be held off", lambda: find(city.status(), "copies_held") == 1)
            self.exactly(city, COUNTY, 3)
            waiting = self.hand_in(copy)
            for _ in range(2):
                sent += self.hand_in(county)
                self.assert_once(city, sent)
            self.told(city, copy)
            self.assertEqual(self.epoch(copy), before)
            # it is let in, hands up what is there, and now the other one is
            self.keep(city, "held")
            sent += waiting
            self.assert_once(city, sent)
            city.wait("the other to be held off", lambda: find(city.status(), "copies_held") == 1)
            sent += self.hand_in(copy)
            self.assert_once(city, sent)
            # one is stopped: the other is right
            copy.stop()
            self.keep(city, "held")
            county.wait_connected()
            sent += self.hand_in(county)
            for n in (city, t["33"]):
                self.assert_once(n, sent)
            said = alarms(city, COUNTY)
            county.stop()
            county.start().wait_connected()
            sent += self.hand_in(county)
            self.assert_once(t["33"], sent)
            self.assertEqual(alarms(city, COUNTY), said)
            self.silent(county, t["33"])

    @staticmethod
    def epoch(node):
        with sqlite3.connect(os.path.join(node.dir, "data", "guantong.db")) as db:
            (epoch,) = db.execute("SELECT value FROM meta WHERE key='epoch'").fetchone()
        db.close()
        return epoch

    def told(self, city, copy):
        """Where people look, at both ends."""
        (row,) = city.cli_json("copies", "ls")["copies"]
        self.assertEqual((row["code"], row["right"]), (COUNTY, ""))
        self.assertRegex(city.cli("copies", "ls"), f"{COUNTY} .*127.0.0.1:")
        self.assertIn("HELD OFF: 1 node", city.cli("status"))
        self.assertIn("已挡下：1 个下级节点", city.cli("--lang", "zh-CN", "status"))
        self.assertIn("1 node(s) below run twice", city.http("GET", "/?lang=en").body.decode())
        self.assertEqual(city.metrics()["guantong_copies_held"], 1)
        province = city.parent
        province.wait("it to hear of it", lambda: find(province.status(), "copies_below") == 1)
        self.assertIn("nodes below hold off 1", province.cli("status"))
        (below,) = [c for c in province.cli_json("status")["children"] if c["code"] == CITY]
        self.assertEqual(below["status"]["copies"], 1)
        copy.wait("it to know why", lambda: "this one is held off" in copy.log())
        self.assertEqual(city.cli("copies", "keep", COUNTY, "both", ok=False).returncode, 2)
        self.assertIn("held off here", city.cli("copies", "keep", "330199", "held", ok=False).stderr)

    def keep(self, city, which):
        city.cli("copies", "keep", COUNTY, which)
        self.assertIn(f"that is {which.replace('held', 'held off')} is right", city.cli("audit", "query", "--node", COUNTY))

    @staticmethod
    def put_back(node, kept):
        node.stop()
        data = os.path.join(node.dir, "data")
        shutil.rmtree(data)
        shutil.copytree(kept, data)
        node.start()

    def test_a_backup_restored_without_a_word(self):
        rid = "3301/lesson"
        with Tree(CODES) as t:
            city, county = t[CITY], t[COUNTY]
            city.publish(rid, None, title="as kept")
            sent = self.hand_in(county)
            self.assert_once(t["33"], sent)
            kept = {}
            for n in (city, county):
                n.stop()
                kept[n] = shutil.copytree(os.path.join(n.dir, "data"), n.dir + ".kept")
                n.start()
            city.publish(rid, None, title="as forgotten")
            sent += self.hand_in(county)
            self.assert_once(t["33"], sent)
            county.wait("the newer one", lambda: (county.resource(rid) or {}).get("version") == 2)
            self.silent(*t)
            # the child, whose next records have numbers used before
            self.put_back(county, kept[county])
            sent += self.hand_in(county)
            self.assert_once(t["33"], sent)
            self.exactly(county, CITY, 1)
            self.exactly(city, COUNTY, 1)
            # the one between, whose versions and records others know better
            self.put_back(city, kept[city])
            sent += self.hand_in(county)
            self.assert_once(t["33"], sent)
            below = {r["id"] for r in county.records()}
            city.wait("all that the county has", lambda: below <= {r["id"] for r in city.records()})
            self.assertEqual(len(city.records()), len({r["id"] for r in city.records()}))
            self.exactly(t["33"], CITY, 1)
            self.assertEqual((len(alarms(city, "33")), len(alarms(city, COUNTY))), (1, 1))
            city.wait("both in its status", lambda: strangers(city) == 2)
            # what it has, above what it had forgotten
            version = lambda n: (n.resource(rid) or {}).get("version", 0)
            city.wait("a newer version", lambda: version(city) > 2)
            county.wait("the same", lambda: version(county) == version(city))
            for n in (city, county):
                self.assertEqual(n.resource(rid)["title"], {"zh-CN": "as kept"})


if __name__ == "__main__":
    unittest.main()
