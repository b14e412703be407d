#!/usr/bin/python3
"""gone.py FOLDER NAME: waits until a node has nothing any more that names somebody; asks
again whenever the node has changed."""
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from tree import UnixConnection, find  # noqa: E402


def ask(folder, method, path, body=None):
    c = UnixConnection(os.path.join(folder, "control.sock"), 60)
    c.request(method, path, body and json.dumps(body))
    return json.loads(c.getresponse().read())


folder, name = sys.argv[1:]
end = time.monotonic() + 120
while time.monotonic() < end:
    seen = find(ask(folder, "GET", "/admin/status"), "generation")
    if not ask(folder, "POST", "/admin/person/find", {"names": [name]})["found"]:
        break
    ask(folder, "GET", f"/admin/wait?generation={seen}&timeout_ms=1000")
else:
    sys.exit(f"{folder}: it is still there")
