"""`threading.Thread` and the functions around it, on virtual threads.

The class itself stays the real one, with other methods while a program is explored: so it does not
matter who derived a class from it, and when, and all that touches no thread (names, arguments,
the errors for misuse) is the code of the Python that runs.
"""

from __future__ import annotations

import contextvars
import functools
import itertools
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from raceproof.events import READ, WRITE, Operation, ThreadId, WholeObject
from raceproof.world import random as streams
from raceproof.world import record, tracing
from raceproof.world.arguments import as_given
from raceproof.world.execution import NEW, VirtualThread
from raceproof.world.exits import Escape, OutOfControl, give_up
from raceproof.world.fibers import ExecutionAbandoned
from raceproof.world.locals import drop_locals
from raceproof.world.primitives import timeouts
from raceproof.world.primitives.simulated import operation
from raceproof.world.scheduler import machine
from raceproof.world.scheduling.choice import SHORTEST
from raceproof.world.scheduling.loop_knowledge import MOST_EARLY

JOINED: Final = "joined"
"""Key in `VirtualThread.storage`: the threads that this one knows to be over."""
OVER: Final = WholeObject("program")
"""The place of the main thread whose state says that its program is over."""
TIMERS: Final = "timers"
"""Under this a thread keeps how many timers went off to start it, the one after the other."""
WORK: Final = ("target", "arguments", "task")
"""Keys in `VirtualThread.storage`: what the thread does, for reports."""
BARE: Final = "bare"
"""Key in `VirtualThread.storage`: the thread has no `Thread` object of its own."""

_real_current_thread = threading.current_thread
_real_main_thread = threading.main_thread
_real_get_ident = threading.get_ident
_real_get_native_id = threading.get_native_id
_real_enumerate = threading.enumerate
_real_active_count = threading.active_count
_real_excepthook = threading.__excepthook__
_real_register_atexit = threading._register_atexit  # type: ignore[attr-defined]
_RealThread = threading.Thread
_RealDummyThread = threading._DummyThread
_RealMainThread = threading._MainThread  # type: ignore[attr-defined]


# -- virtual threads -----------------------------------------------------------------------------


def spawn(
    body: Callable[[], None],
    name: str,
    daemon: bool,
    model: Any = None,
    storage: Mapping[str, Any] | None = None,
    hooked: bool = True,
) -> VirtualThread:
    """Start a thread that runs `body`; what `body` raises must not concern anybody.

    If it is `hooked`, the functions given to `threading.settrace` and the like apply to it.
    """
    parent = machine.current
    base = streams.base_of(parent)
    hooks = tracing.hooks() if hooked else None

    def run() -> None:
        if machine.thread_state.active:
            machine.thread_state.enter(machine.current)
        if hooks is not None:
            tracing.begin_thread(*hooks)
        try:
            body()
        except ExecutionAbandoned:
            raise
        except OutOfControl as error:
            give_up(error)
        except BaseException:
            # While an execution is unwound, what its threads still do does not count.
            if not machine.end:
                raise
        finally:
            drop_locals(thread)
            if not machine.end:
                forget_work(thread)
                _forget_object(thread)

    thread = machine.spawn(run, name, daemon)
    thread.model = model
    if storage:
        thread.storage.update(storage)
    streams.inherit(thread, base)
    return thread


def forget_work(thread: VirtualThread) -> None:
    """`thread` has done what it was to do: nothing of that is kept alive for its sake."""
    if machine.observer is not None:
        machine.observer.on_end(thread)
    for key in WORK:
        thread.storage.pop(key, None)


def _forget_object(thread: VirtualThread) -> None:
    if sys.version_info >= (3, 13) or not isinstance(thread.model, _RealDummyThread):
        _active.pop(ident_of(thread.path), None)
    thread.model = None


def is_outside(error: BaseException) -> bool:
    """Whether an exception is none of the program: it must be let through."""
    return (
        isinstance(error, (ExecutionAbandoned, OutOfControl, Escape))
        or bool(machine.end)
        or (isinstance(error, KeyboardInterrupt) and machine.interrupted)
    )


