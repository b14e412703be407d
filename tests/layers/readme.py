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
from source import Tree, opening, room_of, text

READMES = ("README.md", "README.zh-CN.md")
# what a room's header says takes at least so many lines
OPENING = 6
# rooms that others know by something else than a header of their own
DOORS = {"src/node": "src/node.h", "daemon": "daemon/guantongd.c"}
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


def reach(room, stands):
    """Everything a room stands on, by way of what it stands on."""
    seen, waiting = set(), list(stands.get(room, ()))
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            waiting += stands.get(at, ())
    return seen


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
                yield f"{readme}:{n}: the map's row for {room} lacks: {' '.join(lacks)} (make -s rooms | tests/layers/readme.py --fix)"
            if more:
                yield f"{readme}:{n}: the map's row for {room} names files that are not there: {' '.join(more)}"
        for room in sorted(rooms.keys() - seen):
            yield f"{readme}:{last}: the map has no row for {room}"


def check_stands(tree, rooms):
    """What the map says a room stands on is what the Makefile lets it see."""
    for readme in READMES:
        table = {room: (n, stands) for n, room, stands, _, _ in rows(tree, readme, rooms)}
        for room, (n, _) in table.items():
            seen = reach(room, {r: s for r, (_, s) in table.items()})
            if room in rooms and seen != rooms[room]:
                differ = " ".join(sorted(seen ^ rooms[room]))
                yield f"{readme}:{n}: by the map and by ROOM_{room} in the Makefile, {room} sees other rooms: {differ}"


def doors(tree, rooms):
    """{room: the header in bold in the map, if there is one}."""
    found = {}
    for _, room, _, _, bold in rows(tree, READMES[0], rooms):
        door = DOORS.get(room) or (f"{room}/{bold[0]}.h" if len(bold) == 1 else "")
        if door in tree.there:
            found[room] = door
    return found


def check_doors(tree, rooms):
    """Each room has a header that tells what the room is."""
    have = doors(tree, rooms)
    for n, room, _, _, _ in rows(tree, READMES[0], rooms):
        door = have.get(room)
        if not door:
            yield f"{READMES[0]}:{n}: the map's row for {room} has no header in bold that says what the room promises"
        elif len(opening(tree.at(door))) < OPENING:
            yield f"{door}:1: says what {room} is in fewer than {OPENING} lines: what lives there, what it uses, what it promises"


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
