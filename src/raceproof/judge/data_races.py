"""Conflicting accesses that no synchronization orders.

Only primitives order anything here; plain accesses to data do not.  Operations of containers that
are one step each (appending, storing under a key) are no data race among themselves, though their
order may show; reading or writing a variable, an attribute or an item is.

Source: the happens-before relation as in Flanagan and Freund, "FastTrack: efficient and precise
dynamic race detection", PLDI 2009, with full vector clocks since executions are short.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from raceproof.events import READ, Location, Operation, ThreadId, WholeObject

Clock = dict[ThreadId, int]
PLAIN = ("read", "write", "delete")
"""Kinds of operations on data that are not one indivisible call."""


def data_races(
    threads: Sequence[ThreadId], operations: Sequence[Operation]
) -> Iterator[tuple[int, int, Location]]:
    """Pairs of events (earlier, later) on one location that nothing orders, and the location."""
    clocks: dict[ThreadId, Clock] = {}
    released: dict[Location, Clock] = {}
    latest: dict[Location, dict[tuple[ThreadId, bool], int]] = {}
    for index, (thread, operation) in enumerate(zip(threads, operations, strict=True)):
        clock = clocks.setdefault(thread, {})
        if not operation.site:
            for location, _ in operation.accesses:
                for other, position in released.get(location, {}).items():
                    if clock.get(other, -1) < position:
                        clock[other] = position
            clock[thread] = index
            for location, mode in operation.accesses:
                if mode != READ:
                    released[location] = dict(clock)
                else:
                    held = released.setdefault(location, {})
                    for other, position in clock.items():
                        held[other] = max(held.get(other, -1), position)
            continue
        clock[thread] = index
        if operation.kind not in PLAIN:
            continue
        for location, mode in operation.accesses:
            if isinstance(location.field, WholeObject):
                continue
            seen = latest.setdefault(location, {})
            for (other, wrote), position in seen.items():
                conflict = other != thread and (wrote or mode != READ)
                if conflict and clock.get(other, -1) < position:
                    yield position, index, location
            seen[thread, mode != READ] = index
