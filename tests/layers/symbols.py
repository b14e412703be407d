"""symbols.py: who calls whom, by the symbols of the objects.

An include can be left out and a function declared by hand; the linker is not
fooled. OBJECTS holds one object for each source, at the same path.
"""
import os
import re
import subprocess

from circles import circles, shown
from rooms import floor, line_of
from source import room_of, words

HERE = os.path.dirname(os.path.abspath(__file__))
MADE = "gen/guantong.pb-c.c"  # from proto/guantong.proto

# Not even through a library that is allowed: these open files, sleep, read a
# clock, make random numbers or threads.
WORLD = re.compile(
    r"""open|openat|creat|read|write|pread|pwrite|readv|writev|close|fopen|fdopen|freopen|fread|fwrite|fputs
    |fputc|puts|putchar|printf|vprintf|fprintf|vfprintf|perror|remove|rename|unlink|mkdir|stat|fstat|lstat|fsync
    |fdatasync|ftruncate|mmap|socket|connect|bind|listen|accept|send|sendto|sendmsg|recv|recvfrom|recvmsg|poll
    |select|epoll_.*|time|clock|clock_gettime|gettimeofday|localtime.*|gmtime.*|mktime|strftime|rand|rand_r|random
    |srand|srandom|getrandom|getentropy|nanosleep|usleep|sleep|alarm|signal|sigaction|kill|fork|exec.*|system|popen
    |getenv|secure_getenv|setenv|exit|_exit|pthread_.*|thrd_.*|mtx_.*|cnd_.*|uv_.*|nng_.*|nni_.*|yaml_.*|curl_.*
    |MHD_.*|sd_.*|SSL_.*|RAND_.*|sqlite3_open.*|sqlite3_sleep|sqlite3_randomness|json_load_file|json_load_callback
    |json_loadf|json_loadfd|json_dump_file|json_dumpf|json_dumpfd|BIO_new_file|BIO_new_fp|.*_fp""",
    re.X,
)

_kept = {}


def nm(paths):
    """{object: (defined, undefined)}, by one call of nm for what it has not seen."""
    state = {p: (p, os.stat(p).st_mtime_ns) for p in paths}
    new = [p for p in paths if state[p] not in _kept]
    for p in new:
        _kept[state[p]] = (set(), set())
    out = subprocess.run(["nm", "-A", *new], capture_output=True, text=True, check=True).stdout if new else ""
    for line in out.splitlines():
        path, rest = line.split(":", 1)
        *_, kind, name = rest.split()
        name = name.split("@")[0]
        if kind in "Uvw":
            _kept[state[path]][1].add(name)
        elif kind.isupper():
            _kept[state[path]][0].add(name)
    return {p: _kept[state[p]] for p in paths}


class Calls:
    """The symbols of all sources that are built; what is missing is said."""

    def __init__(self, tree, objects):
        self.tree, self.missing = tree, []
        paths = {}
        for source in [*tree.sources(ends=("c",)), MADE]:
            path = f"{objects}/{source[:-2]}.o"
            if os.path.exists(path):
                paths[path] = source
            else:
                self.missing.append(f"{source}:1: is not built, there is no {path}")
        self.table = {paths[p]: s for p, s in nm(list(paths)).items()}
        self.home = {s: source for source, (defined, _) in self.table.items() for s in defined}

    def room(self, source):
        return "proto" if source == MADE else room_of(source)

    def used(self):
        """(source, symbol) of everything a source leaves undefined."""
        for source, (_, undefined) in self.table.items():
            for symbol in sorted(undefined):
                yield source, symbol

    def graph(self, named=lambda source: source):
        """{caller: {called: symbol}}, by file or by what named() makes of it."""
        g = {named(source): {} for source in self.table}
        for source, symbol in self.used():
            home = self.home.get(symbol)
            if home and named(home) != named(source):
                g[named(source)].setdefault(named(home), symbol)
        return g


def allowed(top):
    with open(f"{HERE}/allowed.{top}", encoding="utf-8") as f:
        lines = [line.strip() for line in f if line.strip() and not line.startswith("#")]
    return re.compile("|".join(lines))


# A door is a header apart from the room behind it: who sees the door's room may
# call what it declares, and nothing else of the room behind.
DOORS = {"src/node": "src/node.h"}


def through_door(calls, rooms, room, theirs, symbol):
    door = DOORS.get(theirs)
    return door in calls.tree.there and room_of(door) in rooms.get(room, ()) and symbol in words(calls.tree.at(door))


def check_calls(calls, rooms):
    """A room calls itself, rooms it may include, and what its floor may use."""
    yield from calls.missing
    harmless = {top: allowed(top) for top in ("proto", "src")}
    for source, symbol in calls.used():
        room, home = calls.room(source), calls.home.get(symbol)
        if home:
            theirs = calls.room(home)
            seen = theirs == room or theirs in rooms.get(room, ())
            if not seen and not through_door(calls, rooms, room, theirs, symbol):
                at = line_of(calls.tree, source, symbol)
                yield f"{at}: calls {symbol} of {home}, which {room} may not see (Makefile, ROOM_{room})"
        elif floor(room) in harmless:
            top = floor(room)
            if WORLD.fullmatch(symbol):
                at = line_of(calls.tree, source, symbol)
                yield f"{at}: calls {symbol}, which reaches the world, and {top}/ may not (tests/layers/symbols.py, WORLD)"
            elif not harmless[top].fullmatch(symbol):
                at = line_of(calls.tree, source, symbol)
                yield f"{at}: calls {symbol}, which nobody has judged (tests/layers/allowed.{top})"


def check_file_circles(calls):
    graph = calls.graph()
    for cycle, knot in circles(graph):
        at = line_of(calls.tree, cycle[0], graph[cycle[0]][cycle[1]])
        yield f"{at}: files call each other in a circle: {shown(graph, cycle, knot)}"


def check_room_circles(calls):
    graph = calls.graph(calls.room)
    for cycle, knot in circles(graph):
        symbol = graph[cycle[0]][cycle[1]]
        source = next(s for s, used in calls.used() if used == symbol and calls.room(s) == cycle[0])
        at = line_of(calls.tree, source, symbol)
        yield f"{at}: rooms call each other in a circle: {shown(graph, cycle, knot)}"
