"""What a failing test says about its interleaving, between the traceback and what was printed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

TITLE = "raceproof"


def add_to(report: pytest.TestReport, item: pytest.Item) -> None:
    """Add the explanation to a report, and the figures for the summary."""
    told = item._raceproof  # type: ignore[attr-defined]
    if told is None:
        return
    report.raceproof = asdict(told)  # type: ignore[attr-defined]
    if not told.text or not report.failed:
        return
    add_section: Any = getattr(report.longrepr, "addsection", None)
    if add_section is not None:
        add_section(TITLE, told.text)
    else:
        report.sections.append((TITLE, told.text))
