"""Of all the orders that an execution stands for, the one that a person follows most easily.

Steps that are independent may change places, so one class of interleavings has many orders.  Chosen
is the order with the fewest preemptions, then the fewest context switches, then the one in which
the earliest threads come first and go furthest: always the same one, whichever was found.

The number of orders is exponential, but threads can only usefully be left where one of them has to
wait for another or lets another go on.  Between those places they are taken as a whole, and the
best order is a shortest path over how far each thread has come.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from raceproof.events import Location, Operation, ThreadId
from raceproof.search.trace import Need, Trace

MAX_STATES = 4_000
"""Combinations of places that are looked at before a quick order is taken instead."""

Rank = Callable[[ThreadId], tuple[int, ...]]
"""What to sort threads by: the same in every run, unlike their numbers."""
Block = tuple[int, int]
"""A thread (its position in the ranking) and how many events it performs, negated."""
Cost = tuple[int, int, tuple[Block, ...]]


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the events of a trace."""

    threads: list[ThreadId]
    """Whose turn it is, event by event."""
    preemptions: int
    """How often a thread is left that could have gone on."""


def simplest_order(trace: Trace, rank: Rank) -> Order:
    """The order of the events of `trace` that is easiest to follow."""
    lanes = _Lanes(trace, rank)
    preemptions, blocks = lanes.shortest() or lanes.quick()
    return Order([lanes.order[lane] for lane, count in blocks for _ in range(-count)], preemptions)


@dataclass(slots=True)
class _Lane:
    """One thread: its events, and the places where it may be left."""

    thread: ThreadId
    events: list[int]
    stops: list[int] = field(default_factory=list)
    """Numbers of events after which it is worth to stop; the last is all of them."""


class _Lanes:
    def __init__(self, trace: Trace, rank: Rank) -> None:
        self.trace = trace
        self.needs = trace.needs()
        events = trace.events_of()
        self.order = sorted(events, key=rank)
        self.lanes = [_Lane(thread, events[thread]) for thread in self.order]
        self.index = {thread: lane for lane, thread in enumerate(self.order)}
        self.states = trace.states()
        self.position = {
            event: (lane, count)
            for lane, one in enumerate(self.lanes)
            for count, event in enumerate(one.events)
        }
        self._find_stops()

    def _find_stops(self) -> None:
        stops: list[set[int]] = [{len(lane.events)} for lane in self.lanes]
        for number, lane in enumerate(self.lanes):
            before: Need = ()
            for count, event in enumerate(lane.events):
                need = self.needs[event]
                if need != before:
                    stops[number].add(count)
                    for thread, amount in need:
                        stops[self.index[thread]].add(amount)
                    before = need
        for lane, places in zip(self.lanes, stops, strict=True):
            lane.stops = sorted(places - {0})

    # -- the shortest path -----------------------------------------------------------------------

    def shortest(self) -> tuple[int, list[Block]] | None:
        """The best order: its preemptions, and its blocks.  None: there are too many to look at."""
        start = tuple([0] * len(self.lanes))
        goal = tuple(len(lane.events) for lane in self.lanes)
        queue: list[tuple[Cost, tuple[int, ...], int]] = [((0, 0, ()), start, -1)]
        seen: set[tuple[tuple[int, ...], int]] = set()
        while queue:
            (preemptions, switches, blocks), done, last = heapq.heappop(queue)
            if done == goal:
                return preemptions, list(blocks)
            if (done, last) in seen:
                continue
            seen.add((done, last))
            if len(seen) > MAX_STATES:
                return None
            if last >= 0 and self._can_go_on(last, done):
                preemptions += 1
            for lane in range(len(self.lanes)):
                if lane == last:
                    continue
                for count in self._reachable(lane, done):
                    block = (lane, done[lane] - count)
                    following = (*done[:lane], count, *done[lane + 1 :])
                    cost = (preemptions, switches + 1, (*blocks, block))
                    heapq.heappush(queue, (cost, following, lane))
        return None

    def _reachable(self, number: int, done: tuple[int, ...]) -> list[int]:
        """How far a thread may go by itself, stop by stop."""
        lane = self.lanes[number]
        found = []
        at = done[number]
        for stop in lane.stops:
            if stop <= at:
                continue
            if not all(self._is_ready(event, done) for event in lane.events[at:stop]):
                break
            found.append(stop)
            at = stop
        return found

    def _is_ready(self, event: int, done: tuple[int, ...]) -> bool:
        return all(done[self.index[thread]] >= count for thread, count in self.needs[event])

    # -- a quick order ---------------------------------------------------------------------------

    def quick(self) -> tuple[int, list[Block]]:
        """Every thread in turn as far as it gets, the earliest first."""
        done = [0] * len(self.lanes)
        preemptions = 0
        blocks: list[Block] = []
        while True:
            moved = False
            for number, lane in enumerate(self.lanes):
                before = list(done)
                start = done[number]
                while done[number] < len(lane.events) and self._is_ready(
                    lane.events[done[number]], tuple(done)
                ):
                    done[number] += 1
                if done[number] > start:
                    if blocks and self._can_go_on(blocks[-1][0], tuple(before)):
                        preemptions += 1
                    blocks.append((number, start - done[number]))
                    moved = True
            if not moved:
                return preemptions, blocks

    # -- who could go on -------------------------------------------------------------------------

    def _can_go_on(self, number: int, done: tuple[int, ...]) -> bool:
        """Whether leaving a thread here takes the processor from it."""
        operation = self._next(number, done[number])
        if operation is None or operation.passive:
            return False
        if operation.instead_of is not None:
            # What gave up was waiting until then: for its guards, or patiently.
            if not operation.fence:
                return False
            operation = operation.instead_of
        thread = self.order[number]
        return all(guard(self._state(place, done), thread) for place, guard in operation.guards)

    def _next(self, number: int, count: int) -> Operation | None:
        lane = self.lanes[number]
        if count < len(lane.events):
            return self.trace.operations[lane.events[count]]
        return self.trace.pending.get(lane.thread)

    def _state(self, place: Location, done: tuple[int, ...]) -> Any:
        """The state of a location when the threads have come so far."""
        for event, state in self.states.get(place, ()):
            lane, count = self.position[event]
            if done[lane] <= count:
                return state
        return self.trace.final.get(place)
