"""The import system: a thread waits until another has imported a module to the end.

Modules that are watched are imported anew in each execution, by whichever thread is first, so that
to import one is an operation.  All others are imported once, which must leave no trace.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from raceproof.events import READ, WRITE, Attribute, Location, Operation, ThreadId
from raceproof.world.exits import inside
from raceproof.world.primitives.simulated import operation
from raceproof.world.quiet import QuietLock
from raceproof.world.scheduler import machine

bootstrap: Final[Any] = sys.modules["_frozen_importlib"]
_RealModuleLock: Final[Any] = bootstrap._ModuleLock
_real_import: Final = builtins.__import__
_real_import_module: Final = importlib.import_module

is_watched: Callable[[str], bool] = lambda name: False  # noqa: E731
"""Whether a module of this name is watched; a session says so."""


class Imports:
    """Who imports which watched module at the moment, in the execution under way."""

    def __init__(self) -> None:
        self._places: dict[str, Location] = {}
        """By module; the state of a place is the thread that imports the module, or None."""
        self._waiting: dict[ThreadId, Location] = {}
        """Thread -> the module that it waits for."""

    def reset(self) -> None:
        """A new execution begins."""
        self._places.clear()
        self._waiting.clear()
        # Locks of the last execution that are still around are of no use to this one.
        bootstrap._module_locks.clear()

    def _place(self, name: str) -> Location:
        found = self._places.get(name)
        if found is None:
            shared = machine.naming.object(("import", name), "")
            found = self._places[name] = shared.location(Attribute(f"module {name}"))
            found.state = None
        return found

    def announce(self, name: str) -> None:
        """The running thread is about to import this module; returns when it may."""
        place, me = self._place(name), machine.current.tid
        if place.state == me or self.closes_a_circle(name):
            return  # it gets what there is of the module
        shared, guards = place.owner, ((place, _is_free),)
        first = operation(shared, "import", (place, WRITE), guards=guards, key="first")
        again = operation(shared, "import", (place, READ), guards=guards, key="again")
        again.general = first

        def decide() -> Operation:
            return again if _is_there(name) else first

        self._waiting[me] = place
        try:
            machine.turn(first, decide)
        finally:
            self._waiting.pop(me, None)

    def closes_a_circle(self, name: str) -> bool:
        """Whether whoever imports this module waits, in the end, for the running thread."""
        place: Location | None = self._place(name)
        seen = set[ThreadId]()
        while place is not None:
            holder: ThreadId | None = place.state
            if holder is None or holder in seen:
                return False
            if holder == machine.current.tid:
                return bool(seen)
            seen.add(holder)
            place = self._waiting.get(holder)
        return False

    def begin(self, name: str) -> bool:
        """The running thread goes about importing a module; whether it is the one to do so."""
        place, me = self._place(name), machine.current.tid
        if place.state not in (None, me):
            self.announce(name)
        if place.state is not None or _is_there(name):
            return False
        place.state = me
        return True

    def end(self, name: str) -> None:
        """The module is there, or has failed."""
        place = self._place(name)
        machine.sync(operation(place.owner, "imported", (place, WRITE)))
        place.state = None


imports: Final = Imports()


def _is_free(state: Any, thread: ThreadId) -> bool:
    return state is None or state == thread


def _is_there(name: str) -> bool:
    module = sys.modules.get(name)
    return module is not None and not getattr(
        getattr(module, "__spec__", None), "_initializing", False
    )


class ModuleLock:
    """Stands for the lock of one module while it is being imported."""

    __slots__ = ("__weakref__", "_importing", "_quiet", "name")

    def __new__(cls, name: str) -> Any:
        """The real one outside of executions."""
        return object.__new__(cls) if inside() else _RealModuleLock(name)

    def __init__(self, name: str) -> None:
        self.name = name
        self._quiet = None if is_watched(name) else QuietLock(("import", name), reentrant=True)
        self._importing = False

    def acquire(self) -> bool:
        """Wait for the module; raises the error of the import system if it would be for ever."""
        if self._quiet is not None:
            return self._quiet.acquire()
        if imports.closes_a_circle(self.name):
            raise bootstrap._DeadlockError(f"deadlock detected by {self!r}")
        if imports.begin(self.name):
            self._importing = True
        return True

    def release(self) -> None:
        """The module is there, or has failed."""
        if self._quiet is not None:
            self._quiet.release()
        elif self._importing and (_is_there(self.name) or self.name not in sys.modules):
            self._importing = False
            imports.end(self.name)

    def __repr__(self) -> str:
        return f"_ModuleLock({self.name!r}) at {id(self)}"


def import_(
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] = (),
    level: int = 0,
) -> Any:
    """`__import__`, which is what an import statement calls."""
    if machine.watching and inside():
        _announce_all(_absolute(name, globals, level), fromlist or ())
    return _real_import(name, globals, locals, fromlist, level)


def import_module(name: str, package: str | None = None) -> Any:
    """`importlib.import_module`."""
    if machine.watching and inside():
        level = len(name) - len(name.lstrip("."))
        _announce_all(_absolute(name[level:], {"__package__": package}, level), ())
    return _real_import_module(name, package)


def _absolute(name: str, namespace: Mapping[str, Any] | None, level: int) -> str:
    """The full name of what is to be imported; "" if that is no valid import."""
    if not level:
        return name
    package = (namespace or {}).get("__package__") or ""
    try:
        return importlib.util.resolve_name("." * level + name, package)
    except (ImportError, AttributeError, TypeError):
        return ""


def _announce_all(name: str, fromlist: Sequence[str]) -> None:
    if not name or not is_watched(name):
        return
    for parent in _with_parents(name):
        imports.announce(parent)
    present = sys.modules.get(name)
    for attribute in fromlist:
        inner = f"{name}.{attribute}"
        missing = hasattr(present, "__path__") and attribute not in vars(present)
        if missing or inner in sys.modules:
            imports.announce(inner)


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])


def begin_execution() -> None:
    """The import statements of this execution are seen (at its end, `__import__` is put back)."""
    imports.reset()
    vars(builtins)["__import__"] = import_
