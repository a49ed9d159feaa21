"""The lines at the end of a run of pytest: how many tests were explored, and how far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from raceproof.report.numbers import counted, seconds


@dataclass(slots=True)
class Summary:
    """Counts over all the tests of a run."""

    explored: int = 0
    replayed: int = 0
    complete: int = 0
    interleavings: int = 0
    seconds: float = 0.0
    shares: list[float] = field(default_factory=list)
    """Which part of their interleavings the searches that were cut off have run."""
    not_explored: Counter[str] = field(default_factory=Counter)
    doubts: list[tuple[str, str]] = field(default_factory=list)
    """(test, why it could not be explored to the end)."""
    changed: list[tuple[str, str]] = field(default_factory=list)
    """(test, what it changed that others have too)."""

    def count(self, nodeid: str, told: dict[str, Any]) -> None:
        """Count one test."""
        if not told["explored"]:
            self.not_explored[told["why_not"]] += 1
            return
        if told["replayed"]:
            self.replayed += 1
            return
        self.explored += 1
        self.complete += told["complete"]
        if told["doubt"]:
            self.doubts.append((nodeid, told["doubt"]))
        self.interleavings += told["interleavings"]
        self.seconds += told["seconds"]
        self.changed += [(nodeid, what) for what in told["changed"]]
        if not told["complete"] and told["estimated"]:
            self.shares.append(min(told["interleavings"] / told["estimated"], 1.0))

    def line(self) -> str:
        """The whole run in a line."""
        if self.replayed:
            return f"raceproof: {counted(self.replayed, 'interleaving')} replayed"
        partial = self.explored - self.complete
        parts = [f"{counted(self.explored, 'test')} explored", f"{self.complete} complete"]
        if partial:
            share = f" (about {_percent(self.shares)})" if self.shares else ""
            parts.append(f"{partial} partial{share}")
        took = f"{counted(self.interleavings, 'interleaving')} in {seconds(self.seconds)}"
        return f"raceproof: {', '.join([*parts, took])}"

    def write(self, reporter: Any) -> None:
        """Write what there is to say."""
        quiet = reporter.config.option.verbose < 0
        if self.explored or not quiet:
            reporter.write_line(self.line())
        if quiet:
            return
        for why, times in self.not_explored.items():
            reporter.write_line(f"  {counted(times, 'test')} run once only: {why}")
        for nodeid, why in self.doubts:
            reporter.write_line(f"  {nodeid} is {why}")
        for nodeid, what in self.changed:
            if what.startswith("the ") or reporter.config.option.verbose > 0:
                reporter.write_line(
                    f"  {nodeid} changes {what}; it was put back between interleavings"
                )


def _percent(shares: list[float]) -> str:
    share = 100 * sum(shares) / len(shares)
    return f"{share:.0f} %" if share >= 1 else f"{share:.2g} %"
