"""A program, as it is, explored by interleave-test's bounded depth-first search."""

from __future__ import annotations

# Imported here so that its module-level locks are not made, and lost, within an execution.
import concurrent.futures.thread  # noqa: F401
import sys
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import interleave_test
from child import Measurement, Task, answer, repeat
from interleave_test import DFSStrategy


class DepthFirstFor(DFSStrategy):
    """Its exhaustive strategy with a limit of time, which `explore` does not have."""

    def __init__(self, seconds: float) -> None:
        super().__init__(max_preemptions=2)
        self._deadline = perf_counter() + seconds

    def more(self) -> bool | None:
        """Whether there is something left to try, and time to try it."""
        return bool(super().more()) and perf_counter() < self._deadline


def measure(task: Task) -> Measurement:
    """Time its search; the script's code is compiled once, and run as a whole in each execution."""
    code = compile(Path(task.path).read_text(encoding="utf-8"), task.path, "exec")
    sys.argv = [task.path, *task.arguments]

    def model() -> None:
        exec(code, {"__name__": "__main__"})

    def search(iterations: int, measurement: Measurement) -> None:
        start = perf_counter()
        try:
            result = interleave_test.explore(
                model,
                iterations=iterations,
                strategy=DepthFirstFor(task.budget),
                seed=0,
                timeout=task.budget,
                raise_on_failure=False,
            )
        except Exception as error:
            measurement.note = f"fails: {type(error).__name__}"
            measurement.seconds.append(perf_counter() - start)
            return
        measurement.seconds.append(perf_counter() - start)
        measurement.executions = result.schedules_run
        measurement.complete = bool(result.exhausted)
        measurement.version = version("interleave-test")
        if result.failure is not None:
            measurement.note = f"stops: {result.failure.kind}"

    search(3, Measurement())
    return repeat(task, lambda measurement: search(10**9, measurement))


if __name__ == "__main__":
    answer(measure)
