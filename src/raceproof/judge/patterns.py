"""Recognising the classical mistakes in the order of events, whatever the program printed.

A *lost update*: a thread stores a value that it worked out from an earlier read, and in between
another thread stored something that is thereby overwritten unread.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from raceproof.events import READ, WRITE, Location, Operation, ThreadId, WholeObject


@dataclass(frozen=True, slots=True)
class Triple:
    """Read by one thread, write by another, write by the first, all of one place (indices)."""

    read: int
    between: int
    write: int
    location: Location


def lost_updates(
    threads: Sequence[ThreadId],
    operations: Sequence[Operation],
    rmw: Collection[int],
    start: int = 0,
) -> Iterator[Triple]:
    """Lost updates whose last event has an index of `start` or more.

    `rmw` are the sites of stores that are known to depend on a read of the same place.  The
    histories of the locations must be those of these events.
    """
    for index in range(start, len(operations)):
        operation = operations[index]
        if operation.site in rmw:
            for location, mode in operation.accesses:
                if mode == WRITE and not isinstance(location.field, WholeObject):
                    position = bisect_left(location.history, index, key=itemgetter(0))
                    triple = _overwritten(location, index, threads, location.history, position)
                    if triple is not None:
                        yield triple


def lost_updates_alone(
    threads: Sequence[ThreadId], operations: Sequence[Operation], rmw: Collection[int]
) -> Iterator[Triple]:
    """The same, for events that no search has looked at."""
    histories: dict[Location, list[tuple[int, int]]] = {}
    for index, operation in enumerate(operations):
        for location, mode in operation.accesses:
            history = histories.setdefault(location, [])
            history.append((index, mode))
            if (
                operation.site in rmw
                and mode == WRITE
                and not isinstance(location.field, WholeObject)
            ):
                triple = _overwritten(location, index, threads, history, len(history) - 1)
                if triple is not None:
                    yield triple


def _overwritten(
    location: Location,
    write: int,
    threads: Sequence[ThreadId],
    history: Sequence[tuple[Any, ...]],
    position: int,
) -> Triple | None:
    """`history[position]` is the entry of event `write`: what lies between it and its read?"""
    me = threads[write]
    between: int | None = None
    for i in range(position - 1, -1, -1):
        index, mode = history[i][0], history[i][1]
        if threads[index] != me:
            if mode == WRITE:
                between = index
        elif mode == READ:
            return None if between is None else Triple(index, between, write, location)
        else:
            return None
    return None


def unserializable(
    threads: Sequence[ThreadId], operations: Sequence[Operation]
) -> Iterator[tuple[str, Triple]]:
    """Triples that no serial order gives: two accesses by a thread, one of another in between.

    The four patterns of Vaziri, Tip and Dolby, "Associating synchronization constraints with data
    in an object-oriented language", POPL 2006, for one location, named for the report.
    """
    histories: dict[Location, list[tuple[int, int]]] = {}
    for index, operation in enumerate(operations):
        for location, mode in operation.accesses:
            if not operation.guards and operation.data:
                if operation.kind == "store" and not isinstance(location.field, WholeObject):
                    mode = WRITE  # of what is there already, perhaps, but not by its own doing
                histories.setdefault(location, []).append((index, mode))
    for location, history in histories.items():
        last_of: dict[ThreadId, int] = {}
        for position, (index, mode) in enumerate(history):
            me = threads[index]
            before = last_of.get(me)
            last_of[me] = position
            if before is None or before == position - 1:
                continue
            first_mode = history[before][1]
            for middle in range(position - 1, before, -1):
                other, other_mode = history[middle]
                if threads[other] == me:
                    continue
                name = _NAMES.get((first_mode != READ, other_mode != READ, mode != READ))
                if name is None:
                    continue
                yield name, Triple(history[before][0], other, index, location)
                break


_NAMES = {
    (False, True, True): "check-then-act",
    (False, True, False): "stale read",
    (True, True, False): "overwritten",
    (True, False, True): "half-done write seen",
}
"""(first, between, last) writes? -> the name of the pattern."""
