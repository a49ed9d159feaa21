"""Replay files: written for each finding, and run again on request."""

from __future__ import annotations

import platform
import sys

from raceproof.gil import WithGil
from raceproof.judge.deadlocks import classify
from raceproof.judge.explain import explain
from raceproof.judge.findings import Finding
from raceproof.judge.judge import ENDED, Fault, Judge, Suspect
from raceproof.judge.outcomes import Outcome
from raceproof.options import Options
from raceproof.programs import Target
from raceproof.search.minimize import Attempt
from raceproof.search.replay import Recording, save, schedule_of
from raceproof.session import Run
from raceproof.telling import Teller
from raceproof.world.scheduler import machine


def keep(
    finding: Finding, suspect: Suspect, best: Attempt, program: Target, options: Options,
    number: int,
) -> None:  # fmt: skip
    """Write the replay file of a finding, which `best` shows."""
    execution = best.execution
    schedule, operations = schedule_of(
        best.script, execution.operations[: best.length], machine.naming
    )
    outcome = {} if best.outcome is None else as_data(best.outcome)
    recording = Recording(
        **program.origin,
        options={
            "include": list(options.include), "exclude": list(options.exclude),
            "seed": options.seed, "timeouts": options.timeouts, "threads": options.threads,
            "insights": sorted(machine.insights),
        },
        python=platform.python_version(), kind=finding.kind, message=finding.message,
        signature=[suspect.fault.name, *mark_of(suspect)], schedule=schedule,
        outcome=outcome, operations=operations,
    )  # fmt: skip
    try:
        finding.replay = save(recording, options.replay_dir, program.stem, number)
        finding.command = program.rerun_command(finding.replay)
    except OSError as error:
        finding.replay = ""
        finding.because += f" (No replay file: {error.strerror}.)"


class Replayer:
    """Runs recorded interleavings again."""

    def __init__(self, teller: Teller, judge: Judge, with_gil: WithGil) -> None:
        self._teller = teller
        self._judge = judge
        self._with_gil = with_gil

    def run(self, recording: Recording, pdb: bool, echo: bool = True) -> tuple[Finding | None, str]:
        """Run a recorded interleaving; the finding if it shows its fault again, and a message."""
        script = recording.script_for(machine.naming)
        if pdb:
            import pdb as debugger

            debugger.Pdb().set_trace()
        run, narrator = self._teller.narrated(script, echo=echo)
        fault, mark = Fault[recording.signature[0]], recording.signature[1:]
        finding: Finding | None = None
        if self._fails_again(fault, mark, recording, run):
            evidence = self._teller.evidence(recording.kind, run, narrator)
            if fault is Fault.LOST_UPDATE:
                evidence.lost = [t for t in evidence.lost if t.location.label == mark[0]][:1]
            finding = explain(evidence)
            finding.gil = self._with_gil.can_run(run.execution) or None
        if finding is not None:
            finding.exception = run.record.exception()
            finding.printed = list(run.record.output.lines)
        message = recording.message
        if finding is None:
            message = f"not seen this time: {message}"
            if sys.flags.hash_randomization:
                message += (
                    ". (A set of strings has another order in every process; if that matters here, "
                    "set PYTHONHASHSEED=0 for both commands)"
                )
        return finding, message

    def _fails_again(self, fault: Fault, mark: list[str], recording: Recording, run: Run) -> bool:
        """Whether an execution shows the fault of a recording."""
        execution = run.execution
        if fault is Fault.STANDSTILL:
            stuck = execution.end == "stuck"
            return stuck and list(map(str, classify(execution).signature)) == mark
        if fault is Fault.LOST_UPDATE:
            triples = self._judge.lost_updates_in(execution.threads, execution.operations)
            return any(triple.location.label == mark[0] for triple in triples)
        return execution.end in ENDED and self._same_result(recording, run, mark)

    def _same_result(self, recording: Recording, run: Run, mark: list[str]) -> bool:
        if as_data(run.outcome) == recording.outcome:
            return True
        if sorted(run.outcome.failure_types) != mark:
            return False
        return bool(mark) or self._judge.serial(run.outcome) is False


def mark_of(suspect: Suspect) -> list[str]:
    """By what to know a fault again, apart from its kind, whatever else changes in the program."""
    if suspect.fault is Fault.STANDSTILL:
        return [str(part) for part in suspect.signature[1:]]
    if suspect.fault is Fault.LOST_UPDATE:
        return [str(suspect.signature[1])]
    assert suspect.outcome is not None
    return sorted(suspect.outcome.failure_types)


def as_data(outcome: Outcome) -> dict[str, list[str]]:
    """An outcome as it goes into a file."""
    return {
        "exit": [outcome.exit],
        "lines": list(outcome.lines),
        "errors": [*outcome.errors, *outcome.unread],
    }
