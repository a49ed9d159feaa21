"""A program explored by raceproof in this process, as often as asked for.

What carries the threads can be given as `--extra`.
"""

from __future__ import annotations

import tempfile
from time import perf_counter, process_time

from child import Measurement, Task, answer, repeat

from raceproof.exploration import Options, explore
from raceproof.session import Program


def measure(task: Task) -> Measurement:
    """Time the whole exploration, and within it the executions after the first."""
    program = Program(script=task.path, module=None, arguments=task.arguments)

    with tempfile.TemporaryDirectory() as replay_dir:

        def search(max_interleavings: int | None, measurement: Measurement) -> None:
            options = Options(
                max_seconds=task.budget,
                max_interleavings=max_interleavings,
                keep_going=True,
                replay_dir=replay_dir,
                threads=task.extra[0] if task.extra else "auto",
            )
            heard: list[tuple[float, float]] = []
            start, start_processor = perf_counter(), process_time()
            result = explore(
                program, options, lambda *_: heard.append((perf_counter(), process_time()))
            )
            measurement.seconds.append(perf_counter() - start)
            measurement.processor.append(process_time() - start_processor)
            if len(heard) > 1:
                (first, first_processor), (last, last_processor) = heard[0], heard[-1]
                further = len(heard) - 1
                measurement.marginal.append((last - first) / further)
                measurement.marginal_processor.append((last_processor - first_processor) / further)
            measurement.executions = result.interleavings
            measurement.complete = result.complete
            measurement.note = result.error or ", ".join(f.kind for f in result.findings)

        search(20, Measurement())
        return repeat(task, lambda measurement: search(None, measurement))


if __name__ == "__main__":
    answer(measure)
