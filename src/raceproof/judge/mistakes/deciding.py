"""Of the pairs of steps whose reversal makes the program pass, the one that says most."""

from __future__ import annotations

from raceproof.judge.evidence import Decision, Evidence
from raceproof.judge.mistakes.pairs import crossing
from raceproof.judge.mistakes.triples import fitness


def decide(evidence: Evidence) -> None:
    """Settle on one of the pairs of steps that decide.

    That is the one that takes away what came in between, where something did, and of several the
    one that shows the most telling pattern; then one that puts
    right which of two variables is new; then one of which both steps have a line in watched code;
    then one of which both took place; else the last.
    """

    def strength(decision: Decision) -> tuple[tuple[int, int], bool, bool, bool]:
        steps = (decision.first,) if decision.second is None else (decision.first, decision.second)
        return (
            fitness(evidence, decision),
            crossing(evidence, decision) is not None,
            all(evidence.step(index).place.line for index in steps),
            decision.second is not None,
        )

    evidence.decision = max(reversed(evidence.decisions), key=strength, default=None)
