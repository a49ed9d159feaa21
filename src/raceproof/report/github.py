"""A result as annotations of a GitHub workflow: one line for each finding, the worst first."""

from __future__ import annotations

import os
from typing import Final

from raceproof.judge.findings import Finding, Result
from raceproof.report.headline import headline

MOST: Final = 10
"""So many annotations of one level does GitHub show for a step."""


def to_github(result: Result) -> str:
    """`result` as workflow commands, without a line end."""
    lines = [_annotation(finding) for finding in result.findings[:MOST]]
    left = len(result.findings) - MOST
    if left > 0:
        lines.append(_command("warning", "raceproof", f"{left} more findings in {result.program}"))
    lines.append(_summary(result))
    return "\n".join(lines)


def _summary(result: Result) -> str:
    program, count = result.program, f"{result.interleavings:,}"
    if result.error:
        return _command("error", "raceproof", f"{program}: {result.error}")
    if not result.complete:
        text = f"{program}: partial: {count} interleavings run (stopped: {result.cut})"
        return _command("warning", "raceproof", text)
    text = f"{program}: complete: {count} of {count} interleavings"
    return _command("notice", "raceproof", text if result.findings else text + ", no race")


def _annotation(finding: Finding) -> str:
    name = finding.name or finding.kind
    title = f"raceproof: {name} ({finding.code})" if finding.code else f"raceproof: {name}"
    place = next((place for place in finding.where if place.line), None)
    if place is None:
        return _command("error", title, headline(finding))
    file = os.path.relpath(place.file).replace(os.sep, "/")
    return _command("error", title, headline(finding), file=file, line=str(place.line))


def _command(level: str, title: str, message: str, **properties: str) -> str:
    given = {**properties, "title": title}
    shown = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in given.items())
    return f"::{level} {shown}::{_escaped(message)}"


def _escaped(text: str, more: str = "") -> str:
    """The text with those characters encoded that would end it."""
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
