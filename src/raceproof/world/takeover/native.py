"""Other methods for types that are written in C.

Nothing can be assigned to such a type, but Python finds its methods as it finds those of any other
type: in a dictionary.  What is put there reaches every instance, wherever it is kept and however
old it is, which no replacing of names and no hunt for instances could do.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Mapping
from typing import Any


class NativeMethods:
    """The methods of one type."""

    def __init__(self, kind: type) -> None:
        self._kind = kind
        (namespace,) = gc.get_referents(vars(kind))
        if not isinstance(namespace, dict):
            raise TypeError(f"the methods of {kind!r} are out of reach")
        self._namespace: dict[str, Any] = namespace
        self.original: dict[str, Callable[..., Any]] = dict(namespace)
        """What there was before, by name."""

    def replace(self, methods: Mapping[str, Callable[..., Any]]) -> None:
        """Put these in the place of methods that the type has."""
        self._namespace.update(methods)
        self._announce()

    def restore(self) -> None:
        """Put everything back."""
        self._namespace.update(self.original)
        self._announce()

    def _announce(self) -> None:
        """Methods that the interpreter has looked up before are to be looked up again."""
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(self._kind))
