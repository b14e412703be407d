#!/usr/bin/python3
"""readme.py [--fix] < rooms: the map of rooms in both READMEs, held to the tree.

A row of the map is: | `room` | what lives there | rooms it stands on | files |.
A room may include what it stands on and whatever that stands on. Files are named
without .c, .h; in bold the one whose header says what the room promises.
--fix rewrites the last column; a new row is written by hand.
"""
import os
import re
import sys

from rooms import floor, parse
from source import Tree, room_of, text

READMES = ("README.md", "README.zh-CN.md")
ROW = re.compile(r"^\| *`([\w/]+)` *\|([^|]*)\|([^|]*)\|([^|]*)\|$")


def modules(tree):
    """{room: [names of its files without their ends]}."""
    found = {}
    for path in tree.sources(ends=("c", "h", "def", "proto")):
        name = os.path.basename(path).rsplit(".", 1)[0]
        if name not in found.setdefault(room_of(path), []):
            found[room_of(path)].append(name)
    return found


def rows(tree, readme, rooms):
    """(line, room, rooms it stands on, names, names in bold) of the map's rows."""
    for n, line in enumerate(text(tree.at(readme)).split("\n"), 1):
        m = ROW.match(line)
        if m and (m[1] in rooms or floor(m[1]) in ("proto", "src", "daemon")):
            stands = [s if s in rooms else f"{floor(m[1])}/{s}" for s in re.findall(r"[\w/]+", m[3].replace("—", ""))]
            bold = [name.strip("`") for name in re.findall(r"\*\*([^*]+)\*\*", m[4])]
            yield n, m[1], stands, re.findall(r"\w+", m[4]), bold


def check_map(tree, rooms):
    """Every room has its row, every file its name, and no row or name more."""
    have = modules(tree)
    for readme in READMES:
        seen, last = set(), 1
        for n, room, _, names, _ in rows(tree, readme, rooms):
            seen.add(room)
            last = n
            if room not in rooms:
                yield f"{readme}:{n}: the map has a row for {room}, which is no room"
            lacks = [name for name in have.get(room, ()) if name not in names]
            more = [name for name in names if name not in have.get(room, ())]
            if lacks:
                yield f"{readme}:{n}: the map's row for {room} lacks: {' '.join(lacks)}"
            if more:
                yield f"{readme}:{n}: the map's row for {room} names files that are not there: {' '.join(more)}"
        for room in sorted(rooms.keys() - seen):
            yield f"{readme}:{last}: the map has no row for {room}"


def fix(tree, rooms):
    """Takes names out of the last column and adds those that it lacks."""
    have = modules(tree)
    for readme in READMES:
        lines = text(tree.at(readme)).split("\n")
        for n, room, _, names, bold in rows(tree, readme, rooms):
            kept = [name for name in names if name in have.get(room, ())]
            kept += [name for name in have.get(room, ()) if name not in kept]
            first = [f"**{name}**" for name in kept if name in bold]
            rest = [name for name in kept if name not in bold]
            cells = lines[n - 1].split("|")
            cells[4] = f" {' '.join(first + rest)} "
            lines[n - 1] = "|".join(cells)
        with open(tree.at(readme), "w", encoding="utf-8") as f:
            f.write("\n".join(lines))


if __name__ == "__main__":
    here = parse(sys.stdin)
    if sys.argv[1:] == ["--fix"]:
        fix(Tree("."), here)
    for sentence in check_map(Tree("."), here):
        print("map:", sentence)
