"""Measuring, cutting and wrapping text."""

from __future__ import annotations

import pytest

from raceproof.report.layout import (
    ASCII,
    UNICODE,
    cells,
    clean,
    clip,
    clip_middle,
    clip_start,
    encodable,
    glyphs_for,
    wrap,
)


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("残高", 4), ("e\u0301", 1), ("", 0), ("🏦", 2), ("é", 1)]
)
def test_cells_are_counted_not_characters(text: str, width: int) -> None:
    assert cells(text) == width


def test_clipping_keeps_within_the_width_and_says_that_it_cut() -> None:
    assert clip("balance", 7, "…") == "balance"
    assert clip("balance", 5, "…") == "bala…"
    assert clip("残高残高", 5, "…") == "残高…"
    assert clip_start("account.balance", 8, "…") == "…balance"
    assert clip_middle("ThreadPoolExecutor-0_1", 9, "…") == "Thre…-0_1"
    assert clip("balance", 2, "...") == "ba"


def test_lines_break_at_spaces_then_after_punctuation_then_anywhere() -> None:
    assert wrap("new_balance = self.balance", 14, 2, "…") == ["new_balance =", "self.balance"]
    assert wrap("executor.submit(account.withdraw)", 18, 2, "…") == [
        "executor.submit(",
        "account.withdraw)",
    ]
    assert wrap("abcdefghij", 4, 3, "…") == ["abcd", "efgh", "ij"]


def test_the_last_line_is_cut() -> None:
    assert wrap("one two three four", 8, 2, "…") == ["one two", "three f…"]


def test_a_character_wider_than_the_room_does_not_stop_the_wrapping() -> None:
    assert len(wrap("残高残高", 1, 10, "…")) <= 10


def test_control_characters_are_spelled_out() -> None:
    assert clean("a\x1b[31m\rb\tc\u202e") == "a\\x1b[31m\\rb    c\\u202e"
    assert clean("two\nlines") == "two\\nlines"


def test_what_the_encoding_lacks_is_spelled_out() -> None:
    assert clean("残高 é", "cp1252") == "\\u6b8b\\u9ad8 é"
    assert clean("é", "ascii") == "\\xe9"
    assert clean("\udc80") == "\\udc80"
    assert encodable("é", "no-such-encoding") == "\\xe9"


def test_signs_fit_the_encoding() -> None:
    assert glyphs_for("utf-8") is UNICODE
    assert glyphs_for("cp1252") is ASCII
    assert glyphs_for("ascii") is ASCII
