"""Every program of the gallery shows its mistake and nothing else; its twin shows none."""

from __future__ import annotations

from pathlib import Path

import pytest
from gallery.gallery import Exhibit, exhibits, explored, report
from gallery.smallest import SMALLEST, turns
from report.expectation import assert_expected

from raceproof.judge.codes import CODES

EXPECTED = Path(__file__).parent / "expected"
EXHIBITS = exhibits()


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.name)
def test_the_report_is_exactly_this(exhibit: Exhibit, tmp_path: Path) -> None:
    result = explored(exhibit.wrong, exhibit.name, tmp_path, exhibit.timeouts)
    assert [finding.code for finding in result.findings] == [exhibit.code]
    assert_expected(exhibit.name, report(result), EXPECTED)
    replay = (tmp_path / result.findings[0].replay).read_text(encoding="utf-8")
    assert turns(replay) == SMALLEST[exhibit.name]


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.name)
def test_the_mended_twin_is_silent(exhibit: Exhibit, tmp_path: Path) -> None:
    result = explored(exhibit.right, f"{exhibit.name}_mended", tmp_path, exhibit.timeouts)
    assert result.findings == []
    assert result.verdict == "ok"
    assert result.complete


def test_every_code_has_an_exhibit_of_its_own() -> None:
    assert [exhibit.code for exhibit in EXHIBITS[: len(CODES)]] == list(CODES)
    assert len(EXHIBITS) >= 40


def test_no_expectation_is_left_over() -> None:
    assert {file.stem for file in EXPECTED.glob("*.txt")} == {e.name for e in EXHIBITS}
