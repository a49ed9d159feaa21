"""Modules whose names are replaced right after the program has imported them.

They are simulated in part, but take too long to import for those who do not use them; or they are
there from the start, and a program that imports them once more gets a copy from their own source.
"""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import BuiltinImporter, ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, TypeAlias

Replacer: TypeAlias = Callable[[ModuleType], None]


class LateModules(importlib.abc.MetaPathFinder):
    """Part of the import protocol: finds these modules as usual, and is there when they run."""

    def __init__(self, replacers: Mapping[str, Replacer], copies: Mapping[str, Replacer]) -> None:
        """Module name -> what is to be done to the module; `copies`: to all but the first."""
        self._replacers = replacers
        self._copies = copies

    def install(self) -> None:
        """From now on; modules that are there already are seen to at once."""
        for name, replace in self._replacers.items():
            module = sys.modules.get(name)
            if module is not None:
                replace(module)
        # Not in front of whoever watches modules.
        sys.meta_path.insert(1, self)

    def remove(self) -> None:
        """No longer."""
        sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        replace = self._replacers.get(fullname) or self._copies.get(fullname)
        if replace is None:
            return None
        spec = BuiltinImporter.find_spec(fullname) or PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Replacing(spec.loader, replace)
        return spec


class _Replacing(importlib.abc.Loader):
    """A loader that does something to the module once it has been executed."""

    def __init__(self, loader: Any, replace: Replacer) -> None:
        self._loader = loader
        self._replace = replace

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Part of the import protocol."""
        found: ModuleType | None = self._loader.create_module(spec)
        return found

    def exec_module(self, module: ModuleType) -> None:
        """Part of the import protocol."""
        self._loader.exec_module(module)
        self._replace(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
