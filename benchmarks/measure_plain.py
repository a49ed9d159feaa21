"""A program run as it is: its compiled code executed in this process."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

from child import Measurement, Task, answer, repeat


def measure(task: Task) -> Measurement:
    """Time the script's code, without reading and compiling it."""
    code = compile(Path(task.path).read_text(encoding="utf-8"), task.path, "exec")
    sys.argv = [task.path, *task.arguments]

    def once(measurement: Measurement) -> None:
        start = perf_counter()
        exec(code, {"__name__": "__main__"})
        measurement.seconds.append(perf_counter() - start)
        measurement.executions = 1

    once(Measurement())
    return repeat(task, once)


if __name__ == "__main__":
    answer(measure)
