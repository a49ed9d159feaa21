"""The gallery: small programs that each make one mistake, and their twins that do not.

One pair for each code comes from the pages about the mistakes, the others are in `programs/`.
"""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from raceproof.exploration import Options, explore
from raceproof.judge.codes import CODES
from raceproof.judge.findings import Result
from raceproof.report.text import print_result
from raceproof.session import Program

HERE = Path(__file__).parent
PAGES = HERE.parent.parent / "docs" / "codes"
MOST_INTERLEAVINGS = 100


@dataclass(frozen=True)
class Exhibit:
    """A program that makes a mistake, and one that does not."""

    name: str
    code: str
    wrong: str
    right: str
    timeouts: str = "idle"


def exhibits() -> list[Exhibit]:
    """All of them, those of the pages first."""
    found = []
    for code in CODES:
        wrong, right = blocks((PAGES / f"{code}.md").read_text(encoding="utf-8"))
        found.append(Exhibit(code, code, wrong, right))
    for file in sorted((HERE / "programs").glob("*.py")):
        if not file.stem.endswith("_mended"):
            text = file.read_text(encoding="utf-8")
            twin = file.with_name(f"{file.stem}_mended.py").read_text(encoding="utf-8")
            title = re.match(r'"""(RP\d+)(?: \(--timeouts (\w+)\))?:', text)
            assert title is not None, file
            found.append(Exhibit(file.stem, title[1], text, twin, title[2] or "idle"))
    return found


def blocks(page: str) -> tuple[str, str]:
    """The programs on a page: the wrong one and the right one."""
    wrong, right = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return wrong, right


def explored(source: str, name: str, directory: Path, timeouts: str = "idle") -> Result:
    """What exploring a program comes to, without what differs from run to run."""
    (directory / f"{name}.py").write_text(source, encoding="utf-8")
    # A search that does not care for the clock.
    options = Options(
        max_seconds=600.0, max_interleavings=MOST_INTERLEAVINGS, keep_going=True,
        replay_dir=".raceproof", timeouts=timeouts,
    )  # fmt: skip
    before = os.getcwd()
    os.chdir(directory)
    try:
        result = explore(Program(f"{name}.py", None, ()), options, lambda *_: None)
    finally:
        os.chdir(before)
    result.seconds = 0.01
    for finding in result.findings:
        finding.traceback = ""  # another text in each version of Python
    return result


def report(result: Result, width: int = 80) -> str:
    """What a person sees."""
    stream = io.StringIO()
    print_result(result, Console(file=stream, width=width, highlight=False))
    return stream.getvalue()
