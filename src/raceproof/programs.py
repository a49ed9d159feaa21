"""What is explored: something that can be run again and again, each time from the same start.

A target says what it is called and where it lies; its stage, made for one session, puts in place
what the executions need, runs them, and puts everything back.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any, Protocol

from raceproof.instrument.loader import Loader, ModuleScript, Script
from raceproof.world.patches import Patches
from raceproof.world.record import Record


class CannotRun(Exception):
    """What was given cannot be explored; the message says why.

    >>> import raceproof
    >>> namespace = {}
    >>> exec("def made_up(): pass", namespace)
    >>> raceproof.explore(namespace["made_up"])
    Traceback (most recent call last):
    raceproof.programs.CannotRun: no source for made_up ...
    """


class Stage(Protocol):
    """A target in a session.  The methods are called in the order in which they stand here."""

    @property
    def modules(self) -> frozenset[str]:
        """Modules of the target that are there already: they are not executed once more."""

    def enter(self) -> None:
        """Before the hooks and the simulated standard library are in place."""

    def enter_world(self, patches: Patches) -> None:
        """The simulated standard library is in place."""

    def begin(self) -> None:
        """Before each execution: everything is as it was before the first."""

    def body(self) -> None:
        """What the main thread of an execution does; what it raises is a result of the target."""

    def end(self, record: Record) -> None:
        """After each execution: what came of it besides what is on record."""

    def restart(self) -> None:
        """The names of objects are forgotten: so much for those given beforehand."""

    @property
    def changed(self) -> list[str]:
        """What outlives the executions, and was changed by them."""

    @property
    def doubts(self) -> str:
        """Why executions of the same order may differ; "" if there is nothing to say."""

    def leave_world(self) -> None:
        """Before the real standard library comes back."""

    def leave(self) -> None:
        """After everything else is back in place."""


class Target(Protocol):
    """Something to explore."""

    @property
    def title(self) -> str:
        """How reports call it."""

    @property
    def stem(self) -> str:
        """A short name for files about it."""

    @property
    def directory(self) -> str:
        """Where its project lies: what is in there is watched."""

    @property
    def origin(self) -> dict[str, Any]:
        """Where a replay file finds it: fields of `Recording`."""

    def rerun_command(self, file: str) -> str:
        """What to type to run the interleaving in a replay file; "" for the usual command."""

    def stage(self, loader: Loader) -> Stage:
        """Its stage; raises what importing it raises."""


@dataclass(frozen=True, slots=True)
class Program:
    """A script or a module, and its arguments."""

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

    @property
    def directory(self) -> str:
        """The directory of the script; that of a module is the current one, as for Python."""
        if self.script is not None:
            return os.path.dirname(os.path.realpath(self.script))
        return os.getcwd()

    @property
    def origin(self) -> dict[str, Any]:
        """Where a replay file finds it."""
        return {"script": self.script, "module": self.module, "arguments": list(self.arguments)}

    def rerun_command(self, file: str) -> str:
        """The usual command."""
        return ""

    def stage(self, loader: Loader) -> Stage:
        """Its stage."""
        return ProgramStage(self, loader)


class ProgramStage:
    """A program is executed afresh, with its modules, in every execution."""

    modules: frozenset[str] = frozenset()

    def __init__(self, program: Program, loader: Loader) -> None:
        self._program = program
        self._loader = loader

    def enter(self) -> None:
        """Find the program, and take over imports."""
        self._path, self._arguments = sys.path[:], sys.argv[:]
        self._main = sys.modules.get("__main__")
        program, loader = self._program, self._loader
        sys.path.insert(0, program.directory)
        try:
            self._target: Script | ModuleScript
            if program.script is not None:
                self._target = Script(loader, os.path.abspath(program.script), program.arguments)
            else:
                assert program.module is not None
                self._target = ModuleScript(loader, program.module, program.arguments)
        except BaseException:
            sys.path[:] = self._path
            raise
        loader.install()

    def enter_world(self, patches: Patches) -> None:
        """Nothing of the program is there yet."""

    def begin(self) -> None:
        """The loader has watched modules imported anew."""

    def body(self) -> None:
        """The program from its first line on."""
        self._target.run()

    def end(self, record: Record) -> None:
        """All there is to know is on record."""

    def restart(self) -> None:
        """Nothing was named beforehand."""

    @property
    def changed(self) -> list[str]:
        """Nothing does."""
        return []

    @property
    def doubts(self) -> str:
        """The program says it all."""
        return ""

    def leave_world(self) -> None:
        """Nothing to do."""

    def leave(self) -> None:
        """Give imports back."""
        self._loader.remove()
        sys.path[:] = self._path
        sys.argv[:] = self._arguments
        if self._main is not None:
            sys.modules["__main__"] = self._main
