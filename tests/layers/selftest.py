#!/usr/bin/python3
"""selftest.py ROOT OBJECTS < rooms: plants one violation of each kind in a copy
of the rooms and requires that layers.py, or sentences.py, refuses it, in a
sentence that names file, line and rule. A check that cannot fail proves nothing.
"""
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

import layers
import sql
from source import TOPS, Tree

HERE = os.path.dirname(os.path.abspath(__file__))
CC = os.environ.get("CC", "cc").split()
TABLE = "daemon/words/texts_core.def"
# what any new file is told besides what is wrong with it
BESIDES = re.compile(r"the map's row for \S+ lacks: zz|there is no tests/unit/u_zz\S*\.c: end this comment")


def unplaced(sentence):
    return re.sub(r":\d+:", ":", sentence)


class Copy:
    """The sources once more, to plant in; objects and tests only as links."""

    def __init__(self, root, objects, rooms):
        self.top = tempfile.mkdtemp()
        self.tree, self.obj, self.rooms = f"{self.top}/tree", f"{self.top}/obj", rooms
        self.include = [f"-I{os.path.abspath(objects)}/../gen"]
        for top in TOPS:
            shutil.copytree(f"{root}/{top}", f"{self.tree}/{top}")
            self.link(f"{objects}/{top}", f"{self.obj}/{top}")
        self.link(f"{objects}/gen", f"{self.obj}/gen")
        for name in ("Makefile", "README.md", "README.zh-CN.md"):
            shutil.copy(f"{root}/{name}", self.tree)
        os.symlink(os.path.abspath(f"{root}/tests"), f"{self.tree}/tests")
        for folder, _, _ in os.walk(self.tree):
            self.include += ["-iquote", folder]
        self.before = {unplaced(s) for s in self.check()}

    def link(self, theirs, ours):
        for folder, _, names in os.walk(os.path.abspath(theirs)):
            here = os.path.join(ours, os.path.relpath(folder, os.path.abspath(theirs)))
            os.makedirs(here, exist_ok=True)
            for name in names:
                if name.endswith(".o"):
                    os.symlink(f"{folder}/{name}", f"{here}/{name}")

    def check(self):
        return list(layers.check(self.tree, self.obj, self.rooms))

    def news(self):
        """What is found beside what was found before anything was planted."""
        return [s for s in self.check() if unplaced(s) not in self.before and not BESIDES.search(s)]

    def compile(self, path):
        out = f"{self.obj}/{path[:-2]}.o"
        os.makedirs(os.path.dirname(out), exist_ok=True)
        made = subprocess.run(
            [*CC, "-w", *self.include, "-c", f"{self.tree}/{path}", "-o", out],
            stderr=subprocess.PIPE, text=True, check=False,
        )
        return out, made.stderr

    @contextlib.contextmanager
    def planted(self, files):
        """Files as they are given, whole or added to, and back when it ends."""
        kept, new = {}, []
        try:
            for path, text in files.items():
                at = f"{self.tree}/{path}"
                if os.path.exists(at):
                    with open(at, encoding="utf-8") as f:
                        kept[at] = f.read()
                else:
                    os.makedirs(os.path.dirname(at), exist_ok=True)
                    new.append(at)
                with open(at, "w", encoding="utf-8") as f:
                    f.write(text(kept[at]) if callable(text) else text)
            wrong = ""
            for path in files:
                if path.endswith(".c"):
                    out, said = self.compile(path)
                    new.append(out)
                    wrong += said
            yield wrong
        finally:
            for at, text in kept.items():
                with open(at, "w", encoding="utf-8") as f:
                    f.write(text)
            for at in new:
                with contextlib.suppress(FileNotFoundError):
                    os.remove(at)
                with contextlib.suppress(OSError):
                    os.rmdir(os.path.dirname(at))


class Score:
    def __init__(self):
        self.passed = self.failed = 0

    def of(self, good, what, said):
        self.passed += good
        self.failed += not good
        print("ok  " if good else "FAIL", what)
        if not good:
            print(*said, sep="\n")


