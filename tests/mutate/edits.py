"""edits.py: every small mutation of a C file.

Each is one edit within one function. What is left alone: text, comments, the
preprocessor's lines, what stands in an assertion, enums, sizes of arrays, and
two statements whose order cannot matter.
"""
import collections
import dataclasses
import re

import csource

TURNED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
JOINED = {"&&": "||", "||": "&&"}
SUMS = {"+": "-", "-": "+", "+=": "-=", "-=": "+="}
ASSIGN = frozenset(("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="))
WORDS = {
    "compare": "a comparison turned", "join": "and, or exchanged", "constant": "a constant off by one",
    "call": "a call left out", "negate": "a condition negated", "swap": "two statements swapped",
    "jump": "a jump left out", "sum": "plus, minus exchanged", "step": "a step left out"}


@dataclasses.dataclass
class Mutant:
    """One edit: the bytes from start to end of the file become new."""
    file: str
    function: str
    kind: str
    start: int
    end: int
    new: str
    line: int = 0
    column: int = 0
    edit: str = ""  # 'kind: old -> new' in whole lines, and ' #n' beyond the first such

    @property
    def id(self):
        return f"{self.file.rsplit('/', 1)[-1]}:{self.line}:{self.column}:{self.kind}"

    @property
    def key(self):
        """What it is called however far its lines move."""
        return self.file, self.function, self.edit

    def apply(self, text):
        return text[:self.start] + self.new + text[self.end:]


def flat(text):
    return " ".join(text.split())


