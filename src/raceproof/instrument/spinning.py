"""A thread that goes round a loop and finds nothing changed is waiting, not working.

Each loop that may wait reports the start of every round.  A round that changed nothing, and that
leaves the thread in the state in which it was, will be followed by another like it until somebody
changes what it looked at: until then the thread stands still (`world/spinners.py`).  What decides
is what the thread itself has done, so that equivalent interleavings agree on it.
"""

from __future__ import annotations

import types
from typing import Any, Final

from raceproof.events import READ, WRITE, Access, Location, Loop, Operation
from raceproof.instrument.cycles import Writes, form
from raceproof.world.execution import VirtualThread
from raceproof.world.scheduler import Scheduler
from raceproof.world.spinners import Rounds

CHANGED: Final = 60
"""Rounds in a row, all alike but for the variables, after which a thread waits."""
NAPS: Final = 3
"""Rounds in a row in which a thread does the same and lets time pass, after which others go on."""
WORKING: Final = 8
"""The same for a thread that works until it is told to stop, without a pause."""
MANY_NAPS: Final = 30
"""Rounds that let time pass, whatever is done in them, after which others go on."""
FRUITLESS: Final = 20
"""Rounds in a row in which a timed wait came to nothing, after which the loop itself is a wait."""
HURRY: Final = 4
"""Rounds of that kind after which time goes by more quickly."""
RESTORED: Final = frozenset({"Lock", "RLock", "Semaphore", "Condition"})
"""Primitives that a round may use without changing anything, if it leaves them as they were."""
HELD: Final = frozenset({"Lock", "RLock", "Semaphore"})
"""Primitives that a thread waits for in order to give them back."""
FOREVER: Final = 1 << 60
FINITE: Final = "finite"
"""Stands for the rounds of a `for` loop, not yet begun, that comes to an end by itself."""
NESTING: Final = 8
"""Frames between two calls of a function that calls itself, at the most."""
NOTHING: Final[list[Operation]] = []
"""The operations of a round that need not be remembered."""
_ABSENT: Final = object()


def enter_loop(machine: Scheduler, site: int, finite: bool) -> None:
    """The running thread comes to a loop; whatever it did there before was another time."""
    loops = machine.current.loops
    rounds = loops.pop(site, None)
    if isinstance(rounds, Rounds) and rounds.promised:
        machine.learn_of_loop(rounds)
    if finite:
        loops[site] = FINITE


def at_loop_head(
    machine: Scheduler, site: int, loop: Loop, owner: int, frame: types.FrameType
) -> None:
    """A round of the loop at `site` begins in the running thread.

    `owner` tells one activation of the loop from another.
    """
    if not machine.recording:
        if machine.active:
            if machine.end:
                machine.unwind()
            machine.pass_unrecorded_loop()
        return
    thread, step = machine.current, machine.step
    rounds = thread.loops.get(site)
    if rounds.__class__ is not Rounds or rounds.owner != owner:
        finite = rounds is FINITE
        counted = loop.counted or finite
        rounds = thread.loops[site] = Rounds(
            site, owner, counted, step, thread.naps, thread.readings, machine.switches, loop.place,
            loop.calls,
        )  # fmt: skip
        rounds.finite = finite
        rounds.restless = loop.place in machine.insights
        if loop.polls:
            rounds.variables = variables_of(frame, loop)
        return
    head, rounds.head = rounds.head, step
    if thread.naps == rounds.naps and _is_obvious(machine, rounds, head, step):
        return
    rounds.switches = machine.switches
    napped, rounds.naps = thread.naps != rounds.naps, thread.naps
    if napped:
        rounds.napped += 1
    mine = [i for i in range(head, step) if machine.threads[i] == thread.tid]
    if not mine:
        _after_nothing(machine, rounds, loop, napped, frame)
        return
    operations = [machine.operations[i] for i in mine]
    if operations == rounds.operations:
        rounds.alike += 1
    else:
        rounds.operations = operations
        rounds.alike = rounds.cycles = 0
        rounds.ask = WORKING
    if not loop.polls or rounds.restless:
        if napped:
            machine.give_way(rounds.finite)
        return
    if changes_anything(machine, thread, mine):
        _after_work(machine, rounds, loop, napped, frame)
    elif any(machine.operations[i].fence for i in range(head, step)):
        _after_expiry(machine, rounds, loop, operations, frame)
    else:
        rounds.expiries = 0
        _after_looking(machine, rounds, loop, mine, napped, frame)


