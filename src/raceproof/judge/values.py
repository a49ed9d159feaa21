"""Values of the program under test, looked at and written down without running its code.

A `__repr__`, a property or an `__eq__` of the program may take a lock, print, or never return.
"""

from __future__ import annotations

import reprlib
import types
from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

SCALARS: Final = (int, float, complex, bool, str, bytes, type(None), range)
BUILTIN: Final = (list, tuple, dict, set, frozenset, deque, bytearray, str, bytes)
"""Containers that can be looked into without running code of the program.  (Nor may `isinstance`
be asked about its objects: their `__class__` may be a property.)"""

MAX_SORTED: Final = 200


def namespace(obj: Any) -> Mapping[str, Any]:
    """The attributes that an object (or a class) has itself."""
    try:
        found: Mapping[str, Any] = object.__getattribute__(obj, "__dict__")
    except AttributeError:
        return {}
    return found


def attribute(obj: Any, name: str) -> Any:
    """The value of an attribute, without running code of the program.

    Raises AttributeError.
    """
    own = namespace(obj)
    if name in own:
        return own[name]
    for cls in (obj if issubclass(type(obj), type) else type(obj)).__mro__:
        if name in cls.__dict__:
            value = cls.__dict__[name]
            if type(value) is types.MemberDescriptorType:
                return value.__get__(obj, type(obj))
            return value
    raise AttributeError(name)


def defines(tp: type, name: str) -> bool:
    """Whether a class, or one that it inherits from, defines `name`."""
    return any(name in cls.__dict__ for cls in tp.__mro__)


class _Short(reprlib.Repr):
    """Like `repr`, but short, and without calling anything that the program defines."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxdeque = 4
        self.maxstring = self.maxother = 24
        self.maxlevel = 2

    def repr1(self, x: Any, level: int) -> str:
        """See `reprlib.Repr`."""
        tp = type(x)
        if tp in SCALARS or tp in (list, tuple, dict, set, frozenset, deque):
            return str(super().repr1(x, level))
        if issubclass(tp, BaseException):
            return f"{tp.__name__}(...)"
        if issubclass(tp, type):
            return str(x.__name__)
        if tp in (types.FunctionType, types.MethodType, types.BuiltinFunctionType):
            return str(x.__name__)
        for base in (bool, int, float, str):
            if issubclass(tp, base):
                return str(super().repr1(base(x), level))
        return f"<{tp.__name__}>"

    # The ones of `reprlib` sort their elements, which asks those for their order.

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        """See `reprlib.Repr`."""
        if level <= 0 and x:
            return "{...}"
        pieces = [
            f"{self.repr1(key, level - 1)}: {self.repr1(value, level - 1)}"
            for key, value in islice(x.items(), self.maxdict)
        ]
        return self._joined("{", pieces, len(x) > self.maxdict, "}")

    def repr_set(self, x: set[Any], level: int) -> str:
        """See `reprlib.Repr`."""
        return self._elements(x, level, "{", "}") if x else "set()"

    def repr_frozenset(self, x: frozenset[Any], level: int) -> str:
        """See `reprlib.Repr`."""
        return self._elements(x, level, "frozenset({", "})") if x else "frozenset()"

    def _elements(self, x: Iterable[Any], level: int, left: str, right: str) -> str:
        if level <= 0:
            return f"{left}...{right}"
        # Sorted, since the order of a set is another one in the next process.
        pieces = sorted(self.repr1(element, level - 1) for element in islice(x, MAX_SORTED))
        return self._joined(left, pieces[: self.maxset], len(pieces) > self.maxset, right)

    def _joined(self, left: str, pieces: list[str], more: bool, right: str) -> str:
        return left + ", ".join([*pieces, "..."] if more else pieces) + right


_short: Final = _Short()


def short(value: Any) -> str:
    """A short text for a value."""
    return _short.repr(value)
