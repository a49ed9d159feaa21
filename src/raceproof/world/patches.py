"""Putting the simulated standard library in the place of the real one, and taking it out again.

Classes written in Python keep their identity and get other methods; everything else is replaced
by name, in its own module and wherever else it was imported to.  This is done once for a whole
exploration; what belongs to a single execution is reset between executions.
"""

from __future__ import annotations

import _queue
import _thread
import atexit
import concurrent.futures
import contextlib
import copyreg
import datetime
import faulthandler
import functools
import importlib
import io
import logging
import os
import queue
import random
import sys
import threading
import time
import types
import uuid
import warnings
import weakref
from collections.abc import Callable, Container, Iterable, Iterator
from concurrent.futures import _base
from typing import Any, Final

from raceproof.world import (
    bare_threads,
    caches,
    carriers,
    clock,
    databases,
    event_loops,
    executors,
    exits,
    future_condition,
    futures,
    imports,
    logs,
    process,
    record,
    redirection,
    signals,
    thread_pools,
    threads,
    tracing,
)  # fmt: skip
from raceproof.world import random as streams
from raceproof.world.children import children
from raceproof.world.descriptors import fault_handler, write_to
from raceproof.world.files import Files
from raceproof.world.future_condition import ConditionOfFuture
from raceproof.world.late import LateModules
from raceproof.world.locals import local
from raceproof.world.output import CapturedStream
from raceproof.world.primitives import lock
from raceproof.world.primitives.barrier import Barrier
from raceproof.world.primitives.condition import Condition
from raceproof.world.primitives.event import Event
from raceproof.world.primitives.queue import LifoQueue, PriorityQueue, Queue, SimpleQueue
from raceproof.world.primitives.rlock import RLock
from raceproof.world.primitives.semaphore import BoundedSemaphore, Semaphore
from raceproof.world.quiet import QuietLock
from raceproof.world.record import Record
from raceproof.world.scheduler import machine
from raceproof.world.switching import switch_interval
from raceproof.world.takeover import classes
from raceproof.world.takeover.locks import KINDS
from raceproof.world.takeover.names import StandIns
from raceproof.world.takeover.per_thread import PerThread

LEFT_ALONE: Final = (
    "raceproof", "importlib", "_frozen_importlib", "_frozen_importlib_external", "zipimport",
    "posix", "nt", "site", "sys", "builtins", "greenlet", "pytest", "_pytest", "pluggy",
    "hypothesis", "execnet", "xdist", "coverage", "faulthandler", "gc", "rich", "click",
)  # fmt: skip
"""Modules (and what lies in them) that go on with what they have: ours, and those we stand on."""

WORKED_ON: Final = frozenset(
    {
        "threading", "_thread", "queue", "concurrent", "time", "datetime", "random", "uuid", "os",
        "signal", "subprocess", "atexit", "faulthandler", "logging", "warnings", "copyreg",
        "asyncio", "multiprocessing",
    }
)  # fmt: skip
"""Modules of the standard library whose own insides are replaced or reset: another copy of one
would not be simulated."""

HOOKS: Final = (
    (threading, "excepthook"), (sys, "excepthook"), (sys, "unraisablehook"), (sys, "displayhook"),
)  # fmt: skip
"""What programs may set; each execution starts with what the interpreter starts with."""


QUEUE_ERRORS: Final = ("Empty", "Full", "ShutDown")


