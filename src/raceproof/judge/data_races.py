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
        if not operation.data:
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
        iterates = operation.kind == "iterate"
        plain = operation.kind in PLAIN
        for location, mode in operation.accesses:
            part = not isinstance(location.field, WholeObject)
            seen = latest.setdefault(location, {})
            for (other, wrote), position in seen.items():
                if other == thread or not (wrote or mode != READ):
                    continue
                if clock.get(other, -1) >= position:
                    continue
                before = operations[position].kind
                # Going through a container takes many steps, whatever the other does in one.
                if iterates or before == "iterate" or (part and plain and before in PLAIN):
                    yield position, index, location
            seen[thread, mode != READ] = index
