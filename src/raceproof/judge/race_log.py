"""The data races of a whole search: every pair of places whose order nothing but chance decided.

The search itself finds, in each execution, the pairs of dependent events that could have come the
other way round.  Where both are accesses to data, that is a data race: a lock or a join between
them would have ordered them.  (What is ordered in one execution by other accesses to data alone is
adjacent in another, so that no race is missed in a search that is complete.)  So the log costs next
to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from raceproof.events import Location, Operation, ThreadId
from raceproof.judge.data_races import races_at


@dataclass(slots=True)
class Sighting:
    """Two places in the source that race, and an execution that shows it."""

    location: Location
    script: list[ThreadId]
    """Whose turn it was, up to the second access."""
    first: int
    second: int
    orders: set[tuple[int, int]] = field(default_factory=set)
    """(site of the earlier access, site of the later one)"""

    @property
    def both_ways(self) -> bool:
        """They were seen in both orders (as far as they can be told apart)."""
        return len(self.orders) > 1 or any(first == second for first, second in self.orders)


@dataclass(slots=True)
class RaceLog:
    """The races seen so far, one for each pair of places in the source."""

    sightings: dict[frozenset[int], Sighting] = field(default_factory=dict)

    def note(
        self,
        pairs: Iterable[tuple[int, int | None]],
        threads: Sequence[ThreadId],
        operations: Sequence[Operation],
    ) -> None:
        """Take down the data races among the pairs of events of an execution."""
        for first, second in pairs:
            if second is None:
                continue
            one, other = operations[first], operations[second]
            if not (one.data and other.data):
                continue
            sites = frozenset((one.site, other.site))
            known = self.sightings.get(sites)
            if known is None:
                places = races_at(one, other)
                if not places:
                    continue
                known = Sighting(places[0], list(threads[: second + 1]), first, second)
                self.sightings[sites] = known
            known.orders.add((one.site, other.site))
