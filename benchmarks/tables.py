"""Figures as a person reads them, in columns; and whether a target was met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """Something to reach, and what was measured."""

    text: str
    measured: str
    met: bool | None
    """None: could not be measured."""

    def __str__(self) -> str:
        verdict = {True: "met", False: "NOT MET", None: "not measured"}[self.met]
        return f"  {verdict:12}  {self.text}: {self.measured}"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first = cells[0].ljust(widths[0])
        others = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return "  ".join([first, *others]).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([title, "", line(head), rule, *[line(row) for row in rows], ""])


def microseconds(seconds: float | None) -> str:
    """For the time of one execution."""
    return "-" if seconds is None else f"{seconds * 1e6:,.0f} µs"


def milliseconds(seconds: float | None) -> str:
    """For the time of a search."""
    if seconds is None:
        return "-"
    digits = 0 if seconds >= 0.1 else 1 if seconds >= 0.01 else 2
    return f"{seconds * 1e3:,.{digits}f} ms"


def ratio(numerator: float | None, denominator: float | None) -> str:
    """How many times as much."""
    if numerator is None or not denominator:
        return "-"
    quotient = numerator / denominator
    return f"{quotient:,.0f}×" if quotient >= 10 else f"{quotient:.2g}×"
