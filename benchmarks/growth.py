"""What an event costs as an execution gets longer: 10 to 10,000 events, as tables.

Usage: python benchmarks/growth.py
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from statistics import median

from child import Growth, Task
from processes import HERE, environment, machine_description, this_interpreter
from tables import Target, ratio, table

FLAT = 1.5
"""How much more an event may cost than in any shorter execution; less is within the noise."""
SIZES = (10, 100, 1_000, 10_000)
"""Events in an execution, about."""


@dataclass(frozen=True)
class Series:
    """A program that can be made as long as one likes."""

    label: str
    program: str
    arguments: tuple[str, ...] = ()
    """Those before the number of rounds."""


SERIES = (
    Series("two counters, a lock each: the threads meet at the end", "two_lock_counters"),
    Series("a racy counter: every step conflicts with the other thread", "counter_racy", ("2",)),
    Series("a bounded queue: the threads take turns all the time", "relay"),
)
"""The last is the hard one: already its first execution has races to reverse all along."""


@dataclass
class Cost:
    """Seconds for one event."""

    running: float
    searching: float
    judging: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.running + self.searching + self.judging


@dataclass
class Row:
    """One size: medians over the rounds and executions."""

    events: int
    executions: int
    repeated: float
    """Part of the later executions that repeats an earlier one."""
    first: Cost
    later: Cost


def measure(series: Series, size: int, rounds: int, budget: float) -> Row | str:
    """Figures for about `size` events; the problem if there are none."""
    parts: list[Growth] = []
    for _ in range(rounds):
        task = Task(series.program, series.arguments, 1, budget, (str(size),))
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
        if growth.executions < 2:
            return "only one execution"
        parts.append(growth)
    events, executions = parts[-1].events, parts[-1].executions
    first = [median(part.first[i] for part in parts) / events for i in range(3)]
    later = [
        median(second for part in parts for second in getattr(part, name)) / events
        for name in ("running", "searching", "judging")
    ]
    repeated = parts[-1].repeated / ((executions - 1) * events)
    return Row(events, executions, repeated, Cost(*first), Cost(*later))


def worst_growth(costs: list[float]) -> float:
    """The largest ratio of a cost to that of any shorter execution."""
    worst, least = 0.0, costs[0]
    for cost in costs[1:]:
        worst = max(worst, cost / least)
        least = min(least, cost)
    return worst


def _cells(cost: Cost) -> list[str]:
    parts = (cost.running, cost.searching, cost.judging, cost.total)
    return [f"{part * 1e6:.2f}" for part in parts]


def report(series: Series, rows: list[Row | str]) -> list[Target]:
    """Print the table of a program; what it says about the target."""
    lines = []
    for size, row in zip(SIZES, rows, strict=True):
        if isinstance(row, str):
            lines.append([f"about {size:,}", "failed", *["-"] * 9])
            continue
        lines.append(
            [
                f"{row.events:,}",
                *_cells(row.first),
                f"{row.executions - 1:,}",
                f"{row.repeated:.0%}",
                *_cells(row.later),
            ]
        )
    head = [
        "events", "first: run", "search", "judge", "all",
        "later", "repeated", "run", "search", "judge", "all",
    ]  # fmt: skip
    print(table(f"{series.label}\n(µs for one event)", head, lines))
    measured = [row for row in rows if isinstance(row, Row)]
    if len(measured) < len(SIZES):
        text = f"cost per event flat ({series.program})"
        problems = sorted({row for row in rows if isinstance(row, str)})
        return [Target(text, "; ".join(problems), False)]
    targets = []
    for name, costs in (
        ("first execution", [row.first.total for row in measured]),
        ("later executions", [row.later.total for row in measured]),
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
    print("All figures are medians over rounds and executions, of processor time.\n")
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
