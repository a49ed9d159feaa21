"""The pages about the mistakes: where they are, and which one somebody asks for.

They are part of the documentation, and come with the package.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from raceproof.judge.codes import CODES, Code

_PACKAGE: Final = Path(__file__).parent.parent
PLACES: Final = (_PACKAGE / "codes", _PACKAGE.parent.parent / "docs" / "codes")
"""In an installed package, and in a clone."""


class NoSuchCode(Exception):
    """Nobody knows this code; the message says which there are."""


def find(wanted: str) -> Code:
    """The code that somebody means by `RP101`, `rp101`, `101` or `lost-update`.

    Raises `NoSuchCode`.
    """
    text = wanted.strip().lower()
    for code in CODES.values():
        if text in (code.number.lower(), code.number[2:], _plain(code.name)):
            return code
        if _plain(text) == _plain(code.name):
            return code
    raise NoSuchCode(f"there is no code {wanted}; `raceproof explain` lists them all")


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower().replace("-", " ") if sign not in "`()").strip()


def page(code: Code) -> str:
    """The page about a code.  Raises OSError if the installation lacks it."""
    for place in PLACES:
        file = place / f"{code.number}.md"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise FileNotFoundError(f"the page about {code.number} is missing from this installation")


def overview() -> str:
    """One line for each code."""
    width = max(len(code.name) for code in CODES.values())
    rows = [f"{code.number}  {code.name:<{width}}  {code.summary}" for code in CODES.values()]
    return "\n".join([*rows, "", "`raceproof explain CODE` shows the page about one of them."])
