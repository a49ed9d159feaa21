"""One line on the terminal that says how far a long search has got.

The exploring thread draws it, between two interleavings: there is no thread besides, which the
search would have to work around.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from time import monotonic  # by name: while an execution runs, `time.monotonic` is virtual
from typing import Final, TextIO

from raceproof.report.numbers import counted, estimate, is_known, percentage

PATIENCE: Final = 0.5
"""Runs that are shorter than this show nothing."""
INTERVAL: Final = 0.1
"""Seconds between two drawings."""


class Progress:
    """Draws on a terminal; does nothing on anything else."""

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._began = clock()
        self._next = self._began + PATIENCE if _is_terminal(self._stream) else math.inf
        self._drawn = 0
        """Length of the line that stands on the terminal."""

    def update(self, interleavings: int, estimated: float, findings: int) -> None:
        """Note how far the search is; called after each interleaving."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + INTERVAL
        self._draw(_sentence(interleavings, estimated, findings, now - self._began))

    def close(self) -> None:
        """Take the line away again."""
        self._next = math.inf
        if self._drawn:
            self._write("\r" + " " * self._drawn + "\r")
            self._drawn = 0

    def _draw(self, line: str) -> None:
        # A line that reaches the last column wraps, and could not be taken back.
        line = line[: max(_width(self._stream) - 1, 0)]
        self._write("\r" + line.ljust(self._drawn))
        self._drawn = len(line)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # Nobody looks any more; that is no reason to end the search.
            self._next = math.inf
            self._drawn = 0


def _sentence(interleavings: int, estimated: float, findings: int, passed: float) -> str:
    parts = [counted(interleavings, "interleaving")]
    if is_known(interleavings, estimated):
        parts.append(f"{percentage(interleavings, estimated)} of {estimate(estimated)}")
    parts.append(counted(findings, "finding"))
    parts.append(f"{int(passed)} s")
    return ", ".join(parts)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
