"""A result as SARIF 2.1.0, for code scanning and for editors.

A finding has one code flow with a thread flow for each thread; `executionOrder` says how their
steps interleave, which is what the format has these for.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", sections 3.36
(codeFlow) to 3.38 (threadFlowLocation).
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from raceproof.judge.codes import CODES
from raceproof.judge.findings import Finding, Place, Result, Step
from raceproof.report.headline import headline, replay_of, rule_of
from raceproof.report.wording import happening

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT: Final = "SRCROOT"
"""What relative paths are relative to: the directory that raceproof was run in."""


def to_sarif(result: Result, version: str) -> str:
    """`result` as a SARIF log in ASCII, without a line end; `version` is that of raceproof."""
    rules = {rule_of(finding): finding for finding in result.findings}
    run = {
        "tool": {
            "driver": {
                "name": "raceproof",
                "version": version,
                "rules": [_rule(rule, finding) for rule, finding in rules.items()],
            }
        },
        "invocations": [_invocation(result)],
        "results": [_result(finding, list(rules)) for finding in result.findings],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {
            ROOT: {"description": {"text": "the directory in which raceproof was run"}}
        },
        "properties": {
            "verdict": result.verdict,
            "complete": result.complete,
            "interleavings": result.interleavings,
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, allow_nan=False)


def _rule(rule: str, finding: Finding) -> dict[str, Any]:
    name = finding.name or finding.kind
    return {
        "id": rule,
        "name": "".join(part.capitalize() for part in finding.kind.split("-")),
        "shortDescription": {"text": name},
        "fullDescription": {"text": _description(rule, name)},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["concurrency", finding.kind]},
    }


def _description(rule: str, name: str) -> str:
    code = CODES.get(rule)
    if code is None:
        return f"{name}."
    summary = code.summary[0].upper() + code.summary[1:]
    return f"{summary}. `raceproof explain {rule}` says more."


def _invocation(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = {"executionSuccessful": result.verdict != "error"}
    told = [("error", result.error)] if result.error else []
    told += [("note", note) for note in result.notes]
    if told:
        found["toolExecutionNotifications"] = [
            {"level": level, "message": {"text": text}} for level, text in told
        ]
    return found


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    rule = rule_of(finding)
    found: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": "error",
        "message": {"text": headline(finding)},
        "partialFingerprints": {"raceproof/v1": _fingerprint(finding)},
    }
    places = [place for place in finding.where if place.line]
    if places:
        found["locations"] = [_location(places[0])]
    if places[1:]:
        found["relatedLocations"] = [
            {"id": number, **_location(place)} for number, place in enumerate(places[1:], 1)
        ]
    flows = _thread_flows(finding)
    if flows:
        found["codeFlows"] = [{"threadFlows": flows}]
    replay = replay_of(finding)
    found["properties"] = {"gil": finding.gil} | ({"replay": replay} if replay else {})
    return found


def _fingerprint(finding: Finding) -> str:
    """What stays the same when lines move: the kind, the functions and the objects."""
    parts = [rule_of(finding), finding.kind, *finding.objects]
    parts += [f"{_uri(place.file)}:{place.function}" for place in finding.where]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _thread_flows(finding: Finding) -> list[dict[str, Any]]:
    by_thread: dict[str, list[dict[str, Any]]] = {}
    for order, step in enumerate(finding.steps, 1):
        if step.place.line:
            by_thread.setdefault(step.thread, []).append(_step(step, order))
    return [
        {"id": thread, "message": {"text": thread}, "locations": locations}
        for thread, locations in by_thread.items()
    ]


def _step(step: Step, order: int) -> dict[str, Any]:
    text = f"{step.thread} {happening(step, '->')}"
    if step.preempted:
        text += " (the processor is taken away after this)"
    found: dict[str, Any] = {
        "executionOrder": order,
        "location": {**_location(step.place), "message": {"text": text}},
        "importance": "essential" if step.key else "important",
    }
    if step.value and step.object and not step.type:
        found["state"] = {step.object: {"text": step.value}}
    if step.kind in ("acquire", "release") and not (step.blocks or step.expired):
        found["kinds"] = [step.kind, "lock"]
    return found


def _location(place: Place) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": max(place.line, 1)}
    if place.text:
        region["snippet"] = {"text": place.text}
    artifact = {"uri": _uri(place.file)}
    if not artifact["uri"].startswith("file:"):
        artifact["uriBaseId"] = ROOT
    found: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": artifact, "region": region},
    }
    if place.function:
        found["logicalLocations"] = [{"fullyQualifiedName": place.function, "kind": "function"}]
    return found


def _uri(file: str) -> str:
    """The path of a file as a URI, relative to the current directory where it lies in there."""
    relative = os.path.relpath(file)
    if relative.startswith(os.pardir + os.sep):
        return Path(file).absolute().as_uri()
    return quote(relative.replace(os.sep, "/"))
