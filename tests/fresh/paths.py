#!/usr/bin/python3
"""paths.py BUILD: the tree works in a folder whose path has a space and Chinese in it.

A copy is laid at BUILD/paths/贯 通, what is built linked into it. There make is asked
what it would run for every goal, and no word of that may be a piece of the folder's
name; then one thing of each kind is run for real, with temporary files in a folder
of such a name too. Ends with "N passed, N failed"."""
import os
import re
import shlex
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NAME, TEMPORARY = "贯 通", "临 时"
# make runs what names $(MAKE) even when it is only asked; these do more than make
BUSY = {"check", "layers", "layers-selftest", "mutate"}
PIECES = re.compile("[贯通]")
# what is run, and what must be said
RUNS = [
    (["tests/unit.sh", "build/release/tests/unit/u_path", "build/release/tests/unit/u_blob"], r", 0 failed"),
    (["make", "-s", "e2e", "E2E=test_publish_names_the_member"], r"^1 passed, 0 failed"),
    (["make", "-s", "fault", "FAULT=publish write-eio 1"], r"^ok: fired=True"),
    (["make", "-s", "sim", "SEED=1", "SIMFLAGS=--minutes 1 -q"], r"^1 passed, 0 failed"),
    (["make", "-s", "demo-stop"], r"nothing is running"),
    (["make", "-s", "install", "DESTDIR={there}/安 装"], r""),
]


def lay(build):
    """The copy's folder. Sources are its own, what was built is shared."""
    there = os.path.join(os.path.abspath(build), "paths", NAME)
    shutil.rmtree(os.path.dirname(there), ignore_errors=True)
    os.makedirs(os.path.join(there, "build"))
    os.makedirs(os.path.join(os.path.dirname(there), TEMPORARY))
    files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           capture_output=True, check=True).stdout.split(b"\0")
    for name in map(os.fsdecode, filter(None, files)):
        if os.path.lexists(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(there, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(there, name))
    for part in ("gen", "release"):
        shutil.copytree(os.path.join(build, part), os.path.join(there, "build", part), copy_function=os.link)
    return there


def goals(there):
    with open(os.path.join(there, "Makefile"), encoding="utf-8") as f:
        text = f.read().replace("\\\n", " ")
    named = {g for line in re.findall(r"^\.PHONY:(.*)", text, re.M) for g in line.split()}
    return sorted(named - BUSY)


def words(text):
    """Every word the shell would see. A line whose quotes go on takes the next."""
    held = ""
    for line in text.replace("\\\n", " ").splitlines():
        held = f"{held}\n{line}" if held else line
        try:
            yield from shlex.split(held, comments=True)
            held = ""
        except ValueError:
            pass
    if held:
        yield held


def torn(text, there):
    """Words that hold a piece of the folder's name, but not the whole of it."""
    return [w for w in words(text) if PIECES.search(w.replace(there, ""))]


def said(there, command, env):
    done = subprocess.run(command, cwd=there, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    return done.returncode, done.stdout


def main():
    there = lay(sys.argv[1])
    temporary = os.path.join(os.path.dirname(there), TEMPORARY)
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BUILD", "V")}
    env.update(TMPDIR=temporary, LC_ALL="C.UTF-8")
    passed, bad = 0, []
    for goal in goals(there):
        status, text = said(there, ["make", "-n", "VERBOSE=1", goal], env)
        wrong = torn(text, there)
        if status == 0 and not wrong:
            passed += 1
        else:
            bad.append(f"FAIL make -n {goal}: " + (f"torn apart: {wrong[:3]}" if wrong else text[-400:]))
    for command, wanted in RUNS:
        command = [w.format(there=there) for w in command]
        status, text = said(there, command, env)
        if status == 0 and re.search(wanted, text, re.M):
            passed += 1
        else:
            bad.append(f"FAIL {shlex.join(command)}: exit {status}\n{text[-2000:]}")
    shutil.rmtree(os.path.dirname(there))
    print(*bad, f"{passed} passed, {len(bad)} failed", sep="\n")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
