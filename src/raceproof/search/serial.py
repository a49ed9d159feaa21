"""The orders without preemption: a thread goes on until it cannot, then any other may be next.

They are the reference: what the program does when its tasks run one after the other.  What a
thread does after it has started another is a task of its own, so the new one may also come first.
Orders that
differ only in independent stretches are run once (sleep sets over whole stretches: Godefroid,
"Partial-order methods for the verification of concurrent systems", 1996, chapter 5).
"""

from __future__ import annotations

from dataclasses import dataclass

from raceproof.events import WRITE, Location, Mode, Operation, ThreadId
from raceproof.search.strategy import Strategy
from raceproof.world.execution import Execution, Plan, VirtualThread
from raceproof.world.scheduler import Scheduler

Footprint = dict[Location, Mode]
"""What a stretch accesses, and how: the strongest mode, WRITE for a mixture."""


@dataclass(slots=True)
class Choice:
    """A place where the running thread could not go on and several others could."""

    candidates: list[ThreadId]
    chosen: ThreadId
    sleep: dict[ThreadId, Footprint]
    start: int = 0
    """The event with which the chosen thread's stretch begins."""


class SerialOrders(Strategy):
    """A `Strategy` that runs every order without preemption."""

    def __init__(self, machine: Scheduler) -> None:
        self._machine = machine
        self._path: list[Choice] = []
        self._depth = 0
        self._started = False
        self._operations: list[Operation] = []
        self._end = 0
        self.executions = 0
        self.exhausted = False

    def next_plan(self) -> Plan | None:
        """See `Strategy`."""
        if self._started and not self._backtrack():
            self.exhausted = True
            return None
        self._started = True
        self._depth = 0
        return Plan(chooser=self._choose, ask_after_start=True)

    def learn(self, execution: Execution) -> None:
        """See `Strategy`."""
        self.executions += 1
        self._operations = execution.operations
        self._end = len(execution.operations)

    def estimate(self) -> float:
        """See `Strategy`; not estimated."""
        return float(self.executions)

    def _backtrack(self) -> bool:
        """Go to the deepest choice with something left, and choose that."""
        while self._path:
            last = self._path[-1]
            last.sleep[last.chosen] = footprint(self._operations[last.start : self._end])
            for thread in last.candidates:
                if thread not in last.sleep:
                    last.chosen = thread
                    return True
            self._path.pop()
            self._end = last.start
        return False

    def _choose(self, enabled: list[VirtualThread], current: VirtualThread) -> VirtualThread:
        machine = self._machine
        if current in enabled:
            newest = self._just_started(current)
            if newest is not None and newest in enabled:
                enabled = [current, newest]
            elif machine.giving_way and len(enabled) > 1:
                enabled = [thread for thread in enabled if thread is not current]
            else:
                return current
        if len(enabled) == 1:
            return enabled[0]
        depth = self._depth
        self._depth += 1
        by_tid = {thread.tid: thread for thread in enabled}
        if depth < len(self._path):
            choice = self._path[depth]
            if choice.chosen in by_tid:
                choice.start = machine.step
                return by_tid[choice.chosen]
            # The program went another way than last time: explore from here on afresh.
            del self._path[depth:]
        sleep: dict[ThreadId, Footprint] = {}
        if self._path:
            last = self._path[-1]
            stretch = footprint(machine.operations[last.start : machine.step])
            sleep = {
                tid: theirs
                for tid, theirs in last.sleep.items()
                if tid != last.chosen and not clash(theirs, stretch)
            }
        candidates = list(by_tid)
        awake = [t for t in candidates if t not in sleep]
        chosen = (awake or candidates)[0]
        self._path.append(Choice(candidates, chosen, sleep, machine.step))
        return by_tid[chosen]

    def _just_started(self, current: VirtualThread) -> VirtualThread | None:
        """The thread that `current` has started with its last event, if that was one."""
        machine = self._machine
        step = machine.step
        if not step or machine.threads[step - 1] != current.tid:
            return None
        return machine.everyone[-1] if machine.operations[step - 1].kind == "start" else None


def footprint(operations: list[Operation]) -> Footprint:
    """What a stretch of events accesses."""
    found: Footprint = {}
    for operation in operations:
        for location, mode in operation.accesses:
            before = found.get(location)
            found[location] = mode if before is None or before == mode else WRITE
    return found


def clash(one: Footprint, other: Footprint) -> bool:
    """Whether two stretches cannot change places."""
    if len(other) < len(one):
        one, other = other, one
    for location, mode in one.items():
        theirs = other.get(location)
        if theirs is not None and (theirs != mode or mode == WRITE):
            return True
    return False
