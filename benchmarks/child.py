"""What the measuring processes have in common: their command line, repetition, and their answer.

Each tool is measured in a process of its own, so that none of them meets what another one has
patched, and answers with one line of JSON, so that the peers may run under another interpreter.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter

ENOUGH = 2.0
"""Seconds after which nothing is repeated any more: what takes long varies less."""
PROGRAMS = Path(__file__).resolve().parent / "programs"


@dataclass
class Measurement:
    """One tool on one program, several times over."""

    seconds: list[float] = field(default_factory=list)
    """How long each repetition took, all in all."""
    marginal: list[float] = field(default_factory=list)
    """Seconds for one more execution, without what is spent once; empty if not known."""
    processor: list[float] = field(default_factory=list)
    """As `seconds`, but of processor time: what others do on the machine counts for less."""
    marginal_processor: list[float] = field(default_factory=list)
    executions: int = 0
    complete: bool = False
    """The tool ended by itself and says, or does not deny, that it has seen everything."""
    note: str = ""
    python: str = ""
    version: str = ""
    distinct: int = 0
    """How many different orders the executions were, where that was asked for."""


@dataclass
class Growth:
    """Seconds for whole executions of about the same length."""

    events: int = 0
    executions: int = 0
    repeated: int = 0
    """Events in the later executions that repeat those of an earlier one, and cost less."""
    first: list[float] = field(default_factory=list)
    """Running, searching, judging for the first execution, in which every event is new."""
    running: list[float] = field(default_factory=list)
    searching: list[float] = field(default_factory=list)
    judging: list[float] = field(default_factory=list)

    @staticmethod
    def read(text: str) -> Growth | None:
        """What a measuring process has printed; None if that is no answer."""
        for line in reversed(text.splitlines()):
            if line.startswith("{"):
                return Growth(**json.loads(line))
        return None


@dataclass
class Task:
    """What a measuring process is asked to do."""

    program: str
    arguments: tuple[str, ...]
    repetitions: int
    budget: float
    """Seconds for one search."""
    extra: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where the script is."""
        return str(PROGRAMS / f"{self.program}.py")

    def words(self) -> list[str]:
        """The command line that `read_task` reads."""
        return [
            f"--repetitions={self.repetitions}",
            f"--budget={self.budget}",
            *[f"--extra={word}" for word in self.extra],
            self.program,
            *self.arguments,
        ]


def read_task() -> Task:
    """The task on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--budget", type=float, default=10.0)
    parser.add_argument("--extra", action="append", default=[])
    parser.add_argument("program")
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    return Task(
        given.program,
        tuple(given.arguments),
        given.repetitions,
        given.budget,
        tuple(given.extra),
    )


def repeat(task: Task, once: Callable[[Measurement], None]) -> Measurement:
    """Call `once` as often as asked for, but not for long."""
    measurement = Measurement(python=platform.python_version())
    started = perf_counter()
    for _ in range(task.repetitions):
        once(measurement)
        if perf_counter() - started > ENOUGH:
            break
    return measurement


def answer(measure: Callable[[Task], Measurement]) -> None:
    """Do the task of this process and print what came of it."""
    task = read_task()
    with contextlib.redirect_stdout(io.StringIO()):
        measurement = measure(task)
    json.dump(asdict(measurement), sys.stdout)
    sys.stdout.write("\n")
    sys.stdout.flush()