class Finder:
    """Finds the mutants of one file."""

    def __init__(self, file, text):
        self.file, self.source = file, text
        self.reader = csource.Reader(text)
        self.tokens, self.partner, self.text = self.reader.tokens, self.reader.partner, self.reader.text
        self.found = []

    def all(self):
        for function in self.reader.functions():
            self.function = function
            statements = [s for row in function.rows for s in row if s]
            self.spared = self.spare(function, statements)
            self.of_tokens(function)
            self.of_conditions(function)
            for s in statements:
                self.of_statement(s)
            for row in function.rows:
                for a, b in zip(row, row[1:]):
                    self.of_pair(a, b)
        self.found.sort(key=lambda m: (m.start, m.end, m.kind))
        self.describe()
        return self.found

    def add(self, kind, first, last, new):
        """An edit of the tokens from first to last, unless one of them is spared."""
        if self.spared.isdisjoint(range(first, last + 1)):
            self.found.append(Mutant(self.file, self.function.name, kind,
                                     self.tokens[first].start, self.tokens[last].end, new))

    def spare(self, function, statements):
        """Tokens no edit may touch."""
        spared = set()
        for i in range(function.first, function.last):
            if self.tokens[i].kind == "name" and "assert" in self.text(i).lower():
                spared.update(range(i, self.partner.get(i + 1, i) + 1))
            elif self.text(i) == "enum":
                brace = next((k for k in (i + 1, i + 2) if self.text(k) == "{"), i)
                spared.update(range(i, self.partner.get(brace, brace) + 1))
        for s in statements:
            if self.reader.is_declaration(s):
                spared.update(self.sizes(s))
        return spared

    def sizes(self, declaration):
        """Tokens in the brackets behind the names a declaration declares."""
        value = False
        for i in self.reader.outermost(declaration.first, declaration.last):
            value = self.text(i) == "=" or (value and self.text(i) != ",")
            if self.text(i) == "[" and not value:
                yield from range(i, self.partner[i] + 1)

    def of_tokens(self, function):
        for i in range(function.first + 1, function.last):
            token = self.tokens[i]
            if token.text in TURNED:
                self.add("compare", i, i, TURNED[token.text])
            elif token.text in JOINED:
                self.add("join", i, i, JOINED[token.text])
            elif token.text in ("++", "--"):
                self.add("step", i, i, "")
            elif token.text in SUMS and self.is_operand(i - 1):
                self.add("sum", i, i, SUMS[token.text])
            elif token.kind == "number":
                self.off_by_one(i)

    def is_operand(self, i):
        token = self.tokens[i]
        return (token.text in (")", "]") or token.kind in ("number", "char") or
                (token.kind == "name" and token.text not in csource.KEYWORDS))

    def off_by_one(self, i):
        number = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)", self.text(i))
        if number:
            value = int(number[1], 0 if number[1][:2] in ("0x", "0X") else 10)
            value = 0 if value == 1 else value + 1
            self.add("constant", i, i, (f"{value:#x}" if "x" in number[1] else str(value)) + number[2])

    def of_conditions(self, function):
        for first, last in function.conditions:
            words = [self.text(i) for i in range(first, last + 1)]
            # of one comparison alone, turning == is the same edit
            same = ("==" in words or "!=" in words) and not JOINED.keys() & set(words)
            if not same and words not in (["true"], ["1"]):
                text = self.source[self.tokens[first].start:self.tokens[last].end]
                self.add("negate", first, last, f"!({text})")

    def of_statement(self, s):
        first = self.text(s.first)
        if first in csource.JUMPS:
            if not s.closes:
                self.add("jump", s.first, s.last - 1, "")
            if first == "return" and self.is_call(s.first + 1, s.last - 1):
                self.add("call", s.first + 1, s.last - 1, "0")
            return
        assign = self.assignment(s)
        if assign is None:
            if self.is_call(s.first, s.last - 1):
                self.add("call", s.first, s.last - 1, "")
        elif self.text(assign) != "=":
            self.add("step", s.first, s.last - 1, "")
        elif self.is_call(assign + 1, s.last - 1):
            self.add("call", assign + 1, s.last - 1, "0")

    def assignment(self, s):
        """Where the '=' or the like of a statement is."""
        return next((i for i in self.reader.outermost(s.first, s.last) if self.text(i) in ASSIGN), None)

    def is_call(self, first, last):
        """Whether these tokens are one call, perhaps cast: '(void)a->b(c)'."""
        while self.text(first) == "(" and self.partner[first] < last:
            first = self.partner[first] + 1
        if last <= first or self.text(last) != ")":
            return False
        callee = [self.tokens[i] for i in range(first, self.partner[last])]
        return (bool(callee) and callee[-1].kind == "name" and callee[-1].text not in csource.KEYWORDS and
                all(t.kind == "name" or t.text in ("->", ".") for t in callee))

    def of_pair(self, a, b):
        if not (a and b and self.movable(a) and self.movable(b) and self.ordered(a, b)):
            return
        start, end = self.tokens[a.first].start, self.tokens[a.last].end
        other, beyond = self.tokens[b.first].start, self.tokens[b.last].end
        self.add("swap", a.first, b.last,
                 self.source[other:beyond] + self.source[end:other] + self.source[start:end])

    def movable(self, s):
        return self.text(s.first) not in csource.JUMPS and not self.reader.is_declaration(s)

    def ordered(self, a, b):
        """Whether it can matter which of two statements comes first."""
        bare = self.assignment(a) is None or self.assignment(b) is None
        return (bare and self.calls(a) and self.calls(b)) or self.feeds(a, b) or self.feeds(b, a)

    def calls(self, s):
        return any(self.tokens[i].kind == "name" and self.text(i) not in csource.KEYWORDS and
                   self.text(i + 1) == "(" for i in range(s.first, s.last))

    def feeds(self, a, b):
        """Whether a sets something b mentions: of 'o->state = x' state, and all of o."""
        assign = self.assignment(a)
        names = [self.text(i) for i in range(a.first, assign or a.last) if self.tokens[i].kind == "name"]
        if not names or (assign is None and self.words(a).isdisjoint(("++", "--"))):
            return False
        whole = any(self.text(i) == names[0] and self.text(i + 1) not in ("->", ".")
                    for i in range((self.assignment(b) or b.first - 1) + 1, b.last))
        return whole or names[-1] in self.words(b)

    def words(self, s):
        return {self.text(i) for i in range(s.first, s.last)}

    def describe(self):
        """Gives each its line, and its lines' text before and after."""
        seen = collections.Counter()
        for m in self.found:
            begin = self.source.rfind("\n", 0, m.start) + 1
            stop = self.source.find("\n", m.end)
            m.line = self.source.count("\n", 0, m.start) + 1
            m.column = m.start - begin + 1
            m.edit = (f"{m.kind}: {flat(self.source[begin:stop])} -> "
                      f"{flat(self.source[begin:m.start] + m.new + self.source[m.end:stop])}")
            seen[m.key] += 1
            if seen[m.key] > 1:
                m.edit += f" #{seen[m.key]}"
