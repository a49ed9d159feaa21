"""Rewritten code is compiled with site numbers that stand for others, and gets its real ones when
it is loaded: these depend on which modules were loaded before.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

_LOWEST = 1 << 61
"""Large numbers are constants of the code, never part of an instruction."""


def provisional(digest: bytes) -> int:
    """The first site number in the code of a source with this digest.

    It is not a constant of that source, short of a source that contains its own digest.
    """
    return _LOWEST + int.from_bytes(digest[:7], "big")


def relocated(code: types.CodeType, provisional: int, count: int, first: int) -> types.CodeType:
    """The code with the `count` numbers from `provisional` on replaced by those from `first` on."""
    end, shift = provisional + count, first - provisional

    def constant(value: Any) -> Any:
        kind = type(value)
        if kind is int:
            return value + shift if provisional <= value < end else value
        if kind is types.CodeType:
            return replaced(value)
        if kind is tuple:
            return _mapped(constant, value)
        return value

    def replaced(code: types.CodeType) -> types.CodeType:
        constants = _mapped(constant, code.co_consts)
        return code if constants is code.co_consts else code.replace(co_consts=constants)

    return replaced(code)


def _mapped(change: Callable[[Any], Any], values: tuple[Any, ...]) -> tuple[Any, ...]:
    changed = tuple(map(change, values))
    return values if all(map(_same, changed, values)) else changed


def _same(one: object, other: object) -> bool:
    return one is other
