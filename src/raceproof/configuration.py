"""What a project says about raceproof in its pyproject.toml.

The keys are the long options of the command line; an option that is given there wins.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final


class BadConfiguration(Exception):
    """A pyproject.toml cannot be used; the message names it, and the key.

    >>> import pathlib, raceproof
    >>> _ = pathlib.Path("pyproject.toml").write_text("[tool.raceproof]\\nmax-secs = 5\\n")
    >>> try:
    ...     raceproof.explore(lambda: None)
    ... except raceproof.BadConfiguration as error:
    ...     print(str(error).partition(": ")[2])
    unknown key 'max-secs' in [tool.raceproof] (did you mean 'max-seconds'?)
    """


@dataclass(frozen=True, slots=True)
class Configuration:
    """The section `[tool.raceproof]`, checked, with `_` for `-` in the keys."""

    file: str = ""
    """Where it stands; "" if there is none."""
    values: dict[str, Any] = field(default_factory=dict)


def split_names(names: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """`("a,b", "c")` as `("a", "b", "c")`."""
    return tuple(part for name in names for part in map(str.strip, name.split(",")) if part)


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _positive_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError("a number above 0")
    if math.isnan(value):
        raise ValueError("a number above 0")
    return float(value)


def _positive_whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a whole number above 0")
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a whole number")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return split_names((value,))
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return split_names(value)
    raise ValueError("a list of names")


def _one_of(*choices: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return check


def _profiles(value: object) -> dict[str, dict[str, Any]]:
    """Settings by the name of a profile."""
    if not isinstance(value, dict):
        raise ValueError("a table of profiles")
    found: dict[str, dict[str, Any]] = {}
    for name, table in value.items():
        if not isinstance(table, dict):
            raise ValueError(f"a table of profiles, and {name} a table of settings")
        found[name] = {}
        for key, setting in table.items():
            if key not in SEARCH_KEYS:
                raise ValueError(f"made of settings: {key!r} is none{_hint(key)}")
            try:
                found[name][key.replace("-", "_")] = KEYS[key](setting)
            except ValueError as error:
                raise ValueError(f"made of settings: {name}.{key} is {error}") from None
    return found


FORMATS: Final = ("text", "json", "sarif", "github")
TIMEOUTS: Final = ("idle", "any", "never")
THREADS: Final = ("auto", "greenlet", "os")

KEYS: Final[dict[str, Callable[[object], Any]]] = {
    "format": _one_of(*FORMATS),
    "max-seconds": _positive_number,
    "max-interleavings": _positive_whole,
    "include": _names,
    "exclude": _names,
    "timeouts": _one_of(*TIMEOUTS),
    "threads": _one_of(*THREADS),
    "gil": _switch,
    "seed": _whole,
    "keep-going": _switch,
    "first": _switch,
    "require-complete": _switch,
    "replay-dir": _text,
    "cache": _switch,
    "verbose": _switch,
    "quiet": _switch,
    "profiles": _profiles,
}
SEARCH_KEYS: Final = tuple(
    key for key in KEYS if key not in ("format", "verbose", "quiet", "profiles")
)
"""The keys that say how to search, rather than how to report."""


def read_configuration(directory: str) -> Configuration:
    """The configuration that applies to a program in `directory`.

    It stands in the nearest pyproject.toml upwards that has a section for raceproof.
    """
    directory = os.path.abspath(directory)
    while True:
        file = os.path.join(directory, "pyproject.toml")
        if os.path.isfile(file):
            section = _section(file)
            if section is not None:
                return Configuration(file, _checked(section, file))
        parent = os.path.dirname(directory)
        if parent == directory:
            return Configuration()
        directory = parent


def _section(file: str) -> object:
    """`[tool.raceproof]` of `file`, None if there is none."""
    try:
        with open(file, "rb") as stream:
            content = tomllib.load(stream)
    except OSError as error:
        raise BadConfiguration(f"{file} cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{file} is not valid TOML: {error}") from None
    tool = content.get("tool")
    return tool.get("raceproof") if isinstance(tool, dict) else None


def _checked(section: object, file: str) -> dict[str, Any]:
    if not isinstance(section, dict):
        raise BadConfiguration(f"{file}: tool.raceproof must be a table")
    values = {}
    for key, value in section.items():
        check = KEYS.get(key)
        if check is None:
            raise BadConfiguration(f"{file}: unknown key {key!r} in [tool.raceproof]{_hint(key)}")
        try:
            values[key.replace("-", "_")] = check(value)
        except ValueError as error:
            raise BadConfiguration(
                f"{file}: {key} in [tool.raceproof] must be {error}, not {value!r}"
            ) from None
    if values.get("verbose") and values.get("quiet"):
        raise BadConfiguration(f"{file}: verbose and quiet in [tool.raceproof] exclude each other")
    if "replay_dir" in values:
        # A relative path in a file is relative to that file.
        values["replay_dir"] = _relative(os.path.join(os.path.dirname(file), values["replay_dir"]))
    return values


def _hint(key: str) -> str:
    import difflib

    close = difflib.get_close_matches(key.replace("_", "-"), KEYS, n=1)
    return f" (did you mean {close[0]!r}?)" if close else f" (known: {', '.join(KEYS)})"


def _relative(path: str) -> str:
    try:
        return os.path.relpath(path)
    except ValueError:  # on another drive
        return path
