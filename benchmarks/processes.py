"""Starting the measuring processes, and finding interpreters that have the peers installed."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from child import Measurement, Task

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "src"


@dataclass(frozen=True)
class Interpreter:
    """A Python in which some tool is installed."""

    path: str
    version: str


def environment() -> dict[str, str]:
    """For children: this tree's raceproof, whatever else is installed."""
    found = dict(os.environ)
    found["PYTHONPATH"] = os.pathsep.join(
        [str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    return found


def interpreter_with(module: str, candidates: Sequence[str]) -> Interpreter | None:
    """The first of the interpreters that can import `module`, and its version of Python."""
    for path in candidates:
        try:
            asked = subprocess.run(
                [path, "-c", f"import {module}, platform; print(platform.python_version())"],
                capture_output=True,
                text=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return Interpreter(path, asked.stdout.split()[-1])
    return None


def ask(
    command: Sequence[str], script: str, task: Task, patience: float
) -> tuple[Measurement | None, str]:
    """Have `script` do the task in a process of its own; the reason if it gives no answer."""
    arguments = [*command, str(HERE / script), *task.words()]
    # In a directory of its own: tools may write files where they are.
    with (
        tempfile.TemporaryDirectory() as directory,
        subprocess.Popen(
            arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=directory,
            start_new_session=True,
        ) as process,
    ):
        try:
            output, complaints = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            # The whole group: a peer's command has the measuring process for a child.
            os.killpg(process.pid, signal.SIGKILL)
            return None, "hangs"
    for text in reversed(output.splitlines()):
        if text.startswith("{"):
            return Measurement(**json.loads(text)), ""
    problem = complaints.strip().splitlines()
    return None, problem[-1] if problem else f"exit status {process.returncode}"


def merge(parts: Sequence[Measurement]) -> Measurement | None:
    """The same task, measured in several rounds."""
    if not parts:
        return None
    merged = Measurement(**vars(parts[-1]))
    merged.seconds = [seconds for part in parts for seconds in part.seconds]
    merged.marginal = [seconds for part in parts for seconds in part.marginal]
    merged.processor = [seconds for part in parts for seconds in part.processor]
    merged.marginal_processor = [s for part in parts for s in part.marginal_processor]
    return merged


def middle(values: Sequence[float]) -> float | None:
    """The median; the machine is never quiet."""
    return median(values) if values else None


def time_command(arguments: Sequence[str], repetitions: int, patience: float) -> float | None:
    """The median time of a whole process, its start included."""
    seconds = []
    with tempfile.TemporaryDirectory() as directory:
        for number in range(repetitions + 1):
            start = perf_counter()
            try:
                subprocess.run(
                    arguments,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=patience,
                    env=environment(),
                    cwd=directory,
                )
            except subprocess.TimeoutExpired:
                return None
            # The first run warms up the file system and the compiled files.
            if number > 0:
                seconds.append(perf_counter() - start)
    return middle(seconds)


def machine_description() -> str:
    """Where the figures come from."""
    return f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors"


def this_interpreter() -> str:
    """The one that runs the benchmark, and raceproof."""
    return sys.executable
