"""A result for a person at a terminal: the verdict first, the evidence after it.

Everything is measured for the width of the console and spelled with the signs that its encoding
has; without a terminal the same text comes out plain.
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

from raceproof.judge.findings import Finding, Place, Result, Waiting
from raceproof.report.columns import Line, draw, home_file
from raceproof.report.layout import cells, clean, clip, glyphs_for, wrap
from raceproof.report.numbers import counted
from raceproof.report.outcome_rows import common_rows, outcome_rows, without
from raceproof.report.verdict import extent_of, verdict_word
from raceproof.report.wording import builds, data_race_sentence, has_builds

FULL_FINDINGS: Final = 5
"""So many findings are shown in full."""
SHOWN_OUTCOMES: Final = 8
SHOWN_LINES: Final = 6
SHOWN_TRACEBACK: Final = 12
SHOWN_NAMES: Final = 8
SHOWN_RACES: Final = 3

STYLES: Final = {
    "ok": "bold green",
    "bad": "bold red",
    "unsure": "bold yellow",
    "title": "bold",
    "thread": "bold cyan",
    "number": "dim",
    "source": "",
    "key": "bold",
    "event": "dim",
    "blocked": "yellow",
    "preempted": "magenta",
    "frame": "dim",
    "hidden": "dim italic",
    "advice": "green",
    "quiet": "dim",
}

_WAITS: Final = {
    "join": "waits for the end of",
    "result": "waits for the result of",
    "get": "waits for an item in",
    "put": "waits for room in",
    "wake": "waits for a notification on",
}


class _ReportConsole(Console):
    """Leaves it to the command line what to do when nobody reads the report."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def report_console(stream: TextIO | None = None) -> Console:
    """The console on which reports are printed."""
    return _ReportConsole(file=stream, highlight=False, markup=False, emoji=False)


def print_result(
    result: Result, console: Console, verbose: bool = False, *, quiet: bool = False
) -> None:
    """Print all there is to say; with `quiet` a line for the verdict and one for each finding."""
    _Report(result, console, verbose).print(quiet)


