"""Writes programs: fills the holes of forms with other forms, as a seed decides.

A program is a list of chunks, each of which compiles for itself and fails for itself, so that one
that fails early does not keep the others from being run.
"""

from __future__ import annotations

import random
import re
import sys
import textwrap
import warnings
from collections.abc import Sequence

from instrument.generated import forms
from instrument.generated.stage import OPENING

_HOLE = re.compile(r"<(e|n|t|p|i|declaration|returns)(?: (\w+))?>")
_BLOCK = re.compile(r"^( *)<(block|returns|declaration)(?: (\w+))?>$")
CHUNKS = 7
DEPTH = 2
"""How deep expressions are nested, and how deep statements are."""


class Author:
    """One program; the same seed gives the same program on the same version of Python."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._compound = list(forms.COMPOUND)
        for since, more in (
            ((3, 12), forms.SINCE_3_12),
            ((3, 13), forms.SINCE_3_13),
            ((3, 14), forms.SINCE_3_14),
        ):
            if sys.version_info >= since:
                self._compound += more * 2

    def chunks(self) -> list[str]:
        """The parts of the program, in order; the first is its opening."""
        start = "from __future__ import annotations\n" if self._random.random() < 0.2 else ""
        number = self._random.randrange(2, CHUNKS)
        return [start + OPENING, *(self._chunk(start) for _ in range(number))]

    def _chunk(self, start: str) -> str:
        while True:
            where = self._random.choice([None, None, "def", "late def"])
            form = self._statement("", DEPTH) if where is None else self._function(where)
            guarded = f"try:\n{textwrap.indent(form, '    ')}\nexcept BaseException as e: show(e)"
            if compiles(start + guarded):
                return guarded

    def _function(self, where: str) -> str:
        """Statements in a function, whose variables are local or closed over."""
        body = self._block("def", DEPTH, 3)
        late = "\n    p = q\n    return later" if where == "late def" else ""
        inner = "\n    def later(): return p, q" if late else ""
        text = textwrap.indent(body, "    ")
        return (
            f"def fun(a, p=2, *q):\n    {self._declaration()}{inner}\n{text}{late}\nprint(fun(t))"
        )

    def _declaration(self) -> str:
        return self._random.choice(forms.DECLARATIONS)

    def _block(self, kind: str, depth: int, most: int = 2) -> str:
        return "\n".join(
            self._statement(kind, depth - 1) for _ in range(self._random.randint(1, most))
        )

    def _statement(self, kind: str, depth: int) -> str:
        draw = self._random.random()
        if kind == "loop" and draw < 0.15:
            return self._fill(self._random.choice(forms.IN_LOOP), kind, 1)
        if depth <= 0 or draw < 0.35:
            return self._fill(self._random.choice(forms.SIMPLE), kind, DEPTH)
        return self._fill(self._random.choice(self._compound), kind, depth)

    def _fill(self, form: str, kind: str, depth: int) -> str:
        lines = []
        for line in form.split("\n"):
            hole = _BLOCK.match(line)
            if hole is None:
                lines.append(self._holes(line, kind, DEPTH))
                continue
            indent, what, inner = hole.groups()
            inner = _inside(kind, inner)
            if what == "declaration":
                text = self._declaration()
            elif what == "returns":
                text = self._holes(self._random.choice(forms.RETURNS), inner, 1)
            else:
                text = self._block(inner, depth)
            lines.append(textwrap.indent(text, indent))
        return "\n".join(lines)

    def _holes(self, line: str, kind: str, depth: int) -> str:
        def fill(hole: re.Match[str]) -> str:
            what, inner = hole.group(1), _inside(kind, hole.group(2))
            match what:
                case "e":
                    return self._expression(inner, depth)
                case "n":
                    return self._random.choice(forms.NAMES)
                case "t":
                    own = forms.METHOD_TARGETS if inner == "method" else []
                    return self._holes(self._pick(forms.TARGETS, own), inner, depth - 1)
                case "p":
                    return self._pattern(depth)
                case "i":
                    return str(self._random.choice([0, 1, 2, -1]) or 1)
                case "returns":
                    return self._holes(self._random.choice(forms.RETURNS), inner, 1)
            raise AssertionError(what)

        return _HOLE.sub(fill, line)

    def _expression(self, kind: str, depth: int) -> str:
        if depth <= 0 or self._random.random() < 0.2:
            return self._random.choice(forms.ATOMS)
        own = {
            "def": forms.IN_FUNCTION,
            "gen": [*forms.IN_GENERATOR, *forms.IN_FUNCTION],
            "async": [*forms.IN_ASYNC, *forms.IN_FUNCTION],
            "method": forms.IN_METHOD,
            "class": forms.IN_CLASS,
        }.get(kind, [])
        form = self._pick(forms.EXPRESSIONS, own)
        return self._holes(form, kind, depth - 1)

    def _pick(self, usual: Sequence[str], own: Sequence[str]) -> str:
        """What is possible only here comes up often enough."""
        if own and self._random.random() < 0.2:
            return self._random.choice(own)
        return self._random.choice(usual)

    def _pattern(self, depth: int) -> str:
        if depth <= 0:
            return self._random.choice(["_", "x", "1", "'a'", "None"])
        form = self._random.choice(forms.PATTERNS)
        return _HOLE.sub(lambda hole: self._pattern(depth - 1), form)


def _inside(kind: str, inner: str | None) -> str:
    """The kind of a block in a block: a loop in a generator is still in the generator."""
    if inner is None or (inner == "loop" and kind in ("gen", "async")):
        return kind
    return inner


def compiles(source: str) -> bool:
    """Whether it is Python, in the version that runs."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "program.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def program(seed: int) -> str:
    """The program of this number."""
    return "\n".join(Author(seed).chunks())
