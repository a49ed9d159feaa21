"""Mistakes about locks and semaphores: the wrong one, not given back, or in the wrong order."""

from __future__ import annotations

from raceproof.events import Location, ThreadId
from raceproof.judge.evidence import Crash, Evidence
from raceproof.judge.findings import Advice, Place
from raceproof.judge.mistakes.mistake import Mistake
from raceproof.judge.mistakes.standstills import held_by, places_of_wait
from raceproof.judge.mistakes.variables import interferes, triple_mistake
from raceproof.judge.narrate import Told
from raceproof.judge.phrases import listed
from raceproof.world.execution import Blocked

NOT_HELD = (
    "release unlocked lock",
    "cannot release un-acquired lock",
    "cannot wait on un-acquired lock",
    "cannot notify on un-acquired lock",
)
TOO_OFTEN = "Semaphore released too many times"
LOCKS = ("Lock", "RLock")


def misuse(evidence: Evidence) -> Mistake | None:
    """A primitive says itself that it is used wrongly."""
    for crash in evidence.crashes:
        who = "a thread" if crash.thread is None else evidence.name(crash.thread)
        at = evidence.line(crash.place)
        if TOO_OFTEN in crash.text:
            return _at_crash(
                "RP307",
                f"{who} releases a semaphore in {at} that has all its permits already",
                Advice("Semaphore", "release once for each acquire: `with semaphore:` does"),
                crash,
                evidence,
            )
        if NOT_HELD[3] in crash.text:
            return _at_crash(
                "RP203",
                f"{who} calls notify() in {at} without holding the lock of the condition",
                Advice("Condition", "notify inside `with condition:`, where the state is changed"),
                crash,
                evidence,
            )
        if any(text in crash.text for text in NOT_HELD):
            return _not_held(evidence, crash, who, at)
    return None


def _not_held(evidence: Evidence, crash: Crash, who: str, at: str) -> Mistake:
    """A lock is released, or a condition waited on, by a thread that does not hold the lock."""
    verb = "waits on a condition" if "wait" in crash.text else "releases a lock"
    message = f"{who} {verb} in {at} without holding the lock"
    advice = Advice(
        "Lock", "whoever takes a lock releases it, and nobody else: `with lock:` does both"
    )
    mistake = _at_crash("RP306", message, advice, crash, evidence)
    taken_away = _foreign_release(evidence, mistake.keys)
    if taken_away is not None:
        told, holder = taken_away
        lock = evidence.what(told.location)
        mistake.message = (
            f"{evidence.who(told)} releases {lock} in {evidence.line(told.place)} while "
            f"{evidence.name(holder)} holds it, whose own release then fails"
        )
        mistake.keys.insert(0, told)
        mistake.where = told.place
    return mistake


def _foreign_release(evidence: Evidence, at: list[Told]) -> tuple[Told, ThreadId] | None:
    """The step with which somebody released the same lock while another thread held it."""
    for told in evidence.steps_on(at[0].location) if at else ():
        if told.operation.kind == "release" and told.location.owner.label == "Lock":
            holder = evidence.execution.before[told.index][0]
            if holder >= 0 and holder != told.thread.tid:
                return told, holder
    return None


def _at_crash(code: str, message: str, advice: Advice, crash: Crash, evidence: Evidence) -> Mistake:
    mine = [t for t in evidence.story if crash.thread is None or t.thread.tid == crash.thread]
    used = [
        t for t in mine if not t.operation.data and t.location.owner.label in (
            "Lock", "RLock", "Condition", "Semaphore"
        )
    ]  # fmt: skip
    at = [t for t in used if t.place == crash.place] or used
    places = _owner_places(at[-1].location) if at else []
    return Mistake(
        code,
        message,
        advice,
        keys=at[-1:],
        places=places,
        # Where it happens in every order, the others have nothing to do with it.
        threads=frozenset(told.thread.tid for told in at[-1:] if evidence.kind == "failure"),
        where=crash.place,
        kind="lock-misuse",
    )


def _owner_places(location: Location) -> list[Location]:
    return list(location.owner.fields.values())


def permits(evidence: Evidence) -> Mistake | None:
    """More threads are in than a semaphore has room for, because somebody gave back too much."""
    for semaphore, limit in evidence.narrator.limits.items():
        guilty = _released_too_often(evidence, semaphore, limit) if limit > 0 else None
        if guilty is None:
            continue
        found = interferes(evidence)
        inside = list(found.steps) if found is not None else _crashing(evidence)
        if not inside or not all(semaphore in told.permits for told in inside):
            continue
        what = evidence.what(semaphore)
        plural = "s" if limit > 1 else ""
        return Mistake(
            "RP307",
            f"{evidence.who(guilty)} releases {what} once too often ({evidence.line(guilty.place)})"
            f", so more than {limit} thread{plural} can be inside",
            Advice(
                "BoundedSemaphore",
                "release once for each acquire (`with` does); a BoundedSemaphore says where one "
                "is released too often",
            ),
            keys=[guilty, *inside],
            places=[semaphore, *dict.fromkeys(told.location for told in inside)],
        )
    return None


def _released_too_often(evidence: Evidence, semaphore: Location, limit: int) -> Told | None:
    """The step that gave a semaphore more permits than it had at the start."""
    before: Told | None = None
    for told in evidence.steps_on(semaphore):
        states = evidence.execution.before.get(told.index)
        if states is not None and before is not None and states[0] > limit:
            return before
        if told.operation.kind == "release":
            before = told
    return before if evidence.finals.get(semaphore, 0) > limit else None


def _crashing(evidence: Evidence) -> list[Told]:
    """The last step on data of each thread that died of an exception."""
    found = []
    for crash in evidence.crashes:
        mine = [t for t in evidence.story if t.thread.tid == crash.thread and t.operation.data]
        found += mine[-1:]
    return found


