"""tests_named.py: which tests hold a file to its word.

tests/unit/u_x.c tests x.c. Where there is none, the comment x.h begins with, or
that of x.c where there is no x.h, has a line "Tests: u_a.c, sim/b.c", whose names
are files of tests/unit or below tests.
"""
import os
import re

from source import opening


def named(lines):
    """The files a comment's "Tests:" names, to the end of its paragraph; None without."""
    for n, line in enumerate(lines):
        if re.match(r"^(/\*| \*) Tests: ", line):
            paragraph = [line]
            for more in lines[n + 1 :]:
                if not re.search(r"[\w.]", more):
                    break
                paragraph.append(more)
            return re.findall(r"[\w/]+\.(?:c|py|sh)\b", " ".join(paragraph))
    return None


def sayer(tree, path):
    """The file whose opening may name the tests of a module."""
    header = path[:-1] + "h"
    return header if header in tree.there else path


def check_tests(tree):
    for path in tree.sources(ends=("c",)):
        name = os.path.basename(path)[:-2]
        if f"tests/unit/u_{name}.c" in tree.there:
            continue
        say = sayer(tree, path)
        if not named(opening(tree.at(say))):
            yield f"{say}:1: there is no tests/unit/u_{name}.c: end this comment with a line 'Tests: u_a.c, e2e/test_b.py.' that names the tests of {path}"
    for path in tree.sources():
        for test in named(opening(tree.at(path))) or ():
            if not {f"tests/unit/{test}", f"tests/{test}"} & tree.there:
                yield f"{path}:1: its line 'Tests: ...' names {test}, which is not in tests/"
