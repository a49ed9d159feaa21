"""`asyncio`: an event loop waits for its time and for other threads, and only virtually.

A loop is one thread, and which of its own callbacks runs next is up to `asyncio`.  What others hand
over to it arrives in an inbox, from which the loop takes the next when it has nothing else to do;
so what is handed over later does not concern it yet.
"""

from __future__ import annotations

import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from raceproof.events import READ, STATE, WRITE, Operation, ThreadId, WholeObject
from raceproof.world.execution import VirtualThread
from raceproof.world.executors import submit_known, submits_plainly
from raceproof.world.exits import inside
from raceproof.world.primitives.simulated import operation
from raceproof.world.scheduler import machine
from raceproof.world.selectors import Selector
from raceproof.world.thread_state import Part

RUNNING: Final = WholeObject("running")
"""The place that says whether a loop is running, or closed."""
AT_ONCE: Final = 1e-9
"""Seconds to wait: as long as others can go on."""
PATIENT: Final = 3
"""How often in a row a loop may sleep before the other threads get a turn."""
BUSY: Final = 8
"""How often in a row a loop with something to do goes on before it empties its inbox.

Whether a callback from elsewhere comes a little sooner or later than those of the loop itself is
the order of its tasks, which is not explored.
"""


def is_there(arrived: Any, _: ThreadId) -> bool:
    """Guard of a loop that has nothing to do."""
    return bool(arrived)


@dataclass(slots=True)
class Posted:
    """A callback that another thread has handed over."""

    handle: Any
    wakes: bool
    clock: float
    """When that was."""


class Model:
    """What a loop is in one execution."""

    def __init__(self, loop: Any) -> None:
        self.epoch = machine.epoch
        self.runner: VirtualThread | None = None
        """The thread that runs the loop."""
        self._loop = loop
        self._inbox: deque[Posted] = deque()
        self._arrived = 0
        """Callbacks handed over so far, and told of."""
        self._taken = 0
        """Those that the loop has taken."""
        self._sleeps = 0
        self._polls = 0
        shared = machine.objects.numbered(machine.current.tid, "event loop")
        for place in shared.fields.values():
            place.state = False  # rather than what it said in the last execution
        self._shared = shared
        self._order = order = shared.location(STATE)
        running = shared.location(RUNNING)
        self._intrude = operation(shared, "call_soon", (order, WRITE), (running, READ))
        self._poll = operation(shared, "poll", (order, READ))
        self._look = operation(shared, "is_running", (running, READ))
        self._start = operation(shared, "run", (running, WRITE))
        self._stop = operation(shared, "end", (running, WRITE))
        self._close = operation(shared, "close", (order, WRITE), (running, WRITE))

    # -- the thread of the loop ------------------------------------------------------------------

    def run(self, run_forever: Callable[[Any], None]) -> None:
        """The running thread runs the loop."""
        machine.loops_ran = True
        machine.thread_state.active = True
        machine.sync(self._start, self._loop)
        self.runner = machine.current
        try:
            run_forever(self._loop)
        finally:
            if not machine.end:
                machine.sync(self._stop, self._loop)
            self.runner = None

    def select(self, timeout: float | None) -> None:
        """Wait until somebody hands over something, or for so many seconds."""
        loop = self._loop
        if timeout is not None and timeout <= 0:
            self._polls += 1
            if self._polls % BUSY == 0:
                machine.sync(self._poll, loop)
                self._take(everything=True)
            return
        self._polls = 0
        slept = False
        if timeout is not None and is_sleep(loop):
            # As always, a sleep is no order: the others may do a lot meanwhile, or nothing.
            slept = not self._attempt("sleep", 0)
            if slept:
                self.pass_time(timeout)
        elif machine.tries(timeout):
            self._attempt("look", timeout)
        else:
            machine.sync(self._idle(), loop, timeout)
        self._sleeps = self._sleeps + 1 if slept else 0
        if self._sleeps > PATIENT:
            machine.give_way()
        self._take()

    def _idle(self) -> Operation:
        """Wait for the next callback."""
        place = self._shared.location(self._taken)
        guards = ((place, is_there),)
        return operation(self._shared, "idle", (place, READ), guards=guards, key=place)

    def _attempt(self, otherwise: str, patience: float | None) -> bool:
        """Whether the next callback is there when it is the loop's turn."""
        place = self._shared.location(self._taken)
        success = operation(self._shared, "wake", (place, READ), key=place)
        failure = operation(self._shared, otherwise, (place, READ), key=place)
        return machine.attempt(success, failure, lambda: bool(place.state), self._loop, patience)

    def _take(self, everything: bool = False) -> None:
        """Make ready what has been handed over: up to the next callback that is told of, or all."""
        if not everything and self._taken == self._arrived:
            return
        thread, ready = machine.current, self._loop._ready
        while self._inbox:
            posted = self._inbox.popleft()
            thread.clock = max(thread.clock, posted.clock)
            if not posted.handle._cancelled:
                ready.append(posted.handle)
            self._taken += posted.wakes
            if posted.wakes and not everything:
                return

    def give_others_a_turn(self) -> bool:
        """See `Waiting`."""
        woken = machine.sync(self._idle(), self._loop, AT_ONCE)
        self._take()
        return woken

    def pass_time(self, seconds: float) -> None:
        """See `Waiting`."""
        thread = machine.current
        thread.clock = max(machine.clock, thread.clock) + seconds
        thread.naps += 1

    # -- other threads ---------------------------------------------------------------------------

    def post(self, call_soon: Callable[[], Any], wakes: bool) -> Any:
        """Hand over the callback that `call_soon` makes ready; `wakes`: and tell the loop."""
        if wakes:
            machine.turn(self._posting(), self._posting, self._loop)
        else:
            machine.sync(self._intrude, self._loop)
        handle = call_soon()
        if self.runner is None and not wakes:
            return handle
        # A real loop finds it at once.  But which of its own callbacks come first is not up to the
        # order of the threads, as long as the loop has not looked for new ones.
        self._loop._ready.pop()
        self._inbox.append(Posted(handle, wakes, machine.current.clock))
        if wakes:
            self._shared.location(self._arrived).state = True
            self._arrived += 1
        return handle

    def _posting(self) -> Operation:
        place = self._shared.location(self._arrived)
        accesses = ((self._order, WRITE), (place, WRITE))
        return operation(self._shared, "call_soon_threadsafe", *accesses, key=place)

    def intrude(self) -> None:
        """The running thread is about to do something with the loop that wakes nobody."""
        machine.sync(self._intrude, self._loop)

    def look(self) -> bool:
        """Whether another thread runs the loop."""
        if self.runner is not machine.current:
            machine.sync(self._look, self._loop)
        return self.is_foreign()

    def close(self) -> None:
        """The running thread is about to close the loop."""
        machine.sync(self._close, self._loop)

    def silence(self) -> None:
        """The execution is over, and its tasks will be thrown away where they stand."""
        loop = self._loop
        loop.call_exception_handler = _ignore
        if "_selector" in loop.__dict__ and not loop._closed:
            loop._closed = True
            loop._ready.clear()
            loop._scheduled.clear()
            loop._selector.close()

    def is_foreign(self) -> bool:
        """Whether another thread than the running one runs the loop."""
        return self.runner is not None and self.runner is not machine.current