class _Report:
    def __init__(self, result: Result, console: Console, verbose: bool) -> None:
        self.result = result
        self.console = console
        self.verbose = verbose
        self.width = max(console.width, 20)
        self.encoding = console.encoding
        self.glyphs = glyphs_for(self.encoding)

    def print(self, quiet: bool) -> None:
        result = self.result
        self._verdict()
        if quiet:
            for finding in result.findings:
                self._finding_line(finding)
            return
        if result.outcomes:
            self._outcomes()
        full = len(result.findings) if self.verbose else FULL_FINDINGS
        for finding in result.findings[:full]:
            self._finding(finding)
        if result.findings[full:]:
            self._line()
            self._line(f"{counted(len(result.findings[full:]), 'more finding')}:", "title")
            for finding in result.findings[full:]:
                self._finding_line(finding)
        self._notes()

    # -- lines -----------------------------------------------------------------------------------

    def _line(self, text: str = "", style: str = "") -> None:
        self._pieces((text, style))

    def _pieces(self, *pieces: tuple[str, str]) -> None:
        """One line of text that is printable and fits already."""
        line = Text()
        for text, style in pieces:
            line.append(text, STYLES.get(style, ""))
        # Soft wrap: the line is measured already, and rich must neither fill nor break it.
        self.console.print(line, soft_wrap=True)

    def _paragraph(self, text: str, style: str = "", indent: int = 2, label: str = "") -> None:
        """Prose, wrapped, with a hanging indent."""
        room = self.width - indent - cells(label)
        for row in wrap(self._clean(text), room, 1_000, self.glyphs.ellipsis):
            self._pieces((" " * indent, ""), (label, "title"), (row, style))
            label = " " * cells(label)

    def _clip(self, text: str, indent: int = 0) -> str:
        return clip(self._clean(text), self.width - indent, self.glyphs.ellipsis)

    def _clean(self, text: str) -> str:
        return clean(text, self.encoding)

    # -- the verdict -----------------------------------------------------------------------------

    def _verdict(self) -> None:
        result = self.result
        name = f"raceproof: {self._clean(result.program)}: "
        if result.verdict == "error":
            first, *more = result.error.splitlines() or ["unknown reason"]
            self._paragraph(f"cannot be explored: {first}", "bad", indent=0, label=name)
            for row in more:
                self._line(self._clean(row))
            return
        word, style = verdict_word(result)
        extent = self._clean(extent_of(result))
        if cells(f"{name}{word}  |  {extent}") <= self.width:
            self._pieces((name, ""), (word, style), (f"  |  {extent}", ""))
        else:
            if cells(f"{name}{word}") <= self.width:
                self._pieces((name, ""), (word, style))
            else:
                self._line(name.rstrip())
                self._paragraph(word, style)
            self._paragraph(extent)

    # -- outcomes --------------------------------------------------------------------------------

    def _outcomes(self) -> None:
        outcomes = sorted(self.result.outcomes, key=lambda outcome: -outcome.count)
        limit = len(outcomes) if self.verbose else SHOWN_OUTCOMES
        rows = {id(outcome): outcome_rows(outcome) for outcome in outcomes}
        common = Counter[str]()
        if not self.verbose and len(outcomes) > 1 and max(map(len, rows.values())) > SHOWN_LINES:
            # What all of them print says nothing; the difference may be in the last line.
            common = common_rows(rows.values())
        width = max(5, *(len(f"{outcome.count:,}") for outcome in outcomes))
        self._line()
        self._line(f"  {'count':>{width}}  serial  outcome", "title")
        for outcome in outcomes[:limit]:
            shown = without(rows[id(outcome)], common)
            serial = "?" if outcome.serial is None else "yes" if outcome.serial else "no"
            label = f"  {outcome.count:>{width},}  {serial:<6}  "
            self._outcome(shown, label, "" if outcome.serial else "unsure")
        if outcomes[limit:]:
            more = _more(len(outcomes) - limit, "outcome")
            self._line(f"  {self.glyphs.ellipsis} {more}", "quiet")
        if common:
            lines = counted(common.total(), "line")
            self._line(self._clip(f"  ({lines} in all of the outcomes left out)"), "quiet")

    def _outcome(self, rows: list[str], label: str, style: str) -> None:
        for row in self._limited(rows):
            self._pieces((label, style), (self._clip(row, indent=len(label)), ""))
            label = " " * len(label)

    def _limited(self, rows: list[str]) -> list[str]:
        if self.verbose or len(rows) <= SHOWN_LINES:
            return rows
        more = _more(len(rows) - SHOWN_LINES, "line")
        return [*rows[:SHOWN_LINES], f"{self.glyphs.ellipsis} {more}"]

    # -- findings --------------------------------------------------------------------------------

    def _finding_line(self, finding: Finding) -> None:
        title = self._clean(_title(finding))
        message = self._clip(_located(finding), indent=cells(title) + 2)
        self._pieces((f"{title}: ", "bad"), (message, ""))

    def _finding(self, finding: Finding) -> None:
        self._line()
        self._line(self.glyphs.rule * self.width, "frame")
        self._paragraph(f"{_title(finding)}: {finding.message}", "title", indent=0)
        if finding.steps:
            self._interleaving(finding)
        else:
            for place in finding.where:
                self._paragraph(f"at {_shown(place)}", "quiet")
        if finding.because:
            self._line()
            self._paragraph(finding.because)
        shown = {step.thread for step in finding.steps if step.blocks}
        others = [waiting for waiting in finding.waiting if waiting.thread not in shown]
        if others:
            self._line()
            for waiting in others:
                self._paragraph(_waiting_sentence(waiting))
        self._compared(finding)
        if finding.traceback:
            self._traceback(finding.traceback)
        if finding.advice.text or finding.replay:
            self._line()
        if finding.advice.text:
            self._paragraph(finding.advice.text, "advice", label="Mend:   ")
        if has_builds(finding):
            self._paragraph(builds(finding), label="Builds: ")
        if finding.code:
            self._pieces(("  More:   ", "title"), (f"raceproof explain {finding.code}", ""))
        if finding.replay:
            # Not wrapped: the command is there to be copied.
            command = finding.command or f"raceproof replay {_quoted(finding.replay)}"
            command = self._clean(command)
            self._pieces(("  Replay: ", "title"), (command, ""))

    def _interleaving(self, finding: Finding) -> None:
        self._line()
        home = self._clean(os.path.basename(home_file(finding.steps))) or self.result.program
        switches = f", {counted(finding.switches, 'context switch')}" if finding.switches else ""
        seen = ""
        if finding.occurrences > 1:
            seen = f"; seen in {counted(finding.occurrences, 'interleaving')}"
        self._paragraph(f"{home}{switches}{seen}", "quiet")
        self._line()
        for line in draw(
            finding.steps,
            finding.threads,
            self.width - 2,
            self.glyphs,
            held=self.verbose,
            clean=self._clean,
        ):
            self._drawn(line)
        legend = []
        if any(step.key for step in finding.steps):
            legend.append("* = these steps decide")
        if not finding.smallest:
            legend.append("there may be a smaller interleaving: the time for looking was over")
        if legend:
            self._line()
            self._paragraph("; ".join(legend), "quiet")

    def _drawn(self, line: Line) -> None:
        text = Text("  " + line.text)
        for span in line.spans:
            style = STYLES.get(span.style)
            if style:
                text.stylize(style, span.start + 2, span.end + 2)
        self.console.print(text, soft_wrap=True)

    def _compared(self, finding: Finding) -> None:
        """What came out, and what should have."""
        if finding.outcome is None:
            return
        parts = [("This order gives:    ", outcome_rows(finding.outcome))]
        for count, outcome in enumerate(finding.expected[: None if self.verbose else 3]):
            label = "or:                  " if count else "Serial orders give:  "
            parts.append((label, outcome_rows(outcome)))
        if max(len(rows) for _, rows in parts) > SHOWN_LINES and len(parts) > 1:
            common = common_rows(rows for _, rows in parts)
            parts = [(label, without(rows, common)) for label, rows in parts]
        self._line()
        for label, rows in parts:
            for row in self._limited(rows):
                self._pieces((f"  {label}", "title"), (self._clip(row, indent=2 + len(label)), ""))
                label = " " * len(label)
        rest = len(finding.expected) - len(parts) + 1
        if rest:
            self._line(f"  {self.glyphs.ellipsis} {_more(rest, 'serial outcome')}", "quiet")

    def _traceback(self, traceback: str) -> None:
        self._line()
        rows = traceback.rstrip().splitlines()
        if not self.verbose and len(rows) > SHOWN_TRACEBACK:
            # The first line announces it, the last ones are where it happened.
            left_out = f"  {self.glyphs.ellipsis} {_more(len(rows) - SHOWN_TRACEBACK, 'line')}"
            rows = [rows[0], left_out, *rows[1 - SHOWN_TRACEBACK :]]
        for row in rows:
            for part in wrap(self._clean(row), self.width - 2, 3, self.glyphs.ellipsis):
                self._line(f"  {part}", "quiet")

    # -- notes -----------------------------------------------------------------------------------

    def _notes(self) -> None:
        result = self.result
        notes = list(result.notes)
        if not result.findings:
            notes += self._data_races()
        if result.unwatched:
            notes.append(
                "not watched, every call into it counts as one step: "
                f"{self._listed(result.unwatched)} (--include NAME watches it)"
            )
        if self.verbose and result.watched:
            notes.append(f"watched: {self._listed(result.watched)}")
        if notes:
            self._line()
        for note in notes:
            self._paragraph(note, "quiet", indent=0, label="Note: ")

    def _data_races(self) -> list[str]:
        """A sentence for each data race that makes no difference."""
        result = self.result
        count = counted(result.interleavings, "interleaving")
        seen = f"benign in all {count}" if result.complete else f"no difference in {count}"
        shown = len(result.data_races) if self.verbose else SHOWN_RACES
        notes = [f"{data_race_sentence(race)}: {seen}" for race in result.data_races[:shown]]
        if result.data_races[shown:]:
            notes.append(f"{_more(len(result.data_races) - shown, 'data race')}: {seen}")
        return notes

    def _listed(self, names: list[str]) -> str:
        if self.verbose or len(names) <= SHOWN_NAMES:
            return ", ".join(names)
        return f"{', '.join(names[:SHOWN_NAMES])} and {len(names) - SHOWN_NAMES} more"


