"""What the program prints: kept in lines, each put together from what one thread wrote.

`print` makes several writes, and two threads that print at the same time mix up their lines; that
is no result.  Neither is the time of day: text that came from a clock is told apart from the rest.
"""

from __future__ import annotations

import io
import re
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from raceproof.events import ThreadId
from raceproof.world.scheduler import machine

MAX_LINES: Final = 10_000
MAX_CHARACTERS: Final = 10_000_000
"""If there are more, their number and a checksum have to do: which lines come first is decided by
the order of the threads, so it would not do to keep those."""
MAX_LENGTH: Final = 100_000
"""So many characters of a line are kept, and a checksum of the rest."""
DESCRIPTORS: Final = {"stdout": 1, "stderr": 2}
READING: Final = "<time>"
"""Stands for what a clock said, in lines that are compared."""
RECENT: Final = 16
"""So many of its last clock texts are looked for in what a thread prints, however short."""
DISTINCT: Final = 8
"""Clock texts from this length on are unlike anything else: looked for in the lines of all."""
MAX_DISTINCT: Final = 2_000
_ADDRESS: Final = re.compile(r"\b0x[0-9a-fA-F]{6,}")


class Line(NamedTuple):
    """A line that a thread printed."""

    thread: ThreadId
    stream: str
    """"stdout" or "stderr"."""
    text: str
    comparable: str
    """The text with `<time>` for what a clock said."""


class Output:
    """The output of one execution."""

    def __init__(self, echo: dict[str, Any] | None = None) -> None:
        self.lines: list[Line] = []
        self.count = 0
        """How many lines there were; if they are too many, none are kept."""
        self._characters = 0
        self._overflowing = False
        self._checksum = 0
        """Of the lines, in whatever order, if they are too many."""
        self.pools: set[str] = set()
        """Name prefixes of the workers of thread pools."""
        self.workers: set[str] = set()
        """Names of workers that do not go by a prefix."""
        self._worker_names: re.Pattern[str]
        self._pools_in_pattern = 0
        self._echo = echo
        self._partial: dict[tuple[ThreadId, str], Partial] = {}
        self._unheard: set[ThreadId] = set()
        """Threads whose output is shown, but does not count at the moment."""
        self._recent: dict[ThreadId, deque[str]] = {}
        self._distinct: dict[str, None] = {}

    def write(self, stream: str, text: str) -> None:
        """The running thread writes `text` to `stream`."""
        if machine.afterlife:
            return  # the process is over by now
        if self._echo is not None:
            self._echo[stream].write(text)
        tid = machine.current.tid
        if not text or tid in self._unheard:
            return
        key = (tid, stream)
        partial = self._partial.get(key)
        if "\n" not in text:
            if partial is None:
                partial = self._partial[key] = Partial()
            partial.add(text)
            return
        first, *middle, last = text.split("\n")
        if partial is None:
            first = in_bounds(first)
        else:
            del self._partial[key]
            partial.add(first)
            first = partial.text()
        self._line(key, first)
        for line in middle:
            self._line(key, in_bounds(line))
        if last:
            partial = self._partial[key] = Partial()
            partial.add(last)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What the running thread prints meanwhile is shown, but is no output of the program."""
        tid = machine.current.tid
        self._unheard.add(tid)
        try:
            yield
        finally:
            self._unheard.discard(tid)

    def _line(self, key: tuple[ThreadId, str], text: str) -> None:
        self.count += 1
        comparable = self.without_readings(text, key[0])
        if self._overflowing:
            self._sum_up(comparable)
            return
        self.lines.append(Line(*key, text, comparable))
        self._characters += len(text)
        if self.count > MAX_LINES or self._characters > MAX_CHARACTERS:
            self._overflowing = True
            for line in self.lines:
                self._sum_up(line.comparable)
            self.lines.clear()

    def _sum_up(self, comparable: str) -> None:
        text = self._without_worker_numbers(comparable)
        if "0x" in text:
            text = _ADDRESS.sub("", text)
        self._checksum += checksum(text)

    def close(self) -> None:
        """The execution is over: what was begun is a line, too."""
        for key, partial in self._partial.items():
            self._line(key, partial.text())
        self._partial.clear()
        if self._echo is not None:
            for stream in self._echo.values():
                stream.flush()

    # -- clock readings --------------------------------------------------------------------------

    def note_reading(self, text: str) -> None:
        """`text` is what a clock reading of the running thread looks like."""
        if len(text) >= DISTINCT:
            if len(self._distinct) < MAX_DISTINCT:
                self._distinct[text] = None
        elif text:
            tid = machine.current.tid
            recent = self._recent.get(tid)
            if recent is None:
                recent = self._recent[tid] = deque(maxlen=RECENT)
            if text not in recent:
                recent.append(text)

    def without_readings(self, text: str, thread: ThreadId | None = None) -> str:
        """`text` with `<time>` for what came from a clock, as far as one can tell."""
        if self._distinct:
            text = _replace(text, reversed(self._distinct))
        if thread is not None and self._recent:
            recent = self._recent.get(thread)
            if recent:
                text = _replace(text, reversed(recent))
        return text

    # -- comparison ------------------------------------------------------------------------------

    def comparable(self) -> list[str]:
        """The lines in the order in which they were printed, fit for comparison."""
        if self._overflowing:
            return [f"{self.count:,} lines (checksum {self._checksum & 0xFFFFFFFF:08x})"]
        found = [line.comparable for line in self.lines]
        if not self.pools and not self.workers:
            return found
        return list(map(self._without_worker_numbers, found))

    def _without_worker_numbers(self, text: str) -> str:
        """`text` without what the order of the threads decides: which worker gets which task."""
        for name in self.workers:
            if name in text:
                text = text.replace(name, re.sub(r"\d+", "*", name))
        if not self.pools or "_" not in text:
            return text
        if len(self.pools) != self._pools_in_pattern:
            self._worker_names = worker_names(self.pools)
            self._pools_in_pattern = len(self.pools)
        return self._worker_names.sub(r"\1_*", text)


class Partial:
    """A line that has been begun: its text, as far as it is kept."""

    __slots__ = ("_checksum", "_length", "_pieces", "_room")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._room = MAX_LENGTH
        self._length = 0
        self._checksum = 0

    def add(self, text: str) -> None:
        """The line goes on with `text`."""
        room = self._room
        if room:
            self._pieces.append(text[:room])
            self._room = max(room - len(text), 0)
            text = text[room:]
        if text:
            self._length += len(text)
            self._checksum = checksum(text, self._checksum)

    def text(self) -> str:
        """The line, with the end of a very long one in short."""
        text = "".join(self._pieces)
        if self._length:
            text += f"... {self._length:,} more characters (checksum {self._checksum:08x})"
        return text


def in_bounds(line: str) -> str:
    """A line as it is kept."""
    if len(line) <= MAX_LENGTH:
        return line
    partial = Partial()
    partial.add(line)
    return partial.text()


def checksum(text: str, start: int = 0) -> int:
    """The same for the same text in every process, unlike a hash."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"), start)


