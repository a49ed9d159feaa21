"""What is below `sys.stdout` and `sys.stderr`: the file descriptors 1 and 2.

What a program writes past Python's streams (in C, in a process that it starts) must not get into
the report, once for each execution.  So raceproof's own streams move to other descriptors, and 1
and 2 lead nowhere while a program is explored.
"""

from __future__ import annotations

import faulthandler
import functools
import io
import os
import sys
from collections.abc import Callable
from os import close, dup, dup2  # by name: the program may replace them
from typing import Any, Final

from raceproof.world.exits import inside
from raceproof.world.output import DESCRIPTORS, CapturedStream

_real_write: Final = os.write
_present: Final[dict[int, int]] = {}
"""Number -> where what was there is at the moment."""


def present(number: int) -> int:
    """The descriptor that leads where `number` led before it was moved away."""
    return _present.get(number, number)


class Descriptors:
    """Moves the streams away, and back.  Descriptors that this cannot be done with stay."""

    def __init__(self) -> None:
        self._kept: dict[int, int] = {}
        """Number -> where what was there is now."""
        self._moved: list[tuple[io.FileIO, int, Any]] = []
        """Streams with the numbers and names that they had."""
        self._nowhere = -1

    def move(self) -> None:
        """Have the streams write to other descriptors than the program could know."""
        try:
            self._nowhere = os.open(os.devnull, os.O_RDWR)
        except OSError:
            return
        for number in DESCRIPTORS.values():
            streams = [stream for stream in _streams() if _number_of(stream) == number]
            below = [_file_below(stream) for stream in streams]
            try:
                for stream in streams:
                    stream.flush()
                if None in below:
                    continue  # there is no way to have this stream write elsewhere
                self._kept[number] = _present[number] = dup(number)
            except (OSError, ValueError):
                continue
            for file in below:
                assert file is not None
                if file.fileno() == number:
                    self._moved.append((file, number, file.name))
                    _lead(file, self._kept[number], file.name)

    def hide(self) -> None:
        """From now on, 1 and 2 lead nowhere; whatever the program has done to them."""
        for number in self._kept:
            dup2(self._nowhere, number)

    def show(self) -> None:
        """From now on, they lead where they did: what the program writes is to be seen."""
        for number, kept in self._kept.items():
            dup2(kept, number)

    def restore(self) -> None:
        """Put the streams back."""
        for stream in _streams():
            try:
                stream.flush()
            except (OSError, ValueError):
                pass  # whoever writes the report will notice
        self.show()
        for file, number, name in self._moved:
            if not file.closed:
                _lead(file, number, name)
        for number, kept in self._kept.items():
            close(kept)
            del _present[number]
        if self._nowhere >= 0:
            close(self._nowhere)
        self._nowhere = -1
        self._moved.clear()
        self._kept.clear()


def _streams() -> list[Any]:
    present = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return list({id(stream): stream for stream in present if stream is not None}.values())


def _number_of(stream: Any) -> int:
    try:
        return int(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return -1


def _file_below(stream: Any) -> io.FileIO | None:
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    # One that closes its descriptor would do so when it is led elsewhere.
    return raw if type(raw) is io.FileIO and not raw.closefd else None


def _lead(file: io.FileIO, number: int, name: Any) -> None:
    """Have `file` write to another descriptor: whoever has the stream need not know."""
    file.__init__(number, file.mode, closefd=False)  # type: ignore[misc]
    file.name = name


def write_to(streams: dict[str, CapturedStream]) -> Any:
    """What stands for `os.write`: output that goes past the streams is output all the same."""
    by_number = {DESCRIPTORS[name]: stream for name, stream in streams.items()}

    def write(fd: int, data: Any, /) -> int:
        stream = by_number.get(fd)
        if stream is None or not inside():
            return _real_write(fd, data)
        return stream.buffer.write(data)

    return write


FAULT_HANDLER: Final = (
    "enable", "disable", "dump_traceback_later", "cancel_dump_traceback_later", "register",
    "unregister",
)  # fmt: skip
"""Functions of `faulthandler` that would interfere with raceproof's own use of it."""


def fault_handler() -> dict[str, Any]:
    """The functions of the module `faulthandler` that are replaced."""
    return {
        name: _not_for_programs(getattr(faulthandler, name))
        for name in FAULT_HANDLER
        if hasattr(faulthandler, name)
    }


def _not_for_programs(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        if inside():
            return None
        if kwargs.get("file") in _present:
            # It writes to a number: to the one that leads somewhere.
            kwargs["file"] = _present[kwargs["file"]]
        return original(*args, **kwargs)

    return call
