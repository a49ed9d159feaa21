"""One long execution after another of a program: the time to run it, to learn from it, to judge it.

Processor time, since all of it is one thread that never waits.  Goes below
`raceproof.exploration.explore`, which does not tell the three apart.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import asdict
from statistics import median
from time import process_time

from child import Growth, Task, read_task

from raceproof.judge.judge import Judge
from raceproof.search.dpor import Dpor
from raceproof.session import Program, Session

FIRSTS = 6
EXECUTIONS = 30
"""Enough to see what an execution costs once the search has begun to steer."""


def explore(task: Task, rounds: int, executions: int) -> Growth:
    """Run the program with that many rounds, `executions` times at most."""
    program = Program(script=task.path, module=None, arguments=(*task.arguments, str(rounds)))
    growth = Growth()
    started = process_time()
    with Session(program) as session:
        search = Dpor()
        # The serial orders are not the matter here: every outcome counts as theirs.
        judge = Judge(session.loader.sites, lambda _: True)
        while growth.executions < executions:
            start = process_time()
            plan = search.next_plan()
            if plan is None:
                break
            known = plan.known
            planned = process_time()
            run = session.run(plan)
            ran = process_time()
            search.learn(run.execution)
            learned = process_time()
            judge.hear(run.execution, run.outcome, run.record.lines(), known)
            judged = process_time()
            if run.execution.end != "finished" or run.execution.truncated:
                sys.exit(f"{task.program} with {rounds} rounds does not run to its end")
            searching = planned - start + learned - ran
            if growth.executions == 0:
                growth.first = [ran - planned, searching, judged - learned]
                growth.events = len(run.execution.operations)
            else:
                growth.running.append(ran - planned)
                growth.searching.append(searching)
                growth.judging.append(judged - learned)
                growth.repeated += known
            growth.executions += 1
            if growth.executions > 1 and judged - started > task.budget:
                break
    return growth


LEAST = 2
"""Rounds; with fewer, some programs have but one order."""


def rounds_for(task: Task, events: int) -> int:
    """How many rounds of the program make about that many events, from two short ones."""
    few, more = explore(task, LEAST, 1).events, explore(task, LEAST + 10, 1).events
    return max(LEAST, round(LEAST + (events - few) / ((more - few) / 10)))


def main() -> None:
    """Measure what the command line asks for."""
    task = read_task()
    with contextlib.redirect_stdout(io.StringIO()):
        rounds = rounds_for(task, int(task.extra[0]))
        # The caches of a process that has just started are cold, whatever the length.
        explore(task, LEAST, 3)
        started = process_time()
        firsts = []
        for _ in range(FIRSTS):
            firsts.append(explore(task, rounds, 1).first)
            if process_time() - started > task.budget:
                break
        growth = explore(task, rounds, EXECUTIONS)
        # There is but one first execution in a search, so it takes several searches.
        growth.first = [median(parts) for parts in zip(*firsts, growth.first, strict=True)]
    json.dump(asdict(growth), sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