def plant(copy, score, what, expected, files):
    """Exactly one sentence more, which is the one expected."""
    with copy.planted(files) as wrong:
        said = [wrong] if wrong else copy.news()
    # whoever calls up stands below: that closes a circle of rooms, said elsewhere
    said = [s for s in said if "rooms call each other" not in s]
    score.of(len(said) == 1 and re.fullmatch(expected, said[0]) is not None, what, [f"expected: {expected}", *said])


def hidden(name, types="void", call=""):
    """A call of a function declared by hand."""
    call = call or f"{name}()"
    return f"/* by hand */\nint {name}({types});\nint zz(void *p);\nint zz(void *p)\n{{\n\treturn {call};\n}}\n"


def one(text):
    return {"src/base/zz.c": text}


INCLUDES = [
    ("proto includes src", r'proto/zz\.c:1: includes "base\.h" of src/base, which proto may not see \(Makefile, ROOM_proto\)',
     {"proto/zz.c": '#include "base.h"\n'}),
    ("a room of src includes one above", r'src/store/zz\.c:2: includes "read\.h" of src/read, which src/store may not see \(Makefile, ROOM_src/store\)',
     {"src/store/zz.c": '\n#include "read.h"\n'}),
    ("a room includes what is another's own", r'src/catalogue/zz\.c:1: includes "content_inside\.h", which is for the files of src/content alone: .*',
     {"src/catalogue/zz.c": '#include "content_inside.h"\n'}),
    ("the daemon includes a room of a turn", r'daemon/core/zz\.c:1: includes "turn\.h" of src/turn, which daemon/core may not see \(Makefile, ROOM_daemon/core\)',
     {"daemon/core/zz.c": '#include "turn.h"\n'}),
    ("src includes daemon", r'src/base/zz\.c:1: includes "link\.h" of daemon/net, which src/base may not see \(Makefile, ROOM_src/base\)',
     one('#include "link.h"\n')),
    ("a room of the daemon includes one above", r'daemon/sys/zz\.h:1: includes "service\.h" of daemon/run, which daemon/sys may not see .*',
     {"daemon/sys/zz.h": '#include "service.h"\n'}),
    ("src includes by a path", r'src/base/zz\.c:1: includes "\.\./\.\./daemon/words/text\.h" by a path, .*',
     one('#include "../../daemon/words/text.h"\n')),
    ("src includes by a macro", r"src/base/zz\.c:2: includes by a macro, HEADER, which cannot be judged",
     one('#define HEADER "base.h"\n#include HEADER\n')),
    ("a header of nobody's", r'src/base/zz\.h:1: includes "zlib\.h", which lies in no room', {"src/base/zz.h": '#include "zlib.h"\n'}),
    ("src includes a clock", r"src/base/zz\.c:1: includes <time\.h>, which src/ may not use .*", one("#include <time.h>\n")),
    ("src includes a thread", r"src/base/zz\.c:1: includes <pthread\.h>, which src/ may not use .*", one("#include <pthread.h>\n")),
    ("src includes a socket", r"src/base/zz\.c:1: includes <sys/socket\.h>, which src/ may not use .*", one("#include <sys/socket.h>\n")),
    ("a header's name twice", r"src/trust/zz\.h:1: is a second zz\.h beside src/base/zz\.h, .*", {"src/trust/zz.h": "", "src/base/zz.h": ""}),
    ("headers in a circle", r"src/base/zz_a\.h:2: headers include each other in a circle: src/base/zz_a\.h -line 2-> src/base/zz_b\.h -line 1-> src/base/zz_a\.h",
     {"src/base/zz_a.h": '\n#include "zz_b.h"\n', "src/base/zz_b.h": '#include "zz_a.h"\n'}),
    ("src asks SQLite for the time", r"src/store/zz\.h:1: SQL or macro that asks the clock.*'now'.*",
     {"src/store/zz.h": "#define ZZ \"SELECT strftime('%s', 'now')\"\n"}),
    ("src asks the compiler for the time", r"src/base/zz\.c:1: SQL or macro that asks the clock .*: __TIME__", one("const char *zz = __TIME__;\n")),
]

