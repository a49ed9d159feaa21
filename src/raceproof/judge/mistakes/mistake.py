"""A mistake with a name, and what of the interleaving shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from raceproof.events import Location, ThreadId
from raceproof.judge.evidence import Evidence
from raceproof.judge.findings import Advice, Place
from raceproof.judge.narrate import Told


@dataclass(slots=True)
class Mistake:
    """What a recogniser has found."""

    code: str
    """"RP101": see `codes`."""
    message: str
    """One sentence: what goes wrong."""
    advice: Advice
    keys: list[Told] = field(default_factory=list)
    """The steps that decide."""
    places: list[Location] = field(default_factory=list)
    """What the steps to be shown are about, the most important first."""
    threads: frozenset[ThreadId] = frozenset()
    """Whose steps matter; empty: all threads'."""
    span: tuple[Told, Told] | None = None
    """Two steps of one thread, with the last of the keys that is not its own in between."""
    where: Place | None = None
    """The line to blame, if that is not where the first of the keys is."""
    kind: str = ""
    """What kind of finding it is, if another than the fault."""


Recogniser = Callable[[Evidence], Mistake | None]
