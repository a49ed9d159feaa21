"""Suspects become findings: run again, made small, run once more with a narrator listening.

A suspect whose fault does not show when its schedule is run again is dropped, with a note: what
cannot be replayed is not worth a person's time.
"""

from __future__ import annotations

import platform
import sys
from time import perf_counter

from raceproof.events import Location, ThreadId, WholeObject
from raceproof.judge.data_races import data_races
from raceproof.judge.deadlocks import Stuck, classify
from raceproof.judge.determinism import LIKELY, doubt, in_results
from raceproof.judge.explain import explain_race, explain_standstill, explain_whole
from raceproof.judge.findings import Advice, Finding, Result
from raceproof.judge.judge import ENDED, Fault, Judge, Suspect, failure_signature
from raceproof.judge.narrate import Narrator
from raceproof.judge.outcomes import Outcome, describe
from raceproof.judge.patterns import Triple, unserializable
from raceproof.options import Options
from raceproof.search.minimize import Attempt, minimize
from raceproof.search.replay import Recording, save, schedule_of
from raceproof.session import Program, Run, Session
from raceproof.world.execution import Blocked, Execution, Plan
from raceproof.world.scheduler import machine

MAX_FINDINGS = 20
ORDER = (Fault.STANDSTILL, Fault.LOST_UPDATE, Fault.NOT_SERIAL, Fault.FAILURE)


