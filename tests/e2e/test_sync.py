"""A resource down the tree: all levels, crashes, withdrawal, rules."""
import os
import random
import shutil
import subprocess
import unittest

from tree import CHAIN, Tree, find, layer, make_files

RID = "33/lesson"


class FiveLevels(unittest.TestCase):
    def test_every_file_at_every_level(self):
        with Tree() as t:
            src = os.path.join(t.dir, "src")
            files = make_files(src, {"a.bin": 3_000_000, "b/empty.txt": 0, "b/课程.html": 1234, "c.txt": 65536})
            t["33"].publish(RID, src)
            for code in CHAIN:
                t[code].wait_state(RID, "complete")
                for path, want in files.items():
                    got = t[code].file(RID, path)
                    self.assertEqual(got.status, 200, f"{code} {path}")
                    self.assertEqual(got.body, want, f"{code} {path}")
            village = t["330106109210"]
            r = village.http("GET", f"/c/{RID}/a.bin", headers={"Range": "bytes=1000000-1000099"})
            self.assertEqual((r.status, r.body), (206, files["a.bin"][1000000:1000100]))
            r = village.http("GET", f"/c/{RID}/a.bin", headers={"Range": "bytes=-7"})
            self.assertEqual((r.status, r.body), (206, files["a.bin"][-7:]))
            self.assertEqual(village.http("GET", f"/c/{RID}/none.bin").status, 404)
            self.assertEqual(village.http("GET", f"/c/{RID}/../{RID}/a.bin").status // 100, 4)

    def test_an_object_is_a_tar_any_tool_opens(self):
        with Tree(CHAIN[:2]) as t:
            src = os.path.join(t.dir, "src")
            files = make_files(src, {f"d{i % 3}/f{i}": 100 * i for i in range(40)})
            files |= make_files(src, {"z.bin": 700_000}, seed=2)
            t["33"].publish(RID, src)
            t["3301"].wait_state(RID, "complete")
            name = t["3301"].resource(RID)["object"]
            store = os.path.join(t["3301"].dir, "objects", name[:2], name[2:] + ".tar.zst")
            out = os.path.join(t.dir, "out")
            os.mkdir(out)
            tar = subprocess.run(["zstd", "-dcq", store], capture_output=True, check=True).stdout
            subprocess.run(["tar", "-x", "-C", out], input=tar, check=True)
            for path, want in files.items():
                with open(os.path.join(out, path), "rb") as f:
                    self.assertEqual(f.read(), want, path)
            got = t["3301"].http("GET", f"/o/{name}.tar.zst")
            with open(store, "rb") as f:
                self.assertEqual(got.body, f.read())


class Crashes(unittest.TestCase):
    def test_resume_after_kill_without_refetching(self):
        """The child is killed at random moments of a transfer; what was durable
        before is never asked for again."""
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        print(f"SEED={seed}", end=" ", flush=True)
        r = random.Random(seed)
        with Tree(CHAIN[:2], start=False) as t:
            up, down = t["33"], t["3301"]
            size = 30_000_000
            src = os.path.join(t.dir, "src")
            want = make_files(src, {"big.bin": size})["big.bin"]
            # a link slow enough to be caught in the middle, from the start
            relay, port = t.relay(up.link_port, "--rate", str(12_000_000))
            down.configure({"parent": {"addresses": f'["127.0.0.1:{port}"]'}})
            up.start()
            up.publish(RID, src)
            durable = 0
            for _ in range(3):
                down.start()
                goal = durable + r.randrange(2_000_000, 6_000_000)
                down.wait(
                    f"{goal} bytes present",
                    lambda: self.present(down, goal) or down.state(RID) == "complete",
                )
                now = self.present_bytes(down)
                down.kill9()
                self.assertGreaterEqual(now, durable, "what was durable is gone")
                durable = now
            # what was asked for before the end is answered until the end is seen
            up.wait("the child to be gone", lambda: find(up.status(), "children_up") == 0)
            before = up.metrics()
            down.start()
            kept = self.present_bytes(down)
            self.assertGreaterEqual(kept, durable)
            down.wait_state(RID, "complete")
            sent = up.metrics()["guantong_bytes_out_total"] - before["guantong_bytes_out_total"]
            self.assertLess(sent, size - durable + 2_000_000, "durable frames were fetched again")
            self.assertEqual(down.file(RID, "big.bin").body, want)

    @staticmethod
    def present_bytes(node):
        r = node.resource(RID)
        if not r or not r.get("frames"):
            return 0
        return r["size"] * r["present"] // r["frames"]

    def present(self, node, goal):
        return self.present_bytes(node) >= goal

    def test_killing_the_middle_while_it_relays(self):
        with Tree(CHAIN[:3]) as t:
            src = os.path.join(t.dir, "src")
            files = make_files(src, {f"f{i}": 2_000_000 for i in range(6)})
            t["33"].publish(RID, src)
            t["3301"].wait(
                "some of it", lambda: (t["3301"].resource(RID) or {}).get("present") or t["3301"].state(RID) == "complete"
            )
            t["3301"].kill9()
            t["3301"].start()
            t["330106"].wait_state(RID, "complete")
            for path, want in files.items():
                self.assertEqual(t["330106"].file(RID, path).body, want)

    def test_killing_the_publisher_right_after_it_answered(self):
        with Tree(CHAIN[:2]) as t:
            src = os.path.join(t.dir, "src")
            want = make_files(src, {"x": 500_000})["x"]
            t["33"].publish(RID, src)
            t["33"].kill9()
            t["33"].start()
            t["3301"].wait_state(RID, "complete")
            self.assertEqual(t["3301"].file(RID, "x").body, want)


class Changes(unittest.TestCase):
    def test_withdraw_reaches_the_village_and_removes_the_bytes(self):
        with Tree() as t:
            src = os.path.join(t.dir, "src")
            make_files(src, {"x": 300_000})
            t["33"].publish(RID, src)
            village = t["330106109210"]
            village.wait_state(RID, "complete")
            t["33"].cli("withdraw", RID, "--reason", "out of date")
            village.wait_state(RID, "withdrawn")
            self.assertNotEqual(village.file(RID, "x").status, 200)
            village.wait("its file to be gone", lambda: not self.objects(village))

    @staticmethod
    def objects(node):
        return [f for _, _, files in os.walk(os.path.join(node.dir, "objects")) for f in files]

    def test_a_new_version_replaces_the_old(self):
        with Tree(CHAIN[:2]) as t:
            src = os.path.join(t.dir, "src")
            make_files(src, {"x": 900_000, "y": 10})
            t["33"].publish(RID, src)
            t["3301"].wait_state(RID, "complete")
            first = t["3301"].resource(RID)
            new = make_files(src, {"y": 20}, seed=9)["y"]
            t["33"].publish(RID, src)
            t["3301"].wait("the new version", lambda: t["3301"].resource(RID)["version"] > first["version"])
            t["3301"].wait_state(RID, "complete")
            self.assertEqual(t["3301"].file(RID, "y").body, new)

    def test_rules_decide_what_each_level_has(self):
        with Tree(start=False) as t:
            t["33"].policy(
                layer(
                    [
                        {"name": "secret", "to": LOWER, "when": {"type": ["exam"]}, "verdict": "deny"},
                        {"name": "listed", "to": ["village"], "when": {"type": ["course"]}, "verdict": "metadata"},
                        {"name": "asked", "to": ["township", "village"], "when": {"type": ["video"]}, "verdict": "on-demand"},
                    ],
                    "mirror",
                )
            )
            t.start()
            for kind in ("exam", "course", "video", "document"):
                src = os.path.join(t.dir, kind)
                make_files(src, {"x": 200_000}, seed=len(kind))
                t["33"].publish("33/" + kind, src, type=kind)
            village = t["330106109210"]
            village.wait_state("33/document", "complete")
            village.wait_state("33/course", "listed")
            village.wait_state("33/video", ("listed", "wanted"))
            for code in CHAIN[1:]:
                self.assertIsNone(t[code].resource("33/exam"), "a denied entry crossed a link")
                self.assertNotIn("33/exam", t[code].http("GET", "/").body.decode())
            t["330106"].wait_state("33/video", "complete")
            self.assertEqual(village.file("33/course", "x").status // 100, 4)
            # asked for at the village, it comes through the township
            village.cli("get", "33/video", "--to", os.path.join(t.dir, "got"))
            village.wait_state("33/video", "complete")
            t["330106109"].wait_state("33/video", "complete")
            # a rule changes: the course may now be kept, documents no more
            t["33"].policy(
                layer(
                    [
                        {"name": "secret", "to": LOWER, "when": {"type": ["exam"]}, "verdict": "deny"},
                        {"name": "none", "to": ["village"], "when": {"type": ["document"]}, "verdict": "deny"},
                    ],
                    "mirror",
                )
            )
            village.wait_state("33/course", "complete")
            village.wait("the document to be gone", lambda: village.resource("33/document") is None)

    def test_a_lower_layer_narrows_and_cannot_widen(self):
        with Tree(CHAIN[:3], start=False) as t:
            t["33"].policy(layer([{"name": "no", "to": ["county"], "when": {"type": ["exam"]}, "verdict": "deny"}], "mirror"))
            t["3301"].policy(
                layer([{"name": "all", "when": {"type": ["exam"]}, "verdict": "mirror"},
                       {"name": "less", "to": ["county"], "when": {"type": ["video"]}, "verdict": "metadata"}], "mirror")
            )
            t.start()
            for kind in ("exam", "video", "case"):
                src = os.path.join(t.dir, kind)
                make_files(src, {"x": 1000})
                t["33"].publish("33/" + kind, src, type=kind)
            county = t["330106"]
            county.wait_state("33/case", "complete")
            county.wait_state("33/video", "listed")
            self.assertIsNone(county.resource("33/exam"))
            self.assertEqual(t["3301"].wait_state("33/exam", "complete"), True)


class Audit(unittest.TestCase):
    def test_both_ends_write_the_transfer_down(self):
        with Tree(CHAIN[:2]) as t:
            src = os.path.join(t.dir, "src")
            make_files(src, {"x": 400_000})
            t["33"].publish(RID, src)
            t["3301"].wait_state(RID, "complete")
            ids = lambda n: {r["transfer"] for r in n.audit(limit=1000) if r["transfer"]}
            t["3301"].wait("the transfer in its audit", lambda: ids(t["3301"]))
            t["33"].wait("the same one in its audit", lambda: ids(t["33"]) & ids(t["3301"]))
            out = t["3301"].cli("audit", "query", "--csv")
            self.assertIn("transfer", out.splitlines()[0])


LOWER = ["city", "county", "township", "village"]

if __name__ == "__main__":
    unittest.main()
