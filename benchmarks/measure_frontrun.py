"""A program, recast for it, explored by frontrun; to be started under frontrun's own command.

`--extra unbounded` lifts its default bound of two preemptions; `--extra orders` counts how many
different orders of critical sections its executions were, which takes a recast that notes them.
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from time import perf_counter, process_time
from typing import Any

import frontrun
from child import Measurement, Task, answer, repeat
from recast import Recast, recast

GIVES_UP = 5.0
"""Seconds after which frontrun calls a wait a deadlock, by default."""


def measure(task: Task) -> Measurement:
    """Time `frontrun.explore` from the call to the result, without reproducing failures."""
    settings: dict[str, Any] = {"preemption_bound": None} if "unbounded" in task.extra else {}
    counting_orders = "orders" in task.extra
    case = recast(task.program, task.arguments, noting_orders=counting_orders)
    if case is None:
        return Measurement(note="not recast")
    orders: set[Any] = set()

    def search(case: Recast, measurement: Measurement, **limits: Any) -> None:
        def holds(state: Any) -> bool:
            if counting_orders:
                orders.add(tuple(state.order))
            return case.invariant(state)

        start, start_processor = perf_counter(), process_time()
        result = frontrun.explore(
            setup=case.setup,
            workers=case.workers,
            invariant=holds,
            # What raceproof is asked for, too: go on to the end, whatever is found.
            stop_on_first=False,
            reproduce_on_failure=0,
            **settings,
            **limits,
        )
        seconds = perf_counter() - start
        measurement.seconds.append(seconds)
        measurement.processor.append(process_time() - start_processor)
        measurement.executions = result.num_explored
        measurement.complete = (
            seconds < task.budget
            and "unbounded" in task.extra
            and result.property_holds is not None
        )
        measurement.version = version("frontrun")
        verdicts = {True: "holds", False: "fails", None: "inconclusive"}
        measurement.note = verdicts[result.property_holds]
        if seconds >= task.budget:
            measurement.note += ", cut off"

    warm_up = Measurement(python=platform.python_version())
    search(case, warm_up, max_executions=3, total_timeout=task.budget)
    if warm_up.seconds[0] >= GIVES_UP:
        # Its threads wait for what its scheduler does not see, until it gives up; no use repeating.
        return warm_up
    orders.clear()
    measurement = repeat(task, lambda m: search(case, m, total_timeout=task.budget))
    measurement.distinct = len(orders)
    return measurement


if __name__ == "__main__":
    answer(measure)
