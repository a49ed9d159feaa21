"""Compares a text with the one that is kept in `expected/`."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "expected"


def assert_expected(name: str, text: str, folder: Path = FOLDER) -> None:
    """`text` is the content of `expected/NAME.txt`; with UPDATE_EXPECTED=1 it becomes so."""
    file = folder / f"{name}.txt"
    if os.environ.get("UPDATE_EXPECTED"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
