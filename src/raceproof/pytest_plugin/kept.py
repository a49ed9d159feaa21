"""Failing interleavings, kept in pytest's cache directory: run first the next time.

A test that failed fails again at once, and one that was mended is tried with the very interleaving
that broke it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from raceproof.search.replay import Recording, UnusableReplay, load

MOST = 5
"""So many are run for a test."""


def directory_for(config: pytest.Config, chosen: str | None) -> str:
    """Where the recordings go: what was `chosen`, or else pytest's cache."""
    if chosen is not None:
        return chosen
    cache = getattr(config, "cache", None)
    if cache is None:
        return ".raceproof"
    directory: Path = cache.mkdir("raceproof")
    return os.path.relpath(directory)


def stem_for(nodeid: str) -> str:
    """The beginning of the names of a test's files."""
    readable = "".join(c if c.isalnum() else "_" for c in nodeid.rpartition("::")[2])[:40]
    return f"{readable.strip('_')}-{hashlib.sha256(nodeid.encode()).hexdigest()[:8]}"


def recordings_of(nodeid: str, directory: str) -> list[Recording]:
    """The interleavings in which a test has failed."""
    found = []
    for path in sorted(Path(directory).glob(f"{stem_for(nodeid)}-*.json"))[:MOST]:
        try:
            recording = load(str(path))
        except (OSError, UnusableReplay):
            continue  # of another version: the search will find it again
        if recording.test == nodeid:
            found.append(recording)
    return found
