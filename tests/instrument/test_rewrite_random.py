"""Random little programs, over a few variables, lists, dicts, objects and closures, stay the same.

The programs fail in all sorts of ways; they must fail alike.
"""

from __future__ import annotations

import textwrap
import warnings

from hypothesis import given, settings
from hypothesis import strategies as st
from instrument.plain_and_rewritten import run_plain, run_rewritten

PROLOGUE = """\
import heapq, copy
class Thing:
    shared = []
    def __init__(self, n=0):
        self.n = n
        self.xs = [n, 1]
        self.d = {"a": n}
        self.next = self
        self.__private = n
    def __repr__(self): return f"Thing({self.n})"
    def __bool__(self): print("bool", self.n); return bool(self.n)
    def __add__(self, other): print("add"); return Thing(self.n + 1)
    def __iadd__(self, other): print("iadd"); self.n += 1; return self
    def __eq__(self, other): print("eq"); return isinstance(other, Thing) and self.n == other.n
    def __hash__(self): return 1
    def __iter__(self): return iter(self.xs)
    def __len__(self): return len(self.xs)
    def __getitem__(self, key): print("get", key); return self.xs[key]
    def __setitem__(self, key, value): print("set", key); self.xs[key] = value
    def __contains__(self, item): print("contains"); return item in self.xs
    def private(self): self.__private += 1; return self.__private
    def append(self, *items, **more): print("append", items, more); return self.private()
a, b, c, x = 1, [1, 2, 3], {"a": 1, 0: [2]}, 7
g = 0
t = Thing(2)
steps = 0
def tick(value=None):
    global steps
    steps += 1
    print("tick", steps)
    if steps > 40: raise RuntimeError("enough")
    return value
"""

NAMES = st.sampled_from(["a", "b", "c", "g", "t"])
ATOMS = NAMES | st.sampled_from(["0", "1", "-1", "'a'", "None", "[]", "()", "{}", "[1, 2]", "x"])


def expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def form(pattern: str) -> st.SearchStrategy[str]:
        parts = [inner] * pattern.count("%s")
        return st.tuples(*parts).map(lambda values: pattern % values)

    patterns = [
        "(%s).n",
        "(%s).xs",
        "(%s).next.d",
        "(%s)[%s]",
        "(%s)[%s:%s]",
        "(%s) + (%s)",
        "(%s) == (%s)",
        "(%s) < (%s) in (%s)",
        "(%s) in (%s)",
        "not (%s)",
        "(%s) and (%s) or (%s)",
        "((%s) if (%s) else (%s))",
        "len(%s)",
        "sorted(%s)",
        "list(zip(%s, %s))",
        "tick(%s)",
        "tick(*%s)",
        "t.append(%s, k=%s)",
        "b.append(%s)",
        "(%s).xs.insert(%s, %s)",
        "c.get(%s, %s)",
        "t.d.setdefault(%s, %s)",
        "(%s).pop(%s)",
        "[x for x in %s if %s]",
        "{x: %s for x in %s}",
        "sum(x for x in %s)",
        "(lambda x: %s)(%s)",
        "(a := %s)",
        "[(g := x) for x in %s]",
        "[%s, *%s]",
        "f'{%s}{%s!r:>5}'",
        "'%%r' %% (%s)",
        "getattr(%s, 'n', %s)",
        "copy.copy(%s)",
        "heapq.heappush(b, %s)",
        "next(iter(%s), %s)",
    ]
    return st.one_of([form(pattern) for pattern in patterns])


EXPRESSIONS = st.recursive(ATOMS, expressions, max_leaves=5)
TARGETS = NAMES | st.one_of(
    st.just("t.n"),
    st.just("t.next.n"),
    st.just("b[0]"),
    st.just("t.xs[1:]"),
    EXPRESSIONS.map(lambda e: f"c[{e}]"),
    EXPRESSIONS.map(lambda e: f"t.d[{e}]"),
    EXPRESSIONS.map(lambda e: f"tick(t)[{e}]"),
    EXPRESSIONS.map(lambda e: f"tick({e}).n"),
)


def lines(*patterns: str) -> st.SearchStrategy[str]:
    """Statements of one line: %t is a target, %e an expression."""

    def line(pattern: str) -> st.SearchStrategy[str]:
        pieces = pattern.split("%")
        holes = [TARGETS if piece[0] == "t" else EXPRESSIONS for piece in pieces[1:]]
        return st.tuples(*holes).map(
            lambda values: (
                pieces[0]
                + "".join(
                    value + piece[1:] for value, piece in zip(values, pieces[1:], strict=True)
                )
            )
        )

    return st.one_of([line(pattern) for pattern in patterns])


SIMPLE = lines(
    "print(%e)",
    "%t = %e",
    "%t = %t = %e",
    "%t, %t = %e",
    "%t, *%t = %e, %e",
    "%t += %e",
    "%t *= %e",
    "del %t",
    "assert %e, %e",
    "tick()",
)


def blocks(statement: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(statement, min_size=1, max_size=3).map(
        lambda found: textwrap.indent("\n".join(found), "    ")
    )
    declared = st.sampled_from(["pass", "global g", "global a, b", "x = 1", "def h(): return a, x"])

    def make(parts: tuple[str, str, str, str, str]) -> str:
        kind, head, first, second, declaration = parts
        return {
            "if": f"if {head}:\n{first}\nelse:\n{second}",
            "while": f"while tick({head}):\n{first}\n    if {head}: break",
            "for": f"for x in {head}:\n{first}\nelse:\n{second}",
            "try": f"try:\n{first}\nexcept TypeError as x:\n{second}",
            "with": f"with {head} as x:\n{first}",
            "def": f"def f(x={head}):\n    {declaration}\n{first}\n{second}\nf()",
            "nested": "def f(a, b=[0]):\n    x = 0\n    def k():\n        nonlocal a, x\n"
            + textwrap.indent(f"{first}\n    return a", "    ")
            + f"\n{second}\n    return k, {head}\nf(1)[0]()",
            "class": f"class K:\n    x = {head}\n{first}",
            "match": f"match {head}:\n    case [x, *b]:\n{textwrap.indent(first, '    ')}"
            f"\n    case x if x:\n{textwrap.indent(second, '    ')}",
        }[kind]

    kinds = ["if", "while", "for", "try", "with", "def", "nested", "class", "match"]
    return st.tuples(st.sampled_from(kinds), EXPRESSIONS, body, body, declared).map(make)


STATEMENTS = st.recursive(SIMPLE, blocks, max_leaves=6)


def guarded(statement: str) -> str:
    """The statement, such that the program goes on when it fails."""
    return (
        f"try:\n{textwrap.indent(statement, '    ')}\n"
        "except Exception as e:\n    print(type(e), e, e.__traceback__.tb_lineno)"
    )


def in_function(statement: str) -> str:
    return f"def fun(a, x=2, *args):\n{textwrap.indent(statement, '    ')}\nfun(t)"


STEPS = STATEMENTS | STATEMENTS.map(in_function)
PROGRAMS = st.tuples(st.lists(STEPS.map(guarded), max_size=5), STEPS).map(
    lambda parts: "\n".join([PROLOGUE, *parts[0], "print(a, b, c, g, t, vars(t))", parts[1]])
)


def compiles(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "program.py", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


@settings(derandomize=True, deadline=None, database=None, max_examples=60)
@given(PROGRAMS.filter(compiles))
def test_random_program_does_the_same(source: str) -> None:
    assert run_rewritten(source) == run_plain(source)
