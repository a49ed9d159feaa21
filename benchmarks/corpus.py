"""Programs whose verdicts are known, and whether raceproof's answer is the right one.

`index.json` lists the programs; `judge` compares a report with what is known.  Found means found
for the right reason: a program that hangs needs a standstill, one that fails an assertion needs
the failure, or the race together with an order in which the program does fail.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STANDSTILLS = frozenset(
    {"deadlock", "self-deadlock", "lost-wakeup", "waits-forever", "barrier-starved", "livelock"}
)
"""Kinds of finding in which nobody can go on."""

FOUND, SILENT = "found", "silent"
MISSED, FALSE_ALARM, BROKEN, NOT_RUN = "MISSED", "FALSE ALARM", "BROKEN", "not run"
WRONG = frozenset({MISSED, FALSE_ALARM, BROKEN})


class BadCorpus(Exception):
    """The directory is not a corpus; the message says what to do."""


@dataclass(frozen=True)
class Case:
    """A program, with the packages and the Python that its verdict holds for."""

    directory: Path
    file: str
    expected: str
    """"bug" or "ok"."""
    symptom: str | None
    """"assertion" or "deadlock": how the bug shows."""
    pins: tuple[str, ...]
    """Requirements to install, such as `loguru==0.7.2`."""
    python: str | None
    """Version of the interpreter; its minor version matters.  None: any."""
    watch: tuple[str, ...]
    """Packages and modules to be watched."""

    @property
    def path(self) -> Path:
        """The program."""
        return self.directory / self.file

    @property
    def minor(self) -> str | None:
        """`3.12` of `3.12.1`."""
        return None if self.python is None else ".".join(self.python.split(".")[:2])

    @property
    def label(self) -> str:
        """How tables call it: the file, and what tells it from others with the same file."""
        return " ".join([self.file.removesuffix(".py"), *self.pins[: 1 if self.watch else 0]])


@dataclass(frozen=True)
class Answer:
    """What came of a case."""

    verdict: str
    """One of the constants above."""
    detail: str
    """What was found, or why it is wrong or was not run."""


def read_index(directory: Path) -> list[Case]:
    """The cases of a directory.  Raises `BadCorpus`."""
    index = directory / "index.json"
    try:
        entries = json.loads(index.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadCorpus(
            f"{index} does not exist: give a directory of cases, which has an index.json"
        ) from None
    except (OSError, ValueError) as error:
        raise BadCorpus(f"{index} cannot be read: {error}") from None
    if not isinstance(entries, list):
        raise BadCorpus(f"{index} is not a list of cases")
    return [_case(directory, index, number, entry) for number, entry in enumerate(entries)]


def _case(directory: Path, index: Path, number: int, entry: Any) -> Case:
    where = f"{index}, entry {number}"
    if not isinstance(entry, dict):
        raise BadCorpus(f"{where}: not an object")
    file = entry.get("file")
    if not isinstance(file, str):
        raise BadCorpus(f"{where}: `file` is missing")
    where = f"{where} ({file})"
    if entry.get("expected") not in ("bug", "ok"):
        raise BadCorpus(f'{where}: `expected` must be "bug" or "ok"')
    texts: dict[str, str | None] = {}
    for key in ("symptom", "python"):
        texts[key] = entry.get(key)
        if not isinstance(texts[key], str | None):
            raise BadCorpus(f"{where}: `{key}` must be a text or null")
    lists: dict[str, tuple[str, ...]] = {}
    for key in ("pins", "watch"):
        given = entry.get(key, [])
        if not isinstance(given, list) or not all(isinstance(part, str) for part in given):
            raise BadCorpus(f"{where}: `{key}` must be a list of texts")
        lists[key] = tuple(given)
    return Case(
        directory, file, entry["expected"], texts["symptom"], lists["pins"], texts["python"],
        lists["watch"],
    )  # fmt: skip


def judge(case: Case, report: dict[str, Any]) -> Answer:
    """Whether `report`, raceproof's JSON, gives the known verdict."""
    if report["verdict"] == "error":
        return Answer(BROKEN, report["error"])
    findings = report["findings"]
    kinds = ", ".join(dict.fromkeys(finding["kind"] for finding in findings))
    if case.expected == "ok":
        return Answer(FALSE_ALARM, kinds) if findings else Answer(SILENT, how_complete(report))
    if any(fits(case.symptom, finding, report) for finding in findings):
        return Answer(FOUND, kinds)
    if findings:
        return Answer(MISSED, f"found only {kinds}, but it shows as {case.symptom}")
    return Answer(MISSED, how_complete(report))


def how_complete(report: dict[str, Any]) -> str:
    """How much of the program was seen, for those that nothing was found in."""
    seen = f"{report['interleavings']:,}"
    return f"complete: {seen}" if report["complete"] else f"partial: {seen} ({report['cut']})"


def fits(symptom: str | None, finding: dict[str, Any], report: dict[str, Any]) -> bool:
    """Whether a finding is the bug that shows by `symptom`."""
    standstill = finding["kind"] in STANDSTILLS
    if symptom == "deadlock":
        return standstill
    if symptom == "assertion":
        own = finding["outcome"]
        outcomes = report["outcomes"] if own is None else [own, *report["outcomes"]]
        return not standstill and any(map(fails, outcomes))
    return True


def fails(outcome: dict[str, Any]) -> bool:
    """Whether an exception came out of the program or out of one of its threads."""
    return outcome["exit"] not in ("ok", *STANDSTILLS) or bool(outcome["errors"])
