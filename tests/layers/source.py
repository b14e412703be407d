"""source.py: C source as the checks read it: files, comments, literals, lines.

Whatever is worked out of a file is kept as long as the file stays as it is, so
that selftest.py can ask a hundred times.
"""
import functools
import os
import re

TOPS = ("proto", "src", "daemon")

TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<char>'(?:[^'\\\n]|\\.)*')
    |(?P<line>^[ \t]*\#[ \t]*include[^\n]*)|(?P<word>[A-Za-z_]\w*)|(?P<join>\\\n|\s+)|(?P<other>.)""",
    re.X | re.S | re.M,
)
COMMENT = re.compile(r"""(/\*.*?\*/|//[^\n]*)|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.S)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'", "0": "\0", "?": "?"}


def plain(literal):
    """What a string literal says."""
    return re.sub(r"\\(x[0-9a-fA-F]+|.)", lambda m: ESCAPES.get(m[1], "?"), literal[1:-1])


def literals(text):
    """(line, literal) of each run of literals, macros inside it being %s."""
    run, start, gap, calls, last = None, 0, "", [], ""
    for m in TOKEN.finditer(text + ";"):
        kind, token = m.lastgroup, m.group()
        if kind in ("comment", "join", "line"):
            continue
        if kind == "text":
            if run is None:
                run, start = "", m.start()
            elif gap:
                run += "u" if run.endswith("%") else "%s"
            run += plain(token)
            gap, last = "", ""
            continue
        if kind == "word" and run is not None and not gap:
            gap = token
            last = token
            continue
        if run is not None:
            if not any(re.search("assert", c, re.I) for c in calls):
                yield text.count("\n", 0, start) + 1, run
            run, gap = None, ""
        if token == "(":
            calls.append(last)
        elif token == ")" and calls:
            calls.pop()
        last = token if kind == "word" else ""


def per_file(work):
    """work(path), done once for each state of the file."""

    @functools.lru_cache(maxsize=None)
    def kept(path, _changed):
        return work(path)

    return lambda path: kept(path, os.stat(path).st_mtime_ns)


@per_file
def text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def blank(m):
    return re.sub(r"[^\n]", " ", m[0])


@per_file
def code(path):
    """The text without its comments; lines and columns stay."""
    return COMMENT.sub(lambda m: blank(m) if m[1] else m[0], text(path))


@per_file
def words(path):
    """{word: line it is first on}, of the code outside comments and literals."""
    first = {}
    for n, line in enumerate(COMMENT.sub(blank, text(path)).split("\n"), 1):
        for word in re.findall(r"[A-Za-z_]\w*", line):
            first.setdefault(word, n)
    return first


@per_file
def opening(path):
    """The lines of the comment a file begins with."""
    m = re.match(r"/\*.*?\*/", text(path), re.S)
    return m[0].split("\n") if m else []


class Tree:
    """The files there are when it is made, as paths from the root."""

    def __init__(self, root):
        self.root, self.files, self.headers = root, [], {}
        for top in (*TOPS, "tests"):
            for folder, _, names in os.walk(f"{root}/{top}", followlinks=True):
                here = os.path.relpath(folder, root)
                self.files += [f"{here}/{name}" for name in names]
        self.files.sort()
        self.there = set(self.files)
        for path in self.sources((*TOPS, "tests"), ("h", "def")):
            self.headers.setdefault(os.path.basename(path), []).append(path)

    def at(self, path):
        return f"{self.root}/{path}"

    def sources(self, tops=TOPS, ends=("c", "h")):
        """The files below the folders named that end so."""
        tops, ends = tuple(f"{top}/" for top in tops), tuple(f".{end}" for end in ends)
        return [path for path in self.files if path.startswith(tops) and path.endswith(ends)]


def room_of(path):
    """The room a source lies in is its folder."""
    return os.path.dirname(path)
