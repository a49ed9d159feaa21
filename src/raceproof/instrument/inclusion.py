"""Whether a module that is named with `--include` can be watched, and if not, why.

Nothing is imported to find out: the code of a package may be part of the program under test.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    BuiltinImporter,
    ModuleSpec,
    PathFinder,
)
from importlib.util import find_spec
from typing import Final

STOOD_IN: Final = frozenset(
    {
        "threading", "_thread", "queue", "concurrent", "time", "datetime", "builtins", "sys",
        "os", "signal", "atexit", "faulthandler",
    }
)  # fmt: skip
"""Modules that the simulated world replaces, wholly or in part."""
INTERPRETERS_OWN: Final = frozenset(
    {
        "importlib", "importlib._bootstrap", "importlib._bootstrap_external", "importlib.machinery",
        "importlib.abc", "importlib._abc", "importlib.util", "zipimport", "_frozen_importlib",
        "_frozen_importlib_external", "abc", "_abc", "_py_abc", "_collections_abc", "copyreg", "io",
        "codecs", "encodings", "site",
    }
)  # fmt: skip
"""Modules whose classes and registries the interpreter got hold of before anything else ran."""
OUR_OWN: Final = frozenset({"raceproof", "greenlet"})


def objection(name: str, path: Sequence[str]) -> str:
    """Why the module cannot be watched; "" if it can.  It is looked for along `path`."""
    top = name.partition(".")[0]
    if name.endswith(".py") or not all(part.isidentifier() for part in name.split(".")):
        module = name.removesuffix(".py").replace(os.sep, ".")
        hint = f" (a file goes by the module it is: {module})" if name.endswith(".py") else ""
        return f"this is not the name of a module{hint}"
    if top in OUR_OWN:
        return "raceproof does not watch itself, nor what it runs on"
    if top in STOOD_IN:
        return "raceproof stands in for it, so there is nothing to watch"
    if name in INTERPRETERS_OWN or top in INTERPRETERS_OWN - {"importlib"}:
        return (
            "the interpreter itself works with it, and a watched copy would not be what the rest "
            "of the program has"
        )
    found = _look_for(name, path)
    return found if isinstance(found, str) else _about(found)


def _look_for(name: str, path: Sequence[str]) -> ModuleSpec | str | None:
    """The spec of the module, None if only an import can tell, or why there is none."""
    search: Sequence[str] | None = path
    spec: ModuleSpec | None = None
    known = ""
    for part in name.split("."):
        full = f"{known}.{part}" if known else part
        if search is None:
            return f"{known} is a module, not a package"
        try:
            spec = PathFinder.find_spec(full, search)
            if spec is None and not known:
                # Built-in modules, and editable installations with import hooks of their own.
                spec = BuiltinImporter.find_spec(full) or find_spec(full)
            if spec is None:
                return f"there is no module {full}{_similar(part, search)}"
            places = spec.submodule_search_locations
            search = None if places is None else list(places)
        except (KeyError, ImportError, ValueError):
            return None  # a namespace package in a package asks for its parent
        known = full
    return spec


def _about(spec: ModuleSpec | None) -> str:
    if spec is None or (spec.origin is None and spec.submodule_search_locations is not None):
        return ""
    origin = spec.origin or ""
    if origin in ("built-in", "frozen"):
        return "it is part of the interpreter, and has no source"
    if origin.endswith(tuple(EXTENSION_SUFFIXES)):
        return f"it is compiled code, and has no Python source ({origin})"
    if origin.endswith(".pyc"):
        return f"there is only its compiled form, and no source ({origin})"
    if not os.path.isfile(origin):
        return f"it lies in an archive, where raceproof does not look: unpack it ({origin})"
    if not origin.endswith(".py"):
        return f"it is not Python source ({origin})"
    return ""


def _similar(part: str, places: Sequence[str]) -> str:
    """What there is under a similar name."""
    present = {name for name in sys.stdlib_module_names if not name.startswith("_")}
    for place in places:
        try:
            entries = os.listdir(place or os.curdir)
        except OSError:
            continue
        present.update(entry.partition(".")[0] for entry in entries if not entry.startswith("_"))
    close = difflib.get_close_matches(part, present, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
