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

PROGRAMS = Path(__file__).resolve().parent / "programs"


@dataclass
class Measurement:
    """One tool on one program, several times over."""

    seconds: list[float] = field(default_factory=list)
    """How long each repetition took, all in all."""
    marginal: list[float] = field(default_factory=list)
    """Seconds for one more execution, without what is spent once; empty if not known."""
    executions: int = 0
    complete: bool = False
    """The tool ended by itself and says, or does not deny, that it has seen everything."""
    note: str = ""
    python: str = ""
    version: str = ""
    distinct: int = 0
    """How many different orders the executions were, where that was asked for."""


@dataclass
class Task:
    """What a measuring process is asked to do."""

    program: str
    arguments: tuple[str, ...]
    repetitions: int
    budget: float
    """Seconds for one search, and for all repetitions but the first."""
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
    """Call `once` as often as asked for, but stop when the budget is used up."""
    measurement = Measurement(python=platform.python_version())
    started = perf_counter()
    for _ in range(task.repetitions):
        once(measurement)
        if perf_counter() - started > task.budget:
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
