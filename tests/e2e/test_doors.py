"""The listeners of a node: learners, content, staff."""
import json
import os
import re
import socket
import ssl
import unittest

from tree import CHAIN, PATIENCE, Tree, free_http_ports, guantong, make_files, release_ports, run

GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = (b"POST /xapi/statements HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Experience-API-Version: 2.0.0\r\n"
        b"Content-Type: application/json\r\n")
CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SAID = (b'{"actor":{"mbox":"mailto:a@b.cn"},"verb":{"id":"http://a.b/c"},"object":{"id":"http://a.b/d"}}')
# what came before the other end was closed, and how many answers that is worth
CUT = [
    (b"", 0),
    (b"GET / HT", 0),
    (b"GET / HTTP/1.1\r\n", 0),
    (b"GET / HTTP/1.1\r\nHos", 0),
    (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", 0),
    (POST + b"Content-Length: 94\r\n\r\n", 0),
    (POST + b"Content-Length: 94\r\n\r\n{", 0),
    (CHUNKS, 0),
    (CHUNKS + b"5e", 0),
    (CHUNKS + b"5e\r\n{", 0),
    (CHUNKS + b"5e\r\n" + SAID, 0),
    (CHUNKS + b"5e\r\n" + SAID + b"\r\n", 0),
    (CHUNKS + b"5e\r\n" + SAID + b"\r\n0\r\n", 0),
    (GET, 1),
    (GET + GET, 2),
    (POST + b"Content-Length: 94\r\n\r\n" + SAID, 1),
    (CHUNKS + b"5e\r\n" + SAID + b"\r\n0\r\n\r\n", 1),
    (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 1),
    (b"GET /healthz HTTP/1.0\r\n\r\n", 1),
]


def ports_of(node):
    with open(os.path.join(node.dir, "run.json")) as f:
        return json.load(f)


class Doors(unittest.TestCase):
    def test_each_has_what_is_its_own(self):
        with Tree(CHAIN[:1]) as t:
            node = t["33"]
            make_files(os.path.join(t.dir, "ke"), {"x.html": 9})
            node.cli("publish", "--id", "ke", "--type", "course", "--title", "en=k", "--start", "x.html", t.dir + "/ke")
            ports = ports_of(node)
            self.assertEqual(ports["http"], node.http_port)
            self.assertEqual(ports["content"], node.content_port)
            self.assertEqual(ports["staff"], node.staff_port)
            path = "/c/33/ke/x.html"
            self.assertEqual(len(node.http("GET", path).body), 9)
            sent_on = node.http("GET", path, headers={"Host": "127.0.0.1:1"}, port=node.http_port)
            self.assertEqual(sent_on.status, 302)
            self.assertEqual(sent_on.headers["Location"], f"http://127.0.0.1:{node.content_port}{path}")
            for path in ("/", "/xapi/statements", "/metrics", "/admin/status", "/healthz"):
                self.assertEqual(node.http("GET", path, port=node.content_port).status, 404, path)
            for path in ("/metrics", "/admin/status"):
                self.assertEqual(node.http("GET", path, port=node.http_port).status, 404, path)
            self.assertEqual(node.http("GET", "/metrics").status, 200)
            # who has no role for it is refused there, and nothing is told
            self.assertIn(node.http("GET", "/admin/status", port=node.staff_port).status, (401, 403))

    def test_a_configuration_that_names_one_listener(self):
        with Tree(CHAIN[:1], start=False) as t:
            node = t["33"]
            release_ports(node.http_port, node.content_port, node.staff_port)
            node.http_port, node.content_port, node.staff_port = free_http_ports()
            path = os.path.join(node.dir, "guantong.yaml")
            with open(path) as f:
                lines = [line for line in f if not line.startswith(("  content:", "  staff:"))]
            with open(path, "w") as f:
                f.writelines(lines)
            node.configure({"http": {"listen": f'"127.0.0.1:{node.http_port}"'}})
            node.start()
            self.assertEqual(ports_of(node)["content"], node.http_port + 1)
            self.assertEqual(ports_of(node)["staff"], node.http_port + 10)
            self.assertIn(f"event=http-listen door=content address=127.0.0.1:{node.http_port + 1}", node.log())
            self.assertEqual(node.http("GET", "/metrics").status, 200)

    def test_heads_and_bodies_have_an_end(self):
        with Tree(CHAIN[:1], config={"http": {"head_time": "1s", "body_time": "2s"}}) as t:
            node = t["33"]
            head = b"POST /xapi/statements HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Experience-API-Version: 2.0.0\r\n"
            for sent, drip in ((head, b"X"), (head + b"Content-Length: 1000000\r\n\r\n", b" ")):
                with socket.create_connection(("127.0.0.1", node.http_port)) as s:
                    s.sendall(sent)
                    s.settimeout(0.1)
                    while True:  # until it is hung up on, whatever it sends
                        try:
                            s.sendall(drip)
                            if not s.recv(4096):
                                break
                        except TimeoutError:
                            continue
                        except OSError:
                            break
            node.wait("both in the log", lambda: node.log().count("event=http-crowd door=listen") >= 1)
            metrics = node.http("GET", "/metrics").body.decode()
            self.assertIn('guantong_http_late_head_total{door="listen"} 1\n', metrics)
            self.assertIn('guantong_http_late_body_total{door="listen"} 1\n', metrics)

    def dial(self, port, tls):
        s = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            s = context.wrap_socket(s)
        return s

    def close_ends(self, port, tls):
        """All of CUT, with the end right behind what was sent and long after it."""
        all_of_it = []
        for late in False, True:
            for sent, answers in CUT:
                s = self.dial(port, tls)
                s.sendall(sent)
                fd = socket.socket(fileno=os.dup(s.fileno()))  # of TCP alone: no word of TLS
                all_of_it.append((sent, answers, s, fd))
                if not late:
                    fd.shutdown(socket.SHUT_WR)
        for sent, answers, s, fd in all_of_it:
            with s, fd:
                if fd.fileno() >= 0:
                    try:
                        fd.shutdown(socket.SHUT_WR)
                    except OSError:  # ended already
                        pass
                got = b""
                while some := s.recv(65536):
                    got += some
                self.assertEqual(len(re.findall(rb"HTTP/1\.[01] [0-9]{3} ", got)), answers, (tls, sent, got))

    def test_who_leaves_amid_a_request(self):
        """All that came whole is answered, once; the rest ends at once, far from the time it
        may take, and is counted."""
        http = {"head_time": "300s", "body_time": "300s", "listen_tls": "off"}
        cut = [sent for sent, answers in CUT if not answers]
        with Tree(CHAIN[:1], config={"http": http}) as t:
            node = t["33"]
            for tls in False, True:  # over TLS, who has sent no whole line may not have asked
                amid = 2 * sum(1 for sent in cut if sent.count(b"\n") >= tls and sent)
                self.close_ends(node.http_port, tls)
                node.wait("all counted", lambda: 'guantong_http_left_total{door="listen"} %d\n' % amid
                          in node.http("GET", "/metrics").body.decode())
                metrics = node.http("GET", "/metrics").body.decode()
                for late in "head", "body":
                    self.assertIn('guantong_http_late_%s_total{door="listen"} 0\n' % late, metrics)
                self.assertEqual(len(node.records()), (4, 8)[tls])
                node.stop()
                node.configure({"http": {"listen_tls": "node"}})
                node.start()

    def test_another_name_is_told_apart(self):
        with Tree(CHAIN[:1], config={"http": {"names": "[xuexi.example.cn]"}}) as t:
            node = t["33"]
            for host, status in (("xuexi.example.cn", 200), ("evil.example", 421), ("localhost:1", 200)):
                self.assertEqual(node.http("GET", "/healthz", headers={"Host": host}).status, status, host)

    def test_init_writes_all_three(self):
        def init(*args):
            with Tree([], start=False) as t:
                run([guantong(), "init", "--code", "33", *args, t.dir + "/n"])
                with open(t.dir + "/n/guantong.yaml") as f:
                    text = f.read()
            http = text[text.index("\nhttp:") :]
            return [
                next(line.split(": ", 1)[1] for line in http.splitlines() if line.startswith(f"  {key}:"))
                for key in ("listen", "content", "staff")
            ]

        self.assertEqual(init(), ["127.0.0.1:8080", "127.0.0.1:8081", "127.0.0.1:8090"])
        self.assertEqual(init("--http", "0.0.0.0:80"), ["0.0.0.0:80", "0.0.0.0:81", "127.0.0.1:90"])
        self.assertEqual(init("--content", "off", "--staff", "0.0.0.0:9"), ["127.0.0.1:8080", "off", "0.0.0.0:9"])


if __name__ == "__main__":
    unittest.main()
