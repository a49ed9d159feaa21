"""Which three accesses show a mistake about one variable: the ones that the deciding pair is about.

A thread accesses the variable, another does, the first does again.  A failing interleaving may have
several such triples; those matter that go away when the interleaving passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TypeAlias

from raceproof.events import Location
from raceproof.judge.evidence import Decision, Evidence
from raceproof.judge.narrate import Told
from raceproof.judge.patterns import Triple, unserializable

_Named: TypeAlias = tuple[str, Triple]


@dataclass(frozen=True, slots=True)
class Interference:
    """Three accesses to one variable that must not come in this order."""

    pattern: str
    """"lost update" or one of the patterns of `unserializable`."""
    location: Location
    first: Told
    """The access of the thread that is disturbed with which its work begins."""
    between: Told
    last: Told

    @property
    def steps(self) -> tuple[Told, Told, Told]:
        """The three accesses."""
        return self.first, self.between, self.last


def interference(evidence: Evidence) -> Interference | None:
    """The triple of accesses that decides; None if there is none."""
    fitting = _fitting(evidence, evidence.decision)
    return None if not fitting else _described(*max(fitting, key=itemgetter(0, 1, 2))[3], evidence)


def fitness(evidence: Evidence, decision: Decision) -> tuple[int, int]:
    """How well the best of the triples fits a pair of steps that decides, and how telling it is.

    (0, 0): none fits.  (What a thread reads after it has written there itself tells little.)
    """
    return max(
        (
            (score, telling if _begins(triple, evidence) else 0)
            for score, telling, _, (_, triple) in _fitting(evidence, decision)
        ),
        default=(0, 0),
    )


def _begins(triple: Triple, evidence: Evidence) -> bool:
    """Whether the thread had not changed the place before the first of the three accesses."""
    thread = evidence.execution.threads[triple.read]
    return not any(
        told.changes and told.index < triple.read
        for told in evidence.steps_on(triple.location, thread)
    )


def _fitting(evidence: Evidence, decision: Decision | None) -> list[tuple[int, int, int, _Named]]:
    """The triples that have to do with a decision: how well they fit it, and how telling they are.

    Of two equals, the first.
    """
    execution = evidence.execution
    found: list[_Named] = [("lost update", triple) for triple in evidence.lost]
    if evidence.kind != "lost-update":
        found += unserializable(execution.threads, execution.operations)
    return [
        (score, TELLING.index(pattern), -number, (pattern, triple))
        for number, (pattern, triple) in enumerate(found)
        if evidence.has(triple.read, triple.between, triple.write)
        and (score := _score(triple, evidence, decision))
    ]


TELLING = ("overwritten", "half-done write seen", "stale read", "check-then-act", "lost update")
"""Patterns, the most telling last."""


def _score(triple: Triple, evidence: Evidence, decision: Decision | None) -> int:
    """How well a triple fits a decision; 0: not at all."""
    if decision is None:
        return 1
    threads = evidence.execution.threads
    first = evidence.step(decision.first).operation
    both = {threads[decision.first], decision.thread}
    mine = {threads[triple.read], threads[triple.between]} == both
    if triple.location not in evidence.contested(first, decision.operation):
        # Where the order of locks decides, it decides the order of what they protect.
        return 1 if triple in evidence.lost and mine and not first.data else 0
    if triple.between == decision.second and threads[triple.read] == threads[decision.first]:
        return 4
    if triple.between == decision.first and threads[triple.read] == decision.thread:
        return 3
    return 2 if mine else 0


def _described(pattern: str, triple: Triple, evidence: Evidence) -> Interference:
    first, between, last = map(evidence.step, (triple.read, triple.between, triple.write))
    decision = evidence.decision
    if decision is not None and decision.second == triple.between:
        # It may have looked more than once before it acted: the work began with the first look.
        start = evidence.step(decision.first)
        if start.thread is first.thread and start.index < first.index:
            first = start
    return Interference(pattern, triple.location, first, between, last)
