#!/usr/bin/python3
"""words.py ROOT: one word for one thing, where people and programs read it.

- every event, kind and subject of an audit row that the core writes by itself has a
  word in daemon/words/words.def;
- the list of words in README.zh-CN.md has each of them, as `key` and its word, and
  none that is not there;
- every command that a sentence of the tables advises, and that works on a node, says
  on which: `guantong -C DIR status` (daemon/words/say.h), or -C and what stands for
  the folder of another one.
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

# the commands that ask a node, or read what is in its folder
node = set()
for path in glob.glob("daemon/cli/cli.c", root_dir=root):
    node = set(re.findall(r'^        \{"([a-z]+)", "[^"]*", GT_T_CLI_A_', read(path), re.M)) - {"init", "pki", "version"}
ADVICE = re.compile(r"guantong ([a-z]+)([^`，。；）;,.)]*)")
for path in ("texts.def", "texts_cli.def", "texts_http.def", "texts_core.def"):
    # what programs before this one said is as it was
    table = re.sub(r'^EARLIER\("[^"]*"', "", read(f"daemon/words/{path}"), flags=re.M)
    for m in ADVICE.finditer(re.sub(r'"\s*"', "", table)):
        # its help needs no node, nor does a policy that lies in a file
        if m[1] in node and not m[2].startswith((" --help", " check FILE", " check 文件")):
            found.append(f"daemon/words/{path}: without -C DIR: {m[0].strip()}")
if len(node) < 10:
    found.append("daemon/cli/cli.c: where are the commands?")

for line in found:
    print("words:", line)
if found:
    sys.exit(1)
print(f"words ok, {len(words)} of them")
