#!/usr/bin/python3
"""words.py ROOT: one word for one thing, where people and programs read it.

- every event, kind and subject of an audit row that the core writes by itself has a
  word in daemon/words/words.def;
- the list of words in README.zh-CN.md has each of them, as `key` and its word, and
  none that is not there.
Prints what is not so; exit status 1 if there is something. selftest.py shows that
it can fail.
"""
import glob
import re
import sys

from source import plain

root = sys.argv[1]
TABLE, README = "daemon/words/words.def", "README.zh-CN.md"
found = []


def read(path):
    with open(f"{root}/{path}", encoding="utf-8") as f:
        return f.read()


texts = {}
for path in ("texts.def", "texts_cli.def", "texts_http.def"):
    for m in re.finditer(r'^TEXT\((\w+), ("(?:[^"\\\n]|\\.)*"), ("(?:[^"\\\n]|\\.)*")\)$', read(f"daemon/words/{path}"), re.M):
        texts[m[1]] = (plain(m[2]), plain(m[3]))
words = {}
for key, text in re.findall(r'^WORD\("([^"]+)", (\w+)\)$', read(TABLE), re.M):
    if text in texts:
        words[key] = texts[text][1]
    else:
        found.append(f"{TABLE}: there is no text {text}")

for path in sorted(glob.glob("src/**/*.c", root_dir=root, recursive=True)):
    for key in re.findall(r'\.(?:event|kind|subject) = (?:\w+ \? )?"([a-z -]+)"', read(path)):
        if key not in words:
            found.append(f"{path}: no word in {TABLE} for {key!r}")

listed = dict(re.findall(r"`([a-z -]+)` ([^ `，。|]+)", read(README).split("\n## 词汇对照\n")[-1].split("\n## ")[0]))
for key, word in words.items():
    if listed.get(key) != word:
        found.append(f"{README}: the list of words has not: `{key}` {word}")
for key in listed.keys() - words.keys():
    found.append(f"{README}: the list of words has `{key}`, which {TABLE} has not")

for line in found:
    print("words:", line)
if found:
    sys.exit(1)
print(f"words ok, {len(words)} of them")
