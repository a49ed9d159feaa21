"""From a program to a `Result`: search, judge, make small, explain.

This is the one place that knows all the rooms; each of them knows only those before it.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from raceproof.explaining import Presenter
from raceproof.interruption import Interruption
from raceproof.judge.findings import Finding, Result
from raceproof.judge.judge import Judge
from raceproof.judge.outcomes import Outcome
from raceproof.search.dpor import Dpor
from raceproof.search.replay import Recording, UnusableReplay, load
from raceproof.search.sampling import RandomPriorities
from raceproof.search.serial import SerialOrders
from raceproof.session import CannotRun, Program, Run, Session
from raceproof.world.scheduler import machine

__all__ = ["CannotRun", "Options", "Program", "ReplayResult", "explore", "replay"]

AFTER_FIRST_FINDING = 2.0
"""Seconds for which the search goes on once something was found."""
EXPLAINING = 3.0
"""Seconds for making findings small."""
SAMPLING_AFTER = 1.0
"""Seconds after which every third execution is drawn at random."""
SERIAL_SHARE = 0.3
"""Part of the time budget that the reference may take."""

Progress = Callable[[int, float, int], None]


@dataclass(slots=True)
class Options:
    """How to explore; see the command line's help."""

    max_seconds: float = 10.0
    max_interleavings: int | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    timeouts: str = "idle"
    threads: str = "greenlet"
    seed: int = 0
    keep_going: bool = False
    first: bool = False
    replay_dir: str = ".raceproof"


@dataclass(slots=True)
class ReplayResult:
    """What became of a recorded interleaving."""

    reproduced: bool
    message: str
    result: Finding | None = None


class Reference:
    """The outcomes of the orders without preemption, found out as far as they are asked for."""

    def __init__(self, session: Session, seconds: float, interruption: Interruption) -> None:
        self._session = session
        self._orders = SerialOrders(machine)
        self._outcomes: set[Outcome] = set()
        self._seconds = seconds
        self._spent = 0.0
        self._interruption = interruption
        self.undecided = False
        """Some outcome was neither found nor were the orders exhausted."""

    def contains(self, outcome: Outcome) -> bool | None:
        """Whether some serial order gives this outcome; None if there was no time to be sure."""
        if outcome in self._outcomes:
            return True
        start = perf_counter()
        try:
            while not self._orders.exhausted:
                if self._spent + perf_counter() - start > self._seconds or self._interruption:
                    self.undecided = True
                    return None
                plan = self._orders.next_plan()
                if plan is None:
                    break
                run = self._session.run(plan)
                self._orders.learn(run.execution)
                if run.execution.end in ("finished", "exit"):
                    self._outcomes.add(run.outcome)
                    if run.outcome == outcome:
                        return True
        finally:
            self._spent += perf_counter() - start
        # If all of them get stuck, they are no measure for an order that does not.
        return False if self._outcomes else None


