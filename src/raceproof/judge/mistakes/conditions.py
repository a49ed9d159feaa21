"""Mistakes about waiting: conditions, events, and waits that give up."""

from __future__ import annotations

from raceproof.events import Location
from raceproof.judge.evidence import Evidence
from raceproof.judge.findings import Advice, Place
from raceproof.judge.mistakes.mistake import Mistake
from raceproof.judge.mistakes.standstills import (
    called,
    places_of_wait,
    stands_at,
)
from raceproof.judge.narrate import Told
from raceproof.world.execution import Blocked

NOTIFY_UNHELD = "cannot notify on un-acquired lock"
IN_LOOP = (
    "check what you wait for while holding the condition's lock, in a `while` loop around wait(), "
    "and change it under the same lock before notify()"
)


def _waiting_on(evidence: Evidence, label: str, kind: str) -> list[tuple[Blocked, Location]]:
    """The threads to blame that wait so for a primitive of a type, and where its state is."""
    stuck = evidence.stuck
    assert stuck is not None
    found = []
    for blocked in stuck.causes:
        for location, _ in blocked.operation.accesses:
            if blocked.operation.kind == kind and location.owner.label == label:
                found.append((blocked, location))
                break
    return found if len(found) == len(stuck.causes) else []


def _notifications(evidence: Evidence, condition: Location) -> list[Told]:
    return [
        told
        for told in evidence.steps_on(condition)
        if told.operation.kind in ("notify", "notify_all")
    ]


def _waits(evidence: Evidence, condition: Location, thread: int) -> list[Told]:
    return [t for t in evidence.steps_on(condition, thread) if t.operation.kind == "wait"]


def notify_without_lock(evidence: Evidence) -> Mistake | None:
    """Somebody notifies who does not hold the lock; nobody hears it who is about to wait."""
    waiting = _waiting_on(evidence, "Condition", "wake")
    if not waiting:
        return None
    blocked, condition = waiting[0]
    lock = next((place for place, _ in blocked.operation.accesses if place is not condition), None)
    what = called(evidence, condition)
    me = evidence.name(blocked.thread.tid)
    message = ""
    keys: list[Told] = []
    where: Place | None = None
    for told in _notifications(evidence, condition):
        if lock is not None and lock not in told.locks:
            message = (
                f"{evidence.who(told)} notifies {what} in {evidence.line(told.place)} without "
                f"holding its lock, and {me} misses it"
            )
            keys = [told]
    for crash in evidence.crashes:
        if NOTIFY_UNHELD in crash.text and crash.thread is not None:
            message = (
                f"{evidence.name(crash.thread)} calls notify() in {evidence.line(crash.place)} "
                f"without holding the lock of {what}, which raises RuntimeError, and {me} is "
                "never woken"
            )
            where = crash.place
    if not message:
        return None
    assert evidence.stuck is not None
    return Mistake(
        "RP203",
        message,
        Advice("Condition", "notify inside `with condition:`, where the state is changed"),
        keys=keys,
        places=places_of_wait(evidence.stuck),
        where=where,
    )


def lost_wakeup(evidence: Evidence) -> Mistake | None:
    """The notification came when nobody waited for it yet."""
    waiting = _waiting_on(evidence, "Condition", "wake")
    if not waiting or evidence.inescapable:
        return None
    for blocked, condition in waiting:
        waits = _waits(evidence, condition, blocked.thread.tid)
        told = _notifications(evidence, condition)
        if not waits or not told or told[-1].index > waits[-1].index:
            return None
    blocked, condition = waiting[0]
    last = _notifications(evidence, condition)[-1]
    assert evidence.stuck is not None
    return Mistake(
        "RP201",
        f"{evidence.name(blocked.thread.tid)} waits in "
        f"{evidence.line(stands_at(evidence, blocked))} for a notification of "
        f"{called(evidence, condition)} that came before it waited ({evidence.line(last.place)} of "
        f"{evidence.who(last)})",
        Advice("Condition", IN_LOOP),
        keys=[last, _waits(evidence, condition, blocked.thread.tid)[-1]],
        places=places_of_wait(evidence.stuck),
        kind="lost-wakeup",
    )


