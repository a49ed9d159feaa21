"""Of all that happened, the steps that a person has to see.

Those are the steps on the places that the mistake is about, with the locks that were held there and
the waits for them.  What lies between is counted; of a loop that goes round many times, the last
round before something happens is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from raceproof.events import Location, WholeObject
from raceproof.judge.evidence import Evidence
from raceproof.judge.findings import Fold, Place, Step
from raceproof.judge.mistakes.mistake import Mistake
from raceproof.judge.narrate import Told, display

MAX_STEPS = 24
"""Steps that are shown at the most."""
LAST_STEPS = 12
"""Steps shown when it is not known which decide, and there are more."""
AROUND = 3
"""Steps shown before and after each that decides, when there are more."""
MAX_WHOLE = 2_000
"""Steps that are kept for reports that show everything."""
HOUSEKEEPING = frozenset(
    {
        "start",
        "begin",
        "finish",
        "join",
        "is_alive",
        "sleep",
        "yield",
        "spin",
        "retry",
        "look again",
    }
)


def chosen(evidence: Evidence, mistake: Mistake) -> list[Told]:
    """The steps to show, in order, with those at which a thread had to wait."""
    keys = sorted(mistake.keys, key=lambda told: told.index)
    places = _concerned(evidence, mistake)
    locks = {lock for told in keys for lock in told.locks}
    end = keys[-1].index if keys and evidence.stuck is None else len(evidence.story)
    found = []
    for told in evidence.story:
        if told.index > end or told.operation.kind in HOUSEKEEPING:
            continue
        if mistake.threads and told.thread.tid not in mistake.threads:
            continue
        about = not places.isdisjoint(told.operation.locations)
        if about or not locks.isdisjoint(told.operation.locations):
            found.append(told)
    found += [told for told in [*keys, *_crashing(evidence, mistake)] if told not in found]
    indices = {told.index for told in keys}
    shown = _without_repetitions(sorted(found, key=_position), indices)
    shown += _stops(evidence, places | locks, shown, end)
    return [
        *_the_telling(sorted(shown, key=_position), indices),
        *(told for told in evidence.narrator.standstill if _is_cause(evidence, told)),
    ]


def _crashing(evidence: Evidence, mistake: Mistake) -> list[Told]:
    """The steps on the lines at which threads that are shown were ended by exceptions."""
    return [
        crash.step
        for crash in evidence.crashes
        if crash.step is not None
        and crash.step.place == crash.place
        and (not mistake.threads or crash.thread in mistake.threads)
    ]


def _position(told: Told) -> tuple[int, bool]:
    return told.index, not told.stopped


def _is_cause(evidence: Evidence, told: Told) -> bool:
    stuck = evidence.stuck
    return stuck is not None and any(b.thread is told.thread for b in stuck.causes)


def _concerned(evidence: Evidence, mistake: Mistake) -> set[Location]:
    """The places of a mistake; of a container also what says how much there is in it."""
    places = set(mistake.places)
    for location in mistake.places:
        places |= {
            other
            for other in location.owner.fields.values()
            if isinstance(other.field, WholeObject)
        }
    return places


def _stops(
    evidence: Evidence, places: set[Location], shown: Sequence[Told], end: int
) -> list[Told]:
    """Where threads had to wait for a step that is shown."""
    steps = {(told.thread.tid, told.index) for told in shown}
    found = []
    for told in evidence.narrator.stops:
        if told.index > end or places.isdisjoint(told.operation.locations):
            continue
        ended = next((t for t in evidence.story[told.index :] if t.thread is told.thread), None)
        if ended is not None and (told.thread.tid, ended.index) in steps:
            found.append(told)
    return found


def _without_repetitions(told: list[Told], keys: set[int]) -> list[Told]:
    """Of the rounds of a loop without anything in between, only the last."""
    kept: list[Told] = []
    block: list[Told] = []
    for one in [*told, None]:
        if block and (one is None or one.thread is not block[0].thread):
            kept += _last_round(block, keys)
            block = []
        if one is not None:
            block.append(one)
    return kept


def _last_round(block: list[Told], keys: set[int]) -> list[Told]:
    """The last of the steps that repeat each other; and those that decide, with the one before."""
    seen: set[tuple[object, ...]] = set()
    kept: list[Told] = []
    for position in range(len(block) - 1, -1, -1):
        one = block[position]
        what = (one.place, one.operation.kind, one.location)
        following = block[position + 1].index if position + 1 < len(block) else -1
        if one.index in keys or following in keys or what not in seen:
            kept.append(one)
        seen.add(what)
    return kept[::-1]


def _the_telling(told: Sequence[Told], keys: set[int]) -> list[Told]:
    """If there are too many steps to read: those around the ones that decide, or the last."""
    if len(told) <= MAX_STEPS:
        return list(told)
    positions = [i for i, one in enumerate(told) if one.index in keys and not one.stopped]
    if not positions:
        return list(told[-LAST_STEPS:])
    kept: set[int] = set()
    for position in positions:
        kept.update(range(position - AROUND, position + AROUND + 1))
    return [one for i, one in enumerate(told) if i in kept]


# -- as reports show them --------------------------------------------------------------------------


def folded(evidence: Evidence, told: Sequence[Told], keys: set[int]) -> list[Step]:
    """The steps for a report, each with what was left out before it."""
    steps: list[Step] = []
    at = 0
    shown = {one.index for one in told if not one.stopped}
    for one in told:
        step = step_of(evidence, one, one.index in keys and not one.stopped)
        step.folds = _folds(evidence, range(at, one.index), shown)
        at = max(at, one.index)
        steps.append(step)
    steps = _with_exceptions(evidence, steps)
    for number, step in enumerate(steps, 1):
        step.number = number
    return steps


def _folds(evidence: Evidence, indices: range, shown: set[int]) -> tuple[Fold, ...]:
    folds: list[Fold] = []
    for index in indices:
        if not evidence.has(index):
            continue  # there was no stack left to tell of it
        told = evidence.step(index)
        if index in shown or told.operation.kind in HOUSEKEEPING or not told.place.line:
            continue  # (a step without a line is the library's own, in a pool say)
        name = evidence.who(told)
        if folds and folds[-1].thread == name and not folds[-1].preempted:
            folds[-1] = Fold(name, folds[-1].steps + 1, told.preempted)
        else:
            folds.append(Fold(name, 1, told.preempted))
    return tuple(folds)


def _with_exceptions(evidence: Evidence, steps: list[Step]) -> list[Step]:
    """The ends of the threads that are shown, where an exception ended them."""
    found = list(steps)
    for crash in evidence.crashes:
        if crash.thread is None or crash.step is None:
            continue
        name, index = evidence.name(crash.thread), crash.step.index
        if any(step.thread == name for step in found):
            # What the thread does afterwards (leaving a `with`, say) comes of the exception.
            at = sum(1 for step in found if step.index <= index and not step.blocks)
            end = Step(0, name, "raise", crash.text, relative(crash.place), index=index + 1)
            found.insert(at, end)
    return found


def whole(evidence: Evidence, shown: Sequence[Step]) -> list[Step]:
    """All the steps of the interleaving, those that are shown with their numbers."""
    numbers = {step.index: step for step in shown if not step.blocks and step.kind != "raise"}
    return [
        numbers.get(told.index) or step_of(evidence, told, False)
        for told in evidence.story[:MAX_WHOLE]
    ]


def step_of(evidence: Evidence, told: Told, key: bool) -> Step:
    """A step as reports show it, without a number."""
    return Step(
        number=0,
        thread=evidence.who(told),
        kind=told.operation.kind,
        object=_object(evidence, told),
        place=relative(told.place),
        value=told.value,
        old=told.old,
        preempted=told.preempted,
        blocks=told.stopped,
        key=key,
        index=told.index,
        held=tuple(evidence.what(lock) for lock in (*told.locks, *told.permits)),
        missing=told.missing,
        expired=told.expired,
        type="" if told.operation.data else told.location.owner.label or "loop",
        holder="" if told.holder is None else evidence.who_is(told.holder),
        taken=None if told.taken is None else relative(told.taken),
    )


def _object(evidence: Evidence, told: Told) -> str:
    location = told.location
    if location.owner.label == "thread":
        for thread in evidence.execution.everyone:
            if thread.location is location:
                return evidence.who_is(thread)
    return evidence.thing(told)


def relative(place: Place) -> Place:
    """The same place, with the file as the user would name it."""
    if not place.file:
        return place
    return Place(display(place.file), place.line, place.function, place.text)


def switches(told: Iterable[Told]) -> int:
    """How often the thread changes from one step to the next."""
    threads = [one.thread.tid for one in told]
    return sum(1 for one, other in pairwise(threads) if one != other)
