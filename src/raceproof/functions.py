"""A function as the thing to explore: it is called in each execution, in the process as it is.

Its modules are not executed anew.  Their functions are watched by swapping their code, and what
they keep (globals, attributes of classes, containers) is put back between executions.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import types
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, Final, Protocol

from raceproof.instrument.loader import Loader, Watch
from raceproof.instrument.swapping import SwappedCode, is_pseudo_file, source_of, unit_of
from raceproof.programs import CannotRun, Stage
from raceproof.world.belongings import Belongings, Globals, Root
from raceproof.world.patches import Patches
from raceproof.world.record import Record

ROOT_MARKS: Final = ("pyproject.toml", "setup.py", "setup.cfg", ".git", ".hg")
"""What lies at the root of a project."""


SHOWN_DOUBTS: Final = 5


class NoFunction(TypeError):
    """There is nothing to watch in what was given."""


def function_behind(thing: Any) -> types.FunctionType:
    """The function in Python that a call of `thing` comes to.  Raises `NoFunction`."""
    at = thing
    while not isinstance(at, types.FunctionType) or hasattr(at, "__wrapped__"):
        if isinstance(at, types.FunctionType):
            at = at.__wrapped__  # type: ignore[attr-defined]
        elif isinstance(at, functools.partial):
            at = at.func
        elif isinstance(at, types.MethodType | classmethod | staticmethod):
            at = at.__func__
        elif isinstance(at, type):
            made_by = maker_of(at)
            if made_by is None:
                raise NoFunction(f"{at.__name__} has neither __init__ nor __new__ in Python")
            at = made_by
        elif hasattr(at, "__wrapped__"):
            at = at.__wrapped__
        elif isinstance(call := getattr(type(at), "__call__", None), types.FunctionType):  # noqa: B004
            at = call
        else:
            raise NoFunction(
                f"{thing!r} is no function written in Python: raceproof explores functions, "
                "methods and lambdas that can be called without arguments"
            )
    return at


def maker_of(cls: type) -> Any:
    """The function that sets up instances of a class, if there is one in Python."""
    for name in ("__init__", "__new__"):
        found = getattr(cls, name, None)
        if isinstance(found, types.FunctionType):
            return found
    return None


def why_not(function: types.FunctionType) -> str:
    """Why a function could not be watched."""
    code = function.__code__
    where = f"{function.__qualname__}, {code.co_filename}:{code.co_firstlineno}"
    if source_of(code.co_filename, function.__globals__) is None:
        return f"no source for {where}: raceproof rewrites source code, and there is none to read"
    return f"{where} is not what stands in the file any more: import it again, then explore it"


def project_of(file: str) -> str:
    """The root of the project that a file belongs to; else its directory."""
    if is_pseudo_file(file) or not os.path.isfile(file):
        return os.getcwd()
    start = at = os.path.dirname(os.path.realpath(file))
    while True:
        if any(os.path.exists(os.path.join(at, mark)) for mark in ROOT_MARKS):
            return at
        above = os.path.dirname(at)
        if above == at:
            return start
        at = above


class Callee(Protocol):
    """What a `FunctionStage` can call in each execution."""

    title: str
    namespace: dict[str, Any]
    """The globals around it: all functions that share them are watched."""
    values: dict[str, Any]
    """What was returned, by what it looks like: one value for each look."""

    unrelated: Container[str]
    """Files of the project that it has nothing to do with: they need not be watched."""

    @property
    def roots(self) -> Iterable[Root]:
        """What belongs to it besides what its modules have."""

    def begin(self) -> None:
        """Before each execution."""

    def call(self, loader: Loader) -> Any:
        """Do it, and return what it returns."""

    def end(self, record: Record) -> None:
        """After each execution."""


class FunctionTarget:
    """A function to call without arguments, or anything else that can be called so."""

    def __init__(self, function: Callable[[], Any], directory: str = "") -> None:
        """Raises `NoFunction`."""
        self.function = function
        self.behind = function_behind(function)
        self.namespace = self.behind.__globals__
        self.directory = directory or project_of(self.behind.__code__.co_filename)
        self.values: dict[str, Any] = {}
        unit = unit_of(self.behind)
        name = self.behind.__qualname__
        self.title = name if unit.module in ("", "__main__") else f"{unit.module}.{name}"
        self.roots: tuple[Root, ...] = (Root(self.title, function),)
        self.unrelated: Container[str] = ()
        self.command = ""
        """What runs a recorded interleaving again, if that is not `raceproof.replay`."""

    @property
    def stem(self) -> str:
        """The function's name."""
        name = self.behind.__qualname__.rpartition("<locals>.")[2]
        return "".join(c if c.isalnum() or c in "._-" else "_" for c in name).strip("_") or "lambda"

    @property
    def origin(self) -> dict[str, Any]:
        """Where to import it from."""
        unit = unit_of(self.behind)
        return {
            "script": None,
            "module": None,
            "arguments": [],
            "function": f"{unit.module}:{self.behind.__qualname__}",
        }

    def rerun_command(self, file: str) -> str:
        """There is no command for what only the process has: call the library again."""
        return self.command or f"raceproof.replay({file!r}, {self.behind.__name__})"

    def stage(self, loader: Loader) -> Stage:
        """Its stage."""
        return FunctionStage(self, loader, self.behind)

    def begin(self) -> None:
        """Nothing has to be done."""

    def call(self, loader: Loader) -> Any:
        """Call the function."""
        return self.function()

    def end(self, record: Record) -> None:
        """Nothing has to be done."""


