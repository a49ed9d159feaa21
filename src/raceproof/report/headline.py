"""A finding in a few lines of plain text, for readers that cannot show an interleaving."""

from __future__ import annotations

from raceproof.judge.findings import Finding
from raceproof.report.wording import builds, has_builds


def rule_of(finding: Finding) -> str:
    """The code of a mistake; of one without a code, its kind."""
    return finding.code or finding.kind


def headline(finding: Finding) -> str:
    """What goes wrong, why, how to mend it and how to see it again, a paragraph a line."""
    parts = [finding.message, finding.because]
    if finding.advice.text:
        parts.append(f"Mend: {finding.advice.text}")
    if has_builds(finding):
        parts.append(f"Builds: {builds(finding)}")
    if replay_of(finding):
        parts.append(f"Replay: {replay_of(finding)}")
    return "\n".join(part for part in parts if part)


def replay_of(finding: Finding) -> str:
    """What to type to see it again; "" if it cannot be."""
    return finding.command or (f"raceproof replay {finding.replay}" if finding.replay else "")
