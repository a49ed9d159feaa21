"""An interleaving as text: one column a thread, time downwards.

A pure function from steps to lines with styled spans, so that what a person will see can be tested
to the letter without a terminal.  Where the columns would become too narrow to read, the same steps
are drawn in a single column that names the thread in each row.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from raceproof.judge.findings import Place, Step
from raceproof.report.layout import (
    UNICODE,
    Glyphs,
    cells,
    clip,
    clip_middle,
    clip_start,
    wrap,
)
from raceproof.report.numbers import counted
from raceproof.report.wording import Happening, folded, happening, short_names

NARROWEST: Final = 16
"""Cells that a column needs: room for a name and for `-- preempted --`."""
TEXT_LINES: Final = 2
"""Lines that a cell gives to the source, and again to what happened."""
MOST_LINES: Final = 3
"""Lines for why a thread waits."""
TAKING: Final = frozenset({"acquire", "reacquire", "wake"})
GIVING: Final = frozenset({"release", "wait"})

Row: TypeAlias = list[tuple[str, str]]
"""One line of a cell: pieces of text, each with the name of its style."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line that is drawn in a style, by positions of characters."""

    start: int
    end: int
    style: str
    """"thread", "number", "source", "key", "event", "blocked", "preempted", "frame", "hidden"."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the drawing."""

    text: str
    spans: tuple[Span, ...] = ()


@dataclass(slots=True)
class _Pen:
    """Puts one line together."""

    text: str = ""
    spans: list[Span] = field(default_factory=list)

    def put(self, text: str, style: str = "") -> None:
        if style and text.strip():
            self.spans.append(Span(len(self.text), len(self.text) + len(text), style))
        self.text += text

    def put_row(self, row: Row, width: int) -> None:
        """A row, filled up to `width` cells."""
        taken = 0
        for text, style in row:
            self.put(text, style)
            taken += cells(text)
        self.text += " " * (width - taken)

    def line(self) -> Line:
        text = self.text.rstrip()
        spans = (Span(s.start, min(s.end, len(text)), s.style) for s in self.spans)
        return Line(text, tuple(span for span in spans if span.start < span.end))


def draw(
    steps: Sequence[Step],
    threads: Sequence[str],
    width: int,
    glyphs: Glyphs = UNICODE,
    *,
    held: bool = False,
    clean: Callable[[str], str] = str,
) -> list[Line]:
    """The lines that show `steps`, at most `width` cells wide.

    `held` asks for the locks held at every step, not only where they are news; `clean` makes a text
    of the program printable.
    """
    if not steps:
        return []
    names = list(threads)
    names += [name for name in dict.fromkeys(step.thread for step in steps) if name not in names]
    used = {step.thread for step in steps}
    names = [name for name in names if name in used]
    drawing = _Drawing(steps, glyphs, held, clean, width)
    widths = drawing.column_widths(names, width)
    if widths is None:
        return drawing.single_column(width)
    return drawing.columns(names, widths)


def home_file(steps: Sequence[Step]) -> str:
    """The file in which most of the steps take place; its name need not be repeated."""
    count: dict[str, int] = {}
    for step in steps:
        if step.place.file:
            count[step.place.file] = count.get(step.place.file, 0) + 1
    return max(count, key=count.__getitem__, default="")


def new_holdings(steps: Sequence[Step]) -> list[tuple[str, ...]]:
    """For each step the locks that its thread holds, where that is news.

    A step that takes or releases a lock says so itself; where a thread waits, all are named.
    """
    known: dict[str, set[str]] = {}
    found: list[tuple[str, ...]] = []
    for step in steps:
        held = set(step.held)
        news = step.kind != "raise" and held and (step.blocks or held != known.get(step.thread))
        found.append(step.held if news else ())
        if step.kind in TAKING:
            held.add(step.object)
        elif step.kind in GIVING:
            held.discard(step.object)
        known[step.thread] = held
    return found


