"""Pools of threads, with no more interleavings than their tasks have.

A task gets a worker of its own while there may be more, or a worker that is certainly idle: the
one who submits has seen the result of its last task.  Only tasks beyond that wait in a queue, and
which worker takes which of those is the one thing about a pool that the scheduler decides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, _base
from typing import Any, ClassVar, Final, NoReturn, TypeAlias

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
        "relay",
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
        self.relay: Callable[[bool, Any], None] | None = None
        """Where the result goes, if not straight to the future: (success, value)."""

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
        self.future = self.fn = self.relay = None
        self.args, self.kwargs = (), {}
        return work


class Worker:
    """A thread of the pool."""

    __slots__ = ("handed", "last", "mailbox", "shared", "thread")

    def __init__(self, pool: Pool, number: int, task: Task | None) -> None:
        self.last = task
        """The last task that it has, as far as known; None: it may still be setting itself up."""
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


Initializer: TypeAlias = tuple[Callable[..., object] | None, tuple[Any, ...]]
"""What workers call first, and with which arguments."""


class Pool:
    """What an executor is in one execution."""

    kind: ClassVar[str] = "ThreadPoolExecutor"
    """What the search and the reports call it."""
    daemonic: ClassVar[bool] = False
    """Whether the process ends without waiting for the workers."""

    def __init__(self, size: int, initializer: Initializer) -> None:
        self.epoch = machine.epoch
        self.size = size
        self.initializer, self.initargs = initializer
        self.exiting = threads.main_is_over()
        self.closed = self.exiting
        self.broken = False
        """Nothing more can be done by this pool."""
        self.workers: list[Worker] = []
        self.submitted = 0
        self.tasks: list[Task] = []
        self.queue: deque[Task] = deque()
        self.queued: list[Task] = []
        """All tasks that ever went through the queue."""
        self.shared: SharedObject = machine.objects.numbered(machine.current.tid, self.kind)
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

    def worker_name(self, number: int) -> str:
        """The name of a worker's thread."""
        raise NotImplementedError

    def refuse(self) -> NoReturn:
        """Raise what those get who submit a task too late."""
        raise NotImplementedError

    def _refresh(self) -> None:
        handed = frozenset(
            worker.thread.tid
            for worker in self.workers
            if worker.handed is not None and worker.thread is not None
        )
        self.takers.state = (len(self.queue), self.closed, handed)

    # -- submitting ------------------------------------------------------------------------------

    def submit(
        self,
        fn: Callable[..., Any],
        args: Any,
        kwargs: Any,
        prepare: Callable[[Task], None] | None = None,
    ) -> Any:
        """Have `fn` called by a worker; returns the future.

        The task can be prepared before anybody knows of it.
        """
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
        if self.broken or self.closed:
            self.refuse()
        future: Any = Future()
        task = Task(self.submitted, future, fn, args, kwargs)
        if prepare is not None:
            prepare(task)
        self.submitted += 1
        self.tasks.append(task)
        if worker is not None:
            worker.last = worker.handed = task
            task.after_queue = bool(self.queued)
            self._refresh()
        elif grows:
            self.grow(task)
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
            if worker.last is not None and worker.last.is_over():
                return worker
        return None

    def grow(self, task: Task | None) -> None:
        """Start another worker; what it is to do first may be known."""
        number = len(self.workers)
        worker = Worker(self, number, task)
        self.workers.append(worker)
        worker.thread = threads.spawn(
            lambda: self._work(worker, task), self.worker_name(number), self.daemonic
        )

    # -- working ---------------------------------------------------------------------------------

    def _work(self, worker: Worker, first: Task | None) -> None:
        if self.initializer is not None:
            try:
                self.initializer(*self.initargs)
            except BaseException as error:
                if threads.is_outside(error):
                    raise
                record.hide_own_frames(error)
                self.initializer_failed(error, first)
                return
        task = first or self._next(worker)
        while task is not None:
            self.run(task)
            task = self._next(worker)

    def initializer_failed(self, error: BaseException, first: Task | None) -> None:
        """A worker could not be set up (`error` is being handled), and is over."""
        raise NotImplementedError

    def run(self, task: Task) -> None:
        """The running thread, a worker, does a task."""
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

    def drain(self) -> list[Task]:
        """Take away the tasks that are queued."""
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
            drained = set(self.drain())
            # Tasks with a worker of their own are queued as well, in truth, until it has begun.
            for task in self.tasks:
                if task.place is None or task in drained:
                    task.cancel()

    def join(self) -> None:
        """Wait until all workers are over."""
        for worker in self.workers:
            if worker.thread is machine.current:
                raise RuntimeError("cannot join current thread")
            worker.join()
