"""How much room text takes on a terminal, and how to make it take less.

Terminals count cells, not characters: an East Asian character takes two, a combining accent none.
Everything that a report aligns, cuts or wraps is measured here.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The few signs beyond ASCII that a report uses."""

    ellipsis: str
    bar: str
    rule: str
    cross: str
    arrow: str


UNICODE: Final = Glyphs(ellipsis="…", bar="│", rule="─", cross="┼", arrow="→")
ASCII: Final = Glyphs(ellipsis="...", bar="|", rule="-", cross="+", arrow="->")


def glyphs_for(encoding: str) -> Glyphs:
    """The signs that a stream with this encoding can show."""
    signs = UNICODE.ellipsis + UNICODE.bar + UNICODE.rule + UNICODE.cross + UNICODE.arrow
    return UNICODE if encodable(signs, encoding) == signs else ASCII


def encodable(text: str, encoding: str) -> str:
    """`text` with a backslash escape for every character that `encoding` has no place for."""
    try:
        return text.encode(encoding, "backslashreplace").decode(encoding, "replace")
    except LookupError:
        return text.encode("ascii", "backslashreplace").decode("ascii")


def clean(text: str, encoding: str = "utf-8") -> str:
    """`text` as one line that is safe to print.

    Programs under test print what they like; an escape sequence or a carriage return of theirs
    must not repaint the report.
    """
    text = text.replace("\t", "    ")
    if not text.isprintable():
        text = "".join(
            sign if sign.isprintable() or sign == "\u200d" else _escaped(sign) for sign in text
        )
    return encodable(text, encoding)


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")


def cells(text: str) -> int:
    """How many cells of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text))


def _cells_of(sign: str) -> int:
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def fitting(text: str, width: int) -> int:
    """How many characters at the start of `text` fit into `width` cells."""
    if text.isascii():
        return min(len(text), width)
    taken = 0
    for count, sign in enumerate(text):
        taken += _cells_of(sign)
        if taken > width:
            return count
    return len(text)


def clip(text: str, width: int, ellipsis: str) -> str:
    """`text`, cut at its end if it takes more than `width` cells."""
    if cells(text) <= width:
        return text
    if width <= len(ellipsis):
        return text[: fitting(text, width)]
    return text[: fitting(text, width - len(ellipsis))].rstrip() + ellipsis


def clip_start(text: str, width: int, ellipsis: str) -> str:
    """`text`, cut at its start: of a dotted name, the end says most."""
    if cells(text) <= width:
        return text
    if width <= len(ellipsis):
        return clip(text, width, ellipsis)
    kept = fitting(text[::-1], width - len(ellipsis))
    return ellipsis + text[len(text) - kept :]


def clip_middle(text: str, width: int, ellipsis: str) -> str:
    """`text`, cut in its middle: thread names differ at their start or at their end."""
    if cells(text) <= width:
        return text
    room = width - len(ellipsis)
    if room < 2:
        return clip(text, width, ellipsis)
    tail = fitting(text[::-1], room // 2)
    return text[: fitting(text, room - room // 2)] + ellipsis + text[len(text) - tail :]


def wrap(text: str, width: int, limit: int, ellipsis: str) -> list[str]:
    """`text` on at most `limit` lines of `width` cells, the last one cut if need be."""
    width = max(width, 1)
    lines: list[str] = []
    while cells(text) > width and len(lines) < limit - 1:
        end = _break_at(text, width)
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip()
    lines.append(clip(text, width, ellipsis))
    return lines


def _break_at(text: str, width: int) -> int:
    """Where a line that is too long is best broken: at a space, or after punctuation."""
    # A single wide character may not fit at all; taking it anyway is what ends the loop of `wrap`.
    end = max(fitting(text, width), 1)
    if text[end : end + 1] == " ":
        return end
    space = text.rfind(" ", 0, end)
    if space >= end // 2:
        return space
    punctuation = 1 + max(text.rfind(sign, 0, end) for sign in ",([{.=")
    if punctuation > end // 2:
        return punctuation
    return space if space > 0 else end
