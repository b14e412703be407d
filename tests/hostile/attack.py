"""What the rogue programs share: attacks by name, a word for the world, an end.

    rogue_x.py NAME <CONTEXT      CONTEXT is JSON: where the attacked node is, and
                                  what the rogue knows; see the stages in run.py

A program plays the one attack named and says in one line of JSON what came of it:
{"did": {what: how often}} or {"broken": the promise that did not hold}. It is
bounded in count and by CONTEXT's "seconds", whichever is reached first.
"""
import collections
import json
import random
import sys
import time
import traceback

ATTACKS = {}


class Broken(Exception):
    """A promise did not hold."""


def attack(name, quick=False):
    """Names an attack; its docstring's first line says what is done. quick: it is
    played by `make check` too."""

    def keep(f):
        f.quick = quick
        f.what = " ".join(f.__doc__.split("\n\n")[0].split())
        ATTACKS[name] = f
        return f

    return keep


class Rogue:
    """What an attack is given: the context, dice of its own, and counters."""

    def __init__(self, context):
        self.context = context
        self.dice = random.Random(7)
        self.did = collections.Counter()
        self.begin()

    def __getattr__(self, key):
        return self.context[key]

    def begin(self):
        """The time counts from here."""
        self.until = time.monotonic() + self.context["seconds"]

    def left(self):
        return self.until - time.monotonic()

    def rounds(self, count):
        """So many rounds, or as many as there is time for."""
        for i in range(count):
            if self.left() <= 0:
                return
            yield i

    def wants(self, held, why):
        if not held:
            raise Broken(why)


def main():
    f = ATTACKS[sys.argv[1]]
    rogue = Rogue(json.load(sys.stdin))
    try:
        f(rogue)
        said = {"did": dict(rogue.did)}
    except Broken as e:
        said = {"broken": str(e), "did": dict(rogue.did)}
    except Exception:
        said = {"broken": traceback.format_exc(limit=-4), "did": dict(rogue.did)}
    print(json.dumps(said, ensure_ascii=False))