def _is_obvious(machine: Scheduler, rounds: Rounds, head: int, step: int) -> bool:
    """Whether a round without a pause was no wait, told without looking at all of it.

    This is the usual case of a loop that works, so it has to be quick.
    """
    if head == step:
        return rounds.counted
    if rounds.switches != machine.switches or rounds.promised:
        return False
    operations = machine.operations
    stop = head if head > step - 4 else step - 4
    index = step
    while index > stop:
        index -= 1
        operation = operations[index]
        if operation.site and not operation.looks:
            break
    else:
        return False
    mine = operations[head:step]
    if mine != rounds.operations:
        rounds.operations = mine
        rounds.alike = rounds.cycles = 0
        rounds.ask = WORKING
        rounds.variables = None
        return True
    if rounds.alike + 1 < rounds.ask:
        rounds.alike += 1
        rounds.variables = None
        return True
    return False


def at_call(machine: Scheduler, site: int, loop: Loop, frame: types.FrameType) -> None:
    """A function that calls itself is called: that is a loop, too."""
    if not machine.recording:
        return
    outer = frame.f_back
    for _ in range(NESTING):
        if outer is None or outer.f_code is frame.f_code:
            break
        outer = outer.f_back
    loops = machine.current.loops
    rounds = loops.get(site)
    if outer is None or not isinstance(rounds, Rounds) or rounds.owner != id(outer):
        enter_loop(machine, site, False)
        at_loop_head(machine, site, loop, id(frame), frame)
        return
    at_loop_head(machine, site, loop, id(outer), frame)
    rounds.owner = id(frame)


# -- what to do after a round ----------------------------------------------------------------------


def _after_looking(
    machine: Scheduler, rounds: Rounds, loop: Loop, mine: list[int], napped: bool,
    frame: types.FrameType,
) -> None:  # fmt: skip
    """The round has changed nothing."""
    thread = machine.current
    clocked = thread.readings != rounds.readings
    rounds.readings = thread.readings
    if rounds.counted and not (napped or clocked) and rounds.alike < CHANGED:
        rounds.variables = None
        return
    unchanged = _are_unchanged(rounds, loop, frame)
    looked_at, news = what_was_seen(machine, thread, mine)
    if news:
        rounds.promised = False
        rounds.retries = 0
    elif rounds.free and not (napped and machine.is_overdue(thread)):
        rounds.free -= 1
        return
    same = unchanged and not rounds.counted
    timed = napped or clocked
    if timed and machine.timeouts == "any" and machine.expires_early(thread):
        return
    if same or (timed and (unchanged or rounds.alike)) or rounds.alike >= CHANGED:
        machine.wait_in_loop(rounds, looked_at, same=same, clocked=clocked, news=news)


def _after_work(
    machine: Scheduler, rounds: Rounds, loop: Loop, napped: bool, frame: types.FrameType
) -> None:
    """The round has changed something: it was no wait, but may go on and on all the same."""
    if rounds.promised:
        rounds.promised = False
        machine.learn_of_loop(rounds)
    if napped:
        machine.give_way(rounds.finite)
    if rounds.alike >= NAPS and is_fed(rounds.operations):
        rounds.ask = FOREVER
        return
    nowhere = _gets_nowhere(machine, rounds, loop, frame)
    if napped:
        often = rounds.alike >= NAPS or rounds.napped % MANY_NAPS == 0
    else:
        often = nowhere or (loop.until_told and rounds.alike >= WORKING)
    if not often:
        return
    if rounds.free:
        rounds.free -= 1
        return
    looked_at = tuple(
        dict.fromkeys(
            access
            for operation in rounds.operations
            for access in operation.accesses
            if access[1] == READ
        )
    )
    machine.wait_in_loop(
        rounds, looked_at, idle=False, told=loop.until_told, cycling=nowhere,
    )  # fmt: skip


def _gets_nowhere(machine: Scheduler, rounds: Rounds, loop: Loop, frame: types.FrameType) -> bool:
    """Whether the last rounds have all written the same values, and left the same in the variables.

    Asked seldom of a loop that gets on: what it writes is not known without an observer.
    """
    if rounds.alike < rounds.ask:
        rounds.variables = None
        return False
    unchanged = _are_unchanged(rounds, loop, frame) and not rounds.counted
    if rounds.alike == rounds.ask:
        return False
    if unchanged:
        observer = machine.observer
        if not isinstance(observer, Writes):
            observer = machine.observer = Writes(observer)
        written = observer.take(machine.current)
        same = written is not None and (rounds.written is None or written == rounds.written)
        rounds.cycles = rounds.cycles + 1 if same and rounds.written is not None else 0
        rounds.written = written
        if written is None or same:
            return rounds.cycles >= NAPS
    rounds.ask = rounds.alike * 4
    rounds.cycles = 0
    rounds.written = None
    if isinstance(machine.observer, Writes):
        machine.observer = machine.observer.without(machine.current)
    return False


