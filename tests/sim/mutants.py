#!/usr/bin/python3
"""mutants.py BUILD [NAME...]: does the simulator see what it should?
mutants.py --fit: do all the rows still fit the sources?

Each block of mutants.txt spoils one promise in a copy of one file. The copy is
compiled and linked in place of the true one, and seeds run until a check
fails. A mutant that lives through all its seeds is a hole in the checks. A run
of them all that finds none such is written to MUTANTS.md. Ends with "N passed,
N failed".
"""
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "tests/sim/mutants.txt"
FOUND = ROOT / "tests/sim/MUTANTS.md"
ROOMS = [word for room in ("proto", "src", *sorted(ROOT.glob("src/*/"))) for word in ("-iquote", str(room))]
LIBS = "-lsqlite3 -lzstd -ljansson -lprotobuf-c -lcrypto -lutf8proc -lm".split()


def table():
    """Blocks: '== name file check [options]', '# words', then -old and +new lines."""
    blocks, block = [], None
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            name, file, check, *options = shlex.split(line[3:])
            block = {"name": name, "file": file, "check": check,
                     "options": options, "words": "", "hunks": [([], [])]}
            blocks.append(block)
        elif block and line.startswith("# "):
            block["words"] = line[2:]
        elif block and line == "~":
            block["hunks"].append(([], []))
        elif block and line[:1] in "-+" and line:
            block["hunks"][-1]["-+".index(line[0])].append(line[1:])
    return blocks


def spoil(block):
    """(the file with the promise spoilt, None), or (None, what does not fit)"""
    text = (ROOT / block["file"]).read_text(encoding="utf-8")
    for old, new in block["hunks"]:
        old, new = "\n".join(old), "\n".join(new)
        if text.count(old) != 1:
            return None, f"{block['file']}: the text to change is there {text.count(old)} times: {old.strip()}"
        text = text.replace(old, new)
    return text, None


def fit():
    """A row whose text has gone from the sources spoils nothing, and is not seen to."""
    unfit = [f"{block['name']}: {wrong}" for block in table() for _, wrong in [spoil(block)] if wrong]
    for line in unfit:
        print(f"FAIL {line}")
    print(f"{len(table()) - len(unfit)} passed, {len(unfit)} failed")
    return 1 if unfit else 0


def build(block, out):
    text, wrong = spoil(block)
    if wrong:
        return wrong
    source = BUILD / "mutants" / (block["name"] + ".c")
    source.write_text(text, encoding="utf-8")
    # of the sources there are, not of ones long deleted
    sources = [p for part in ("proto", "src", "tests/sim") for p in sorted((ROOT / part).rglob("*.c"))]
    objects = [str(BUILD / p.relative_to(ROOT).with_suffix(".o")) for p in sources if p != ROOT / block["file"]]
    objects.append(str(BUILD / "gen/guantong.pb-c.o"))
    command = [os.environ.get("CC", "cc"), "-std=c17", "-D_POSIX_C_SOURCE=200809L",
               "-O1", "-w", "-iquote", str((ROOT / block["file"]).parent), *ROOMS,
               "-isystem", str(BUILD.parent / "gen"),
               str(source), *objects, *LIBS, "-o", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stderr[-400:] if done.returncode else None


def verdict(output):
    """'check: what it said' of a failing run."""
    found = re.search(r"trace=\w+ (?:[a-z-]+=\d+ )*(.*)", output)
    if found:
        return found.group(1)
    return "stopped: " + (output.strip().splitlines() or ["silently"])[-1]


def hunt(block, out):
    for seed in range(1, SEEDS + 1):
        done = subprocess.run([str(out), str(seed), "-q", *block["options"]], cwd=ROOT,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            return seed, verdict(done.stdout + done.stderr)
    return SEEDS, None


def one(block):
    """(a row of MUTANTS.md if caught as it should be, the line that says so)"""
    name, out = f"{block['name']:<28}", BUILD / "mutants" / block["name"]
    broken = build(block, out)
    if broken:
        return None, f"{name} cannot be built: {broken}"
    seeds, said = hunt(block, out)
    out.unlink() if not os.environ.get("KEEP") else None
    if said is None:
        return None, f"{name} NOT caught in {seeds} seeds"
    if not re.match(block["check"], said):
        return None, f"{name} caught by another check: {said}"
    row = (block["name"], block["words"], block["file"], said.split(":")[0], seeds,
           " ".join(block["options"]))
    return row, f"{name} caught after {seeds:2} seed(s) by {said:.100}"


def write_down(rows):
    revision = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True,
                              capture_output=True, check=False).stdout.strip()
    lines = ["# Promises spoilt on purpose", "",
             f"Written by `make sim-mutants` on {time.strftime('%F', time.gmtime())}, {revision}: "
             "each row of `mutants.txt`, the check that", "saw it and how many seeds that took.", "",
             "| name | what is spoilt | in | seen by | seeds | options |",
             "|---|---|---|---|---|---|"]
    lines += ["| `{}` | {} | `{}` | `{}` | {} | {} |".format(
        *row[:5], f"`{row[5]}`" if row[5] else "") for row in rows]
    FOUND.write_text("\n".join(lines) + "\n", encoding="utf-8")


if sys.argv[1:] == ["--fit"]:
    sys.exit(fit())
BUILD = pathlib.Path(sys.argv[1]).resolve()
SEEDS = int(os.environ.get("SEEDS", "100"))
(BUILD / "mutants").mkdir(exist_ok=True)
unknown = set(sys.argv[2:]) - {b["name"] for b in table()}
if unknown:
    sys.exit(f"{TABLE} has no {', '.join(sorted(unknown))}")
wanted = [b for b in table() if len(sys.argv) == 2 or b["name"] in sys.argv[2:]]
results = []
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as cores:
    for row, line in cores.map(one, wanted):
        results.append(row)
        print(line, flush=True)
if len(wanted) == len(table()) and all(results):
    write_down(results)
print(f"{len(results) - results.count(None)} passed, {results.count(None)} failed")
sys.exit(0 if all(results) else 1)
