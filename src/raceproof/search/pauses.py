"""Orders drawn at random in which few threads are stopped in the middle, and hardly anything else
happens: most faults need one pause, at the right place, while the right other thread goes on.

Threads that do the same count as one when it is drawn who goes next: with ninety-nine writers and
one reader, the reader has its chance in every second draw.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Final

from raceproof.events import ThreadId
from raceproof.search.strategy import Strategy
from raceproof.world.execution import Execution, Plan, VirtualThread

PAUSES: Final = (1, 1, 2, 1, 2, 3)
"""How many threads are stopped, one execution after the other."""
RESUMES: Final = 0.2
"""How likely a thread that was stopped goes on, each time that somebody else is to be chosen."""
_NUMBER: Final = re.compile(r"\d+")


class RandomPauses(Strategy):
    """A `Strategy` without end: each plan is another random order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lengths: dict[str, int] = {}
        """Kind of thread -> events of the longest one seen."""
        self._sizes: dict[str, int] = {}
        """Kind of thread -> the most of them that there were at once."""
        self._pauses: dict[tuple[str, int], int] = {}
        """(kind, how-manyth to begin) -> the number of events after which it is stopped."""
        self._begun: Counter[str] = Counter()
        self._due: dict[ThreadId, int] = {}
        self._events: Counter[ThreadId] = Counter()
        self._stopped: set[ThreadId] = set()
        self._running: ThreadId | None = None
        self.executions = 0

    def next_plan(self) -> Plan:
        """See `Strategy`."""
        draw = self._random
        self._pauses = {}
        for _ in range(PAUSES[self.executions % len(PAUSES)] if self._lengths else 0):
            kind = draw.choice(list(self._lengths))
            # The first of its kind is as good as any, and it is known to come early.
            which = 0 if draw.random() < 0.5 else draw.randrange(self._sizes[kind])
            self._pauses[kind, which] = draw.randint(1, self._lengths[kind])
        self._begun.clear()
        self._due.clear()
        self._events.clear()
        self._stopped.clear()
        self._running = None
        return Plan(chooser=self._choose, at_every_event=True)

    def learn(self, execution: Execution) -> None:
        """See `Strategy`; any execution of the program will do."""
        self.executions += 1
        self.observe(execution)

    def observe(self, execution: Execution) -> None:
        """What threads there are, and how long."""
        events = Counter(execution.threads)
        kinds = [kind_of(thread) for thread in execution.everyone]
        for kind, size in Counter(kinds).items():
            self._sizes[kind] = max(self._sizes.get(kind, 0), size)
        for kind, thread in zip(kinds, execution.everyone, strict=True):
            self._lengths[kind] = max(self._lengths.get(kind, 1), events[thread.tid])

    def estimate(self) -> float:
        """See `Strategy`; there is no end."""
        return float("inf")

    def _choose(self, enabled: list[VirtualThread], current: VirtualThread) -> VirtualThread:
        chosen = None
        for thread in enabled:
            if thread.tid == self._running:
                if self._events[thread.tid] == self._due.get(thread.tid):
                    self._stopped.add(thread.tid)
                else:
                    chosen = thread
                break
        if chosen is None:
            chosen = self._draw(enabled)
        self._running = chosen.tid
        self._events[chosen.tid] += 1
        return chosen

    def _draw(self, enabled: list[VirtualThread]) -> VirtualThread:
        draw = self._random
        if self._stopped and draw.random() < RESUMES:
            self._resume(enabled)
        able = [thread for thread in enabled if thread.tid not in self._stopped]
        if not able:
            self._resume(enabled)
            able = enabled
        kinds: dict[str, list[VirtualThread]] = {}
        for thread in able:
            kinds.setdefault(kind_of(thread), []).append(thread)
        kind = draw.choice(list(kinds))
        chosen = draw.choice(kinds[kind])
        if chosen.tid not in self._events:
            due = self._pauses.get((kind, self._begun[kind]))
            if due is not None:
                self._due[chosen.tid] = due
            self._begun[kind] += 1
        return chosen

    def _resume(self, enabled: list[VirtualThread]) -> None:
        """One of those that were stopped may go on, and is not stopped again."""
        stopped = [thread.tid for thread in enabled if thread.tid in self._stopped]
        if stopped:
            tid = self._random.choice(stopped)
            self._stopped.discard(tid)
            self._due.pop(tid, None)


def kind_of(thread: VirtualThread) -> str:
    """What threads that do the same have in common: their names, but for the numbers."""
    return _NUMBER.sub("", thread.name)