class Patches:
    """A context manager: inside of it, executions meet the simulated standard library."""

    def __init__(self, seed: int = 0, start: float | None = None) -> None:
        """`seed` decides what `random` gives; `start` is when executions begin (default: now)."""
        self.own: Container[str] = ()
        """Modules that are the program's, and imported already: their locks are no library's."""
        self.replaced: dict[int, tuple[Any, Any]] = {}
        """What is replaced by name, by its identity: it, and what stands in for it."""
        self._seed = seed
        self._start = start
        self._undo: list[Callable[[], None]] = []
        self._signals = signals.Signals()
        self._late = LateModules(
            {
                "tempfile": self._replace_in_tempfile, "_sqlite3": self._replace_in_sqlite,
                "multiprocessing.pool": self._replacing_methods(thread_pools.methods),
                "asyncio.base_events": self._replacing_methods(event_loops.base_methods),
                "asyncio.selector_events": self._replacing_methods(event_loops.selector_methods),
            },
            {module.__name__: self._replace_in_copy for module, _ in queues()},
        )  # fmt: skip
        self._input = StandardInput()
        self._locals = PerThread()
        self.files = Files()
        self._streams: dict[str, CapturedStream] = {}
        self._real_streams: dict[str, Any] = {}
        self._logging: logs.LoggingState

    def __enter__(self) -> Patches:
        clock.set_start(self._start)
        tracing.begin_exploration()
        try:
            self._replace_streams()
            self._replace_methods()
            self._replace_names()
            self._take_over()
            self._late.install()
            self._undo.append(self._late.remove)
            exits.before_leaving.append(self.files.backups.put_back)
            self._undo.append(exits.before_leaving.clear)
        except BaseException:
            self.__exit__()
            raise
        self._logging = logs.LoggingState()
        self._undo.append(self._logging.restore)
        return self

    def __exit__(self, *_: object) -> None:
        while self._undo:
            self._undo.pop()()
        self.files.restore()

    # -- an execution ----------------------------------------------------------------------------

    def begin_execution(self, echo: bool = False) -> Record:
        """Before `machine.execute`: a fresh record, and everything as in a new process.

        With `echo`, output is shown while the program runs.
        """
        found = record.begin(self._real_streams if echo else None)
        for stream in self._streams.values():
            stream.output = found.output
            stream.muted = False
        sys.stdout = self._streams["stdout"]
        sys.stderr = self._streams["stderr"]
        sys.stdin = self._input.afresh()
        for module, name in HOOKS:
            setattr(module, name, getattr(module, f"__{name}__"))
        self._signals.reset()
        switch_interval.reset()
        self._logging.restore()
        streams.reset(self._seed)
        imports.begin_execution()
        redirection.reset()
        _forget_warnings()
        event_loops.begin_execution()
        return found

    def run_main(self, program: Callable[[], None]) -> None:
        """The body of an execution: `program`, then what the interpreter does at its end."""
        process.run_main(program)

    def adapt(self, module: types.ModuleType) -> None:
        """A module that is watched was executed afresh: what was done to the other is missing."""
        if module.__name__ == "random":
            streams.adapt(module)
        elif module.__name__ == "uuid":
            vars(module).update(
                (name, None) for name in streams.UUID_SOURCES if name in vars(module)
            )

    def end_execution(self) -> None:
        """After `machine.execute`: the record is complete."""
        machine.thread_state.end()
        event_loops.end_execution()
        children.end()
        self.files.end_execution()
        threads.restore()
        record.current.output.close()
        for stream in self._streams.values():
            stream.muted = True

    # -- replacing -------------------------------------------------------------------------------

    def _set(self, owner: Any, name: str, value: Any) -> None:
        namespace = vars(owner)
        if name in namespace:
            self._undo.append(functools.partial(setattr, owner, name, namespace[name]))
        else:
            self._undo.append(functools.partial(delattr, owner, name))
        setattr(owner, name, value)

    def _replace_streams(self) -> None:
        for name in ("stdout", "stderr"):
            real = getattr(sys, name)
            self._real_streams[name] = io.StringIO() if real is None else real
            self._streams[name] = CapturedStream(name, real)
            self._undo.append(functools.partial(setattr, sys, name, real))
            self._set(sys, f"__{name}__", self._streams[name])
        for module, name in HOOKS:
            self._set(module, name, getattr(module, f"__{name}__"))
        self._input.real = sys.stdin
        self._undo.append(functools.partial(setattr, sys, "stdin", sys.stdin))
        sys.stdout = self._streams["stdout"]
        sys.stderr = self._streams["stderr"]

    def _replace_methods(self) -> None:
        for kind, methods in (
            (threading.Thread, threads.THREAD_METHODS),
            (threading.Timer, threads.TIMER_METHODS),
            (concurrent.futures.Future, futures.METHODS),
            (concurrent.futures.ThreadPoolExecutor, executors.METHODS),
            (random.Random, {"seed": streams.seed_instance}),
            (logging.Handler, logs.HANDLER_METHODS),
            (logging.Logger, logs.LOGGER_METHODS),
            (contextlib._RedirectStream, redirection.METHODS),
            (functools.cached_property, {"__get__": caches.get_cached_property}),
        ):
            for name, method in methods.items():
                original = getattr(kind, name)
                if original is not method:
                    functools.update_wrapper(method, original)
                    self._set(kind, name, method)
        for name, value in process.finalizers().items():
            self._set(weakref.finalize, name, value)
        self._set(concurrent.futures.Future, future_condition.NAME, ConditionOfFuture())
        for name, attribute in executors.ATTRIBUTES.items():
            self._set(concurrent.futures.ThreadPoolExecutor, name, attribute)
        for reduced, reducer in clock.REDUCERS.items():
            copyreg.dispatch_table[reduced] = reducer
            self._undo.append(functools.partial(_drop_reducer, reduced))

    def _replace_names(self) -> None:
        # The import system has its own kind of locks: what it does in an execution it may not have
        # to do in the next, so it must leave no trace.  It takes all virtual threads for one.
        own_thread = _copy_of(_thread)
        vars(own_thread)["get_ident"] = exits.common_ident
        self._set(imports.bootstrap, "_thread", own_thread)
        self._set(imports.bootstrap, "_ModuleLock", imports.ModuleLock)
        self._set(importlib, "import_module", imports.import_module)
        replaced = self.replaced
        for module, names in self._replacements():
            for name, value in names.items():
                original = vars(module).get(name)
                if original is not None:
                    _disguise(value, original)
                    replaced[id(original)] = (original, value)
                    self._set(module, name, value)
        for name in streams.UUID_SOURCES:
            if hasattr(uuid, name):
                self._set(uuid, name, None)
        # `threading` itself uses some of these for the real threads of others.
        own = {module for module, _ in self._replacements()}
        for module in _modules():
            if module in own and module is not random:
                continue
            for name, value in list(vars(module).items()):
                found = replaced.get(id(value))
                if found is not None and found[0] is value:
                    self._set(module, name, found[1])

    def _replacements(self) -> Iterator[tuple[types.ModuleType, dict[str, Any]]]:
        yield threading, {
            "Lock": lock.of_threading, "RLock": RLock, "_CRLock": RLock, "_PyRLock": RLock,
            "Condition": Condition, "Event": Event, "Semaphore": Semaphore,
            "BoundedSemaphore": BoundedSemaphore, "Barrier": Barrier,
            "local": local, "current_thread": threads.current_thread,
            "currentThread": threads.current_thread_by_its_old_name,
            "main_thread": threads.main_thread,
            "get_ident": threads.get_ident, "get_native_id": threads.get_native_id,
            "_allocate_lock": lock.allocate_lock, "_RLock": RLock,
            "_start_new_thread": bare_threads.start_new_thread,
            "_start_joinable_thread": bare_threads.start_joinable_thread,
            "enumerate": threads.enumerate_threads, "active_count": threads.active_count,
            "activeCount": threads.active_count_by_its_old_name,
            "_register_atexit": threads.before_joining.register,
            "_shutdown": process.shutdown, "excepthook": threads.excepthook,
            "__excepthook__": threads.excepthook,
            "_ThreadHandle": bare_threads.ThreadHandle, "_set_name": bare_threads.set_name,
        }  # fmt: skip
        yield _thread, {
            "_excepthook": threads.excepthook,
            "allocate_lock": lock.allocate_lock, "allocate": lock.allocate_lock,
            "LockType": lock.LockType, "lock": lock.LockType,
            "RLock": RLock, "_local": local, "get_ident": threads.get_ident,
            "get_native_id": threads.get_native_id, **bare_threads.replacements(),
        }  # fmt: skip
        yield from queues()
        yield _base, {"wait": futures.wait, "as_completed": futures.as_completed}
        yield concurrent.futures, {"wait": futures.wait, "as_completed": futures.as_completed}
        yield time, clock.replacements()
        yield datetime, {"datetime": clock.datetime, "date": clock.date}
        yield random, streams.replacements()
        yield functools, {"_lru_cache_wrapper": caches.CacheWrapper, "RLock": RLock}
        yield atexit, process.at_exit.replacements()
        yield faulthandler, fault_handler()
        yield sys, switch_interval.replacements() | tracing.replacements()
        yield warnings, {"_warn_unawaited_coroutine": event_loops.warn_unawaited}
        for module in signals.FUNCTIONS:
            yield module, self._signals.replacements(module)
        yield from children.replacements()
        yield from self.files.replacements()
        yield os, {
            "_exit": exits.exit_at_once, "urandom": streams.urandom,
            "write": write_to(self._streams),
        }  # fmt: skip

    def _replace_in_tempfile(self, module: types.ModuleType) -> None:
        original = vars(module)["_get_candidate_names"]
        names = streams.TemporaryNames()
        candidates = lambda: names if exits.inside() else original()  # noqa: E731
        self._set(module, "_get_candidate_names", candidates)

    def _replace_in_sqlite(self, module: types.ModuleType) -> None:
        connect = databases.connector(module, self.files.backups.remember)
        original = vars(module)["connect"]
        for name in ("_sqlite3", "sqlite3.dbapi2", "sqlite3"):
            user = sys.modules.get(name)
            found = None if user is None else vars(user).get("connect")
            if getattr(found, "__wrapped__", None) is original:
                # It was imported in the middle of an earlier exploration, whose own it has kept.
                vars(user)["connect"] = found = original
            if user is not None and found is original:
                self._set(user, "connect", connect)
        self._set(module, "connect", connect)

    def _replacing_methods(
        self, methods: Callable[[Any], Iterable[tuple[type, dict[str, Any]]]]
    ) -> Callable[[types.ModuleType], None]:
        """Put methods into the classes of a module, once it is there."""

        def replace(module: types.ModuleType) -> None:
            for kind, found in methods(module):
                for name, method in found.items():
                    functools.update_wrapper(method, getattr(kind, name))
                    self._set(kind, name, method)

        return replace

    def _replace_in_copy(self, copy: types.ModuleType) -> None:
        for module, names in queues():
            if module.__name__ == copy.__name__:
                vars(copy).update(names)

    def _take_over(self) -> None:
        """Libraries keep primitives that they made when they were imported."""
        for kind in KINDS:
            self._undo.append(kind.native.restore)
            kind.divert()
        for owner, name, value in classes.replacements():
            self._set(owner, name, value)
        self._undo.append(self._locals.restore)
        derived = list(self._locals.classes(LEFT_ALONE))
        if carriers.name_of(machine.carrier) == carriers.OS:
            self._locals.note_outside(derived)
        for kept in derived:
            for name, method in self._locals.methods(kept):
                self._set(kept, name, method)
        stand_ins = StandIns()
        for module in _modules():
            for replacement in stand_ins.in_module(module, module.__name__ in self.own):
                self._set(*replacement)

    def quieten(self) -> None:
        """The last execution has imported libraries, which keep locks that they made then."""
        for module in _modules():
            if module is threading or getattr(module, "__file__", "") in machine.watched_files:
                continue
            if module.__name__ in self.own:
                continue
            for name, value in list(vars(module).items()):
                if type(value) in (lock.Lock, lock.LockType, RLock):
                    quiet = QuietLock((module.__name__, name), reentrant=type(value) is RLock)
                    self._set(module, name, quiet)


