"""Runs a function on the simulated machine: in one order, or in every order that can matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from raceproof.search.dpor import Dpor
from raceproof.world.execution import Execution, Plan, VirtualThread
from raceproof.world.scheduler import machine

LIMIT = 20_000


@dataclass
class Exploration:
    """What came out of all the executions of a program."""

    executions: int = 0
    results: Counter[Any] = field(default_factory=Counter)
    """What the program returned, or ("raised", type, message); None if it did not end."""
    ends: Counter[str] = field(default_factory=Counter)
    blocked: Counter[Any] = field(default_factory=Counter)
    """For each execution that got stuck: who waits, as a tuple of (thread name, kind)."""
    redundant: int = 0
    slips: int = 0


def _keeping(program: Callable[[], Any], kept: list[Any]) -> Callable[[], None]:
    def body() -> None:
        try:
            kept.append(program())
        except Exception as error:
            kept.append(("raised", type(error).__name__, str(error)))

    return body


def run(program: Callable[[], Any], plan: Plan | None = None) -> tuple[Any, Execution]:
    """Run `program` once, each thread going on as long as it can; its result and what happened."""
    machine.forget()
    kept: list[Any] = []
    execution = machine.execute(_keeping(program, kept), plan or Plan())
    assert execution.end != "diverged", execution.detail
    return (kept[0] if kept else None), execution


def value(program: Callable[[], Any]) -> Any:
    """What `program` returns if each thread goes on as long as it can."""
    return run(program)[0]


def explore(program: Callable[[], Any]) -> Exploration:
    """Run `program` in every order that can matter."""
    machine.forget()
    search = Dpor()
    found = Exploration()
    while (plan := search.next_plan()) is not None:
        kept: list[Any] = []
        execution = machine.execute(_keeping(program, kept), plan)
        search.learn(execution)
        found.executions += 1
        assert execution.end != "diverged", execution.detail
        assert found.executions < LIMIT, "too many executions"
        found.ends[execution.end] += 1
        if execution.end != "redundant":
            found.results[kept[0] if kept else None] += 1
        if execution.end == "stuck":
            who = sorted((b.thread.name, b.operation.kind) for b in execution.blocked)
            found.blocked[tuple(who)] += 1
    found.redundant, found.slips = search.redundant, search.slips
    assert found.redundant == 0
    assert found.slips == 0
    return found


def start(*bodies: Callable[[], Any], daemon: bool = False) -> list[VirtualThread]:
    """Start a thread for each; they are called t0, t1, ..."""
    return [machine.spawn(body, f"t{n}", daemon) for n, body in enumerate(bodies)]


def together(*bodies: Callable[[], Any]) -> list[Any]:
    """Run each in a thread of its own; what they returned, or the exceptions they raised."""
    results: list[Any] = [None] * len(bodies)

    def keeping(n: int, body: Callable[[], Any]) -> Callable[[], None]:
        def keep() -> None:
            try:
                results[n] = body()
            except Exception as error:
                results[n] = error

        return keep

    for thread in start(*[keeping(n, body) for n, body in enumerate(bodies)]):
        machine.join(thread)
    return results
