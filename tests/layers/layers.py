#!/usr/bin/python3
"""layers.py ROOT OBJECTS: the rooms depend in one direction, proto <- src <- daemon,
and the lower two cannot reach the world.

Proved three ways: by what they include, by which symbols their objects leave
undefined, and by the SQL they say. Prints every violation; exit status 1 if there
is one. selftest.sh plants violations to show that it can fail.
"""
import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
root, objects = sys.argv[1:3]
found = []

# ---------------------------------------------------------------- includes
# Quoted names must be a header of the room itself or of one below it; names in
# angles must be on the room's list.
STD = r"(assert|ctype|errno|float|inttypes|limits|math|stdalign|stdarg|stdbool|stddef|stdint|stdio|stdlib|string)\.h"
PB = r"protobuf-c/protobuf-c\.h"
ANGLES = {
    "proto": f"{STD}|{PB}",
    "src": rf"{STD}|{PB}|sqlite3\.h|zstd(_errors)?\.h|jansson\.h|openssl/[a-z0-9_]+\.h",
}
BELOW = {"proto": ["proto"], "src": ["src", "proto"]}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]*)>|"([^"]*)"|(\S+))', re.M)

# SQLite has a clock and a generator of its own; so has the preprocessor.
SQL = re.compile(r"""['"(]now['")]|\b(random|randomblob)\(|current_(time|date|timestamp)|__(DATE|TIME|TIMESTAMP)__""", re.I)

for room in ANGLES:
    for path in sorted(glob.glob(f"{root}/{room}/**/*.[ch]", recursive=True)):
        shown = os.path.relpath(path, root)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for angle, quoted, other in INCLUDE.findall(text):
            if angle and not re.fullmatch(ANGLES[room], angle):
                found.append(f"{shown} includes <{angle}>, which {room}/ may not use")
            if other:
                found.append(f"{shown} includes by a macro, {other}, which cannot be judged")
            if quoted and quoted != "guantong.pb-c.h":
                here = any(glob.glob(f"{root}/{r}/**/{quoted}", recursive=True) for r in BELOW[room])
                if "/" in quoted or not here:
                    found.append(f'{shown} includes "{quoted}", which is not in {room}/ or below')
        for m in SQL.finditer(text):
            line = text.count("\n", 0, m.start()) + 1
            found.append(f"{shown}:{line}: SQL or macro that asks the clock or for randomness: {m.group(0)}")

# ----------------------------------------------------------------- symbols
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


def allowed(room):
    with open(f"{HERE}/allowed.{room}") as f:
        lines = [line.strip() for line in f if line.strip() and not line.startswith("#")]
    return re.compile("|".join(lines))


def built(room):
    """Objects of the sources there are now, not of ones long deleted."""
    for path in sorted(glob.glob(f"{root}/{room}/**/*.c", recursive=True)):
        yield f"{objects}/{os.path.relpath(path, root)[:-2]}.o"
    if room == "proto":
        yield f"{objects}/gen/guantong.pb-c.o"


def symbols(paths):
    """{object: (defined, undefined)} by one call of nm."""
    table = {p: (set(), set()) for p in paths}
    if not table:
        return table
    out = subprocess.run(["nm", "-A", *table], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        path, rest = line.split(":", 1)
        *_, kind, name = rest.split()
        name = name.split("@")[0]
        if kind in "Uvw":
            table[path][1].add(name)
        elif kind.isupper():
            table[path][0].add(name)
    return table


rooms = {}
for room in ("proto", "src", "daemon"):
    paths = list(built(room))
    missing = [p for p in paths if not os.path.exists(p)]
    if room != "daemon":
        found += [f"{p} is not built" for p in missing]
    rooms[room] = symbols([p for p in paths if p not in missing])
defined = {room: set().union(*(d for d, _ in t.values())) if t else set() for room, t in rooms.items()}

for room, own, above in (
    ("proto", defined["proto"], defined["src"] | defined["daemon"]),
    ("src", defined["proto"] | defined["src"], defined["daemon"]),
):
    harmless = allowed(room)
    for path, (_, undefined) in rooms[room].items():
        who = os.path.relpath(path, objects)
        for s in sorted(undefined - own):
            if s in above:
                found.append(f"{who} needs {s}, which is defined above {room}/")
            elif WORLD.fullmatch(s):
                found.append(f"{who} calls {s}, which reaches the world")
            elif not harmless.fullmatch(s):
                found.append(f"{who} calls {s}, which is not in tests/layers/allowed.{room}")

for line in found:
    print("layers:", line)
if found:
    sys.exit(1)
print("layers ok")
