"""The judge hears of every execution and keeps what may turn out to be a fault.

What it keeps are *suspects*: a schedule, and a test that says whether an execution shows the same
fault.  Suspects become findings once they have been made small and run again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from raceproof.events import Operation, Site, ThreadId
from raceproof.judge.data_races import data_races
from raceproof.judge.deadlocks import Stuck, classify
from raceproof.judge.outcomes import Outcome, Tally
from raceproof.judge.patterns import Triple, lost_updates, lost_updates_alone, unserializable
from raceproof.world.execution import Execution

ENDED = ("finished", "exit")
"""How executions end that have a result."""


class Fault(Enum):
    """What a suspect is suspected of."""

    LOST_UPDATE = "lost-update"
    STANDSTILL = "standstill"
    NOT_SERIAL = "race"
    FAILURE = "failure"
    UNREAD = "future-exception-unread"


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
    reference: Collection[Outcome] = ()
    """The outcomes of the orders without preemption that have been run so far."""
    tally: Tally = field(default_factory=Tally)
    suspects: dict[tuple[object, ...], Suspect] = field(default_factory=dict)
    stuck_outcomes: set[Outcome] = field(default_factory=set)
    inevitable: frozenset[str] | None = None
    """What all executions so far ended with: types of exceptions, kinds of standstill."""
    heard: int = 0
    """Executions heard of so far."""
    _unchecked: list[Suspect] = field(default_factory=list)
    _dismissed: set[tuple[object, ...]] = field(default_factory=set)
    _rmw: frozenset[int] = frozenset()
    _sites_seen: int = 0
    _aside: bool = False
    serial_known: dict[Outcome, bool | None] = field(default_factory=dict)

    def hear(
        self,
        execution: Execution,
        outcome: Outcome,
        lines: list[str],
        fresh_from: int | None,
        *,
        aside: bool = False,
        alone: bool = False,
    ) -> None:
        """An execution is over.

        Those of the search leave histories, and their events from `fresh_from` on are new; those
        drawn at random (None) do neither, and do not count.  One that was run to make a finding
        small (`aside`) can bring up a new suspect, but is no further sight of a known one.  The
        histories of one that stands `alone` are not those of its events.
        """
        self.heard += not aside
        self._aside = aside
        rmw = self.rmw_sites()
        operations = execution.operations
        times = 0 if fresh_from is None else 1
        if fresh_from is None or alone:
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
        new = outcome not in self.tally.counts if aside else self.tally.add(outcome, lines, times)
        if new:
            self._all_end_with(outcome.failure_types)
        serial = self.serial(outcome)
        if serial is False:
            if new:
                lost = self.lost_places(execution)
                self._add(
                    Suspect(
                        Fault.NOT_SERIAL,
                        ("outcome", lost, outcome.crashes),
                        list(execution.threads),
                        len(operations),
                        outcome,
                    )
                )
        elif outcome.failures:
            self._add(
                Suspect(
                    Fault.FAILURE,
                    ("failure", outcome.crashes),
                    list(execution.threads),
                    len(operations),
                    outcome,
                )
            )

        elif outcome.accidents:
            self._add(
                Suspect(
                    Fault.UNREAD,
                    ("unread", outcome.accidents),
                    list(execution.threads),
                    len(operations),
                    outcome,
                )
            )

    def has_findings(self) -> bool:
        """Whether any suspect will turn out to be a finding, as things stand."""
        for suspect in self.suspects.values():
            if suspect.fault is Fault.UNREAD:
                if not self.is_unread_everywhere(suspect):
                    return True
            elif suspect.fault is not Fault.FAILURE or len(self.tally.counts) > 1:
                return True
        return False

    def is_unread_everywhere(self, suspect: Suspect) -> bool:
        """Whether the exceptions that nobody reads are there in every serial order.

        Then it does not depend on the order, and whoever wrote it may have wanted it so.
        """
        assert suspect.outcome is not None
        return all(
            suspect.outcome.accidents <= outcome.accidents for outcome in self.serial_outcomes()
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
        if suspect.fault is Fault.UNREAD:
            return (
                len(execution.threads) if outcome.accidents >= suspect.outcome.accidents else None
            )
        if suspect.fault is Fault.NOT_SERIAL:
            if outcome.crashes != suspect.outcome.crashes or self.serial(outcome) is not False:
                return None
            if self.lost_places(execution) - suspect.lost or self.is_as_intended(
                execution, outcome
            ):
                return None
            return len(execution.threads)
        if outcome.crashes == suspect.outcome.crashes:
            return len(execution.threads)
        return None

    def is_as_intended(self, execution: Execution, outcome: Outcome) -> bool:
        """Whether a result that no serial order gives shows nothing but the order of critical
        sections and single steps: no exception that serial orders do not have as well, and all
        that the threads share protected."""
        if outcome.failures and not any(
            serial.crashes == outcome.crashes for serial in self.reference
        ):
            return False
        return not (execution.truncated or is_unprotected(execution))

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
        self._all_end_with(outcome.failure_types)
        if not self._aside:
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
            if known.last != self.heard and not self._aside:
                known.seen += 1
                known.last = self.heard
        elif suspect.signature not in self._dismissed:
            suspect.last = self.heard
            self.suspects[suspect.signature] = suspect
            self._unchecked.append(suspect)

    def _all_end_with(self, types: frozenset[str]) -> None:
        self.inevitable = types if self.inevitable is None else self.inevitable & types

    def is_inescapable(self, suspect: Suspect) -> bool:
        """Whether every execution that was heard of ends so."""
        known = self.inevitable or frozenset()
        if suspect.fault is Fault.STANDSTILL:
            return suspect.stuck is not None and suspect.stuck.kind in known
        if suspect.fault is not Fault.FAILURE or suspect.outcome is None:
            return False
        return bool(suspect.outcome.failure_types) and suspect.outcome.failure_types <= known

    def unchecked(self) -> list[Suspect]:
        """The suspects that have come up since this was asked last."""
        found, self._unchecked = self._unchecked, []
        return found

    def dismiss(self, suspect: Suspect) -> None:
        """It turned out to be harmless: do not mention it again."""
        self._dismissed.add(suspect.signature)
        self.suspects.pop(suspect.signature, None)


def is_unprotected(execution: Execution) -> bool:
    """Whether an execution shows accesses to data that nothing orders or keeps together."""
    threads, operations = execution.threads, execution.operations
    if next(data_races(threads, operations), None) is not None:
        return True
    return any(name == "check-then-act" for name, _ in unserializable(threads, operations))
