"""All that is known about one failing interleaving when its mistake is to be named.

The interleaving is the smallest that was found, told step by step; with it come the pair of steps
whose reversal makes the program pass, and what the source says.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from raceproof.events import Attribute, Location, Operation, ThreadId, conflicting
from raceproof.judge.deadlocks import Stuck
from raceproof.judge.findings import Place
from raceproof.judge.narrate import ITEMS, Narrator, Told
from raceproof.judge.outcomes import Outcome
from raceproof.judge.patterns import Triple
from raceproof.judge.source import Source
from raceproof.judge.threads import Names
from raceproof.world.execution import Execution, VirtualThread


@dataclass(frozen=True, slots=True)
class Crash:
    """An exception that nobody handled."""

    text: str
    """"KeyError: 'x'" """
    thread: ThreadId | None
    place: Place
    """The innermost line of watched code that it passed."""
    step: Told | None = None
    """The last step of the thread at that line or, failing that, of all."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Two steps; as they came the program fails, and the other way round it passes."""

    first: int
    second: int | None
    """None: the step never took place, because of the first."""
    thread: ThreadId
    """Whose the second one is."""
    operation: Operation
    passing: Outcome


@dataclass(slots=True)
class Evidence:
    """See the module."""

    kind: str
    """What sort of fault it is: "lost-update", "race", "order-violation", "failure", or why the
    threads stand still."""
    execution: Execution
    outcome: Outcome
    narrator: Narrator
    source: Source
    crashes: list[Crash] = field(default_factory=list)
    lost: list[Triple] = field(default_factory=list)
    """Lost updates; if the fault is one, the only one that matters."""
    decisions: list[Decision] = field(default_factory=list)
    """The pairs of steps that decide, each by itself."""
    decision: Decision | None = None
    """The one of them that says most."""
    tried: int = 0
    """Reversals that were tried to find the decision."""
    untried: bool = False
    """There was no time to try all of them."""
    inescapable: bool = False
    """Every interleaving fails like this."""
    stuck: Stuck | None = None
    finals: dict[Location, Any] = field(default_factory=dict)
    """States of the semaphores at the end."""

    def __post_init__(self) -> None:
        self.names = Names(self.execution.everyone)
        self._by_index = {told.index: told for told in self.narrator.story}

    names: Names = field(init=False)
    _by_index: dict[int, Told] = field(init=False)

    @property
    def story(self) -> Sequence[Told]:
        """The steps, in order."""
        return self.narrator.story

    def step(self, index: int) -> Told:
        """The step of an event."""
        return self._by_index[index]

    def has(self, *indices: int) -> bool:
        """Whether all of these events have been told of."""
        return all(index in self._by_index for index in indices)

    def name(self, thread: ThreadId) -> str:
        """What to call a thread."""
        return self.names.of(thread)

    def who(self, told: Told) -> str:
        """What to call the thread of a step."""
        return self.names.of(told.thread.tid)

    def who_is(self, thread: VirtualThread) -> str:
        """What to call a thread."""
        return self.names[thread]

    def what(self, location: Location) -> str:
        """What to call a place."""
        return self.narrator.name_of(location)

    def thing(self, told: Told) -> str:
        """What to call what a step is about: an item, or the container as a whole."""
        location = told.location
        about_item = told.operation.kind in ITEMS or isinstance(location.field, Attribute)
        if told.operation.data and not about_item and location.owner.label:
            return location.owner.label
        return self.narrator.name_of(location)

    def line(self, place: Place, home: Place | None = None) -> str:
        """`line 12`, with the file if that is another than that of `home`."""
        if not place.line:
            return "code that is not watched"
        if home is not None and home.file != place.file:
            return f"{os.path.basename(place.file)}:{place.line}"
        return f"line {place.line}"

    def steps_on(self, location: Location, thread: ThreadId | None = None) -> list[Told]:
        """The steps that touch a place (of one thread)."""
        return [
            told
            for told in self.story
            if location in told.operation.locations
            and (thread is None or told.thread.tid == thread)
        ]

    def contested(self, one: Operation, other: Operation) -> list[Location]:
        """The places on which two operations do not commute."""
        if not conflicting(one, other):
            return []
        modes = dict(one.accesses)
        return [
            location
            for location, mode in other.accesses
            if location in modes and (mode or modes[location])
        ]

    def decided_on(self) -> list[Location]:
        """The places that the deciding steps are about."""
        if self.decision is None:
            return []
        first = self.step(self.decision.first).operation
        return self.contested(first, self.decision.operation)

    def second_step(self) -> Told | None:
        """The second of the deciding steps, if it took place."""
        if self.decision is None or self.decision.second is None:
            return None
        return self._by_index.get(self.decision.second)

    def common_locks(self, steps: Iterable[Told]) -> list[Location]:
        """The locks held at all of some steps."""
        common: list[Location] | None = None
        for told in steps:
            common = [lock for lock in (common or told.locks) if lock in told.locks]
            if not common:
                return []
        return common or []
