"""The headline of a report: what was found, and how much of what there is was explored."""

from __future__ import annotations

from typing import Final

from raceproof.judge.findings import Result
from raceproof.report.numbers import counted, estimate, is_known, percentage, seconds

_RACES: Final = frozenset(
    {
        "lost-update",
        "check-then-act",
        "iterate-while-mutate",
        "race",
        "order-violation",
        "lazy-init",
    }
)
_DEADLOCKS: Final = frozenset({"deadlock", "self-deadlock"})
_HANGS: Final = frozenset({"lost-wakeup", "waits-forever", "barrier-starved", "livelock"})


def verdict_word(result: Result) -> tuple[str, str]:
    """The verdict, and the style to print it in."""
    if not result.findings:
        return ("ok", "ok") if result.complete else ("no race so far", "unsure")
    kind = result.findings[0].kind
    name = result.findings[0].name or kind.replace("-", " ")
    if kind in _RACES:
        word = "RACE FOUND"
    elif kind in _DEADLOCKS:
        word = "DEADLOCK FOUND"
    elif kind in _HANGS:
        word = "PROGRAM HANGS"
    elif kind == "failure":
        word = "PROGRAM FAILS"
        if result.findings[0].code in ("", "RP402"):
            name = "in every order: no race"
    else:
        word = "FAULT FOUND"
    more = len(result.findings) - 1
    if name not in word.lower():
        word += f" ({name})"
    return (f"{word} and {counted(more, 'more finding')}" if more else word), "bad"


def extent_of(result: Result) -> str:
    """How much of what there is to explore was explored."""
    run = result.interleavings
    if result.complete:
        race = "" if result.findings else ", no race"
        return (
            f"complete: {run:,} of {counted(run, 'interleaving')}{race}, {seconds(result.seconds)}"
        )
    if is_known(run, result.estimated):
        share = percentage(run, result.estimated)
        part = f", {share} of an estimated {estimate(result.estimated)}"
    else:
        part = " of an unknown number"
    stopped = f" (stopped: {_plain(result.cut)})" if result.cut else ""
    # "stopped: time, 10 s" says how long it took.
    took = "" if result.cut.startswith("time") else f", {seconds(result.seconds)}"
    return f"partial: {run:,} run{part}{stopped}{took}"


def _plain(cut: str) -> str:
    """`time (10 s)` as `time, 10 s`, to stand in parentheses itself."""
    return cut.replace(" (", ", ").removesuffix(")") if cut.endswith(")") else cut
