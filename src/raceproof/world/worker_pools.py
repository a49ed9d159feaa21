"""What a `multiprocessing.pool.ThreadPool` is in one execution.

A real one has three threads of its own besides the workers, which pass on tasks and results.  Here
there is one only for what runs code of the program there: callbacks, and iterables that are no
plain containers.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, ClassVar, Final, NoReturn, TypeAlias

from raceproof.events import READ, WRITE, Operation, WholeObject
from raceproof.world import random as streams
from raceproof.world import record, threads
from raceproof.world.arguments import as_given
from raceproof.world.execution import VirtualThread
from raceproof.world.futures import Channel
from raceproof.world.pool_results import Result
from raceproof.world.pools import Initializer, Pool, Task
from raceproof.world.primitives.queue import SimpleQueue
from raceproof.world.primitives.simulated import operation
from raceproof.world.scheduler import machine

TERMINATED: Final = WholeObject("terminated")
"""The place that says whether results are still passed on."""
HANDLERS: Final = ("_handle_workers", "_handle_tasks", "_handle_results")
"""What a real pool starts threads for; they take part in the numbering of threads."""

Call: TypeAlias = tuple[Callable[..., Any], Any, Any]
"""A function, its arguments and its keyword arguments."""
Callback: TypeAlias = Callable[[Any], object] | None
Combine: TypeAlias = Callable[[list[Any]], Any]
"""Makes a result out of those of its tasks."""


def only(values: list[Any]) -> Any:
    """The result of the only task."""
    return values[0]


class WorkerPool(Pool):
    """A pool whose workers are daemons, and whose results can be lost on their way."""

    kind: ClassVar[str] = "ThreadPool"
    daemonic: ClassVar[bool] = True

    def __init__(self, size: int, initializer: Initializer, describe: Callable[..., Call]) -> None:
        """`describe` tells how reports are to show a task: a call with its arguments."""
        super().__init__(size, initializer)
        self._describe = describe
        self._names = [_new_name("worker") for _ in range(size)]
        for handler in HANDLERS:
            _new_name(handler)
        record.current.output.workers.update(self._names)
        self.channel = Channel(self.shared.location(TERMINATED))
        self.accepts = True
        self._looking = operation(self.shared, "look", (self.channel.place, READ))
        self._outbox: Any = None
        """Results that the handler of callbacks is to pass on."""
        self._handler: VirtualThread | None = None
        self._feeders: list[VirtualThread] = []
        """Threads that go through iterables."""
        if self.initializer is not None:
            for _ in range(size):
                self.grow(None)

    def worker_name(self, number: int) -> str:
        """See `Pool`."""
        return self._names[number]

    def refuse(self) -> NoReturn:
        """See `Pool`."""
        raise ValueError("Pool not running")

    def initializer_failed(self, error: BaseException, first: Task | None) -> None:
        """The worker dies, and so would all that a real pool would make in its place."""
        threads.died(threads.current_thread(), error)

    # -- tasks -----------------------------------------------------------------------------------

    def begin(
        self,
        result: type[Result],
        calls: list[Call],
        combine: Combine,
        callback: Callback = None,
        error_callback: Callback = None,
    ) -> Result:
        """Submit tasks; returns what they give together."""
        if not calls or (callback is None and error_callback is None):
            whole = result(combine)
            for call in calls:
                self.submit_part(call, whole.add)
            return whole
        self._start_handler()
        whole = result(only)
        parts = _Parts(self, len(calls), combine, callback, error_callback)
        whole.add(parts.whole)
        for number, call in enumerate(calls):
            self.submit(*call, parts.preparing(number))
        return whole

    def submit_part(self, call: Call, know: Callable[[Any], None]) -> None:
        """Submit a task; `know` gets its future before it can be done."""

        def prepare(task: Task) -> None:
            future = task.future
            future._model.channel = self.channel
            know(future)
            if self._outbox is not None:
                # Results do not overtake each other on their way through the handler.
                task.relay = self.relaying(functools.partial(settle, future))

        self.submit(*call, prepare)

    def relaying(self, then: Callable[[bool, Any], None]) -> Callable[[bool, Any], None]:
        """Have the handler call `then` with whether a task succeeded, and with what."""
        outbox = self._outbox
        return lambda success, value: outbox.put(functools.partial(then, success, value))

    def run(self, task: Task) -> None:
        """See `Pool`."""
        wanted = task.future.set_running_or_notify_cancel()
        relay = task.relay
        future, fn, args, kwargs = task.begin()
        if not wanted:
            return
        streams.begin_task(task.base, f"task {self.key} {task.number}")
        function, given, named = self._describe(fn, args, kwargs)
        machine.current.storage["task"] = (function, as_given(given), named)
        try:
            success, value = True, fn(*args, **kwargs)
        except Exception as error:
            success, value = False, error
        except BaseException as error:
            if threads.is_outside(error):
                raise
            # This worker dies, and another takes its place; the result never comes.
            threads.died(threads.current_thread(), error)
            return
        finally:
            if not machine.end:
                # A worker that waits keeps nothing alive.
                threads.forget_work(machine.current)
        if relay is not None:
            relay(success, value)
        else:
            settle(future, success, value)

    # -- the threads of the pool itself ----------------------------------------------------------

    def _start_handler(self) -> None:
        if self._outbox is None:
            self._outbox = SimpleQueue()
            self._handler = threads.spawn(self._handle_results, "handle_results", True)

    def _handle_results(self) -> None:
        while True:
            pass_on = self._outbox.get()
            if pass_on is None or not self.passes_on():
                return
            try:
                pass_on()
            except BaseException as error:
                if threads.is_outside(error):
                    raise
                # From now on, no result will be passed on any more.
                threads.died(threads.current_thread(), error)
                return

    def feed(self, source: Iterator[Any]) -> None:
        """Go through `source`, which submits tasks, in a thread of its own."""

        def body() -> None:
            while self.passes_on():
                if next(source, self) is self:
                    return

        self._feeders.append(threads.spawn(body, "handle_tasks", True))

    def passes_on(self) -> bool:
        """Whether the pool has not been terminated."""
        machine.sync(self._looking, self)
        return self.channel.is_open

    # -- the end ---------------------------------------------------------------------------------

    def check_accepting(self) -> None:
        """Raise ValueError if the pool takes no more tasks."""
        machine.sync(operation(self.shared, "check", (self.shutdown_place, READ)), self)
        if not self.accepts:
            self.refuse()

    def stop_accepting(self) -> None:
        """Take no more tasks."""
        machine.sync(operation(self.shared, "close", (self.shutdown_place, WRITE)), self)
        self.accepts = False

    def terminate(self) -> None:
        """Drop the tasks that have not begun, and the results that are not there yet."""
        places = (self.shutdown_place, self.channel.place, self.takers)
        first = operation(self.shared, "terminate", *[(place, WRITE) for place in places])

        def decide() -> Operation:
            return first if self.channel.is_open else self._looking

        if machine.turn(first, decide, self) is not first:
            return
        self.accepts = self.channel.is_open = False
        dropped = set(self.drain())
        for task in self.tasks:
            if task.place is None or task in dropped:
                task.cancel()
        self._join_handlers()

    def join(self) -> None:
        """Wait until everything that has been begun is done."""
        for feeder in self._feeders:
            threads.join(feeder)
        if not self.closed:
            self.close()
        super().join()
        self._join_handlers()

    def _join_handlers(self) -> None:
        if self._outbox is not None:
            self._outbox.put(None)
        for thread in (*self._feeders, self._handler):
            if thread is not None and thread is not machine.current:
                threads.join(thread)


class _Parts:
    """The tasks of a result with callbacks, which are called before the result is there."""

    def __init__(
        self,
        pool: WorkerPool,
        count: int,
        combine: Combine,
        callback: Callback,
        error_callback: Callback,
    ) -> None:
        self._pool = pool
        self._combine = combine
        self._callback = callback
        self._error_callback = error_callback
        self._values: list[Any] = [None] * count
        self._left = count
        self._failure: Exception | None = None
        whole: Any = Future()
        whole._model.channel = pool.channel
        self.whole = whole
        """Done when everything is."""

    def preparing(self, number: int) -> Callable[[Task], None]:
        """What to do with a task before it begins."""

        def prepare(task: Task) -> None:
            task.relay = self._pool.relaying(functools.partial(self._collect, number))

        return prepare

    def _collect(self, number: int, success: bool, value: Any) -> None:
        self._values[number] = value
        self._left -= 1
        if not success and self._failure is None:
            self._failure = value
        if self._left:
            return
        failure = self._failure
        if failure is None:
            combined = self._combine(self._values)
            if self._callback is not None:
                self._callback(combined)
            settle(self.whole, True, combined)
            return
        if self._error_callback is not None:
            self._error_callback(failure)
            self.whole._model.retrieved = True
        settle(self.whole, False, failure)


def settle(future: Any, success: bool, value: Any) -> None:
    """A task, or what depends on it, is done."""
    if success:
        future.set_result(value)
    else:
        future.set_exception(value)


def _new_name(target: str) -> str:
    return str(threading._newname(f"Thread-%d ({target})"))  # type: ignore[attr-defined]
