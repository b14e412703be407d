#!/usr/bin/python3
"""mutate.py ROOT ROOM [--count N] [--seed S] [--only ID] [--list]

Do the unit tests, or a short sweep of the simulator, notice small faults in the
sources of a room? N mutants are drawn by SEED out of all there can be. One
that no test fails for *lives*: a promise nobody checks, or an edit that changes
nothing, which is then written down in equivalent.txt. Ends with "N passed, N
failed"; status 0 if at least 95 of 100 are killed or written down.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import os
import pathlib
import re
import sys

import build
import edits

WRITTEN = "equivalent.txt"
ENOUGH = 0.95
CORES = os.cpu_count() or 1


class Room:
    """The mutants of one room and what kills them."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.tree = build.Tree(arguments.root, arguments.room)
        self.sources = {f: (self.tree.root / f).read_text(encoding="utf-8") for f in self.tree.files}
        self.mutants = [m for f, text in self.sources.items() for m in edits.Finder(f, text).all()]
        self.written = self.read_written()
        self.programs = []

    def read_written(self):
        """{key of a mutant: why it is equivalent}, of the files of this room."""
        path = self.tree.root / "tests/mutate" / WRITTEN
        rows = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        found = {}
        for row in rows:
            if row and not row.startswith("#"):
                file, function, rest = row.split(" | ", 2)
                edit, why = rest.rsplit(" | ", 1)
                found[file, function, edit] = why
        known = {m.key for m in self.mutants}
        for key in found:
            if key[0] in self.sources and key not in known:
                print(f"{WRITTEN} has a row of what is no longer there: {' | '.join(key)}")
        return found

    def in_order(self):
        """All mutants as the seed draws them; code added elsewhere moves none past another."""
        def lot(m):
            return hashlib.sha256(f"{self.arguments.seed} {m.key}".encode()).digest()
        return sorted(self.mutants, key=lot)

    def object(self, m):
        return self.tree.scratch / (m.id.replace(":", "-") + ".o")

    def compile(self, m):
        """'written', 'new', or why there is nothing to test."""
        if m.key in self.written:
            return "written"
        if not self.tree.compile(m.file, m.apply(self.sources[m.file]), self.object(m)):
            return "compiles not"
        if self.object(m).read_bytes() == self.tree.originals[m.file].read_bytes():
            self.object(m).unlink()
            return "same code"
        return "new"

    def draw(self, pool):
        """The first of them that are something to test, with what compile() said."""
        drawn, void, order = [], collections.Counter(), self.in_order()
        while order and len(drawn) < self.arguments.count:
            some, order = order[:2 * CORES], order[2 * CORES:]
            for m, said in zip(some, pool.map(self.compile, some)):
                if said not in ("new", "written"):
                    void[said] += 1
                elif len(drawn) < self.arguments.count:
                    drawn.append((m, said))
                elif said == "new":
                    self.object(m).unlink()
        print(f"{self.arguments.room}: {len(self.mutants)} mutants are possible, {len(drawn)} drawn by seed "
              f"{self.arguments.seed}; left aside {void['compiles not']} that do not compile and "
              f"{void['same code']} that are the same code", flush=True)
        return drawn

    def prepare(self, pool):
        """Which programs hold what, and how long they take; each must pass undamaged."""
        self.programs = self.tree.programs()
        for program, wrong in zip(self.programs, pool.map(self.tree.measure, self.programs)):
            if wrong:
                raise SystemExit(f"{program.name} fails with no mutant in it: {wrong}")

    def named_tests(self, file):
        """The tests a file has of its own: by its name, or behind 'Tests:' in it or its header."""
        stem = pathlib.Path(file).stem
        texts = [self.sources[file]]
        header = (self.tree.root / file).with_suffix(".h")
        if header.exists():
            texts.append(header.read_text(encoding="utf-8"))
        named = re.findall(r"Tests:(.*?)\*/", " ".join(texts), re.DOTALL)
        return {"u_" + stem, *re.findall(r"\bu_\w+", " ".join(named))}

    def killers(self, m, everyone):
        """Programs that run its function (or hold its file): its file's own tests, then the quick
        ones; of a test that calls the file itself more is hoped."""
        own, exported = self.named_tests(m.file), self.tree.exports[m.file]
        held = [p for p in self.programs if exported & p.symbols and
                (everyone or p.reaches(m.file, m.function))]
        return sorted(held, key=lambda p: (p.name not in own, p.seconds * (1 if exported & p.wanted else 4)))

    def try_in(self, program, m, *log):
        """What becomes of program with the mutant in it; None if it passes."""
        out = self.object(m).with_suffix("")
        wrong = self.tree.link(program, {m.file: self.object(m)}, out)
        wrong = wrong or build.run([str(out), *program.arguments], self.tree.root, program.seconds, *log)
        out.unlink(missing_ok=True)
        return wrong

    def test(self, m):
        """Who kills it and how, or None."""
        tries = ((p.name, self.try_in(p, m)) for p in self.killers(m, False))
        return next((f"{name}, which {wrong}" for name, wrong in tries if wrong), None)


