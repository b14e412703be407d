"""What a package can do in a real browser, and what it cannot: on the content listener its own files are all
one origin's; the pages for learners and for staff are none of its business."""
import json
import os
import shutil
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from chromium import Browser  # noqa: E402
from tree import CHAIN, Tree  # noqa: E402

JQUERY = "/usr/share/javascript/jquery/jquery.min.js"  # Debian's, which packages bring a copy of
PDF_VIEWER = "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai/"


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = Tree(CHAIN[:1])
        cls.node = cls.tree["33"]
        cls.node.publish("33/all", os.path.join(HERE, "package"))
        for name, to in (("jquery", "."), ("player", "Lesson-1.0")):
            folder = os.path.join(cls.tree.dir, name)
            shutil.copytree(os.path.join(HERE, name), folder)
            shutil.copy(JQUERY, os.path.join(folder, to))
            cls.node.publish(f"33/{name}", folder)
        cls.content = f"http://127.0.0.1:{cls.node.content_port}"
        cls.learner = f"http://127.0.0.1:{cls.node.http_port}"
        cls.staff = f"http://127.0.0.1:{cls.node.staff_port}"
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__(None, None, None)
        cls.tree.__exit__(None, None, None)

    def open(self, path="index.html", of="all"):
        return self.browser.open(f"{self.content}/c/33/{of}/{path}")

    def test_every_kind_of_embedding(self):
        page = self.open("embed.html")
        for name in ("iframe", "frame-1", "frame-2", "object", "embed"):
            self.assertEqual(page.run(f"heard('{name}')"), "true", name)
        # each of the three is given a viewer
        viewers = [t for t in self.browser.targets() if t["url"].startswith(PDF_VIEWER)]
        while len(viewers) < 3:
            self.browser.event(lambda m: m["method"].startswith("Target.target"))
            viewers = [t for t in self.browser.targets() if t["url"].startswith(PDF_VIEWER)]
        self.assertEqual(page.run("document.getElementById('picture').naturalWidth"), 8)

    def test_its_files_are_its_own(self):
        page = self.open("data.json")
        page.go(f"{self.content}/c/33/all/")  # starts without being told
        self.assertEqual(page.run("location.pathname"), "/c/33/all/index.html")
        self.assertEqual(page.run("fetch('data.json').then(r => r.json()).then(d => d.lesson)"), "第一课")
        self.assertEqual(page.run("import('./module.mjs').then(m => m.value)"), 7)
        self.assertEqual(page.run("new Promise(yes => { const w = new Worker('worker.js');"
                                  " w.onmessage = e => yes(e.data); w.postMessage(1); })"), "part of 第一课")
        self.assertEqual(page.run("localStorage.setItem('a', '1'), localStorage.getItem('a')"), "1")
        self.assertTrue(page.run("new Promise((yes, no) => { const r = indexedDB.open('x');"
                                 " r.onsuccess = () => yes(true); r.onerror = no; })"))
        self.assertEqual(page.run("const c = document.createElement('canvas').getContext('2d');"
                                  " c.drawImage(document.getElementById('picture'), 0, 0);"
                                  " Array.from(c.getImageData(1, 1, 1, 1).data).join()"), "255,0,0,255")
        # a frame that is nobody's asks first (405 before)
        said = page.run("new Promise(yes => { addEventListener('message', e => e.data.alone && yes(e.data));"
                        " const f = document.createElement('iframe'); f.sandbox = 'allow-scripts';"
                        " f.src = 'alone.html'; document.body.append(f); })")
        self.assertEqual(said, {"alone": "第一课", "origin": "null"})

    def test_its_own_jquery(self):
        """The true one, of which getJSON got 405 for its question beforehand."""
        page = self.open(of="jquery")
        self.assertRegex(page.run("$.fn.jquery"), r"^\d+\.\d+")
        for ask in ("$.getJSON('data.json')", "$.ajax({url: 'data.json', dataType: 'json', headers: {'X-Course': '1'}})",
                    "$.getJSON('/c/33/jquery/data.json', {version: 1})"):
            self.assertEqual(page.run(f"Promise.resolve({ask}).then(d => d.lesson, x => 'refused ' + x.status)"), "第一课", ask)
        self.assertEqual(page.run("new Promise(yes => $('#here').load('part.html #part', () => yes($('#here').text())))"), "第二课")
        self.assertEqual(page.run("Promise.resolve($.getScript('more.js')).then(() => asked)"), 1)
        said = page.run("new Promise(yes => { addEventListener('message', e => e.data.alone && yes(e.data));"
                        " $('<iframe sandbox=\"allow-scripts\" src=\"alone.html\">').appendTo('body'); })")
        self.assertEqual(said, {"alone": "第一课", "origin": "null"})
        # what is not its own stays out of reach, whatever it sends along
        for url in (f"{self.learner}/api/resources", f"{self.staff}/metrics"):
            self.assertEqual(page.run(f"Promise.resolve($.ajax({{url: '{url}', headers: {{'X-Course': '1'}}}}))"
                                      ".then(() => 'reached', () => 'refused')"), "refused", url)

    def test_a_player_in_a_frame_without_address(self):
        """What players of H5P do, with a frame that is written and one that is given its text."""
        page = self.open(of="player")
        for written in ("true", "false"):
            said = page.run(f"play({written})")
            self.assertEqual({k: said[k] for k in ("text", "width", "color", "state", "height")},
                             {"text": "第一课", "width": 8, "color": "rgb(1, 2, 3)", "state": "1", "height": "234px"}, written)

    def test_legacy_text(self):
        page = self.open("legacy.html")
        self.assertEqual(page.run("document.body.textContent.trim() + said"), "课程表第一讲")
        page.go(f"{self.content}/c/33/all/legacy.txt")
        self.assertEqual(page.run("document.body.textContent.trim()"), "学习资源")

    def test_learners_open_it(self):
        page = self.browser.open(f"{self.learner}/r/33/all?lang=zh-CN")
        page.go(page.run("document.querySelector('a.button').href"))
        self.assertEqual(page.run("location.href"), f"{self.content}/c/33/all/index.html")
        self.assertEqual(page.run("document.querySelector('p').textContent"), "第一课")

    def test_cookies_it_sets(self):
        """They are the host's, whatever the port: they give nothing anywhere, and however many they
        are, the pages of learners and of staff are there at the second try."""
        with Browser() as browser:
            page = browser.open(f"{self.content}/c/33/all/index.html")
            page.run("document.cookie = 'session=operator; path=/'")
            for origin in (self.learner, self.staff):
                page.go(origin + "/healthz")
                self.assertEqual(page.run("document.cookie"), "session=operator")
            sent = {"Cookie": "session=operator", "X-Experience-API-Version": "2.0.0"}
            for path, port in (("/xapi/statements", self.node.http_port), ("/admin/status", self.node.staff_port)):
                said = self.node.http("GET", path, headers=sent, port=port)
                self.assertIn(said.status, (401, 403))
                self.assertIsNone(said.headers["Set-Cookie"])
            page.go(f"{self.content}/c/33/all/index.html")
            size = page.run("(() => { for (let i = 0; i < 300; i++) document.cookie = 'b' + i + '=' + 'x'.repeat(4000)"
                            " + '; path=/'; return document.cookie.length })()")
            self.assertGreater(size, 600000)
            for url, text in ((f"{self.learner}/?lang=en", "Resources"), (f"{self.staff}/metrics", "guantong_info"),
                              (f"{self.content}/c/33/all/index.html", "第一课")):
                page.go(url)
                for _ in range(2):
                    page.go(url)
                    self.assertIn(text, page.run("document.body.textContent"))
                    self.assertEqual(page.run("document.cookie.length"), size)

    def test_it_hands_in_records(self):
        """As the libraries of courses do: with headers that a browser asks leave for."""
        page = self.open()
        learner = f"{self.learner}/xapi"
        call = ("fetch({url}, {{method: '{method}', headers: {{'X-Experience-API-Version': '2.0.0', 'Content-Type':"
                " 'application/json', 'If-None-Match': '*'}}, body: {body}}}).then(async r => [r.status, r.headers.get("
                "'X-Experience-API-Version'), r.headers.get('X-Experience-API-Consistent-Through') !== null, await r.text()])")
        sid = "12345678-1234-4234-8234-1234567890ab"
        body = json.dumps(json.dumps({
            "actor": {"mbox": "mailto:learner@example.cn"}, "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
            "object": {"id": "https://xuexi.example.cn/33/all"}}))
        self.assertEqual(page.run(call.format(url=json.dumps(f"{learner}/statements?statementId={sid}"), method="PUT",
                                              body=body)), [204, "2.0.0", True, ""])
        self.assertEqual([r["id"] for r in self.node.records()], [sid])
        # what is refused can be read, too; and nothing is read without a credential
        self.assertEqual(page.run(call.format(url=json.dumps(f"{learner}/statements"), method="POST",
                                              body="'{'"))[:3], [400, "2.0.0", True])
        self.assertEqual(page.run(f"fetch('{learner}/statements', {{headers: {{'X-Experience-API-Version': '2.0.0'}}}})"
                                  ".then(r => r.status)"), 401)
        # a page from elsewhere hands in nothing: it is another origin by its name alone
        other = self.browser.open(f"http://localhost:{self.node.staff_port}/healthz")
        self.assertIn(other.run(call.format(url=json.dumps(f"{learner}/statements"), method="POST", body=body)
                                + ".then(r => r[0], () => 'refused')"), (401, "refused"))
        self.assertEqual(len(self.node.records()), 1)

    def test_it_reaches_no_other_page(self):
        page = self.open()
        for origin, paths in ((self.learner, ("/", "/r/33/all", "/api/resources", "/healthz")),
                              (self.staff, ("/", "/metrics", "/admin/status"))):
            for path in paths:
                url = json.dumps(origin + path)
                self.assertEqual(page.run(f"fetch({url}).then(() => 'reached', () => 'refused')"), "refused", url)
                self.assertEqual(page.run(f"fetch({url}, {{mode: 'no-cors', method: 'POST', body: '1'}})"
                                          ".then(() => 'reached', () => 'refused')"), "refused", url)
                for element, attribute in (("img", "src"), ("script", "src")):
                    self.assertEqual(page.run(f"new Promise(yes => {{ const e = document.createElement('{element}');"
                                              f" e.onload = () => yes('reached'); e.onerror = () => yes('refused');"
                                              f" e.{attribute} = {url}; document.body.append(e); }})"), "refused", url)
            url = json.dumps(origin + "/")
            # neither in a frame, nor behind a window that it opened
            self.assertEqual(page.run(f"new Promise(yes => {{ const f = document.createElement('iframe'); f.src = {url};"
                                      " f.onload = () => { try { yes(f.contentWindow.document.title) }"
                                      " catch (e) { yes(e.name) } }; document.body.append(f); })"), "SecurityError")
            self.assertEqual(page.run(f"new Promise(yes => {{ const w = open({url}); if (!w) return yes('SecurityError');"
                                      " const look = () => { try { if (w.location.href === 'about:blank')"
                                      " return setTimeout(look, 10); yes(w.document.title) } catch (e) { yes(e.name) } };"
                                      " look(); })"), "SecurityError")
            self.assertNotIn(origin + "/", page.frames())
            # a form is not sent
            self.assertEqual(page.run("new Promise(yes => { addEventListener('securitypolicyviolation',"
                                      " e => e.effectiveDirective === 'form-action' && yes('refused'));"
                                      f" const f = document.createElement('form'); f.action = {url}; f.method = 'post';"
                                      " document.body.append(f); f.submit(); })"), "refused")
        # nor does one come to stand between it and us, who would leave the policy out
        self.assertEqual(page.run("navigator.serviceWorker.register('service.js').then(() => 'there', () => 'refused')"),
                         "refused")


if __name__ == "__main__":
    unittest.main()
