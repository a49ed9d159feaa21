"""Mistakes about data: what one thread does in several steps, another disturbs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from raceproof.events import READ, Location, WholeObject
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
LAST_LOOKS = 4
"""Steps of a thread that failed in which the reason is looked for."""
TESTS = ("if ", "elif ", "while ")
"""Beginnings of lines on which what is read decides what comes next."""


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


# -- two variables -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Crossing:
    """On one variable thread A came first, on another thread B: neither came as a whole."""

    a_first: Told
    """A's access to the one variable, before B's."""
    b_second: Told
    one: Location
    b_first: Told
    """B's access to the other variable, before A's."""
    a_second: Told
    other: Location

    @property
    def steps(self) -> list[Told]:
        """The four accesses, in order."""
        found = (self.a_first, self.b_second, self.b_first, self.a_second)
        return sorted(set(found), key=lambda told: told.index)


def crossing(evidence: Evidence) -> Crossing | None:
    """The two variables on which the deciding threads crossed; None if they did not."""
    if evidence.kind != "race":
        return None
    for first, second in _conflicts(evidence):
        for one in evidence.contested(first.operation, second.operation):
            if isinstance(one.field, WholeObject):
                continue
            for b_first, a_second, other in _opposite(evidence, first, second, one):
                # The two threads swap roles where the decision is about the second variable.
                if b_first.index < first.index:
                    return Crossing(b_first, a_second, other, first, second, one)
                return Crossing(first, second, one, b_first, a_second, other)
    return None


def _conflicts(evidence: Evidence) -> Iterator[tuple[Told, Told]]:
    """The pairs of steps that may be one half of a crossing."""
    decision, second = evidence.decision, evidence.second_step()
    if decision is not None:
        if second is not None:
            yield evidence.step(decision.first), second
        return
    # Without one: what a thread that failed looked at last, and what others did to it afterwards.
    for crash in evidence.crashes:
        mine = [t for t in evidence.story if t.thread.tid == crash.thread and t.operation.data]
        for told in mine[: -LAST_LOOKS - 1 : -1]:
            for other in evidence.story[told.index + 1 :]:
                if other.thread is not told.thread and other.changes:
                    yield told, other


def _opposite(
    evidence: Evidence, first: Told, second: Told, one: Location
) -> Iterator[tuple[Told, Told, Location]]:
    """Accesses to other variables for which the second thread was ahead of the first."""
    mine = [t for t in evidence.story if t.thread is first.thread and t.operation.data]
    theirs = [t for t in evidence.story if t.thread is second.thread and t.operation.data]
    for ahead in reversed(theirs):
        for behind in mine:
            if behind.index < ahead.index:
                continue
            for other in evidence.contested(ahead.operation, behind.operation):
                if other is not one and not isinstance(other.field, WholeObject):
                    yield ahead, behind, other


def publication(evidence: Evidence) -> Mistake | None:
    """Something is visible before it is ready."""
    found = crossing(evidence)
    if found is None or not found.a_first.changes or not found.a_second.changes:
        return None
    if found.b_second.changes or found.b_first.changes:
        return None
    published = found.a_first.stored is found.other.owner and found.a_first.stored is not None
    announced = (
        found.b_second.index < found.b_first.index
        and found.b_second.place != found.b_first.place
        and found.b_second.place.text.startswith(TESTS)
        and found.a_first.value.startswith(("True", "<"))
    )
    if not (published or announced):
        return None
    me, user = evidence.who(found.a_first), evidence.who(found.b_first)
    what, part = evidence.what(found.one), evidence.what(found.other)
    first, last = found.a_first.place, found.a_second.place
    return Mistake(
        "RP105",
        f"{me} sets {what} ({evidence.line(first)}) before {part} is ready "
        f"({evidence.line(last, first)}), and {user} uses it in between",
        Advice(
            "Lock",
            f"set {what} last, when everything that it announces is ready"
            + (
                f", or let {user} wait for an Event that {me} sets at the end"
                if not published
                else f"; or hold one Lock over both in {me} and where {user} uses it"
            ),
        ),
        keys=found.steps,
        places=[found.one, found.other],
        threads=frozenset({found.a_first.thread.tid, found.b_first.thread.tid}),
        span=(found.a_first, found.a_second),
    )


def torn_pair(evidence: Evidence) -> Mistake | None:
    """Of two variables that belong together, one is new and one is old."""
    found = crossing(evidence)
    if found is None:
        return None
    one, other = evidence.what(found.one), evidence.what(found.other)
    a, b = evidence.who(found.a_first), evidence.who(found.b_first)
    a_writes = found.a_first.changes and found.a_second.changes
    b_writes = found.b_first.changes and found.b_second.changes
    if a_writes and b_writes:
        message = (
            f"{a} and {b} both change {one} and {other}: in the end one is {a}'s and one is {b}'s"
        )
    elif a_writes and not (found.b_first.changes or found.b_second.changes):
        message = (
            f"{b} sees the new {one} with the old {other}: {a} is in the middle of changing both"
        )
    elif b_writes and not (found.a_first.changes or found.a_second.changes):
        message = (
            f"{a} sees the old {one} with the new {other}: {b} changes both in the middle of it"
        )
    else:
        return None
    steps = found.steps
    return Mistake(
        "RP107",
        message,
        one_lock(evidence, steps, f"{one} and {other}"),
        keys=steps,
        places=[found.one, found.other],
        threads=frozenset({found.a_first.thread.tid, found.b_first.thread.tid}),
        span=(found.a_first, found.a_second),
    )
