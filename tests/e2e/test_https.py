"""A listener's certificate is taken up when its files change, and a bad one never."""
import base64
import http.client
import os
import re
import shutil
import signal
import ssl
import subprocess
import unittest

from tree import CHAIN, PATIENCE, Tree

CERT, KEY = "pki/http-cert.pem", "pki/http-key.pem"


def der(path):
    with open(path) as f:
        return ssl.PEM_cert_to_DER_cert(re.search(r"-----BEGIN CERT.*?END CERTIFICATE-----\n", f.read(), re.S)[0])


class Https(unittest.TestCase):
    def setUp(self):
        self.tree = Tree(CHAIN[:1], start=False)
        self.addCleanup(self.tree.__exit__, None, None, None)
        self.node = self.tree["33"]
        # three pairs of one CA: the node's, and what places of its tree would have
        for code in ("3301", "3302"):
            self.make(code)
        self.node.configure({"http": {"listen_tls": "own", "staff_tls": "node"}})
        self.put("3301")

    def make(self, code, *key):
        where = os.path.join(self.tree.dir, code)
        os.mkdir(where)
        subprocess.run(["openssl", "req", "-x509", "-newkey", *(key or ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")), "-nodes", "-days",
                        "3" if code == "3302" else "90", "-subj", f"/CN={code}", "-keyout", f"{where}/key.pem",
                        "-out", f"{where}/cert.pem"], check=True, capture_output=True)

    def issued(self, code, name):
        return os.path.join(self.tree.dir, code, name)

    def own(self, name):
        return os.path.join(self.node.dir, name)

    def put(self, cert, key=None):
        """As an operator's tool does: each file at once, the certificate first."""
        for name, code, to in (("cert.pem", cert, CERT), ("key.pem", key or cert, KEY)):
            shutil.copy(self.issued(code, name), self.own(to) + ".new")
            os.rename(self.own(to) + ".new", self.own(to))

    def connect(self, port=None):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        c = http.client.HTTPSConnection("127.0.0.1", port or self.node.http_port, context=context, timeout=PATIENCE)
        c.connect()
        self.addCleanup(c.close)
        return c

    def ask(self, c):
        c.request("GET", "/healthz")
        r = c.getresponse()
        r.read()
        self.assertEqual(r.status, 200)

    def shows(self, code):
        return self.connect().sock.getpeercert(True) == der(self.issued(code, "cert.pem"))

    def reload(self):
        """Waits until it is through, as systemd does."""
        self.node.process.send_signal(signal.SIGHUP)
        self.node.ready()

    def test_taken_up_on_hup(self):
        self.node.start()
        old = self.connect()
        self.ask(old)
        self.assertTrue(self.shows("3301"))
        self.put("3302")
        self.reload()
        self.assertTrue(self.shows("3302"))
        self.ask(old)  # the connection that was there goes on
        self.assertIn("event=https door=listen", self.node.log())
        # nothing new: nothing said
        said = self.node.log().count("event=https")
        self.reload()
        self.assertEqual(self.node.log().count("event=https"), said)
        # the new one ends in three days: status, page, metrics, log
        self.assertLess(self.node.status()["https"]["listen"]["seconds"], 3 * 86400 + 60)
        self.assertIn("certs ", self.node.cli("status"))
        left = dict(re.findall(r'guantong_certificate_expiry_seconds\{certificate="(\w+)"\} (-?\d+)',
                               self.node.admin("GET", "/metrics").body.decode()))
        self.assertLess(int(left["listen"]), 3 * 86400 + 60)
        self.assertEqual(left["staff"], left["node"])
        self.node.wait("a warning", lambda: "event=certificate-expiry door=listen" in self.node.log())
        c = self.connect()
        c.request("GET", "/?lang=en")
        self.assertIn("The certificate of http.listen_tls ends", c.getresponse().read().decode())

    def test_taken_up_when_the_files_change(self):
        self.node.start()
        self.put("3302")
        self.node.wait("another certificate", lambda: self.shows("3302"))

    def test_what_cannot_be_shown_is_not_taken_up(self):
        self.node.start()
        for spoil in (lambda: self.put("3302", "3301"), lambda: os.unlink(self.own(KEY)),
                      lambda: open(self.own(CERT), "w").close()):
            self.put("3301")
            self.reload()
            said = self.node.log().count("level=error event=https door=listen")
            spoil()
            self.reload()
            self.assertEqual(self.node.log().count("level=error event=https door=listen"), said + 1)
            self.assertTrue(self.shows("3301"))
        self.put("3302")
        self.reload()
        self.assertTrue(self.shows("3302"))

    def spoil_key(self):
        """A bit of the private half alone: the public one is the certificate's."""
        with open(self.own(KEY)) as f:
            raw = bytearray(base64.b64decode("".join(f.read().split("\n")[1:-2])))
        raw[raw.index(b"\x02\x01\x01\x04\x20") + 5 + 31] ^= 4
        with open(self.own(KEY), "w") as f:
            f.write("-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(raw).decode() + "-----END PRIVATE KEY-----\n")

    def test_a_pair_no_handshake_takes(self):
        """A damaged key and a weak one: not at a reload, not at the start, and the look says so."""
        self.node.start()
        for bits in 512, 1024:
            self.make(f"weak{bits}", "rsa", "-pkeyopt", f"rsa_keygen_bits:{bits}")
        for spoil, says in ((self.spoil_key, "the key is damaged"), (lambda: self.put("weak512"), "2048 bits"),
                            (lambda: self.put("weak1024"), "2048 bits")):
            self.put("3301")
            self.reload()
            said = self.node.log().count("level=error event=https door=listen")
            spoil()
            self.reload()
            self.assertEqual(self.node.log().count("level=error event=https door=listen"), said + 1)
            self.assertIn(says, self.node.log())
            self.assertTrue(self.shows("3301"))
            p = subprocess.run([*self.node.command(), "--check"], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(p.returncode, 78)
            self.assertIn(says, p.stdout + p.stderr)
        self.node.stop()
        p = subprocess.run(self.node.command(), capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(p.returncode, 78)

    def test_no_start_with_what_a_person_must_mend(self):
        """78, which systemd does not start again (deploy/guantongd@.service)."""
        with open(os.path.join(os.path.dirname(__file__), "../../deploy/guantongd@.service")) as f:
            self.assertRegex(f.read(), r"(?m)^RestartPreventExitStatus=.*\b78\b")

        def starts(name, text):
            kept = self.own(name) + ".kept"
            os.rename(self.own(name), kept) if os.path.exists(self.own(name)) else open(kept, "w").close()
            with open(self.own(name), "w") as f:
                f.write(text)
            p = subprocess.run(self.node.command(), capture_output=True, text=True, timeout=PATIENCE)
            self.assertIn("event=cannot-start", p.stdout + p.stderr)
            self.assertEqual(p.returncode, 78, name)
            os.rename(kept, self.own(name))
        for name in (CERT, KEY, "pki/cert.pem", "pki/key.pem", "pki/ca.pem"):
            starts(name, "garbage")
        os.unlink(self.own(CERT))
        self.assertEqual(subprocess.run(self.node.command(), capture_output=True, timeout=PATIENCE).returncode, 78)

    def test_the_look_says_when_it_ends(self):
        self.put("3302")
        p = self.node.cli("config", "check", ok=False)
        self.assertIn("http.listen_tls", p.stdout + p.stderr)
        self.assertIn("ends", p.stdout + p.stderr)
        self.assertEqual(p.returncode, 0)