def explore(
    program: Program,
    options: Options,
    progress: Progress,
    emergency: Callable[[Result], None] | None = None,
) -> Result:
    """Try the orders of the threads of `program` until all are done or the budget is.

    Raises `CannotRun` for a program that cannot be run at all.  When the program hangs in a way
    that nothing in this thread can end, `emergency` gets what is known, from another thread, and
    the process ends with status 2.
    """
    started = perf_counter()
    result = Result(program.title, "ok", python=platform.python_version())

    def last_resort(detail: str) -> None:
        result.verdict, result.error, result.cut = "error", detail, "hang"
        result.seconds = perf_counter() - started
        try:
            if emergency is not None:
                emergency(result)
        finally:
            os._exit(2)

    with (
        Session(program, options.include, options.exclude, options.seed) as session,
        Interruption(machine, last_resort) as interruption,
    ):
        search = Dpor()
        reference = Reference(session, options.max_seconds * SERIAL_SHARE, interruption)
        judge = Judge(session.loader.sites, reference.contains)
        sampling = RandomPriorities(machine, options.seed)
        first_finding: float | None = None
        first_run: Run | None = None
        truncated = False
        while True:
            if interruption:
                result.cut = "interrupted"
                break
            now = perf_counter() - started
            if now > options.max_seconds and first_run is not None:
                result.cut = f"time, {options.max_seconds:g} s"
                break
            if options.max_interleavings is not None and (
                result.interleavings >= options.max_interleavings
            ):
                result.cut = f"{options.max_interleavings:,} interleavings"
                break
            if first_finding is not None and not options.keep_going:
                if options.first:
                    result.cut = "first finding"
                    break
                # Of executions that are not even watched to their end, more teach little.
                patience = 0.3 if truncated else AFTER_FIRST_FINDING
                if now - first_finding > patience:
                    result.cut = f"{patience:g} s after the first finding"
                    break
            plan = search.next_plan()
            if plan is None:
                break
            machine.max_seconds = max(options.max_seconds - now, 1.0)
            known = plan.known
            run = session.run(plan)
            execution = run.execution
            truncated = execution.truncated
            if execution.end == "diverged":
                result.cut = "not deterministic"
                result.notes.append(
                    f"not deterministic: {execution.detail}; the search stopped there"
                )
                break
            if execution.end == "interrupted":
                result.cut = "interrupted"
                break
            if execution.end in ("hang", "uncontrolled"):
                result.cut = execution.end
                result.error = execution.detail
                break
            if execution.end == "steps" and first_run is None:
                result.cut = "the program does not end"
                result.error = (
                    f"the program did not end: {execution.detail} (--max-seconds allows more)"
                )
                break
            search.learn(run.execution)
            if execution.end == "redundant":
                continue
            result.interleavings += 1
            result.threads = max(result.threads, len(execution.everyone))
            if execution.truncated:
                result.cut = result.cut or "long executions"
            if first_run is None:
                first_run = run
            judge.hear(execution, run.outcome, run.record.lines(), known)
            if now > SAMPLING_AFTER and sampling.executions * 2 < result.interleavings:
                # It will not be done soon: look elsewhere too.
                drawn = session.run(sampling.next_plan())
                sampling.learn(drawn.execution)
                judge.hear(drawn.execution, drawn.outcome, drawn.record.lines(), None)
            if first_finding is None and any(
                _is_serious(judge, suspect.signature) for suspect in judge.suspects.values()
            ):
                first_finding = perf_counter() - started
            progress(result.interleavings, search.estimate(), len(judge.suspects))
        _note_long_executions(result, judge)
        result.complete = not result.cut
        result.estimated = float(result.interleavings) if result.complete else search.estimate()
        if first_run is not None and result.threads <= 1:
            result.notes.append("no threads were started: nothing to explore")
        if sampling.executions and not result.complete:
            result.notes.append(
                f"besides, {sampling.executions:,} orders were drawn at random from all there are"
            )
        if reference.undecided:
            result.notes.append(
                "the orders without preemption are too many to be sure that every outcome is one "
                "of theirs (shown as `?`); such an outcome is no finding by itself"
            )
        presenter = Presenter(session, judge, program, options, EXPLAINING)
        result.findings = presenter.findings(result)
        result.outcomes = judge.tally.summary(judge.serial_known)
        result.watched = sorted(session.loader.watched)
        result.unwatched = sorted(session.loader.unwatched - session.loader.watched)
    if result.findings:
        result.verdict = "finding"
    elif result.error:
        result.verdict = "error"
    result.seconds = perf_counter() - started
    if len(result.outcomes) > 1 and result.verdict == "ok":
        result.notes.append(
            "the result depends on the order, as in any serial run of the same tasks"
        )
    return result


def _is_serious(judge: Judge, signature: tuple[object, ...]) -> bool:
    return signature[0] != "failure" or len(judge.tally.counts) > 1


def _note_long_executions(result: Result, judge: Judge) -> None:
    if result.cut == "long executions":
        result.notes.append(
            f"executions have more than {machine.max_events:,} operations: their orders were "
            "explored up to there, the rest ran as it came"
        )


def _give_up(detail: str) -> None:
    os.write(2, f"raceproof: {detail}\n".encode())
    os._exit(2)


def replay(file: str, pdb: bool = False) -> ReplayResult:
    """Run the interleaving recorded in `file` once, with its output.

    Raises `CannotRun` if the file cannot be used.
    """
    try:
        recording: Recording = load(file)
    except OSError as error:
        raise CannotRun(f"cannot read {file}: {error.strerror}") from None
    except UnusableReplay as error:
        raise CannotRun(str(error)) from None
    program = Program(recording.script, recording.module, tuple(recording.arguments))
    options = Options(
        include=tuple(recording.options.get("include", ())),
        exclude=tuple(recording.options.get("exclude", ())),
        seed=int(recording.options.get("seed", 0)),
    )
    with (
        Session(program, options.include, options.exclude, options.seed) as session,
        Interruption(machine, _give_up) as interruption,
    ):
        reference = Reference(session, options.max_seconds, interruption)
        judge = Judge(session.loader.sites, reference.contains)
        presenter = Presenter(session, judge, program, options, EXPLAINING)
        finding, message = presenter.replay(recording, pdb)
    return ReplayResult(finding is not None, message, finding)
