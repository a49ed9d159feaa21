"""Tracebacks for a report: from the first line of the program on, and nothing twice.

How the standard library came to call a thread's target is the same every time and explains nothing.
"""

from __future__ import annotations

import traceback
from collections.abc import Container, Iterable

from raceproof.judge.phrases import listed
from raceproof.world.record import hide_own_frames


def tracebacks(errors: Iterable[tuple[str, BaseException]], watched: Container[str]) -> str:
    """The tracebacks of exceptions, each with the name of the thread that it ended."""
    parts: list[str] = []
    threads: dict[str, list[str]] = {}
    for thread, error in errors:
        text = _from_first_watched(error, watched)
        if text in threads:
            threads[text].append(thread)
        else:
            threads[text] = [thread]
    for text, names in threads.items():
        parts.append(f"Exception in {listed(names)}:\n{text}")
    return "\n".join(parts)


def _from_first_watched(error: BaseException, watched: Container[str]) -> str:
    hide_own_frames(error)
    at = error.__traceback__
    while at is not None and at.tb_frame.f_code.co_filename not in watched:
        at = at.tb_next
    if at is not None:
        error.__traceback__ = at
    return "".join(traceback.format_exception(error))
