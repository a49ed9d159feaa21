"""When an execution counts as hanging."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from raceproof.instrument import loader as loading
from raceproof.instrument.loader import Loader, Watch
from raceproof.interruption import progress
from raceproof.world.scheduler import machine


def test_import_of_a_module_is_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    before = progress(machine)
    assert progress(machine) == before
    monkeypatch.setitem(sys.modules, "some_new_module", types.ModuleType("some_new_module"))
    assert progress(machine) != before


def test_rewriting_is_not_the_program_hanging(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[bool] = []
    original = loading.rewrite

    def noted(source: bytes, *more: object, **options: object) -> object:
        seen.append(machine.preparing)
        return original(source, *more, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(loading, "rewrite", noted)
    Loader(Watch(str(tmp_path))).code(b"x = 1", str(tmp_path / "m.py"), "m")
    with pytest.raises(SyntaxError):
        Loader(Watch(str(tmp_path))).code(b"x = ", str(tmp_path / "m.py"), "m")
    assert seen == [True, True]
    assert not machine.preparing


def test_rewriting_takes_no_time_of_the_execution(tmp_path: Path) -> None:
    loader, start = Loader(Watch(str(tmp_path))), machine.started_at
    loader.code(b"x = 1", str(tmp_path / "m.py"), "m")
    assert machine.started_at == pytest.approx(start + loader.seconds)
    assert loader.seconds > 0
    loader.code(b"x = 1", str(tmp_path / "m.py"), "m")
    assert machine.started_at == pytest.approx(start + loader.seconds)
