"""The interleavings that are few decisions away from the plain one, the nearest first.

The plain execution lets every thread go on until it cannot.  Each of its races, reversed, gives
another; and so on, breadth first.  What is near is simple, and it is the same whatever order the
search proper took: so this is where the smallest failing interleaving is looked for first.
"""

from __future__ import annotations

from collections import deque

from raceproof.events import ThreadId
from raceproof.search.happens_before import Race
from raceproof.search.minimize import reversed_script
from raceproof.search.trace import Key, Trace
from raceproof.world.execution import Plan


class Nearby:
    """A breadth-first walk; `learn` is told the trace of each execution that `next_plan` asks for.

    It ends when every class has been seen.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Trace, Race]] = deque()
        self._seen: set[Key] = set()
        self._tried: set[tuple[ThreadId, ...]] = set()
        self._started = False
        self.executions = 0
        self.depth = 0
        """How many reversals the last plan is away from the plain execution."""

    def next_plan(self) -> Plan | None:
        """The next execution to run; None when there are no more."""
        if not self._started:
            self._started = True
            return Plan(lenient=True)
        while self._waiting:
            self.depth, trace, race = self._waiting.popleft()
            script = reversed_script(race, trace)
            key = tuple(script)
            if key not in self._tried:
                self._tried.add(key)
                return Plan(script=script, lenient=True)
        return None

    def learn(self, trace: Trace) -> bool:
        """What came of the plan; whether it was new."""
        self.executions += 1
        key = trace.key()
        if key in self._seen:
            return False
        self._seen.add(key)
        self._waiting.extend((self.depth + 1, trace, race) for race in trace.races)
        return True
