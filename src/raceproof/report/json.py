"""A result as JSON, for programs that read reports.

The format has a version: fields may be added to it, but never renamed or taken away.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

from raceproof.judge.findings import (
    Access,
    DataRace,
    DecidingPair,
    Finding,
    OutcomeCount,
    Place,
    Result,
    Step,
    Waiting,
)

VERSION: Final = 1


EXACT = 1e15
"""Above this, an estimate is a rough figure."""


def to_json(result: Result) -> str:
    """`result` in format version 1, in ASCII, without a line end."""
    # ASCII, because nobody knows the encoding of the pipe, nor whether the program under test
    # printed surrogates.
    return json.dumps(_result(result), indent=2, allow_nan=False)


def _result(result: Result) -> dict[str, Any]:
    return {
        "version": VERSION,
        "verdict": result.verdict,
        "complete": result.complete,
        "interleavings": result.interleavings,
        "estimated": _estimated(result),
        "seconds": round(result.seconds, 3),
        "python": result.python,
        "watched": list(result.watched),
        "unwatched": list(result.unwatched),
        "outcomes": [_outcome(outcome) for outcome in result.outcomes],
        "findings": [_finding(finding) for finding in result.findings],
        "changed": list(result.changed),
        "conditions": [
            {"label": condition.label, "held": condition.held, "reached": condition.reached}
            for condition in result.conditions
        ],
        "program": result.program,
        "threads": result.threads,
        "carrier": result.carrier,
        "notes": list(result.notes),
        "cut": result.cut,
        "error": result.error,
        "data_races": [_data_race(race) for race in result.data_races],
    }


def _estimated(result: Result) -> int | float | None:
    """The estimated number of interleavings; None if there is no telling."""
    if result.complete:
        return result.interleavings
    if not math.isfinite(result.estimated) or result.estimated <= 0:
        return None
    if result.estimated > EXACT:
        # As an integer it would look exact, and be too long for other readers of JSON.
        return float(f"{result.estimated:.2g}")
    return max(round(result.estimated), result.interleavings)


def _outcome(outcome: OutcomeCount) -> dict[str, Any]:
    return {
        "count": outcome.count,
        "serial": outcome.serial,
        "exit": outcome.exit,
        "lines": list(outcome.lines),
        "errors": list(outcome.errors),
        "value": outcome.value,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "message": finding.message,
        "where": [_place(place) for place in finding.where],
        "objects": list(finding.objects),
        "threads": list(finding.threads),
        "switches": finding.switches,
        "advice": {"primitive": finding.advice.primitive, "text": finding.advice.text},
        "replay": finding.replay,
        "command": finding.command,
        "because": finding.because,
        "steps": [_step(step) for step in finding.steps],
        "hidden": finding.hidden,
        "waiting": [_waiting(waiting) for waiting in finding.waiting],
        "outcome": None if finding.outcome is None else _outcome(finding.outcome),
        "expected": [_outcome(outcome) for outcome in finding.expected],
        "traceback": finding.traceback,
        "occurrences": finding.occurrences,
        "code": finding.code,
        "name": finding.name,
        "pair": None if finding.pair is None else _pair(finding.pair),
        "smallest": finding.smallest,
        "gil": finding.gil,
    }


def _pair(pair: DecidingPair) -> dict[str, Any]:
    return {
        "first": _access(pair.first),
        "second": _access(pair.second),
        "data_race": pair.data_race,
        "passing": None if pair.passing is None else _outcome(pair.passing),
    }


def _access(access: Access) -> dict[str, Any]:
    return {
        "thread": access.thread,
        "kind": access.kind,
        "object": access.object,
        "place": _place(access.place),
        "held": list(access.held),
        "value": access.value,
        "old": access.old,
    }


def _data_race(race: DataRace) -> dict[str, Any]:
    return {
        "object": race.object,
        "first": _access(race.first),
        "second": _access(race.second),
        "both_ways": race.both_ways,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "file": place.file,
        "line": place.line,
        "function": place.function,
        "text": place.text,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "thread": step.thread,
        "kind": step.kind,
        "object": step.object,
        "place": _place(step.place),
        "value": step.value,
        "old": step.old,
        "preempted": step.preempted,
        "blocks": step.blocks,
        "key": step.key,
        "index": step.index,
        "held": list(step.held),
        "missing": step.missing,
        "expired": step.expired,
        "type": step.type,
        "holder": step.holder,
        "taken": None if step.taken is None else _place(step.taken),
        "folds": [
            {"thread": fold.thread, "steps": fold.steps, "preempted": fold.preempted}
            for fold in step.folds
        ],
    }


def _waiting(waiting: Waiting) -> dict[str, Any]:
    return {
        "thread": waiting.thread,
        "kind": waiting.kind,
        "object": waiting.object,
        "place": _place(waiting.place),
        "holder": waiting.holder,
        "taken": None if waiting.taken is None else _place(waiting.taken),
    }
