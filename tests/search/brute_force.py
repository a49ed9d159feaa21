"""Runs a program in literally every order, and sorts the executions into equivalence classes.

No reduction of any kind, and nothing of the search is used: this is what a search is checked
against.  Two executions are equivalent when they differ in the order of independent events only.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from raceproof.events import WRITE, Operation, ThreadId, dependent
from raceproof.world.execution import Execution, Plan, VirtualThread

Event = tuple[ThreadId, int, Operation]
Class = Hashable


def every_order(run: Callable[[Plan], Execution]) -> Iterator[Execution]:
    """All executions: depth first over whom to let go next, asked before each event."""
    choices: list[int] = []
    widths: list[int] = []
    while True:
        depth = 0

        def choose(possible: list[VirtualThread], _: VirtualThread) -> VirtualThread:
            nonlocal depth
            if depth == len(choices):
                choices.append(0)
                widths.append(len(possible))
            chosen = choices[depth]
            depth += 1
            if len(possible) == 1:
                return possible[0]
            return sorted(possible, key=_tid)[chosen]

        yield run(Plan(chooser=choose, at_every_event=True))
        while choices and choices[-1] + 1 == widths[-1]:
            choices.pop()
            widths.pop()
        if not choices:
            return
        choices[-1] += 1


def _tid(thread: VirtualThread) -> ThreadId:
    return thread.tid


def events_of(execution: Execution) -> list[Event]:
    """The events, each named by its thread and its number within the thread."""
    counts: dict[ThreadId, int] = {}
    events = []
    for tid, operation in zip(execution.threads, execution.operations, strict=True):
        number = counts[tid] = counts.get(tid, 0) + 1
        events.append((tid, number, operation))
    return events


def class_of(execution: Execution) -> Class:
    """A value that two executions share just if they are equivalent.

    For each place the sequence of accesses, those that commute with their neighbours as a set.
    A fence writes a place that everything else reads.
    """
    places: dict[Any, list[tuple[int, Any]]] = {"fence": []}
    for event in events_of(execution):
        operation = event[2]
        accesses: list[tuple[Any, int]] = list(operation.accesses)
        accesses.append(("fence", WRITE if operation.fence else 0))
        for place, mode in accesses:
            sequence = places.setdefault(place, [])
            if mode != WRITE and sequence and sequence[-1][0] == mode:
                sequence[-1][1].add(event)
            else:
                sequence.append((mode, {event}))
    return frozenset(
        (place, tuple([frozenset(group) for _, group in sequence]))
        for place, sequence in places.items()
    )


def class_by_pairs(execution: Execution) -> Class:
    """The same by definition, and slower: which dependent events are in which order."""
    events = events_of(execution)
    ordered = {
        (one, other)
        for position, other in enumerate(events)
        for one in events[:position]
        if one[0] == other[0] or dependent(one[2], other[2])
    }
    return frozenset(events), frozenset(ordered)


def waiting(execution: Execution) -> frozenset[tuple[tuple[int, ...], str]]:
    """Who is stuck at what."""
    if execution.end != "stuck":
        return frozenset()
    return frozenset((b.thread.path, b.operation.kind) for b in execution.blocked)
