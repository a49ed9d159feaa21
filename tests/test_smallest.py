"""The smallest interleaving is the same one, whatever the search came upon first."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from gallery.gallery import Exhibit, exhibits, explored, report

from raceproof.explaining import Presenter
from raceproof.exploration import Options, Reference
from raceproof.interruption import Interruption
from raceproof.judge.findings import Result
from raceproof.judge.judge import Judge
from raceproof.search.sampling import RandomPriorities
from raceproof.session import Program, Session
from raceproof.world.scheduler import machine

EXHIBITS = {exhibit.name: exhibit for exhibit in exhibits()}


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Path]:
    before = os.getcwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def found_at_random(exhibit: Exhibit, seed: int, directory: Path, draws: int = 400) -> list[str]:
    """The replay files of the findings, when orders drawn at random are all that is known."""
    script = directory / f"{exhibit.name}.py"
    script.write_text(exhibit.wrong, encoding="utf-8")
    program = Program(script.name, None, ())
    options = Options(replay_dir="at_random")
    with Session(program) as session, Interruption(machine, lambda _: None) as interruption:
        reference = Reference(session, 60.0, interruption)
        judge = Judge(session.loader.sites, reference.contains, reference.outcomes)
        presenter = Presenter(session, judge, program, options)
        sampling = RandomPriorities(machine, seed)
        for _ in range(draws):
            run = session.run(sampling.next_plan())
            sampling.learn(run.execution)
            judge.hear(run.execution, run.outcome, run.record.lines(), None)
            for suspect in judge.unchecked():
                if presenter.is_harmless(suspect):
                    judge.dismiss(suspect)
            if judge.suspects:
                break
        findings = presenter.findings(Result("", "finding"), 60.0)
        return [Path(finding.replay).read_text(encoding="utf-8") for finding in findings]


@pytest.mark.parametrize(
    "name", ["RP101", "RP102", "RP104", "RP105", "RP107", "RP201", "RP204", "RP302", "RP304",
             "philosophers", "account_in_a_pool", "two_writers_of_a_pair", "queue_not_empty"]
)  # fmt: skip
def test_whatever_came_first(name: str, inside: Path) -> None:
    exhibit = EXHIBITS[name]
    result = explored(exhibit.wrong, exhibit.name, inside)
    expected = [Path(finding.replay).read_text(encoding="utf-8") for finding in result.findings]
    for seed in range(3):
        found = found_at_random(exhibit, seed, inside)
        assert found == expected


def test_a_search_that_runs_out_of_time_says_so(
    inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("raceproof.exploration.EXPLAINING", 0.0)
    result = explored(EXHIBITS["RP101"].wrong, "RP101", inside)
    assert [finding.smallest for finding in result.findings] == [False]
    assert "there may be a smaller interleaving" in report(result)


def test_another_failure_met_on_the_way_is_a_finding_too(inside: Path) -> None:
    source = """
        import threading

        x = y = 0

        def work():
            global x, y
            x += 1
            y += 1

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(x, y)
        """
    exhibit = Exhibit("two_counters", "RP101", textwrap.dedent(source), "")
    for seed in range(3):
        found = found_at_random(exhibit, seed, inside, draws=3)
        assert {json.loads(text)["signature"][1] for text in found} == {"x", "y"}
