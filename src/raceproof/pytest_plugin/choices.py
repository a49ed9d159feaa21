"""Which tests are explored, and with which settings.

From the weakest word to the strongest: the defaults, pyproject.toml, the profile, the command line,
the mark or decorator of the test.
"""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from raceproof.configuration import KEYS, SEARCH_KEYS, BadConfiguration, read_configuration

SWITCHES: Final = ("gil", "keep-going", "first", "require-complete")
CI_VARIABLES: Final = (
    "CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "BUILDKITE", "CIRCLECI", "TRAVIS",
    "JENKINS_URL", "TEAMCITY_VERSION", "APPVEYOR", "BITBUCKET_COMMIT", "CODEBUILD_BUILD_ID",
    "CIRRUS_CI", "HEROKU_TEST_RUN_ID",
)  # fmt: skip
PROFILES: Final[dict[str, dict[str, Any]]] = {
    "default": {},
    # The same on a slow machine as on a quick one: the number decides, not the clock.
    "ci": {"max_seconds": 60.0, "max_interleavings": 10_000},
}
"""The profiles that there are without any configuration."""
ATTRIBUTE: Final = "__raceproof__"
"""What `@raceproof.explore(...)` leaves on a test: its settings."""

_chosen: Final = pytest.StashKey[dict[str, Any]]()


@dataclass(slots=True)
class Wish:
    """A test is to be explored."""

    settings: dict[str, Any] = field(default_factory=dict)
    explicit: bool = False
    """By its mark or decorator, not only by the command line."""


def add_options(parser: pytest.Parser) -> None:
    """Options of the command line and of pytest's own configuration."""
    group = parser.getgroup("raceproof", "thread orders (raceproof)")
    group.addoption(
        "--raceproof",
        action="store_true",
        default=False,
        help="Run every test that starts a thread under every order of its threads that can "
        "matter; all others once, as usual.",
    )
    group.addoption(
        "--raceproof-replay",
        metavar="FILE",
        default="",
        help="Run one recorded interleaving of one test: a replay file, or the text that CI shows.",
    )
    group.addoption(
        "--raceproof-profile",
        metavar="NAME",
        default="",
        help="The profile of settings: default, ci (chosen by itself where CI is set), or one of "
        "[tool.raceproof.profiles].",
    )
    for key in SEARCH_KEYS:
        if key == "cache":
            continue
        # Not a plain value but nothing at all where an option was not given: files may say more.
        switch: dict[str, Any] = {"action": "store_const", "const": True}
        how = switch if key in SWITCHES else {"metavar": "VALUE"}
        group.addoption(
            f"--raceproof-{key}",
            dest=f"raceproof_{key.replace('-', '_')}",
            default=None,
            help=f"The setting {key.replace('-', '_')}, as for `raceproof run`.",
            **how,
        )
    group.addoption(
        "--raceproof-no-cache",
        dest="raceproof_cache",
        action="store_const",
        const=False,
        default=None,
        help="Do not keep rewritten code on disk.",
    )
    parser.addini("raceproof", "As --raceproof.", type="bool", default=False)


def is_on(config: pytest.Config) -> bool:
    """Whether all tests that start threads are to be explored."""
    return bool(config.option.raceproof or config.getini("raceproof"))


def wish_of(item: pytest.Item) -> Wish | None:
    """Whether and how a test is to be explored."""
    if not isinstance(item, pytest.Function):
        return None
    mark = item.get_closest_marker("raceproof")
    decorated: dict[str, Any] | None = getattr(item.obj, ATTRIBUTE, None)
    if mark is None and decorated is None:
        if not is_on(item.config):
            return None
        wish = Wish()
    else:
        wish = Wish({}, explicit=True)
        if mark is not None:
            if mark.args and not mark.args[0]:
                return None
            if mark.args:
                raise pytest.UsageError(
                    f"{item.nodeid}: raceproof takes settings by name: "
                    "@pytest.mark.raceproof(max_seconds=5)"
                )
            wish.settings.update(mark.kwargs)
        wish.settings.update(decorated or {})
    if inspect.iscoroutinefunction(inspect.unwrap(item.obj)):
        return None
    return wish


def settings_of(config: pytest.Config) -> dict[str, Any]:
    """What pyproject.toml, the profile and the command line say."""
    found = config.stash.get(_chosen, None)
    if found is None:
        try:
            found = config.stash[_chosen] = _settings_of(config)
        except BadConfiguration as error:
            raise pytest.UsageError(str(error)) from None
    return found


def profile_of(config: pytest.Config) -> str:
    """The name of the profile."""
    named: str = config.option.raceproof_profile
    if named:
        return named
    return "ci" if any(os.environ.get(name) for name in CI_VARIABLES) else "default"


def _settings_of(config: pytest.Config) -> dict[str, Any]:
    configured = dict(read_configuration(str(config.rootpath)).values)
    profiles = {**PROFILES, **configured.pop("profiles", {})}
    profile = profile_of(config)
    if profile not in profiles:
        raise pytest.UsageError(
            f"--raceproof-profile {profile}: no such profile (there is {', '.join(profiles)})"
        )
    settings = {
        key.replace("-", "_"): configured[key.replace("-", "_")]
        for key in SEARCH_KEYS
        if key.replace("-", "_") in configured
    }
    settings.update(profiles[profile])
    for key in SEARCH_KEYS:
        text = getattr(config.option, f"raceproof_{key.replace('-', '_')}")
        if text is not None:
            settings[key.replace("-", "_")] = _value(key, text)
    return settings


def _value(key: str, text: Any) -> Any:
    value = text
    if isinstance(text, str):
        for convert in (int, float):
            try:
                value = convert(text)
                break
            except ValueError:
                continue
    try:
        return KEYS[key](value)
    except ValueError as error:
        raise pytest.UsageError(f"--raceproof-{key} must be {error}, not {text}") from None


def overview(config: pytest.Config) -> str:
    """The settings, for the header."""
    settings = settings_of(config)
    shown = "".join(f", {name}={value}" for name, value in sorted(settings.items()))
    return f"raceproof: profile {profile_of(config)}{shown}"