def thread_in(files: Container[str]) -> str:
    """The name of another thread that is in code of these files; "" if there is none."""
    frames = sys._current_frames()
    for thread in threading.enumerate():
        if thread is threading.current_thread():
            continue
        at = frames.get(thread.ident or 0)
        while at is not None:
            if at.f_code.co_filename in files:
                return thread.name
            at = at.f_back
    return ""


def modules_watched_by(watch: Watch, unrelated: Container[str] = ()) -> dict[str, types.ModuleType]:
    """The modules that are imported already and watched, but for those in `unrelated` files."""
    found: dict[str, types.ModuleType] = {}
    for name, module in list(sys.modules.items()):
        if isinstance(module, types.ModuleType):
            file = vars(module).get("__file__")
            if file not in unrelated and watch.watches(name, file):
                found[name] = module
    return found


def belongings_now(watch: Watch, roots: Iterable[Root] = ()) -> Belongings:
    """What the project's modules keep at this moment, and these `roots`."""
    own = modules_watched_by(watch)
    spaces = [Root(name, Globals(module.__dict__)) for name, module in own.items()]
    return Belongings([*spaces, *roots], own.__contains__)


class FunctionStage:
    """Watches the functions of the project while one of them is explored."""

    def __init__(
        self, target: Callee, loader: Loader, needed: types.FunctionType | None = None
    ) -> None:
        """Without watching the function `needed`, there is nothing to explore."""
        self._target = target
        self._loader = loader
        self._needed = needed
        self._code = SwappedCode(loader, target.namespace, target.unrelated)
        self._own: dict[str, types.ModuleType] = {}
        self._value: Any = None
        self._returned = False

    @property
    def modules(self) -> frozenset[str]:
        """The project's modules that are imported already."""
        return frozenset(self._own)

    def enter(self) -> None:
        """Have the project's functions watched."""
        self._loader.install(staying=True)
        self._code.swap()
        if self._needed is not None and not self._code.watches(self._needed):
            self.leave()
            raise CannotRun(why_not(self._needed))
        self._own = modules_watched_by(self._loader.watch, self._target.unrelated)
        for name in self._code.modules:
            if isinstance(module := sys.modules.get(name), types.ModuleType):
                self._own[name] = module
        running = thread_in(self._loader.sources)
        if running:
            self.leave()
            raise CannotRun(
                f"{running} was started before and runs code of the project: it is a real thread, "
                "out of control; start it in the function"
            )

    def enter_world(self, patches: Patches) -> None:
        """Keep in mind what the project's modules keep."""
        self.belongings = Belongings(self._roots(), self._own.__contains__, patches.replaced)
        self.belongings.give_names()

    def _roots(self) -> Iterator[Root]:
        spaces = {id(module.__dict__): module.__dict__ for module in self._own.values()}
        for namespace in {**spaces, **self._code.namespaces}.values():
            yield Root(str(namespace.get("__name__", "")), Globals(namespace))
        for function in self._code.swapped:
            yield Root(f"{function.__module__}.{function.__qualname__}", function)
        yield from self._target.roots

    def begin(self) -> None:
        """Before each execution."""
        self._target.begin()
        self.belongings.restore()
        self._returned = False

    def body(self) -> None:
        """Call the function."""
        self.belongings.renew()
        self._value = self._target.call(self._loader)
        self._returned = True

    def end(self, record: Record) -> None:
        """What the function returned is part of the result."""
        self._target.end(record)
        if self._returned:
            value, self._value = self._value, None
            record.value = look_of(value)
            self._target.values.setdefault(record.value, value)

    def restart(self) -> None:
        """Names are given anew."""
        self._code.restart()
        self.belongings.give_names()

    @property
    def changed(self) -> list[str]:
        """What was put back because executions had changed it."""
        return list(self.belongings.changed)

    @property
    def doubts(self) -> str:
        """What executions may have handed on to the next."""
        lasting = self.belongings.lasting
        found = [f"{label} ({kind})" for label, kind in list(lasting.items())[:SHOWN_DOUBTS]]
        if len(lasting) > SHOWN_DOUBTS:
            found.append(f"{len(lasting) - SHOWN_DOUBTS} more")
        if not self.belongings.complete:
            found.append("much else, since there are too many objects to look at")
        if not found:
            return "What it shares with other calls is best made in the function itself"
        return (
            "What outlives the function was put back between its calls, except for "
            f"{', '.join(found)}: make it in the function"
        )

    def leave_world(self) -> None:
        """Before the real standard library comes back."""
        self.belongings.restore()

    def leave(self) -> None:
        """Everybody gets their own code back."""
        self._code.restore()
        self._loader.remove()


def look_of(value: Any) -> str:
    """What a returned value looks like; nothing, if it is None."""
    if value is None:
        return ""
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__} whose repr fails: {type(error).__name__}>"
