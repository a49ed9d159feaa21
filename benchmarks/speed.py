"""How fast raceproof explores, next to the plain programs and to the peers, as tables.

Usage: python benchmarks/speed.py [--peer-python PATH]... [--quick]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from child import Measurement, Task
from processes import (
    HERE,
    Interpreter,
    ask,
    interpreter_with,
    machine_description,
    merge,
    middle,
    this_interpreter,
    time_command,
)
from tables import Target, microseconds, milliseconds, ratio, table

MAX_MICROSECONDS = 400
FASTER_THAN_FRONTRUN = 10
LONG = 4.0
"""Seconds; searches that take longer, or are cut off, are measured in one round only."""
ORDERS_OF_TARGET = 90


@dataclass(frozen=True)
class Case:
    """A program with its arguments, and the number of interleavings where it is known."""

    label: str
    program: str
    arguments: tuple[str, ...] = ()
    expected: int | None = None
    quick: bool = True


TARGET_CASE = Case("locked counter 3×2", "counter_locked", ("3", "2"), ORDERS_OF_TARGET)
CASES = (
    Case("racy counter 2×1", "counter_racy", ("2", "1"), 4),
    Case("racy counter 2×2", "counter_racy", ("2", "2"), 34),
    Case("racy counter 3×1", "counter_racy", ("3", "1"), 36),
    Case("racy counter 3×2", "counter_racy", ("3", "2"), 7134, quick=False),
    Case("locked counter 2×1", "counter_locked", ("2", "1"), 2),
    Case("locked counter 2×2", "counter_locked", ("2", "2"), 6),
    Case("locked counter 3×1", "counter_locked", ("3", "1"), 6),
    TARGET_CASE,
    Case("locked counter 3×3", "counter_locked", ("3", "3"), 1680, quick=False),
    # Each fork goes to one of its two neighbours first; all ways but the two full circles.
    Case("philosophers 3", "philosophers", ("3",), 6),
    Case("philosophers 4", "philosophers", ("4",), 14),
    Case("philosophers 5", "philosophers", ("5",), 30),
    Case("bounded queue 2+1×1", "buffer_queue", ("1",)),
    Case("bounded queue 2+1×2", "buffer_queue", ("2",), quick=False),
    Case("condition buffer 1+1×2", "buffer_condition", ("2",)),
    Case("condition buffer 1+1×3", "buffer_condition", ("3",), quick=False),
    Case("racy account, executor", "account_racy"),
)
"""`2×1`: two threads, one increment each; `2+1×1`: two producers, one consumer, one item each."""


@dataclass
class Tool:
    """One way to have a program measured."""

    name: str
    command: list[str] | None
    """None: not installed."""
    script: str
    extra: tuple[str, ...] = ()
    parts: dict[str, list[Measurement]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def run(self, case: Case, repetitions: int, budget: float) -> None:
        """One round."""
        if self.command is None or case.label in self.problems:
            return
        earlier = self.parts.get(case.label)
        if earlier and max(earlier[-1].seconds) > LONG:
            return
        task = Task(case.program, case.arguments, repetitions, budget, self.extra)
        # Warm-up, repetitions and what a search takes beyond its budget.
        measurement, problem = ask(self.command, self.script, task, 4 * budget + 30)
        if measurement is None:
            self.problems[case.label] = problem
        else:
            self.parts.setdefault(case.label, []).append(measurement)

    def result(self, case: Case) -> Measurement | None:
        """All rounds so far."""
        return merge(self.parts.get(case.label, []))

    def total(self, case: Case) -> float | None:
        """Median seconds of a whole search."""
        found = self.result(case)
        return middle(found.seconds) if found is not None else None

    def gap(self, case: Case) -> str:
        """What to say where there is no figure."""
        if self.command is None:
            return "not installed"
        return "failed" if case.label in self.problems else "-"


def each(found: Measurement | None) -> float | None:
    """Seconds for one execution."""
    if found is None:
        return None
    if found.marginal:
        return middle(found.marginal)
    total = middle(found.seconds)
    return total / found.executions if total is not None and found.executions else None


@dataclass
class Bench:
    """All tools on all cases, round after round, so that a slow minute hits all of them."""

    cases: Sequence[Case]
    raceproof: Tool
    plain: Tool
    bounded: Tool
    unbounded: Tool
    interleave_test: Tool
    commands: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)

    def run(self, rounds: int, repetitions: int, budget: float, peer_budget: float) -> None:
        """Measure."""
        for case in self.cases:
            for number in range(rounds):
                self._progress(case, number, rounds)
                self.raceproof.run(case, repetitions, budget)
                self.plain.run(case, repetitions * 5, 1.0)
                self.unbounded.run(case, repetitions, peer_budget)
                self.bounded.run(case, 1, peer_budget)
            # It does not end within any budget that one would wait for: a sample is enough.
            self.interleave_test.run(case, 1, min(peer_budget, 2.0))
            self.commands[case.label] = self._time_commands(case, rounds, budget)
        self._progress(None, 0, 0)

    def _time_commands(
        self, case: Case, repetitions: int, budget: float
    ) -> tuple[float | None, float | None]:
        script = [str(HERE / "programs" / f"{case.program}.py"), *case.arguments]
        explore = [
            this_interpreter(), "-m", "raceproof", "run", "--format", "json", "--keep-going",
            "--max-seconds", str(budget), *script,
        ]  # fmt: skip
        patience = 2 * budget + 30
        return (
            time_command(explore, repetitions, patience),
            time_command([this_interpreter(), *script], repetitions, patience),
        )

    def _progress(self, case: Case | None, number: int, rounds: int) -> None:
        if sys.stderr.isatty():
            text = "" if case is None else f"{case.label}, round {number + 1} of {rounds}"
            sys.stderr.write(f"\r{text:60}" + ("\r" if case is None else ""))
            sys.stderr.flush()

    # -- what is printed -------------------------------------------------------------------------

    def against_plain(self) -> str:
        """raceproof, and the program as it is."""
        rows = []
        for case in self.cases:
            found = self.raceproof.result(case)
            plain = self.plain.total(case)
            command, process = self.commands[case.label]
            if found is None:
                rows.append([case.label, self.raceproof.gap(case), *["-"] * 10])
                continue
            known = "" if case.expected is None or case.expected == found.executions else "!"
            rows.append(
                [
                    case.label,
                    f"{found.executions:,}{known}",
                    "complete" if found.complete else "partial",
                    found.note or "ok",
                    microseconds(each(found)),
                    microseconds(middle(found.marginal_processor)),
                    milliseconds(self.raceproof.total(case)),
                    milliseconds(command),
                    milliseconds(plain),
                    ratio(each(found), plain),
                    milliseconds(process),
                    ratio(command, process),
                ]
            )
        return table(
            "raceproof, and the program run once as it is",
            [
                "program", "interleavings", "", "verdict", "each", "(processor)", "search",
                "command", "plain run", "each/plain", "plain process", "command/process",
            ],
            rows,
        )  # fmt: skip

    def against_frontrun(self) -> str:
        """The peer that searches systematically."""
        rows = []
        for case in self.cases:
            row = [case.label, milliseconds(self.raceproof.total(case))]
            for tool in (self.unbounded, self.bounded):
                found = tool.result(case)
                if found is None:
                    row += [tool.gap(case), "-", "-", "-"]
                    continue
                row += [
                    f"{found.executions:,} {found.note}",
                    microseconds(each(found)),
                    milliseconds(tool.total(case)),
                    ratio(tool.total(case), self.raceproof.total(case)),
                ]
            rows.append(row)
        head = ["program", "raceproof", "frontrun, no bound", "each", "search", "ratio"]
        return table(
            "frontrun, the program recast for it: without a bound, and with its default bound of "
            "2 preemptions",
            [*head, "frontrun, default", "each", "search", "ratio"],
            rows,
        )

    def against_interleave_test(self) -> str:
        """The peer that enumerates, opcode by opcode."""
        rows = []
        for case in self.cases:
            tool = self.interleave_test
            found = tool.result(case)
            if found is None:
                rows.append([case.label, tool.gap(case), "-", "-", "-"])
                continue
            if found.executions == 0:
                rows.append([case.label, found.note, "-", "-", "-"])
                continue
            ended = "complete" if found.complete else found.note or "cut off"
            rows.append(
                [
                    case.label,
                    f"{found.executions:,} {ended}",
                    microseconds(each(found)),
                    milliseconds(tool.total(case)),
                    ratio(each(found), each(self.raceproof.result(case))),
                ]
            )
        return table(
            "interleave-test, the same script: depth first, at most 2 preemptions, cut off after a "
            "sample",
            ["program", "executions", "each", "search", "each/raceproof's"],
            rows,
        )

    def problems(self) -> str:
        """What `failed` in the tables stands for."""
        tools = (self.raceproof, self.plain, self.unbounded, self.bounded, self.interleave_test)
        return "".join(
            f"{tool.name}, {label}: {problem}\n"
            for tool in tools
            for label, problem in tool.problems.items()
        )

    def targets(self, orders: dict[str, int]) -> list[Target]:
        """What there is to reach."""
        found = self.raceproof.result(TARGET_CASE)
        total = self.raceproof.total(TARGET_CASE)
        if found is None or total is None:
            problem = self.raceproof.problems.get(TARGET_CASE.label, "no answer")
            return [Target(TARGET_CASE.label, problem, False)]
        whole = found.complete and found.executions == ORDERS_OF_TARGET
        count = max(found.executions, 1)
        processor = middle(found.processor) or total
        reached = [
            Target(
                f"{TARGET_CASE.label} has {ORDERS_OF_TARGET} interleavings, all of them run",
                f"{found.executions}, {'complete' if found.complete else 'partial'}",
                whole,
            ),
            self._within_limit(
                "for each further one",
                each(found) or total / count,
                middle(found.marginal_processor) or processor / count,
            ),
            self._within_limit(
                "on average, with all that is done once", total / count, processor / count
            ),
        ]
        for tool in (self.bounded, self.unbounded):
            theirs, seconds = tool.result(TARGET_CASE), tool.total(TARGET_CASE)
            text = f"all of them at least {FASTER_THAN_FRONTRUN} times faster than {tool.name}"
            if theirs is None or seconds is None:
                reached.append(Target(text, tool.gap(TARGET_CASE), None))
                continue
            measured = (
                f"{ratio(seconds, total)} (best against best "
                f"{ratio(min(theirs.seconds), min(found.seconds))}, processor time "
                f"{ratio(middle(theirs.processor), processor)}), "
                f"for its {theirs.executions:,} executions"
            )
            seen = orders.get(tool.name)
            if seen:
                measured += (
                    f", which reach {seen} of the {ORDERS_OF_TARGET} orders; "
                    f"{ratio(seconds / seen, total / count)} for each order reached"
                )
            reached.append(
                Target(text, measured, whole and seconds >= FASTER_THAN_FRONTRUN * total)
            )
        return reached

    @staticmethod
    def _within_limit(what: str, elapsed: float, processor: float) -> Target:
        # raceproof runs in one thread that never waits: on a processor of its own, both are equal.
        return Target(
            f"at most {MAX_MICROSECONDS} µs of processor time {what}",
            f"{microseconds(processor)} ({microseconds(elapsed)} elapsed)",
            processor * 1e6 <= MAX_MICROSECONDS,
        )


def count_orders(tool: Tool, budget: float) -> int | None:
    """How many orders of its critical sections a peer's executions of the target program have."""
    if tool.command is None:
        return None
    extra = (*tool.extra, "orders")
    task = Task(TARGET_CASE.program, TARGET_CASE.arguments, 1, budget, extra)
    found, _ = ask(tool.command, tool.script, task, 4 * budget + 30)
    return found.distinct if found is not None else None