# -- sentences -----------------------------------------------------------------------------------


def _waiting_sentence(waiting: Waiting) -> str:
    """Who waits for what, and who has it since when."""
    verb = _WAITS.get(waiting.kind, "waits for")
    # Line 0: it waits in code that is not watched.
    where = f" (line {waiting.place.line})" if waiting.place.line else ""
    text = f"{waiting.thread}{where} {verb} {waiting.object}"
    if waiting.holder:
        holder = "itself" if waiting.holder == waiting.thread else waiting.holder
        text += f", held by {holder}"
        if waiting.taken is not None and waiting.taken.line:
            text += f" since {_relative(waiting.taken, waiting.place)}"
    return text


def _relative(place: Place, other: Place) -> str:
    if place.file == other.file:
        return f"line {place.line}"
    return f"{os.path.basename(place.file)}:{place.line}"


def _shown(place: Place) -> str:
    inside = "" if place.function in ("", "<module>") else f" in {place.function}"
    return f"{place.file}:{place.line}{inside}{': ' if place.text else ''}{place.text}"


def _title(finding: Finding) -> str:
    """`lost update (RP101)`"""
    name = finding.name or finding.kind
    return f"{name} ({finding.code})" if finding.code else name


def _located(finding: Finding) -> str:
    if not finding.where:
        return finding.message
    place = finding.where[0]
    return f"{finding.message} ({os.path.basename(place.file)}:{place.line})"


def _quoted(path: str) -> str:
    if os.name == "nt":
        return f'"{path}"' if " " in path else path
    return shlex.quote(path)


def _more(number: int, noun: str) -> str:
    return counted(number, f"more {noun}")
