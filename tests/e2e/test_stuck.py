"""What stands in an object file's place, or keeps one from coming: that object alone waits, and says why."""
import os
import re
import socket
import subprocess
import unittest

from tree import CHAIN, Tree, find, make_files

QUICK = {"link": {"heartbeat": "1s", "dead": "10s"}}


def path_of(node, name):
    return os.path.join(node.dir, "objects", name[:2], name[2:] + ".tar.zst")


def a_folder(path):
    os.makedirs(path)
    with open(os.path.join(path, "somebody's"), "w") as f:
        f.write("kept")


def a_fifo(path):
    os.mkfifo(path)


def a_socket(path):
    folder = os.open(os.path.dirname(path), os.O_PATH)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(f"/proc/self/fd/{folder}/s")
    os.rename(os.path.join(os.path.dirname(path), "s"), path)
    os.close(folder)


def a_dangling_link(path):
    os.symlink("nowhere", path)


def a_link_in_a_circle(path):
    os.symlink(os.path.basename(path), path)


def a_closed_file(path):
    with open(path, "w") as f:
        f.write("not for us")
    os.chmod(path, 0)


def a_plain_file(path):
    with open(path, "w") as f:
        f.write("kept")


IN_ITS_PLACE = [a_folder, a_fifo, a_socket, a_dangling_link, a_link_in_a_circle, a_closed_file]
IN_ITS_FOLDERS = [a_plain_file, a_fifo, a_dangling_link, a_link_in_a_circle]


