"""Where to put a lock: around every stretch of the program that uses the place in question."""

from __future__ import annotations

from collections.abc import Iterable

from raceproof.judge.evidence import Evidence
from raceproof.judge.findings import Advice
from raceproof.judge.narrate import Told


def one_lock(evidence: Evidence, steps: Iterable[Told], what: str) -> Advice:
    """One lock around all that the threads of some steps do with the same places."""
    steps = list(steps)
    common = evidence.common_locks(steps)
    first, last = steps[0], steps[-1]
    if common:
        lock = evidence.what(common[0])
        if first.place.function == last.place.function and first.place != last.place:
            return Advice(
                "Lock",
                f"{lock} is released between line {first.place.line} and line {last.place.line}: "
                "hold it over both",
            )
        return Advice(
            "Condition",
            f"both sides hold {lock} already, so what matters is who gets it first: let the one "
            f"that must come later wait on a Condition until {what} is as it needs it",
        )
    stretches = _stretches(evidence, steps)
    parts = []
    for (_, function), lines in stretches.items():
        start, end = min(lines), max(lines)
        place = f"in line {start}" if start == end else f"from line {start} to line {end}"
        parts.append(place if len(stretches) == 1 else f"{place} ({function})")
    lock = "one Lock" if len(parts) == 1 else "the same Lock"
    return Advice("Lock", f"hold {lock} {' and '.join(parts)}, so that nobody else can use {what}")


def _stretches(evidence: Evidence, steps: list[Told]) -> dict[tuple[str, str], list[int]]:
    """The lines of each function on which the places of some steps are used."""
    threads = {told.thread.tid for told in steps}
    places = {told.location for told in steps}
    found: dict[tuple[str, str], list[int]] = {}
    for told in evidence.story:
        concerned = told.thread.tid in threads and not places.isdisjoint(told.operation.locations)
        if concerned and told.place.line:
            found.setdefault((told.place.file, told.place.function), []).append(told.place.line)
    return found
