#!/usr/bin/python3
"""sentences.py ROOT: what speaks English only has a row in daemon/words/texts_core.def.

Sentences are string literals with a blank or a name=%u in them; pieces side by
side are one, and a macro between them is a piece that varies. SQL is none, nor is
what an assertion says, nor what NONE lists. Single words are not asked for, but may
have a row; they are where they are given as a reason (REASON). Prints every sentence
without a row, every row without a sentence, and every row whose Chinese has not the
pieces of its English. The rest of daemon/ takes its words from daemon/words: a
literal given as a reason there is printed too. Exit status 1 if there is
one. selftest.py shows that it can fail.
"""
import glob
import os
import re
import sys

from source import literals, plain

root = sys.argv[1]
TABLE = "daemon/words/texts_core.def"
PLACES = ("proto/*.[ch]", "src/*.[ch]", "src/*/*.[ch]", "daemon/net/*.[ch]", "daemon/disk/blob*.[ch]", "daemon/disk/look.c",
          "daemon/disk/sums.c", "daemon/disk/wal.c")
# error.h has its Chinese beside its English
SKIP = {"src/base/error.h"}
# with a blank, and yet no sentence: what is signed or hashed, names, formats
NONE = {
    "guantong filter v1",
    "guantong hello v1\n%s%s%s\n%s\n%s\n",
    "guantong lineage v1\n",
    "guantong award v1\n",
    "guantong seal v1\n",
    "guantong records v1\n",
    "guantong second place v1\n",
    "guantong second document v1\n",
    "guantong pseudonym v1\n",
    "guantong counts v1\n",
    " %s=%zu",  # what became of a batch, in an audit row
    "%s %s/%llu",  # ... and the layers that asked for it
    "bulk paused",  # an audit row's subject, which people search for
    "choice sequencing",
    "%zu %s=",
    "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",  # a date of HTTP
    "documents of %s",  # as the next
    "attachments of %s",  # a name beside that of a terminal
    # heads of multipart/mixed
    "%s--%s\r\nContent-Type: %s\r\n",
    "Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: %s\r\n",
    "%s: %s",  # a path and what the system says
    " IS NULL OR (%s)",  # SQL
    "errno %d",  # what the C library has no words for
    # events of the log, which tools look for
    "parent not reached",
    "listening again",
    "cannot listen",
    "accepting paused",
    "link refused",
    "parent refused",
}

SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|WHERE|FROM|AND|ORDER BY|UNION|CASE|THEN|NOT NULL|GROUP BY|PRIMARY KEY|LIMIT|JOIN|BEGIN|PRAGMA|VALUES|ON|KEY|TRIGGER|INDEXED|BEFORE|AFTER)\b")


def is_sentence(s):
    return re.search(r"[A-Za-z%),;:.] +[A-Za-z%(]|[a-z]=%", s) and not SQL.search(s)


# A word by itself, given as a reason: to who fails or logs something, or handed to
# them by a function that says why not.
WORD = r'"((?:[^"\\\n]|\\.)*)"'
REASON = (
    re.compile(r"\b(?:stream_fail|fail_locked|links_log|gt_link_drop|gt_link_cut|gt_drop\w*|fault_\w+|gt_reader_fail)\([^;{]*?,\s*" + WORD + r"\s*\)"),
    re.compile(r'\bgt_log_line\([^;]*?"why",\s*' + WORD),
    re.compile(r"\bprepare_refused\([^,;]*,\s*" + WORD),
    re.compile(r"\bgt_(?:copy|format)\((?:\w+(?:->|\.))?why,[^,;]*,\s*" + WORD),
    re.compile(r"\bevent=[^\n]*\bwhy=([a-z]\w*)"),
)
# const char *NAME(...) { ... return "word"; ... } in files whose reasons are such
REFUSAL = re.compile(r"^(?:static )?const char \*(\w+)\([^)]*\)\n\{\n(.*?)^\}", re.M | re.S)