class Presenter:
    """Makes findings out of the suspects of a judge."""

    def __init__(self, session: Session, judge: Judge, program: Program, options: Options) -> None:
        self._session = session
        self._judge = judge
        self._program = program
        self._options = options
        self._deadline = 0.0

    # -- all findings of a search ----------------------------------------------------------------

    def findings(self, result: Result, seconds: float) -> list[Finding]:
        """The findings, standstills first, each with its replay file.

        `seconds` is the time for making them small.
        """
        self._deadline = perf_counter() + seconds
        found: list[Finding] = []
        covered: set[str] = set()
        suspects = sorted(self._judge.suspects.values(), key=lambda s: ORDER.index(s.fault))
        for suspect in suspects[:MAX_FINDINGS]:
            if suspect.lost and suspect.lost <= covered:
                continue  # that result comes of an update whose loss is reported already
            kind = self._failure_kind(suspect)
            if kind is None:
                continue
            finding = self._present(suspect, kind, result, covered, len(found) + 1)
            if finding is not None:
                found.append(finding)
        return found

    def _failure_kind(self, suspect: Suspect) -> str | None:
        """What to call a failure that serial orders show too; None: not a finding."""
        if suspect.fault is not Fault.FAILURE:
            return str(suspect.fault.value)
        everywhere = all(
            failure_signature(outcome) == suspect.signature[1:]
            for outcome in self._judge.tally.counts
        )
        assert suspect.outcome is not None
        if everywhere:
            return None if suspect.outcome.is_intended else "failure"
        return "order-violation" if self._judge.serial(suspect.outcome) else "race"

    def _present(
        self, suspect: Suspect, kind: str, result: Result, covered: set[str], number: int
    ) -> Finding | None:
        first = self._attempt(suspect, suspect.script)
        if not first.fails:
            result.notes.append(
                f"a {suspect.fault.value} was seen once but not when its schedule was run again; "
                "it is not reported"
            )
            doubt(result)
            return None
        if suspect.outcome is not None and first.outcome not in (None, suspect.outcome):
            difference = in_results(suspect.outcome, first.outcome)
            doubt(result, f"run again in the same order of its threads, {difference}. {LIKELY}")
            return None
        best = first
        if kind != "failure":
            best = minimize(
                first,
                lambda script: self._attempt(suspect, script),
                lambda: perf_counter() > self._deadline,
            )
        if suspect.fault is Fault.FAILURE and kind == "race" and not best.execution.preemptions:
            kind = "order-violation"  # an order without preemption that shows it has been found
        script = best.execution.threads[: best.length]
        run, narrator = self._narrated(script)
        finding = self._explain(suspect, kind, run, narrator, covered)
        if finding is None:
            return None
        finding.occurrences = suspect.seen
        self._keep(finding, suspect, run, best.length, number)
        return finding

    def is_harmless(self, suspect: Suspect) -> bool:
        """Whether a suspect turns out to be no fault.

        A lost update that lost nothing: what was overwritten was what had been read.  A result that
        no serial order gives, but without an exception, and all that the threads share was accessed
        under locks or in single steps: then it is the order of those that shows, as intended.
        """
        if suspect.fault is Fault.NOT_SERIAL:
            assert suspect.outcome is not None
            if suspect.outcome.failures:
                return False
            execution = self._attempt(suspect, suspect.script).execution
            return not (execution.truncated or is_unprotected(execution))
        if suspect.fault is not Fault.LOST_UPDATE:
            return False
        run, narrator = self._narrated(suspect.script)
        execution = run.execution
        return not any(
            self._judge.lost_update_signature(triple, execution) == suspect.signature
            and changes(triple, narrator)
            for triple in self._judge.lost_updates_in(execution.threads, execution.operations)
        )

    # -- running ---------------------------------------------------------------------------------

    def _attempt(self, suspect: Suspect, script: list[ThreadId]) -> Attempt:
        run = self._session.run(
            Plan(
                script=list(script),
                lenient=True,
                stop_after_script=suspect.fault is Fault.LOST_UPDATE,
            )
        )
        length = self._judge.shows(suspect, run.execution, run.outcome)
        ended = run.execution.end in ENDED
        return Attempt(
            run.execution, length is not None, length or 0, run.outcome if ended else None
        )

    def _narrated(self, script: list[ThreadId], echo: bool = False) -> tuple[Run, Narrator]:
        narrator = Narrator(self._session.loader.sites, self._session.loader.sources)
        run = self._session.run(
            Plan(script=list(script), lenient=True, observer=narrator), echo=echo
        )
        narrator.close()
        return run, narrator

    # -- explaining ------------------------------------------------------------------------------

    def _explain(
        self, suspect: Suspect, kind: str, run: Run, narrator: Narrator, covered: set[str]
    ) -> Finding | None:
        execution = run.execution
        everyone = execution.everyone
        if suspect.fault is Fault.STANDSTILL:
            stuck = classify(execution)
            found = self._standstill_kind(stuck, execution)
            return explain_standstill(found, stuck, narrator, everyone)
        if suspect.fault is Fault.LOST_UPDATE:
            triples = self._judge.lost_updates_in(execution.threads, execution.operations)
            for triple in triples:
                if self._judge.lost_update_signature(triple, execution) == suspect.signature:
                    if not changes(triple, narrator):
                        return None
                    covered.add(triple.location.label)
                    lost = explain_race("lost-update", triple, narrator, everyone)
                    self._add_outcome(lost, run)
                    return lost
            return None
        finding = self._explain_outcome(kind, run, narrator, covered)
        if finding is not None:
            self._add_outcome(finding, run)
            finding.traceback = run.record.traceback_text()
        return finding

    def _add_outcome(self, finding: Finding, run: Run) -> None:
        """What the interleaving came to and, if that is not serial, what it should have."""
        if run.execution.end not in ("finished", "exit"):
            return
        serial = self._judge.serial(run.outcome)
        finding.outcome = describe(run.outcome, finding.occurrences, serial, run.record.lines())
        if serial is False:
            finding.expected = [
                describe(outcome, 0, True, self._judge.tally.as_printed.get(outcome))
                for outcome in self._judge.serial_outcomes()
            ]

    def _explain_outcome(
        self, kind: str, run: Run, narrator: Narrator, covered: set[str]
    ) -> Finding | None:
        """A finding about a result; None if it is about a place that was reported already."""
        execution = run.execution
        everyone = execution.everyone
        failures = sorted(run.outcome.failures)
        if kind == "failure":
            seen = self._judge.tally.total()
            where = "in every order" if seen > 1 or run.execution.truncated is False else "as run"
            finding = explain_whole(kind, f"the program fails {where}: {failures[0]}",
                                    set(), narrator, everyone)  # fmt: skip
            finding.advice = Advice("", "this is no race; mend the exception first")
            return finding
        name, triple = self._pattern(execution)
        if kind == "order-violation":
            return explain_whole(
                kind,
                f"{failures[0]} in some orders of the threads, even without preemption",
                conflict_places(execution), narrator, everyone,
            )  # fmt: skip
        if triple is not None:
            if triple.location.label in covered:
                return None
            if any("changed size during iteration" in text or "mutated during iteration" in text
                   or "keys changed during iteration" in text for text in failures):  # fmt: skip
                name = "iterate-while-mutate"
            covered.add(triple.location.label)
            return explain_race(name, triple, narrator, everyone)
        what = f"{failures[0]}," if failures else "a result"
        return explain_whole(
            "race", f"{what} which no order without preemption was seen to give",
            conflict_places(execution),
            narrator, everyone,
        )  # fmt: skip

    def _pattern(self, execution: Execution) -> tuple[str, Triple | None]:
        """The best-known mistake that an execution shows."""
        for triple in self._judge.lost_updates_in(execution.threads, execution.operations):
            return "lost-update", triple
        found = dict[str, Triple]()
        for name, triple in unserializable(execution.threads, execution.operations):
            found.setdefault(name, triple)
        for name in ("check-then-act", "stale read", "half-done write seen", "overwritten"):
            if name in found:
                return (name if name == "check-then-act" else "race"), found[name]
        return "race", None

    def _standstill_kind(self, stuck: Stuck, execution: Execution) -> str:
        """The kind of a standstill, now that all executions are known."""
        sometimes_fine = any(
            outcome not in self._judge.stuck_outcomes for outcome in self._judge.tally.counts
        )
        if (
            stuck.kind == "waits-forever"
            and sometimes_fine
            and all(
                blocked.operation.kind == "wake" and notified_too_early(blocked, execution)
                for blocked in stuck.causes
            )
        ):
            return "lost-wakeup"
        return stuck.kind

    # -- replay files ----------------------------------------------------------------------------

    def _keep(self, finding: Finding, suspect: Suspect, run: Run, length: int, number: int) -> None:
        """Write the replay file of a finding."""
        program, options = self._program, self._options
        execution = run.execution
        schedule, operations = schedule_of(
            execution.threads[:length], execution.operations[:length], machine.naming
        )
        recording = Recording(
            program.script, program.module, list(program.arguments),
            {"include": list(options.include), "exclude": list(options.exclude),
             "seed": options.seed, "timeouts": options.timeouts, "threads": options.threads,
             "insights": sorted(machine.insights)},
            platform.python_version(), finding.kind, finding.message,
            [suspect.fault.name, *mark_of(suspect)], schedule, as_data(run.outcome), operations,
        )  # fmt: skip
        try:
            finding.replay = save(recording, options.replay_dir, program.stem, number)
        except OSError as error:
            finding.replay = ""
            finding.because += f" (No replay file: {error.strerror}.)"

    def replay(self, recording: Recording, pdb: bool) -> tuple[Finding | None, str]:
        """Run a recorded interleaving; the finding if it shows its fault again, and a message."""
        script = recording.script_for(machine.naming)
        if pdb:
            import pdb as debugger

            debugger.Pdb().set_trace()
        run, narrator = self._narrated(script, echo=True)
        fault, mark = Fault[recording.signature[0]], recording.signature[1:]
        execution = run.execution
        everyone = execution.everyone
        finding: Finding | None = None
        if fault is Fault.STANDSTILL:
            if execution.end == "stuck":
                stuck = classify(execution)
                if list(map(str, stuck.signature)) == mark:
                    finding = explain_standstill(recording.kind, stuck, narrator, everyone)
        elif fault is Fault.LOST_UPDATE:
            triples = self._judge.lost_updates_in(execution.threads, execution.operations)
            for triple in triples:
                if triple.location.label == mark[0]:
                    finding = explain_race("lost-update", triple, narrator, everyone)
                    break
        elif execution.end in ENDED and self._same_result(recording, run, mark):
            finding = self._explain_outcome(fault.value, run, narrator, set())
        message = recording.message
        if finding is None:
            message = f"not seen this time: {message}"
            if sys.flags.hash_randomization:
                message += (
                    ". (A set of strings has another order in every process; if that matters here, "
                    "set PYTHONHASHSEED=0 for both commands)"
                )
        return finding, message

    def _same_result(self, recording: Recording, run: Run, mark: list[str]) -> bool:
        if as_data(run.outcome) == recording.outcome:
            return True
        if list(failure_signature(run.outcome)) != mark:
            return False
        return bool(mark) or self._judge.serial(run.outcome) is False


