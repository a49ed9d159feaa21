"""The judge hears of every execution and keeps what may turn out to be a fault.

What it keeps are *suspects*: a schedule, and a test that says whether an execution shows the same
fault.  Suspects become findings once they have been made small and run again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from raceproof.events import Operation, Site, ThreadId
from raceproof.judge.deadlocks import Stuck, classify
from raceproof.judge.outcomes import Outcome, Tally
from raceproof.judge.patterns import Triple, lost_updates, lost_updates_alone
from raceproof.world.execution import Execution

ENDED = ("finished", "exit")
"""How executions end that have a result."""


class Fault(Enum):
    """What a suspect is suspected of."""

    LOST_UPDATE = "lost-update"
    STANDSTILL = "standstill"
    NOT_SERIAL = "race"
    FAILURE = "failure"


@dataclass(slots=True)
class Suspect:
    """An execution that shows a fault, and how to know the fault again."""

    fault: Fault
    signature: tuple[object, ...]
    """Two suspects with the same signature are one fault."""
    script: list[ThreadId]
    length: int
    outcome: Outcome | None = None
    stuck: Stuck | None = None
    seen: int = 1
    """In how many executions."""
    last: int = 0
    """The newest of them."""

    @property
    def lost(self) -> frozenset[str]:
        """For results that are not serial: the places with lost updates in that execution."""
        lost = self.signature[1] if self.fault is Fault.NOT_SERIAL else frozenset()
        assert isinstance(lost, frozenset)
        return lost


SerialCheck = Callable[[Outcome], bool | None]


@dataclass(slots=True)
class Judge:
    """Collects outcomes and suspects over the executions of one search."""

    sites: Sequence[Site]
    is_serial: SerialCheck
    """Whether some order without preemption gives an outcome (may run such orders to find out);
    None if there were too many to be sure."""
    tally: Tally = field(default_factory=Tally)
    suspects: dict[tuple[object, ...], Suspect] = field(default_factory=dict)
    stuck_outcomes: set[Outcome] = field(default_factory=set)
    heard: int = 0
    """Executions heard of so far."""
    _unchecked: list[Suspect] = field(default_factory=list)
    _dismissed: set[tuple[object, ...]] = field(default_factory=set)
    _rmw: frozenset[int] = frozenset()
    _sites_seen: int = 0
    serial_known: dict[Outcome, bool | None] = field(default_factory=dict)

    def hear(
        self, execution: Execution, outcome: Outcome, lines: list[str], fresh_from: int | None
    ) -> None:
        """An execution is over.

        Those of the search leave histories, and their events from `fresh_from` on are new; those
        drawn at random (None) do neither, and do not count.
        """
        self.heard += 1
        rmw = self.rmw_sites()
        operations = execution.operations
        times = 1
        if fresh_from is None:
            times = 0
            for triple in lost_updates_alone(execution.threads, operations, rmw):
                self._suspect_lost_update(triple, execution)
        elif rmw:
            for triple in lost_updates(execution.threads, operations, rmw, fresh_from):
                self._suspect_lost_update(triple, execution)
        if not (execution.preemptions or execution.truncated) and execution.end in ENDED:
            self.serial_known[outcome] = True
        if execution.end == "stuck":
            self._hear_standstill(execution, outcome, lines, times)
            return
        if execution.end not in ENDED:
            return
        new = self.tally.add(outcome, lines, times)
        serial = self.serial(outcome)
        if serial is False:
            if new:
                lost = self.lost_places(execution)
                self._add(
                    Suspect(
                        Fault.NOT_SERIAL,
                        ("outcome", lost, *failure_signature(outcome)),
                        list(execution.threads),
                        len(operations),
                        outcome,
                    )
                )
        elif outcome.failures:
            self._add(
                Suspect(
                    Fault.FAILURE,
                    ("failure", *failure_signature(outcome)),
                    list(execution.threads),
                    len(operations),
                    outcome,
                )
            )

    def serial(self, outcome: Outcome) -> bool | None:
        """Whether the reference has this outcome (asked once for each); None: unknown."""
        if outcome not in self.serial_known:
            self.serial_known[outcome] = self.is_serial(outcome)
        return self.serial_known[outcome]

    def serial_outcomes(self) -> list[Outcome]:
        """The outcomes seen that some serial order gives."""
        return [outcome for outcome, serial in self.serial_known.items() if serial]

    def rmw_sites(self) -> frozenset[int]:
        """The sites of stores that depend on a read of the same place."""
        if len(self.sites) != self._sites_seen:
            self._sites_seen = len(self.sites)
            self._rmw = frozenset(i for i, site in enumerate(self.sites) if site.rmw)
        return self._rmw

    def shows(self, suspect: Suspect, execution: Execution, outcome: Outcome) -> int | None:
        """Whether an execution shows the fault of `suspect`: the events it takes, or None."""
        if suspect.fault is Fault.LOST_UPDATE:
            for triple in self.lost_updates_in(execution.threads, execution.operations):
                if self.lost_update_signature(triple, execution) == suspect.signature:
                    return triple.write + 1
            return None
        if suspect.fault is Fault.STANDSTILL:
            if execution.end != "stuck":
                return None
            if ("standstill", *classify(execution).signature) == suspect.signature:
                return len(execution.threads)
            return None
        if execution.end not in ENDED:
            return None
        assert suspect.outcome is not None
        if suspect.fault is Fault.NOT_SERIAL:
            same = failure_signature(outcome) == failure_signature(suspect.outcome)
            if same and self.serial(outcome) is False:
                if self.lost_places(execution) - suspect.lost:
                    return None
                return len(execution.threads)
            return None
        if failure_signature(outcome) == failure_signature(suspect.outcome):
            return len(execution.threads)
        return None

    def lost_updates_in(
        self, threads: Sequence[ThreadId], operations: Sequence[Operation]
    ) -> list[Triple]:
        """All lost updates of an execution."""
        return list(lost_updates_alone(threads, operations, self.rmw_sites()))

    def lost_places(self, execution: Execution) -> frozenset[str]:
        """The places whose updates were lost in an execution."""
        return frozenset(
            triple.location.label
            for triple in self.lost_updates_in(execution.threads, execution.operations)
        )

    def lost_update_signature(self, triple: Triple, execution: Execution) -> tuple[object, ...]:
        """What makes two lost updates the same fault: the place, and the functions involved."""
        overwriting = self.sites[execution.operations[triple.write].site]
        overwritten = self.sites[execution.operations[triple.between].site]
        functions = sorted({overwriting.function, overwritten.function})
        return ("lost", triple.location.label, overwriting.file, *functions)

    # -- details ---------------------------------------------------------------------------------

    def _suspect_lost_update(self, triple: Triple, execution: Execution) -> None:
        signature = self.lost_update_signature(triple, execution)
        self._add(
            Suspect(
                Fault.LOST_UPDATE,
                signature,
                execution.threads[: triple.write + 1],
                triple.write + 1,
            )
        )

    def _hear_standstill(
        self, execution: Execution, outcome: Outcome, lines: list[str], times: int
    ) -> None:
        stuck = classify(execution)
        outcome = replace(outcome, exit=stuck.kind)
        self.stuck_outcomes.add(outcome)
        self.tally.add(outcome, lines, times)
        self._add(
            Suspect(
                Fault.STANDSTILL,
                ("standstill", *stuck.signature),
                list(execution.threads),
                len(execution.threads),
                outcome,
                stuck,
            )
        )

    def _add(self, suspect: Suspect) -> None:
        known = self.suspects.get(suspect.signature)
        if known is not None:
            if known.last != self.heard:
                known.seen += 1
                known.last = self.heard
        elif suspect.signature not in self._dismissed:
            suspect.last = self.heard
            self.suspects[suspect.signature] = suspect
            self._unchecked.append(suspect)

    def unchecked(self) -> list[Suspect]:
        """The suspects that have come up since this was asked last."""
        found, self._unchecked = self._unchecked, []
        return found

    def dismiss(self, suspect: Suspect) -> None:
        """It turned out to be harmless: do not mention it again."""
        self._dismissed.add(suspect.signature)
        self.suspects.pop(suspect.signature, None)


def failure_signature(outcome: Outcome) -> tuple[object, ...]:
    """What makes two results the same fault: the types of the exceptions, not their texts."""
    return tuple(sorted(text.partition(":")[0] for text in outcome.failures))
