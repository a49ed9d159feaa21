"""From a mistake and the evidence for it to the finding that a report shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from raceproof.judge.codes import CODES
from raceproof.judge.data_races import is_data_race
from raceproof.judge.evidence import Evidence
from raceproof.judge.findings import Access, DataRace, DecidingPair, Finding, Place, Step, Waiting
from raceproof.judge.mistakes import Mistake, recognise
from raceproof.judge.mistakes.deciding import decide
from raceproof.judge.mistakes.standstills import called, stands_at, waited_on
from raceproof.judge.narrate import Told
from raceproof.judge.outcomes import describe
from raceproof.judge.race_log import Sighting
from raceproof.judge.steps import chosen, folded, relative, switches, whole
from raceproof.world.execution import Blocked


def explain(evidence: Evidence) -> Finding:
    """The finding that the evidence amounts to."""
    decide(evidence)
    mistake = recognise(evidence)
    told = chosen(evidence, mistake)
    steps = folded(evidence, told, {step.index for step in mistake.keys})
    waiting: list[Waiting] = []
    causes: list[Waiting] = []
    if evidence.stuck is not None:
        for blocked in [*evidence.stuck.causes, *evidence.stuck.followers]:
            waiting.append(_waiting(evidence, blocked))
        causes = waiting[: len(evidence.stuck.causes)]
        _mark_last_stops(steps, causes)
    code = CODES[mistake.code]
    where = [] if mistake.where is None else [mistake.where]
    where += [step.place for step in sorted(mistake.keys, key=lambda step: step.index)]
    where += [entry.place for entry in causes]
    if not where:
        where = [crash.place for crash in evidence.crashes] or [t.place for t in told[-1:]]
    return Finding(
        kind=mistake.kind or evidence.kind,
        message=mistake.message,
        code=code.number,
        name=code.name,
        where=_places(where),
        objects=list(dict.fromkeys(evidence.what(place) for place in mistake.places[:4])),
        threads=list(dict.fromkeys(step.thread for step in steps)),
        switches=switches(told),
        steps=steps,
        whole=whole(evidence, steps),
        hidden=max(0, len(evidence.story) - sum(1 for t in told if t in evidence.story)),
        waiting=waiting,
        because=_because(evidence, mistake),
        pair=_pair(evidence),
        advice=mistake.advice,
    )


def _mark_last_stops(steps: list[Step], causes: list[Waiting]) -> None:
    """The places where the threads to blame stand for ever are what decides."""
    for step in steps[-len(causes) :]:
        step.key = step.key or step.blocks


def _waiting(evidence: Evidence, blocked: Blocked) -> Waiting:
    stuck = evidence.stuck
    assert stuck is not None
    thread = blocked.thread
    location = waited_on(blocked)
    entry = Waiting(
        evidence.name(thread.tid), blocked.operation.kind, "",
        relative(stands_at(evidence, blocked)),
    )  # fmt: skip
    holder = stuck.holders.get(thread.tid)
    if blocked.operation.kind == "join" and location.owner.label == "thread":
        entry.object = evidence.name(holder.tid) if holder is not None else "a thread"
    else:
        entry.object = called(evidence, location)
        if holder is not None:
            entry.holder = evidence.name(holder.tid)
            taken = evidence.narrator.taken.get(location)
            entry.taken = None if taken is None else relative(taken[1])
    return entry


# -- the two steps whose order decides -------------------------------------------------------------


def _pair(evidence: Evidence) -> DecidingPair | None:
    decision = evidence.decision
    if decision is None:
        return None
    first = evidence.step(decision.first)
    second = evidence.second_step() or _announced(evidence)
    if second is None:
        return None
    return DecidingPair(
        _access(evidence, first),
        _access(evidence, second),
        not second.stopped
        and is_data_race(
            evidence.execution.threads, evidence.execution.operations, first.index, second.index
        ),
        describe(decision.passing, 0, True),
    )


def _announced(evidence: Evidence) -> Told | None:
    """The step of the decision that never took place: where its thread stands and waits."""
    assert evidence.decision is not None
    for told in reversed(evidence.narrator.stops):
        if told.thread.tid == evidence.decision.thread:
            return told
    return None


def data_race(evidence: Evidence, sighting: Sighting) -> DataRace | None:
    """A data race that makes no difference, from an execution that shows it."""
    if not evidence.has(sighting.first, sighting.second):
        return None
    return DataRace(
        evidence.what(sighting.location),
        _access(evidence, evidence.step(sighting.first)),
        _access(evidence, evidence.step(sighting.second)),
        sighting.both_ways,
    )


def _access(evidence: Evidence, told: Told) -> Access:
    return Access(
        evidence.who(told),
        told.operation.kind,
        evidence.what(told.location),
        relative(told.place),
        tuple(evidence.what(lock) for lock in told.locks),
        told.value,
        told.old,
    )


def _because(evidence: Evidence, mistake: Mistake) -> str:
    """Why it fails, in terms of the order."""
    sentences = []
    if mistake.span is not None:
        sentences.append(_came_between(evidence, mistake, *mistake.span))
    sentences.append(_the_other_way(evidence, mistake, bool(sentences)))
    return " ".join(filter(None, sentences))


def _came_between(evidence: Evidence, mistake: Mistake, first: Told, last: Told) -> str:
    others = [t for t in mistake.keys if t.thread is not first.thread]
    others = [t for t in others if first.index < t.index < last.index] or others
    who = evidence.who(others[-1])
    lines = sorted({t.place.line for t in others})
    came = _lines(lines) if len(lines) < 3 else f"lines {lines[0]} to {lines[-1]}"
    if first.place == last.place:
        both = "the read and the write"
        if not last.changes:
            same = first.operation.kind == last.operation.kind
            both = "the two reads" if same else "the two steps"
        if first.operation.kind == "iterate":
            both = "two steps of the loop"
        stretch = f"{both} in line {first.place.line}"
    else:
        stretch = f"lines {first.place.line} and {last.place.line}"
    return f"It fails because {came} of {who} came between {stretch} of {evidence.who(first)}."


def _lines(lines: Sequence[int]) -> str:
    if len(lines) == 1:
        return f"line {lines[0]}"
    return f"lines {' and '.join(map(str, lines))}"


def _the_other_way(evidence: Evidence, mistake: Mistake, continued: bool) -> str:
    """What a reversal of the deciding pair gives, or that none mends it."""
    decision = evidence.decision
    if decision is None:
        if evidence.inescapable:
            return (
                ""
                if mistake.code == "RP402"
                else "It happens in every order of the threads that was run."
            )
        if evidence.untried or not evidence.tried:
            return ""
        tried = f" ({evidence.tried} tried)" if evidence.tried > 1 else ""
        return f"No reversal of a single pair of its steps makes the program pass{tried}."
    first, second = evidence.step(decision.first), evidence.second_step() or _announced(evidence)
    if second is None:
        return ""
    good = "the program passes"
    if decision.passing.failures:
        good = "nothing is left but the exception that every order gives"
    elif evidence.stuck is not None:
        good = "nobody is left waiting"
    elif decision.passing.unread:
        good = "the result is one that serial orders give"
    one, other = _step_text(evidence, first, second), _step_text(evidence, second, first)
    if continued:
        return f"With {other} before {one}, {good}."
    return f"It fails because {one} came before {other}. The other way round, {good}."


def _step_text(evidence: Evidence, told: Told, other: Told) -> str:
    """`line 12 of withdraw(700)`, and what it does if the line alone does not say."""
    who = evidence.who(told)
    if not told.place.line:
        return f"what {who} did then"
    text = f"{evidence.line(told.place)} of {who}"
    if told.place == other.place and told.changes != other.changes:
        return f"the {'write' if told.changes else 'read'} in {text}"
    return text


def _places(places: Iterable[Place]) -> list[Place]:
    return [relative(place) for place in dict.fromkeys(places) if place.line]
