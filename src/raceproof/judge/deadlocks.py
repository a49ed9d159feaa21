"""Why nobody can go on: who waits for what, held by whom, and what to call that.

The threads that are stuck form a graph (a thread waits for a lock's holder, for a thread it joins,
for nobody in particular).  A cycle is a deadlock; otherwise the threads at the ends of the chains,
which wait for something that nobody left could give, are the cause, and the others only follow.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from raceproof.events import ThreadId
from raceproof.world.execution import Blocked, Execution, VirtualThread

HELD = ("acquire", "wake", "reacquire")
"""Kinds of operation that wait for somebody to let go of a lock."""


@dataclass(slots=True)
class Stuck:
    """The state at the end of an execution in which nobody could go on."""

    kind: str
    """"deadlock", "self-deadlock", "waits-forever", "barrier-starved", "livelock"."""
    causes: list[Blocked]
    """The threads to blame: the cycle, or the ends of the chains."""
    followers: list[Blocked] = field(default_factory=list)
    """Those that wait only because others do."""
    holders: dict[ThreadId, VirtualThread] = field(default_factory=dict)
    """Stuck thread -> the thread that holds what it waits for."""

    @property
    def signature(self) -> tuple[object, ...]:
        """What makes two such states the same fault."""
        if self.kind == "deadlock":
            # Which locks form the cycle.  (For waits it is enough what kind of thing is waited
            # for: whether one or three threads wait there is no other fault.)
            locks = {blocked.operation.accesses[0][0].owner.name for blocked in self.causes}
            return (self.kind, *sorted(map(str, locks)))
        causes = {(blocked.operation.kind, waited_for(blocked)) for blocked in self.causes}
        return (self.kind, *sorted(causes))


def waited_for(blocked: Blocked) -> str:
    """The name of the object that a thread waits for, the same for objects made alike."""
    return blocked.operation.accesses[0][0].owner.label


def classify(execution: Execution) -> Stuck:
    """What kind of standstill `execution` ended in.  Its blocked threads must not be empty."""
    stuck = {blocked.thread.tid: blocked for blocked in execution.blocked}
    everyone = {thread.tid: thread for thread in execution.everyone}
    holders: dict[ThreadId, VirtualThread] = {}
    for tid, blocked in stuck.items():
        holder = holder_of(blocked, everyone)
        if holder is not None:
            holders[tid] = holder
    cycle = find_cycle(holders)
    if cycle:
        causes = [stuck[tid] for tid in cycle]
        kind = "self-deadlock" if len(cycle) == 1 else "deadlock"
        if any(blocked.operation.kind == "join" for blocked in causes) and len(cycle) == 1:
            kind = "deadlock"
    else:
        causes = [blocked for tid, blocked in stuck.items() if holders.get(tid) is None
                  or holders[tid].tid not in stuck]  # fmt: skip
        # A daemon that waits for ever does no harm; it is to blame only if nobody else is.
        causes = [b for b in causes if not b.thread.daemon] or causes
        kind = kind_of_wait(causes)
    chosen = {blocked.thread.tid for blocked in causes}
    followers = [blocked for tid, blocked in stuck.items() if tid not in chosen]
    return Stuck(kind, causes, followers, holders)


def holder_of(blocked: Blocked, everyone: dict[ThreadId, VirtualThread]) -> VirtualThread | None:
    """The thread that could let `blocked` go on: a lock's holder, the thread it joins, or the one
    that imports the module it wants."""
    operation = blocked.operation
    for location, guard in operation.guards:
        if guard(location.state, blocked.thread.tid):
            continue
        if operation.kind == "join" and location.owner.label == "thread":
            return next((t for t in everyone.values() if t.location is location), None)
        if operation.kind == "import":
            return everyone.get(location.state)
        if operation.kind in HELD and location.owner.label in ("Lock", "RLock"):
            state = location.state
            return everyone.get(state[0] if isinstance(state, tuple) else state)
    return None


def find_cycle(holders: dict[ThreadId, VirtualThread]) -> list[ThreadId]:
    """A cycle in the waits-for graph, or nothing.  Each thread waits for one other at most."""
    for start in holders:
        path: list[ThreadId] = []
        at: ThreadId | None = start
        while at is not None and at not in path:
            path.append(at)
            following = holders.get(at)
            at = None if following is None else following.tid
        if at is not None:
            return path[path.index(at) :]
    return []


def kind_of_wait(causes: list[Blocked]) -> str:
    """The kind of standstill, from what the threads to blame wait for."""
    labels = {waited_for(blocked) for blocked in causes}
    kinds = {blocked.operation.kind for blocked in causes}
    if kinds and kinds <= {"spin"}:
        return "livelock"
    if labels == {"Barrier"}:
        return "barrier-starved"
    return "waits-forever"