CALLS = [
    ("src reads the clock, declared by hand", r"src/base/zz\.c:2: calls clock_gettime, which reaches the world, and src/ may not .*",
     one(hidden("clock_gettime", "int, void *", "clock_gettime(0, p)"))),
    ("src makes random numbers through libcrypto", r"src/base/zz\.c:2: calls RAND_bytes, which reaches the world, .*",
     one(hidden("RAND_bytes", "void *, int", "RAND_bytes(p, 1)"))),
    ("src begins a thread", r"src/base/zz\.c:2: calls pthread_create, which reaches the world, .*",
     one(hidden("pthread_create", "void *, void *, void *, void *", "pthread_create(p, p, p, p)"))),
    ("src opens a socket", r"src/base/zz\.c:2: calls socket, which reaches the world, .*", one(hidden("socket", "int, int, int", "socket(1, 1, 1)"))),
    ("src opens a file", r"src/base/zz\.c:2: calls open, which reaches the world, .*", one(hidden("open", "const char *, int", 'open("x", 0)'))),
    ("src opens a database by itself", r"src/store/zz\.c:2: calls sqlite3_open, which reaches the world, .*",
     {"src/store/zz.c": hidden("sqlite3_open", "const char *, void *", 'sqlite3_open("x", p)')}),
    ("src calls something nobody has judged", r"src/base/zz\.c:2: calls syscall, which nobody has judged \(tests/layers/allowed\.src\)",
     one(hidden("syscall", "long, ...", "syscall(1)"))),
    ("src calls what daemon defines", r"src/base/zz\.c:2: calls gt_text_language of daemon/words/text\.c, which src/base may not see .*",
     one(hidden("gt_text_language", "const char *", 'gt_text_language("zh")'))),
    ("proto calls what src defines", r"proto/zz\.c:2: calls gt_code_valid of src/base/code\.c, which proto may not see .*",
     {"proto/zz.c": hidden("gt_code_valid", "const char *", 'gt_code_valid("33")')}),
    ("a room of src calls one above", r"src/object/zz\.c:2: calls gt_store_close of src/store/store\.c, which src/object may not see \(Makefile, ROOM_src/object\)",
     {"src/object/zz.c": hidden("gt_store_close", "void *", "gt_store_close(p)")}),
    ("a room of the daemon calls one above", r"daemon/sys/zz\.c:2: calls zz_up of daemon/run/zz_up\.c, which daemon/sys may not see \(Makefile, ROOM_daemon/sys\)",
     {"daemon/sys/zz.c": hidden("zz_up"), "daemon/run/zz_up.c": "int zz_up(void) { return 0; }\n"}),
]

CIRCLES = [
    ("two files of a room call each other", r"src/base/zz_a\.c:1: files call each other in a circle: src/base/zz_a\.c -zz_b-> src/base/zz_b\.c -zz_a-> src/base/zz_a\.c",
     {"src/base/zz_a.c": "void zz_b(void);\nvoid zz_a(void) { zz_b(); }\n", "src/base/zz_b.c": "void zz_a(void);\nvoid zz_b(void) { zz_a(); }\n"}),
]