def _after_expiry(
    machine: Scheduler, rounds: Rounds, loop: Loop, operations: list[Operation],
    frame: types.FrameType,
) -> None:  # fmt: skip
    """In the round, nobody could go on for a while, so that some wait came to its end.

    That it was a wait of this thread, and for nothing, happens only if others wait as well.
    """
    unchanged = _are_unchanged(rounds, loop, frame)
    rounds.readings = machine.current.readings
    if not any(operation.instead_of is not None for operation in operations):
        return
    rounds.expiries += 1
    if rounds.expiries >= HURRY:
        machine.let_time_pass(0.001 * 8.0 ** min(rounds.expiries - HURRY, FRUITLESS))
    if rounds.expiries >= FRUITLESS and unchanged and not rounds.counted:
        looked_at = tuple(
            dict.fromkeys((place, READ) for o in operations for place, _ in o.accesses)
        )
        machine.wait_in_loop(rounds, looked_at, same=True)


def _after_nothing(
    machine: Scheduler, rounds: Rounds, loop: Loop, napped: bool, frame: types.FrameType
) -> None:
    """There was no operation in the round: nothing to wait for that could be seen."""
    often = machine.pass_idle_loop() or rounds.retries
    if not (often or napped) or not loop.polls or rounds.restless:
        return
    clocked = machine.current.readings != rounds.readings
    rounds.readings = machine.current.readings
    unchanged = _are_unchanged(rounds, loop, frame)
    if rounds.free:
        rounds.free -= 1
    elif unchanged and (napped or not rounds.counted):
        machine.wait_in_loop(rounds, (), same=not rounds.counted, clocked=clocked)


# -- what a round was like -------------------------------------------------------------------------


def changes_anything(machine: Scheduler, thread: VirtualThread, mine: list[int]) -> bool:
    """Whether the thread's events `mine` leave anything else than they met.

    A lock that is taken and given back is as it was.  (One that is given back and taken again was
    in between for others to take, unless nobody could go on anyway.)
    """
    found: dict[Location, Any] = {}
    last: dict[Location, int] = {}
    for index in mine:
        operation = machine.operations[index]
        if operation.site and not operation.looks:
            return True
        for position, (location, mode) in enumerate(operation.accesses):
            if location is machine.idle or (mode == READ and not operation.fence):
                continue  # (a wait that has expired may leave more behind than it says)
            if location.owner.label in RESTORED:
                found.setdefault(location, machine.before[index][position])
                last[location] = index
            elif not operation.fence:  # a wait that came to nothing
                return True
    waited = any(machine.operations[index].fence for index in mine)
    for location, before in found.items():
        if before != _state_after(machine, location, last[location]):
            return True
        if before == thread.tid and location.owner.label.endswith("Lock") and not waited:
            return True
    return False


def is_fed(operations: list[Operation]) -> bool:
    """Whether a round takes something that others have to provide, and waits for it: then it
    cannot go on and on by itself."""
    for operation in operations:
        for place, _ in operation.guards:
            if place.owner.label not in HELD and (place, WRITE) in operation.accesses:
                return True
    return False


def _state_after(machine: Scheduler, location: Location, index: int) -> Any:
    """The state of a primitive once the running thread's event `index` had its effect."""
    for later in range(index + 1, machine.step):
        operation = machine.operations[later]
        if location in operation.locations:
            for (other, _), state in zip(operation.accesses, machine.before[later], strict=True):
                if other is location:
                    return state
    return location.state


def what_was_seen(
    machine: Scheduler, thread: VirtualThread, mine: list[int]
) -> tuple[tuple[Access, ...], bool]:
    """What a round that changed nothing has looked at, and whether that has changed since.

    A lock that was waited for is nothing to look at: whatever its state was, it was free then.
    """
    seen: dict[Location, int] = {}
    used: set[Location] = {machine.idle}
    for index in mine:
        operation = machine.operations[index]
        waited_for = {location for location, _ in operation.guards}
        for location, mode in operation.accesses:
            if mode == READ or location not in used | waited_for:
                seen.setdefault(location, index)
            used.add(location)
    seen.pop(machine.idle, None)
    news = False
    for index in range(mine[0], machine.step):
        if machine.threads[index] != thread.tid:
            for location, mode in machine.operations[index].accesses:
                if mode != READ and seen.get(location, index) < index:
                    news = True
    return tuple([(location, READ) for location in seen]), news


def variables_of(frame: types.FrameType, loop: Loop) -> tuple[Any, ...]:
    """The values of the variables that matter, comparable without running any code of the
    program."""
    names = loop.names
    if not names:
        return ()
    present = frame.f_locals
    return tuple([form(present.get(name, _ABSENT)) for name in names])


def _are_unchanged(rounds: Rounds, loop: Loop, frame: types.FrameType) -> bool:
    before, rounds.variables = rounds.variables, variables_of(frame, loop)
    return before == rounds.variables
