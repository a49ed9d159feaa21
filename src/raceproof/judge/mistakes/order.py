"""Mistakes about the order as a whole: too early, unnoticed, or in a way that has no name.

The last of them says what there is to say when nothing more precise is known.
"""

from __future__ import annotations

from raceproof.events import READ, Location, ThreadId, WholeObject
from raceproof.judge.advice import one_lock
from raceproof.judge.evidence import Evidence
from raceproof.judge.findings import Advice
from raceproof.judge.mistakes.mistake import Mistake
from raceproof.judge.mistakes.variables import interferes
from raceproof.judge.narrate import Told

FEW = 3
"""Variables that are shown when it is not known which of them matters."""


def unread_future(evidence: Evidence) -> Mistake | None:
    """A task failed, and nobody will ever know."""
    if evidence.kind != "future-exception-unread":
        return None
    error = evidence.outcome.unread[0]
    mistake = violation(evidence)
    message = f"{error}, in some orders, in a future that nobody asks for its result"
    advice = Advice(
        "", "ask every future for its result(), and make sure that the tasks come in order"
    )
    if mistake is None:
        return Mistake("RP401", message, advice, places=conflict_places(evidence))
    return Mistake("RP401", message, advice, mistake.keys, mistake.places, mistake.threads)


def every_time(evidence: Evidence) -> Mistake | None:
    """The program fails in whatever order."""
    if evidence.kind != "failure":
        return None
    failures = sorted(evidence.outcome.failures)
    where = "in every order" if not evidence.execution.truncated else "as run"
    return Mistake(
        "RP402",
        f"the program fails {where}: {failures[0]}",
        Advice("", "this is no race; mend the exception first"),
    )


def violation(evidence: Evidence) -> Mistake | None:
    """Somebody comes too early, and nothing makes it wait."""
    always = evidence.kind in ("order-violation", "future-exception-unread")
    decision, second = evidence.decision, evidence.second_step()
    if decision is None or second is None:
        if not always:
            return None
        return Mistake(
            "RP106",
            f"{_failure(evidence)} in some orders of the threads, even without preemption",
            Advice("Event", "let the thread that must come later wait for an Event, or join()"),
            places=conflict_places(evidence),
        )
    first = evidence.step(decision.first)
    too_early = not first.changes and second.changes and bool(first.operation.data)
    if not always and not (too_early and evidence.crashes and interferes(evidence) is None):
        return None
    early, late = evidence.who(first), evidence.who(second)
    location = evidence.decided_on()[0] if evidence.decided_on() else first.location
    what = evidence.what(location)
    lines = evidence.line(first.place), evidence.line(second.place, first.place)
    if too_early:
        message = (
            f"{early} uses {what} ({lines[0]}) before {late} has set it ({lines[1]}), and nothing "
            "makes it wait"
        )
        advice = f"let {early} wait for an Event that {late} sets after {lines[1]}"
    else:
        message = (
            f"{_failure(evidence)} when {lines[0]} of {early} comes before {lines[1]} of {late}, "
            "and nothing orders the two"
        )
        advice = (
            f"if {late} has to come first, let {early} wait for it: for an Event that it sets, or "
            "with join()"
        )
    return Mistake(
        "RP106",
        message,
        Advice("Event", advice),
        keys=[first, second],
        places=[location, *data_of(evidence, first, second)],
        kind="order-violation" if evidence.kind == "race" else "",
        threads=frozenset({first.thread.tid, second.thread.tid}),
    )


def unnamed(evidence: Evidence) -> Mistake | None:
    """Something is wrong, and it comes of the order."""
    failure = _failure(evidence)
    found = interferes(evidence)
    if found is not None:
        what = evidence.what(found.location)
        me, other = evidence.who(found.first), evidence.who(found.between)
        message = f"{other} uses {what} in the middle of what {me} does with it"
        return Mistake(
            "RP100",
            f"{failure}: {message}" if evidence.outcome.failures else message,
            one_lock(evidence, found.steps, what),
            keys=list(found.steps),
            places=[found.location],
            threads=frozenset({found.first.thread.tid, found.between.thread.tid}),
            span=(found.first, found.last),
        )
    message = (
        f"{failure}, which no order without preemption was seen to give"
        if evidence.outcome.failures
        else "the result is one that no order without preemption was seen to give"
    )
    advice = Advice("Lock", "hold one Lock over all that each thread does with what they share")
    decision, second = evidence.decision, evidence.second_step()
    if decision is None or second is None:
        return Mistake("RP100", message, advice, places=conflict_places(evidence))
    first = evidence.step(decision.first)
    return Mistake(
        "RP100",
        message,
        advice,
        keys=[first, second],
        places=[*evidence.decided_on(), *data_of(evidence, first, second)],
        threads=frozenset({first.thread.tid, second.thread.tid}),
    )


def data_of(evidence: Evidence, first: Told, second: Told) -> list[Location]:
    """The data that two threads contend for, what they used last first: a few."""
    found: dict[Location, None] = {}
    theirs = [t for t in evidence.story if t.thread is second.thread and t.operation.data]
    for told in reversed(evidence.story):
        if told.thread is first.thread and told.operation.data:
            for other in theirs:
                for location in evidence.contested(told.operation, other.operation):
                    if not isinstance(location.field, WholeObject):
                        found[location] = None
        if len(found) >= FEW:
            break
    return list(found)[:FEW]


def _failure(evidence: Evidence) -> str:
    failures = sorted(evidence.outcome.failures) or list(evidence.outcome.unread)
    return failures[0] if failures else "a result"


def conflict_places(evidence: Evidence) -> list[Location]:
    """The data that several threads access, one of them writing; what was used last first."""
    users: dict[Location, set[ThreadId]] = {}
    written: set[Location] = set()
    for told in reversed(evidence.story):
        if not told.operation.data:
            continue
        for location, mode in told.operation.accesses:
            if not isinstance(location.field, WholeObject):
                users.setdefault(location, set()).add(told.thread.tid)
                if mode != READ:
                    written.add(location)
    found = [place for place, threads in users.items() if len(threads) > 1 and place in written]
    return found[:FEW]