models: Final[list[Model]] = []
"""Those of the execution under way."""


def model_of(loop: Any) -> Model:
    """The model of a loop, which may be older than the execution."""
    found: Model | None = loop.__dict__.get("_model")
    if found is None or found.epoch != machine.epoch:
        found = loop._model = Model(loop)
        models.append(found)
    return found


def is_over(loop: Any) -> bool:
    """Whether a loop has been closed in an earlier execution: its finalizer may ask for that."""
    model: Model | None = loop.__dict__.get("_model")
    return bool(loop._closed) and (model is None or model.epoch != machine.epoch)


def is_sleep(loop: Any) -> bool:
    """Whether what the loop waits for is a sleep, rather than the end of somebody's patience."""
    callback = loop._scheduled[0]._callback
    while hasattr(callback, "func"):
        callback = callback.func  # partial
    if getattr(callback, "__name__", "") == "_set_result_unless_cancelled":
        return True  # asyncio.sleep
    code = getattr(callback, "__code__", None)
    return code is not None and code.co_filename in machine.watched_files


# -- the classes of asyncio ----------------------------------------------------------------------


def base_methods(real: ModuleType) -> Iterable[tuple[type, dict[str, Callable[..., Any]]]]:
    """What replaces methods of loops of any kind."""
    kind: Any = real.BaseEventLoop
    run_forever, call_soon, call_at = kind.run_forever, kind.call_soon, kind.call_at
    call_soon_threadsafe, stop, close = kind.call_soon_threadsafe, kind.stop, kind.close
    is_running, is_closed = kind.is_running, kind.is_closed
    run_in_executor = kind.run_in_executor
    wrap_future = sys.modules["asyncio.futures"].wrap_future
    machine.thread_state.add("running event loop", _part(sys.modules["asyncio.events"]))

    def _run_forever(self: Any) -> None:
        if inside() and has_selector(self):
            model_of(self).run(run_forever)
        else:
            run_forever(self)

    def _call_soon(self: Any, callback: Any, *args: Any, context: Any = None) -> Any:
        def make_ready() -> Any:
            return call_soon(self, callback, *args, context=context)

        if inside() and model_of(self).runner is not machine.current:
            return model_of(self).post(make_ready, wakes=False)
        return make_ready()

    def _call_soon_threadsafe(self: Any, callback: Any, *args: Any, context: Any = None) -> Any:
        def make_ready() -> Any:
            return call_soon_threadsafe(self, callback, *args, context=context)

        if inside() and model_of(self).runner is not machine.current:
            return model_of(self).post(make_ready, wakes=True)
        return make_ready()

    def _run_in_executor(self: Any, executor: Any, func: Any, *args: Any) -> Any:
        self._check_closed()
        if executor is None:
            self._check_default_executor()
            if self._default_executor is None:
                self._default_executor = ThreadPoolExecutor(thread_name_prefix="asyncio")
            executor = self._default_executor
        if not submits_plainly(executor):
            return run_in_executor(self, executor, func, *args)
        if self._debug:
            self._check_callback(func, "run_in_executor")
        # Whether the task is done before or after the loop asks to be told makes no difference.
        found: list[Any] = []
        submit_known(
            executor, func, args, lambda future: found.append(wrap_future(future, loop=self))
        )
        return found[0]

    def _call_at(self: Any, when: Any, callback: Any, *args: Any, context: Any = None) -> Any:
        if inside() and model_of(self).runner is not machine.current:
            model_of(self).intrude()
        return call_at(self, when, callback, *args, context=context)

    def _stop(self: Any) -> None:
        if inside() and model_of(self).runner is not machine.current:
            model_of(self).intrude()
        stop(self)

    def _close(self: Any) -> None:
        if inside() and not self._closed:
            model_of(self).close()
        close(self)

    def _is_running(self: Any) -> bool:
        return (inside() and not is_over(self) and model_of(self).look()) or bool(is_running(self))

    def _is_closed(self: Any) -> bool:
        if inside() and not is_over(self):
            model_of(self).look()
        return bool(is_closed(self))

    yield kind, {
        "run_forever": _run_forever, "call_soon": _call_soon, "call_at": _call_at,
        "call_soon_threadsafe": _call_soon_threadsafe, "stop": _stop, "close": _close,
        "is_running": _is_running, "is_closed": _is_closed, "run_in_executor": _run_in_executor,
    }  # fmt: skip


