"""Outcomes as rows of text, and what several of them have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from raceproof.judge.findings import OutcomeCount


def outcome_rows(outcome: OutcomeCount) -> list[str]:
    """How it ended if not well, what threads died of, what was returned and printed."""
    ended = [] if outcome.exit == "ok" else [f"[{outcome.exit}]"]
    returned = [f"returns {outcome.value}"] if outcome.value else []
    errors = [f"[{error}]" for error in outcome.errors]
    return [*ended, *errors, *returned, *outcome.lines] or ["(no output)"]


def common_rows(outcomes: Iterable[list[str]]) -> Counter[str]:
    """The rows that all of several outcomes have."""
    counters = [Counter(rows) for rows in outcomes]
    common = counters[0]
    for counter in counters[1:]:
        common = common & counter
    return common


def without(rows: list[str], common: Counter[str]) -> list[str]:
    """`rows` less those in `common`, each as often as it is there."""
    left = Counter(common)
    kept = []
    for row in rows:
        if left[row] > 0:
            left[row] -= 1
        else:
            kept.append(row)
    return kept or ["(nothing else)"]
