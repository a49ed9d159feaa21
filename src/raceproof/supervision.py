"""A process that waits beside the one that explores, so that there is a verdict whatever happens.

A program may crash the interpreter, or call C code that never lets go of it; then nothing that is
written in Python runs any more in that process, not even its watchdog.  The one that waits reads
what the other's fault handler writes, and makes a message of it.
"""

from __future__ import annotations

import faulthandler
import os
import re
import signal
import sys
from dataclasses import dataclass
from typing import Final

EXPECTED_ENDS: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL")
"""Signals that somebody outside sends; to die of one of them is no crash."""
_FRAME: Final = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+) in (?P<function>.*)$', re.M)

OWN: Final = (os.path.dirname(os.path.abspath(__file__)) + os.sep,)
WAITING: Final = os.path.join(OWN[0], "world", "os_threads.py")
"""Where threads of the program stand that are not at fault, because it is not their turn."""
fault_file = 2
"""Descriptor to which the fault handler writes in this process."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the process that explored."""

    status: int
    """The exit status to pass on."""
    error: str = ""
    """Why it came to no verdict; "" if it did, or was ended from outside."""
    crashed: bool = False
    """The interpreter did not survive what it was made to do."""


def watch_over() -> Fate | None:
    """Go on in a new process, which gets None; the old one waits and gets the fate of the new.

    Where processes cannot be copied it is None at once: then nobody waits.
    """
    global fault_file
    if not hasattr(os, "fork"):
        return None
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        fault_file = writing
        try:
            faulthandler.enable(file=writing)
        except (OSError, RuntimeError):
            pass  # a crash will have no place then
        return None
    os.close(writing)
    return _wait_for(child, reading)


def _wait_for(child: int, reading: int) -> Fate:
    # Ctrl-C goes to both; the one that explores knows what to do with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name)
        signal.signal(number, lambda number, _: os.kill(child, number))
    with open(reading, encoding="utf-8", errors="replace") as stream:
        told = stream.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        name = signal.Signals(-code).name
        if name in EXPECTED_ENDS:
            return Fate(128 - code)
        return Fate(2, f"the interpreter crashed ({name}){_place(told)}", crashed=True)
    if told.startswith("Timeout ("):
        return Fate(2, f"code that keeps the interpreter to itself did not come back{_place(told)}")
    return Fate(code)


def _place(told: str) -> str:
    """Where the program was, from what a fault handler has written, as the end of a sentence.

    That is the innermost line of its own code, if there is one: of the thread that crashed, which
    is named first or called the current one, or of any other that is not raceproof's own.
    """
    sections = re.split(r"^(?=(?:Current thread|Thread) 0x)", told, flags=re.M)
    sections.sort(key=lambda section: not section.startswith("Current thread"))
    stacks = [list(_FRAME.finditer(section)) for section in sections]
    frames = [
        frame
        for stack in stacks
        if stack and stack[0]["file"] != WAITING
        for frame in stack
        if not _lies_in(frame["file"], OWN)
    ]
    libraries = _libraries()
    own = [frame for frame in frames if not _lies_in(frame["file"], libraries)]
    for frame in own or frames:
        return f", called at {frame['file']}:{frame['line']} ({frame['function']})"
    return ""


def _libraries() -> tuple[str, ...]:
    import sysconfig  # only now: the command is to start quickly

    paths = sysconfig.get_paths()
    return tuple(paths[name] + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def _lies_in(file: str, directories: tuple[str, ...]) -> bool:
    return file.startswith(("<", *directories))
