"""The program under test in its simulated world: run it once, in a given order, from scratch.

A session puts everything in place (watched imports, hooks, the simulated standard library), runs
any number of executions, and puts everything back.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from raceproof.instrument.cache import usual_cache
from raceproof.instrument.hooks import Hooks
from raceproof.instrument.inclusion import objection
from raceproof.instrument.loader import Loader, ModuleScript, Script, Watch
from raceproof.judge.outcomes import Outcome, outcome_of
from raceproof.world.backups import Listing
from raceproof.world.carriers import AUTO, NoGreenlet, hub_class
from raceproof.world.descriptors import Descriptors
from raceproof.world.execution import Execution, Plan
from raceproof.world.fibers import OutOfFibers
from raceproof.world.patches import Patches, is_worked_on
from raceproof.world.record import Record
from raceproof.world.scheduler import machine
from raceproof.world.surroundings import Surroundings, Tracing

COLLECTION_EVERY = 20
"""Executions between two collections of young garbage: each costs as much as a fifth of one."""
FULL_COLLECTION_EVERY = 2_000


class CannotRun(Exception):
    """The program cannot be explored; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: a script or a module, and its arguments."""

    script: str | None
    module: str | None
    arguments: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """How reports call it."""
        return self.script if self.script is not None else f"-m {self.module}"

    @property
    def stem(self) -> str:
        """A short name for files about it."""
        name = os.path.basename(self.script) if self.script is not None else str(self.module)
        return name.removesuffix(".py") or "program"


@dataclass(slots=True)
class Run:
    """One execution and what came of it."""

    execution: Execution
    outcome: Outcome
    record: Record


class Session:
    """Use as a context manager; `run` as often as wanted in between."""

    def __init__(
        self,
        program: Program,
        include: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        seed: int = 0,
        timeouts: str = "idle",
        threads: str = AUTO,
        cache: bool = True,
    ) -> None:
        """With `cache`, rewritten code is kept on disk for the next process."""
        self.program = program
        self._timeouts = timeouts
        self._threads = threads
        if program.script is not None:
            self._directory = os.path.dirname(os.path.realpath(program.script))
        else:
            self._directory = os.getcwd()
        self.patches = Patches(seed=seed)
        settings = ("include", *include, "exclude", *exclude)
        self.loader = Loader(
            Watch(self._directory, include, exclude),
            usual_cache(settings) if cache else None,
            is_worked_on,
            self.patches.adapt,
        )
        self._descriptors = Descriptors()
        self._surroundings: Surroundings
        self.listing: Listing
        """Of the working directory as it was at first."""
        self._body: Callable[[], None]
        self._executions = 0
        self.imported = False
        """The last execution imported modules that are not watched, for the first time."""
        self.listens = True
        """What the program prints is part of its outcome."""
        self._saved_path: list[str] = []
        self._saved_argv: list[str] = []

    def __enter__(self) -> Session:
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
        self._saved_path, self._saved_argv = sys.path[:], sys.argv[:]
        self._saved_main = sys.modules.get("__main__")
        self._saved_limit = sys.getrecursionlimit()
        sys.path.insert(0, self._directory)
        machine.forget()
        machine.unlearn()
        machine.watched_files = self.loader.sources
        machine.timeouts = self._timeouts
        try:
            target: Script | ModuleScript
            if self.program.script is not None:
                target = Script(
                    self.loader, os.path.abspath(self.program.script), self.program.arguments
                )
            else:
                assert self.program.module is not None
                target = ModuleScript(self.loader, self.program.module, self.program.arguments)
        except BaseException:
            sys.path[:] = self._saved_path
            raise
        self._body = target.run
        self.loader.install()
        self.hooks = Hooks(machine, self.loader.sites)
        self.hooks.install()
        self._descriptors.move()
        try:
            self.patches.__enter__()
        except BaseException:
            self._descriptors.restore()
            raise
        self._surroundings = Surroundings()
        self.listing = Listing(os.curdir)
        gc.freeze()
        gc.disable()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        gc.enable()
        gc.unfreeze()
        machine.unlearn()
        self._surroundings.restore()
        self._surroundings.close()
        self.patches.__exit__(kind, error, traceback)
        self._descriptors.restore()
        self.hooks.remove()
        self.loader.remove()
        sys.path[:] = self._saved_path
        sys.argv[:] = self._saved_argv
        sys.setrecursionlimit(self._saved_limit)
        if self._saved_main is not None:
            sys.modules["__main__"] = self._saved_main
        machine.release_fibers()

    @property
    def stacks_changed(self) -> bool:
        """Whether the program has said how large the stacks of its threads are to be."""
        return self._surroundings.stacks_changed

    def restart(self) -> None:
        """Forget what the executions so far had in common: names, operations; not insights."""
        machine.learned = False
        self.hooks.remove()
        machine.forget()
        self.hooks = Hooks(machine, self.loader.sites)
        self.hooks.install()

    def run(self, plan: Plan, echo: bool = False) -> Run:
        """One execution of the program from its first line on."""
        self.loader.begin()
        self.hooks.forget_types()
        if echo:
            self._descriptors.show()
        else:
            self._descriptors.hide()
        tracing = Tracing()
        record = self.patches.begin_execution(echo=echo)
        try:
            execution = machine.execute(lambda: self.patches.run_main(self._body), plan)
        except OutOfFibers as error:
            raise CannotRun(str(error)) from None
        self.patches.end_execution()
        self._executions += 1
        self.imported = self.loader.has_imported()
        tracing.restore()
        self._surroundings.restore(self.imported)
        if self.imported:
            self.patches.quieten()
        if gc.isenabled():
            gc.disable()
        # Automatic collection would run finalizers at odd moments; between executions is fine.
        if self._executions % COLLECTION_EVERY == 0:
            gc.collect(2 if self._executions % FULL_COLLECTION_EVERY == 0 else 0)
        lines = record.lines() if self.listens else ()
        outcome = outcome_of(
            record.exit, lines, record.thread_errors(), record.unread_errors(),
            record.handled_errors(),
        )  # fmt: skip
        self.loader.end()
        return Run(execution, outcome, record)
