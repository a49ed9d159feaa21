"""`concurrent.futures.ThreadPoolExecutor`: its class stays the real one, with other methods."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from concurrent.futures import _base
from concurrent.futures import thread as real
from typing import Any, Final, NoReturn

from raceproof.events import READ, WRITE
from raceproof.world import record, threads
from raceproof.world.exits import inside
from raceproof.world.pools import Pool, Task
from raceproof.world.primitives.simulated import operation
from raceproof.world.scheduler import machine

BROKEN: Final = "A thread initializer failed, the thread pool is not usable anymore"
AFTER_SHUTDOWN: Final = "cannot schedule new futures after shutdown"
AFTER_EXIT: Final = "cannot schedule new futures after interpreter shutdown"


class ExecutorPool(Pool):
    """What a `ThreadPoolExecutor` is in one execution."""

    def __init__(self, executor: Any) -> None:
        known = executor.__dict__
        older = (known.get("_initializer"), known.get("_initargs", ()))
        super().__init__(executor._max_workers, known.get("_initialize") or older)
        self._executor = weakref.ref(executor, self._abandoned)
        self.shut_down = False
        """By the program, not by the end of the interpreter."""
        self._objects: set[Any] = set()
        """The `Thread` objects of the workers that somebody has asked for."""
        self.prefix: str = executor._thread_name_prefix or str(executor)
        pools.append(self)
        record.current.output.pools.add(self.prefix)

    def worker_name(self, number: int) -> str:
        """See `Pool`."""
        return f"{self.prefix}_{number}"

    def refuse(self) -> NoReturn:
        """See `Pool`."""
        if self.broken:
            raise real.BrokenThreadPool(BROKEN)
        raise RuntimeError(AFTER_EXIT if self.exiting else AFTER_SHUTDOWN)

    def initializer_failed(self, error: BaseException, first: Task | None) -> None:
        """Nothing more can be done by this pool."""
        _base.LOGGER.critical("Exception in initializer:", exc_info=True)
        accesses = ((self.shutdown_place, WRITE), (self.takers, WRITE))
        machine.sync(operation(self.shared, "break", *accesses), self)
        self.broken = True
        executor = self._executor()
        if executor is not None:
            executor._broken = BROKEN
        for task in (first, *self.drain()):
            if task is not None:
                task.future.set_exception(real.BrokenThreadPool(BROKEN))

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
                self._objects.add(threads.model_of(worker.thread))
        return self._objects

    def qsize(self) -> int:
        """How many tasks wait for a worker."""
        machine.sync(operation(self.shared, "qsize", (self.takers, READ)), self)
        return len(self.queue)

    def empty(self) -> bool:
        """Whether no task waits for a worker."""
        return not self.qsize()


pools: Final[list[ExecutorPool]] = []
"""The executors of the execution under way."""


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


def pool_of(executor: Any) -> ExecutorPool:
    """The pool behind an executor, which may be older than the execution."""
    found: ExecutorPool | None = executor.__dict__.get("_pool")
    if found is None or found.epoch != machine.epoch:
        found = executor._pool = ExecutorPool(executor)
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


def submit_known(
    executor: Any, fn: Callable[..., Any], args: tuple[Any, ...], know: Callable[[Any], None]
) -> None:
    """Submit a task; `know` gets its future before anybody works on it."""

    def prepare(task: Task) -> None:
        model = task.future._model
        model.is_private = True
        know(task.future)
        model.is_private = False

    pool_of(executor).submit(fn, args, {}, prepare)


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


def submits_plainly(executor: Any) -> bool:
    """Whether to submit a task to `executor` means just that."""
    return type(executor).submit is _submit and inside()


class _Private:
    """An attribute of an executor that is private, and looked at all the same."""

    def __init__(self, name: str, value: Callable[[ExecutorPool], Any]) -> None:
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
    "_threads": _Private("_threads", ExecutorPool.thread_objects),
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
