"""raceproof finds the race conditions of ordinary threaded Python.

It runs a program, a test or a function under every order of its threads that can matter.  The
names below are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from raceproof.conditions import always, sometimes
    from raceproof.configuration import BadConfiguration
    from raceproof.library import (
        Incomplete,
        RaceFound,
        Raised,
        Report,
        Stuck,
        explore,
        outcomes,
        replay,
    )
    from raceproof.magic import load_ipython_extension
    from raceproof.session import CannotRun
    from raceproof.settings import BadSetting

_HOMES: Final = {
    "always": "conditions",
    "sometimes": "conditions",
    "BadConfiguration": "configuration",
    "Incomplete": "library",
    "RaceFound": "library",
    "Raised": "library",
    "Report": "library",
    "Stuck": "library",
    "explore": "library",
    "outcomes": "library",
    "replay": "library",
    "load_ipython_extension": "magic",
    "CannotRun": "session",
    "BadSetting": "settings",
}
"""The module that each name is defined in."""

__all__ = [
    "BadConfiguration",
    "BadSetting",
    "CannotRun",
    "Incomplete",
    "RaceFound",
    "Raised",
    "Report",
    "Stuck",
    "always",
    "explore",
    "load_ipython_extension",
    "outcomes",
    "replay",
    "sometimes",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
