"""Which methods are not watched, so that nothing is seen of what they do to their arguments.

Found out without running anything of the program's: by looking the name up in the classes of the
receiver, past any `__getattr__`.
"""

from __future__ import annotations

import types
from typing import Any, Final

from raceproof.events import Site
from raceproof.instrument.effects.per_type import mro_of, namespace_of
from raceproof.instrument.rewriting.knowledge import KEEPERS

_NATIVE: Final = (
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.WrapperDescriptorType,
)
_KEEPERS: Final = KEEPERS | {"raceproof", "_queue", "_functools", "_weakref"}


class Foreign:
    """Tells foreign methods; the sites of an exploration say which files are watched."""

    def __init__(self, sites: list[Site]) -> None:
        self._sites = sites
        self._files: set[str] = set()
        self._seen = 0
        self._answers: dict[tuple[type, str], bool] = {}

    def forget(self) -> None:
        """The classes of the next execution are new ones."""
        self._answers.clear()

    def is_method(self, obj: Any, name: str) -> bool:
        """Whether `obj.name` is a method or function of code that is not watched."""
        tp = type(obj)
        if issubclass(tp, types.ModuleType):
            return self._is_foreign(vars(obj).get(name))
        if issubclass(tp, type):
            return self._is_foreign(_found(obj, name))
        answer = self._answers.get((tp, name))
        if answer is None:
            answer = self._answers[tp, name] = self._is_foreign(_found(tp, name))
        return answer

    def _is_foreign(self, function: Any) -> bool:
        if isinstance(function, staticmethod | classmethod):
            function = function.__func__
        if isinstance(function, types.FunctionType):
            return function.__code__.co_filename not in self._watched() and _looks(function)
        if isinstance(function, _NATIVE):
            return _looks(getattr(function, "__objclass__", function))
        return False

    def _watched(self) -> set[str]:
        if self._seen != len(self._sites):
            self._files.update(site.file for site in self._sites[self._seen :])
            self._seen = len(self._sites)
        return self._files


def _found(tp: type, name: str) -> Any:
    for cls in mro_of(tp):
        if name in namespace_of(cls):
            return namespace_of(cls)[name]
    return None


def _looks(maker: Any) -> bool:
    """Whether it looks at its arguments; code of some modules only keeps them."""
    module = getattr(maker, "__module__", None)
    return not isinstance(module, str) or not (
        module in _KEEPERS or module.partition(".")[0] in _KEEPERS
    )
