#!/usr/bin/python3
"""layers.py ROOT [OBJECTS] < rooms: the rooms depend in one direction.

proto <- src <- daemon, each room on those its line in the Makefile lists; the
lower two cannot reach the world; only src/store and src/read ask the database;
no files, headers or rooms depend on each other in a circle; the READMEs' map
shows what there is; and what threads share without a lock is listed. Proved by includes, by the symbols of the objects and by the
SQL that is said. Prints every violation as one sentence with file, line and rule;
exit status 1 if there is one. Without OBJECTS only what the sources say is
judged: that comes before compiling, which would fail of a header that a room may
not see without saying why. `make rooms` prints the rooms. selftest.py plants
violations to show that it can fail.
"""
import sys

import atomics
import readme
import rooms as the_rooms
import sql
import symbols
import tests_named
from source import Tree


def check_sources(tree, rooms):
    """What can be said before anything is compiled."""
    yield from the_rooms.check_list(tree, rooms)
    yield from the_rooms.check_names(tree)
    yield from the_rooms.check_includes(tree, rooms)
    yield from the_rooms.check_header_circles(tree)
    yield from the_rooms.check_asks(tree)
    yield from readme.check_map(tree, rooms)
    yield from the_rooms.check_list_circles(tree, rooms)
    yield from readme.check_stands(tree, rooms)
    yield from readme.check_doors(tree, rooms)
    yield from tests_named.check_tests(tree)
    yield from atomics.check_atomics(tree)


def check_objects(tree, rooms, objects):
    """What the symbols of the objects say; and SQL, which is called or said."""
    calls = symbols.Calls(tree, objects)
    yield from symbols.check_calls(calls, rooms)
    yield from symbols.check_file_circles(calls)
    yield from symbols.check_room_circles(calls)
    yield from sql.check_sql(tree, calls, sql.exceptions())


def check(root, objects, lines):
    """Every violation, as sentences. objects None: those of the sources alone."""
    tree, rooms = Tree(root), the_rooms.parse(lines)
    yield from check_sources(tree, rooms)
    if objects:
        yield from check_objects(tree, rooms, objects)


if __name__ == "__main__":
    found = list(check(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None, sys.stdin))
    for sentence in found:
        print("layers:", sentence)
    if found:
        sys.exit(1)
    print("layers ok" if len(sys.argv) > 2 else "layers ok so far")
