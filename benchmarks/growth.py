"""What an event costs as an execution gets longer: 10 to 10,000 events, as tables.

Usage: python benchmarks/growth.py
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass

from child import Task
from measure_growth import Growth
from processes import HERE, environment, machine_description, middle, this_interpreter
from tables import Target, microseconds, ratio, table

FLAT = 1.5
"""How much more an event may cost than in any shorter execution; less is within the noise."""
SIZES = (10, 100, 1_000, 10_000)
"""Events in an execution, about."""


@dataclass(frozen=True)
class Series:
    """A program that can be made as long as one likes."""

    label: str
    program: str


SERIES = (
    Series("two counters, a lock each: the threads meet at the end", "two_lock_counters"),
    Series("a bounded queue: the threads meet all the time", "relay"),
)
"""The second is the hard one: about every pair of neighbouring operations is a race to reverse."""


@dataclass
class Row:
    """One size: medians, in seconds for one event."""

    events: int
    executions: int
    first: float
    running: float
    searching: float

    @property
    def later(self) -> float:
        """All that an event costs in the executions after the first."""
        return self.running + self.searching


def measure(series: Series, size: int, rounds: int, budget: float) -> Row | str:
    """Figures for about `size` events; the problem if there are none."""
    firsts: list[float] = []
    running: list[float] = []
    searching: list[float] = []
    growth = None
    for _ in range(rounds):
        task = Task(series.program, (), 1, budget, (str(size),))
        command = [this_interpreter(), str(HERE / "measure_growth.py"), *task.words()]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, env=environment(), timeout=8 * budget + 60
            )
        except subprocess.TimeoutExpired:
            return "takes too long"
        growth = Growth.read(done.stdout)
        if growth is None:
            return (done.stderr.strip().splitlines() or ["no answer"])[-1]
        firsts.append(growth.first)
        running += growth.running
        searching += growth.searching
    assert growth is not None
    first, run, search = middle(firsts), middle(running), middle(searching)
    if first is None or run is None or search is None:
        return "only one execution"
    events = growth.events
    return Row(events, growth.executions, first / events, run / events, search / events)


def worst_growth(costs: list[float]) -> float:
    """The largest ratio of a cost to that of any shorter execution."""
    worst, least = 0.0, costs[0]
    for cost in costs[1:]:
        worst = max(worst, cost / least)
        least = min(least, cost)
    return worst


def report(series: Series, rows: list[Row | str]) -> list[Target]:
    """Print the table of a program; what it says about the target."""
    lines = []
    for size, row in zip(SIZES, rows, strict=True):
        if isinstance(row, str):
            lines.append([f"about {size:,}", row, "-", "-", "-", "-"])
            continue
        lines.append(
            [
                f"{row.events:,}",
                f"{row.executions:,}",
                microseconds(row.first),
                microseconds(row.running),
                microseconds(row.searching),
                microseconds(row.later),
            ]
        )
    head = ["events", "executions", "first execution", "later: run", "later: search", "later: both"]
    print(table(f"{series.label}: time for one event", head, lines))
    measured = [row for row in rows if isinstance(row, Row)]
    if len(measured) < len(SIZES):
        text = f"cost per event flat ({series.program})"
        return [Target(text, "some sizes could not be measured", False)]
    targets = []
    for name, costs in (
        ("first execution", [row.first for row in measured]),
        ("later executions", [row.later for row in measured]),
    ):
        worst = worst_growth(costs)
        targets.append(
            Target(
                f"cost per event flat from {SIZES[0]} to {SIZES[-1]:,} events "
                f"({series.program}, {name})",
                f"{ratio(costs[-1], costs[0])} from end to end, at most {worst:.2g}× any shorter "
                f"one (allowed: {FLAT:g}×)",
                worst <= FLAT,
            )
        )
    return targets


def main() -> int:
    """Measure, print, and say with the exit status whether the cost is flat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max-seconds", type=float, default=10.0, help="for each size and round")
    options = parser.parse_args()
    print(f"raceproof: {machine_description()}")
    print("All figures are medians over rounds and executions.\n")
    targets = []
    for series in SERIES:
        rows = [measure(series, size, options.rounds, options.max_seconds) for size in SIZES]
        targets += report(series, rows)
    print("Targets\n")
    for target in targets:
        print(target)
    return 0 if all(target.met for target in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
