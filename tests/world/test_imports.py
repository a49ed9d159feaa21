"""A thread that imports what another is importing waits until it is there."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world.simulation import explore

from raceproof.world import imports

SLOW = """
import threading
event, done = threading.current_thread().event, []
with event.lock:
    pass
done.append(1)
"""


@pytest.fixture
def _modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "rp_slow.py").write_text(SLOW)
    (tmp_path / "rp_one.py").write_text(SLOW + "import rp_two\n")
    (tmp_path / "rp_two.py").write_text(SLOW + "import rp_one\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    _forget()


def _forget() -> None:
    for name in ("rp_slow", "rp_one", "rp_two"):
        sys.modules.pop(name, None)


class _Event:
    def __init__(self) -> None:
        self.lock = threading.Lock()


def importing(*names: str) -> Any:
    """Each of the threads imports one module, and uses a lock that the modules use as well."""

    def program() -> tuple[int, ...]:
        _forget()
        event = _Event()
        found: list[Any] = []

        def load(name: str) -> None:
            with event.lock:
                pass
            found.append(importlib.import_module(name))

        threads = [threading.Thread(target=load, args=(name,)) for name in names]
        for thread in threads:
            thread.event = event  # type: ignore[attr-defined]
            thread.start()
        for thread in threads:
            thread.join()
        return tuple(len(module.done) for module in found)

    return program


@pytest.fixture
def _watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "is_watched", lambda name: name.startswith("rp_"))


@pytest.mark.usefixtures("_modules", "_watched")
def test_whoever_is_first_imports() -> None:
    found = explore(importing("rp_slow", "rp_slow"))
    assert set(found.results) == {(1, 1)}
    assert found.ends.keys() == {"finished"}


@pytest.mark.usefixtures("_modules", "_watched")
def test_two_threads_that_import_a_circle() -> None:
    found = explore(importing("rp_one", "rp_two"))
    assert found.ends.keys() == {"finished"}
    assert found.executions > 1


@pytest.mark.usefixtures("_modules")
def test_nobody_sees_half_a_module() -> None:
    found = explore(importing("rp_slow", "rp_slow"))
    assert set(found.results) == {(1, 1)}
    assert found.ends.keys() == {"finished"}
    assert found.executions > 1
