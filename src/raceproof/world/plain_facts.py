"""Facts about types and modules, looked up past whatever code the program has put in the way.

A metaclass may say what `cls.__mro__` is, a subclass of a module what its `__dict__` is; watching a
program must not run that code, which may be watched itself.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Final

bases_of: Final[Callable[[type], tuple[type, ...] | None]] = type.__dict__["__mro__"].__get__
"""The method resolution order; None for a class that is still being made."""
namespace_of: Final[Callable[[type], Any]] = type.__dict__["__dict__"].__get__
module_of: Final[Callable[[type], Any]] = type.__dict__["__module__"].__get__
name_of: Final[Callable[[type], str]] = type.__dict__["__name__"].__get__
qualified_name_of: Final[Callable[[type], str]] = type.__dict__["__qualname__"].__get__
_names_in_modules: Any = vars(types.ModuleType)["__dict__"]
globals_of: Final[Callable[[types.ModuleType], dict[str, Any] | None]] = _names_in_modules.__get__
"""The names in a module; None for a module that was never initialized."""


def home_of(tp: type) -> str:
    """The name of the module that a class says it is from, if it is a name at all."""
    try:
        found = module_of(tp)
    except AttributeError:  # somebody has deleted it
        return ""
    return found if isinstance(found, str) else ""


def name_of_module(module: types.ModuleType) -> str:
    """What a module is called, if it is called anything."""
    found = (globals_of(module) or {}).get("__name__")
    return found if isinstance(found, str) else "?"


def dict_of(obj: object) -> dict[str, Any] | None:
    """The attributes that are stored in an instance, if it has a place for any."""
    try:
        found = _plain_attribute(obj, "__dict__")
    except AttributeError:
        return None
    return found if isinstance(found, dict) else None


_plain_attribute: Final = object.__getattribute__
