"""One long execution after another of a program: how long each ran, and how long its search took.

Goes below `raceproof.exploration.explore`, which does not tell the two apart.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import asdict, dataclass, field
from time import perf_counter

from child import Task, read_task

from raceproof.search.dpor import Dpor
from raceproof.session import Program, Session

EXECUTIONS = 30
"""Enough to see what an execution costs once the search has begun to steer."""


@dataclass
class Growth:
    """Seconds for whole executions of about the same length."""

    events: int = 0
    executions: int = 0
    first: float = 0.0
    """Running and learning from the first execution, in which every event is new."""
    running: list[float] = field(default_factory=list)
    searching: list[float] = field(default_factory=list)

    @staticmethod
    def read(text: str) -> Growth | None:
        """What a measuring process has printed; None if that is no answer."""
        for line in reversed(text.splitlines()):
            if line.startswith("{"):
                return Growth(**json.loads(line))
        return None


def explore(task: Task, rounds: int, executions: int) -> Growth:
    """Run the program with that many rounds, `executions` times at most."""
    program = Program(script=task.path, module=None, arguments=(str(rounds),))
    growth = Growth()
    started = perf_counter()
    with Session(program) as session:
        search = Dpor()
        while growth.executions < executions:
            start = perf_counter()
            plan = search.next_plan()
            if plan is None:
                break
            planned = perf_counter()
            execution = session.run(plan).execution
            ran = perf_counter()
            search.learn(execution)
            learned = perf_counter()
            running, searching = ran - planned, planned - start + learned - ran
            if growth.executions == 0:
                growth.first = running + searching
                growth.events = len(execution.operations)
            else:
                growth.running.append(running)
                growth.searching.append(searching)
            growth.executions += 1
            if growth.executions > 1 and learned - started > task.budget:
                break
    return growth


def rounds_for(task: Task, events: int) -> int:
    """How many rounds of the program make about that many events, from two short ones."""
    few, more = explore(task, 1, 1).events, explore(task, 11, 1).events
    return max(1, round(1 + (events - few) / ((more - few) / 10)))


def main() -> None:
    """Measure what the command line asks for."""
    task = read_task()
    with contextlib.redirect_stdout(io.StringIO()):
        rounds = rounds_for(task, int(task.extra[0]))
        # The caches of a process that has just started are cold, whatever the length.
        explore(task, 1, 3)
        growth = explore(task, rounds, EXECUTIONS)
    json.dump(asdict(growth), sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
