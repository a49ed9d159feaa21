"""One execution with its order of events, kept after the execution is over.

The search keeps the order of the newest execution only, in histories at the locations.  Whoever
wants to rearrange an execution, or compare several, works out its order afresh and keeps it here.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from raceproof.events import Location, Operation, ThreadId
from raceproof.search.happens_before import HappensBefore, Race
from raceproof.world.execution import Execution

Step = tuple[ThreadId, Operation]
Need = tuple[tuple[ThreadId, int], ...]
"""(thread, how many of its events must have taken place), for the other threads."""
Key = tuple[tuple[object, ...], ...]
"""What all interleavings of one class have in common."""


@dataclass(slots=True)
class Trace:
    """The events of an execution and how they are ordered."""

    threads: list[ThreadId]
    operations: list[Operation]
    clocks: list[list[int]]
    before: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    """See `Execution`."""
    races: list[Race] = field(default_factory=list)
    """The pairs of events that could have come the other way round, in order."""
    pending: dict[ThreadId, Operation] = field(default_factory=dict)
    """What the threads that did not finish were about to do."""
    final: dict[Location, Any] = field(default_factory=dict)
    """States at the end, of the locations that operations may have to wait for."""

    def events_of(self) -> dict[ThreadId, list[int]]:
        """The events of each thread."""
        found: dict[ThreadId, list[int]] = {}
        for index, thread in enumerate(self.threads):
            found.setdefault(thread, []).append(index)
        return found

    def happens_before(self, first: int, second: int) -> bool:
        """Whether event `first` comes before event `second` in every order of this class."""
        thread = self.threads[first]
        if thread == self.threads[second]:
            return first <= second
        clock = self.clocks[second]
        return thread < len(clock) and clock[thread] >= first

    def can_precede(self, first: int, second: int) -> bool:
        """Whether the thread of event `second` could have come to it without event `first`."""
        thread = self.threads[second]
        before = next((i for i in range(second - 1, -1, -1) if self.threads[i] == thread), None)
        return before is None or not self.happens_before(first, before)

    def needs(self) -> list[Need]:
        """For each event, how far the other threads must have come."""
        events = self.events_of()
        found: list[Need] = []
        barrier: dict[ThreadId, int] = {}
        """After an expired wait everything comes later than all before it: nothing could go on."""
        for index, (thread, clock) in enumerate(zip(self.threads, self.clocks, strict=True)):
            need: dict[ThreadId, int] = dict(barrier)
            for other, newest in enumerate(clock):
                if newest >= 0:
                    count = bisect_right(events[other], newest)
                    need[other] = max(count, need.get(other, 0))
            need.pop(thread, None)
            found.append(tuple(sorted(need.items())))
            if self.operations[index].fence:
                barrier = {other: bisect_right(indices, index) for other, indices in events.items()}
                barrier = {other: count for other, count in barrier.items() if count}
        return found

    def key(self) -> Key:
        """The same for two executions exactly if they differ in independent steps only."""
        events = self.events_of()
        needs = self.needs()
        return tuple(
            (thread, *((self.operations[i], needs[i]) for i in indices))
            for thread, indices in sorted(events.items())
        )

    def up_to(self, last: int) -> Trace:
        """Only what event `last` cannot do without; that is an execution as well."""
        kept = [i for i in range(last + 1) if self.happens_before(i, last)]
        renamed = {old: new for new, old in enumerate(kept)}
        events = self.events_of()
        pending = {}
        for thread, indices in events.items():
            following = next((i for i in indices if i not in renamed), None)
            if following is not None:
                pending[thread] = self.operations[following]
            elif thread in self.pending:
                pending[thread] = self.pending[thread]
        states = dict(self.final)
        for index in range(len(self.threads) - 1, -1, -1):
            # The first event left out that could change a state finds it as it is at the end.
            if index not in renamed:
                states |= self._states_before(index)
        return Trace(
            [self.threads[i] for i in kept],
            [self.operations[i] for i in kept],
            [[renamed.get(c, -1) for c in self.clocks[i]] for i in kept],
            {renamed[i]: states for i, states in self.before.items() if i in renamed},
            pending=pending,
            final=states,
        )

    def states(self) -> dict[Location, list[tuple[int, Any]]]:
        """For each location with a state: (event, state before it), in order."""
        found: dict[Location, list[tuple[int, Any]]] = {}
        # The last event may not have come about, for want of stack.
        for index in sorted(i for i in self.before if i < len(self.operations)):
            for place, state in self._states_before(index).items():
                found.setdefault(place, []).append((index, state))
        return found

    def _states_before(self, index: int) -> dict[Location, Any]:
        states = self.before.get(index)
        if states is None:
            return {}
        accesses = self.operations[index].accesses
        return {place: state for (place, _), state in zip(accesses, states, strict=True)}


def trace_of(execution: Execution) -> Trace:
    """The trace of the newest execution.

    To be called before the next execution starts, and not while a search keeps its histories:
    both use the states and histories at the locations.
    """
    threads, operations = list(execution.threads), list(execution.operations)
    order = HappensBefore(threads, operations)
    order.before = execution.before
    races = order.extend()
    if not execution.truncated:
        races += order.races_of_blocked(execution.blocked)
    pending = {blocked.thread.tid: blocked.operation for blocked in execution.blocked}
    final = {
        place: place.state
        for operation in (*operations, *pending.values())
        for place, _ in operation.guards
    }
    trace = Trace(
        list(threads), list(operations), list(order.clocks), dict(execution.before), races,
        pending, final,
    )  # fmt: skip
    order.cut(0)
    return trace


def wakeup_sequence(race: Race, trace: Trace) -> list[Step]:
    """The events that do not depend on the first of the race, then the second.

    In Abdulla et al.: notdep(e, E) followed by e'.
    """
    threads, operations, clocks = trace.threads, trace.operations, trace.clocks
    first, second, owner = race.first, race.second, threads[race.first]
    # (A clock that does not reach to the owner knows nothing of it.)
    sequence = [
        (threads[index], operations[index])
        for index in range(first + 1, len(threads))
        if threads[index] != owner
        and index != second
        and (len(clocks[index]) <= owner or clocks[index][owner] < first)
    ]
    # Earlier, the thread would meet another state: its operation might have another footprint.
    sequence.append((race.thread, race.operation.general or race.operation))
    return sequence