def different_locks(evidence: Evidence) -> Mistake | None:
    """Everybody takes a lock, but not the same one."""
    found = interferes(evidence)
    if found is None or not all(told.locks for told in found.steps):
        return None
    if evidence.common_locks(found.steps):
        return None
    mine, theirs = found.first.locks[-1], found.between.locks[-1]
    if mine is theirs:
        return None
    what = evidence.what(found.location)
    me, other = evidence.who(found.first), evidence.who(found.between)
    made, made_too = evidence.narrator.place_at(mine), evidence.narrator.place_at(theirs)
    names = evidence.what(mine), evidence.what(theirs)
    # (One line may also make two locks that have names of their own.)
    alike = names[0].partition(" #")[0] == names[1].partition(" #")[0]
    if made is not None and made == made_too and made.line and alike:
        message = (
            f"every call makes a lock of its own ({evidence.line(made)}), so {me} and {other} "
            f"can both use {what}"
        )
        advice = Advice(
            "Lock",
            f"make one Lock beside {what}, where it is created, and take that one everywhere",
        )
    else:
        message = (
            f"{me} uses {what} under {names[0]}, {other} under {names[1]}: neither keeps the "
            "other out"
        )
        advice = Advice("Lock", f"take the same lock wherever {what} is used")
    mistake = triple_mistake("RP304", message, found, evidence, advice)
    mistake.places += [mine, theirs]
    return mistake


# -- standstills ---------------------------------------------------------------------------------


def not_released(evidence: Evidence) -> Mistake | None:
    """A lock that its holder has forgotten to give back."""
    stuck = evidence.stuck
    assert stuck is not None
    for blocked in stuck.causes:
        lock, holder = held_by(evidence, blocked)
        if lock is None or holder is None:
            continue
        taken = evidence.narrator.taken.get(lock)
        where = None if taken is None else taken[1]
        me, what = evidence.name(blocked.thread.tid), evidence.what(lock)
        if holder.finished:
            crash = next((c for c in evidence.crashes if c.thread == holder.tid), None)
            end = f"ended by {crash.text.partition(':')[0]}" if crash is not None else "ended"
            took = f", taken in {evidence.line(where)}," if where is not None else ""
            message = (
                f"{evidence.name(holder.tid)} {end} and still holds {what}{took} which {me} waits "
                f"for in {evidence.line(_place(evidence, blocked))}"
            )
        elif holder is blocked.thread and _has_left(evidence, blocked, where):
            assert where is not None
            message = (
                f"{me} waits for {what} in {evidence.line(_place(evidence, blocked))}, and still "
                f"holds it: what took it in {evidence.line(where)} is left without releasing it"
            )
        else:
            continue
        return Mistake(
            "RP303",
            message,
            Advice(
                "Lock",
                f"take {what} with `with`, so that it is released on every way out, exceptions too",
            ),
            places=[lock],
            where=where,
            kind="self-deadlock" if holder is blocked.thread else "",
        )
    return None


def _place(evidence: Evidence, blocked: Blocked) -> Place:
    return evidence.narrator.announced.get(blocked.thread.tid, Place("", 0, ""))


def _has_left(evidence: Evidence, blocked: Blocked, taken: Place | None) -> bool:
    """Whether a thread has left the stretch in which it took the lock that it waits for again."""
    if taken is None:
        return False
    inside = evidence.narrator.standing.get(blocked.thread.tid, [])
    if taken.function not in inside:
        return True
    # The same line once more, in the same call: it has come round without passing the release.
    return taken == _place(evidence, blocked) and inside.count(taken.function) == 1


def self_deadlock(evidence: Evidence) -> Mistake | None:
    """A thread waits for itself."""
    stuck = evidence.stuck
    assert stuck is not None
    if stuck.kind != "self-deadlock":
        return None
    blocked = stuck.causes[0]
    lock, _ = held_by(evidence, blocked)
    if lock is None:
        return None
    me, what, at = evidence.name(blocked.thread.tid), evidence.what(lock), _place(evidence, blocked)
    taken = evidence.narrator.taken.get(lock)
    since = f" since {evidence.line(taken[1], at)}" if taken is not None else ""
    other = f" or move what {evidence.line(at)} does into a helper that expects it to be held"
    return Mistake(
        "RP301",
        f"{me} waits in {evidence.line(at)} for {what}, which it holds itself{since}",
        Advice("RLock", f"make {what} an RLock, which its holder may take again,{other}"),
        places=[lock],
    )


def lock_order(evidence: Evidence) -> Mistake | None:
    """Threads take the same locks in different orders."""
    stuck = evidence.stuck
    assert stuck is not None
    if stuck.kind != "deadlock":
        return None
    locks: list[Location] = []
    for blocked in stuck.causes:
        lock, _ = held_by(evidence, blocked)
        if lock is None or blocked.operation.kind != "acquire":
            return None
        locks.append(lock)
    names = listed(sorted(evidence.what(lock) for lock in locks))
    parts = [
        f"{evidence.name(blocked.thread.tid)} holds {evidence.what(before)} and waits for "
        f"{evidence.what(lock)}"
        for blocked, lock, before in zip(stuck.causes, locks, [locks[-1], *locks[:-1]], strict=True)
    ]
    return Mistake(
        "RP302",
        f"{', '.join(parts[:-1])}, and {parts[-1]}",
        Advice(
            "Lock",
            f"take {names} in the same order everywhere (sort them, say), or hold one lock around "
            f"{'both' if len(locks) == 2 else 'all'}",
        ),
        places=[*locks, *places_of_wait(stuck)],
    )
