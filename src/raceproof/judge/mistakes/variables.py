"""Mistakes about one variable: what a thread does with it in several steps, another disturbs."""

from __future__ import annotations

from raceproof.events import READ
from raceproof.judge.advice import one_lock
from raceproof.judge.evidence import Evidence
from raceproof.judge.findings import Advice
from raceproof.judge.mistakes.mistake import Mistake
from raceproof.judge.mistakes.triples import Interference, interference
from raceproof.judge.narrate import Told

DURING_ITERATION = (
    "changed size during iteration",
    "mutated during iteration",
    "keys changed during iteration",
)
LOOKS = frozenset(
    {
        "empty", "full", "qsize", "is_set", "locked", "value", "done", "running", "cancelled",
        "n_waiting", "broken", "is_alive", "failed acquire", "failed get", "failed put",
        "unfinished_tasks",
    }
)  # fmt: skip
"""Operations that ask primitives for their state."""


def triple_mistake(
    code: str,
    message: str,
    found: Interference,
    evidence: Evidence,
    advice: Advice | None = None,
    kind: str = "",
) -> Mistake:
    """A mistake about three accesses to one variable."""
    return Mistake(
        code,
        message,
        advice or one_lock(evidence, found.steps, evidence.what(found.location)),
        keys=list(found.steps),
        places=[found.location],
        threads=frozenset({found.first.thread.tid, found.between.thread.tid}),
        span=(found.first, found.last),
        kind=kind if evidence.kind == "race" else "",
    )


def interferes(evidence: Evidence) -> Interference | None:
    """The triple of accesses that decides, if the order of whole tasks is not to blame."""
    return interference(evidence) if evidence.kind in ("race", "lost-update") else None


def iterate_while_mutate(evidence: Evidence) -> Mistake | None:
    """A container changes while somebody goes through it."""
    for crash in evidence.crashes:
        if any(text in crash.text for text in DURING_ITERATION) and crash.thread is not None:
            found = _changed_iteration(evidence, crash.thread)
            if found is not None:
                return _iteration(found, evidence)
    triple = interferes(evidence)
    if triple is not None and triple.first.operation.kind == "iterate":
        return _iteration(triple, evidence)
    return None


def _changed_iteration(evidence: Evidence, thread: int) -> Interference | None:
    """The last two steps of an iteration, and what came between them."""
    walks = [
        told
        for told in evidence.story
        if told.thread.tid == thread and told.operation.kind == "iterate"
    ]
    if not walks:
        return None
    last = walks[-1]
    whole = last.location
    walks = [told for told in walks if told.location.owner is whole.owner]
    for between in reversed(evidence.story[: evidence.story.index(last)]):
        if between.thread.tid != thread and between.changes:
            contested = evidence.contested(last.operation, between.operation)
            before = [told for told in walks if told.index < between.index]
            if contested and before:
                return Interference("iterate", whole, before[-1], between, last)
    return None


def _iteration(found: Interference, evidence: Evidence) -> Mistake:
    walker, changer = evidence.who(found.first), evidence.who(found.between)
    what = evidence.thing(found.last)
    return triple_mistake(
        "RP103",
        f"{changer} changes {what} while {walker} iterates over it",
        found,
        evidence,
        Advice(
            "Lock",
            f"iterate over a copy made under a Lock that {evidence.line(found.between.place)} "
            f"holds too: `with lock: copy = list({what})`",
        ),
        "iterate-while-mutate",
    )


def lost_update(evidence: Evidence) -> Mistake | None:
    """A value computed from an old one overwrites a newer one."""
    found = interferes(evidence)
    if found is None or found.pattern != "lost update":
        return None
    me, other = evidence.who(found.first), evidence.who(found.between)
    what = evidence.what(found.location)
    return triple_mistake(
        "RP101",
        f"the update of {what} by {other} is lost: {me} overwrites it with a value computed from "
        "what it read before",
        found,
        evidence,
        kind="lost-update",
    )


def lazy_initialisation(evidence: Evidence) -> Mistake | None:
    """Two threads find nothing there, and both create it."""
    found = interferes(evidence)
    if found is None or found.pattern != "check-then-act" or not _finds_nothing(found.first):
        return None
    if not all(told.operation.kind == "write" for told in (found.between, found.last)):
        return None
    if found.between.old not in ("", "None"):
        return None
    me, other = evidence.who(found.first), evidence.who(found.between)
    what = evidence.what(found.location)
    return triple_mistake(
        "RP104",
        f"{me} and {other} both find no {what} yet, and both create one",
        found,
        evidence,
        kind="check-then-act",
    )


def _finds_nothing(told: Told) -> bool:
    if told.operation.kind == "contains":
        return told.value == "False"
    return told.operation.accesses[0][1] == READ and (told.missing or told.value == "None")


