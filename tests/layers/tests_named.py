"""tests_named.py: which tests hold a file of proto/ or src/ to its word.

tests/unit/u_x.c tests x.c. Where there is none, the comment x.h begins with has a
line "Tests: u_a.c, sim/b.c", whose names are files of tests/unit or below tests.
Where there is no x.h, the line is in x.c, or in the header of the room.
"""
import os
import re

from source import opening, room_of


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


def sayers(tree, doors, path):
    """The files whose opening may name the tests of a module."""
    header = path[:-1] + "h"
    return [header] if header in tree.there else [path, doors.get(room_of(path), path)]


def check_tests(tree, doors):
    for path in tree.sources(("proto", "src"), ("c",)):
        name = os.path.basename(path)[:-2]
        if f"tests/unit/u_{name}.c" in tree.there:
            continue
        says = sayers(tree, doors, path)
        if not any(named(opening(tree.at(say))) for say in says):
            yield f"{says[0]}:1: no line 'Tests: ...' names the tests of {path}, and there is no tests/unit/u_{name}.c"
    for path in tree.sources():
        for test in named(opening(tree.at(path))) or ():
            if not {f"tests/unit/{test}", f"tests/{test}"} & tree.there:
                yield f"{path}:1: its line 'Tests: ...' names {test}, which is not in tests/"
