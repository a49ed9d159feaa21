"""Modules that are simulated in part, but take too long to import for those who do not use them.

Their names are replaced right after the program has imported them.
"""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, TypeAlias

Replacer: TypeAlias = Callable[[ModuleType], None]


class LateModules(importlib.abc.MetaPathFinder):
    """Part of the import protocol: finds these modules as usual, and is there when they run."""

    def __init__(self, replacers: Mapping[str, Replacer]) -> None:
        """`replacers`: module name -> what is to be done to the module."""
        self._replacers = replacers

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
        replace = self._replacers.get(fullname)
        if replace is None:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        loader: Any = None if spec is None else spec.loader
        if loader is not None:
            execute = loader.exec_module

            def execute_and_replace(module: ModuleType) -> None:
                execute(module)
                replace(module)

            loader.exec_module = execute_and_replace
        return spec
