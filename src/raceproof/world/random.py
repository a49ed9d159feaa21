"""Chance that does not depend on the order of the threads: each thread draws from its own stream.

A thread's stream follows from the seed and the thread's path, that of a task in a pool from the
number of the task; so what a thread draws is the same in every execution.
"""

from __future__ import annotations

import functools
import os
import random
import uuid
from collections.abc import Callable
from typing import Any, Final

from raceproof.world.execution import VirtualThread
from raceproof.world.scheduler import machine

# Seeding with a text imports a module on some versions; not in the middle of an execution, please.
random.Random("")


BASE: Final = "random base"
"""Key in `VirtualThread.storage`: what the streams of the thread are made from."""
TASK: Final = "random task"
"""Key in `VirtualThread.storage`: the name of what the thread works on, if it has one."""
STREAMS: Final = "random streams"
"""Key in `VirtualThread.storage`: the streams of the thread, for its present task."""

_real_urandom = os.urandom
_original_seed = random.Random.seed
_hidden = random._inst
"""The generator behind the functions of the module `random`."""

seed_of_run = 0
"""What all streams follow from unless the program says otherwise."""


class Streams:
    """Where a thread, or a task, draws from."""

    __slots__ = ("_name", "_system", "drawn")

    def __init__(self, name: str) -> None:
        self._name = name
        self.drawn = random.Random(name)
        """For the functions of the module `random`."""
        self._system: random.Random | None = None

    @property
    def system(self) -> random.Random:
        """For `os.urandom`: not the same, because `random.seed` has no say in it."""
        if self._system is None:
            self._system = random.Random("system " + self._name)
        return self._system


def base_of(thread: VirtualThread) -> str:
    """What the streams of `thread` are made from."""
    base: str | None = thread.storage.get(BASE)
    return str(seed_of_run) if base is None else base


def inherit(thread: VirtualThread, base: str) -> None:
    """`thread` was started by a thread with this base."""
    thread.storage[BASE] = base


def streams() -> Streams:
    """The streams of the running thread."""
    thread = machine.current
    found: Streams | None = thread.storage.get(STREAMS)
    if found is None:
        name = thread.storage.get(TASK) or f"{base_of(thread)} {thread.path}"
        found = thread.storage[STREAMS] = Streams(name)
    return found


def begin_task(base: str, name: str) -> None:
    """The running thread works on something with a name of its own."""
    storage = machine.current.storage
    storage[BASE] = storage[TASK] = f"{base} {name}"
    storage.pop(STREAMS, None)


# -- replacements --------------------------------------------------------------------------------


def urandom(size: int, /) -> bytes:
    """`os.urandom`."""
    if not machine.active:
        return _real_urandom(size)
    if size < 0:
        raise ValueError("negative argument not allowed")
    return streams().system.randbytes(size)


@functools.wraps(random.Random.seed)
def seed_instance(self: random.Random, a: Any = None, version: int = 2) -> None:
    """`Random.seed`: a generator made without a seed takes one from the thread's stream."""
    if a is None and machine.active:
        a = int.from_bytes(urandom(32), "big")
    _original_seed(self, a, version)


def seed(a: Any = None, version: int = 2) -> None:
    """`random.seed`: for the running thread, and those that it starts from now on."""
    if not machine.active:
        _hidden.seed(a, version)
        return
    streams().drawn.seed(a, version)
    if a is not None:
        machine.current.storage[BASE] = f"seed {a!r}"


def _drawing(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def draw(*args: Any, **kwargs: Any) -> Any:
        if not machine.active:
            return original(*args, **kwargs)
        return getattr(streams().drawn, name)(*args, **kwargs)

    return draw


def replacements() -> dict[str, Callable[..., Any]]:
    """The functions of the module `random` that are replaced."""
    found = {
        name: _drawing(name, function)
        for name, function in vars(random).items()
        if getattr(function, "__self__", None) is _hidden
    }
    return {**found, "seed": seed}


def adapt(module: Any) -> None:
    """Another copy of `random`, which goes by its own code: only seeds must not be by chance."""
    original = module.Random.seed

    @functools.wraps(original)
    def seed(self: Any, a: Any = None, version: int = 2) -> None:
        if a is None and machine.active:
            a = int.from_bytes(urandom(32), "big")
        original(self, a, version)

    module.Random.seed = seed
    module._inst.seed()


def reset(seed_: int) -> None:
    """A new execution begins."""
    global seed_of_run
    seed_of_run = seed_
    for name in ("_last_timestamp", "_last_timestamp_v6", "_last_timestamp_v7"):
        if hasattr(uuid, name):
            setattr(uuid, name, None)


class TemporaryNames:
    """Stands for the names that `tempfile` tries: each thread has its own, always the same ones."""

    def __iter__(self) -> TemporaryNames:
        return self

    def __next__(self) -> str:
        return "".join(streams().system.choices(LETTERS, k=8))


LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789_"
UUID_SOURCES: Final = ("_generate_time_safe", "_UuidCreate")
"""Names in `uuid` of C functions that look at the clock by themselves; without them `uuid` uses
the functions that are simulated."""
