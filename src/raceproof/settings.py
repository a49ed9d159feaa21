"""The settings of a search: the same names in Python, on the command line and in pyproject.toml.

A name or a value that is wrong is refused, with a list of the right ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from raceproof.configuration import KEYS, SEARCH_KEYS, read_configuration
from raceproof.options import Options

SETTINGS: Final = tuple(sorted(key.replace("-", "_") for key in SEARCH_KEYS))
"""The names of the settings, as in Python."""


class BadSetting(TypeError, ValueError):
    """There is no such setting, or no such value for it; the message says what there is.

    >>> import raceproof
    >>> try:
    ...     raceproof.explore(print, max_second=1)
    ... except raceproof.BadSetting as error:
    ...     print(str(error).partition(";")[0])
    unknown setting 'max_second' (did you mean 'max_seconds'?)
    """


def check(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they were given in Python, checked.  Raises `BadSetting`."""
    checked: dict[str, Any] = {}
    for name, value in given.items():
        if name not in SETTINGS:
            close = difflib.get_close_matches(name.replace("-", "_"), SETTINGS, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise BadSetting(
                f"unknown setting {name!r}{hint}; the settings are {', '.join(SETTINGS)}"
            )
        if value is None and name == "max_interleavings":
            checked[name] = None
            continue
        try:
            key = name.replace("_", "-")
            checked[name] = KEYS[key](list(value) if isinstance(value, tuple) else value)
        except ValueError as error:
            raise BadSetting(f"{name} must be {error}, not {value!r}") from None
    return checked


def options_for(directory: str, *given: Mapping[str, Any]) -> Options:
    """The options for a target in `directory`: what is `given`, the last one first, or else what
    its project's pyproject.toml says.

    Raises `BadSetting` and `BadConfiguration`.
    """
    configured = read_configuration(directory).values
    chosen = {name: value for name, value in configured.items() if name in SETTINGS}
    for settings in given:
        chosen.update(check(settings))
    return Options(**chosen)
