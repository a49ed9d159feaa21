"""The library: a function in, a report out, and everything as it was."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import raceproof
from raceproof import exploration
from raceproof.world.scheduler import machine

lock = threading.Lock()
counter = 0
cache: dict[str, int] = {}
log: list[str] = []


@pytest.fixture(autouse=True)
def in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    assert not machine.active


def together(*functions: Callable[[], Any]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def lost_update() -> int:
    box = {"n": 0}

    def add() -> None:
        box["n"] += 1

    together(add, add)
    return box["n"]


def locked() -> int:
    def add() -> None:
        global counter
        with lock:
            counter += 1

    together(add, add)
    return counter


def kinds(report: raceproof.Report) -> list[str]:
    return [finding.kind for finding in report.findings]


# -- reports -----------------------------------------------------------------------------------


def test_a_finding() -> None:
    report = raceproof.explore(lost_update)
    assert (report.verdict, report.complete, report.interleavings) == ("finding", True, 4)
    assert kinds(report) == ["lost-update"]
    assert report.estimated == 4
    assert {outcome.value for outcome in report.outcomes} == {"1", "2"}
    assert "RACE FOUND (lost update)" in str(report)
    assert json.loads(report.to_json())["findings"][0]["command"].startswith("raceproof.replay(")


def test_raise_for_findings() -> None:
    report = raceproof.explore(lost_update)
    with pytest.raises(raceproof.RaceFound, match="lost update") as caught:
        report.raise_for_findings()
    assert caught.value.report is report


def test_the_exception_of_the_interleaving_is_the_cause() -> None:
    def check() -> None:
        assert lost_update() == 2

    with pytest.raises(raceproof.RaceFound) as caught:
        raceproof.explore(check).raise_for_findings()
    assert isinstance(caught.value.__cause__, AssertionError)


def test_no_finding() -> None:
    report = raceproof.explore(locked)
    assert (report.verdict, report.complete, report.interleavings) == ("ok", True, 2)
    report.raise_for_findings()


def test_incomplete() -> None:
    report = raceproof.explore(lost_update, max_interleavings=1, require_complete=True)
    assert not report.complete
    if not report.findings:
        with pytest.raises(raceproof.Incomplete):
            report.raise_for_findings()


def test_replay() -> None:
    report = raceproof.explore(lost_update)
    assert kinds(raceproof.replay(report.replay, lost_update)) == ["lost-update"]
    assert raceproof.replay(report.replay, locked).verdict == "ok"
    with pytest.raises(raceproof.CannotRun, match="cannot read nothing"):
        raceproof.replay("nothing", lost_update)


# -- settings ----------------------------------------------------------------------------------


def test_an_unknown_setting_is_refused_with_a_list() -> None:
    with pytest.raises(raceproof.BadSetting, match=r"did you mean 'max_seconds'.*require_complete"):
        raceproof.explore(locked, max_secs=1)
    with pytest.raises(raceproof.BadSetting, match="must be a number above 0, not -1"):
        raceproof.explore(locked, max_seconds=-1)
    with pytest.raises(raceproof.BadSetting):
        raceproof.explore(colour="red")


def test_what_cannot_be_explored() -> None:
    with pytest.raises(TypeError, match="takes a function"):
        raceproof.explore(3)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="no function written in Python"):
        raceproof.explore(print)
    namespace: dict[str, Any] = {}
    exec(compile("def f(): pass", "<made up>", "exec"), namespace)
    with pytest.raises(raceproof.CannotRun, match="no source for f"):
        raceproof.explore(namespace["f"])


def test_no_exploration_inside_of_another() -> None:
    report = raceproof.explore(lambda: raceproof.explore(locked))
    assert "cannot take place inside of another" in report.outcomes[0].exit


# -- what can be called ------------------------------------------------------------------------


class Worker:
    def __init__(self, times: int = 1) -> None:
        self.times = times

    def run(self) -> int:
        return lost_update()

    def __call__(self) -> int:
        return lost_update()


@pytest.mark.parametrize("thing", [Worker().run, Worker(), lambda: lost_update()])
def test_anything_that_can_be_called_without_arguments(thing: Any) -> None:
    assert kinds(raceproof.explore(thing)) == ["lost-update"]


# -- what modules keep -------------------------------------------------------------------------


def test_what_the_modules_keep_is_put_back() -> None:
    def fill() -> int:
        def add(name: str) -> None:
            with lock:
                cache[name] = len(cache)
                log.append(name)

        together(lambda: add("a"), lambda: add("b"))
        return len(log)

    report = raceproof.explore(fill)
    assert [outcome.value for outcome in report.outcomes] == ["2"]
    assert report.complete
    assert (counter, cache, log) == (0, {}, [])
    assert {"cache", "log"} <= {name.rpartition(".")[2] for name in report.result.changed}
    assert not lock.locked()
    assert type(lock) is type(threading.Lock())


def made_before() -> tuple[Callable[[], None], Callable[[], int]]:
    number = 0

    def add() -> None:
        nonlocal number
        number += 1

    return add, lambda: number


add_one, get_number = made_before()
add_other, _ = made_before()


def test_variables_of_closures_made_before() -> None:
    def same() -> int:
        together(add_one, add_one)
        return get_number()

    def different() -> int:
        together(add_one, add_other)
        return get_number()

    report = raceproof.explore(same)
    assert kinds(report) == ["lost-update"]
    assert {outcome.value for outcome in report.outcomes} == {"1", "2"}
    assert get_number() == 0
    report = raceproof.explore(different)
    assert (report.verdict, report.interleavings) == ("ok", 1)


def endless() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


numbers = endless()


def test_what_cannot_be_put_back_is_named() -> None:
    def draw() -> int:
        together(lambda: next(numbers), lambda: next(numbers))
        return next(numbers)

    report = raceproof.explore(draw)
    assert not report.complete
    assert any("numbers (generator)" in note for note in report.notes)


# -- outcomes ----------------------------------------------------------------------------------


def test_outcomes_are_values_exceptions_and_standstills() -> None:
    def mixed() -> int:
        one, other = threading.Lock(), threading.Lock()

        def crossed(first: threading.Lock, second: threading.Lock) -> None:
            with first, second:
                pass

        together(lambda: crossed(one, other), lambda: crossed(other, one))
        return 7

    assert raceproof.outcomes(lost_update) == {1, 2}
    assert raceproof.outcomes(mixed) == {7, raceproof.Stuck("deadlock")}
    assert raceproof.outcomes(lambda: [][0]) == {
        raceproof.Raised("IndexError", "list index out of range")
    }


def test_outcomes_need_all_interleavings() -> None:
    with pytest.raises(raceproof.Incomplete):
        raceproof.outcomes(lost_update, max_interleavings=1)
    assert raceproof.outcomes(lost_update, max_interleavings=1, require_complete=False) <= {1, 2}


def test_outcomes_have_to_be_hashable() -> None:
    with pytest.raises(TypeError, match="not list"):
        raceproof.outcomes(lambda: [1])


# -- conditions --------------------------------------------------------------------------------


def test_always_cannot_be_swallowed() -> None:
    def careless() -> None:
        seen: list[int] = []

        def look(n: int) -> None:
            seen.append(n)
            try:
                raceproof.always(seen[0] == 1, "1 comes first")
            except AssertionError:
                pass

        together(lambda: look(1), lambda: look(2))

    report = raceproof.explore(careless)
    assert report.verdict == "finding"
    assert any("not always: 1 comes first" in finding.message for finding in report.findings)


def test_sometimes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exploration, "AFTER_FIRST_FINDING", float("inf"))

    def either(label: str) -> None:
        value = lost_update()
        raceproof.sometimes(value == 1, "lost")
        raceproof.sometimes(value == 3, label)

    report = raceproof.explore(lambda: either("gained"), max_seconds=60)
    assert [f.message for f in report.findings if f.kind == "never"] == [
        "gained: never, in 4 interleavings that came there"
    ]
    assert {c.label: (c.held, c.reached) for c in report.result.conditions} == {
        "lost": (2, 4),
        "gained": (0, 4),
    }
    report = raceproof.explore(lambda: either("gained"), max_interleavings=2)
    assert any("not seen so far" in note for note in report.notes)


def test_outside_of_a_search() -> None:
    raceproof.sometimes(False, "nobody minds")
    raceproof.always(True, "fine")
    with pytest.raises(AssertionError, match="not always: that is wrong"):
        raceproof.always(False, "that is wrong")


# -- decorator ---------------------------------------------------------------------------------


def test_as_a_decorator_without_the_plugin() -> None:
    @raceproof.explore(max_seconds=5)
    def racy(expected: int) -> None:
        assert lost_update() == expected

    with pytest.raises(raceproof.RaceFound):
        racy(2)


# -- scripts and notebooks ---------------------------------------------------------------------


def test_from_a_plain_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
            import threading
            import raceproof

            total = 0

            def add():
                global total
                total += 1

            def race():
                threads = [threading.Thread(target=add) for _ in range(2)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                return total

            if __name__ == "__main__":
                report = raceproof.explore(race)
                print([finding.kind for finding in report.findings], total)
        """),
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "['lost-update'] 0\n"


def test_importing_is_cheap() -> None:
    code = "import sys, raceproof; print(len([m for m in sys.modules if 'raceproof' in m]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_a_function_that_has_a_loop_of_its_own_is_explored_from_within_another() -> None:
    """As in a notebook."""

    def program() -> int:
        return asyncio.run(asyncio.to_thread(int))

    async def notebook() -> tuple[raceproof.Report, bool]:
        task = asyncio.current_task()
        report = raceproof.explore(program)
        await asyncio.sleep(0)
        return report, asyncio.current_task() is task

    report, is_as_before = asyncio.run(notebook())
    assert (report.verdict, report.complete) == ("ok", True)
    assert is_as_before


def test_attributes_that_a_module_makes_when_they_are_asked_for() -> None:
    lazy = types.ModuleType("lazy")

    def make(name: str) -> Any:
        vars(lazy)[name] = len
        return len

    lazy.__getattr__ = make  # type: ignore[method-assign]

    def look() -> int:
        together(lambda: lazy.first, lambda: lazy.second)
        return 1

    report = raceproof.explore(look)
    assert (report.complete, report.verdict, report.notes) == (True, "ok", [])
