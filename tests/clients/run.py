#!/usr/bin/python3
"""run.py [MODULES]: real clients of xAPI against a node that it starts: @xapi/xapi in
Node.js; @digitalbazaar/vc, which checks certificates; TinCanJS, ADL's xAPIWrapper and @xapi/cmi5 in Chromium, on a page of another
origin. MODULES is a folder of Node.js modules; without it they are installed by npm
into build/clients. Each flow is a line; ends with "N passed, N failed", or with 2 where
there are no modules.

The clients are programs of their own, and none of them is part of this tree."""
import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, "e2e"), os.path.join(TESTS, "browser")]
from test_records import post, statement  # noqa: E402
from tree import CHAIN, ROOT, Tree  # noqa: E402

OWN = os.path.join(ROOT, "build/clients")
# what a page loads, and where it lies among the modules
BROWSER = {
    "tincan": "tincanjs/build/tincan.js",
    "wrapper": "xAPIWrapper/dist/xapiwrapper.min.js",
    "cmi5": "@xapi/cmi5/dist/Cmi5.umd.js",
}
COURSE = "https://courses.example.cn/cmi5/1"
LEARNER = {"objectType": "Agent", "account": {"homePage": "https://school.example.cn", "name": "1001"}}


def modules(given):
    """The folder they are in. Ends the program where there is none."""
    if given:
        folder = os.path.abspath(given)
        if os.path.basename(folder) != "node_modules" and os.path.isdir(os.path.join(folder, "node_modules")):
            folder = os.path.join(folder, "node_modules")
    else:
        folder = os.path.join(OWN, "node_modules")
        if not os.path.isdir(os.path.join(folder, "@xapi/xapi")):
            install()
    if not os.path.isfile(os.path.join(folder, "@xapi/xapi/package.json")):
        print(f"clients: {folder} has no @xapi/xapi: give a folder of Node.js modules as MODULES=DIR "
              "(tests/package.json says which), or let npm reach its registry", file=sys.stderr)
        raise SystemExit(2)
    return folder


def install():
    os.makedirs(OWN, exist_ok=True)
    shutil.copy(os.path.join(TESTS, "package.json"), OWN)
    try:
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--fetch-retries=0"],
                              cwd=OWN, timeout=600).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        done = False
    if not done:
        print("clients: npm cannot install what tests/package.json names: give a folder that has it as MODULES=DIR",
              file=sys.stderr)
        raise SystemExit(2)


class Pages(http.server.BaseHTTPRequestHandler):
    """A page for each client: the library, the flows, and what it is to know."""

    def __init__(self, folder, where, *rest):
        self.folder, self.where = folder, where
        super().__init__(*rest)

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        name = path.strip("/")
        if name in BROWSER:
            kind, body = "text/html", self.page(name).encode()
        elif path.startswith("/modules/") and path[9:] in BROWSER.values():
            kind, body = "text/javascript", read(os.path.join(self.folder, path[9:]))
        elif path.startswith("/flows/") and "/" not in path[7:]:
            kind, body = "text/javascript", read(os.path.join(HERE, path[7:]))
        else:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Type", kind + "; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def page(self, name):
        return (f"<!doctype html><meta charset=utf-8><title>{name}</title><script>window.where = "
                f"{json.dumps(self.where)}</script><script src=/flows/flow.js></script>"
                f"<script src=/modules/{BROWSER[name]}></script><script src=/flows/{name}.js></script>")

    def log_message(self, *a):
        pass


def read(path):
    with open(path, "rb") as f:
        return f.read()


def in_browser(browser, name, url):
    from chromium import Failed
    try:
        page = browser.open(url)
        return page.run("window.flows ? flow.run(window.flows) : Promise.resolve(['not ok ' + document.title + "
                        "': it did not load'])")
    except Failed as e:
        return [f"not ok {name}: {str(e)[:300]}"]


def tell(client, lines):
    print(f"== {client}")
    for line in lines:
        print("  " + line)
    good = sum(line.startswith("ok ") for line in lines)
    print(f"  {client}: {good}/{len(lines)}")
    return good, len(lines) - good


def launched(node, origin):
    """What a course is launched with, as its page is to know it."""
    said = node.cli_json("credential", "launch", "--activity", COURSE, "--agent", json.dumps(LEARNER), "--url", origin + "/cmi5",
                         "--mastery-score", "0.5", "--move-on", "CompletedAndPassed", "--endpoint",
                         f"http://127.0.0.1:{node.http_port}")
    return said


def browse(node, folder, secret):
    from chromium import Browser
    where = {"endpoint": f"http://127.0.0.1:{node.http_port}/xapi", "name": "client", "secret": secret}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Pages, folder, where))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    sums = []
    with Browser() as browser:
        for name, path in BROWSER.items():
            if not os.path.isfile(os.path.join(folder, path)):
                print(f"== {name}\n  left out: there is no {path}")
                continue
            url = origin + "/" + name
            if name == "cmi5":
                said = launched(node, origin)
                where["session"], url = said["session"], said["url"]
            sums.append(tell(name, in_browser(browser, name, url)))
    server.shutdown()
    return sums


def certificates(node, folder):
    """Issued here, checked by a library that is not ours."""
    if not os.path.isdir(os.path.join(folder, "@digitalbazaar/vc")):
        print("== @digitalbazaar/vc\n  left out: there is no @digitalbazaar/vc")
        return []
    sent = [statement(i) for i in range(2)]
    assert post(node, sent).status == 200
    one, two = (node.cli_json("certificate", "issue", s["id"], "--name", "李明") for s in sent)
    altered = json.loads(json.dumps(one))
    altered["credentialSubject"]["achievement"]["name"] = "Rockets"
    before = node.cli_json("certificate", "list")
    node.cli("certificate", "revoke", two["id"], "--why", "a test")
    told = json.dumps({"genuine": one, "altered": altered, "revoked": two, "before": before,
                       "after": node.cli_json("certificate", "list")})
    p = subprocess.run(["node", os.path.join(HERE, "certificate.mjs"), folder], input=told, capture_output=True, text=True,
                       timeout=120)
    return [tell("@digitalbazaar/vc", (p.stdout or "not ok vc: " + p.stderr[:900]).splitlines())]


def main():
    folder = modules(sys.argv[1] if len(sys.argv) > 1 else "")
    with Tree(CHAIN[:1]) as t:
        node = t[CHAIN[0]]
        secret = node.cli_json("credential", "add", "client")["secret"]
        seals = certificates(node, folder)
        # a page from elsewhere hands in only where everybody names himself
        node.cli("credential", "rm", "anonymous")
        p = subprocess.run(["node", os.path.join(HERE, "xapi.js"), f"http://127.0.0.1:{node.http_port}/xapi", "client", secret],
                           env=dict(os.environ, NODE_PATH=folder, NO_PROXY="127.0.0.1"), capture_output=True, text=True,
                           timeout=300)
        sums = seals + [tell("@xapi/xapi", (p.stdout or "not ok xapi: " + p.stderr[:600]).splitlines())]
        if shutil.which("chromium"):
            sums += browse(node, folder, secret)
        else:
            print("no Chromium here: what runs in a browser is left out")
    good, bad = (sum(s[i] for s in sums) for i in (0, 1))
    print(f"{good} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