def is_worked_on(name: str) -> bool:
    """Whether there must not be a second copy of the module."""
    top = name.partition(".")[0]
    return top in LEFT_ALONE or top in WORKED_ON


def _modules() -> Iterable[types.ModuleType]:
    """The modules that get to see the simulated world."""
    for name, module in list(sys.modules.items()):
        if isinstance(module, types.ModuleType) and name.partition(".")[0] not in LEFT_ALONE:
            yield module


def queues() -> Iterator[tuple[types.ModuleType, dict[str, Any]]]:
    """The names that are replaced in the modules of queues."""
    # Copies of these modules have exceptions of their own, in vain.
    errors = {name: value for name, value in vars(queue).items() if name in QUEUE_ERRORS}
    yield queue, {
        "Queue": Queue, "LifoQueue": LifoQueue, "PriorityQueue": PriorityQueue,
        "SimpleQueue": SimpleQueue, "_PySimpleQueue": SimpleQueue, **errors,
    }  # fmt: skip
    yield _queue, {"SimpleQueue": SimpleQueue, "Empty": queue.Empty}


def _disguise(replacement: Any, original: Any) -> None:
    """Let a function say that it is the one whose place it takes."""
    if isinstance(replacement, types.FunctionType) and callable(original):
        for name in ("__module__", "__name__", "__qualname__"):
            if isinstance(getattr(original, name, None), str):
                setattr(replacement, name, getattr(original, name))


