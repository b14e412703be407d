#!/usr/bin/python3
"""publish.py GUANTONG DIR CATALOGUE CONTENT: publishes every resource of a
catalogue, one `guantong publish` each, from the folder it names."""
import json
import os
import subprocess
import sys

guantong, node, catalogue, content = sys.argv[1:5]
with open(catalogue) as f:
    entries = [json.loads(line) for line in f]
for e in entries:
    args = [guantong, "-C", node, "publish", "--id", e["id"], "--type", e["type"], "--licence", e["licence"]]
    for lang, text in e["title"].items():
        args += ["--title", f"{lang}={text}"]
    for lang, text in e["description"].items():
        args += ["--description", f"{lang}={text}"]
    for option, key in (("subject", "subjects"), ("audience", "audiences"), ("language", "languages"),
                        ("region", "regions"), ("keyword", "keywords")):
        for value in e[key]:
            args += ["--" + option, value]
    if e.get("start"):
        args += ["--start", e["start"]]
    folder = os.path.join(content, e["content"])
    r = subprocess.run([*args, folder], capture_output=True, text=True)
    if r.returncode != 0:
        sys.exit(f"{e['id']}: {r.stdout}{r.stderr}")
    files = [os.path.join(d, n) for d, _, names in os.walk(folder) for n in names]
    size = sum(os.path.getsize(p) for p in files)
    print(f"  {e['id']:24} {e['type']:10} {len(files):5} files {size:12,} bytes  for {', '.join(e['audiences'])}")
