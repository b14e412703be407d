"""rooms.py: what the rooms are, and what their files include.

The list of rooms is the Makefile's, where it makes the include paths; here it
comes as `make rooms` prints it: "room: rooms it may include", one per line.
"""
import re

from circles import circles, shown
from source import TOPS, code, per_file, room_of, text, words

STD = r"(assert|ctype|errno|float|inttypes|limits|math|stdalign|stdarg|stdbool|stddef|stdint|stdio|stdlib|string)\.h"
PB = r"protobuf-c/protobuf-c\.h"
# names in angles must be on the list of their floor; the daemon's may be any
ANGLES = {
    "proto": f"{STD}|{PB}",
    "src": rf"{STD}|{PB}|sqlite3\.h|zstd(_errors)?\.h|jansson\.h|utf8proc\.h|openssl/[a-z0-9_]+\.h",
}
# floors a floor may stand on
BELOW = {"proto": (), "src": ("proto", "src"), "daemon": TOPS}
INCLUDE = re.compile(r'^[ \t]*(?:#|%:)[ \t]*(?:include|import)[ \t]*(?:<([^>\n]*)>|"([^"\n]*)"|(\S+))', re.M)
# made from proto/guantong.proto, which every room may see
MADE = {"guantong.pb-c.h": "proto"}

# SQLite has a clock and a generator of its own; so has the preprocessor.
ASKS = re.compile(r"""['"(]now['")]|\b(random|randomblob)\(|current_(time|date|timestamp)|__(DATE|TIME|TIMESTAMP)__""", re.I)


def parse(lines):
    """{room: set of rooms it may include}."""
    rooms = {}
    for line in lines:
        room, colon, below = line.partition(":")
        if colon:
            rooms[room.strip()] = set(below.split())
    return rooms


def floor(room):
    return room.split("/")[0]


def where(tree, room):
    """The place of a room's line in the Makefile."""
    n = 1
    try:
        m = re.search(rf"^ROOM_{re.escape(room)}[ \t]*:?=", text(tree.at("Makefile")), re.M)
        n = text(tree.at("Makefile")).count("\n", 0, m.start()) + 1 if m else 1
    except FileNotFoundError:
        pass
    return f"Makefile:{n}"


def check_list(tree, rooms):
    """The list and the folders are the same, and the list says nothing upward."""
    folders = {}
    for path in tree.sources():
        folders.setdefault(room_of(path), path)
    for folder in sorted(folders.keys() - rooms.keys()):
        yield f"{folders[folder]}:1: lies in {folder}, which has no line ROOM_{folder} in the Makefile"
    for room in sorted(rooms):
        line = where(tree, room)
        if room not in folders:
            yield f"{line}: ROOM_{room} names a folder that has no sources"
        for below in sorted(rooms[room]):
            if below not in rooms:
                yield f"{line}: ROOM_{room} lists {below}, which is no room"
            elif floor(below) not in BELOW[floor(room)]:
                yield f"{line}: ROOM_{room} lists {below}, but {floor(room)}/ may not stand on {floor(below)}/"


def check_list_circles(tree, rooms):
    graph = {room: {below: "" for below in rooms[room] if below in rooms and below != room} for room in rooms}
    for cycle, knot in circles(graph):
        line = where(tree, cycle[0])
        yield f"{line}: ROOM_{cycle[0]} lists rooms in a circle: {shown(graph, cycle, knot)}"


@per_file
def includes(path):
    """(line, name in angles, name in quotes, anything else) of each include."""
    t = code(path)
    return [(t.count("\n", 0, m.start()) + 1, *m.groups()) for m in INCLUDE.finditer(t)]


def check_names(tree):
    for name, paths in sorted(tree.headers.items()):
        for other in paths[1:]:
            yield f"{other}:1: is a second {name} beside {paths[0]}, and a header's name is its only one"


def check_includes(tree, rooms):
    for path in tree.sources(ends=("c", "h", "def")):
        room = room_of(path)
        for line, angle, quoted, other in includes(tree.at(path)):
            at = f"{path}:{line}: includes"
            if other:
                yield f"{at} by a macro, {other}, which cannot be judged"
            elif angle:
                if not re.fullmatch(ANGLES.get(floor(room), ".*"), angle):
                    yield f"{at} <{angle}>, which {floor(room)}/ may not use (tests/layers/rooms.py, ANGLES)"
            elif quoted and "/" in quoted:
                yield f'{at} "{quoted}" by a path, and a header is named alone, so that the walls can be seen'
            elif quoted:
                yield from judge(at, room, quoted, tree, rooms)


def judge(at, room, quoted, tree, rooms):
    """Is a header one the room may see?"""
    theirs = [MADE[quoted]] if quoted in MADE else [room_of(p) for p in tree.headers.get(quoted, ())]
    if not theirs:
        yield f'{at} "{quoted}", which lies in no room'
    elif quoted.endswith("_inside.h") and room not in theirs:
        yield f'{at} "{quoted}", which is for the files of {theirs[0]} alone: what others need of it is in that room\'s other headers'
    elif room not in theirs and not rooms.get(room, set()).intersection(theirs):
        yield f'{at} "{quoted}" of {theirs[0]}, which {room} may not see (Makefile, ROOM_{room})'


def check_header_circles(tree):
    graph = {}
    for path in tree.sources(ends=("h", "def")):
        graph[path] = {}
        for line, _, quoted, _ in includes(tree.at(path)):
            for other in tree.headers.get(quoted, ()):
                graph[path].setdefault(other, f"line {line}")
    for cycle, knot in circles(graph):
        line = graph[cycle[0]][cycle[1]].split()[1]
        yield f"{cycle[0]}:{line}: headers include each other in a circle: {shown(graph, cycle, knot)}"


def check_asks(tree):
    """Neither proto/ nor src/ asks SQLite or the compiler what time it is."""
    for path in tree.sources(("proto", "src")):
        t = text(tree.at(path))
        for m in ASKS.finditer(t):
            line = t.count("\n", 0, m.start()) + 1
            yield f"{path}:{line}: SQL or macro that asks the clock or for randomness: {m[0]}"


def line_of(tree, path, word):
    """Where a file says a word: "path:line", in the file or in a header it includes."""
    seen, waiting = set(), [path]
    while waiting:
        at = waiting.pop(0)
        if at in seen or at not in tree.there:
            continue
        seen.add(at)
        if word in words(tree.at(at)) and (at == path or not at.endswith(".h") or called(tree, at, word)):
            return f"{at}:{words(tree.at(at))[word]}"
        for _, _, quoted, _ in includes(tree.at(at)):
            waiting += tree.headers.get(quoted, ())
    return f"{path}:1"


def called(tree, header, word):
    """A header that only declares a function does not call it."""
    return re.search(rf"\breturn\b[^;]*\b{word}\(|[=({{;]\s*{word}\(", code(tree.at(header)))
