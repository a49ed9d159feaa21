"""From a program to a `Result`: search, judge, make small, explain.

This is the one place that knows all the rooms; each of them knows only those before it.
"""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from raceproof.explaining import Presenter
from raceproof.gil import WithGil
from raceproof.instrument.loader import Loader
from raceproof.interruption import PATIENCE, Interruption
from raceproof.judge.data_races import races_at
from raceproof.judge.determinism import NOT_DETERMINISTIC
from raceproof.judge.findings import Condition, Finding, Result
from raceproof.judge.judge import Judge
from raceproof.judge.race_log import RaceLog
from raceproof.leftovers import notes_on_files
from raceproof.options import Options
from raceproof.programs import Program, Target
from raceproof.recordings import Replayer
from raceproof.reference import Reference
from raceproof.repetition import Consistency
from raceproof.report.numbers import counted
from raceproof.search.dpor import Dpor
from raceproof.search.replay import Recording, UnusableReplay, load
from raceproof.search.sampling import RandomPriorities
from raceproof.session import CannotRun, Run, Session
from raceproof.telling import Teller
from raceproof.world.carriers import AUTO, OS, has_gil, name_of
from raceproof.world.descriptors import present
from raceproof.world.execution import Execution, Plan
from raceproof.world.exits import leave_process
from raceproof.world.scheduler import AFTERLIFE, machine
from raceproof.world.scheduling.loop_knowledge import MOST_EARLY
from raceproof.world.whole_steps import expand

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
                options.threads,
                options.cache,
                self._loader,
            ) as session,
            Interruption(machine, self._last_resort) as interruption,
        ):
            self._session, self._interruption = session, interruption
            self._run = session.run_whole_steps if self._options.gil else session.run
            self._consistency = Consistency(session, result, self._run)
            result.carrier = name_of(machine.carrier)
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
        self._judge = Judge(
            session.loader.sites, self._reference.contains, self._reference.outcomes
        )
        self._presenter = Presenter(session, self._judge, self._program, options)
        self._races = RaceLog()
        self._with_gil = WithGil(session, self._judge)
        self._sampling = RandomPriorities(machine, options.seed)
        self._conditions: dict[str, Condition] = {}

    def _run_kept(self) -> None:
        """Run the interleavings that have failed before."""
        for recording in self._kept:
            machine.insights.update(recording.options.get("insights", ()))
            run = self._run_recorded(recording)
            if self._session.imported:
                self._start_again()
                run = self._run_recorded(recording)
            possible = not self._options.gil or self._with_gil.can_run(run.execution)
            if run.execution.end not in DISRUPTED and possible:
                self._hear(run, None)
        self._reproduced = bool(self._judge.suspects)

    def _run_recorded(self, recording: Recording) -> Run:
        script = recording.script_for(machine.naming)
        return self._session.run(Plan(script=script, lenient=True))

    def _start_again(self) -> None:
        """Forget what was learnt so far."""
        self._consistency.begin_again()
        self._first_finding = None
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
        run = self._run(plan)
        execution = run.execution
        unlike_others = self._session.imported or machine.learned
        again = unlike_others and self._warm_ups < MAX_WARM_UPS
        if execution.end in DISRUPTED and not (again and execution.end == "diverged"):
            self._disrupted(execution)
            return
        if again:
            # What is imported only once makes the first execution unlike the others.
            self._warm_ups += 1
            machine.teachable = self._warm_ups < MAX_WARM_UPS
            self._start_again()
            return
        self._search.learn(execution)
        if not self._consistency.has_begun and not self._consistency.begin(run):
            self._start_again()
            return
        self._consistency.note(execution)
        if execution.end == "redundant":
            return
        told = self._note_races(execution)
        result.interleavings += 1
        result.threads = max(result.threads, len(execution.everyone))
        self._truncated = self._truncated or execution.truncated
        self._hear(replace(run, execution=told), known)
        will_take = elapsed / result.interleavings * self._estimate
        if (
            elapsed > SAMPLING_AFTER
            and will_take > self._options.max_seconds
            and self._sampling.executions * 2 < result.interleavings
        ):
            # It will not be done soon: look elsewhere too.
            drawn = self._run(self._sampling.next_plan())
            if drawn.execution.end in DISRUPTED:
                self._disrupted(drawn.execution)
                return
            self._sampling.learn(drawn.execution)
            self._hear(replace(drawn, execution=self._told(drawn.execution)), None)
        if result.interleavings % ESTIMATE_EVERY == 1:
            self._estimate = self._search.estimate()
        self._progress(result.interleavings, self._estimate, len(self._judge.suspects))

    def _told(self, execution: Execution) -> Execution:
        """An execution of the search as the judge knows them, access by access."""
        return expand(execution).execution if self._options.gil else execution

    def _note_races(self, execution: Execution) -> Execution:
        """Take down the data races of the newest execution; returns it as the judge is told it."""
        races = [(race.first, race.second) for race in self._search.races]
        if not self._options.gil:
            self._races.note(races, execution.threads, execution.operations)
            return execution
        expansion = expand(execution)
        pairs = [
            expansion.pair(first, second, lambda one, other: bool(races_at(one, other)))
            for first, second in races
            if second is not None
        ]
        told = expansion.execution
        self._races.note(filter(None, pairs), told.threads, told.operations)
        return told

    def _hear(self, run: Run, known: int | None) -> None:
        judge = self._judge
        for label, held in run.record.hopes.items():
            condition = self._conditions.setdefault(label, Condition(label))
            condition.reached += 1
            condition.held += held
        alone = self._options.gil
        judge.hear(run.execution, run.outcome, run.record.lines(), known, alone=alone)
        for suspect in judge.unchecked():
            if self._presenter.is_harmless(suspect):
                judge.dismiss(suspect)
        if self._first_finding is None and judge.has_findings():
            self._first_finding = self._elapsed()

    def _disrupted(self, execution: Execution) -> None:
        """An execution ended in a way that ends the search."""
        result, detail = self._result, execution.detail
        if execution.end == "diverged":
            result.cut = NOT_DETERMINISTIC
            self._consistency.note(execution)
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
        for place in sorted(self._places(machine.misjudged)):
            result.cut = result.cut or "loops that look like waits"
            result.notes.append(
                f"the loop at {place} looked as if it waited for other threads, but came to an end "
                "by itself; what comes after it may not have been tried in every order"
            )
        for place in sorted(self._places(machine.outside)):
            result.cut = result.cut or "loops that wait for something outside"
            result.notes.append(
                f"the loop at {place} waits for something that raceproof does not see; what comes "
                "after it ran as it came"
            )
        if self._truncated and not machine.outside:
            result.cut = result.cut or "long executions"
            result.notes.append(
                f"executions have more than {machine.max_events:,} operations: their orders were "
                "explored up to there, the rest ran as it came"
            )
        for name in self._options.include:
            if not self._session.loader.has_watched(name):
                result.notes.append(f"--include {name}: the program has not imported it")
        if result.cut not in ENDED_BY_FORCE and not result.error:
            self._consistency.check_again(
                self._judge,
                # What is one step depends on what it finds, so that some are tried in vain.
                astray=bool(search.slips or (search.redundant and not options.gil)),
            )
        if result.carrier == OS:
            result.notes.append(f"threads of the operating system were used{self._why_os()}")
        elif self._session.stacks_changed:
            result.notes.append(
                "the program sets the size of its threads' stacks (threading.stack_size), but the "
                "greenlets that it ran on share one: use --threads os if it needs them"
            )
        if options.gil and result.threads > 1:
            result.notes.append(
                "only interleavings that this version of Python can produce with a GIL were run "
                "(--gil); free-threaded builds have more"
            )
        if machine.daemons_cut_off:
            result.notes.append(
                f"threads left at the end of the program were followed for {AFTERLIFE} operations"
            )
        result.complete = not result.cut
        result.estimated = float(result.interleavings) if result.complete else search.estimate()
        if machine.loops_ran:
            result.notes.append(
                "an event loop is one thread: its tasks were run in the order that asyncio gives "
                "them, not interleaved"
            )
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
        if machine.counting:
            result.notes.append(
                "loops that count their rounds were followed for some fruitless ones; then they "
                "waited for something new, or until nothing else could go on"
            )
        if machine.fair_only and result.threads > 1:
            result.notes.append(
                "loops that work until they are told to stop went round until the others had had "
                "their turn, no more often"
            )
        search.close()
        result.findings = self._presenter.findings(result, EXPLAINING)
        self._judge_conditions()
        result.data_races = self._presenter.data_races(self._races, result.findings)
        result.outcomes = self._judge.tally.summary(self._judge.serial_known)
        files = self._session.patches.files.backups
        result.notes += notes_on_files(files, self._session.listing.changed())

    def _why_os(self) -> str:
        if self._options.threads == OS:
            return " (--threads os)"
        if has_gil():
            return ": greenlet, which is quicker, cannot be imported"
        return ", as always without a GIL"

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

    def _places(self, sites: set[int]) -> set[str]:
        """Where these sites are, for a note."""
        found = (self._session.loader.sites[site] for site in sites)
        return {f"{os.path.basename(site.file)}:{site.line}" for site in found}

    def _last_resort(self, detail: str) -> None:
        """Called by the watchdog, in its thread: report, and end the process."""
        result = self._result
        result.verdict, result.error, result.cut = "error", detail, "hang"
        result.seconds = self._elapsed()
        if self._judge.suspects:
            count = len(self._judge.suspects)
            result.notes.append(f"faults seen before that, but not looked into: {count}")
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
        threads=str(recording.options.get("threads", AUTO)),
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
            options.threads,
            loader=loader,
        ) as session,
        Interruption(machine, _give_up, None if pdb else PATIENCE) as interruption,
    ):
        machine.insights.update(recording.options.get("insights", ()))
        machine.teachable = False
        reference = Reference(session, options.max_seconds, interruption)
        judge = Judge(session.loader.sites, reference.contains, reference.outcomes)
        replayer = Replayer(Teller(session, judge), judge, WithGil(session, judge))
        finding, message = replayer.run(recording, pdb, echo)
    return ReplayResult(finding is not None, message, finding)