def _replace(text: str, readings: Iterable[str]) -> str:
    for reading in sorted(readings, key=len, reverse=True):
        if reading in text:
            # Not within a longer number or word: that would be something else.
            text = re.sub(rf"(?<![\w.]){re.escape(reading)}(?!\w|\.\d)", READING, text)
    return text


def worker_names(prefixes: Iterable[str]) -> re.Pattern[str]:
    """Matches the names of workers of pools with these prefixes."""
    alternatives = "|".join(map(re.escape, sorted(prefixes, key=len, reverse=True)))
    return re.compile(rf"(?<!\w)({alternatives})_\d+(?!\w)")


class CapturedStream(io.TextIOBase):
    """Stands for `sys.stdout` or `sys.stderr` while programs are explored."""

    def __init__(self, name: str, real: Any) -> None:
        self._stream = name
        self._real = real
        self._bytes = CapturedBytes(self)
        self.output: Output | None = None
        """Where the text of the execution under way goes."""
        self.muted = False
        """Between executions nobody is to be heard: what they leave is thrown away there, and may
        protest."""

    def write(self, text: str, /) -> int:
        """Keep `text`; outside of an execution, pass it on."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if not machine.active:
            if self._real is not None and not self.muted:
                self._real.write(text)
        elif not machine.end and self.output is not None:
            self.output.write(self._stream, text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""
        if not machine.active and self._real is not None:
            self._real.flush()

    @property
    def buffer(self) -> CapturedBytes:
        """The stream of bytes underneath."""
        return self._bytes

    def fileno(self) -> int:
        """The number that it has in a new process; see `descriptors` for what is behind it."""
        return DESCRIPTORS[self._stream]

    @property
    def name(self) -> str:
        """As for the real one."""
        return f"<{self._stream}>"

    @property
    def mode(self) -> str:
        """As for the real one."""
        return "w"

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Whatever the real one uses, results do not depend on it."""
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """As for the real one."""
        return "strict" if self._stream == "stdout" else "backslashreplace"

    @property
    def line_buffering(self) -> bool:
        """As for a real one that is no terminal."""
        return False

    @property
    def write_through(self) -> bool:
        """As for the real one."""
        return False

    def reconfigure(self, **_: Any) -> None:
        """There is nothing to configure."""

    def writable(self) -> bool:
        """One can write to it."""
        return True

    def isatty(self) -> bool:
        """It is no terminal."""
        return False

    def close(self) -> None:
        """The stream is needed for the next execution."""


class CapturedBytes(io.RawIOBase):
    """`sys.stdout.buffer`."""

    def __init__(self, text: CapturedStream) -> None:
        self._text = text

    def write(self, data: Any, /) -> int:
        """Keep what these bytes say."""
        raw = bytes(data)
        self._text.write(raw.decode("utf-8", "backslashreplace"))
        return len(raw)

    def writable(self) -> bool:
        """One can write to it."""
        return True

    def fileno(self) -> int:
        """As for the text."""
        return self._text.fileno()

    @property
    def name(self) -> str:
        """As for the real one."""
        return self._text.name

    @property
    def mode(self) -> str:
        """As for the real one."""
        return "wb"

    def close(self) -> None:
        """The stream is needed for the next execution."""
