"""A program that differs from run to run is told so, with what differs first; it is never blamed
for a race because of that, nor called free of races."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from raceproof import exploration
from raceproof.exploration import Options, explore
from raceproof.judge.findings import Result
from raceproof.session import Program

OUTLIVING = """
    import string, threading

    string.visits = getattr(string, "visits", 0) + 1  # nobody makes `string` anew
    lock = threading.Lock()
    shared = 0

    def work():
        global shared
        with lock:
            shared += 1
        {in_thread}

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    {at_end}
"""


@pytest.fixture(autouse=True)
def _forget_visits(monkeypatch: pytest.MonkeyPatch) -> None:
    import string

    monkeypatch.setattr(string, "visits", 0, raising=False)


def run(directory: Path, in_thread: str = "pass", at_end: str = "pass") -> Result:
    script = directory / "program.py"
    script.write_text(
        textwrap.dedent(OUTLIVING).format(in_thread=in_thread, at_end=at_end), encoding="utf-8"
    )
    options = Options(replay_dir=str(directory / "replays"))
    return explore(Program(str(script), None), options, lambda *_: None)


def the_note(result: Result) -> str:
    (note,) = [note for note in result.notes if note.startswith("not deterministic")]
    return note


def test_nothing_is_said_about_a_program_that_repeats_itself(tmp_path: Path) -> None:
    result = run(tmp_path, at_end="print(shared)")
    assert result.complete
    assert result.notes == []


def test_a_line_that_is_another_one_each_time(tmp_path: Path) -> None:
    result = run(tmp_path, at_end="print('visit', string.visits)")
    assert result.verdict == "ok"
    assert not result.complete
    assert result.cut == "not deterministic"
    assert "it printed 'visit 1', and 'visit 2' the second time" in the_note(result)
    assert result.interleavings == 2  # orders can be explored without looking at what is printed


def test_a_race_is_found_though_lines_differ(tmp_path: Path) -> None:
    result = run(tmp_path, in_thread="shared = shared + 1", at_end="print('visit', string.visits)")
    assert [finding.kind for finding in result.findings] == ["lost-update"]
    assert not result.complete
    assert "'visit 1'" in the_note(result)


def test_a_step_that_is_not_taken_again(tmp_path: Path) -> None:
    result = run(tmp_path, in_thread="if string.visits > 1: shared = 0")
    assert result.verdict == "ok"
    assert not result.complete
    note = the_note(result)
    assert "Thread-1 (work) did `finish thread`" in note
    assert "about to do `write shared`" in note
    assert "program.py:12: shared)" in note


def test_steps_that_are_left_out_the_second_time(tmp_path: Path) -> None:
    result = run(tmp_path, at_end="if string.visits == 1: shared = 0")
    assert not result.complete
    assert "where MainThread did `write shared`" in the_note(result)


def test_an_exception_from_the_second_time_on_is_no_finding(tmp_path: Path) -> None:
    result = run(tmp_path, at_end="assert string.visits < 2")
    assert result.findings == []
    assert not result.complete
    assert "it ended with 'ok', and with 'AssertionError' the second time" in the_note(result)


@pytest.mark.parametrize("last", [2, 3])
def test_an_exception_that_comes_later_is_no_finding(last: int, tmp_path: Path) -> None:
    result = run(tmp_path, at_end=f"assert string.visits <= {last}")
    assert result.findings == []
    assert not result.complete
    assert "not deterministic" in the_note(result)


def test_threads_that_influence_each_other_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Astray(exploration.Dpor):
        def __init__(self) -> None:
            super().__init__()
            self.slips = 1

    monkeypatch.setattr(exploration, "Dpor", Astray)
    result = run(tmp_path)
    assert result.verdict == "ok"
    assert not result.complete
    assert result.cut == "threads that influence each other unseen"
    (note,) = result.notes
    assert note.startswith("some interleavings may be missing")
    assert "--include NAME" in note