def missed_notify_all(evidence: Evidence) -> Mistake | None:
    """Several threads waited, one was woken, and those that are left need it too."""
    waiting = _waiting_on(evidence, "Condition", "wake")
    for blocked, condition in waiting:
        for told in reversed(_notifications(evidence, condition)):
            states = evidence.execution.before.get(told.index)
            waiters = states[0] if states is not None else ()
            if told.operation.kind == "notify" and blocked.thread.tid in waiters:
                assert evidence.stuck is not None
                return Mistake(
                    "RP204",
                    f"{evidence.who(told)} wakes one thread with notify() "
                    f"({evidence.line(told.place)}) when {len(waiters)} wait on "
                    f"{called(evidence, condition)}: {evidence.name(blocked.thread.tid)} is left "
                    "waiting",
                    Advice("Condition", "wake them all with notify_all(): each looks for itself"),
                    keys=[told],
                    places=places_of_wait(evidence.stuck),
                )
    return None


def event_cleared(evidence: Evidence) -> Mistake | None:
    """An event was set, but not for long enough."""
    for blocked, event in _waiting_on(evidence, "Event", "wait"):
        steps = evidence.steps_on(event)
        changes = [told for told in steps if told.operation.kind in ("set", "clear")]
        last = changes[-1] if changes else None
        if last is None or last.operation.kind != "clear":
            continue
        was_set = next((t for t in reversed(changes) if t.operation.kind == "set"), None)
        if was_set is None:
            continue
        me, what = evidence.name(blocked.thread.tid), called(evidence, event)
        return Mistake(
            "RP205",
            f"{evidence.who(was_set)} sets {what} ({evidence.line(was_set.place)}) and "
            f"{evidence.who(last)} clears it again ({evidence.line(last.place)}) before {me} has "
            "seen it",
            Advice(
                "Event",
                "let the thread that waited clear the event, after it has seen it; to pass on one "
                "signal after the other, use a Semaphore or a Queue",
            ),
            keys=[was_set, last],
            places=[event],
        )
    return None


# -- threads that go on when they should not ---------------------------------------------------


def checked_once(evidence: Evidence) -> Mistake | None:
    """A thread wakes up and goes on, although what it waited for is gone."""
    for thread in _suspicious_threads(evidence):
        for told in reversed(evidence.story):
            if told.thread.tid != thread or told.operation.kind != "wake" or told.expired:
                continue
            if evidence.source.check_around(told.place, "wait") != "if":
                continue
            condition = told.operation.accesses[0][0]
            line = evidence.source.check_line(told.place, "wait")
            return Mistake(
                "RP202",
                f"{evidence.name(thread)} checks once, with `if` (line {line}), whether it has to "
                f"wait; when it wakes ({evidence.line(told.place)}) that may be true again, and "
                "it goes on all the same",
                Advice("Condition", f"make the `if` in line {line} a `while`, or use wait_for()"),
                keys=[told],
                places=[condition, *_used_under(evidence, told)],
            )
    return None


def _used_under(evidence: Evidence, woken: Told) -> list[Location]:
    """The data that a thread uses before it waits and after it wakes."""
    mine = [t for t in evidence.story if t.thread is woken.thread and t.operation.data]
    before = {p for t in mine if t.index < woken.index for p in t.operation.locations}
    return [
        told.location
        for told in mine
        if told.index > woken.index and not before.isdisjoint(told.operation.locations)
    ]


def wait_ignored(evidence: Evidence) -> Mistake | None:
    """A wait gave up, and nobody asked whether it did."""
    suspects = _suspicious_threads(evidence)
    for told in reversed(evidence.story):
        if not told.expired or told.thread.tid not in suspects:
            continue
        if not evidence.source.ignores_result(told.place):
            continue
        me, location = evidence.who(told), told.location
        what = "a thread" if location.owner.label == "thread" else called(evidence, location)
        return Mistake(
            "RP206",
            f"{me} waits for {what} with a timeout ({evidence.line(told.place)}), which expires, "
            "and goes on as if it had not",
            Advice(
                "Event" if location.owner.label == "Event" else "",
                "look at what the wait returns (or at is_alive() after a join), and do not go on "
                "if it gave up; or wait without a timeout",
            ),
            keys=[told, *_deciding(evidence)],
            places=[location, *evidence.decided_on()],
        )
    return None


def _deciding(evidence: Evidence) -> list[Told]:
    """The steps whose order decides, as far as they took place."""
    if evidence.decision is None:
        return []
    second = evidence.second_step()
    return [evidence.step(evidence.decision.first), *([] if second is None else [second])]


def _suspicious_threads(evidence: Evidence) -> list[int]:
    """The threads that failed; if none did, those whose order decides."""
    crashed = [crash.thread for crash in evidence.crashes if crash.thread is not None]
    if crashed or evidence.decision is None:
        return crashed or [thread.tid for thread in evidence.execution.everyone]
    decision = evidence.decision
    return [evidence.execution.threads[decision.first], decision.thread]