class _Drawing:
    """The steps of one interleaving, and how its cells look."""

    def __init__(
        self,
        steps: Sequence[Step],
        glyphs: Glyphs,
        held: bool,
        clean: Callable[[str], str],
        width: int,
    ) -> None:
        self.steps = steps
        self.width = width
        self.glyphs = glyphs
        self.clean = clean
        self.names = short_names(steps)
        self.holdings = {
            id(step): step.held if held else news
            for step, news in zip(steps, new_holdings(steps), strict=True)
        }
        self.home = home_file(steps)
        self.number_width = max(len(str(step.number)) for step in steps)
        self.gutter = self.number_width + 2
        """A mark, the number, a space."""

    # -- columns ---------------------------------------------------------------------------------

    def column_widths(self, names: Sequence[str], width: int) -> list[int] | None:
        """A width for each column; None if there is too little room for that many."""
        room = width - self.gutter - 3 * (len(names) - 1)
        natural = [self._natural_width(name) for name in names]
        if sum(natural) > room and room < NARROWEST * len(names):
            return None
        widths = list(natural)
        # From the narrowest on, so that what one column leaves is shared among the wider ones.
        for done, column in enumerate(sorted(range(len(names)), key=natural.__getitem__)):
            widths[column] = min(natural[column], room // (len(names) - done))
            room -= widths[column]
        return widths

    def _natural_width(self, name: str) -> int:
        """What the column of a thread takes if nothing in it is wrapped."""
        indent = max(self._label_width(name) + 1, 2)
        widest = max(NARROWEST, cells(self.clean(name)))
        for step in self.steps:
            if step.thread == name:
                widest = max(
                    widest,
                    indent + cells(self._source(step.place)),
                    indent + max(cells(text) for text, _ in self._remarks(step)),
                )
        return widest

    def _label_width(self, name: str) -> int:
        """Digits of the line numbers in the column of a thread."""
        return max(len(_number(step.place)) for step in self.steps if step.thread == name)

    def columns(self, names: Sequence[str], widths: Sequence[int]) -> list[Line]:
        lines = self._header(names, widths)
        before: Step | None = None
        for step in self.steps:
            lines += self._folds(step)
            for fold in step.folds:
                if fold.preempted and fold.thread in names:
                    left: list[Row] = [[] for _ in names]
                    at = names.index(fold.thread)
                    left[at] = [(self._preempted(widths[at]), "preempted")]
                    lines.append(self._compose(None, left, widths))
            column = names.index(step.thread)
            cell = self._cell(step, widths[column], self._label_width(step.thread), before)
            for count, row in enumerate(cell):
                rows: list[Row] = [[] for _ in names]
                rows[column] = row
                lines.append(self._compose(step if count == 0 else None, rows, widths))
            before = step
        return lines

    def _header(self, names: Sequence[str], widths: Sequence[int]) -> list[Line]:
        titles = [
            wrap(self.clean(name), width, TEXT_LINES, self.glyphs.ellipsis)
            for name, width in zip(names, widths, strict=True)
        ]
        lines = []
        for depth in range(max(map(len, titles))):
            rows: list[Row] = [
                [(title[depth], "thread")] if depth < len(title) else [] for title in titles
            ]
            lines.append(self._compose(None, rows, widths))
        rule = self.glyphs.rule
        pen = _Pen()
        pen.put(
            rule * self.gutter
            + f"{rule}{self.glyphs.cross}{rule}".join(rule * width for width in widths),
            "frame",
        )
        return [*lines, pen.line()]

    def _compose(self, step: Step | None, rows: Sequence[Row], widths: Sequence[int]) -> Line:
        pen = _Pen()
        self._put_gutter(pen, step)
        for column, (row, width) in enumerate(zip(rows, widths, strict=True)):
            if column:
                pen.put(f" {self.glyphs.bar} ", "frame")
            pen.put_row(row, width)
        return pen.line()

    def _put_gutter(self, pen: _Pen, step: Step | None) -> None:
        if step is None:
            pen.put(" " * self.gutter)
        else:
            # The mark shows the deciding steps where there is no colour, too.
            number = f"{step.number:>{self.number_width}}"
            pen.put(("*" if step.key else " ") + number, "key" if step.key else "number")
            pen.put(" ")

    def _cell(self, step: Step, width: int, label_width: int, before: Step | None) -> list[Row]:
        ellipsis = self.glyphs.ellipsis
        rows: list[Row] = []
        # A narrow column has no room for values that are indented like the source.
        indent = label_width + 1 if width >= NARROWEST + 4 else 2
        if not _same_line(before, step):
            if step.place.file not in ("", self.home):
                file = os.path.basename(self.clean(step.place.file)) + ":"
                rows.append([(clip_start(file, width, ellipsis), "number")])
            label = f"{_number(step.place):>{label_width}} "
            for text in wrap(self._source(step.place), width - len(label), TEXT_LINES, ellipsis):
                rows.append([(label, "number"), (text, "key" if step.key else "source")])
                label = " " * len(label)
        for remark, style in self._remarks(step):
            for text in self._fit(remark, step, width - indent):
                rows.append([(" " * indent, ""), (text, style)])
        if step.preempted:
            rows.append([(self._preempted(width), "preempted")])
        return rows

    # -- one column ------------------------------------------------------------------------------

    def single_column(self, width: int) -> list[Line]:
        ellipsis = self.glyphs.ellipsis
        names = {step.thread: self.clean(step.thread) for step in self.steps}
        name_width = min(max(map(cells, names.values())), max(width // 5, 4))
        wheres = [self._where(step.place) for step in self.steps]
        where_width = min(max(map(cells, wheres)), max(width // 4, 8))
        indent = self.gutter + name_width + where_width + 4
        room = max(width - indent, 8)
        lines: list[Line] = []
        before: Step | None = None
        for step, where in zip(self.steps, wheres, strict=True):
            lines += self._folds(step)
            rows: list[Row] = []
            if not _same_line(before, step):
                style = "key" if step.key else "source"
                rows = [
                    [(text, style)]
                    for text in wrap(self._source(step.place), room, TEXT_LINES, ellipsis)
                ]
            for remark, style in self._remarks(step):
                rows += [[(text, style)] for text in self._fit(remark, step, room)]
            if step.preempted:
                rows.append([(self._preempted(room), "preempted")])
            for count, row in enumerate(rows):
                pen = _Pen()
                if count == 0:
                    self._put_gutter(pen, step)
                    name = clip_middle(names[step.thread], name_width, ellipsis)
                    pen.put_row([(name, "thread")], name_width + 2)
                    where = clip_start(where, where_width, ellipsis)
                    pen.put_row([(where, "number")], where_width + 2)
                else:
                    pen.put(" " * indent)
                pen.put_row(row, 0)
                lines.append(pen.line())
            before = step
        return lines

    def _where(self, place: Place) -> str:
        if not place.line:
            return ""
        return f"{os.path.basename(self.clean(place.file))}:{place.line}"

    # -- what both forms say ---------------------------------------------------------------------

    def _source(self, place: Place) -> str:
        if place.text:
            return self.clean(place.text.strip())
        return f"({self.clean(place.function) or 'not watched'})"

    def _happening(self, step: Step) -> Happening:
        said = happening(step, self.glyphs.arrow, self.names.get(step.object, ""))
        return Happening(self.clean(said.what), self.clean(said.value))

    def _remarks(self, step: Step) -> list[tuple[str, str]]:
        """What happened in a step, each with its style."""
        style = "blocked" if step.blocks or step.kind == "raise" else "event"
        remarks = [(str(self._happening(step)), style)]
        held = self.holdings[id(step)]
        if held:
            names = ", ".join(self.names.get(name, name) for name in held)
            remarks.append((self.clean(f"holds {names}"), "event"))
        return remarks

    def _fit(self, remark: str, step: Step, width: int) -> list[str]:
        """A remark on lines of `width` cells; if something must be cut, then not the value."""
        ellipsis = self.glyphs.ellipsis
        said = self._happening(step)
        if cells(remark) <= width or remark != str(said) or not said.value:
            return wrap(remark, width, MOST_LINES if step.blocks else TEXT_LINES, ellipsis)
        return [clip_middle(said.what, width, ellipsis), *wrap(said.value, width, 1, ellipsis)]

    def _preempted(self, width: int) -> str:
        rule = self.glyphs.rule * 2
        return clip(f"{rule} preempted {rule}", width, self.glyphs.ellipsis)

    def _folds(self, step: Step) -> list[Line]:
        """A line for the steps that are left out before one that is shown."""
        parts = [
            f"{counted(steps, 'step') if not position else steps} of {self.clean(thread)}"
            for position, (thread, steps) in enumerate(folded(step.folds))
        ]
        if not parts:
            return []
        pen = _Pen()
        pen.put(" " * self.gutter)
        ellipsis = self.glyphs.ellipsis
        text = clip(", ".join(parts), self.width - self.gutter - 2 * len(ellipsis) - 2, ellipsis)
        pen.put(f"{ellipsis} {text} {ellipsis}", "hidden")
        return [pen.line()]


def _number(place: Place) -> str:
    """The number of a line; places in code that is not watched have none."""
    return str(place.line) if place.line else ""


def _same_line(before: Step | None, step: Step) -> bool:
    """Whether the source line of this step has just been shown, in the same column."""
    return (
        before is not None
        and before.thread == step.thread
        and before.place == step.place
        and not before.preempted
    )