SQL = [
    ("SQL in the daemon", r"daemon/sys/zz\.c:3: says SQL, 'SELECT id FROM item', and only src/store and src/read ask .*",
     {"daemon/sys/zz.c": '/* "SELECT 1 FROM a" in a comment is none */\nconst char *zz =\n\t"SELECT id "\n\t"FROM item";\n'}),
    ("SQL in small letters", r"daemon/sys/zz\.c:1: says SQL, 'delete from item', .*", {"daemon/sys/zz.c": 'const char *zz = "delete from item";\n'}),
    ("SQL in a room of src", r"src/content/zz\.c:1: says SQL, 'UPDATE object SET state=1', .*",
     {"src/content/zz.c": 'const char *zz = "UPDATE object SET state=1";\n'}),
    ("a statement prepared in the daemon", r"daemon/sys/zz\.c:2: calls sqlite3_prepare_v2, and only src/store and src/read ask .*",
     {"daemon/sys/zz.c": hidden("sqlite3_prepare_v2", "void *", "sqlite3_prepare_v2(p)")}),
    ("a statement stepped in a room of src", r"src/content/zz\.c:2: calls sqlite3_step, and only src/store and src/read ask .*",
     {"src/content/zz.c": hidden("sqlite3_step", "void *", "sqlite3_step(p)")}),
]


def with_line(line):
    return lambda text: text.replace("\nROOM_proto :=", f"\n{line}\nROOM_proto :=")


def without(word):
    return lambda text: re.sub(rf"(?<=[ *]){word}(?=[ *])", "", text, count=1)


def rooms_cases(copy, score):
    """What is wrong with the list of rooms or with the map."""
    plant(copy, score, "a folder without a line in the Makefile",
          r"src/zz/zz\.h:1: lies in src/zz, which has no line ROOM_src/zz in the Makefile", {"src/zz/zz.h": ""})
    listed = list(copy.rooms)
    for what, expected, line in (
        ("a line in the Makefile without a folder", r"Makefile:\d+: ROOM_src/zz names a folder that has no sources", "src/zz: proto"),
        ("a room that stands on one that is none", r"Makefile:\d+: ROOM_src/trust lists src/nothing, which is no room", "src/trust: proto src/base src/nothing"),
        ("a room that stands on the floor above", r"Makefile:\d+: ROOM_src/trust lists daemon/sys, but src/ may not stand on daemon/", "src/trust: proto src/base daemon/sys"),
        ("rooms that stand on each other", r"Makefile:\d+: ROOM_src/base lists rooms in a circle: src/base -> src/trust -> src/base", "src/base: proto src/trust"),
    ):
        room, above = line.split(":")[0], "daemon" in line
        copy.rooms = [old for old in listed if not old.startswith(f"{room}:")] + [line]
        with copy.planted({"Makefile": with_line("ROOM_src/zz := proto")} if room == "src/zz" else {}):
            said = [s for s in copy.news() if not s.startswith("README") and not (above and "circle" in s)]
        copy.rooms = listed
        score.of(len(said) == 1 and re.fullmatch(expected, said[0]) is not None, what, said)
    for name in ("README.md", "README.zh-CN.md"):
        shown = re.escape(name)
        plant(copy, score, f"a file that {name} does not map", rf"{shown}:\d+: the map's row for src/object lacks: media \(make -s rooms .*--fix\)", {name: without("media")})
        plant(copy, score, f"a name in {name} that is no file", rf"{shown}:\d+: the map's row for src/object names files that are not there: zz",
              {name: lambda text: text.replace(" media ", " media zz ", 1)})
        plant(copy, score, f"a room that {name} does not map", rf"{shown}:\d+: the map has no row for src/policy",
              {name: lambda text: re.sub(r"\n\| `src/policy` .*", "", text)})
    plant(copy, score, "a map of other walls", r"README\.md:\d+: by the map and by ROOM_src/records in the Makefile, src/records sees other rooms: src/content",
          {"README.md": lambda text: re.sub(r"(\n\| `src/records` \|[^|]*\|)[^|]*", r"\1 `content` `privacy` ", text)})
    plant(copy, score, "a room whose header says nothing", r"src/policy/policy\.h:1: says what src/policy is in fewer than 6 lines: .*",
          {"src/policy/policy.h": lambda text: "/* policy.h */\n" + text})
    plant(copy, score, "a module without tests", r"src/policy/policy\.h:1: its line 'Tests: \.\.\.' names u_zz\.c, which is not in tests/",
          {"src/policy/policy.h": lambda text: text.replace(" */", " *\n * Tests: u_zz.c */", 1)})


