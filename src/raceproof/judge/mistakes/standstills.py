"""Threads that cannot go on: who waits for whom, and what would have let them."""

from __future__ import annotations

from raceproof.events import Location
from raceproof.judge.deadlocks import HELD, Stuck
from raceproof.judge.evidence import Evidence
from raceproof.judge.findings import Advice, Place
from raceproof.judge.mistakes.mistake import Mistake
from raceproof.judge.phrases import listed
from raceproof.world.execution import Blocked, VirtualThread


def held_by(evidence: Evidence, blocked: Blocked) -> tuple[Location | None, VirtualThread | None]:
    """The lock that a thread waits for, if it does, and who has it."""
    stuck = evidence.stuck
    assert stuck is not None
    if blocked.operation.kind not in HELD:
        return None, None
    for location, guard in blocked.operation.guards:
        if location.owner.label in ("Lock", "RLock") and not guard(
            location.state, blocked.thread.tid
        ):
            return location, stuck.holders.get(blocked.thread.tid)
    return None, None


def waited_on(blocked: Blocked) -> Location:
    """The place that keeps a thread from going on."""
    for location, guard in blocked.operation.guards:
        if not guard(location.state, blocked.thread.tid):
            return location
    return blocked.operation.accesses[0][0]


def places_of_wait(stuck: Stuck) -> list[Location]:
    """What the threads to blame wait for, and what belongs to it."""
    owners = dict.fromkeys(
        location.owner
        for blocked in stuck.causes
        for location, _ in blocked.operation.accesses
        if location.owner.label != "thread"
    )
    return [location for owner in owners for location in owner.fields.values()]


def called(evidence: Evidence, location: Location) -> str:
    """What to call a thing that is waited for: its type and its name."""
    name, label = evidence.what(location), location.owner.label
    return name if label in name else f"{label} {name}"


def stands_at(evidence: Evidence, blocked: Blocked) -> Place:
    """Where a thread stands still."""
    return evidence.narrator.announced.get(blocked.thread.tid, Place("", 0, ""))


def sentence(evidence: Evidence, blocked: Blocked) -> str:
    """`A waits for Lock a, held by B`"""
    stuck = evidence.stuck
    assert stuck is not None
    me = evidence.name(blocked.thread.tid)
    holder = stuck.holders.get(blocked.thread.tid)
    location = waited_on(blocked)
    if blocked.operation.kind == "join" and location.owner.label == "thread":
        return f"{me} waits for {'a thread' if holder is None else evidence.name(holder.tid)}"
    held = f", held by {evidence.name(holder.tid)}" if holder is not None else ""
    return f"{me} waits for {called(evidence, location)}{held}"


def circle(evidence: Evidence) -> Mistake | None:
    """Threads wait for each other in a circle."""
    stuck = evidence.stuck
    assert stuck is not None
    if stuck.kind not in ("deadlock", "self-deadlock"):
        return None
    joins = [b for b in stuck.causes if b.operation.kind == "join"]
    advice = "do not wait for a thread while holding what it needs" if joins else (
        "do not wait while holding what the others need to go on"
    )  # fmt: skip
    return Mistake(
        "RP305",
        "; ".join(sentence(evidence, blocked) for blocked in stuck.causes),
        Advice("Lock", advice),
        places=places_of_wait(stuck),
    )


def barrier(evidence: Evidence) -> Mistake | None:
    """Too few threads come to a barrier."""
    stuck = evidence.stuck
    assert stuck is not None
    if stuck.kind != "barrier-starved":
        return None
    what = called(evidence, waited_on(stuck.causes[0]))
    who = [evidence.name(blocked.thread.tid) for blocked in stuck.causes]
    count = f"{len(who)} threads wait" if len(who) > 1 else f"{who[0]} waits"
    return Mistake(
        "RP308",
        f"{count} at {what}, and too few others are left to complete it",
        Advice(
            "Barrier",
            "run as many threads at the same time as the barrier has parties (a pool needs as "
            "many workers), or give wait() a timeout",
        ),
        places=places_of_wait(stuck),
    )


def spinning(evidence: Evidence) -> Mistake | None:
    """A thread looks again and again."""
    stuck = evidence.stuck
    assert stuck is not None
    if stuck.kind != "livelock":
        return None
    blocked = stuck.causes[0]
    at = evidence.line(stands_at(evidence, blocked))
    return Mistake(
        "RP208",
        f"{evidence.name(blocked.thread.tid)} goes round its loop at {at} for ever: nobody is left "
        "to end it",
        Advice("Event", "wait for an Event instead of looking again and again"),
        places=places_of_wait(stuck),
    )


def for_ever(evidence: Evidence) -> Mistake | None:
    """Nobody is left who could end a wait."""
    stuck = evidence.stuck
    assert stuck is not None
    first = stuck.causes[0]
    lines = {b.thread.tid: evidence.line(stands_at(evidence, b)) for b in stuck.causes}
    if len(set(lines.values())) == 1:
        verb = "waits" if len(lines) == 1 else "wait"
        who = f"{listed([evidence.name(t) for t in lines])} {verb} for ever in "
        who += next(iter(lines.values()))
    else:
        who = listed([f"{evidence.name(t)} ({line})" for t, line in lines.items()])
        who += " wait for ever"
    what = called(evidence, waited_on(first))
    kind = first.operation.kind
    if kind == "join" and what.startswith("Queue"):
        rescue = f"call task_done() of {what} as often as needed"
    else:
        rescue = {
            "wake": f"notify {what}",
            "wait": f"set {what}",
            "get": f"put something into {what}",
            "put": f"take something out of {what}",
            "acquire": f"release {what}",
            "result": "complete the future",
            "idle": "wake the event loop",
        }.get(kind, f"end the wait for {what}")
    return Mistake(
        "RP207",
        f"{who}: nobody is left who could {rescue}",
        _advice_for_ever(kind),
        places=places_of_wait(stuck),
    )


def _advice_for_ever(kind: str) -> Advice:
    if kind == "wake":
        return Advice(
            "Condition",
            "tell the waiting thread when there is no more to come: set a flag that its loop "
            "checks, and notify_all()",
        )
    if kind == "get":
        return Advice("Queue", "put a sentinel for each consumer when there is no more to come")
    if kind == "idle":
        return Advice(
            "call_soon_threadsafe",
            "let another task of the loop provide what is awaited, or another thread by "
            "loop.call_soon_threadsafe() or asyncio.run_coroutine_threadsafe(): nothing else that "
            "a thread does wakes the loop",
        )
    if kind == "wait":
        return Advice("Event", "set the event on every way out, or wait with a timeout")
    if kind == "acquire":
        return Advice("Semaphore", "release as often as it is acquired: `with` does")
    return Advice("", "make sure that somebody ends the wait on every path")