def reasons(text, refusals):
    """(line, literal) of what is given as a reason, however short."""
    for pattern in REASON:
        for m in pattern.finditer(text):
            yield text.count("\n", 0, m.start(1)) + 1, plain(f'"{m[1]}"')
    for m in REFUSAL.finditer(text) if refusals else ():
        for r in re.finditer(r"return " + WORD + ";", m[2]):
            yield text.count("\n", 0, m.start(2) + r.start()) + 1, plain(f'"{r[1]}"')


def worded(s):
    """Words of a language are in it: not only conversions, signs and names of files."""
    return re.search(r"[a-z]{3}", re.sub(r"^\w+: |%[-0-9.*]*(?:ll|[hlzj])?[a-zA-Z]|\S*[/.]\S*", "", s))


def conversions(s):
    return len(re.findall(r"%[-0-9.*]*(?:hh|h|ll|l|z|j)?[a-zA-Z]", s.replace("%%", "")))


said, words = {}, set()
for place in PLACES:
    for path in sorted(glob.glob(f"{root}/{place}")):
        shown = os.path.relpath(path, root)
        if shown in SKIP:
            continue
        with open(path, encoding="utf-8") as f:
            for line, s in literals(text := f.read()):
                words.add(s)
                if is_sentence(s):
                    said.setdefault(s, f"{shown}:{line}")
            for line, s in reasons(text, shown.startswith("daemon/net/")):
                if worded(s) and " " not in s:
                    said.setdefault(s, f"{shown}:{line}")

with open(f"{root}/{TABLE}", encoding="utf-8") as f:
    table = f.read()
rows, read, found = {}, 0, []
ROW = re.compile(r'^SENTENCE\(((?:\s*"(?:[^"\\\n]|\\.)*")+)\s*,((?:\s*"(?:[^"\\\n]|\\.)*")+)\s*\)$', re.M)
for m in ROW.finditer(table):
    en, zh = ("".join(plain(t) for t in re.findall(r'"(?:[^"\\\n]|\\.)*"', g)) for g in m.groups())
    where = f"{TABLE}:{table.count(chr(10), 0, m.start()) + 1}"
    read += 1
    if en in rows:
        found.append(f"{where}: there is a row for this already: {en!r}")
    rows[en] = where
    if en not in words:
        found.append(f"{where}: nobody says this any more: {en!r}")
    used = set(re.findall(r"\{(\d)\}", zh))
    if used != {str(i + 1) for i in range(conversions(en))}:
        found.append(f"{where}: the pieces of one language are not those of the other: {zh!r}")
begun = len(re.findall(r"^\s*SENTENCE\b", table, re.M))
if read < begun:
    found.append(f"{TABLE}: {begun - read} rows cannot be read")
with open(f"{root}/src/base/error.h", encoding="utf-8") as f:
    errors = {plain(m) for m in re.findall(r'X\(\w+, \d+, ("[^"]*"), "', f.read())}
found += [f"{rows[s]}: src/base/error.h has this already: {s!r}" for s in errors & rows.keys()]
for s, where in said.items():
    if s not in rows and s not in errors and s not in NONE:
        found.append(f"{where}: no row in {TABLE} for {s!r}")
spoken = {p for place in PLACES for p in glob.glob(f"{root}/{place}")}
for path in sorted(glob.glob(f"{root}/daemon/**/*.c", recursive=True)):
    if path in spoken:
        continue
    with open(path, encoding="utf-8") as f:
        for line, s in reasons(f.read(), False):
            if worded(s):
                found.append(f"{os.path.relpath(path, root)}:{line}: a reason in one language, {s!r}: take it from daemon/words/*.def")
for s in sorted(NONE):
    if s not in said:
        found.append(f"sentences.py: nobody says this any more: {s!r}")

for line in found:
    print("sentences:", line)
if found:
    sys.exit(1)
print(f"sentences ok, {len(rows)} rows")
