"""Runs a function as the main program of a simulated process: once, or in every order."""

from __future__ import annotations

import contextlib
import gc
import io
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from search.brute_force import class_of, every_order, waiting

from raceproof.search.dpor import Dpor
from raceproof.world.execution import Execution, Plan, VirtualThread
from raceproof.world.patches import Patches
from raceproof.world.record import Record
from raceproof.world.scheduler import machine

LIMIT = 20_000


@dataclass
class Ran:
    """One execution of a program."""

    execution: Execution
    record: Record
    result: Any = None
    """What the program returned."""

    @property
    def lines(self) -> list[str]:
        return self.record.lines()

    @property
    def printed(self) -> list[str]:
        """The lines as they are, readings of clocks included."""
        return [line.text for line in self.record.output.lines]


@dataclass
class Explored:
    """All executions of a program."""

    executions: int = 0
    results: Counter[Any] = field(default_factory=Counter)
    """What the program returned."""
    lines: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """What it printed, sorted."""
    unread: Counter[tuple[str, ...]] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)


def run_in(patches: Patches, program: Callable[[], Any], plan: Plan | None = None) -> Ran:
    """Run `program` once."""
    kept: list[Any] = [None]

    def body() -> None:
        kept[0] = program()

    record = patches.begin_execution()
    collecting = gc.isenabled()
    gc.disable()  # what is left of other tests is none of the program
    try:
        execution = machine.execute(lambda: patches.run_main(body), plan or Plan())
    finally:
        if collecting:
            gc.enable()
    patches.end_execution()
    assert execution.end != "diverged", execution.detail
    return Ran(execution, record, kept[0])


def run(program: Callable[[], Any], **options: Any) -> Ran:
    """Run `program` once, each thread going on as long as it can."""
    machine.forget()
    with Patches(**options) as patches:
        return run_in(patches, program)


def value(program: Callable[[], Any]) -> Any:
    """What `program` returns if each thread goes on as long as it can."""
    ran = run(program)
    assert ran.record.exit == "ok", ran.record.traceback_text()
    assert ran.execution.end == "finished"
    return ran.result


def shown(program: Callable[[], Any]) -> list[str]:
    """The lines that a person sees who has the output shown, as in a replay."""
    machine.forget()
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text), Patches() as patches:
        patches.begin_execution(echo=True)
        machine.execute(lambda: patches.run_main(program), Plan())
        patches.end_execution()
    return text.getvalue().splitlines()


def explore(program: Callable[[], Any]) -> Explored:
    """Run `program` in every order that can matter."""
    machine.forget()
    search = Dpor()
    found = Explored()
    with Patches() as patches:
        while (plan := search.next_plan()) is not None:
            ran = run_in(patches, program, plan)
            search.learn(ran.execution)
            found.executions += 1
            assert found.executions < LIMIT
            found.results[ran.result] += 1
            found.lines[tuple(sorted(ran.lines))] += 1
            found.unread[tuple(sorted(ran.record.unread_errors()))] += 1
            found.ends[ran.execution.end] += 1
    assert search.redundant == 0
    assert search.slips == 0
    return found


def compare_with_brute_force(program: Callable[[], Any], most: int = 20_000) -> int:
    """Assert that the search finds what all orders together give; the number of executions.

    The same results, and each class of equivalent orders exactly once.
    """
    return _compare(program, every_order, most)


def compare_with_chance(program: Callable[[], Any], orders: int, seed: int = 0) -> int:
    """The same for programs with too many orders: so many of them, drawn at random."""
    draw = random.Random(seed)

    def choose(possible: list[VirtualThread], _: VirtualThread) -> VirtualThread:
        return draw.choice(possible)

    def some(run: Callable[[Plan], Execution]) -> Iterator[Execution]:
        for _ in range(orders):
            yield run(Plan(chooser=choose, at_every_event=True))

    return _compare(program, some, orders, complete=False)


Orders = Callable[[Callable[[Plan], Execution]], Iterator[Execution]]


def _compare(program: Callable[[], Any], orders: Orders, most: int, complete: bool = True) -> int:
    machine.forget()
    expected: set[Any] = set()
    expected_outcomes = set()
    found: Counter[Any] = Counter()
    found_outcomes = set()
    kept: list[Ran] = []
    count = 0
    with Patches() as patches:

        def once(plan: Plan) -> Execution:
            kept[:] = [run_in(patches, program, plan)]
            return kept[0].execution

        search = Dpor()
        while (plan := search.next_plan()) is not None:
            execution = once(plan)
            search.learn(execution)
            found[class_of(execution)] += 1
            found_outcomes.add(outcome(kept[0]))
        for execution in orders(once):
            count += 1
            assert count <= most, "too many orders"
            expected.add(class_of(execution))
            expected_outcomes.add(outcome(kept[0]))
    assert expected_outcomes <= found_outcomes
    assert expected <= found.keys()
    if complete:
        assert expected_outcomes == found_outcomes
        assert expected == found.keys()
    assert set(found.values()) == {1}
    assert search.redundant == 0
    assert search.slips == 0
    return found.total()


def outcome(ran: Ran) -> Any:
    """What the order of the threads might change."""
    record = ran.record
    return (
        ran.execution.end, waiting(ran.execution), record.exit, tuple(sorted(record.lines())),
        tuple(sorted(record.unread_errors())), ran.result,
    )  # fmt: skip
