"""What a step did, in words: `reads balance: 1000`, `waits for lock, held by main since line 9`.

All reports say it in the same words.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from raceproof.judge.findings import Access, DataRace, Finding, Fold, Place, Step


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened in a step."""

    what: str
    """`reads balance:`"""
    value: str = ""
    """`1000`, `1000 → 300`; never cut if something must be."""

    def __str__(self) -> str:
        return f"{self.what} {self.value}".rstrip()


_PRIMITIVES: Final = {
    ("acquire", "Semaphore"): "enters {}",
    ("release", "Semaphore"): "leaves {}",
    ("wait", "Condition"): "waits on {}, lock released",
    ("wait", "Event"): "sees {} set",
    ("join", "thread"): "sees the end of {}",
    ("start", "thread"): "starts {}",
}
_VERBS: Final = {
    "acquire": "acquires {}",
    "reacquire": "acquires {} again",
    "failed acquire": "does not get {}",
    "release": "releases {}",
    "locked": "asks whether {} is held",
    "wake": "is woken by {}",
    "stop waiting": "stops waiting on {}",
    "notify": "notifies one on {}",
    "notify_all": "notifies all on {}",
    "set": "sets {}",
    "clear": "clears {}",
    "is_set": "asks whether {} is set",
    "put": "puts into {}",
    "get": "gets from {}",
    "failed put": "finds {} full",
    "failed get": "finds {} empty",
    "empty": "asks whether {} is empty",
    "full": "asks whether {} is full",
    "value": "asks for the value of {}",
    "task_done": "reports a task of {} done",
    "qsize": "asks for the size of {}",
    "arrive": "arrives at {}",
    "trip": "is the last at {}",
    "leave": "leaves {}",
    "result": "gets the result of {}",
    "submit": "submits to {}",
    "next": "takes the next of {}",
    "finish": "ends",
    "begin": "begins",
    "look again": "looks again",
    "retry": "looks again",
}
_FILES: Final = {
    "stat": "looks for {}", "lstat": "looks for {}", "access": "looks for {}",
    "listdir": "lists {}", "scandir": "lists {}",
    "open": "opens {}", "mkdir": "makes {}",
    "rmdir": "removes {}", "remove": "removes {}", "unlink": "removes {}",
    "rename": "moves {}", "replace": "moves {}",
    "link": "makes {}", "symlink": "makes {}",
    "truncate": "changes {}", "chmod": "changes {}", "utime": "changes {}",
}  # fmt: skip
"""What functions do to files, by their names."""
_WAITS: Final = {
    "wake": "waits to be notified on {}",
    "wait": "waits for {} to be set",
    "get": "waits for an item in {}",
    "put": "waits for room in {}",
    "join": "waits for the end of {}",
    "result": "waits for the result of {}",
    "spin": "goes round and round",
    "take": "waits for work",
    "acquire": "waits for {}",
}


def happening(step: Step, arrow: str, name: str = "") -> Happening:
    """What a step did; `name` is what to call its object (default: by its full name)."""
    what = name or step.object
    if step.blocks:
        return Happening(_waiting(step, what))
    if step.kind == "raise":
        return Happening(f"ends by {what}")
    if step.expired:
        return Happening(f"gives up waiting for {what}")
    if step.type:
        verb = _PRIMITIVES.get((step.kind, step.type)) or _VERBS.get(step.kind)
        return Happening(verb.format(what) if verb else f"{step.kind} {what}")
    return _data(step, what, arrow)


def _waiting(step: Step, what: str) -> str:
    text = _WAITS.get(step.kind, "waits for {}").format(what)
    if step.holder:
        text += f", held by {'itself' if step.holder == step.thread else step.holder}"
        if step.taken is not None and step.taken.line:
            text += f" since {line_of(step.taken, step.place)}"
    return text


def _data(step: Step, what: str, arrow: str) -> Happening:
    if step.missing:
        return Happening(f"finds no {what}")
    match step.kind:
        case "read" | "get":
            return _valued("reads", what, step.value)
        case "write":
            value = f"{step.old} {arrow} {step.value}" if step.old and step.value else step.value
            return _valued("writes", what, value)
        case "delete":
            if step.old and step.value:
                return Happening(f"deletes from {what}:", f"{step.old} {arrow} {step.value}")
            return Happening(f"deletes {what}")
        case "contains":
            negation = {"True": "finds", "False": "finds no"}.get(step.value, "looks for")
            return Happening(f"{negation} {what}")
        case "len":
            return _valued("counts", what, step.value)
        case "truth":
            return _valued("looks at", what, step.value)
        case "iterate":
            return _valued("iterates over", what, step.value)
        case "next" | "yield":
            return Happening(_VERBS.get(step.kind, "passes on an item of {}").format(what))
    function, _, file = step.kind.partition(" ")
    if file == "file" and function in _FILES:
        return Happening(_FILES[function].format(what))
    call = f"{what}.{step.kind}"
    if step.old and step.value:
        return Happening(f"{call}:", f"{step.old} {arrow} {step.value}")
    return Happening(f"{call}:", step.value) if step.value else Happening(call)


def _valued(verb: str, what: str, value: str) -> Happening:
    return Happening(f"{verb} {what}:", value) if value else Happening(f"{verb} {what}")


def data_race_sentence(race: DataRace) -> str:
    """`data race on x: f() reads it in line 3, g() writes it in line 7, nothing orders them`"""
    first, second = race.first, race.second
    one = f"{first.thread} {_verb(first)} it in line {first.place.line}"
    other = f"{second.thread} {_verb(second)} it in {line_of(second.place, first.place)}"
    return f"data race on {race.object}, {one} and {other}"


def _verb(access: Access) -> str:
    verbs = {"read": "reads", "write": "writes", "delete": "deletes", "iterate": "iterates over"}
    return verbs.get(access.kind, f"does {access.kind} on")


def has_builds(finding: Finding) -> bool:
    """Whether it matters on which builds of Python it can happen."""
    return bool(finding.code) and finding.kind != "failure"


def builds(finding: Finding) -> str:
    """On which builds of Python it can happen."""
    if finding.gil:
        return "the default ones, with a GIL, and free-threaded ones"
    if finding.gil is None:
        return "free-threaded ones; with a GIL, not seen in the time there was"
    return "free-threaded ones only; with a GIL, this Python does not switch there"


def line_of(place: Place, other: Place) -> str:
    """`line 12`, with the file if that is not the file of `other`."""
    if place.file == other.file:
        return f"line {place.line}"
    return f"{os.path.basename(place.file)}:{place.line}"


def folded(folds: Iterable[Fold]) -> list[tuple[str, int]]:
    """How many steps each thread took that are not shown."""
    counts: dict[str, int] = {}
    for fold in folds:
        counts[fold.thread] = counts.get(fold.thread, 0) + fold.steps
    return list(counts.items())


def short_names(steps: Iterable[Step]) -> dict[str, str]:
    """What to call the objects of some steps where there is little room.

    `BankAccount.balance` is `balance`, unless there is another `balance`.
    """
    names = dict.fromkeys(step.object for step in steps if step.kind != "raise")
    short = {name: _tail(name) for name in names}
    tails = list(short.values())
    return {name: tail if tails.count(tail) == 1 else name for name, tail in short.items()}


def _tail(name: str) -> str:
    owner, dot, attribute = name.rpartition(".")
    plain = dot and attribute.partition(" #")[0].isidentifier()
    return attribute if plain and not set(owner) & set("'\"([") else name