def join(thread: VirtualThread, timeout: float | None = None) -> None:
    """Wait until `thread` is over."""
    known = machine.current.storage.setdefault(JOINED, set())
    if thread in known:
        return
    if thread.path == ():
        # Whoever joins the main thread waits for its program to be over, not for the process.
        if machine.tries(timeout):
            success, failure = _main_is_over("join at once"), _main_is_over("is over")
            place = thread.shared.location(OVER)
            machine.attempt(success, failure, lambda: bool(place.state), thread, timeout)
        else:
            machine.sync(_main_is_over("join"), thread, timeout)
        return
    if machine.join(thread, timeout if timeout is None else max(timeout, 0)):
        known.add(thread)


def is_alive(thread: VirtualThread) -> bool:
    """Whether `thread` is not over yet."""
    known = machine.current.storage.setdefault(JOINED, set())
    if thread in known:
        return False
    if machine.look_whether_alive(thread):
        return True
    known.add(thread)
    return False


def _over(state: object, _: ThreadId) -> bool:
    return bool(state)


def _main_is_over(kind: str) -> Operation:
    main = machine.everyone[0]
    operation = main.shared.operations.get(("over", kind))
    if operation is None:
        place = main.shared.location(OVER)
        if kind == "join":
            operation = Operation(kind, ((place, READ),), guards=((place, _over),))
        else:
            operation = Operation(kind, ((place, WRITE if kind == "end" else READ),))
        main.shared.operations["over", kind] = operation
    return operation


_idents: dict[tuple[int, ...], int] = {(): 1}


def ident_of(path: tuple[int, ...]) -> int:
    """The identifier of the thread with this path: 1 for main, 1001 for its first child, ..."""
    found = _idents.get(path)
    if found is None:
        child = path[-1]
        width = 1_000 if child < 999 else 1_000_000_000
        found = _idents[path] = ident_of(path[:-1]) * width + child + 1
    return found


# -- methods of Thread ---------------------------------------------------------------------------


