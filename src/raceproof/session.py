"""The program under test in its simulated world: run it once, in a given order, from scratch.

A session puts everything in place (watched imports, hooks, the simulated standard library), runs
any number of executions, and puts everything back.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType

from raceproof.instrument.cache import usual_cache
from raceproof.instrument.hooks import Hooks
from raceproof.instrument.inclusion import objection
from raceproof.instrument.loader import Loader, Watch
from raceproof.instrument.switch_points import SwitchPoints
from raceproof.judge.outcomes import Outcome, outcome_of
from raceproof.programs import CannotRun, Program, Target
from raceproof.world import imports
from raceproof.world.backups import Listing
from raceproof.world.carriers import AUTO, NoGreenlet, hub_class
from raceproof.world.descriptors import Descriptors
from raceproof.world.execution import Execution, Plan
from raceproof.world.fibers import OutOfFibers
from raceproof.world.patches import Patches, is_worked_on
from raceproof.world.record import Record
from raceproof.world.scheduler import machine
from raceproof.world.surroundings import Surroundings, Tracing
from raceproof.world.whole_steps import WholeSteps

__all__ = ["CannotRun", "Program", "Run", "Session", "new_loader"]

COLLECTION_EVERY = 20
"""Executions between two collections of young garbage: each costs as much as a fifth of one."""
FULL_COLLECTION_EVERY = 2_000


@dataclass(slots=True)
class Run:
    """One execution and what came of it."""

    execution: Execution
    outcome: Outcome
    record: Record


def new_loader(
    directory: str, include: tuple[str, ...], exclude: tuple[str, ...], cache: bool = True
) -> Loader:
    """A loader for what is watched in a project."""
    settings = ("include", *include, "exclude", *exclude)
    return Loader(
        Watch(directory, include, exclude), usual_cache(settings) if cache else None, is_worked_on
    )


class Session:
    """Use as a context manager; `run` as often as wanted in between."""

    def __init__(
        self,
        target: Target,
        include: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        seed: int = 0,
        timeouts: str = "idle",
        threads: str = AUTO,
        cache: bool = True,
        loader: Loader | None = None,
    ) -> None:
        """With `cache`, rewritten code is kept on disk for the next process.

        `loader` knows the code of watched modules from earlier sessions in this one.
        """
        self._timeouts = timeouts
        self._threads = threads
        self._directory = target.directory
        self.patches = Patches(seed=seed)
        self.loader = loader or new_loader(target.directory, include, exclude, cache)
        self.loader.adapt = self.patches.adapt
        self.switch_points = SwitchPoints(self.loader.sites, self.loader.sources)
        """Where the running version of Python, with a GIL, may go on with another thread."""
        self.stage = target.stage(self.loader)
        self._descriptors = Descriptors()
        self._surroundings: Surroundings
        self.listing: Listing
        """Of the working directory as it was at first."""
        self._executions = 0
        self.imported = False
        """The last execution imported modules that are not watched, for the first time."""
        self.listens = True
        """What the program prints is part of its outcome."""

    def __enter__(self) -> Session:
        if machine.active:
            raise CannotRun("an exploration cannot take place inside of another one")
        for name in self.loader.watch.include:
            reason = objection(name, [self._directory, *sys.path])
            if reason:
                raise CannotRun(f"--include {name}: {reason}")
        try:
            machine.carry_by(hub_class(self._threads))
        except NoGreenlet as error:
            raise CannotRun(
                f"--threads greenlet: greenlet cannot be imported ({error}); install it, or use "
                "--threads os"
            ) from None
        with ExitStack() as undo:
            undo.callback(machine.release_fibers)
            undo.callback(sys.setrecursionlimit, sys.getrecursionlimit())
            machine.forget()
            machine.unlearn()
            undo.callback(setattr, machine, "watched_files", machine.watched_files)
            undo.callback(setattr, machine, "timeouts", machine.timeouts)
            machine.watched_files = self.loader.sources
            imports.is_watched = self.loader.watch.will_watch
            machine.timeouts = self._timeouts
            # There are hooks as long as anything might call them.
            self._make_hooks()
            undo.callback(lambda: self.hooks.remove())
            self.stage.enter()
            undo.callback(self.stage.leave)
            self._descriptors.move()
            undo.callback(self._descriptors.restore)
            self.patches.own = self.stage.modules
            self.patches.__enter__()
            undo.callback(self.patches.__exit__)
            self.stage.enter_world(self.patches)
            undo.callback(self.stage.leave_world)
            self._surroundings = Surroundings()
            undo.callback(self._surroundings.close)
            undo.callback(self._surroundings.restore)
            undo.callback(machine.unlearn)
            self.listing = Listing(os.curdir)
            undo.callback(gc.unfreeze)
            if gc.isenabled():
                undo.callback(gc.enable)
            gc.freeze()
            gc.disable()
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._undo.close()

    @property
    def stacks_changed(self) -> bool:
        """Whether the program has said how large the stacks of its threads are to be."""
        return self._surroundings.stacks_changed

    def restart(self) -> None:
        """Forget what the executions so far had in common: names, operations; not insights."""
        machine.learned = False
        self.hooks.remove()
        machine.forget()
        self._make_hooks()
        self.stage.restart()

    def _make_hooks(self) -> None:
        self._steps = WholeSteps(machine, self.switch_points.is_one_step)
        self._fine = Hooks(machine, self.loader.sites)
        self._coarse = Hooks(machine, self.loader.sites, self._steps)
        self.hooks = self._fine
        self.hooks.install()

    def _use_hooks(self, hooks: Hooks) -> None:
        if hooks is not self.hooks:
            self.hooks.remove()
            self.hooks = hooks
            hooks.install()

    def is_one_step(self, before: int, after: int) -> bool:
        """Whether an interpreter with a GIL goes from an access at site `before` to the next at
        `after` without a chance for others, as far as the executions so far have shown."""
        return (before, after) not in self._steps.divided and self.switch_points.is_one_step(
            before, after
        )

    def run_whole_steps(self, plan: Plan) -> Run:
        """One execution in which accesses are one event between which a GIL is not given up."""
        self._use_hooks(self._coarse)
        self._steps.begin()
        try:
            return self._run(plan, echo=False)
        finally:
            self._steps.end()

    def run(self, plan: Plan, echo: bool = False) -> Run:
        """One execution of the program from its first line on."""
        self._use_hooks(self._fine)
        return self._run(plan, echo)

    def _run(self, plan: Plan, echo: bool) -> Run:
        self.stage.begin()
        self.loader.begin()
        self.hooks.forget_types()
        if echo:
            self._descriptors.show()
        else:
            self._descriptors.hide()
        tracing = Tracing()
        record = self.patches.begin_execution(echo=echo)
        try:
            execution = machine.execute(lambda: self.patches.run_main(self.stage.body), plan)
        except OutOfFibers as error:
            self.loader.end()
            raise CannotRun(str(error)) from None
        except BaseException:
            self.loader.end()
            raise
        finally:
            self.patches.end_execution()
        self._executions += 1
        self.imported = self.loader.has_imported()
        tracing.restore()
        self.stage.end(record)
        self._surroundings.restore(self.imported)
        if self.imported:
            self.patches.quieten()
        if gc.isenabled():
            gc.disable()
        # Automatic collection would run finalizers at odd moments; between executions is fine.
        if self._executions % COLLECTION_EVERY == 0:
            gc.collect(2 if self._executions % FULL_COLLECTION_EVERY == 0 else 0)
        outcome = outcome_of(
            record.exit,
            record.lines() if self.listens else (),
            record.thread_errors(),
            record.unread_errors(),
            record.value,
            record.broken,
            record.handled_errors(),
            record.crashes(self.loader.sources),
            record.accidents(self.loader.sources),
        )
        self.loader.end()
        return Run(execution, outcome, record)
