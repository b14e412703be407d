"""Debian's Chromium, driven over the pipe of its DevTools protocol: JSON ended by a
zero byte, in by descriptor 3, out by 4. No port, no other process, nothing but
Python's standard library."""
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PATIENCE = 60  # s: what has not come by then does not come


class Failed(Exception):
    pass


class Browser:
    """with Browser() as b: page = b.open(url)"""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="gt-chromium-")
        to, self.out = os.pipe()
        self.inp, back = os.pipe()
        # the browser asks for 3 and 4; what is ours must not be in the way
        to, back = (self.above(fd) for fd in (to, back))

        def place():
            os.dup2(to, 3)
            os.dup2(back, 4)

        args = ["chromium", "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check",
                "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--disable-extensions-except=", "--mute-audio", "--user-data-dir=" + self.home,
                # all of it is on loopback, and root, as which tests may run, has no sandbox
                "--no-proxy-server", "--no-sandbox", "about:blank"]
        env = dict(os.environ, HOME=self.home, DBUS_SESSION_BUS_ADDRESS="disabled:")
        self.process = subprocess.Popen(args, env=env, preexec_fn=place, pass_fds=(3, 4), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(to)
        os.close(back)
        self.buffer, self.asked = b"", 0
        self.events = []
        self.ask("Target.setDiscoverTargets", {"discover": True})

    @staticmethod
    def above(fd):
        """The same, not one of the standard five."""
        low = []
        while fd < 5:
            low.append(fd)
            fd = os.dup(fd)
        for f in low:
            os.close(f)
        return fd

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.ask("Browser.close", {})
            self.process.wait(10)
        except (Failed, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.out)
        os.close(self.inp)
        shutil.rmtree(self.home, ignore_errors=True)

    # ------------------------------------------------------------------ the pipe

    def receive(self, end):
        """The next message."""
        while b"\0" not in self.buffer:
            if not select.select([self.inp], [], [], max(0, end - time.monotonic()))[0]:
                raise Failed("the browser says nothing")
            piece = os.read(self.inp, 1 << 20)
            if not piece:
                raise Failed("the browser has ended")
            self.buffer += piece
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, params, session=None):
        self.asked += 1
        message = {"id": self.asked, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        end = time.monotonic() + PATIENCE
        while True:
            m = self.receive(end)
            if m.get("id") == self.asked:
                if "error" in m:
                    raise Failed(f"{method}: {m['error']['message']}")
                return m["result"]
            self.events.append(m)

    def event(self, matches):
        """The first event, of those that came or come, for which it is true."""
        end = time.monotonic() + PATIENCE
        while True:
            for i, m in enumerate(self.events):
                if matches(m):
                    return self.events.pop(i)
            self.events.append(self.receive(end))

    def targets(self):
        return self.ask("Target.getTargets", {"filter": [{}]})["targetInfos"]

    def open(self, url):
        """A new tab that has loaded it."""
        target = self.ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, session, target)
        page.ask("Page.enable")
        page.ask("Runtime.enable")
        page.go(url)
        return page


class Page:
    def __init__(self, browser, session, target):
        self.browser, self.session, self.target = browser, session, target

    def ask(self, method, **params):
        return self.browser.ask(method, params, self.session)

    def go(self, url):
        self.ask("Page.navigate", url=url)
        self.browser.event(lambda m: m.get("sessionId") == self.session and m["method"] == "Page.loadEventFired")

    def run(self, script):
        """The value of an expression, or what its promise comes to."""
        r = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in r:
            raise Failed(json.dumps(r["exceptionDetails"])[:2000])
        return r["result"].get("value")

    def frames(self):
        """[url] of all frames, the page's own first."""
        def walk(f):
            yield f["frame"]["url"]
            for c in f.get("childFrames", ()):
                yield from walk(c)

        return list(walk(self.ask("Page.getFrameTree")["frameTree"]))
