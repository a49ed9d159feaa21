"""What a thread was given to work on, as it was then: lists of results fill up while threads run.

Reports call a thread by what it does, whenever they are asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

LONGEST: Final = 8
_CHANGING: Final = frozenset({list, dict, set, bytearray, deque})
_SCALARS: Final = frozenset({int, float, complex, bool, str, bytes, type(None)})


def as_given(arguments: Iterable[Any]) -> tuple[Any, ...]:
    """The arguments, with copies of small containers of numbers and texts.

    (What holds other objects is not copied: the copy would keep them alive.)
    """
    return tuple([_copy(value) if type(value) in _CHANGING else value for value in arguments])


def _copy(value: Any) -> Any:
    if len(value) > LONGEST:
        return value
    contents = (*value, *value.values()) if type(value) is dict else value
    return value.copy() if all(type(part) in _SCALARS for part in contents) else value
