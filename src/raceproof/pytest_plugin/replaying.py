"""`--raceproof-replay`: one test, in the one interleaving that was recorded.

What is recorded is in a file, or in a text that a failing run on CI has shown.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import zlib
from dataclasses import asdict, replace
from typing import Any, Final

import pytest

from raceproof.options import Options
from raceproof.search.replay import Recording, UnusableReplay, load, recording_from

PREFIX: Final = "rp1:"
"""Begins a recording as text."""
_loaded: Final = pytest.StashKey[Recording]()


def as_text(recording: Recording) -> str:
    """A recording as one word, to be pasted into a command."""
    data = json.dumps({**asdict(recording), "operations": []}, separators=(",", ":"))
    return PREFIX + base64.urlsafe_b64encode(zlib.compress(data.encode(), 9)).decode()


def command_with_text(file: str) -> str:
    """The command that runs what is recorded in a file, for where the file is not."""
    recording = load(file)
    return f"pytest {shlex.quote(recording.test)} --raceproof-replay {as_text(recording)}"


def from_text(text: str) -> Recording:
    """The recording that a text stands for.  Raises `UnusableReplay`."""
    try:
        data = json.loads(zlib.decompress(base64.urlsafe_b64decode(text.removeprefix(PREFIX))))
    except (ValueError, zlib.error) as error:
        raise UnusableReplay(f"this text is no recording: {error}") from None
    return recording_from(data, "the recording")


def load_recording(config: pytest.Config) -> None:
    """Read what `--raceproof-replay` names."""
    given: str = config.option.raceproof_replay
    try:
        recording = from_text(given) if given.startswith(PREFIX) else load(given)
    except OSError as error:
        raise pytest.UsageError(
            f"--raceproof-replay: cannot read {given}: {error.strerror}"
        ) from None
    except UnusableReplay as error:
        raise pytest.UsageError(f"--raceproof-replay: {error}") from None
    if not recording.test:
        raise pytest.UsageError(
            f"--raceproof-replay: {given} is no interleaving of a test; for a program: "
            f"raceproof replay {given}"
        )
    config.stash[_loaded] = recording
    config.option.raceproof = True


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave only the test that the recording is of."""
    recording = config.stash[_loaded]
    chosen = [item for item in items if item.nodeid == recording.test]
    if not chosen:
        raise pytest.UsageError(
            f"--raceproof-replay: the recording is of {recording.test}, which is not among the "
            f"tests collected: pytest {recording.test} --raceproof-replay "
            f"{os.path.basename(config.option.raceproof_replay)}"
        )
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def recording_for(item: pytest.Item) -> Recording | None:
    """The recording to replay, if that is what the run is for."""
    return item.config.stash.get(_loaded, None)


def options_of(recording: Recording, options: Options) -> Options:
    """The options with which the interleaving was found."""
    kept: dict[str, Any] = recording.options
    return replace(
        options,
        include=tuple(kept.get("include", ())),
        exclude=tuple(kept.get("exclude", ())),
        seed=int(kept.get("seed", 0)),
    )
