"""From one interleaving that fails to the text that explains it: columns, reason and advice.

Of all that happened only what bears on the fault is kept: the steps on the places concerned and,
for a standstill, on the primitives that the stuck threads use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from raceproof.events import Location, Operation, ThreadId, WholeObject
from raceproof.judge.advice import advise_lock, advise_standstill
from raceproof.judge.deadlocks import Stuck
from raceproof.judge.findings import Finding, Place, Step, Waiting
from raceproof.judge.narrate import UNKNOWN_PLACE, Narrator, Told, display, short
from raceproof.judge.patterns import Triple
from raceproof.search.minimize import blocks_of
from raceproof.world.execution import VirtualThread

MAX_STEPS = 24
"""Steps that are shown at the most."""
LAST_STEPS = 8
"""Steps shown of a wait that never ends: what came last before it."""
AROUND = 3
"""Steps shown before and after each that decides, when there are more."""
HOUSEKEEPING = frozenset({"start", "begin", "finish", "join", "is_alive", "yield"})


class Names:
    """What the threads are called in one report: by what they do, numbered where that is not
    enough."""

    def __init__(self, everyone: Sequence[VirtualThread]) -> None:
        wanted = {thread.tid: label_of(thread) for thread in everyone}
        self._names: dict[ThreadId, str] = {}
        taken: dict[str, int] = {}
        for tid, name in wanted.items():
            if list(wanted.values()).count(name) > 1:
                taken[name] = taken.get(name, 0) + 1
                name = f"{name} #{taken[name]}"
            self._names[tid] = name

    def __getitem__(self, thread: VirtualThread) -> str:
        return self._names.get(thread.tid, thread.name)


def label_of(thread: VirtualThread) -> str:
    """`withdraw(500)` for a thread that runs just that; else the name of the thread."""
    if thread.path == ():
        return "main"
    task = thread.storage.get("task")
    if task is not None:
        return call_text(*task)
    model = thread.model
    target = getattr(model, "_target", None)
    if target is None:
        target = thread.storage.get("target")
    if target is not None:
        arguments = thread.storage.get("arguments", getattr(model, "_args", ()))
        return call_text(target, arguments, getattr(model, "_kwargs", {}) or {})
    return thread.name


def call_text(target: Any, args: Iterable[Any] = (), kwargs: dict[str, Any] | None = None) -> str:
    """How a call would be written."""
    name = getattr(target, "__name__", type(target).__name__)
    if name == "<lambda>":
        name = "lambda"
    inner = [short(value) for value in args]
    inner += [f"{key}={short(value)}" for key, value in (kwargs or {}).items()]
    text = f"{name}({', '.join(inner)})"
    return text if len(text) <= 32 else f"{name}(...)"


def relevant(story: Sequence[Told], places: set[Location]) -> list[Told]:
    """The steps of a story that touch any of `places`."""
    return [
        told
        for told in story
        if any(location in places for location in told.operation.locations)
        and told.operation.kind not in HOUSEKEEPING
    ]


def steps_of(told: Sequence[Told], narrator: Narrator, names: Names, keys: set[int]) -> list[Step]:
    """The steps as reports show them."""
    steps: list[Step] = []
    for number, one in enumerate(told, 1):
        step = Step(
            number=number,
            thread=names[one.thread],
            kind=one.operation.kind,
            object=narrator.name_of(main_location(one.operation)),
            place=relative(one.place),
            value=one.value,
            old=one.old,
            key=one.index in keys,
            index=one.index,
            held=one.held,
        )
        # Taken away: somebody else's step comes next although this thread was not done.
        step.preempted = one.preempted
        steps.append(step)
    return steps


def the_telling(told: Sequence[Told], keys: set[int]) -> list[Told]:
    """If there are too many steps to read: those around the ones that decide, or the last."""
    if len(told) <= MAX_STEPS:
        return list(told)
    positions = [i for i, one in enumerate(told) if one.index in keys]
    if not positions:
        return list(told[-MAX_STEPS:])
    kept = {0}
    for position in positions:
        kept.update(range(position - AROUND, position + AROUND + 1))
    return [one for i, one in enumerate(told) if i in kept]


def main_location(operation: Operation) -> Location:
    """The place that an operation is about."""
    for location, _ in operation.accesses:
        if not isinstance(location.field, WholeObject):
            return location
    return operation.accesses[0][0]


def relative(place: Place) -> Place:
    """The same place, with the file as the user would name it."""
    if not place.file:
        return place
    return Place(display(place.file), place.line, place.function, place.text)


def columns(steps: Sequence[Step]) -> list[str]:
    """The threads of some steps, in order of appearance."""
    return list(dict.fromkeys(step.thread for step in steps))


def explain_race(
    kind: str, triple: Triple, narrator: Narrator, everyone: Sequence[VirtualThread]
) -> Finding:
    """A finding about three accesses to one place that must not be interleaved so."""
    names = Names(everyone)
    by_index = {told.index: told for told in narrator.story}
    read, between, write = (by_index[i] for i in (triple.read, triple.between, triple.write))
    involved = {read.thread.tid, between.thread.tid}
    owner = triple.location.owner
    places = {triple.location} | {
        location for location in owner.fields.values() if isinstance(location.field, WholeObject)
    }
    told = [
        one
        for one in relevant(narrator.story, places)
        if one.thread.tid in involved
        and one.index <= triple.write
        and not (one.thread is between.thread and one.index > triple.between)
    ]
    keys = {triple.read, triple.between, triple.write}
    told = the_telling(_from_first_overlap(told, read), keys)
    steps = steps_of(told, narrator, names, keys)
    me, other = names[read.thread], names[between.thread]
    what = narrator.name_of(triple.location)
    if kind == "lost-update":
        message = (
            f"the update of {what} by {other} is lost: {me} overwrites it with a value computed "
            "from what it read before"
        )
    elif kind == "check-then-act":
        message = f"{me} acts on {what} as it was before {other} changed it"
    elif kind == "iterate-while-mutate":
        message = f"{other} changes {what} while {me} iterates over it"
    else:
        message = f"the result depends on when {other} changes {what} while {me} uses it"
    because = (
        f"It fails because {_line(between)} of {other} came between lines {read.place.line} and "
        f"{write.place.line} of {me}."
    )
    if read.place == write.place:
        both = "the read and the write" if write.operation.accesses[0][1] else "two reads"
        because = (
            f"It fails because {_line(between)} of {other} came between {both} in {_line(read)} "
            f"of {me}."
        )
    return Finding(
        kind=kind,
        message=message,
        where=_places([read, between, write]),
        objects=[what],
        threads=columns(steps),
        switches=_switches(told),
        steps=steps,
        hidden=max(0, len(narrator.story) - len(steps)),
        because=because,
        advice=advise_lock(narrator.story, triple, what),
    )


def explain_whole(
    kind: str, message: str, places: set[Location], narrator: Narrator,
    everyone: Sequence[VirtualThread],
) -> Finding:  # fmt: skip
    """A finding about an execution as a whole: its steps on some places."""
    names = Names(everyone)
    told = the_telling(relevant(narrator.story, places), set())
    steps = steps_of(told, narrator, names, set())
    return Finding(
        kind=kind,
        message=message,
        where=_places(told[-1:]),
        objects=list(dict.fromkeys(step.object for step in steps)),
        threads=columns(steps),
        switches=_switches(told),
        steps=steps,
        hidden=max(0, len(narrator.story) - len(steps)),
    )


def explain_standstill(
    kind: str, stuck: Stuck, narrator: Narrator, everyone: Sequence[VirtualThread]
) -> Finding:
    """A finding about an execution that ended with threads that cannot go on."""
    names = Names(everyone)
    places = {
        location
        for blocked in stuck.causes
        for location, _ in blocked.operation.accesses
        if location.owner.label != "thread"
    }
    owners = {location.owner for location in places}
    places = {location for owner in owners for location in owner.fields.values()}
    causes = {blocked.thread.tid for blocked in stuck.causes}
    told = relevant(narrator.story, places)
    if stuck.kind in ("deadlock", "self-deadlock"):
        told = the_telling(_newest_acquisitions(told, causes), set())
    else:
        told = told[-LAST_STEPS:]
    steps = steps_of(told, narrator, names, set())
    waiting: list[Waiting] = []
    for blocked in [*stuck.causes, *stuck.followers]:
        thread = blocked.thread
        place = narrator.announced.get(thread.tid, UNKNOWN_PLACE)
        location = next(
            (loc for loc, guard in blocked.operation.guards if not guard(loc.state, thread.tid)),
            blocked.operation.accesses[0][0],
        )
        entry = Waiting(names[thread], blocked.operation.kind, "", relative(place))
        holder = stuck.holders.get(thread.tid)
        if blocked.operation.kind == "join" and location.owner.label == "thread":
            entry.object = names[holder] if holder is not None else "a thread"
        else:
            entry.object = narrator.name_of(location)
            label = location.owner.label
            if label not in entry.object:
                entry.object = f"{label} {entry.object}"
            if holder is not None:
                entry.holder = names[holder]
                taken = narrator.taken.get(location)
                entry.taken = None if taken is None else relative(taken[1])
        waiting.append(entry)
        if thread.tid in causes:
            steps.append(
                Step(len(steps) + 1, names[thread], blocked.operation.kind, entry.object,
                     entry.place, blocks=True, key=True)
            )  # fmt: skip
    first = waiting[0]
    message = _standstill_message(kind, waiting[: len(stuck.causes)])
    return Finding(
        kind=kind,
        message=message,
        where=[entry.place for entry in waiting[: len(stuck.causes)] if entry.place.line],
        objects=list(dict.fromkeys(entry.object for entry in waiting[: len(stuck.causes)])),
        threads=columns(steps),
        switches=_switches(told),
        steps=steps,
        hidden=max(0, len(narrator.story) - len(told)),
        waiting=waiting,
        advice=advise_standstill(kind, first, waiting[: len(stuck.causes)]),
    )


def _standstill_message(kind: str, causes: Sequence[Waiting]) -> str:
    first = causes[0]
    where = f"line {first.place.line}" if first.place.line else "a place outside of watched code"
    if kind == "self-deadlock":
        taken = f" (taken at line {first.taken.line})" if first.taken else ""
        return f"{first.thread} waits at {where} for {first.object}, which it holds itself{taken}"
    if kind == "deadlock":
        parts = [
            f"{entry.thread} waits for {entry.object}, held by {entry.holder}"
            if entry.holder
            else f"{entry.thread} waits for {entry.object}"
            for entry in causes
        ]
        return "; ".join(parts)
    if kind == "barrier-starved":
        verb = "wait" if len(causes) > 1 else "waits"
        who = f"{len(causes)} threads {verb}" if len(causes) > 1 else f"{first.thread} {verb}"
        return f"{who} at {first.object}, and too few others are left to complete it"
    if kind == "lost-wakeup":
        return (
            f"{first.thread} waits at {where} for a notification on {first.object} that came "
            "before it waited"
        )
    if kind == "livelock":
        return f"{first.thread} goes round its loop at {where} for ever: nobody is left to end it"
    who = ", ".join(dict.fromkeys(entry.thread for entry in causes))
    verb = "waits" if len(causes) == 1 else "wait"
    return f"{who} {verb} for ever at {where}: nobody is left who could {_rescue(first)}"


def _rescue(entry: Waiting) -> str:
    if entry.kind == "join" and entry.object.startswith("Queue"):
        return f"call task_done() of {entry.object} as often as needed"
    if entry.holder:
        return f"release {entry.object} ({entry.holder} ended without releasing it)"
    return {
        "wake": f"notify {entry.object}",
        "wait": f"set {entry.object}",
        "get": f"put something into {entry.object}",
        "put": f"take something out of {entry.object}",
        "acquire": f"release {entry.object}",
        "result": "complete the future",
        "idle": "wake the event loop",
    }.get(entry.kind, f"end its wait for {entry.object}")


def _newest_acquisitions(told: list[Told], causes: set[ThreadId]) -> list[Told]:
    """Of each stuck thread, from its outermost acquisition that is still held on."""
    return [one for one in told if one.thread.tid in causes]


def _from_first_overlap(told: list[Told], read: Told) -> list[Told]:
    """Leave out what the threads had finished with before the fault began."""
    start = next((i for i, one in enumerate(told) if one.index == read.index), 0)
    # The reads just before belong to the same decision (check, then compute).
    while start > 0 and told[start - 1].thread is read.thread and not told[start - 1].preempted:
        start -= 1
        if told[start].place.function != read.place.function:
            start += 1
            break
    others = [one for one in told[:start] if one.thread is not read.thread]
    first_other = next((one for one in others if one.preempted), None)
    if first_other is not None:
        start = min(start, told.index(first_other))
    return told[start:]


def _places(told: Iterable[Told]) -> list[Place]:
    return [relative(place) for place in dict.fromkeys(one.place for one in told) if place.line]


def _line(told: Told) -> str:
    return f"line {told.place.line}"


def _switches(told: Sequence[Told]) -> int:
    return max(0, len(blocks_of([one.thread.tid for one in told])) - 1)
