"""How to explore: what a user can choose, with the defaults of the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Options:
    """How to explore; see the command line's help."""

    max_seconds: float = 10.0
    max_interleavings: int | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    timeouts: str = "idle"
    threads: str = "auto"
    seed: int = 0
    keep_going: bool = False
    first: bool = False
    replay_dir: str = ".raceproof"
    require_complete: bool = False
    """A search that was cut off counts as a failure; it goes on no longer for that."""
    gil: bool = False
    """Only the interleavings that an interpreter with a GIL can run."""
    cache: bool = True
    """Keep rewritten code on disk, so that watched packages are rewritten once."""
