"""A thread that goes round a loop and finds nothing changed is waiting, not working.

Each `while` loop of watched code reports the start of every iteration.  When an iteration did
nothing but look, looked at the same places as the one before, and nobody else ran in between, the
thread is made to wait until one of those places is written (compare GenMC's spin-assume and
Lincheck's loop detection).  Otherwise an execution in which the other threads never get a turn
would go on for ever.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any

from raceproof.events import READ, Operation
from raceproof.world.scheduler import Scheduler

SAME_LOCALS = 2
"""Identical iterations before a thread waits whose local variables have not changed either."""
CHANGED_LOCALS = 60
"""The same when they have (a retry counter, say)."""


@dataclass(slots=True)
class Spin:
    """What a thread did in its last time round a loop."""

    site: int
    head: int
    """The step at which that iteration began."""
    operations: list[Operation]
    repeats: int
    locals: dict[str, Any] | None = None


def at_loop_head(machine: Scheduler, site: int, frame: types.FrameType) -> None:
    """An iteration of the loop at `site` begins in the running thread."""
    if not machine.recording:
        if machine.end:
            machine.unwind()
        if machine.active:
            machine.pass_unrecorded_loop()
        return
    thread = machine.current
    step = machine.step
    spin = thread.spin
    if spin is None or spin.site != site:
        thread.spin = Spin(site, step, [], 0)
        return
    head = spin.head
    spin.head = step
    operations = machine.operations[head:step]
    if not operations or machine.threads[head:step].count(thread.tid) != len(operations):
        spin.repeats = 0
        if not operations:
            if machine.spins % 1024 == 1022:
                spin.locals = dict(frame.f_locals)
            unchanged = machine.spins % 1024 == 1023 and spin.locals == dict(frame.f_locals)
            machine.pass_idle_loop(unchanged)
        return
    if operations != spin.operations:
        spin.operations = operations
        spin.repeats = 0
        spin.locals = None
        return
    if not all(map(only_looks, operations)):
        return
    spin.repeats += 1
    if spin.repeats < SAME_LOCALS:
        spin.locals = dict(frame.f_locals)
        return
    if spin.repeats < CHANGED_LOCALS and spin.locals != (now := dict(frame.f_locals)):
        spin.locals = now
        return
    accesses = tuple(
        dict.fromkeys(
            access for operation in operations for access in operation.accesses if access[1] == READ
        )
    )
    thread.spin = Spin(site, step, [], 0)
    if accesses:
        machine.spin(accesses)
        if thread.spin is not None:
            thread.spin.head = machine.step


def only_looks(operation: Operation) -> bool:
    """Whether the operation changes nothing."""
    return operation.fence or all(mode == READ for _, mode in operation.accesses)
