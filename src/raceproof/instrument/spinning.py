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

from raceproof.events import READ, Operation, conflicting
from raceproof.world.scheduler import Scheduler

SAME_LOCALS = 2
"""Identical iterations before a thread waits whose local variables have not changed either."""
CHANGED_LOCALS = 60
"""The same when they have (a retry counter, say)."""
SLEEPING = 3
"""Iterations in a row that let time pass and end with nobody else having had a turn, whatever they
do: one more would show nothing new until somebody changes what they look at."""


@dataclass(slots=True)
class Spin:
    """What a thread did in its last time round a loop."""

    site: int
    head: int
    """The step at which that iteration began."""
    operations: list[Operation]
    repeats: int
    locals: dict[str, Any] | None = None
    sleeps: int = 0


def at_loop_head(machine: Scheduler, site: int, frame: types.FrameType) -> None:
    """An iteration of the loop at `site` begins in the running thread."""
    if not machine.recording:
        if machine.active:
            if machine.end:
                machine.unwind()
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
    slept, thread.slept = thread.slept, False
    if slept:
        machine.give_way()
    undisturbed = True
    if machine.threads[head:step].count(thread.tid) != len(operations):
        # Only what others did to the same places matters.  Whether something else happened in
        # between is a matter of the order, and must not make a difference.
        steps = list(zip(machine.threads[head:step], operations, strict=True))
        others = [operation for tid, operation in steps if tid != thread.tid]
        operations = [operation for tid, operation in steps if tid == thread.tid]
        undisturbed = not any(conflicting(one, other) for one in operations for other in others)
    if not operations or not undisturbed:
        spin.repeats = spin.sleeps = 0
        if not operations:
            if machine.spins % 1024 == 1022:
                spin.locals = dict(frame.f_locals)
            unchanged = machine.spins % 1024 == 1023 and spin.locals == dict(frame.f_locals)
            machine.pass_idle_loop(unchanged)
        return
    spin.sleeps = spin.sleeps + 1 if slept else 0
    if spin.sleeps < SLEEPING and not spins_idly(spin, operations, frame):
        return
    accesses = tuple(
        dict.fromkeys(
            access for operation in operations for access in operation.accesses if access[1] == READ
        )
    )
    thread.spin = Spin(site, step, [], 0)
    machine.spin(accesses or ((thread.location, READ),))
    if thread.spin is not None:
        thread.spin.head = machine.step


def spins_idly(spin: Spin, operations: list[Operation], frame: types.FrameType) -> bool:
    """Whether the thread has only looked, often enough, and found everything as it was."""
    if operations != spin.operations:
        spin.operations = operations
        spin.repeats = 0
        spin.locals = None
        return False
    if not all(map(only_looks, operations)):
        return False
    spin.repeats += 1
    if spin.repeats < SAME_LOCALS:
        spin.locals = dict(frame.f_locals)
        return False
    if spin.repeats < CHANGED_LOCALS and spin.locals != (now := dict(frame.f_locals)):
        spin.locals = now
        return False
    return True


def only_looks(operation: Operation) -> bool:
    """Whether the operation changes nothing."""
    return operation.fence or all(mode == READ for _, mode in operation.accesses)