class Stuck(unittest.TestCase):
    def publish(self, node, count):
        """So many resources; the objects' names."""
        names = []
        for i in range(count):
            src = os.path.join(node.tree.dir, f"src{i}")
            make_files(src, {"x": 300_000}, seed=i + 1)
            node.publish(f"33/r{i}", src)
            names.append(node.resource(f"33/r{i}")["object"])
        return names

    def test_whatever_has_the_place(self):
        """Each thing that is no file of ours goes aside or away; all content comes, and nothing is paused."""
        with Tree(CHAIN[:2], start=False) as t:
            up, down = t["33"], t["3301"]
            up.start()
            things = IN_ITS_PLACE + IN_ITS_FOLDERS
            names = self.publish(up, len(things) + 1)
            folders, kept = set(), 0
            for name, thing in zip(names, things):
                inner = path_of(down, name)
                outer = os.path.dirname(inner)
                if os.path.lexists(outer):
                    continue  # two of one folder: the other stands for both
                in_place = len(folders) < len(IN_ITS_PLACE)
                folders.add(outer)
                os.makedirs(outer if in_place else os.path.dirname(outer), exist_ok=True)
                thing(inner if in_place else outer)
                kept += thing in (a_folder, a_plain_file)
            down.start()
            for i in range(len(names)):
                down.wait_state(f"33/r{i}", "complete")
            log = down.log()
            self.assertNotIn("content is paused", log)
            self.assertNotIn("room", log)
            aside = [os.path.join(at, n) for at, dirs, files in os.walk(os.path.join(down.dir, "objects"))
                     for n in dirs + files if ".aside-" in n]
            self.assertEqual(len([a for a in aside if not os.path.islink(a) and (os.path.isdir(a) or os.path.isfile(a))]), kept)
            self.assertIn("was moved aside", log)
            self.assertNotIn("bulk paused", [r["subject"] for r in down.audit(event="note", limit=100)])

    def test_under_a_running_node(self):
        """A folder where a whole object was: damaged, fetched again; the others do not notice."""
        with Tree(CHAIN[:2]) as t:
            up, down = t["33"], t["3301"]
            names = self.publish(up, 2)
            for i in range(2):
                down.wait_state(f"33/r{i}", "complete")
            want = up.file("33/r0", "x").body
            os.unlink(path_of(down, names[0]))
            a_folder(path_of(down, names[0]))
            self.assertEqual(down.file("33/r0", "x").status, 503)
            down.wait("all of it again", lambda: down.file("33/r0", "x").body == want)
            self.assertEqual(down.state("33/r1"), "complete")
            self.assertFalse(find(down.status(), "bulk_paused"))
            # where it was published nobody else has it, and the first who asks hears so
            os.unlink(path_of(up, names[1]))
            a_folder(path_of(up, names[1]))
            os.unlink(path_of(up, names[0]))
            for _ in range(3):
                self.assertEqual(up.http("GET", f"/o/{names[0]}.tar.zst").status, 500)
            for _ in range(3):
                self.assertEqual(up.file("33/r1", "x").status, 500)
            up.wait_state("33/r1", "damaged")
            up.publish("33/r1", os.path.join(t.dir, "src1"))
            up.wait_state("33/r1", "complete")
            self.assertEqual(up.file("33/r1", "x").body, down.file("33/r1", "x").body)

    def test_what_cannot_be_moved(self):
        """It alone waits, and status, show, page and metrics say where and why; then it comes by itself."""
        with Tree(CHAIN[:2], start=False) as t:
            up, down = t["33"], t["3301"]
            up.start()
            names = self.publish(up, 3)
            place = path_of(down, names[1])
            os.makedirs(place)
            mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place]
            if subprocess.run(mount, capture_output=True).returncode:
                self.skipTest("no right to mount")
            t.mounts.append(place)
            down.start()
            for i in (0, 2):
                down.wait_state(f"33/r{i}", "complete")
            stuck = down.wait("it to be told", lambda: down.resource("33/r1")["stuck"])
            self.assertEqual(stuck["why"], "file")
            self.assertEqual(stuck["detail"], f"objects/{names[1][:2]}/{names[1][2:]}.tar.zst: Device or resource busy")
            self.assertEqual(find(down.status(), "stuck"), {"above": 0, "file": 1})
            self.assertFalse(find(down.status(), "bulk_paused"))
            self.assertIn('guantong_resources_stuck{why="file"} 1\n', down.http("GET", "/metrics").body.decode())
            self.assertIn(names[1][2:], down.cli("show", "33/r1"))
            self.assertIn("STUCK", down.cli("status"))
            self.assertNotIn("room", down.cli("status"))
            self.assertIn("cannot be used", down.http("GET", "/r/33/r1?lang=en", headers={"Accept": "text/html"}).body.decode())
            self.assertEqual(len(down.audit(event="damage", limit=100)), 1)
            subprocess.run(["umount", place], check=True)
            t.mounts.remove(place)
            down.wait_state("33/r1", "complete")
            self.assertIsNone(down.resource("33/r1")["stuck"])

    def test_not_whole_above(self):
        """Who never had it hears that the publisher has it not whole, since when, until it has."""
        with Tree(CHAIN[:2], start=False, config=QUICK) as t:
            up, down = t["33"], t["3301"]
            up.start()
            names = self.publish(up, 2)
            os.unlink(path_of(up, names[0]))
            self.assertEqual(up.file("33/r0", "x").status, 500)
            down.start()
            down.wait_state("33/r1", "complete")
            stuck = down.wait("it to be told", lambda: down.resource("33/r0")["stuck"])
            self.assertEqual((stuck["why"], stuck["detail"]), ("above", "33"))
            self.assertRegex(stuck["since"], r"^\d{4}-\d\d-\d\dT")
            self.assertEqual(find(down.status(), "stuck"), {"above": 1, "file": 0})
            self.assertIn('guantong_resources_stuck{why="above"} 1\n', down.http("GET", "/metrics").body.decode())
            self.assertIn("33 does not have it whole at present", down.cli("show", "33/r0"))
            self.assertIn("33/r0 does not come", down.cli("ls"))
            self.assertRegex(down.cli("status"), r"waits: 1 that 33 does not have whole")
            page = down.http("GET", "/r/33/r0?lang=zh", headers={"Accept": "text/html"}).body.decode()
            self.assertTrue(re.search("目前也没有完整副本", page))
            up.publish("33/r0", os.path.join(t.dir, "src0"))
            down.wait_state("33/r0", "complete")
            self.assertIsNone(down.resource("33/r0")["stuck"])
            self.assertEqual(find(down.status(), "stuck"), {"above": 0, "file": 0})


if __name__ == "__main__":
    unittest.main()
