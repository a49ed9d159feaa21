"""Which primitive mends a fault, and where to put it."""

from __future__ import annotations

from collections.abc import Sequence

from raceproof.judge.findings import Advice, Place, Waiting
from raceproof.judge.narrate import Told
from raceproof.judge.patterns import Triple


def advise_lock(story: Sequence[Told], triple: Triple, what: str) -> Advice:
    """One lock around every stretch that uses the place in question."""
    by_index = {one.index: one for one in story}
    read, between, write = (by_index[i] for i in (triple.read, triple.between, triple.write))
    common = [lock for lock in read.held if lock in between.held and lock in write.held]
    if common:
        lock = common[0]
        if read.place.function == write.place.function and read.place != write.place:
            return Advice(
                "Lock",
                f"{lock} is released between line {read.place.line} and line {write.place.line}: "
                "hold it over both",
            )
        return Advice(
            "Condition",
            f"both sides hold {lock} already, so what matters is who gets it first: let the one "
            f"that must come later wait on a Condition until {what} is as it needs it",
        )
    threads = {read.thread.tid, between.thread.tid}
    stretches: dict[tuple[str, str], list[int]] = {}
    for told in story:
        concerned = told.thread.tid in threads and triple.location in told.operation.locations
        if concerned and told.place.line and told.index <= _end(story, triple):
            key = (told.place.file, told.place.function)
            stretches.setdefault(key, []).append(told.place.line)
    parts = []
    for (_, function), lines in stretches.items():
        first, last = min(lines), max(lines)
        place = f"in line {first}" if first == last else f"from line {first} to line {last}"
        parts.append(place if len(stretches) == 1 else f"{place} ({function})")
    lock = "one Lock" if len(parts) == 1 else "the same Lock"
    return Advice("Lock", f"hold {lock} {' and '.join(parts)}, so that nobody else can use {what}")


def _end(story: Sequence[Told], triple: Triple) -> int:
    return max(triple.write, story[-1].index if story else 0)


def advise_standstill(kind: str, first: Waiting, causes: Sequence[Waiting]) -> Advice:
    """What to do about threads that cannot go on."""
    at = _at(first.place)
    if kind == "self-deadlock":
        taken = f", taken at line {first.taken.line}," if first.taken else ""
        return Advice(
            "RLock",
            f"make it an RLock, which its holder may take again, or move what {at} does into a "
            f"helper that expects the lock{taken} to be held",
        )
    if kind == "deadlock":
        return Advice(
            "Lock",
            "take the locks in the same order everywhere, or hold one lock around both",
        )
    if kind == "barrier-starved":
        return Advice(
            "Barrier",
            "run as many threads at the same time as the barrier has parties (a pool needs as "
            "many workers), or give wait() a timeout",
        )
    if kind == "lost-wakeup":
        return Advice(
            "Condition",
            "check what you wait for while holding the condition's lock, in a while loop around "
            "wait(), and change it under the same lock before notify()",
        )
    if kind == "livelock":
        return Advice("Event", "wait for an Event instead of looking again and again")
    if first.holder:
        return Advice("Lock", "use `with`, so that the lock is released on every way out")
    if first.kind == "wake" and len(causes) > 1:
        return Advice(
            "Condition", "several threads wait: wake them all with notify_all(), or notify each"
        )
    if first.kind == "wake":
        return Advice(
            "Condition",
            "tell the waiting thread when there is no more to come: set a flag that its loop "
            "checks, and notify_all()",
        )
    if first.kind == "get":
        return Advice("Queue", "put a sentinel for each consumer when there is no more to come")
    if first.kind == "idle":
        return Advice(
            "call_soon_threadsafe",
            "let another task of the loop provide what is awaited, or another thread by "
            "loop.call_soon_threadsafe() or asyncio.run_coroutine_threadsafe(): nothing else that "
            "a thread does wakes the loop",
        )
    if first.kind == "wait":
        return Advice("Event", "set the event on every way out, or wait with a timeout")
    return Advice("", "make sure that somebody ends the wait on every path")


def _at(place: Place) -> str:
    return f"line {place.line}" if place.line else "the second acquisition"