def _drop_reducer(kind: type) -> None:
    copyreg.dispatch_table.pop(kind, None)


def _copy_of(module: types.ModuleType) -> types.ModuleType:
    copy = types.ModuleType(module.__name__)
    copy.__dict__.update(vars(module))
    return copy


def _forget_warnings() -> None:
    """A warning that is shown once is shown once in each execution."""
    mutated: Any = getattr(warnings, "_filters_mutated", None) or getattr(
        warnings, "_filters_mutated_lock_held", None
    )
    if mutated is not None:
        try:
            mutated()
        except RuntimeError:
            pass  # it wants a lock to be held, in some versions


class StandardInput:
    """`sys.stdin`: what it has to say is read once, and every execution gets it from the start."""

    def __init__(self) -> None:
        self.real: Any = None
        self._text: str | None = None

    def afresh(self) -> Any:
        """Standard input for an execution."""
        return _Input(self)

    def text(self) -> str:
        """All of it."""
        if self._text is None:
            if self.real is None:
                self._text = ""
            elif self.real.isatty():
                raise exits.NeedsInput(
                    "the program reads from the terminal, and is run many times: give it its input "
                    "from a file (... < FILE)"
                )
            else:
                self._text = str(self.real.read())
        return self._text


class _Input(io.TextIOBase):
    """`sys.stdin` of one execution."""

    def __init__(self, source: StandardInput) -> None:
        self._source = source
        self._stream: io.StringIO | None = None

    def _opened(self) -> io.StringIO:
        if self._stream is None:
            self._stream = io.StringIO(self._source.text())
        return self._stream

    def read(self, size: int | None = -1, /) -> str:
        """Read so many characters."""
        return self._opened().read(size)

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        """Read a line."""
        return self._opened().readline(size)

    @property
    def buffer(self) -> io.BytesIO:
        """The stream of bytes underneath."""
        return io.BytesIO(self._opened().read().encode())

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As for the real one."""
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """As for the real one."""
        return "strict"

    @property
    def name(self) -> str:
        """As for the real one."""
        return "<stdin>"

    @property
    def mode(self) -> str:
        """As for the real one."""
        return "r"

    def readable(self) -> bool:
        """One can read from it."""
        return True

    def close(self) -> None:
        """There is nothing to close."""