def check_then_act(evidence: Evidence) -> Mistake | None:
    """What was true when it was looked at is not when it is acted upon."""
    found = interferes(evidence)
    if found is None or found.pattern not in ("check-then-act", "stale read"):
        return None
    me, other = evidence.who(found.first), evidence.who(found.between)
    what = evidence.what(found.location)
    lines = [evidence.line(told.place, found.first.place) for told in found.steps]
    twice = not found.last.changes and found.first.operation.kind == found.last.operation.kind
    if found.first.place == found.last.place and twice:
        message = f"{me} looks at {what} twice in {lines[0]}, and {other} changes it in between"
    elif found.first.place == found.last.place:
        message = (
            f"{me} looks at {what} and acts on it, both in {lines[0]}, but {other} changes it in "
            f"between ({lines[1]})"
        )
    else:
        message = (
            f"{me} looks at {what} ({lines[0]}) and acts on it ({lines[2]}), but {other} changes "
            f"it in between ({lines[1]})"
        )
    return triple_mistake("RP102", message, found, evidence, kind="check-then-act")


def check_then_act_on_another(evidence: Evidence) -> Mistake | None:
    """What was looked at stands for what is acted upon: a directory for a file in it, say."""
    decision, between = evidence.decision, evidence.second_step()
    if decision is None or between is None or evidence.kind != "race":
        return None
    first = evidence.step(decision.first)
    if first.changes or not first.operation.data or not between.changes:
        return None
    for crash in evidence.crashes:
        last = crash.step
        if last is None or last.thread is not first.thread or last.index < between.index:
            continue
        contested = evidence.contested(between.operation, last.operation)
        if not contested:
            continue
        me, other = evidence.who(first), evidence.who(between)
        looked, what = evidence.what(evidence.decided_on()[0]), evidence.what(contested[0])
        steps = (first, between, last)
        lines = [evidence.line(told.place, first.place) for told in steps]
        if first.place == last.place:
            acts = f"looks at {looked} and acts on {what}, both in {lines[0]}"
        else:
            acts = f"looks at {looked} ({lines[0]}) and acts on {what} ({lines[2]})"
        return Mistake(
            "RP102",
            f"{me} {acts}, but {other} changes both in between ({lines[1]})",
            one_lock(evidence, steps, what),
            keys=list(steps),
            places=[contested[0], *evidence.decided_on()],
            threads=frozenset({first.thread.tid, between.thread.tid}),
            span=(first, last),
            kind="check-then-act",
        )
    return None


def check_primitive(evidence: Evidence) -> Mistake | None:
    """A queue, an event or a lock is asked first and used later, as if nobody else did."""
    decision, second = evidence.decision, evidence.second_step()
    if decision is None or second is None or evidence.kind != "race":
        return None
    first = evidence.step(decision.first)
    if first.operation.data or first.operation.kind not in LOOKS or not second.changes:
        return None
    location = evidence.decided_on()[0]
    later = [t for t in evidence.steps_on(location, first.thread.tid) if t.index > first.index]
    if not later:
        return None
    me, other, what = evidence.who(first), evidence.who(second), evidence.what(location)
    lines = [evidence.line(told.place, first.place) for told in (first, later[0])]
    return Mistake(
        "RP102",
        f"{me} asks {what} ({lines[0]}) and relies on the answer ({lines[1]}), but {other} changes "
        f"it in between ({evidence.line(second.place, first.place)})",
        Advice(
            "",
            f"do not ask {what} beforehand: try, and see whether it worked",
        ),
        keys=sorted([first, second, later[0]], key=lambda told: told.index),
        places=[location],
        threads=frozenset({first.thread.tid, second.thread.tid}),
        span=(first, later[0]) if second.index < later[0].index else None,
        kind="check-then-act",
    )


def check_before_wait(evidence: Evidence) -> Mistake | None:
    """Who asked whether it would have to wait, and did not have to, has to all the same."""
    decision, second, stuck = evidence.decision, evidence.second_step(), evidence.stuck
    if decision is None or second is None or stuck is None:
        return None
    first = evidence.step(decision.first)
    if first.operation.data or first.operation.kind not in LOOKS or not second.changes:
        return None
    location = evidence.decided_on()[0]
    tid = first.thread.tid
    if not any(b.thread.tid == tid and location in b.operation.locations for b in stuck.causes):
        return None
    me, other, what = evidence.who(first), evidence.who(second), evidence.what(location)
    stands = evidence.narrator.announced.get(tid, first.place)
    return Mistake(
        "RP102",
        f"{me} asks {what} ({evidence.line(first.place)}) before it waits "
        f"({evidence.line(stands, first.place)}), but {other} changes it in between "
        f"({evidence.line(second.place, first.place)}): {me} waits for ever",
        Advice("", f"do not ask {what} beforehand: try without waiting, and see whether it worked"),
        keys=[first, second],
        places=[location],
        threads=frozenset({tid, second.thread.tid}),
    )