def frontrun_command(interpreter: Interpreter | None) -> list[str] | None:
    """frontrun refuses to explore unless its own command has started the process."""
    if interpreter is None:
        return None
    return [interpreter.path, "-m", "frontrun.cli", interpreter.path]


def main() -> int:
    """Measure, print, and say with the exit status whether all that was measured was met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--peer-python",
        action="append",
        default=[],
        metavar="PATH",
        help="an interpreter in which frontrun or interleave-test is installed (repeatable)",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=5, help="per round")
    parser.add_argument("--max-seconds", type=float, default=20.0, help="for a raceproof search")
    parser.add_argument("--peer-seconds", type=float, default=10.0, help="for a peer's search")
    parser.add_argument("--quick", action="store_true", help="one round, without the long programs")
    parser.add_argument("--only", metavar="TEXT", help="programs whose name contains this")
    options = parser.parse_args()

    candidates = [this_interpreter(), *options.peer_python]
    with_frontrun = interpreter_with("frontrun", candidates)
    with_interleave_test = interpreter_with("interleave_test", candidates)
    cases = [
        case
        for case in CASES
        if (case.quick or not options.quick) and (options.only or "") in case.label
    ]
    frontrun = frontrun_command(with_frontrun)
    bench = Bench(
        cases,
        Tool("raceproof", [this_interpreter()], "measure_raceproof.py"),
        Tool("plain", [this_interpreter()], "measure_plain.py"),
        Tool("frontrun's default search", frontrun, "measure_frontrun.py"),
        Tool("frontrun's search without bound", frontrun, "measure_frontrun.py", ("unbounded",)),
        Tool(
            "interleave-test",
            [with_interleave_test.path] if with_interleave_test else None,
            "measure_interleave_test.py",
        ),
    )
    bench.run(
        1 if options.quick else options.rounds,
        options.repetitions,
        options.max_seconds,
        options.peer_seconds,
    )

    print(f"raceproof: {machine_description()}")
    for name, found in (("frontrun", with_frontrun), ("interleave-test", with_interleave_test)):
        print(f"{name}: {f'Python {found.version}' if found else 'not installed'}")
    print("All figures are medians; `each` is one execution, `search` all of them.\n")
    print(bench.against_plain())
    print(bench.against_frontrun())
    print(bench.against_interleave_test())
    if problems := bench.problems():
        print(f"Failed\n\n{problems}")
    if TARGET_CASE not in cases:
        return 0
    orders = {}
    for tool in (bench.bounded, bench.unbounded):
        seen = count_orders(tool, options.peer_seconds)
        if seen:
            orders[tool.name] = seen
    targets = bench.targets(orders)
    print("Targets\n")
    for target in targets:
        print(target)
    return 1 if any(target.met is False for target in targets) else 0


if __name__ == "__main__":
    sys.exit(main())