class Flag:
    """Whether a thread has been started; stands for the `Event` that `Thread` keeps for that."""

    __slots__ = ("_set",)

    def __init__(self, value: bool = False) -> None:
        self._set = value

    def is_set(self) -> bool:
        """Whether the flag is set."""
        return self._set

    def set(self) -> None:
        """Set the flag."""
        self._set = True

    def clear(self) -> None:
        """Take the flag back."""
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Nobody has to wait: a thread counts as started at once."""
        return self._set

    def _at_fork_reinit(self) -> None:
        self._set = False


_original_init = _RealThread.__init__
_original_start = _RealThread.start
_original_join = _RealThread.join
_original_is_alive = _RealThread.is_alive
_original_repr = _RealThread.__repr__
_original_run = threading.Timer.run
_active: dict[int, Any] = threading._active  # type: ignore[attr-defined]
HANDLES: Final = ("_handle", "_os_thread_handle")
"""Names that versions of `Thread` have for what `_thread` knows it by."""

# A `Thread` that was started in an execution has an attribute `_virtual`: the number of that
# execution, and its thread.


def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    _original_init(self, *args, **kwargs)
    if machine.active:
        self._started = Flag()


def _start(self: Any) -> None:
    if not machine.active:
        _original_start(self)
        return
    if not self._initialized:
        raise RuntimeError("thread.__init__() not called")
    if self._started.is_set():
        raise RuntimeError("threads can only be started once")
    self._started.set()
    run = self.run
    context = _context_for(self)
    if context is not None:
        run = functools.partial(context.run, run)

    def body() -> None:
        _active[self._ident] = self
        if hasattr(self, "_set_os_name"):
            self._set_os_name()
        try:
            run()
        except BaseException as error:
            if is_outside(error):
                raise
            died(self, error)

    storage: dict[str, Any] = {}
    if type(self).run is _RealThread.run:
        # `run` forgets what it was to call, but reports want to know.
        storage["target"] = getattr(self, "_target", None)
        storage["arguments"] = as_given(getattr(self, "_args", ()))
    timers = machine.current.storage.get(TIMERS)
    if timers is not None:
        storage[TIMERS] = timers
    virtual = spawn(body, self._name, self._daemonic, self, storage)
    self._virtual = (machine.epoch, virtual)
    self._ident = self._native_id = ident_of(virtual.path)
    _bind_handle(self, virtual)


def _bind_handle(thread: Any, virtual: VirtualThread) -> None:
    """What `_thread` is to know `thread` by is a handle of its virtual thread (see
    `bare_threads`)."""
    for name in HANDLES:
        bind = getattr(thread.__dict__.get(name), "bind", None)
        if bind is not None:
            bind(virtual)


def _join(self: Any, timeout: float | None = None) -> None:
    if "_virtual" not in self.__dict__:
        if self._initialized and self._started.is_set() and type(self._started) is Flag:
            # Somebody is starting it at this moment.
            raise RuntimeError("cannot join thread before it is started")
        _original_join(self, timeout)
        return
    virtual = _virtual(self)
    if virtual is None:
        return
    if virtual is machine.current:
        raise RuntimeError("cannot join current thread")
    if timeout is not None:
        timeout = timeouts.seconds(max(timeout, 0))
    join(virtual, timeout)


def _is_alive(self: Any) -> bool:
    if "_virtual" not in self.__dict__:
        return bool(_original_is_alive(self))
    virtual = _virtual(self)
    return virtual is not None and self._started.is_set() and is_alive(virtual)


def _repr(self: Any) -> str:
    if "_virtual" not in self.__dict__:
        return str(_original_repr(self))
    status = "stopped" if self._virtual[1].finished else "started"
    if self._daemonic:
        status += " daemon"
    return f"<{type(self).__name__}({self._name}, {status} {self._ident})>"


def _run_timer(self: Any) -> None:
    if not machine.active:
        _original_run(self)
        return
    thread = machine.current
    generation = thread.storage[TIMERS] = thread.storage.get(TIMERS, 0) + 1
    if generation > MOST_EARLY and machine.recording and machine.timeouts != "never":
        # Each goes off and starts the next one: a loop, with a thread for each of its rounds.  It
        # goes round until the others have had their turn.
        thread.early = MOST_EARLY
        self.finished.wait(max(self.interval, SHORTEST))
    else:
        # An interval is a sleep, and time is no order: whatever others do may happen before as
        # well as after it.
        machine.rest(self.interval)
    if not self.finished.is_set():
        self.function(*self.args, **self.kwargs)
    self.finished.set()


THREAD_METHODS: Final[dict[str, Callable[..., Any]]] = {
    "__init__": _init,
    "start": _start,
    "join": _join,
    "is_alive": _is_alive,
    "__repr__": _repr,
}
"""What replaces methods of `threading.Thread` while a program is explored."""
TIMER_METHODS: Final[dict[str, Callable[..., Any]]] = {"run": _run_timer}
"""The same for `threading.Timer`."""


def _virtual(thread: Any) -> VirtualThread | None:
    """The virtual thread behind a `Thread`; None if its execution is over."""
    epoch, virtual = thread._virtual
    if epoch != machine.epoch or not machine.active:
        return None
    assert isinstance(virtual, VirtualThread)
    return virtual


def _context_for(thread: Any) -> contextvars.Context | None:
    """The context in which `thread` runs, where Python has an opinion on it (from 3.14 on)."""
    context: contextvars.Context | None = getattr(thread, "_context", None)
    if context is None and getattr(sys.flags, "thread_inherit_context", False):
        return contextvars.copy_context()
    return context


def excepthook(args: Any, /) -> None:
    """`threading.excepthook`: the one in C knows only the identifiers of real threads."""
    if not machine.active or type(args) is not threading.ExceptHookArgs or args.thread is not None:
        _real_excepthook(args)
    elif args.exc_type is not SystemExit:
        print(f"Exception in thread {get_ident()}:", file=sys.stderr)
        traceback.print_exception(*args[:3], file=sys.stderr)


def died(thread: Any, error: BaseException) -> None:
    """An exception (which is being handled) has put an end to `thread`.

    Tells the record and `threading.excepthook`.
    """
    record.hide_own_frames(error)
    handled = threading.excepthook is not threading.__excepthook__
    if not isinstance(error, SystemExit) and not machine.afterlife:
        record.current.deaths.append(record.Death(thread._name, error, handled))
    if not handled:
        # The error itself is on record; its traceback differs with the depth of the stack.
        with record.current.output.aside():
            thread._invoke_excepthook(thread)
    else:
        thread._invoke_excepthook(thread)


# -- the functions of `threading` ----------------------------------------------------------------


def model_of(virtual: VirtualThread) -> Any:
    """The `Thread` object of a virtual thread, made when first asked for."""
    if virtual.model is None:
        if virtual.path == ():
            virtual.model = _make_model(_RealMainThread, virtual, "MainThread")
            # Libraries keep things of theirs on the main thread.
            for name, value in _real_main_thread().__dict__.items():
                virtual.model.__dict__.setdefault(name, value)
        elif virtual.storage.get(BARE):
            virtual.model = _make_model(_RealDummyThread, virtual, _new_name("Dummy-%d"))
            if virtual is machine.current and not machine.end:
                # From now on, others see it in `threading.enumerate`.
                place = virtual.location
                machine.sync(operation(virtual.shared, "register", (place, WRITE)), virtual.model)
        else:
            virtual.model = _make_model(_RealThread, virtual, virtual.name)
    return virtual.model


def _make_model(kind: type[threading.Thread], virtual: VirtualThread, name: str) -> Any:
    model: Any = object.__new__(kind)
    event = threading.Event
    try:
        # An `Event` made here would count as one that the thread has made.
        threading.Event = Flag  # type: ignore[assignment, misc]
        # `daemon` is given because it would be asked of the current thread otherwise.
        _original_init(model, name=name, daemon=virtual.daemon)
    finally:
        threading.Event = event  # type: ignore[misc]
    model._started.set()
    model._virtual = (machine.epoch, virtual)
    model._ident = model._native_id = ident_of(virtual.path)
    _bind_handle(model, virtual)
    if not virtual.finished:
        _active[model._ident] = model
    return model


def _new_name(template: str) -> str:
    return str(threading._newname(template))  # type: ignore[attr-defined]


def current_thread() -> threading.Thread:
    """`threading.current_thread`."""
    if not machine.active:
        return _real_current_thread()
    model: threading.Thread = machine.current.model or model_of(machine.current)
    return model


def current_thread_by_its_old_name() -> threading.Thread:
    """`threading.currentThread`."""
    _warn_of_old_name("currentThread() is deprecated, use current_thread() instead")
    return current_thread()


def active_count_by_its_old_name() -> int:
    """`threading.activeCount`."""
    _warn_of_old_name("activeCount() is deprecated, use active_count() instead")
    return active_count()


def _warn_of_old_name(message: str) -> None:
    warnings.warn(message, DeprecationWarning, stacklevel=3)


def main_thread() -> threading.Thread:
    """`threading.main_thread`."""
    if not machine.active:
        return _real_main_thread()
    model: threading.Thread = model_of(machine.everyone[0])
    return model


def get_ident() -> int:
    """`threading.get_ident`."""
    return ident_of(machine.current.path) if machine.active else _real_get_ident()


def get_native_id() -> int:
    """`threading.get_native_id`."""
    return ident_of(machine.current.path) if machine.active else _real_get_native_id()


def enumerate_threads() -> list[threading.Thread]:
    """`threading.enumerate`."""
    if not machine.active:
        return _real_enumerate()
    alive = [model_of(virtual) for virtual in look_at_all() if _has_object(virtual)]
    return alive + _dead_dummies()


def active_count() -> int:
    """`threading.active_count`."""
    if not machine.active:
        return _real_active_count()
    return sum(map(_has_object, look_at_all())) + len(_dead_dummies())


def _has_object(virtual: VirtualThread) -> bool:
    """Whether `threading` knows of a thread; of one started by `_thread` it does once asked."""
    return virtual.model is not None or BARE not in virtual.storage


def _dead_dummies() -> list[threading.Thread]:
    """Threads that `threading` believes to be alive for ever, in versions that know no better."""
    if sys.version_info >= (3, 13):
        return []
    dummies = [thread for thread in _active.values() if isinstance(thread, _RealDummyThread)]
    return [thread for thread in dummies if thread._virtual[1].finished]  # type: ignore[attr-defined]


def look_at_all() -> list[VirtualThread]:
    """The virtual threads that are alive, in the order of their names."""
    over = machine.current.storage.setdefault(JOINED, set())
    everyone: list[VirtualThread] = []

    def decide() -> Operation:
        everyone[:] = [
            virtual
            for virtual in machine.everyone
            if virtual.location.state is not NEW and virtual not in over
        ]
        everyone.sort(key=lambda virtual: virtual.path)
        return _looking_at(everyone)

    machine.turn(_looking_at([]), decide)
    over.update(virtual for virtual in everyone if virtual.finished)
    return [virtual for virtual in everyone if virtual.tid in machine.live]


def _looking_at(everyone: list[VirtualThread]) -> Operation:
    present = machine.naming.threads
    operations = present.owner.operations
    key = tuple(virtual.tid for virtual in everyone)
    operation = operations.get(key)
    if operation is None:
        places = ((present, READ), *((virtual.location, READ) for virtual in everyone))
        operation = operations[key] = Operation("enumerate", places)
    return operation


# -- the end of the main thread ------------------------------------------------------------------


class AtExit:
    """The callbacks that an execution has registered: `threading._register_atexit`."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], Any]] = []

    def reset(self) -> None:
        """A new execution begins."""
        self._callbacks.clear()

    def register(self, func: Any, *args: Any, **kwargs: Any) -> None:
        """Have `func` called before the threads are joined."""
        if machine.active:
            self._callbacks.append(functools.partial(func, *args, **kwargs))
        else:
            _real_register_atexit(func, *args, **kwargs)

    def run(self) -> None:
        """Call what was registered, the last one first."""
        for callback in reversed(self._callbacks):
            callback()


