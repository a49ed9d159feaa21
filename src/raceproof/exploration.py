"""From a program to a `Result`: search, judge, make small, explain.

This is the one place that knows all the rooms; each of them knows only those before it.
"""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from raceproof.explaining import Presenter
from raceproof.instrument.loader import Loader
from raceproof.interruption import Interruption
from raceproof.judge.determinism import HIDDEN, LIKELY, NOT_DETERMINISTIC, doubt, in_events
from raceproof.judge.findings import Condition, Finding, Result
from raceproof.judge.judge import Fault, Judge
from raceproof.judge.outcomes import Outcome
from raceproof.leftovers import notes_on_files
from raceproof.options import Options
from raceproof.programs import Program, Target
from raceproof.repetition import Difference, Repetition
from raceproof.report.numbers import counted
from raceproof.search.dpor import Dpor
from raceproof.search.replay import Recording, UnusableReplay, load
from raceproof.search.sampling import RandomPriorities
from raceproof.search.serial import SerialOrders
from raceproof.session import CannotRun, Run, Session
from raceproof.world.descriptors import present
from raceproof.world.execution import Departure, Execution, Plan
from raceproof.world.exits import leave_process
from raceproof.world.scheduler import AFTERLIFE, MOST_EARLY, machine

__all__ = ["CannotRun", "Options", "Program", "ReplayResult", "explore", "replay"]

AFTER_FIRST_FINDING = 2.0
"""Seconds for which the search goes on once something was found."""
EXPLAINING = 3.0
"""Seconds for making findings small."""
SAMPLING_AFTER = 1.0
"""Seconds after which every third execution is drawn at random."""
AFTER_FIRST_OF_LONG = 0.3
"""The same for programs whose executions are too long to be watched to their end."""
ESTIMATE_EVERY = 50
"""Executions between two estimates of how many there are."""
MAX_WARM_UPS = 6
"""Times that a search starts again because the program was still importing modules, or because it
became known only then what has to be watched."""
DISRUPTED = ("diverged", "interrupted", "hang", "uncontrolled", "steps")
"""How executions end that end the search."""
ENDED_BY_FORCE = ("interrupted", "hang", "uncontrolled", "an execution that does not end")
"""Ends of a search after which the program is not run again."""
SERIAL_SHARE = 0.3
"""Part of the time budget that the reference may take."""

EXPIRY = {
    "idle": "were taken to expire only when nothing else could go on (--timeouts any: at any time)",
    "any": f"were also tried with the time over early, at most {MOST_EARLY} of them in each thread",
    "never": "were taken never to expire",
}
"""What was assumed about timed waits, by the option."""

Progress = Callable[[int, float, int], None]


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
    program: Target,
    options: Options,
    progress: Progress,
    emergency: Callable[[Result], None] | None = None,
    loader: Loader | None = None,
    kept: Sequence[Recording] = (),
) -> Result:
    """Try the orders of the threads of `program` until all are done or the budget is.

    Raises `CannotRun` for a program that cannot be run at all.  When the program hangs in a way
    that nothing in this thread can end, `emergency` gets what is known, from another thread, and
    the process ends with status 2.  `loader` has watched modules of the program before.
    The recordings in `kept` are run first; if one of them still fails, the search is over.
    """
    return Exploration(program, options, progress, emergency, loader, kept).run()


