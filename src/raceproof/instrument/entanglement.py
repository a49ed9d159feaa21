"""Modules that are not watched but hold on to some that are: they have to be executed afresh as
well, or else they would go on with the classes of an execution that is over.

(A plug-in that imports the program's own package; a library whose exceptions are caught by name.)
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from importlib.machinery import ExtensionFileLoader, SourceFileLoader
from typing import Any

_NAMED = (type, types.FunctionType)


def entangled(
    modules: Mapping[str, Any], watched: Iterable[str], is_kept: Callable[[str], bool]
) -> set[str]:
    """Names of the modules that use one of the `watched`, directly or through each other.

    `is_kept` tells modules that are to stay as they are; so are those that are not from source,
    and whole packages with compiled parts, which may be loaded only once.  A package takes along
    what is in it: a new one would not know that its submodules are loaded.
    """
    compiled = {
        name.partition(".")[0]
        for name, module in list(modules.items())
        if isinstance(_loader(module), ExtensionFileLoader)
    }
    candidates = {
        name: module
        for name, module in list(modules.items())
        if type(_loader(module)) is SourceFileLoader
        and name.partition(".")[0] not in compiled
        and name != "__main__"
        and not is_kept(name)
    }
    used = set(watched)
    found: set[str] = set()
    for name in used:
        candidates.pop(name, None)
    references = {name: _references(module) for name, module in candidates.items()}
    growing = True
    while growing:
        more = {
            name
            for name, names in references.items()
            if name.rpartition(".")[0] in used or not names.isdisjoint(used)
        }
        growing = bool(more)
        found |= more
        used |= more
        for name in more:
            del references[name]
    return found


def _loader(module: Any) -> Any:
    # `isinstance` would ask the object for its `__class__`, and anything may stand there.
    return vars(module).get("__loader__") if issubclass(type(module), types.ModuleType) else None


def _references(module: types.ModuleType) -> set[str]:
    """The modules that are bound to names of this one, or whose classes and functions are."""
    found = set()
    for name, value in list(vars(module).items()):
        kind = type(value)
        if kind is types.ModuleType:
            if value.__name__ != f"{module.__name__}.{name}":  # what the import system binds
                found.add(value.__name__)
        elif issubclass(kind, _NAMED):
            found.add(_home(value))
        else:
            found.add(_home(kind))
    found.discard(module.__name__)
    return found


def _home(named: Any) -> str:
    """The module in which a class or function was made."""
    namespace = type.__dict__["__dict__"].__get__(named) if isinstance(named, type) else {}
    name = namespace.get("__module__") if namespace else getattr(named, "__module__", "")
    return name if isinstance(name, str) else ""