def mark_of(suspect: Suspect) -> list[str]:
    """By what to know a fault again, apart from its kind, whatever else changes in the program."""
    if suspect.fault is Fault.STANDSTILL:
        return [str(part) for part in suspect.signature[1:]]
    if suspect.fault is Fault.LOST_UPDATE:
        return [str(suspect.signature[1])]
    assert suspect.outcome is not None
    return [str(part) for part in failure_signature(suspect.outcome)]


def as_data(outcome: Outcome) -> dict[str, list[str]]:
    """An outcome as it goes into a file."""
    return {
        "exit": [outcome.exit],
        "lines": list(outcome.lines),
        "errors": [*outcome.errors, *outcome.unread],
    }


def changes(triple: Triple, narrator: Narrator) -> bool:
    """Whether the value overwritten differs from the value read: else nothing was lost."""
    told = {one.index: one for one in narrator.story}
    read, write = told[triple.read], told[triple.write]
    return not (read.value and write.old and read.value == write.old)


def notified_too_early(blocked: Blocked, execution: Execution) -> bool:
    """Whether all notifications came before the thread waited (rather than to somebody else)."""
    places = {
        location for location in blocked.operation.locations if location.owner.label == "Condition"
    }
    waited = -1
    notified = []
    for index, operation in enumerate(execution.operations):
        if places.isdisjoint(operation.locations):
            continue
        if operation.kind.startswith("notify"):
            notified.append(index)
        elif operation.kind == "wait" and execution.threads[index] == blocked.thread.tid:
            waited = index
    return bool(notified) and max(notified) < waited


def is_unprotected(execution: Execution) -> bool:
    """Whether an execution shows accesses to data that nothing orders or keeps together."""
    threads, operations = execution.threads, execution.operations
    if next(data_races(threads, operations), None) is not None:
        return True
    return any(name == "check-then-act" for name, _ in unserializable(threads, operations))


def conflict_places(execution: Execution) -> set[Location]:
    """The places of watched code that several threads access, one of them writing."""
    users: dict[Location, set[ThreadId]] = {}
    written: set[Location] = set()
    for thread, operation in zip(execution.threads, execution.operations, strict=True):
        for location, mode in operation.accesses:
            if not isinstance(location.field, WholeObject) or not operation.data:
                users.setdefault(location, set()).add(thread)
                if mode:
                    written.add(location)
    return {
        location
        for location, threads in users.items()
        if len(threads) > 1 and location in written and location.owner.label != "thread"
    }
