"""Watching libraries: programs go on as they did, and raceproof with them."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from raceproof.exploration import CannotRun, Options, Program, explore
from raceproof.judge.findings import Result


def explored(tmp_path: Path, source: str, *include: str, **files: str) -> Result:
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(source))
    options = Options(include=include, max_seconds=60, replay_dir=str(tmp_path / "replays"))
    return explore(Program(str(script), None), options, lambda *_: None)


def lines(result: Result) -> list[Any]:
    assert result.error == ""
    return [outcome.lines for outcome in result.outcomes]


THREADS = """
import threading
def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def test_modules_that_raceproof_uses_itself_can_be_watched(tmp_path: Path) -> None:
    source = """
        import ast, collections, contextlib, dataclasses, enum, functools, json, typing
        from helper import run
        class Color(enum.Enum): RED = 1
        @dataclasses.dataclass
        class Point: x: int = 0
        counts = collections.Counter()
        @functools.lru_cache
        def twice(n): return 2 * n
        def work():
            with contextlib.suppress(KeyError): counts.update("ab")
        run(work, lambda: twice(2))
        print(json.dumps([Color.RED.value, twice(3), Point().x]), typing.get_type_hints(Point))
        print(type(ast.parse("1")).__name__, sum(counts.values()))
    """
    names = ("ast", "collections", "contextlib", "dataclasses", "enum", "functools", "json",
             "typing")  # fmt: skip
    before = {name: sys.modules[name] for name in names}
    result = explored(tmp_path, source, *names, helper=THREADS)
    assert lines(result) == [["[1, 6, 0] {'x': <class 'int'>}", "Module 2"]]
    assert set(names) <= set(result.watched)
    assert {name: sys.modules[name] for name in names} == before


def test_race_inside_a_library_is_found(tmp_path: Path) -> None:
    source = """
        import random
        from helper import run
        seen = [None, None]
        random.seed(1)
        random.gauss(0, 1)  # makes two numbers, and keeps one for the next call
        def draw(n): seen[n] = random.gauss(0, 1)
        run(lambda: draw(0), lambda: draw(1))
        assert seen[0] != seen[1], "the same number twice"
    """
    result = explored(tmp_path, source, "random", helper=THREADS)
    assert any("gauss" in place.function for f in result.findings for place in f.where)


def test_watched_random_draws_the_same_in_every_run(tmp_path: Path) -> None:
    source = """
        import random
        print(random.random(), random.Random().random(), random.SystemRandom().random())
    """
    first = lines(explored(tmp_path, source, "random"))
    assert first == lines(explored(tmp_path, source, "random"))


def test_library_that_uses_the_program_is_executed_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "site-packages"
    library.mkdir()
    (library / "plugged.py").write_text(
        "import models\nmade = models.Model()\nclass Mine(models.Model): pass\n"
    )
    (library / "plugged_twice.py").write_text("from plugged import Mine\n")
    monkeypatch.syspath_prepend(str(library))
    source = """
        import models, plugged, plugged_twice
        from helper import run
        n = 0
        def work():
            global n
            n += 1
        run(work, work)
        print(isinstance(plugged.made, models.Model))
        print(issubclass(plugged_twice.Mine, models.Model))
    """
    result = explored(tmp_path, source, helper=THREADS, models="class Model: pass")
    assert lines(result) == [["True", "True"]] * len(result.outcomes)
    assert result.interleavings > 2
    assert "plugged" in result.unwatched


def test_module_that_is_not_imported_is_mentioned(tmp_path: Path) -> None:
    result = explored(tmp_path, "import json", "json", "email")
    assert "--include email: the program has not imported it" in result.notes
    assert not any("json" in note for note in result.notes)


def test_module_that_cannot_be_watched_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="--include itertools: it is part of the interpreter"):
        explored(tmp_path, "pass", "itertools")