def atomics_cases(copy, score):
    """What threads share without a lock, and no row says why."""
    plant(copy, score, "an atomic that is not listed", r"src/base/zz\.h:2: one is atomic and has no row in tests/README\.md .*",
          {"src/base/zz.h": "/* _Atomic int not; */\n_Atomic int one;\n"})
    plant(copy, score, "a row for what is not atomic", r"tests/README\.md:\d+: reload of daemon/run/run_inside\.h is no atomic variable there",
          {"daemon/run/run_inside.h": lambda text: text.replace("atomic_bool reload;", "bool reload;")})


def circles_of_rooms(copy, score):
    """Two rooms, each calling the other: no list allows it, and a circle is said too."""
    files = {
        "src/policy/zz_a.c": "void zz_b(void);\nvoid zz_a(void) { zz_b(); }\n",
        "src/policy/zz_c.c": "void zz_c(void) { }\n",
        "src/xapi/zz_b.c": "void zz_b(void) { }\n",
        "src/xapi/zz_d.c": "void zz_c(void);\nvoid zz_d(void) { zz_c(); }\n",
    }
    with copy.planted(files):
        said = [s for s in copy.news() if "may not see" not in s]
    expected = r"src/policy/zz_a\.c:1: rooms call each other in a circle: src/policy -zz_b-> src/xapi -zz_c-> src/policy"
    score.of(len(said) == 1 and re.fullmatch(expected, said[0]) is not None, "two rooms call each other", said)


def unbuilt(copy, score):
    with copy.planted({}):
        path = f"{copy.tree}/src/base/zz.c"
        with open(path, "w", encoding="utf-8"):
            pass
        said = copy.news()
        os.remove(path)
    score.of(len(said) == 1 and said[0].startswith("src/base/zz.c:1: is not built"), "a source that is not built", said)


def unused_exception(copy, score):
    rows = sql.exceptions() + [(99, "daemon/sys/sys.c", "sqlite3_exec", "for no reason")]
    calls = layers.symbols.Calls(Tree(copy.tree), copy.obj)
    said = [s for s in sql.check_sql(calls.tree, calls, rows) if unplaced(s) not in copy.before]
    expected = r"tests/layers/allowed\.sql:99: allows sqlite3_exec to daemon/sys/sys\.c, which has no need of it any more"
    score.of(len(said) == 1 and re.fullmatch(expected, said[0]) is not None, "an exception nobody needs", said)


def as_run(copy, score):
    """The program says what check() finds, and fails."""

    def run():
        return subprocess.run([f"{HERE}/layers.py", copy.tree, copy.obj], input="\n".join(copy.rooms),
                              capture_output=True, text=True, check=False)

    done = run()
    score.of(done.returncode == 0 and done.stdout == "layers ok\n", "the tree as it is passes", [done.stdout, done.stderr])
    with copy.planted(one("#include <time.h>\n")):
        done = run()
    score.of(done.returncode == 1 and "layers: src/base/zz.c:1: includes <time.h>" in done.stdout, "what is found fails", [done.stdout])


# ---------------------------------------------------------------- sentences


