"""csource.py: as much of C as mutations need.

Tokens of a file, and of each function its statements and conditions. It reads
well-formed code in this project's style; where it guesses wrong, the edit made
of the guess does not compile and is drawn again.
"""
import dataclasses
import re

TOKEN = re.compile(r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<pre>(?:(?<=\n)|\A)[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)
  | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*")
  | (?P<char>[uUL]?'(?:\\.|[^'\\\n])*')
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<op><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[^\s\w])
""", re.VERBOSE | re.DOTALL)

KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while _Bool".split())
TYPES = frozenset(
    "auto char const double enum extern float int long register short signed static struct "
    "typedef union unsigned void volatile _Bool bool".split())
JUMPS = frozenset(("return", "break", "continue", "goto"))
OPENS = {"(": ")", "[": "]", "{": "}"}


@dataclasses.dataclass
class Token:
    kind: str
    text: str
    start: int

    @property
    def end(self):
        return self.start + len(self.text)


@dataclasses.dataclass
class Statement:
    """A statement that ends at a ';' and holds no other: tokens first to last."""
    first: int
    last: int
    closes: bool = False  # the last one of its function


@dataclasses.dataclass
class Function:
    name: str
    first: int  # its '{'
    last: int   # its '}'
    # statements in a row; None where one stands that holds others, or a label
    rows: list = dataclasses.field(default_factory=list)
    conditions: list = dataclasses.field(default_factory=list)


def read(text):
    """The tokens that mean something to the compiler proper."""
    return [Token(m.lastgroup, m.group(), m.start()) for m in TOKEN.finditer(text)
            if m.lastgroup not in ("comment", "pre")]


def partners(tokens):
    """{index of a bracket: index of its other half}, both ways."""
    stack, found = [], {}
    for i, token in enumerate(tokens):
        if token.kind == "op" and token.text in OPENS:
            stack.append(i)
        elif token.kind == "op" and token.text in OPENS.values() and stack:
            found[i] = stack.pop()
            found[found[i]] = i
    return found


class Reader:
    """Reads the functions of one file."""

    def __init__(self, text):
        self.tokens = read(text)
        self.partner = partners(self.tokens)
        self.function = None

    def text(self, i):
        return self.tokens[i].text if i < len(self.tokens) else ""

    def functions(self):
        found, i = [], 0
        while i < len(self.tokens):
            if self.text(i) == "{":
                name = self.name_before(i)
                if name:
                    found.append(self.read_function(name, i))
                i = self.partner.get(i, i)
            i += 1
        return found

    def name_before(self, brace):
        """The function's name, if this '{' opens one's body."""
        if brace == 0 or self.text(brace - 1) != ")":
            return None
        opened = self.partner.get(brace - 1, 0)
        before = self.tokens[opened - 1] if opened else None
        named = before and before.kind == "name" and before.text not in KEYWORDS
        return before.text if named else None

    def read_function(self, name, brace):
        self.function = Function(name, brace, self.partner[brace])
        row = self.block(brace)
        if row and row[-1]:
            row[-1].closes = True
        return self.function

    def block(self, brace):
        row, i = [], brace + 1
        self.function.rows.append(row)
        while i < self.partner[brace]:
            i = self.statement(i, row)
        return row

    def alone(self, i):
        """A statement that is the body of another."""
        row = []
        self.function.rows.append(row)
        return self.statement(i, row)

    def statement(self, i, row):
        """Reads the statement at i, returns where the next begins."""
        word = self.text(i)
        if word == "{":
            row.append(None)
            self.block(i)
            return self.partner[i] + 1
        if word in ("if", "while", "for", "switch", "do", "case", "default"):
            row.append(None)
            return getattr(self, "read_" + word)(i)
        if self.tokens[i].kind == "name" and self.text(i + 1) == ":":
            row.append(None)
            return i + 2
        called = self.tokens[i].kind == "name" and word not in KEYWORDS and self.text(i + 1) == "("
        if called and self.text(self.partner[i + 1] + 1) == "{":
            row.append(None)  # a macro that loops
            return self.alone(self.partner[i + 1] + 1)
        return self.read_simple(i, row)

    def read_simple(self, i, row):
        end = i
        while self.text(end) != ";" and end < self.function.last:
            end = self.partner[end] if self.text(end) in OPENS else end
            end += 1
        if end > i:
            row.append(Statement(i, end))
        return end + 1

    def read_if(self, i):
        after = self.condition(i + 1)
        after = self.alone(after)
        return self.alone(after + 1) if self.text(after) == "else" else after

    def read_while(self, i):
        return self.alone(self.condition(i + 1))

    def read_switch(self, i):
        return self.alone(self.partner[i + 1] + 1)

    def read_do(self, i):
        after = self.alone(i + 1)          # at 'while'
        return self.condition(after + 1) + 1

    def read_for(self, i):
        close = self.partner[i + 1]
        ends = [k for k in self.outermost(i + 2, close) if self.text(k) == ";"]
        if len(ends) == 2 and ends[0] + 1 < ends[1]:
            self.function.conditions.append((ends[0] + 1, ends[1] - 1))
        return self.alone(close + 1)

    def read_case(self, i):
        while self.text(i) != ":":
            i = self.partner[i] + 1 if self.text(i) in OPENS else i + 1
        return i + 1

    read_default = read_case

    def condition(self, paren):
        close = self.partner[paren]
        self.function.conditions.append((paren + 1, close - 1))
        return close + 1

    def outermost(self, first, beyond):
        """Indexes from first on that lie in no bracket of their own."""
        i = first
        while i < beyond:
            yield i
            i = self.partner[i] + 1 if self.text(i) in OPENS else i + 1

    def is_declaration(self, s):
        """Of a simple statement: 'struct x y', 'name name', 'name *name'."""
        first, second = self.tokens[s.first], self.tokens[s.first + 1]
        if first.text in TYPES:
            return True
        return (first.kind == "name" and first.text not in KEYWORDS and
                (second.kind == "name" or second.text == "*"))
