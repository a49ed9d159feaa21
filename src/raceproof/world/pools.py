"""`concurrent.futures.ThreadPoolExecutor`, with no more interleavings than its tasks have.

A task gets a worker of its own while there may be more, or a worker that is certainly idle: the
one who submits has seen the result of its last task.  Only tasks beyond that wait in a queue, and
which worker takes which of those is the one thing about a pool that the scheduler decides.
"""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, _base
from concurrent.futures import thread as real
from typing import Any, Final

from raceproof.events import (
    READ,
    STATE,
    WRITE,
    Access,
    Location,
    Operation,
    SharedObject,
    ThreadId,
    WholeObject,
)
from raceproof.world import random as streams
from raceproof.world import record, threads
from raceproof.world.arguments import as_given
from raceproof.world.execution import FINISHED, NEW, VirtualThread
from raceproof.world.futures import Model
from raceproof.world.primitives.simulated import operation
from raceproof.world.scheduler import machine

SUBMISSIONS: Final = WholeObject("submissions")
"""The place that orders those who submit tasks."""
SHUTDOWN: Final = WholeObject("shutdown")
"""The place that says whether the pool still accepts tasks."""
CLOSING: Final = WholeObject("closing")
"""The same for idle workers; they leave after it, and could not before."""

BROKEN: Final = "A thread initializer failed, the thread pool is not usable anymore"
AFTER_SHUTDOWN: Final = "cannot schedule new futures after shutdown"
AFTER_EXIT: Final = "cannot schedule new futures after interpreter shutdown"


def has_something(state: Any, thread: ThreadId) -> bool:
    """Guard of an idle worker.

    The state is (how many tasks are queued, whether the pool is closed, workers with a task).
    """
    return bool(state[0] or state[1] or thread in state[2])


def is_closed(state: Any, _: ThreadId) -> bool:
    """Guard of an idle worker's leaving if there never was a queue."""
    return bool(state)


def is_over(state: Any, _: ThreadId) -> bool:
    """Guard of joining a worker."""
    return state is FINISHED


