"""What an exploration did to files, in words: which were put back, and which could not be."""

from __future__ import annotations

from collections.abc import Collection

from raceproof.judge.narrate import display
from raceproof.world.backups import Backups

NAMED: int = 2
"""How many files a note names."""


def notes_on_files(backups: Backups, past: Collection[str]) -> list[str]:
    """Sentences for the user; `past` are files that were written past the simulation."""
    notes = []
    written = sorted(path for path in backups.written if path not in backups.lost)
    if written:
        notes.append(
            f"the program writes files ({_some(written)}): they were put back after each execution"
        )
    if backups.lost:
        why = next(iter(backups.lost.values()))
        notes.append(
            f"files could not be put back after each execution ({_some(list(backups.lost))}: "
            f"{why}), so that one found what another had left"
        )
    unseen = [path for path in past if path not in backups.written]
    if unseen:
        notes.append(
            f"files were written from C or by other processes ({_some(unseen)}): they were not put "
            "back, so that one execution found what another had left"
        )
    return notes


def _some(paths: list[str]) -> str:
    shown = ", ".join(display(path) for path in paths[:NAMED])
    more = len(paths) - NAMED
    return f"{shown} and {more} more" if more > 0 else shown
