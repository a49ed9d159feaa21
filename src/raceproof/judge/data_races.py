"""Conflicting accesses that no synchronization orders.

Only primitives order anything here; plain accesses to data do not.  Operations of containers that
are one step each (appending, storing under a key) are no data race among themselves, though their
order may show; reading or writing a variable, an attribute or an item is.

Source: the happens-before relation as in Flanagan and Freund, "FastTrack: efficient and precise
dynamic race detection", PLDI 2009, with full vector clocks since executions are short.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from raceproof.events import READ, Location, Mode, Operation, ThreadId, WholeObject

Clock = dict[ThreadId, int]
"""Thread -> its newest event that synchronization orders before."""
PLAIN = ("read", "write", "delete")
"""Kinds of operations on data that are not one indivisible call."""


class Synchronization:
    """The order that primitives give to the events of one execution, event by event."""

    def __init__(self) -> None:
        self._clocks: dict[ThreadId, Clock] = {}
        self._released: dict[Location, Clock] = {}

    def add(self, index: int, thread: ThreadId, operation: Operation) -> Clock:
        """The next event; what comes before it."""
        clock = self._clocks.setdefault(thread, {})
        if operation.data:
            clock[thread] = index
            return clock
        for location, _ in operation.accesses:
            for other, position in self._released.get(location, {}).items():
                if clock.get(other, -1) < position:
                    clock[other] = position
        clock[thread] = index
        for location, mode in operation.accesses:
            if mode != READ:
                self._released[location] = dict(clock)
            else:
                held = self._released.setdefault(location, {})
                for other, position in clock.items():
                    held[other] = max(held.get(other, -1), position)
        return clock


def data_races(
    threads: Sequence[ThreadId], operations: Sequence[Operation]
) -> Iterator[tuple[int, int, Location]]:
    """Pairs of events (earlier, later) on one location that nothing orders, and the location."""
    order = Synchronization()
    latest: dict[Location, dict[tuple[ThreadId, bool], int]] = {}
    for index, (thread, operation) in enumerate(zip(threads, operations, strict=True)):
        clock = order.add(index, thread, operation)
        if not operation.data:
            continue
        for location, mode in operation.accesses:
            seen = latest.setdefault(location, {})
            for (other, wrote), position in seen.items():
                if other == thread or not (wrote or mode != READ):
                    continue
                if clock.get(other, -1) >= position:
                    continue
                if divisible(operations[position], operation, location):
                    yield position, index, location
            seen[thread, mode != READ] = index


def divisible(one: Operation, other: Operation, location: Location) -> bool:
    """Whether two operations that meet on a location are more than two indivisible steps.

    Going through a container takes many steps, whatever the other does in one.
    """
    if "iterate" in (one.kind, other.kind):
        return True
    part = not isinstance(location.field, WholeObject)
    return part and one.kind in PLAIN and other.kind in PLAIN


def races_at(one: Operation, other: Operation) -> list[Location]:
    """The places at which two operations on data would be a data race if nothing ordered them."""
    if not (one.data and other.data) or one.locations.isdisjoint(other.locations):
        return []
    modes: dict[Location, Mode] = dict(one.accesses)
    return [
        location
        for location, mode in other.accesses
        if location in modes
        and (mode != READ or modes[location] != READ)
        and divisible(one, other, location)
    ]


def is_data_race(
    threads: Sequence[ThreadId], operations: Sequence[Operation], first: int, second: int
) -> bool:
    """Whether event `second` conflicts with the earlier event `first`, and nothing orders them."""
    if not races_at(operations[first], operations[second]):
        return False
    order = Synchronization()
    clock: Clock = {}
    for index in range(second + 1):
        clock = order.add(index, threads[index], operations[index])
    return clock.get(threads[first], -1) < first
