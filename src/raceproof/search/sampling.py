"""Orders drawn at random, for programs that have too many to run them all.

A depth-first search that is cut off has seen one corner of the tree only.  Orders drawn with random
priorities and a few points where they change (PCT) reach everywhere, and find most faults that
need few preemptions.

Source: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic
guarantees of finding bugs", ASPLOS 2010.
"""

from __future__ import annotations

import random

from raceproof.events import ThreadId
from raceproof.search.strategy import Strategy
from raceproof.world.execution import Execution, Plan, VirtualThread
from raceproof.world.scheduler import Scheduler

MAX_DEPTH = 4
"""Change points are drawn for faults that depend on up to so many ordering constraints."""


class RandomPriorities(Strategy):
    """A `Strategy` without end: each plan is another random order."""

    def __init__(self, machine: Scheduler, seed: int) -> None:
        self._machine = machine
        self._random = random.Random(seed)
        self._length = 1
        self._priorities: dict[ThreadId, float] = {}
        self._changes: set[int] = set()
        self._lowest = 0.0
        self._choices = 0
        self.executions = 0

    def next_plan(self) -> Plan:
        """See `Strategy`."""
        depth = self.executions % MAX_DEPTH + 1
        draw = self._random
        self._priorities = {}
        self._changes = {draw.randrange(1, self._length + 1) for _ in range(depth - 1)}
        self._lowest = 0.0
        self._choices = 0
        return Plan(chooser=self._choose, at_every_event=True)

    def learn(self, execution: Execution) -> None:
        """See `Strategy`."""
        self.executions += 1
        self._length = max(self._length, self._choices)

    def estimate(self) -> float:
        """See `Strategy`; there is no end."""
        return float("inf")

    def _choose(self, enabled: list[VirtualThread], current: VirtualThread) -> VirtualThread:
        if len(enabled) == 1:
            return enabled[0]
        # Steps at which there is nothing to choose do not count, or changes would be wasted.
        self._choices += 1
        priorities = self._priorities
        for thread in enabled:
            if thread.tid not in priorities:
                priorities[thread.tid] = 1.0 + self._random.random()
        best = max(enabled, key=lambda thread: priorities[thread.tid])
        if self._choices in self._changes:
            self._lowest -= 1.0
            priorities[best.tid] = self._lowest
            best = max(enabled, key=lambda thread: priorities[thread.tid])
        return best
