"""Hooks for watched code that outlives its exploration: a generator that is closed only when it is
collected, a function that the program gave to a module of the interpreter.  They let it run as it
was written.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final


def _first(value: Any, *_: object, **__: object) -> Any:
    return value


def _nothing(*_: object) -> None:
    pass


def _address(value: Any, *_: object) -> int:
    return id(value)


def _both(base: Any, key: Any, _: int) -> tuple[Any, Any]:
    return base, key


def _bind(bound: Any, _: str, __: int, /, *args: Any, **kwargs: Any) -> Any:
    return partial(bound, *args, **kwargs)


_OTHERS: Final[dict[str, Callable[..., Any]]] = {
    **dict.fromkeys(("loop", "again", "glob", "glob_mark", "cell", "cell_mark"), _nothing),
    "new_scope": _nothing,
    "getitem": operator.getitem,
    "rank": _address,
    "rank_of": _address,
    "both": _both,
    "bind": _bind,
}


def passive(names: Iterable[str]) -> dict[str, Callable[..., Any]]:
    """What to have in the place of the hooks of these names (without the prefix)."""
    return {name: _OTHERS.get(name, _first) for name in names}
