"""In what two executions differ that ought to be the same, in words.

Raceproof runs a program many times and compares; a program that does something else in the same
order of its threads cannot be judged by that, and its user has to know where it begins to differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from raceproof.events import Operation, Site
from raceproof.judge.findings import Result
from raceproof.judge.narrate import display, main_location
from raceproof.judge.outcomes import Outcome
from raceproof.world.execution import Departure

NOT_DETERMINISTIC: Final = "not deterministic"
"""`Result.cut` of a search that met such a difference."""
LIKELY: Final = (
    "Usual reasons: a module that is not watched keeps state from one execution to the next "
    "(--include NAME watches it); object addresses, or the order of a set of objects; the real "
    "time, or chance that comes from C; a database or another process"
)
HIDDEN: Final = (
    "Run twice in the same order the program does the same, so its threads must influence each "
    "other through something that is not seen: a module that is not watched (--include NAME "
    "watches it), or the import of one"
)
UNSEEN: Final = "threads that influence each other unseen"
"""`Result.cut` of a search that missed something because of that."""
LONGEST: Final = 70


def doubt(result: Result, note: str = "") -> None:
    """The program behaves differently from run to run, so that nothing is certain."""
    result.cut = result.cut or NOT_DETERMINISTIC
    result.complete = False
    if note:
        result.notes.append(f"{NOT_DETERMINISTIC}: {note}")


def in_results(one: Outcome, other: Outcome) -> str:
    """What two outcomes differ in, the first thing that does; "" if they are equal."""
    if one == other:
        return ""
    if one.exit != other.exit:
        return f"it ended with {_quoted(one.exit)}, and with {_quoted(other.exit)} the second time"
    for what, mine, others in (
        ("a thread died of", one.errors, other.errors),
        ("a future was left with", one.unread, other.unread),
        ("it printed", one.lines, other.lines),
        ("it returned", (one.value,), (other.value,)),
        ("it was not always so:", one.broken, other.broken),
    ):
        if mine != others:
            return f"{what} {_only(mine, others)}, and {_only(others, mine)} the second time"
    raise AssertionError


def in_events(departure: Departure, sites: Sequence[Site]) -> str:
    """What an execution did instead of repeating an earlier one."""
    who = departure.thread or "a thread that is not there this time"
    found, expected = departure.found, departure.expected
    now = f"{who} is over"
    if found is not None:
        now = f"{who} is about to do {_told(found, sites, departure.place)}"
    if expected is None:
        return f"at step {departure.step}, {now}, unlike before"
    before = _told(expected, sites)
    if not departure.thread:
        return f"at step {departure.step}, nobody does {before}, as was done before"
    if found is not None and before == _told(found, sites):
        other = "object" if _owner(found) != _owner(expected) else "part of it"
        return f"at step {departure.step}, {who} does {before}, but of another {other}"
    return f"at step {departure.step}, where {who} did {before}, {now}"


def _owner(operation: Operation) -> object:
    return operation.accesses[0][0].owner.name


def in_length(events: int, operation: Operation, sites: Sequence[Site]) -> str:
    """What came after the last of so many events in only one of two executions."""
    return f"after {events} steps, only one of them went on, with {_told(operation, sites)}"


def _told(operation: Operation, sites: Sequence[Site], place: str = "") -> str:
    """`read S.n (program.py:3: s.n += 1)`"""
    what = f"{operation.kind} {main_location(operation).label}".strip()
    if operation.site:
        site = sites[operation.site]
        return f"`{what}` ({display(site.file)}:{site.line}: {_shortened(site.text)})"
    if place:
        file, _, rest = place.rpartition("/")
        return f"`{what}` ({rest if file else place})"
    return f"`{what}`"


def _only(mine: Sequence[str], others: Sequence[str]) -> str:
    surplus = list((Counter(mine) - Counter(others)).elements())
    return _quoted(surplus[0]) if surplus else "nothing of the kind"


def _quoted(text: str) -> str:
    return repr(_shortened(text))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
