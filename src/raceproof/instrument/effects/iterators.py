"""An iterator or generator is one place: taking a value moves it on, for everybody who holds it."""

from __future__ import annotations

from types import WrapperDescriptorType
from typing import Final

from raceproof.events import READ, STATE, WRITE
from raceproof.instrument.effects.footprints import Behaviour, Footprint, always, named
from raceproof.instrument.effects.per_type import definer, namespace_of

ADVANCED: Final[Footprint] = ((STATE, WRITE),)
CONSULTED: Final[Footprint] = ((STATE, READ),)


def is_iterator(tp: type) -> bool:
    """Whether stepping an instance is the interpreter's doing; otherwise its code is watched."""
    cls = definer(tp, "__next__")
    return cls is not None and isinstance(namespace_of(cls)["__next__"], WrapperDescriptorType)


ITERATOR: Final = Behaviour(
    "iterator",
    {
        **named("__next__ __setstate__", always(ADVANCED)),
        **named("__length_hint__ __reduce__ __copy__", always(CONSULTED)),
    },
)
GENERATOR: Final = Behaviour(
    "iterator", ITERATOR.methods | named("send throw close", always(ADVANCED))
)
