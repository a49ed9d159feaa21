"""`multiprocessing.pool.ThreadPool`: its class stays the real one, with other methods."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, Final

from raceproof.world.pool_results import Arrivals, AsTheyCome, InOrder, Result, Submissions
from raceproof.world.scheduler import machine
from raceproof.world.worker_pools import Call, WorkerPool, only

RUN, CLOSE, TERMINATE = "RUN", "CLOSE", "TERMINATE"
"""What `multiprocessing.pool` calls the states of a pool."""
PLAIN: Final = frozenset(
    {list, tuple, range, dict, set, frozenset, deque, str, bytes, type({}.keys()),
     type({}.values()), type({}.items())}
)  # fmt: skip
"""Containers that can be gone through without running code of the program."""


def methods(real: ModuleType) -> Iterable[tuple[type, dict[str, Callable[..., Any]]]]:
    """What replaces methods of `ThreadPool`, a class of the module `real`."""
    original = {name: getattr(real.ThreadPool, name) for name in NAMES}
    apply_result = type("ApplyResult", (Result, real.ApplyResult), {})
    map_result = type("MapResult", (Result, real.MapResult), {})
    in_order = type("IMapIterator", (InOrder, real.IMapIterator), {})
    as_they_come = type("IMapUnorderedIterator", (AsTheyCome, real.IMapUnorderedIterator), {})

    def describe(fn: Callable[..., Any], args: Any, kwargs: Any) -> Call:
        if fn in (real.mapstar, real.starmapstar):
            ((function, batch),) = args
            if len(batch) == 1 and fn is real.starmapstar:
                (batch,) = batch
            return function, batch, {}
        return fn, args, kwargs

    def pool_of(self: Any) -> WorkerPool:
        found: WorkerPool | None = self.__dict__.get("_model")
        if found is None or found.epoch != machine.epoch:
            initializer = (self._initializer, self._initargs)
            found = self._model = WorkerPool(self._processes, initializer, describe)
        return found

    def init(
        self: Any,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        if not machine.active:
            original["__init__"](self, processes, initializer, initargs)
            return
        self._pool, self._state = [], real.INIT
        if processes is None:
            count = getattr(real.os, "process_cpu_count", real.os.cpu_count)
            processes = count() or 1
        if processes < 1:
            raise ValueError("Number of processes must be at least 1")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._processes, self._initializer, self._initargs = processes, initializer, initargs
        self._pool = [None] * processes
        self._state = RUN
        pool_of(self)

    def delete(self: Any) -> None:
        if "_model" not in self.__dict__:
            original["__del__"](self)

    def apply_async(
        self: Any,
        func: Callable[..., Any],
        args: Any = (),
        kwds: Any = {},  # noqa: B006 - as in the real one, it is not changed
        callback: Any = None,
        error_callback: Any = None,
    ) -> Any:
        if not machine.active:
            return original["apply_async"](self, func, args, kwds, callback, error_callback)
        pool = pool_of(self)
        pool.check_accepting()
        return pool.begin(apply_result, [(func, args, kwds)], only, callback, error_callback)

    def map_async(
        self: Any,
        func: Callable[..., Any],
        iterable: Any,
        mapper: Callable[..., Any],
        chunksize: int | None = None,
        callback: Any = None,
        error_callback: Any = None,
    ) -> Any:
        if not machine.active:
            return original["_map_async"](
                self, func, iterable, mapper, chunksize, callback, error_callback
            )
        pool = pool_of(self)
        pool.check_accepting()
        if not hasattr(iterable, "__len__"):
            iterable = list(iterable)
        if chunksize is None:
            chunksize = -(-len(iterable) // (pool.size * 4))
        batches = real.Pool._get_tasks(func, iterable, chunksize)
        calls: list[Call] = [(mapper, (batch,), {}) for batch in batches]
        return pool.begin(map_result, calls, flat, callback, error_callback)

    def imap(self: Any, func: Callable[..., Any], iterable: Any, chunksize: int = 1) -> Any:
        if not machine.active:
            return original["imap"](self, func, iterable, chunksize)
        pool = pool_of(self)
        submissions = Submissions()
        at_once = type(iterable) in PLAIN

        def source() -> Iterator[None]:
            for call in calls_of(func, iterable, chunksize):
                result = Result(only)
                pool.submit_part(call, result.add)
                submissions.add(result, at_once)
                yield
            submissions.close(at_once)

        begin_iteration(pool, source(), at_once, chunksize)
        return flattened(in_order(submissions), chunksize)

    def imap_unordered(
        self: Any, func: Callable[..., Any], iterable: Any, chunksize: int = 1
    ) -> Any:
        if not machine.active:
            return original["imap_unordered"](self, func, iterable, chunksize)
        pool = pool_of(self)
        arrivals = Arrivals()
        at_once = type(iterable) in PLAIN

        def source() -> Iterator[None]:
            total = 0
            for call in calls_of(func, iterable, chunksize):
                pool.submit_part(call, arrivals.expect)
                total += 1
                yield
            arrivals.close(total, at_once)

        begin_iteration(pool, source(), at_once, chunksize)
        return flattened(as_they_come(arrivals), chunksize)

    def calls_of(func: Callable[..., Any], iterable: Any, chunksize: int) -> Iterator[Call]:
        """The tasks of an iteration; if the iterable fails, so does the last of them."""
        try:
            if chunksize == 1:
                for element in iterable:
                    yield func, (element,), {}
            else:
                for batch in real.Pool._get_tasks(func, iterable, chunksize):
                    yield real.mapstar, (batch,), {}
        except Exception as error:
            yield real._helper_reraises_exception, (error,), {}

    def close(self: Any) -> None:
        if not machine.active:
            original["close"](self)
        elif self._state == RUN:
            self._state = CLOSE
            pool_of(self).stop_accepting()

    def terminate(self: Any) -> None:
        if not machine.active:
            original["terminate"](self)
            return
        self._state = TERMINATE
        pool_of(self).terminate()

    def join(self: Any) -> None:
        if not machine.active:
            original["join"](self)
            return
        if self._state == RUN:
            raise ValueError("Pool is still running")
        pool_of(self).join()

    yield real.ThreadPool, {
        "__init__": init, "__del__": delete, "apply_async": apply_async,
        "_map_async": map_async, "imap": imap, "imap_unordered": imap_unordered, "close": close,
        "terminate": terminate, "join": join,
    }  # fmt: skip


NAMES: Final = (
    "__init__", "__del__", "apply_async", "_map_async", "imap", "imap_unordered", "close",
    "terminate", "join",
)  # fmt: skip
"""The methods that are replaced."""


def begin_iteration(
    pool: WorkerPool, source: Iterator[None], at_once: bool, chunksize: int
) -> None:
    """Have the tasks of `source` submitted: here and now, or by a thread of the pool."""
    pool.check_accepting()
    if chunksize < 1:
        raise ValueError(f"Chunksize must be 1+, not {chunksize!r}")
    if at_once:
        deque(source, maxlen=0)
    else:
        pool.feed(source)


def flat(chunks: list[list[Any]]) -> list[Any]:
    """The results of a `map`."""
    return [value for chunk in chunks for value in chunk]


def flattened(results: Iterable[Any], chunksize: int) -> Any:
    """An iterator over results that come in chunks of this size."""
    if chunksize == 1:
        return results
    return (value for chunk in results for value in chunk)
