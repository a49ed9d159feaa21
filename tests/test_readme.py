"""What the README shows is what a user sees."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest
from rich.console import Console

from raceproof.exploration import Options, explore
from raceproof.report.text import print_result
from raceproof.session import Program

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def shown(script: str) -> str:
    """The report about an example in the README."""
    for block in README.split("```\n"):
        if block.startswith(f"raceproof: {script}:"):
            return block
    raise AssertionError(f"the README does not show {script}")


def untimed(text: str) -> str:
    return re.sub(r"\d+\.\d+ s$", "... s", text, flags=re.MULTILINE)


@pytest.mark.parametrize("script", ["examples/02_account_race.py", "examples/03_account_lock.py"])
def test_the_readme_shows_the_real_output(script: str, tmp_path: Path) -> None:
    before = os.getcwd()
    os.chdir(ROOT)
    try:
        options = Options(replay_dir=str(tmp_path), keep_going=True)
        result = explore(Program(script, None, ()), options, lambda *_: None)
    finally:
        os.chdir(before)
    for finding in result.findings:
        finding.replay = f".raceproof/{Path(finding.replay).name}"
    stream = io.StringIO()
    print_result(result, Console(file=stream, width=80, highlight=False))
    assert untimed(stream.getvalue()) == untimed(shown(script))
