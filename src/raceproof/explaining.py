"""Suspects become findings: run again, made small, run once more with a narrator listening.

A suspect whose fault does not show when its schedule is run again is dropped, with a note: what
cannot be replayed is not worth a person's time.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from raceproof.gil import WithGil
from raceproof.judge.determinism import LIKELY, doubt, in_results
from raceproof.judge.evidence import Decision
from raceproof.judge.explain import data_race, explain
from raceproof.judge.findings import DataRace, Finding, Result
from raceproof.judge.judge import ENDED, Fault, Judge, Suspect
from raceproof.judge.narrate import Narrator
from raceproof.judge.outcomes import describe
from raceproof.judge.race_log import RaceLog
from raceproof.options import Options
from raceproof.programs import Target
from raceproof.recordings import keep
from raceproof.search.minimize import Attempt, Smallest
from raceproof.session import Run, Session
from raceproof.shrinking import Budget, Shrinker
from raceproof.telling import Teller, changes
from raceproof.world.execution import Plan

MAX_FINDINGS = 20
MAX_DATA_RACES = 20
ENOUGH = 20
"""Executions after which what all of them show may be said of the program."""
WITH_GIL = 1.0
"""Seconds for looking whether faults can happen with a GIL too."""
LOOKING_AROUND = 1 / 3
"""Part of the time for explaining that the interleavings around the plain one may take."""
ORDER = (Fault.STANDSTILL, Fault.LOST_UPDATE, Fault.NOT_SERIAL, Fault.FAILURE, Fault.UNREAD)

ABOUT_A_VARIABLE = ("RP101", "RP102", "RP104", "RP304")
"""Mistakes that the same mend takes away, if they are about the same variable."""


class Presenter:
    """Makes findings out of the suspects of a judge."""

    def __init__(self, session: Session, judge: Judge, program: Target, options: Options) -> None:
        self._session = session
        self._judge = judge
        self._program = program
        self._options = options
        self._with_gil = WithGil(session, judge)
        self._shrinker = Shrinker(session, judge)
        if options.gil:
            self._shrinker.is_possible = self._with_gil.can_run
        self._teller = Teller(session, judge)
        self._budget = Budget(0)
        self._reported: set[tuple[object, ...]] = set()
        self._covered: set[str] = set()
        """Places whose updates are lost, as reported already."""

    # -- all findings of a search ----------------------------------------------------------------

    def findings(self, result: Result, seconds: float) -> list[Finding]:
        """The findings, standstills first, each with its replay file.

        `seconds` is the time for making them small.
        """
        self._budget = Budget(seconds)
        found: list[tuple[Finding, Suspect, Attempt]] = []
        known = list(self._judge.suspects.values())
        if known:
            self._shrinker.look_around(known, Budget(seconds * LOOKING_AROUND).is_spent)
        done: set[tuple[object, ...]] = set()
        while len(found) < MAX_FINDINGS:
            suspect = self._next_suspect(done)
            if suspect is None:
                break
            done.add(suspect.signature)
            if suspect.lost and suspect.lost <= self._covered:
                continue  # that result comes of an update whose loss is reported already
            kind = self._failure_kind(suspect)
            if kind is None:
                continue
            presented = self._present(suspect, kind, result)
            if presented is not None:
                found.append((presented[0], suspect, presented[1]))
        self._decide_about_gil([(finding, suspect) for finding, suspect, _ in found])
        # Some came up only while others were made small.
        found.sort(key=lambda one: ORDER.index(one[1].fault))
        for number, (finding, suspect, best) in enumerate(found, 1):
            keep(finding, suspect, best, self._program, self._options, number)
        return [finding for finding, _, _ in found]

    def _decide_about_gil(self, found: Sequence[tuple[Finding, Suspect]]) -> None:
        """Whether each of the findings can happen with a GIL too, where that is still open."""
        unknown = [suspect for finding, suspect in found if finding.gil is None]
        answers = self._with_gil.look_for(unknown, Budget(WITH_GIL).is_spent)
        for finding, suspect in found:
            if finding.gil is None:
                finding.gil = answers.get(suspect.signature)

    def _next_suspect(self, done: Container[tuple[object, ...]]) -> Suspect | None:
        """The next one to look at: not in the order in which the search came upon them."""
        for suspect in self._judge.unchecked():
            if self.is_harmless(suspect):
                self._judge.dismiss(suspect)
        waiting = [s for s in self._judge.suspects.values() if s.signature not in done]
        return min(waiting, key=lambda s: (ORDER.index(s.fault), sort_key(s)), default=None)

    def _failure_kind(self, suspect: Suspect) -> str | None:
        """What to call a failure that serial orders show too; None: not a finding."""
        if suspect.fault is Fault.UNREAD and self._judge.is_unread_everywhere(suspect):
            return None
        if suspect.fault is not Fault.FAILURE:
            return str(suspect.fault.value)
        assert suspect.outcome is not None
        if self._judge.is_inescapable(suspect):
            return None if suspect.outcome.is_intended else "failure"
        return "order-violation" if self._judge.serial(suspect.outcome) else "race"

    def _present(
        self, suspect: Suspect, kind: str, result: Result
    ) -> tuple[Finding, Attempt] | None:
        """The finding about a suspect, and the smallest interleaving that shows it."""
        first = self._shrinker.attempt(suspect, suspect.script)
        if not first.fails:
            result.notes.append(
                f"a {suspect.fault.value} was seen once but not when its schedule was run again; "
                "it is not reported"
            )
            doubt(result)
            return None
        if suspect.outcome is not None and first.outcome not in (None, suspect.outcome):
            difference = in_results(suspect.outcome, first.outcome)
            likely = self._session.stage.doubts or LIKELY
            doubt(result, f"run again in the same order of its threads, {difference}. {likely}")
            return None
        small = Smallest(first)
        always = self._judge.is_inescapable(suspect)
        always = always and (result.complete or self._judge.heard >= ENOUGH)
        if always or kind == "failure":
            # Then the plain order shows it best, and no reversal mends it.
            small.best = self._shrinker.nearest(suspect, first)
        else:
            small = self._shrinker.smallest(suspect, first, self._budget.is_spent)
        best = small.best
        if suspect.fault is Fault.FAILURE and kind == "race" and not best.execution.preemptions:
            kind = "order-violation"  # an order without preemption that shows it has been found
        run, narrator = self._teller.narrated(best.script)
        best.outcome = run.outcome
        finding = self._explained(suspect, kind, small, run, narrator, always)
        if finding is None or self._is_known(finding):
            return None
        finding.gil = always or self._with_gil.can_run(run.execution) or None
        finding.occurrences = suspect.seen
        finding.exception = run.record.exception()
        finding.printed = list(run.record.output.lines)
        if finding.outcome is not None:
            finding.outcome.count = suspect.seen
        return finding, best

    def _is_known(self, finding: Finding) -> bool:
        """Whether a finding is about a mistake that has been reported already."""
        about = (finding.code, *finding.where[:1], *finding.objects[:1])
        if about in self._reported:
            return True
        self._reported.add(about)
        if finding.code in ABOUT_A_VARIABLE:
            covered = not self._covered.isdisjoint(finding.objects[:1])
            self._covered.update(finding.objects[:1])
            return covered and finding.kind != "lost-update"
        return False

    def is_harmless(self, suspect: Suspect) -> bool:
        """Whether a suspect turns out to be no fault.

        A lost update that lost nothing: what was overwritten was what had been read.  A result that
        no serial order gives, but without an exception, and all that the threads share was accessed
        under locks or in single steps: then it is the order of those that shows, as intended.
        """
        if suspect.fault is Fault.NOT_SERIAL:
            plan = Plan(script=list(suspect.script), lenient=True)
            run = self._session.run(plan)
            return self._judge.is_as_intended(run.execution, run.outcome)
        if suspect.fault is not Fault.LOST_UPDATE:
            return False
        run, narrator = self._teller.narrated(suspect.script)
        execution = run.execution
        return not any(
            self._judge.lost_update_signature(triple, execution) == suspect.signature
            and changes(triple, narrator)
            for triple in self._judge.lost_updates_in(execution.threads, execution.operations)
        )

    # -- explaining ------------------------------------------------------------------------------

    def _explained(
        self,
        suspect: Suspect,
        kind: str,
        small: Smallest,
        run: Run,
        narrator: Narrator,
        always: bool,
    ) -> Finding | None:
        """The finding about a suspect whose smallest interleaving has been run and told."""
        evidence = self._teller.evidence(kind, run, narrator)
        if suspect.fault is Fault.LOST_UPDATE:
            evidence.lost = [
                triple
                for triple in evidence.lost
                if self._judge.lost_update_signature(triple, run.execution) == suspect.signature
            ][:1]
            if not evidence.lost or not changes(evidence.lost[0], narrator):
                return None
        evidence.decisions = [
            Decision(race.first, race.second, race.thread, race.operation, outcome)
            for race, outcome in small.mending
            if evidence.has(race.first) and (race.second is None or evidence.has(race.second))
        ]
        evidence.tried = small.reversed
        evidence.untried = not small.finished
        evidence.inescapable = always
        finding = explain(evidence)
        finding.smallest = small.finished
        if suspect.fault is not Fault.STANDSTILL:
            self._add_outcome(finding, run)
        if suspect.fault not in (Fault.STANDSTILL, Fault.LOST_UPDATE):
            finding.traceback = self._teller.tracebacks(run, evidence)
        return finding

    def _add_outcome(self, finding: Finding, run: Run) -> None:
        """What the interleaving came to and, if that is not serial, what it should have."""
        if run.execution.end not in ENDED:
            return
        serial = self._judge.serial(run.outcome)
        finding.outcome = describe(run.outcome, finding.occurrences, serial, run.record.lines())
        if serial is False:
            finding.expected = [
                describe(outcome, 0, True, self._judge.tally.as_printed.get(outcome))
                for outcome in self._judge.serial_outcomes()
            ]

    def data_races(self, log: RaceLog, findings: Sequence[Finding]) -> list[DataRace]:
        """The data races that the findings have nothing to do with."""
        reported = {name for finding in findings for name in finding.objects}
        found: list[DataRace] = []
        for sighting in log.sightings.values():
            if len(found) == MAX_DATA_RACES:
                break
            if sighting.location.label in reported:
                continue
            run, narrator = self._teller.narrated(sighting.script)
            race = data_race(self._teller.evidence("data-race", run, narrator), sighting)
            if race is not None:
                found.append(race)
        return found


def sort_key(suspect: Suspect) -> list[str]:
    """By what to order suspects of one kind: nothing that depends on when they were found."""
    return [
        str(sorted(map(str, part)) if isinstance(part, frozenset) else part)
        for part in suspect.signature
    ]
