#!/usr/bin/python3
"""run.py [--in FOLDER] [PATTERN...]: runs the end-to-end tests (or those of another
folder that share tree.py), or those whose names match one of the patterns; ends
with "N passed, N failed, N skipped"."""
import fnmatch
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def flatten(suite):
    for t in suite:
        if isinstance(t, unittest.TestSuite):
            yield from flatten(t)
        else:
            yield t


class Result(unittest.TextTestResult):
    """Says how long each test took, and keeps going."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self.stream.writeln(f"ok ({time.monotonic() - self.began:.1f} s)")


def main():
    folder, patterns = HERE, sys.argv[1:]
    if patterns[:1] == ["--in"]:
        folder, patterns = patterns[1], patterns[2:]
    tests = list(flatten(unittest.defaultTestLoader.discover(folder, "test_*.py")))
    if patterns:
        tests = [t for t in tests if any(fnmatch.fnmatch(t.id(), f"*{p}*") for p in patterns)]
        if not tests:
            sys.exit(f"no test in {folder} has a name with {' or '.join(patterns)} in it")
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result)
    r = runner.run(unittest.TestSuite(tests))
    failed = len({id(t) for t, _ in r.failures + r.errors})
    skipped = len(r.skipped)
    print(f"{r.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


main()
