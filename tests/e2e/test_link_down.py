"""Why there is no link: the status, the page, JSON and metrics name it, and certificates are warned of before they end."""
import glob
import os
import re
import shutil
import subprocess
import unittest

from tree import CHAIN, PATIENCE, Tree, guantong, guantongd, run

DAY = 86400


def clock(days):
    # preloaded rather than by `faketime`, which would stay between us
    return {"LD_PRELOAD": glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")[0], "FAKETIME": f"{days:+d}d",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "ASAN_OPTIONS": "verify_asan_link_order=0", "TSAN_OPTIONS": "report_bugs=0"}


def fault(node):
    return node.status()["parent_fault"]


class LinkDown(unittest.TestCase):
    def told(self, node, kind, piece):
        """All four places say so."""
        def of():
            f = fault(node)
            return f and f["kind"] == kind and piece in f["why"]

        node.wait(kind, of)
        rows = dict(re.findall(r'guantong_parent_fault\{kind="([a-z-]+)"\} (\d)', node.http("GET", "/metrics").body.decode()))
        self.assertEqual([k for k, v in rows.items() if v == "1"], [kind])
        said = node.cli("status", "--lang", "en")
        self.assertIn(piece, said)
        page = node.http("GET", "/?lang=en").body.decode()
        self.assertIn("alert bad", page)
        # nothing is being fetched over a link that is not there
        self.assertIn("waits for the next", page)
        self.assertNotIn("catching up", page + said)
        self.assertIs(node.status()["node"]["synced"], False)
        return said

    def test_each_kind(self):
        with Tree(CHAIN[:3]) as t, Tree(CHAIN[:2], start=False) as other:
            up, child = t["33"], t["3301"]
            child.wait_connected()
            self.assertIsNone(fault(child))
            here = up.link_port

            def dial(port, insecure=False):
                child.stop()
                child.configure({"parent": {"addresses": f'["127.0.0.1:{port}"]'}, "link": {"insecure": str(insecure).lower()}})
                child.start()

            # the parent is of another tree, and so is the CA
            other["33"].start()
            dial(other["33"].link_port)
            self.assertIn("PKIDIR", self.told(child, "unknown-ca", "unknown CA"))
            other["33"].stop()
            self.told(child, "unreachable", "refused")
            # nobody knows the name: one that no name server is asked for
            child.stop()
            child.configure({"parent": {"addresses": f'["{"n" * 70}.invalid:7000"]'}})
            child.start()
            self.told(child, "unknown-name", "cannot be looked up (")
            self.assertIn("/etc/hosts", child.cli("status", "--lang", "en"))
            self.assertIn("无法查到主机名", child.cli("status", "--lang", "zh"))
            # it speaks no TLS
            other["33"].configure({"link": {"insecure": "true"}})
            other["33"].start()
            dial(other["33"].link_port)
            self.told(child, "no-tls", "TLS")
            # it is another node of the same tree
            dial(t["330106"].link_port)
            self.told(child, "wrong-code", "the certificate names 330106")
            # it was revoked
            dial(here)
            child.wait_connected()
            run([guantong(), "pki", "revoke", "3301", t.pki])
            up.cli("roster", "import", os.path.join(t.pki, "revoked-3301.bin"))
            self.told(child, "revoked", "REVOKED")

    def test_a_clock_ahead_and_behind(self):
        with Tree(CHAIN[:2]) as t:
            child = t["3301"]
            for days, kind in ((91, "expired"), (-2, "not-yet-valid")):
                child.stop()
                child.env = clock(days)
                child.start()
                self.told(child, kind, "clock says")

    def test_a_live_link_ends_with_its_certificates(self):
        with Tree(CHAIN[:2], start=False, config={"link": {"heartbeat": "1s"}}) as t:
            child, now = t["3301"], os.path.join(t.dir, "now")

            def at(days):
                with open(now + ".new", "w") as f:
                    f.write(f"{days:+d}d")
                os.replace(now + ".new", now)

            at(0)
            child.env = {**{k: v for k, v in clock(0).items() if k != "FAKETIME"},
                         "FAKETIME_TIMESTAMP_FILE": now, "FAKETIME_NO_CACHE": "1"}
            t.start()
            child.wait_connected()
            self.assertIsNotNone(child.status()["node"]["parent_until"])
            at(80)
            child.wait("a warning", lambda: "have it renewed" in child.log())
            self.assertTrue(child.status()["node"]["parent_up"])
            at(91)
            child.wait("the end", lambda: "dropping the link to 33" in child.log())
            self.assertRegex(child.log(), "dropping the link to 33.*certificate has expired")
            self.told(child, "expired", "certificate has expired")

    def absent(self, up, code, kind, piece):
        """All places of the parent say so of a child."""
        def of():
            rows = [c for c in up.status()["children"] if c["code"] == code and not c["up"]]
            return rows and rows[0]["fault"]["kind"] == kind and rows[0]["fault"]

        f = up.wait(f"{code} to be {kind}", of)
        self.assertIn(piece, f["why"])
        since = f"{f['since'][:10]} {f['since'][11:19]} +00:00"
        self.assertRegex(up.cli("status", "--lang", "en", env={"TZ": "UTC0"}), f"{code} is down since {re.escape(since)}: .*{re.escape(piece)}")
        self.assertIn(piece, up.http("GET", "/?lang=en").body.decode())
        return f

    def test_the_parent_says_why_a_child_is_not_linked(self):
        with Tree(CHAIN[:2]) as t, Tree(CHAIN[:2], start=False) as other:
            up, child = t["33"], t["3301"]
            child.wait_connected()
            self.assertIsNone(up.status()["children"][0]["fault"])
            # it goes by itself
            child.stop()
            self.absent(up, "3301", "lost", "the peer closed the link")
            self.assertRegex(up.log(), "link to 3301 .* is down: the peer closed the link")
            # its certificate has expired by this node's clock
            up.stop()
            up.env = clock(91)
            up.start()
            self.absent(up, "3301", "other", "not linked since this node was started")
            child.start()
            f = self.absent(up, "3301", "expired", "certificate has expired")
            self.assertIn("127.0.0.1:", f["address"])
            self.assertRegex(up.log(), 'event="?link refused"? address=127.0.0.1:\\d+ certificate="3301 [^"]+" why="certificate has expired')
            child.stop()
            up.stop()
            up.env = {}
            up.start()
            # another tree's, of a place that never was here
            stranger = other["3301"]
            stranger.configure({"parent": {"addresses": f'["127.0.0.1:{up.link_port}"]'}})
            stranger.start()
            self.told(stranger, "unknown-ca", "unknown CA")
            # revoked
            child.start()
            child.wait_connected()
            run([guantong(), "pki", "revoke", "3301", t.pki])
            up.cli("roster", "import", os.path.join(t.pki, "revoked-3301.bin"))
            self.absent(up, "3301", "revoked", "revokes")
            text = up.cli("status", "--lang", "zh-CN")
            self.assertRegex(text, "3301 已断开，自 .*吊销")

    def test_without_certificates_no_reason_is_made_up(self):
        with Tree(CHAIN[:2], insecure=True) as t:
            up, child = t["33"], t["3301"]
            child.stop()
            row = up.wait("the end", lambda: [c for c in up.status()["children"] if not c["up"]])[0]
            self.assertIsNone(row["fault"])
            self.assertNotIn("is down since", up.cli("status"))

    def test_who_was_refused_is_named(self):
        with Tree(CHAIN[:2], start=False) as t, Tree(CHAIN[:2], start=False) as other:
            up, stranger = t["33"], other["3301"]
            up.start()
            # the parent does not know its CA, but it the parent's
            with open(os.path.join(t.pki, "ca.pem")) as ours, open(os.path.join(stranger.dir, "pki/ca.pem"), "a") as theirs:
                theirs.write(ours.read())
            stranger.configure({"parent": {"addresses": f'["127.0.0.1:{up.link_port}"]'}})
            stranger.start()
            rows = up.wait("who was refused", lambda: up.status()["refused"])
            self.assertEqual((rows[0]["code"], rows[0]["kind"]), ("3301", "unknown-ca"))
            self.assertIn("refused: one who says to be 3301, from 127.0.0.1:", up.cli("status", "--lang", "en"))
            self.assertRegex(up.log(), 'certificate="3301 [^"]+" why="certificate comes from an unknown CA')

    def test_certificates_that_end_soon(self):
        with Tree(CHAIN[:2]) as t:
            child = t["3301"]

            def check(days):
                return subprocess.run([guantongd(), "-C", child.dir, "--check"], capture_output=True, text=True, timeout=PATIENCE,
                                      env=dict(os.environ, GUANTONG_LANG="en", **(clock(days) if days else {})))

            self.assertEqual((check(0).returncode, check(0).stderr), (0, ""))
            self.assertNotIn("event=certificate-expiry", child.log())
            self.assertNotIn("certs", child.cli("status", "--lang", "en"))
            run([guantong(), "pki", "renew", "--days", "10", t.pki, "3301"])
            shutil.copy(os.path.join(t.pki, "nodes/3301/cert.pem"), os.path.join(child.dir, "pki/cert.pem"))
            child.stop()
            child.start()
            self.assertIn("level=warn event=certificate-expiry", child.log())
            self.assertRegex(child.cli("status", "--lang", "en"), "certs .*renew it before")
            self.assertIn("renew it before", child.http("GET", "/?lang=en").body.decode())
            self.assertAlmostEqual(child.status()["certificate"]["seconds"], 10 * DAY, delta=DAY + 3600)
            text = child.http("GET", "/metrics").body.decode()
            left = dict(re.findall(r'guantong_certificate_expiry_seconds\{certificate="(\w+)"\} (-?\d+)', text))
            self.assertAlmostEqual(int(left["node"]), 10 * DAY, delta=DAY + 3600)
            self.assertGreater(int(left["ca"]), 90 * DAY)
            soon = check(0)
            self.assertEqual(soon.returncode, 0)
            self.assertIn("pki/cert.pem: A certificate of this node ends", soon.stderr)
            self.assertEqual(check(11).returncode, 78)
            self.assertIn("ended", check(11).stderr)
            self.assertEqual(check(-2).returncode, 78)
            self.assertIn("valid from", check(-2).stderr)


if __name__ == "__main__":
    unittest.main()
