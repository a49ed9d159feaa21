"""What an execution leaves for the judge: how it ended, what it printed, what went unhandled.

The simulated standard library fills the record while the execution runs; whoever started the
execution reads it afterwards.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Protocol

from raceproof.world.output import Output

OWN_DIRECTORY: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class FailedFuture(Protocol):
    """A future that has an exception; see `futures.py`."""

    @property
    def thread(self) -> str:
        """The name of the thread that was working for the future."""

    @property
    def error(self) -> BaseException:
        """What was raised there."""

    @property
    def retrieved(self) -> bool:
        """Whether anybody has asked for the exception."""


@dataclass(slots=True)
class Death:
    """A thread that an exception put an end to."""

    thread: str
    error: BaseException
    handled: bool = False
    """The program has set a `threading.excepthook` for that."""


@dataclass(slots=True)
class Record:
    """The record of one execution."""

    output: Output = field(default_factory=Output)
    exit: str = "ok"
    """"ok", or what the main thread ended with: "SystemExit: 3", "ValueError: ..."."""
    status: int = 0
    """The exit status that the process would have had."""
    crash: BaseException | None = None
    """The exception that ended the main thread."""
    value: str = ""
    """What the explored function returned, as it looks; "" for nothing, and for programs."""
    broken: list[str] = field(default_factory=list)
    """Labels of what was said to be `always` so, and was not."""
    hopes: dict[str, bool] = field(default_factory=dict)
    """Labels of what was said to be `sometimes` so, and whether it was."""
    deaths: list[Death] = field(default_factory=list)
    failed: list[FailedFuture] = field(default_factory=list)

    @property
    def unread(self) -> list[FailedFuture]:
        """The failed futures whose exception nobody asked for."""
        return [future for future in self.failed if not future.retrieved]

    def exception(self) -> BaseException | None:
        """The exception to show: that of the main thread, else of another, else of a future."""
        if self.crash is not None:
            return self.crash
        for error in (*(death.error for death in self.deaths), *(f.error for f in self.unread)):
            return error
        return None

    def lines(self) -> list[str]:
        """What was printed, in order; clock readings and numbers of pool workers do not count."""
        return self.output.comparable()

    def thread_errors(self) -> list[str]:
        """The exceptions that threads died of, as "ValueError: ..."."""
        return self._texts(death.error for death in self.deaths)

    def handled_errors(self) -> list[str]:
        """Those of them that the program deals with in a hook."""
        return self._texts(death.error for death in self.deaths if death.handled)

    def unread_errors(self) -> list[str]:
        """The exceptions in futures that nobody asked for."""
        return self._texts(future.error for future in self.unread)

    def unhandled(self) -> list[tuple[str, BaseException]]:
        """The exceptions that threads died of, with the names of those."""
        found = [(death.thread, death.error) for death in self.deaths]
        if self.crash is not None and not isinstance(self.crash, SystemExit):
            found.append(("MainThread", self.crash))
        return found

    def crashes(self, watched: Container[str]) -> list[tuple[str, str]]:
        """The types of these exceptions, and the innermost function in `watched` files that each
        came from ("" for none)."""
        found = []
        for _, error in self.unhandled():
            file, _, function = innermost(error, watched)
            place = f"{function} in {os.path.basename(file)}" if file else ""
            found.append((type(error).__name__, place))
        return found

    def accidents(self, sources: Mapping[str, str]) -> list[str]:
        """The types of the exceptions left in futures that the program did not raise on purpose:
        that do not come from a `raise` in the watched files `sources`."""
        found = []
        for future in self.unread:
            file, line, _ = innermost(future.error, sources)
            lines = sources[file].splitlines() if file else []
            if not (0 < line <= len(lines) and lines[line - 1].lstrip().startswith("raise")):
                found.append(type(future.error).__name__)
        return found

    def text_of(self, error: BaseException) -> str:
        """An exception as outcomes have it: "ValueError: ..."."""
        return self.output.without_readings(one_line(error))

    def _texts(self, errors: Iterable[BaseException]) -> list[str]:
        return [self.text_of(error) for error in errors]

    def traceback_text(self) -> str:
        """The tracebacks of everything that went unhandled, as Python would print them."""
        parts: list[str] = []
        for death in self.deaths:
            parts.append(f"Exception in thread {death.thread}:\n{formatted(death.error)}")
        for future in self.unread:
            parts.append(f"In a future that nobody read ({future.thread}):\n")
            parts[-1] += formatted(future.error)
        if self.crash is not None:
            parts.append(formatted(self.crash))
        return "\n".join(parts)


def one_line(error: BaseException) -> str:
    """An exception as the last line of its traceback shows it, without the module of its type."""
    try:
        text = str(error)
    except Exception:
        text = "<exception str() failed>"
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def innermost(error: BaseException, watched: Container[str]) -> tuple[str, int, str]:
    """The innermost line in `watched` files that an exception passed: file, line, function.

    ("", 0, "") for none.
    """
    place = ("", 0, "")
    at = error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        if code.co_filename in watched:
            place = (code.co_filename, at.tb_lineno, code.co_qualname)
        at = at.tb_next
    return place


def formatted(error: BaseException) -> str:
    """The traceback of `error`, without frames of raceproof."""
    hide_own_frames(error)
    return "".join(traceback.format_exception(error))


def hide_own_frames(error: BaseException) -> None:
    """Take raceproof's frames out of the tracebacks of `error` and of what led to it.

    In a plain run they would be frames of the interpreter, which shows none.
    """
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        at = todo.pop()
        if at is None or id(at) in seen:
            continue
        seen.add(id(at))
        at.__traceback__ = without_own_frames(at.__traceback__)
        todo += [at.__cause__, at.__context__]
        if isinstance(at, BaseExceptionGroup):
            todo += at.exceptions


def is_own_file(file: str) -> bool:
    """Whether code is raceproof's."""
    return file.startswith(OWN_DIRECTORY)


def without_own_frames(first: TracebackType | None) -> TracebackType | None:
    """A copy of a traceback that leaves out raceproof's frames."""
    kept: list[TracebackType] = []
    at = first
    while at is not None:
        if not at.tb_frame.f_code.co_filename.startswith(OWN_DIRECTORY):
            kept.append(at)
        at = at.tb_next
    result: TracebackType | None = None
    for entry in reversed(kept):
        result = TracebackType(result, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return result


current: Record = Record()
"""The record of the execution under way, or of the last one."""


def begin(echo: dict[str, Any] | None = None) -> Record:
    """Start a new record; `echo` maps "stdout" and "stderr" to where output is shown as well."""
    global current
    current = Record(Output(echo))
    return current
