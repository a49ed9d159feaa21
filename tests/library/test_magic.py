"""The cell magic: cells are programs that share a namespace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import raceproof
from raceproof.magic import settings_in

pytest.importorskip("IPython")

HELPERS = """
import threading
counter = 0
def together(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
def add():
    global counter
    counter += 1
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    found = InteractiveShell(config=config)
    found.run_line_magic("load_ext", "raceproof")
    found.run_cell(HELPERS)
    yield found
    assert os.getcwd() == str(tmp_path)


def test_a_cell_with_functions_of_other_cells(shell: Any) -> None:
    cell = "together(add, add)\nresult = counter\nassert counter == 2\n"
    report = shell.run_cell_magic("raceproof", "max_seconds=5", cell)
    assert [finding.kind for finding in report.findings] == ["lost-update"]
    assert shell.user_ns["counter"] == 0
    assert "result" not in shell.user_ns


def test_a_function_of_a_notebook(shell: Any) -> None:
    shell.run_cell("import raceproof\nreport = raceproof.explore(lambda: together(add, add))\n")
    assert [finding.kind for finding in shell.user_ns["report"].findings] == ["lost-update"]


def test_settings_on_the_line() -> None:
    assert settings_in("max_seconds=2.5 keep-going=true timeouts=any") == {
        "max_seconds": 2.5,
        "keep_going": True,
        "timeouts": "any",
    }
    with pytest.raises(raceproof.BadSetting, match="write name=value"):
        settings_in("fast")
