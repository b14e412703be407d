"""sql.py: the node's database is asked in src/store and src/read, nowhere else.

Told by what is called (any sqlite3_ function) and by what is said (a literal
that is SQL). allowed.sql lists what stands elsewhere, and why.
"""
import os
import re

from rooms import line_of
from source import literals, per_file, room_of, text

HERE = os.path.dirname(os.path.abspath(__file__))
LIST = "tests/layers/allowed.sql"
ROOMS = ("src/store", "src/read")
# Words that begin or make a statement, in capitals or as they follow each other.
SQL = re.compile(
    r"""\b(SELECT|PRAGMA)\b|\bSAVEPOINT\b|\bVACUUM\b|(?i:\bselect\s.*\sfrom\s|\b(insert|replace)\s+(or\s+\w+\s+)?into\b
    |\bupdate\s+(or\s+\w+\s+)?\w+\s+set\b|\bdelete\s+from\b|\bpragma\s+\w+\s*[=(;]
    |\b(create|drop|alter)\s+(temp\s+)?(table|index|trigger|view)\b|\battach\s+(database\s+)?['?])
    |^(INSERT|UPDATE|DELETE)\s""",
    re.X | re.S,
)


@per_file
def said(path):
    """(line, literal) of what is SQL in a file."""
    if not SQL.search(text(path)) and not re.search("sql|insert|update|delete", text(path), re.I):
        return []
    return [(line, s) for line, s in literals(text(path)) if SQL.search(s)]


def exceptions(path=f"{HERE}/allowed.sql"):
    """[(line, file, what, why)]: what is a function, or how a literal begins."""
    rows = []
    with open(path, encoding="utf-8") as f:
        for n, line in enumerate(f, 1):
            if line.strip() and not line.startswith("#"):
                cells = [cell.strip() for cell in line.split("|")]
                rows.append((n, *(cells + ["", ""])[:3]))
    return rows


def elsewhere(tree, calls):
    """(file, line, what) of every call and literal outside the two rooms."""
    for source, symbol in calls.used():
        if symbol.startswith("sqlite3_") and calls.room(source) not in ROOMS:
            yield source, int(line_of(tree, source, symbol).split(":")[1]), symbol
    for path in tree.sources(ends=("c", "h", "def")):
        if room_of(path) not in ROOMS:
            for line, literal in said(tree.at(path)):
                yield path, line, literal


def check_sql(tree, calls, rows):
    used = set()
    for path, line, what in elsewhere(tree, calls):
        row = next((r for r in rows if r[1] == path and what.startswith(r[2])), None)
        if row:
            used.add(row)
        elif what.startswith("sqlite3_"):
            yield f"{path}:{line}: calls {what}, and only {' and '.join(ROOMS)} ask the node's database ({LIST})"
        else:
            short = re.sub(r"\s+", " ", what)[:40]
            yield f"{path}:{line}: says SQL, '{short}', and only {' and '.join(ROOMS)} ask the node's database ({LIST})"
    for n, path, what, why in rows:
        if (n, path, what, why) not in used:
            yield f"{LIST}:{n}: allows {what} to {path}, which has no need of it any more"
        if not what or not why:
            yield f"{LIST}:{n}: a row is FILE | CALL OR BEGINNING | WHY"
