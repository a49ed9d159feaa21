"""Streams: one place each, which holds what was written and how far it was read.

Who writes first is no result by itself, as with the standard output; it shows when somebody reads.
"""

from __future__ import annotations

import io
from typing import Final

from raceproof.events import STATE, UPDATE
from raceproof.instrument.effects.footprints import Behaviour, Footprint, always, named
from raceproof.instrument.effects.iterators import ADVANCED, CONSULTED, ITERATOR

WRITTEN: Final[Footprint] = ((STATE, UPDATE),)

WRITERS: Final = "write writelines"
MOVERS: Final = "read read1 readline readlines readall readinto readinto1 peek seek truncate close \
    detach"
LOOKERS: Final = "getvalue getbuffer tell"
NAMES: Final = frozenset(f"{WRITERS} {MOVERS} {LOOKERS}".split())
"""The methods of streams that matter."""

_STREAM: Final = Behaviour(
    "iterator",
    {
        **ITERATOR.methods,
        **named(WRITERS, always(WRITTEN)),
        **named(MOVERS, always(ADVANCED)),
        **named(LOOKERS, always(CONSULTED)),
    },
)
STREAMS: Final[dict[type, Behaviour]] = dict.fromkeys(
    (
        io.StringIO, io.BytesIO, io.TextIOWrapper, io.BufferedReader, io.BufferedWriter,
        io.BufferedRandom, io.BufferedRWPair, io.FileIO,
    ),
    _STREAM,
)  # fmt: skip
