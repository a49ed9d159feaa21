"""Mistakes about two variables that belong together: one is new and one is old."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from raceproof.events import Location, WholeObject
from raceproof.judge.advice import one_lock
from raceproof.judge.evidence import Decision, Evidence
from raceproof.judge.findings import Advice
from raceproof.judge.mistakes.mistake import Mistake
from raceproof.judge.narrate import Told

LAST_LOOKS = 4
"""Steps of a thread that failed in which the reason is looked for."""
TESTS = ("if ", "elif ", "while ")
"""Beginnings of lines on which what is read decides what comes next."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """On one variable thread A came first, on another thread B: neither came as a whole."""

    a_first: Told
    """A's access to the one variable, before B's."""
    b_second: Told
    one: Location
    b_first: Told
    """B's access to the other variable, before A's."""
    a_second: Told
    other: Location

    @property
    def steps(self) -> list[Told]:
        """The four accesses, in order."""
        found = (self.a_first, self.b_second, self.b_first, self.a_second)
        return sorted(set(found), key=lambda told: told.index)


def crossing(evidence: Evidence, decision: Decision | None = None) -> Crossing | None:
    """The two variables on which the deciding threads crossed; None if they did not.

    `decision`: which of the deciding pairs is looked at, if not the one that was settled on.
    """
    if evidence.kind != "race":
        return None
    for first, second in _conflicts(evidence, decision or evidence.decision):
        for one in evidence.contested(first.operation, second.operation):
            if isinstance(one.field, WholeObject):
                continue
            for b_first, a_second, other in _opposite(evidence, first, second, one):
                # The two threads swap roles where the decision is about the second variable.
                if b_first.index < first.index:
                    return Crossing(b_first, a_second, other, first, second, one)
                return Crossing(first, second, one, b_first, a_second, other)
    return None


def _conflicts(evidence: Evidence, decision: Decision | None) -> Iterator[tuple[Told, Told]]:
    """The pairs of steps that may be one half of a crossing."""
    if decision is not None:
        if decision.second is not None and evidence.has(decision.first, decision.second):
            yield evidence.step(decision.first), evidence.step(decision.second)
        return
    # Without one: what a thread that failed looked at last, and what others did to it afterwards.
    for crash in evidence.crashes:
        mine = [t for t in evidence.story if t.thread.tid == crash.thread and t.operation.data]
        for told in mine[: -LAST_LOOKS - 1 : -1]:
            for other in evidence.story[told.index + 1 :]:
                if other.thread is not told.thread and other.changes:
                    yield told, other


def _opposite(
    evidence: Evidence, first: Told, second: Told, one: Location
) -> Iterator[tuple[Told, Told, Location]]:
    """Accesses to other variables for which the second thread was ahead of the first."""
    mine = [t for t in evidence.story if t.thread is first.thread and t.operation.data]
    theirs = [t for t in evidence.story if t.thread is second.thread and t.operation.data]
    for ahead in reversed(theirs):
        for behind in mine:
            if behind.index < ahead.index:
                continue
            for other in evidence.contested(ahead.operation, behind.operation):
                if other is not one and not isinstance(other.field, WholeObject):
                    yield ahead, behind, other


def publication(evidence: Evidence) -> Mistake | None:
    """Something is visible before it is ready."""
    found = crossing(evidence)
    if found is None or not found.a_first.changes or not found.a_second.changes:
        return None
    if found.b_second.changes or found.b_first.changes:
        return None
    published = found.a_first.stored is found.other.owner and found.a_first.stored is not None
    announced = (
        found.b_second.index < found.b_first.index
        and found.b_second.place != found.b_first.place
        and found.b_second.place.text.startswith(TESTS)
        and found.a_first.value.startswith(("True", "<"))
    )
    if not (published or announced):
        return None
    me, user = evidence.who(found.a_first), evidence.who(found.b_first)
    what, part = evidence.what(found.one), evidence.what(found.other)
    first, last = found.a_first.place, found.a_second.place
    return Mistake(
        "RP105",
        f"{me} sets {what} ({evidence.line(first)}) before {part} is ready "
        f"({evidence.line(last, first)}), and {user} uses it in between",
        Advice(
            "Lock",
            f"set {what} last, when everything that it announces is ready"
            + (
                f", or let {user} wait for an Event that {me} sets at the end"
                if not published
                else f"; or hold one Lock over both in {me} and where {user} uses it"
            ),
        ),
        keys=found.steps,
        places=[found.one, found.other],
        threads=frozenset({found.a_first.thread.tid, found.b_first.thread.tid}),
        span=(found.a_first, found.a_second),
    )


def torn_pair(evidence: Evidence) -> Mistake | None:
    """Of two variables that belong together, one is new and one is old."""
    found = crossing(evidence)
    if found is None:
        return None
    one, other = evidence.what(found.one), evidence.what(found.other)
    a, b = evidence.who(found.a_first), evidence.who(found.b_first)
    a_writes = found.a_first.changes and found.a_second.changes
    b_writes = found.b_first.changes and found.b_second.changes
    if a_writes and b_writes:
        message = (
            f"{a} and {b} both change {one} and {other}: in the end one is {a}'s and one is {b}'s"
        )
    elif a_writes and not (found.b_first.changes or found.b_second.changes):
        message = (
            f"{b} sees the new {one} with the old {other}: {a} is in the middle of changing both"
        )
    elif b_writes and not (found.a_first.changes or found.a_second.changes):
        message = (
            f"{a} sees the old {one} with the new {other}: {b} changes both in the middle of it"
        )
    else:
        return None
    steps = found.steps
    return Mistake(
        "RP107",
        message,
        one_lock(evidence, steps, f"{one} and {other}"),
        keys=steps,
        places=[found.one, found.other],
        threads=frozenset({found.a_first.thread.tid, found.b_first.thread.tid}),
        span=(found.a_first, found.a_second),
    )