def selector_methods(real: ModuleType) -> Iterable[tuple[type, dict[str, Callable[..., Any]]]]:
    """What replaces methods of loops that wait with a selector."""
    kind: Any = real.BaseSelectorEventLoop
    initialize, make_pipe, close_pipe = kind.__init__, kind._make_self_pipe, kind._close_self_pipe
    wake = kind._write_to_self

    def _init(self: Any, selector: Any = None) -> None:
        if inside():
            selector = Selector(selector, model_of(self))
        initialize(self, selector)

    def _make_self_pipe(self: Any) -> None:
        if inside():
            self._ssock = self._csock = NoPipe()
        else:
            make_pipe(self)

    def _close_self_pipe(self: Any) -> None:
        if isinstance(self._csock, NoPipe):
            self._ssock = self._csock = None
        else:
            close_pipe(self)

    def _write_to_self(self: Any) -> None:
        if not isinstance(self._csock, NoPipe):
            wake(self)

    yield kind, {
        "__init__": _init, "_make_self_pipe": _make_self_pipe,
        "_close_self_pipe": _close_self_pipe, "_write_to_self": _write_to_self,
    }  # fmt: skip


def _ignore(_context: Any) -> None:
    """In place of `call_exception_handler`."""


def warn_unawaited(coroutine: Any) -> None:
    """`warnings._warn_unawaited_coroutine`: but not because an execution was given up."""
    if inside() and not machine.end:
        name = coroutine.__qualname__
        message = f"coroutine '{name}' was never awaited"
        warnings.warn(message, RuntimeWarning, stacklevel=2, source=coroutine)


class NoPipe:
    """Stands for the sockets by which a loop is woken."""

    def fileno(self) -> int:
        """There is no such file."""
        return -1


def has_selector(loop: Any) -> bool:
    """Whether a loop was made to wait virtually."""
    return isinstance(getattr(loop, "_selector", None), Selector)


def _part(events: ModuleType) -> Part:
    """The running loop and, where that is not the loop's affair, its current task."""
    get_loop, set_loop = events._get_running_loop, events._set_running_loop
    swap_task: Any = getattr(sys.modules.get("_asyncio"), "_swap_current_task", None)
    has_task = sys.version_info >= (3, 14)

    def take() -> tuple[Any, Any]:
        loop = get_loop()
        return loop, swap_task(loop, None) if has_task and loop is not None else None

    def put(value: tuple[Any, Any]) -> None:
        loop, task = value
        set_loop(loop)
        if task is not None:
            swap_task(loop, task)

    return Part(take, put, lambda _: (None, None))


def end_execution() -> None:
    """Loops that were not closed have nothing more to say, whenever they are thrown away."""
    for model in models:
        model.silence()
    models.clear()


def begin_execution() -> None:
    """Which loop belongs to which thread is open."""
    events = sys.modules.get("asyncio.events")
    if events is not None and getattr(events, "_event_loop_policy", None) is not None:
        events._event_loop_policy = None  # type: ignore[attr-defined]