class Task:
    """A submitted call."""

    __slots__ = (
        "after_queue", "args", "base", "fn", "future", "kwargs", "model", "number", "place",
    )  # fmt: skip

    def __init__(
        self, number: int, future: Any, fn: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        self.number = number
        self.future = future
        self.model: Model = future._model
        self.fn: Any = fn
        self.args = args
        self.kwargs = kwargs
        self.base = streams.base_of(machine.current)
        self.place: Location | None = None
        """Written when the task was put into the queue."""
        self.after_queue = False
        """Handed to an idle worker, in a pool that had a queue before."""

    def is_over(self) -> bool:
        """Whether the running thread knows that the task, and whatever hangs on it, is over."""
        model = self.model
        return bool(
            # When a cancelled task is noticed, and by whom, is another matter.
            machine.current.tid in model.observers
            and model.done.state == _base.FINISHED
            and not model.callbacks
        )

    def cancel(self) -> None:
        """Cancel the task, unless it is too late."""
        if self.future is not None:
            self.future.cancel()
        elif not self.model.known():
            machine.sync(self.model.looking("failed cancel", self.model.start), self)

    def begin(self) -> tuple[Any, Callable[..., Any], Any, Any]:
        """What there is to do, for the worker alone: nothing else keeps it alive from now on."""
        work = self.future, self.fn, self.args, self.kwargs
        self.future = self.fn = None
        self.args, self.kwargs = (), {}
        return work


class Worker:
    """A thread of the pool."""

    __slots__ = ("handed", "last", "mailbox", "shared", "thread")

    def __init__(self, pool: Pool, number: int, task: Task) -> None:
        self.last = task
        """The last task that it has, as far as known."""
        self.handed: Task | None = None
        self.mailbox = pool.shared.location(("mailbox", number))
        self.mailbox.enabling = True
        self.thread: VirtualThread | None = None
        # The thread will be the next child of the running one.  Others may join it before it is
        # made: its place must not say what it said at the end of the last execution.
        parent = machine.current
        path = (*parent.path, parent.children)
        self.shared = machine.naming.object(("thread", path), "thread")
        self.shared.location(STATE).state = NEW

    def join(self) -> None:
        """Wait until the worker is over."""
        if self.thread is not None:
            threads.join(self.thread)
            return
        place = self.shared.location(STATE)
        machine.sync(
            operation(self.shared, "join", (place, READ), guards=((place, is_over),)), self
        )
        machine.current.storage.setdefault(threads.JOINED, set()).add(self.thread)


class Pool:
    """What an executor is in one execution."""

    def __init__(self, executor: Any) -> None:
        self.epoch = machine.epoch
        self._executor = weakref.ref(executor, self._abandoned)
        self.shut_down = False
        """By the program, not by the end of the interpreter."""
        self.objects: set[Any] = set()
        """The `Thread` objects of the workers that somebody has asked for."""
        self.prefix: str = executor._thread_name_prefix or str(executor)
        self.size: int = executor._max_workers
        self.initializer: Any
        self.initargs: Any
        self.initializer, self.initargs = executor.__dict__.get("_initialize") or (
            # One that is older than the execution.
            getattr(executor, "_initializer", None),
            getattr(executor, "_initargs", ()),
        )
        self.exiting = threads.main_is_over()
        self.closed = self.exiting
        self.broken = ""
        self.workers: list[Worker] = []
        self.submitted = 0
        self.tasks: list[Task] = []
        self.queue: deque[Task] = deque()
        self.queued: list[Task] = []
        """All tasks that ever went through the queue."""
        self.shared: SharedObject = machine.objects.numbered(
            machine.current.tid, "ThreadPoolExecutor"
        )
        self.key = (machine.current.path, self.shared.name[-1])  # type: ignore[index]
        self.submissions = self.shared.location(SUBMISSIONS)
        self.shutdown_place = self.shared.location(SHUTDOWN)
        self.closing = self.shared.location(CLOSING)
        self.closing.enabling = True
        self.closing.state = self.closed
        self.takers = self.shared.location(STATE)
        self._refresh()
        self.waiting = operation(
            self.shared, "take", (self.takers, WRITE), guards=((self.takers, has_something),)
        )
        """What an idle worker waits for."""
        pools.append(self)
        record.current.output.pools.add(self.prefix)

    def _refresh(self) -> None:
        handed = frozenset(
            worker.thread.tid
            for worker in self.workers
            if worker.handed is not None and worker.thread is not None
        )
        self.takers.state = (len(self.queue), self.closed, handed)

    # -- submitting ------------------------------------------------------------------------------

    def submit(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Have `fn` called by a worker; returns the future."""
        worker: Worker | None = None
        grows = False
        shared = self.shared
        submitting: tuple[Access, ...] = ((self.submissions, WRITE), (self.shutdown_place, READ))
        accepted = operation(shared, "submit", *submitting)
        item = shared.location(("task", self.submitted))

        def decide() -> Operation:
            nonlocal worker, grows, item
            if self.broken or self.closed:
                return operation(shared, "refused submit", (self.shutdown_place, READ))
            worker = self._idle_worker()
            if worker is not None:
                handing = (worker.mailbox, WRITE)
                return operation(shared, "submit", *submitting, handing, key=handing[0])
            grows = len(self.workers) < self.size
            if grows:
                return accepted
            item = shared.location(("task", self.submitted))
            item.enabling = True
            return operation(shared, "submit", *submitting, (item, WRITE), key=item)

        machine.turn(accepted, decide, self)
        if self.broken:
            raise real.BrokenThreadPool(self.broken)
        if self.closed:
            raise RuntimeError(AFTER_EXIT if self.exiting else AFTER_SHUTDOWN)
        future: Any = Future()
        task = Task(self.submitted, future, fn, args, kwargs)
        self.submitted += 1
        self.tasks.append(task)
        if worker is not None:
            worker.last = worker.handed = task
            task.after_queue = bool(self.queued)
            self._refresh()
        elif grows:
            self._grow(task)
        else:
            task.place = item
            self.queue.append(task)
            self.queued.append(task)
            self._refresh()
        return future

    def _idle_worker(self) -> Worker | None:
        """A worker that the running thread knows to have nothing to do."""
        if not all(task.is_over() for task in self.queued):
            # Who took those, and whether more are waiting, is not for sure.
            return None
        for worker in self.workers:
            if worker.last.is_over():
                return worker
        return None

    def _grow(self, task: Task) -> None:
        number = len(self.workers)
        worker = Worker(self, number, task)
        self.workers.append(worker)
        worker.thread = threads.spawn(
            lambda: self._work(worker, task), f"{self.prefix}_{number}", False
        )

    # -- working ---------------------------------------------------------------------------------

    def _work(self, worker: Worker, first: Task) -> None:
        if self.initializer is not None:
            try:
                self.initializer(*self.initargs)
            except BaseException as error:
                if threads.is_outside(error):
                    raise
                record.hide_own_frames(error)
                _base.LOGGER.critical("Exception in initializer:", exc_info=True)
                self._break(first)
                return
        task: Task | None = first
        while task is not None:
            self._run(task)
            task = self._next(worker)

    def _run(self, task: Task) -> None:
        wanted = task.future.set_running_or_notify_cancel()
        future, fn, args, kwargs = task.begin()
        if not wanted:
            return
        streams.begin_task(task.base, f"task {self.key} {task.number}")
        storage = machine.current.storage
        storage["task"] = (fn, as_given(args), kwargs)
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:
            if threads.is_outside(error):
                raise
            future.set_exception(error)
        else:
            future.set_result(result)
        finally:
            if not machine.end:
                # A worker that waits keeps nothing alive.
                threads.forget_work(machine.current)

    def _next(self, worker: Worker) -> Task | None:
        """What to do next: wait for a task; None when there will be none."""
        found: Task | None = None

        def decide() -> Operation:
            nonlocal found
            shared = self.shared
            guarded = ((self.takers, has_something),)
            if worker.handed is not None:
                found = worker.handed
                accesses: tuple[Access, ...] = ((worker.mailbox, READ),)
                if found.after_queue:
                    # Might have taken what others took from the queue, and got this one instead.
                    accesses += ((self.takers, READ),)
                return operation(shared, "take", *accesses, guards=guarded, key=accesses)
            if self.queue:
                found = self.queue[0]
                assert found.place is not None
                accesses = ((self.takers, WRITE), (found.place, READ))
                return operation(shared, "take", *accesses, guards=guarded, key=found.place)
            closing = (self.closing, READ)
            if self.queued:
                # That there is nothing left depends on what the others have taken.
                looking = (self.takers, READ)
                return operation(shared, "leave", looking, closing, guards=guarded, key="queue")
            return operation(shared, "leave", closing, guards=((self.closing, is_closed),))

        taken = machine.turn(self.waiting, decide, self)
        taken.general = self.waiting
        if found is None:
            return None
        if worker.handed is not None:
            worker.handed = None
        else:
            self.queue.popleft()
            worker.last = found
        self._refresh()
        return found

    # -- the end ---------------------------------------------------------------------------------

    def _break(self, own: Task) -> None:
        """An initializer has failed: nothing more can be done by this pool."""
        accesses = ((self.shutdown_place, WRITE), (self.takers, WRITE))
        machine.sync(operation(self.shared, "break", *accesses), self)
        self.broken = BROKEN
        executor = self._executor()
        if executor is not None:
            executor._broken = BROKEN
        for task in (own, *self._drain()):
            task.future.set_exception(real.BrokenThreadPool(BROKEN))

    def _drain(self) -> list[Task]:
        drained = list(self.queue)
        self.queue.clear()
        self._refresh()
        return drained

    def close(self, cancel_futures: bool = False, exiting: bool = False) -> None:
        """Accept no more tasks; idle workers leave."""
        shared = self.shared
        draining: tuple[Access, ...] = ((self.takers, WRITE),) if cancel_futures else ()
        closing = ((self.shutdown_place, WRITE), (self.closing, WRITE), *draining)
        first = operation(shared, "shutdown", *closing, key=("first", cancel_futures))
        again = operation(
            shared, "shutdown", (self.shutdown_place, READ), *draining, key=cancel_futures
        )
        machine.turn(first, lambda: again if self.closed else first, self)
        self.closed = self.closing.state = True
        self.exiting = self.exiting or exiting
        self._refresh()
        if cancel_futures:
            drained = set(self._drain())
            # Tasks with a worker of their own are queued as well, in truth, until it has begun.
            for task in self.tasks:
                if task.place is None or task in drained:
                    task.cancel()

    def _abandoned(self, _: object) -> None:
        """The executor is no more: as if shut down, which nobody can do any more."""
        present = machine.active and not machine.end and machine.epoch == self.epoch
        if present and not self.shut_down:
            self.close()

    # -- what programs look at, although it is private -------------------------------------------

    def thread_objects(self) -> set[Any]:
        """The threads of the pool."""
        for worker in self.workers:
            if worker.thread is not None:
                self.objects.add(threads.model_of(worker.thread))
        return self.objects

    def qsize(self) -> int:
        """How many tasks wait for a worker."""
        machine.sync(operation(self.shared, "qsize", (self.takers, READ)), self)
        return len(self.queue)

    def empty(self) -> bool:
        """Whether no task waits for a worker."""
        return not self.qsize()

    def join(self) -> None:
        """Wait until all workers are over."""
        for worker in self.workers:
            if worker.thread is machine.current:
                raise RuntimeError("cannot join current thread")
            worker.join()


pools: Final[list[Pool]] = []
"""The pools of the execution under way."""


def join_all() -> None:
    """What the interpreter does at its end: no more tasks, and all workers are waited for."""
    known = sorted(pools, key=lambda pool: pool.key)
    for pool in known:
        pool.close(exiting=True)
    for pool in known:
        pool.join()


# -- methods of ThreadPoolExecutor ---------------------------------------------------------------

_Executor = real.ThreadPoolExecutor
_original_init = _Executor.__init__
_original_submit = _Executor.submit
_original_shutdown = _Executor.shutdown


def pool_of(executor: Any) -> Pool:
    """The pool behind an executor, which may be older than the execution."""
    found: Pool | None = executor.__dict__.get("_pool")
    if found is None or found.epoch != machine.epoch:
        found = executor._pool = Pool(executor)
    return found


def _init(
    self: Any,
    max_workers: int | None = None,
    thread_name_prefix: str = "",
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    **others: Any,
) -> None:
    _original_init(self, max_workers, thread_name_prefix, initializer, initargs, **others)
    if machine.active:
        self._initialize = (initializer, initargs)
        pool_of(self)


def _submit(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    if not machine.active:
        return _original_submit(self, fn, *args, **kwargs)
    return pool_of(self).submit(fn, args, kwargs)


def _shutdown(self: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
    if not machine.active:
        if "_pool" not in self.__dict__:
            _original_shutdown(self, wait, cancel_futures=cancel_futures)
        return
    pool = pool_of(self)
    pool.close(cancel_futures)
    pool.shut_down = self._shutdown = True
    if wait:
        pool.join()


class _Private:
    """An attribute of an executor that is private, and looked at all the same."""

    def __init__(self, name: str, value: Callable[[Pool], Any]) -> None:
        self._name = name
        self._value = value

    def __get__(self, executor: Any, owner: type) -> Any:
        if executor is None:
            raise AttributeError(f"type object {owner.__name__!r} has no attribute {self._name!r}")
        if machine.active:
            return self._value(pool_of(executor))
        return executor.__dict__[self._name]

    def __set__(self, executor: Any, value: Any) -> None:
        executor.__dict__[self._name] = value


ATTRIBUTES: Final = {
    "_threads": _Private("_threads", Pool.thread_objects),
    "_work_queue": _Private("_work_queue", lambda pool: pool),
}
"""Attributes of `ThreadPoolExecutor` that are simulated while a program is explored."""

METHODS: Final[dict[str, Callable[..., Any]]] = {
    "__init__": _init,
    "submit": _submit,
    "shutdown": _shutdown,
}
"""What replaces methods of `ThreadPoolExecutor` while a program is explored."""


def reset() -> None:
    """A new execution begins."""
    pools.clear()
    _Executor._counter = itertools.count().__next__  # type: ignore[attr-defined]
