"""Methods of containers that watched code takes as values, to call them later or have them called.

`Thread(target=results.append)` is a call of `append` like any other, only that nobody sees it: so
the value stands for the method, and announces each call.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Final

NATIVE: Final = (types.BuiltinMethodType, types.MethodWrapperType)
"""Types of methods that are written in C, bound to an object."""


class TakenMethod:
    """Stands for a method of a container."""

    __slots__ = ("__weakref__", "_announce", "_method")

    def __init__(self, method: Any, announce: Callable[..., object]) -> None:
        """`announce` is called with the arguments, and whether there are any by name."""
        self._method = method
        self._announce = announce

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        self._announce(*args, more=bool(kwargs))
        return self._method(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._method, name)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TakenMethod):
            other = other._method
        return bool(self._method == other)

    def __hash__(self) -> int:
        return hash(self._method)

    def __repr__(self) -> str:
        return repr(self._method)

    def __reduce__(self) -> Any:
        return getattr, (self._method.__self__, self._method.__name__)