class Exploration:
    """One search with everything that belongs to it."""

    def __init__(
        self,
        program: Target,
        options: Options,
        progress: Progress,
        emergency: Callable[[Result], None] | None,
        loader: Loader | None = None,
        kept: Sequence[Recording] = (),
    ) -> None:
        self._program = program
        self._options = options
        self._progress = progress
        self._emergency = emergency
        self._loader = loader
        self._kept = kept
        self._reproduced = False
        """An interleaving that failed before still fails."""
        self._started = perf_counter()
        self._result = Result(program.title, "ok", python=platform.python_version())
        self._first_finding: float | None = None
        self._warm_ups = 0
        self._truncated = False
        self._estimate = 1.0
        self._doubtful = False
        """The program was seen to differ from run to run."""
        self._first: Repetition | None = None
        """The first execution, to be compared with itself."""

    def run(self) -> Result:
        """Search, judge, make small, explain."""
        options, result = self._options, self._result
        with (
            Session(
                self._program,
                options.include,
                options.exclude,
                options.seed,
                options.timeouts,
                options.cache,
                self._loader,
            ) as session,
            Interruption(machine, self._last_resort) as interruption,
        ):
            self._session, self._interruption = session, interruption
            # Rewriting what is to be watched is done once, and no part of the search.
            self._started = perf_counter() - session.loader.seconds
            self._begin()
            self._run_kept()
            while not result.cut and not result.error:
                plan = self._search.next_plan()
                if plan is None or not self._go_on():
                    break
                self._execute(plan)
            self._conclude()
            result.changed = session.stage.changed
            result.watched = sorted(session.loader.watched)
            result.unwatched = sorted(session.loader.unwatched - session.loader.watched)
        if result.findings:
            result.verdict = "finding"
        elif result.error:
            result.verdict = "error"
        result.seconds = self._elapsed()
        if len(result.outcomes) > 1 and result.verdict == "ok":
            if all(outcome.serial is not False for outcome in result.outcomes):
                how = "as in any serial run of the same tasks"
            else:
                how = "namely on who gets a lock, an item of a queue or the like first"
            result.notes.append(f"the result depends on the order, {how}")
        return result

    # -- searching -------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Everything that a search learns, from scratch."""
        options, session = self._options, self._session
        self._search = Dpor()
        self._reference = Reference(session, options.max_seconds * SERIAL_SHARE, self._interruption)
        self._judge = Judge(session.loader.sites, self._reference.contains)
        self._presenter = Presenter(session, self._judge, self._program, options)
        self._sampling = RandomPriorities(machine, options.seed)
        self._departure: Departure | None = None
        """Where an execution first left the way that it was to go."""
        self._conditions: dict[str, Condition] = {}

    def _run_kept(self) -> None:
        """Run the interleavings that have failed before."""
        for recording in self._kept:
            machine.insights.update(recording.options.get("insights", ()))
            run = self._run_recorded(recording)
            if self._session.imported:
                self._start_again()
                run = self._run_recorded(recording)
            if run.execution.end not in DISRUPTED:
                self._hear(run, None)
        self._reproduced = bool(self._judge.suspects)

    def _run_recorded(self, recording: Recording) -> Run:
        script = recording.script_for(machine.naming)
        return self._session.run(Plan(script=script, lenient=True))

    def _start_again(self) -> None:
        """Forget what was learnt so far."""
        self._first = self._first_finding = None
        self._result.interleavings = 0
        self._estimate = 1.0
        self._session.restart()
        self._begin()

    def _elapsed(self) -> float:
        """Seconds spent on the search; those for rewriting modules are not part of it."""
        return perf_counter() - self._started - self._session.loader.seconds

    def _go_on(self) -> bool:
        """Whether the budget allows another execution; else says in the result what ran out."""
        options, result = self._options, self._result
        now = self._elapsed()
        if self._interruption:
            result.cut = "interrupted"
        elif self._reproduced and result.interleavings:
            result.cut = "an interleaving that failed before still fails"
        elif now > options.max_seconds and result.interleavings:
            result.cut = f"time, {options.max_seconds:g} s"
        elif (
            options.max_interleavings is not None
            and result.interleavings >= options.max_interleavings
        ):
            result.cut = f"{options.max_interleavings:,} interleavings"
        elif self._first_finding is not None and not options.keep_going:
            # Of executions that are not even watched to their end, more teach little.
            patience = AFTER_FIRST_OF_LONG if self._truncated else AFTER_FIRST_FINDING
            if options.first:
                result.cut = "first finding"
            elif now - self._first_finding > patience:
                result.cut = f"{patience:g} s after the first finding"
        return not result.cut

    def _execute(self, plan: Plan) -> None:
        """One execution of the search, and what there is to learn from it."""
        result = self._result
        elapsed = self._elapsed()
        machine.max_seconds = max(self._options.max_seconds - elapsed, 1.0)
        known = plan.known
        run = self._session.run(plan)
        execution = run.execution
        if execution.end in DISRUPTED:
            self._disrupted(execution)
            return
        if (self._session.imported or machine.learned) and self._warm_ups < MAX_WARM_UPS:
            # What is imported only once makes the first execution unlike the others.
            self._warm_ups += 1
            machine.teachable = self._warm_ups < MAX_WARM_UPS
            self._start_again()
            return
        self._search.learn(execution)
        if self._first is None:
            difference = self._compare_with_itself(run)
            if difference is not None and difference.in_output_only and self._session.listens:
                # Go on all the same, without looking at what is printed.
                self._session.listens = False
                self._start_again()
                return
        if execution.departure is not None and self._departure is None:
            self._departure = execution.departure
        if execution.end == "redundant":
            return
        result.interleavings += 1
        result.threads = max(result.threads, len(execution.everyone))
        self._truncated = self._truncated or execution.truncated
        self._hear(run, known)
        will_take = elapsed / result.interleavings * self._estimate
        if (
            elapsed > SAMPLING_AFTER
            and will_take > self._options.max_seconds
            and self._sampling.executions * 2 < result.interleavings
        ):
            # It will not be done soon: look elsewhere too.
            drawn = self._session.run(self._sampling.next_plan())
            if drawn.execution.end in DISRUPTED:
                self._disrupted(drawn.execution)
                return
            self._sampling.learn(drawn.execution)
            self._hear(drawn, None)
        if result.interleavings % ESTIMATE_EVERY == 1:
            self._estimate = self._search.estimate()
        self._progress(result.interleavings, self._estimate, len(self._judge.suspects))

    def _compare_with_itself(self, run: Run) -> Difference | None:
        """Run the first execution once more; what was different."""
        self._first = Repetition(self._session, run)
        difference = self._first.difference()
        if difference is not None:
            self._tell(difference)
        return difference

    def _tell(self, difference: Difference) -> None:
        """The program differs from run to run; without its results, it may still be explored."""
        result = self._result
        went_on = ""
        if difference.in_output_only and self._session.listens:
            went_on = "What it prints was not compared from there on. "
        else:
            result.cut = result.cut or NOT_DETERMINISTIC
        self._doubtful = True
        result.notes.append(
            f"{NOT_DETERMINISTIC}: run twice in the same order of its threads, {difference.text}. "
            f"{went_on}{self._session.stage.doubts or LIKELY}"
        )

    def _hear(self, run: Run, known: int | None) -> None:
        judge = self._judge
        for label, held in run.record.hopes.items():
            condition = self._conditions.setdefault(label, Condition(label))
            condition.reached += 1
            condition.held += held
        judge.hear(run.execution, run.outcome, run.record.lines(), known)
        for suspect in judge.unchecked():
            if self._presenter.is_harmless(suspect):
                judge.dismiss(suspect)
        if self._first_finding is None and any(
            signature[0] != "failure" or len(judge.tally.counts) > 1 for signature in judge.suspects
        ):
            self._first_finding = self._elapsed()

    def _disrupted(self, execution: Execution) -> None:
        """An execution ended in a way that ends the search."""
        result, detail = self._result, execution.detail
        if execution.end == "diverged":
            result.cut = NOT_DETERMINISTIC
            self._departure = execution.departure
        elif execution.end == "interrupted":
            result.cut = "interrupted"
        elif execution.end == "steps":
            result.cut = "an execution that does not end"
            if result.interleavings:
                result.notes.append(f"an execution was given up: {detail}")
            else:
                result.error = f"the program did not end: {detail} (--max-seconds allows more)"
        else:
            result.cut, result.error = execution.end, detail

    # -- the end ---------------------------------------------------------------------------------

    def _conclude(self) -> None:
        """The search is over: findings, outcomes and what else there is to say."""
        machine.teachable = False
        options, result, search = self._options, self._result, self._search
        if result.cut == "interrupted" and not result.interleavings:
            result.error = "interrupted before one interleaving had ended"
        if self._truncated:
            result.cut = result.cut or "long executions"
            result.notes.append(
                f"executions have more than {machine.max_events:,} operations: their orders were "
                "explored up to there, the rest ran as it came"
            )
        for name in self._options.include:
            if not self._session.loader.has_watched(name):
                result.notes.append(f"--include {name}: the program has not imported it")
        self._check_again()
        if machine.daemons_cut_off:
            result.notes.append(
                f"threads left at the end of the program were followed for {AFTERLIFE} operations"
            )
        result.complete = not result.cut
        result.estimated = float(result.interleavings) if result.complete else search.estimate()
        if result.interleavings and result.threads <= 1:
            result.notes.append("no threads were started: nothing to explore")
        if self._sampling.executions and not result.complete:
            result.notes.append(
                f"besides, {self._sampling.executions:,} orders were drawn at random from all"
            )
        if self._reference.undecided:
            result.notes.append(
                "the orders without preemption are too many to be sure that every outcome is one "
                "of theirs (shown as `?`); such an outcome is no finding by itself"
            )
        if machine.timed_waits:
            result.notes.append(f"waits with a timeout {EXPIRY[options.timeouts]}")
        if machine.fair_only and result.threads > 1:
            result.notes.append(
                "loops that sleep went round until the others had had their turn, no more often"
            )
        result.findings = self._presenter.findings(result, EXPLAINING)
        self._judge_conditions()
        result.outcomes = self._judge.tally.summary(self._judge.serial_known)
        files = self._session.patches.files.backups
        result.notes += notes_on_files(files, self._session.listing.changed())

    def _check_again(self) -> None:
        """Look a last time whether the program is one that can be judged by comparing its runs."""
        result, search, departure = self._result, self._search, self._departure
        # The search runs nothing twice unless the program behaves differently the second time.
        astray = search.redundant or search.slips or departure is not None
        if self._first is None or result.cut in ENDED_BY_FORCE or result.error:
            return
        # An update that is lost is lost, and a search that was cut off has claimed nothing.
        suspects = self._judge.suspects.values()
        claims = not result.cut or any(s.fault is not Fault.LOST_UPDATE for s in suspects)
        difference = None
        if not self._doubtful and (claims or astray):
            difference = self._first.difference()
        if difference is not None:
            self._tell(difference)
        if self._doubtful:
            result.cut = result.cut or NOT_DETERMINISTIC
            for suspect in list(suspects):
                if suspect.fault is not Fault.LOST_UPDATE:
                    self._judge.dismiss(suspect)
        elif astray:
            where = "" if departure is None else in_events(departure, self._session.loader.sites)
            doubt(
                result,
                "some interleavings did not go as those before them had, so that others may be "
                f"missing{': ' if where else ''}{where}. {HIDDEN}",
            )

    def _judge_conditions(self) -> None:
        """What is sometimes so has to be so in some interleaving."""
        result = self._result
        result.conditions = list(self._conditions.values())
        for condition in result.conditions:
            if condition.held:
                continue
            times = counted(condition.reached, "interleaving")
            if result.complete:
                message = f"{condition.label}: never, in {times} that came there"
                result.findings.append(Finding("never", message, occurrences=condition.reached))
            else:
                result.notes.append(f"not seen so far, in {times}: {condition.label}")

    def _last_resort(self, detail: str) -> None:
        """Called by the watchdog, in its thread: report, and end the process."""
        result = self._result
        result.verdict, result.error, result.cut = "error", detail, "hang"
        result.seconds = self._elapsed()
        try:
            if self._emergency is not None:
                self._emergency(result)
        finally:
            leave_process(2)


