"""atomics.py: what threads share without a lock is listed, with why that suffices.

x86 hides most mistakes in the order of memory, and so does an emulator that runs
on it; arm64 does not. So each atomic variable is a row of the table in
tests/README.md, | `file` | `name` | order | why |, and each row is a variable.
Pointers to one are not counted.
"""
import re

from source import code, text

LIST = "tests/README.md"
ROW = re.compile(r"^\| `((?:proto|src|daemon)/[\w./]+)` \| ((?:`\w+`(?:, )?)+) \|")
DECLARED = re.compile(r"(?:\b_Atomic\s*\([^()]*\)|\b_Atomic\s+\w+|\batomic_(?:bool|\w*(?:char|short|int|long)|size_t|\w+_t)\b)\s+(\w+(?:\s*=[^,;]*)?(?:\s*,\s*\w+)*)\s*;")


def listed(tree):
    """{(file, name): line} of the table."""
    rows = {}
    for n, line in enumerate(text(tree.at(LIST)).split("\n"), 1):
        m = ROW.match(line)
        if m:
            rows.update({(m[1], name): n for name in re.findall(r"\w+", m[2])})
    return rows


def declared(tree):
    """{(file, name): line} of the sources."""
    found = {}
    for path in tree.sources():
        source = code(tree.at(path))
        for m in DECLARED.finditer(source):
            for name in re.sub(r"=[^,;]*", "", m[1]).split(","):
                found[path, name.strip()] = source.count("\n", 0, m.start()) + 1
    return found


def check_atomics(tree):
    rows, there = listed(tree), declared(tree)
    for (path, name), line in there.items():
        if (path, name) not in rows:
            yield f"{path}:{line}: {name} is atomic and has no row in {LIST} (Memory order) that says why its order suffices"
    for (path, name), line in rows.items():
        if (path, name) not in there:
            yield f"{LIST}:{line}: {name} of {path} is no atomic variable there"
