"""What the patterns of a `match` statement look at: the content of a container, or some attributes.

It is announced for the subject, before the first pattern is tried; of what the subject contains,
only the parts of a display are looked at.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from raceproof.instrument.rewriting.contents import Contents
from raceproof.instrument.rewriting.nodes import hook_call
from raceproof.instrument.rewriting.shapes import is_atom


class Patterns(Contents):
    """The rewriting of the subject of a `match`."""

    def matched(self, subject: ast.expr, patterns: Sequence[ast.pattern]) -> ast.expr:
        tried = [single for pattern in patterns for single in _alternatives(pattern)]
        if isinstance(subject, ast.Tuple):
            return self.matched_display(subject, tried)
        if not self.looks(subject):
            return self.expr(subject)
        classes = [pattern for pattern in tried if isinstance(pattern, ast.MatchClass)]
        names = dict.fromkeys(name for pattern in classes for name in pattern.kwd_attrs)
        positions = max((len(pattern.patterns) for pattern in classes), default=0)
        site = self.site("attr", subject) if names or positions else None
        new = self.read(subject) if any(map(_looks_inside, tried)) else self.expr(subject)
        if site is None:
            return new
        attributes = [ast.Constant(self.scope.mangle(name)) for name in names]
        return hook_call("_rp_match", [new, site, ast.Constant(positions), *attributes], subject)

    def matched_display(self, subject: ast.Tuple, tried: Sequence[ast.pattern]) -> ast.expr:
        """`match a, b:`, where the patterns are taken apart as the subject is put together."""
        elements = subject.elts
        fitting = [
            pattern.patterns
            for pattern in tried
            if isinstance(pattern, ast.MatchSequence) and len(pattern.patterns) == len(elements)
        ]
        for i, element in enumerate(elements):
            elements[i] = self.matched(element, [patterns[i] for patterns in fitting])
        return subject


def _alternatives(pattern: ast.pattern) -> Iterator[ast.pattern]:
    """The patterns that a value may be tried against, without `|` and `as`."""
    match pattern:
        case ast.MatchOr(patterns=patterns):
            for each in patterns:
                yield from _alternatives(each)
        case ast.MatchAs(pattern=ast.pattern() as inner):
            yield from _alternatives(inner)
        case _:
            yield pattern


def _looks_inside(pattern: ast.pattern) -> bool:
    match pattern:
        case ast.MatchSequence() | ast.MatchMapping():
            return True
        case ast.MatchValue(value=value):
            return not is_atom(value)
        case ast.MatchClass(patterns=patterns):  # `case list(x)`, `case dict()`
            return len(patterns) == 1
    return False