def sentences(copy, script="sentences.py"):
    done = subprocess.run([f"{HERE}/{script}", copy.tree], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def said(copy, score, what, path, expected, added, script="sentences.py"):
    """One sentence about what is added to a file."""
    old = ""
    if os.path.exists(f"{copy.tree}/{path}"):
        with open(f"{copy.tree}/{path}", encoding="utf-8") as f:
            old = f.read()
    with open(f"{copy.tree}/{path}", "w", encoding="utf-8") as f:
        f.write(added(old) if callable(added) else old + added)
    status, out = sentences(copy, script)
    score.of(status == 1 and len(out) == 1 and re.search(expected, out[0]) is not None, what, out)
    if old:
        with open(f"{copy.tree}/{path}", "w", encoding="utf-8") as f:
            f.write(old)
    else:
        os.remove(f"{copy.tree}/{path}")


def sentence_cases(copy, score):
    status, out = sentences(copy)
    score.of(status == 0, "the sentences as they are pass", out)
    said(copy, score, "a sentence without Chinese", "src/zz.c", "src/zz.c:2: .*'nobody has translated this'",
         '/* "this is no sentence but a comment" */\nconst char *zz = "nobody has translated "\n                 "this";\n')
    said(copy, score, "a sentence around a macro", "src/zz.c", "'size %u of %llu bytes, named %s too'",
         '#define SHOWN(name) "size %" PRIu64 " of %llu bytes, named " name " too"\n')
    said(copy, score, "a sentence of the links", "daemon/net/zz.c", "'the link is %s'",
         'void zz(char *p) { gt_format(p, 9, "the link is %s", p); }\n')
    said(copy, score, "a single word as a link's reason", "daemon/net/zz.c", "daemon/net/zz.c:1: .*'ceasing'",
         'void zz(struct stream *s) { stream_fail(s, "ceasing"); }\n')
    said(copy, score, "a single word as a refusal", "daemon/net/zz.c", "daemon/net/zz.c:3: .*'ceasing'",
         'static const char *zz(void)\n{\n\treturn "ceasing";\n}\n')
    said(copy, score, "a reason of the daemon's in one language", "daemon/run/zz.c", "daemon/run/zz.c:1: a reason in one language",
         'void zz(void) { gt_log_line(1, "zz", "why", "no room for it", NULL); }\n')
    said(copy, score, "a line of the log written by hand", "daemon/run/zz.c", "daemon/run/zz.c:1: a reason in one language",
         'static const char zz[] = "level=error event=zz why=timeout\\n";\n')
    said(copy, score, "a row for a sentence nobody says", TABLE, "nobody says this any more: 'gone these %u years'",
         'SENTENCE("gone these %u years", "{1} 年前就没了")\n')
    said(copy, score, "a second row", TABLE, "a row for this already: 'too large'", 'SENTENCE("too large", "太大")\n')
    said(copy, score, "a row that cannot be read", TABLE, "1 rows cannot be read", 'SENTENCE("too large", TOO_LARGE)\n')
    said(copy, score, "a row that loses a piece", TABLE, f"{TABLE}:[0-9]*: the pieces of one language",
         lambda text: text.replace("{1} 已完整", "已完整", 1))


def word_cases(copy, score):
    words = "words.py"
    status, out = sentences(copy, words)
    score.of(status == 0, "the words as they are pass", out)
    said(copy, score, "an event without a word", "src/zz.c", "src/zz.c: no word in .* for 'vanish'", 'struct gt_audit row = {.event = "vanish"};\n', words)
    said(copy, score, "a word that is not listed", "daemon/words/words.def", "the list of words has not: `vanish` 链路", 'WORD("vanish", W_LINK)\n', words)
    said(copy, score, "a list that says otherwise", "README.zh-CN.md", "the list of words has not: `cap` 收紧",
         lambda text: text.replace("`cap` 收紧", "`cap` 收窄", 1), words)
    said(copy, score, "advice that says not where", "daemon/words/texts_core.def", "without -C DIR: guantong status",
         'SENTENCE("see `guantong status`", "请看 guantong -C DIR status")\n', words)


def main():
    copy, score = Copy(sys.argv[1], sys.argv[2], sys.stdin.read().splitlines()), Score()
    try:
        as_run(copy, score)
        for what, expected, files in INCLUDES + CALLS + CIRCLES + SQL:
            plant(copy, score, what, expected, files)
        circles_of_rooms(copy, score)
        unbuilt(copy, score)
        unused_exception(copy, score)
        rooms_cases(copy, score)
        atomics_cases(copy, score)
        sentence_cases(copy, score)
        word_cases(copy, score)
    finally:
        shutil.rmtree(copy.top)
    print(f"{score.passed} passed, {score.failed} failed")
    return score.failed > 0


if __name__ == "__main__":
    sys.exit(main())