def _give_up(detail: str) -> None:
    os.write(present(2), f"raceproof: {detail}\n".encode())
    leave_process(2)


def replay(file: str, pdb: bool = False) -> ReplayResult:
    """Run the interleaving recorded in `file` once, with its output.

    Raises `CannotRun` if the file cannot be used.
    """
    recording, options = recorded(file)
    if recording.test or recording.function:
        raise CannotRun(how_to_replay(recording, file))
    program = Program(recording.script, recording.module, tuple(recording.arguments))
    return replay_recording(program, recording, options, pdb)


def how_to_replay(recording: Recording, file: str) -> str:
    """What to do with the interleaving of something that is no program."""
    if recording.test:
        return (
            f"{file} is an interleaving of a test: "
            f"pytest {shlex.quote(recording.test)} --raceproof-replay {shlex.quote(file)}"
        )
    module, _, name = recording.function.partition(":")
    return (
        f"{file} is an interleaving of the function {name} of {module}: from Python, "
        f"raceproof.replay({file!r}, {name})"
    )


def recorded(file: str) -> tuple[Recording, Options]:
    """A recorded interleaving, and the options it was found with.  Raises `CannotRun`."""
    try:
        recording: Recording = load(file)
    except OSError as error:
        raise CannotRun(f"cannot read {file}: {error.strerror}") from None
    except UnusableReplay as error:
        raise CannotRun(str(error)) from None
    return recording, Options(
        include=tuple(recording.options.get("include", ())),
        exclude=tuple(recording.options.get("exclude", ())),
        seed=int(recording.options.get("seed", 0)),
        timeouts=str(recording.options.get("timeouts", "idle")),
    )


def replay_recording(
    program: Target,
    recording: Recording,
    options: Options,
    pdb: bool = False,
    loader: Loader | None = None,
    echo: bool = True,
) -> ReplayResult:
    """Run a recorded interleaving of `program` once; `echo` shows its output."""
    with (
        Session(
            program,
            options.include,
            options.exclude,
            options.seed,
            options.timeouts,
            loader=loader,
        ) as session,
        Interruption(machine, _give_up) as interruption,
    ):
        machine.insights.update(recording.options.get("insights", ()))
        machine.teachable = False
        reference = Reference(session, options.max_seconds, interruption)
        judge = Judge(session.loader.sites, reference.contains)
        presenter = Presenter(session, judge, program, options)
        finding, message = presenter.replay(recording, pdb, echo)
    return ReplayResult(finding is not None, message, finding)
