"""What happens to a node's files behind its back is seen, said and mended."""
import glob
import os
import shutil
import subprocess
import unittest

from tree import CHAIN, Tree, guantongd, make_files, run

RID = "33/course"
OTHER = 54321  # a user who is not root


def objects(node):
    return glob.glob(os.path.join(node.dir, "objects", "*", "*.tar.zst"))


def lost(node):
    """Object files whose loss was written down."""
    return [r for r in node.audit(event="damage", limit=1000) if r["result"] == "DAMAGED"]


class ObjectFiles(unittest.TestCase):
    def publish(self, t):
        src = os.path.join(t.dir, "src")
        want = make_files(src, {"x.bin": 700_000, "y.bin": 3})
        t["33"].publish(RID, src)
        return want

    def assertServes(self, node, want):
        for path, body in want.items():
            self.assertEqual(node.file(RID, path).body, body)

    def test_a_deleted_object_file_is_fetched_again(self):
        with Tree(CHAIN[:3]) as t:
            want = self.publish(t)
            for code in CHAIN[1:3]:
                t[code].wait_state(RID, "complete")
            middle, low = t[CHAIN[1]], t[CHAIN[2]]
            # a reader meets it: not here, on its way, here again
            (path,) = objects(low)
            os.unlink(path)
            answer = low.file(RID, "x.bin")
            self.assertIn(answer.status, (503, 200))
            low.wait("its loss", lambda: len(lost(low)) == 1)
            low.wait_state(RID, "complete")
            self.assertServes(low, want)
            self.assertEqual(objects(low), [path])
            # a child meets it: the whole way is mended
            for n in (middle, low):
                os.unlink(objects(n)[0])
            low.file(RID, "x.bin")
            middle.wait("its loss", lambda: len(lost(middle)) == 1)
            low.wait_state(RID, "complete")
            middle.wait_state(RID, "complete")
            self.assertServes(low, want)
            self.assertServes(middle, want)
            # nobody reads: the next start looks
            low.stop()
            shutil.rmtree(os.path.join(low.dir, "objects"))
            low.start()
            low.wait(
                "the file", lambda: low.state(RID) == "complete" and len(objects(low)) == 1 and len(lost(low)) == 3
            )
            self.assertServes(low, want)

    def test_a_file_cut_short_is_fetched_again(self):
        with Tree(CHAIN[:2]) as t:
            want = self.publish(t)
            low = t[CHAIN[1]]
            low.wait_state(RID, "complete")
            low.stop()
            (path,) = objects(low)
            os.truncate(path, 1000)
            low.start()
            low.wait("its loss", lambda: len(lost(low)) == 1)
            low.wait_state(RID, "complete")
            self.assertServes(low, want)

    def test_at_its_publisher_it_is_not_called_complete(self):
        with Tree(CHAIN[:1]) as t:
            want = self.publish(t)
            node = t["33"]
            os.unlink(objects(node)[0])
            self.assertEqual(node.file(RID, "y.bin").status, 503)
            node.wait_state(RID, "wanted")
            self.assertIn("publish it again", node.log())
            self.publish(t)
            self.assertEqual(node.state(RID), "complete")
            self.assertServes(node, want)


@unittest.skipUnless(os.geteuid() == 0, "only root has files of two users")
class Owners(unittest.TestCase):
    def give(self, node):
        subprocess.run(["chown", "-R", f"{OTHER}:{OTHER}", node.dir], check=True)
        os.chmod(node.tree.dir, 0o755)

    def as_other(self, node):
        """Runs the node as that user from now on."""
        self.give(node)
        user = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]
        node.command = lambda: [*user, guantongd(), "-C", node.dir]

    def test_root_does_not_run_another_users_node(self):
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            self.give(node)
            p = run([guantongd(), "-C", node.dir], ok=False)
            self.assertEqual(p.returncode, 78)
            self.assertIn(f"sudo -u '#{OTHER}' guantongd -C {node.dir}", p.stderr)
            self.assertFalse(os.path.exists(os.path.join(node.dir, "data", "guantong.db")))
            self.assertEqual(run([guantongd(), "-C", node.dir, "--check"], ok=False).returncode, 0)
            p = node.cli("status", ok=False)
            self.assertEqual(p.returncode, 3)
            self.assertIn(f"start it with: sudo -u '#{OTHER}' guantongd", p.stderr)

    def test_files_of_root_are_made_anew(self):
        with Tree(CHAIN[:2], start=False) as t:
            top, low = t["33"], t["3301"]
            self.as_other(low)
            t.start()
            src = os.path.join(t.dir, "src")
            want = make_files(src, {"x.bin": 700_000})
            top.publish(RID, src)
            low.wait_state(RID, "complete")
            (path,) = objects(low)
            # while it runs: a reader meets it
            os.unlink(path)
            with open(path, "wb") as f:
                f.write(b"root was here")
            os.chmod(path, 0o600)
            low.file(RID, "x.bin")
            low.wait("its loss", lambda: len(lost(low)) == 1)
            low.wait_state(RID, "complete")
            self.assertEqual(low.file(RID, "x.bin").body, want["x.bin"])
            self.assertEqual(os.stat(path).st_uid, OTHER)
            # at a start
            low.stop()
            os.chown(path, 0, 0)
            low.start()
            low.wait("its loss", lambda: len(lost(low)) == 2)
            low.wait_state(RID, "complete")
            self.assertEqual(os.stat(path).st_uid, OTHER)
            self.assertEqual(low.file(RID, "x.bin").body, want["x.bin"])
            # what root publishes there is the node's
            low.publish("3301/own", src)
            self.assertEqual(low.state("3301/own"), "complete")
            self.assertEqual({os.stat(p).st_uid for p in objects(low)}, {OTHER})
