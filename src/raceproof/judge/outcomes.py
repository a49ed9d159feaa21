"""What an execution came to, as far as the order of the threads ought not to matter.

Two executions have the same outcome when they ended alike, printed the same lines in whatever
order, and the same exceptions went unhandled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from raceproof.judge.findings import OutcomeCount

_ADDRESS: Final = re.compile(r"\b0x[0-9a-fA-F]{6,}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one execution; equal results are equal objects."""

    exit: str
    """"ok", or how the main thread ended: "SystemExit: 3", "AssertionError: ..."."""
    lines: tuple[str, ...]
    """What was printed, sorted."""
    errors: tuple[str, ...]
    """Exceptions that threads died of, sorted: "ValueError: ..."."""
    unread: tuple[str, ...] = ()
    """Exceptions left in futures that nobody looked at, sorted."""
    value: str = ""
    """What the explored function returned, as it looks."""
    broken: tuple[str, ...] = ()
    """Labels of what is not always so, though the program says it is."""
    handled: tuple[str, ...] = ()
    """Those of the `errors` that a `threading.excepthook` of the program deals with."""
    crashes: frozenset[tuple[str, str]] = field(default=frozenset(), compare=False)
    """Types of the exceptions that were not handled, and where in watched code each was raised.
    (No part of the result: it says which fault it is.)"""
    accidents: frozenset[str] = field(default=frozenset(), compare=False)
    """Types of the exceptions left in futures that no `raise` statement of the program raised."""

    @property
    def is_intended(self) -> bool:
        """Whether nothing went unhandled but what the program is prepared for."""
        return self.handled == self.errors and self.failures == frozenset(self.errors)

    @property
    def failures(self) -> frozenset[str]:
        """The exceptions (types and messages) that were not handled, wherever."""
        crash = () if self.exit == "ok" or self.exit.startswith("SystemExit") else (self.exit,)
        broken = (f"not always: {label}" for label in self.broken)
        return frozenset((*crash, *self.errors, *broken))

    @property
    def failure_types(self) -> frozenset[str]:
        """The types of these exceptions."""
        return frozenset(text.partition(":")[0] for text in self.failures)


def outcome_of(
    exit: str,
    lines: Iterable[str],
    errors: Iterable[str],
    unread: Iterable[str],
    value: str = "",
    broken: Iterable[str] = (),
    handled: Iterable[str] = (),
    crashes: Iterable[tuple[str, str]] = (),
    accidents: Iterable[str] = (),
) -> Outcome:
    """An outcome from what an execution left; addresses of objects do not count."""
    broken = sorted(set(broken))
    return Outcome(
        _masked(exit),
        tuple(sorted(map(_masked, lines))),
        tuple(sorted(map(_masked, errors))),
        tuple(sorted(map(_masked, unread))),
        _masked(value),
        tuple(broken),
        tuple(sorted(map(_masked, handled))),
        frozenset([*crashes, *(("not always", label) for label in broken)]),
        frozenset(accidents),
    )


def _masked(text: str) -> str:
    return _ADDRESS.sub("0x...", text) if "0x" in text else text


class Tally:
    """How often each outcome was seen, and what it looked like the first time."""

    LIMIT: Final = 2_000

    def __init__(self) -> None:
        self.counts: dict[Outcome, int] = {}
        self.as_printed: dict[Outcome, list[str]] = {}
        self.beyond = 0
        """Executions whose outcome came when there were too many to keep apart."""

    def add(self, outcome: Outcome, lines: list[str], times: int = 1) -> bool:
        """Count an outcome; whether it is a new one."""
        known = self.counts.get(outcome)
        if known is not None:
            self.counts[outcome] = known + times
            return False
        if len(self.counts) >= self.LIMIT:
            self.beyond += 1
            return False
        self.counts[outcome] = times
        self.as_printed[outcome] = lines
        return True

    def total(self) -> int:
        """The number of executions counted."""
        return sum(self.counts.values()) + self.beyond

    def summary(self, serial: Mapping[Outcome, bool | None]) -> list[OutcomeCount]:
        """The outcomes, the most frequent first; `serial` tells which are (None: unknown)."""
        return [
            describe(outcome, count, serial.get(outcome, False), self.as_printed.get(outcome))
            for outcome, count in sorted(self.counts.items(), key=lambda pair: -pair[1])
        ]


def describe(
    outcome: Outcome,
    count: int,
    serial: bool | None,
    lines: list[str] | None = None,
) -> OutcomeCount:
    """An outcome as reports show it."""
    unread = [f"{text} (unread in its future)" for text in outcome.unread]
    told = {outcome.exit, *outcome.errors, *outcome.unread}
    unread += [
        f"not always: {label} (caught)"
        for label in outcome.broken
        if f"AssertionError: not always: {label}" not in told
    ]
    return OutcomeCount(
        outcome.exit,
        list(outcome.lines) if lines is None else lines,
        [*outcome.errors, *unread],
        count,
        serial,
        outcome.value,
    )
