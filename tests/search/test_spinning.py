"""Loops that wait, against all the states of small programs: nothing is lost by not following
rounds that find nothing, and nothing is run in vain."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from search.spinning_programs import Ending, Program, endings, generate, source_of

from raceproof.search.dpor import Dpor
from raceproof.session import Program as Script
from raceproof.session import Session
from raceproof.world.scheduler import machine
from raceproof.world.scheduling import loop_knowledge

MOST_STATES = 5_000
MOST_EXECUTIONS = 300


def by_search(program: Program, directory: Path) -> set[Ending] | None:
    """What the search comes to; None if that takes too many executions."""
    script = directory / "program.py"
    script.write_text(source_of(program))
    with Session(Script(str(script), None)) as session:
        while True:
            found: set[Ending] = set()
            search = Dpor()
            executions = 0
            while (plan := search.next_plan()) is not None:
                run = session.run(plan)
                if machine.learned:
                    session.restart()
                    break
                assert run.execution.end in ("finished", "stuck"), run.execution
                search.learn(run.execution)
                found.add((run.execution.end, tuple(sorted(run.record.lines()))))
                executions += 1
                if executions > MOST_EXECUTIONS:
                    return None
            else:
                assert (search.redundant, search.slips) == (0, 0)
                return found


@pytest.mark.parametrize("block", range(6))
def test_search_finds_all_that_loops_can_come_to(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_knowledge, "LAST_CHANCE", 50)
    compared = 0
    seed = 1_000 * block
    while compared < 10:
        program = generate(random.Random(seed))
        seed += 1
        expected = endings(program, MOST_STATES)
        if expected is None or (found := by_search(program, tmp_path)) is None:
            continue
        compared += 1
        assert found == expected, f"seed {seed - 1}\n{source_of(program)}"


def test_generated_programs_end_in_every_way() -> None:
    found: set[str] = set()
    for seed in range(200):
        ends = endings(generate(random.Random(seed)), MOST_STATES)
        found.add(" or ".join(sorted({end for end, _ in ends or ()})))
    assert {"finished", "stuck", "finished or stuck"} <= found