def diff(m):
    old, new = m.edit.split(": ", 1)[1].split(" -> ", 1) if m.edit.count(" -> ") == 1 else (m.edit, "")
    return f"  - {old}\n  + {new}" if new else f"  {old}"


def campaign(room):
    """Draws, tests and reports; the exit status."""
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        drawn = room.draw(pool)
        room.prepare(pool)
        new = [m for m, said in drawn if said == "new"]
        counts = collections.Counter(equivalent=len(drawn) - len(new), killed=0)
        for m, said in drawn:
            if said == "written":
                print(f"equivalent, written down  {m.id}  {m.edit}")
        living = []
        for m, by in zip(new, pool.map(room.test, new)):
            print(f"{'killed' if by else 'LIVES '}  {m.file}:{m.line}: {m.edit}{'  by ' + by if by else ''}",
                  flush=True)
            room.object(m).unlink(missing_ok=True)
            counts["killed"] += by is not None
            living += [] if by else [m]
    return report(room, len(drawn), counts, living)


def report(room, total, counts, living):
    path = room.tree.scratch.parent / (room.tree.scratch.name + ".survivors")
    text = "".join(f"{m.file}:{m.line}: {edits.WORDS[m.kind]}, in {m.function}()\n{diff(m)}\n"
                   f"  again: make mutate ROOM={room.arguments.room} ONLY={m.id}\n"
                   f"  row: {' | '.join(m.key)} | WHY\n" for m in living)
    path.write_text(text, encoding="utf-8")
    if living:
        print(f"\nthese live (also in {os.path.relpath(path, room.tree.root)}):\n{text}", end="")
    good = counts["killed"] + counts["equivalent"]
    share = good / total if total else 0
    row = (f"`{room.arguments.room}`", counts["killed"], counts["equivalent"], len(living), total,
           f"{100 * share:.0f}")
    print("\n| room | killed | equivalent | live | of | percent |\n|---|---|---|---|---|---|\n| " +
          " | ".join(str(word) for word in row) + " |")
    print(f"{good} passed, {len(living)} failed")
    return 0 if share >= ENOUGH else 1


def once_more(room):
    """One mutant, by its id, in every program that holds it; its source and their words are kept."""
    m = next((m for m in room.mutants if m.id == room.arguments.only), None)
    if m is None:
        raise SystemExit(f"no mutant {room.arguments.only} in {room.arguments.room}; see --list")
    source = room.object(m).with_suffix(".c")
    source.write_text(m.apply(room.sources[m.file]), encoding="utf-8")
    print(f"{m.file}:{m.line}: {edits.WORDS[m.kind]}, in {m.function}()\n{diff(m)}")
    said = room.compile(m)
    if said != "new":
        raise SystemExit(f"nothing to test: {said}")
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        room.prepare(pool)
    killed = 0
    with open(source.with_suffix(".log"), "wb") as log:
        for program in room.killers(m, True):
            wrong = room.try_in(program, m, log)
            killed += wrong is not None
            print(f"  {program.name} {wrong or 'passes'}", flush=True)
    print(f"{'killed' if killed else 'LIVES'}; see {source} and .log\n{int(killed > 0)} passed, "
          f"{int(killed == 0)} failed")
    return 0 if killed else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("room")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    # a mutant of code that removes files might remove any
    if arguments.room.split("/")[0] not in ("src", "proto"):
        sys.exit("ROOM is a folder of src, or proto: src/records; what touches files is not mutated")
    room = Room(arguments)
    if not room.sources:
        sys.exit(f"no sources in {arguments.room}")
    if arguments.list:
        for m in room.mutants:
            print(f"{m.id}  {m.function}  {m.edit}")
        return 0
    build.bound_children()
    room.tree.prepare()
    return once_more(room) if arguments.only else campaign(room)


if __name__ == "__main__":
    sys.exit(main())