before_joining: Final = AtExit()


def end_of_main() -> None:
    """The program of the main thread is over; only the end of the interpreter is still to come."""
    machine.sync(_main_is_over("end"))
    machine.everyone[0].shared.location(OVER).state = True


def main_is_over() -> bool:
    """Whether the interpreter is on its way out, seen from another thread."""
    if machine.current.path != ():
        machine.sync(_main_is_over("is over"))
    return bool(machine.everyone[0].shared.location(OVER).state)


def join_everybody() -> None:
    """Wait, as the interpreter does at its end, for all threads that are no daemons.

    Always for the first that is left, in the order of their paths: which threads there are must
    not depend on how far others have come, and the children of a thread are known when it is over.
    """
    joined = machine.current.storage.setdefault(JOINED, set())
    while True:
        left = [t for t in _others() if not t.daemon and t not in joined]
        if not left:
            return
        join(min(left, key=lambda virtual: virtual.path))


_others_active: dict[int, Any] = {}
"""What `threading` knows of threads outside of the execution under way."""


def restore() -> None:
    """The execution is over: `threading` knows the threads that it has known before."""
    for thread in machine.everyone:
        drop_locals(thread)
    if _others_active:
        _active.clear()
        _active.update(_others_active)
        _others_active.clear()


def _others() -> Iterator[VirtualThread]:
    return (t for t in machine.everyone if t is not machine.current and t.fiber is not None)


def reset() -> None:
    """A new execution begins: names of threads are counted from one."""
    if not _others_active:
        _others_active.update(_active)
    _active.clear()
    machine.everyone[0].shared.location(OVER).state = False
    threading._counter = itertools.count(1).__next__  # type: ignore[attr-defined]
    before_joining.reset()
