"""Data accesses between which nobody can take the processor away, made into one event.

The interpreter looks only here and there whether another thread wants to run (see `switch_points`).
With the accesses in between put together, a search runs the interleavings that it can produce, and
no others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

from raceproof.events import Operation, ThreadId, joined
from raceproof.world.execution import Execution
from raceproof.world.scheduler import Scheduler

OWN: Final = str(Path(__file__).parents[1])
"""Where raceproof's code is."""

_setprofile: Final = sys.setprofile
"""Python's own: programs get another one."""


class WholeSteps:
    """Takes the announcements of accesses to data in the place of the scheduler.

    Only between `begin` and `end` of an execution; it notices the Python functions that are
    entered between two accesses, by an operator or an attribute say, with a profile function.
    (Where somebody profiles raceproof itself, the bytecode alone has to do.)
    """

    def __init__(self, machine: Scheduler, is_one_step: Callable[[int, int], bool]) -> None:
        """`is_one_step` tells of two sites whether there is a place to switch between them."""
        self._machine = machine
        self._is_one_step = is_one_step
        self._whole: dict[tuple[Operation, Operation], Operation] = {}
        self.divided: set[tuple[int, int]] = set()
        """Pairs of sites between which a function was entered that the bytecode does not show."""
        self._on = False
        self._hook = self._profile
        self._watched = machine.watched_files
        self._restart()

    def _restart(self) -> None:
        self._next = -1
        """The event that would come next if nothing had happened since the last access."""
        self._thread: ThreadId = -1
        self._site = 0
        self._part = 0
        """How many accesses the event has so far."""
        self._entered = False
        """The running thread has entered a function since its last access."""
        self._joins = False
        """The access that was announced last belongs to the newest event."""

    def begin(self) -> None:
        """An execution is about to begin."""
        self._restart()
        self._on = sys.getprofile() is None
        self._watched = self._machine.watched_files

    def end(self) -> None:
        """The execution is over."""
        self._on = False
        if sys.getprofile() is self._hook:
            _setprofile(None)

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if not self._on:
            _setprofile(None)
        elif event == "call" and not self._entered:
            # Not what raceproof calls, which stands between the program and its accesses.
            caller: FrameType | None = frame
            while caller is not None and caller.f_code.co_filename not in self._watched:
                if caller.f_code.co_filename.startswith(OWN):
                    return
                caller = caller.f_back
            self._entered = True

    def _continues(self, operation: Operation) -> bool:
        """Whether an access belongs to the event that took place last."""
        machine = self._machine
        if (
            machine.step != self._next
            or machine.current.tid != self._thread
            or not self._is_one_step(self._site, operation.site)
        ):
            return False
        if self._entered:
            self.divided.add((self._site, operation.site))
        return not self._entered

    # -- what hooks call, as `Scheduler` has it ---------------------------------------------------

    def access(self, operation: Operation, subject: Any = None) -> None:
        """See `Scheduler.access`."""
        self.reserve(operation)
        self.commit(operation, subject)

    def reserve(self, operation: Operation) -> bool:
        """See `Scheduler.reserve`."""
        if self._continues(operation):
            self._joins = True
            return False
        moved = self._machine.reserve(operation)
        self._joins = False
        return moved

    def commit(self, operation: Operation, subject: Any = None) -> None:
        """See `Scheduler.commit`."""
        machine = self._machine
        if not machine.watching:
            return
        if self._joins:
            machine.prolong(operation, self._whole_with(operation))
            self._part += 1
        else:
            announced = operation
            if machine.step < machine.known:
                known = machine.operations[machine.step]
                if known.parts and known.parts[0] is operation:
                    announced = known
            machine.commit(announced, subject)
            self._thread = machine.current.tid
            self._part = 1
        self._joins = self._entered = False
        self._next = machine.step
        self._site = operation.site
        if self._on and (function := sys.getprofile()) is not self._hook:
            # Threads of the system have such a function each.  One of the program's own is left
            # alone, and nothing is one step as long as it is there.
            if function is None:
                _setprofile(self._hook)
            else:
                self._entered = True

    def _whole_with(self, operation: Operation) -> Operation | None:
        """What the newest event is with a further access; None if it was another one before."""
        machine = self._machine
        step = machine.step - 1
        event = machine.operations[step]
        if step < machine.known:
            expected = event.parts[self._part] if self._part < len(event.parts) else None
            return event if expected is operation else None
        whole = self._whole.get((event, operation))
        if whole is None:
            whole = joined((*(event.parts or (event,)), operation))
            self._whole[event, operation] = whole
        return whole


@dataclass(frozen=True, slots=True)
class Expansion:
    """An execution of whole steps, told access by access."""

    execution: Execution
    starts: list[int]
    """starts[i]: the index that the first access of event i has in it."""

    def pair(
        self, first: int, second: int, fits: Callable[[Operation, Operation], bool]
    ) -> tuple[int, int] | None:
        """The first accesses of two events that fit; None if there are none that do."""
        operations, starts = self.execution.operations, self.starts
        for one in range(starts[first], starts[first + 1]):
            for other in range(starts[second], starts[second + 1]):
                if fits(operations[one], operations[other]):
                    return one, other
        return None


def expand(execution: Execution) -> Expansion:
    """`execution` with its events taken apart."""
    threads: list[ThreadId] = []
    operations: list[Operation] = []
    starts: list[int] = []
    for thread, operation in zip(execution.threads, execution.operations, strict=True):
        starts.append(len(operations))
        parts = operation.parts or (operation,)
        operations.extend(parts)
        threads.extend([thread] * len(parts))
    starts.append(len(operations))
    before = {starts[i]: states for i, states in execution.before.items() if i < len(starts)}
    preemptions = [starts[i] for i in execution.preemptions]
    expanded = replace(
        execution, threads=threads, operations=operations, before=before, preemptions=preemptions
    )
    return Expansion(expanded, starts)
