"""What the threads are called in a report: by what they do, numbered where that is not enough."""

from __future__ import annotations

import functools
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable, Sequence
from contextvars import Context
from types import BuiltinMethodType, CodeType, MethodType
from typing import Any, Final

from raceproof.events import ThreadId
from raceproof.judge.values import short
from raceproof.world.execution import VirtualThread

LONGEST = 32
CHANGING: Final = frozenset({list, dict, set, bytearray, deque, defaultdict, OrderedDict, Counter})
"""What is in arguments of these types changes: they are called as the parameter is, unless it is
known what was in them at the beginning."""
_PLAIN: Final = frozenset({int, float, complex, bool, str, bytes, type(None)})


class Names:
    """The names of the threads of one execution."""

    def __init__(self, everyone: Sequence[VirtualThread]) -> None:
        wanted = {thread.tid: label_of(thread) for thread in everyone}
        self._names: dict[ThreadId, str] = {}
        taken: dict[str, int] = {}
        for tid, name in wanted.items():
            if list(wanted.values()).count(name) > 1:
                taken[name] = taken.get(name, 0) + 1
                name = f"{name} #{taken[name]}"
            self._names[tid] = name

    def of(self, thread: ThreadId) -> str:
        """The name of a thread."""
        return self._names[thread]

    def __getitem__(self, thread: VirtualThread) -> str:
        return self._names.get(thread.tid, thread.name)


def label_of(thread: VirtualThread) -> str:
    """`withdraw(500)` for a thread that runs just that; else the name of the thread."""
    if thread.path == ():
        return "main"
    task = thread.storage.get("task")
    if task is not None:
        return call_text(*task)
    label: str | None = thread.storage.get("label")
    if label is not None:
        return label
    model = thread.model
    target = getattr(model, "_target", None)
    if target is None:
        target = thread.storage.get("target")
    if target is not None:
        arguments = thread.storage.get("arguments", getattr(model, "_args", ()))
        return call_text(target, arguments, getattr(model, "_kwargs", {}) or {})
    return thread.name


def call_text(target: Any, args: Iterable[Any] = (), kwargs: dict[str, Any] | None = None) -> str:
    """How a call would be written."""
    target, args, kwargs = _unwrapped(target, tuple(args), kwargs or {})
    name = getattr(target, "__name__", type(target).__name__)
    if name == "<lambda>":
        name = "lambda"
    parameters = _parameters(target)
    inner = [
        short(value)
        if is_telling(value)
        else parameters[position]
        if position < len(parameters)
        else type(value).__name__
        for position, value in enumerate(args)
    ]
    inner += [
        f"{key}={short(value) if is_telling(value) else '..'}" for key, value in kwargs.items()
    ]
    text = f"{name}({', '.join(inner)})"
    if len(text) > LONGEST:
        # That something is an object of some class tells threads apart least.
        text = f"{name}({', '.join('..' if part[0] == '<' else part for part in inner)})"
    return text if len(text) <= LONGEST else f"{name}(...)"


def _unwrapped(
    target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The call that a partial, or a call within a context, amounts to."""
    while True:
        if type(target) is functools.partial:
            args = (*map(_hidden, target.args), *args)
            kwargs = {key: _hidden(value) for key, value in target.keywords.items()} | kwargs
            target = target.func
        elif args and _is_context_run(target):
            target, args = args[0], args[1:]
        else:
            return target, args, kwargs


def _is_context_run(target: Any) -> bool:
    return (
        type(target) is BuiltinMethodType
        and target.__name__ == "run"
        and type(target.__self__) is Context
    )


def _hidden(value: Any) -> Any:
    """What nobody copied when the thread was started: it may hold something else by now."""
    return type(value)() if type(value) in CHANGING else value


def is_telling(value: Any) -> bool:
    """Whether an argument is what it was when it was given.  (See `world.arguments`.)"""
    if type(value) not in CHANGING:
        return True
    contents = (*value, *value.values()) if isinstance(value, dict) else value
    return bool(contents) and all(type(part) in _PLAIN for part in contents)


def _parameters(target: Any) -> tuple[str, ...]:
    """The names of the parameters that are given the arguments, as far as they are known."""
    is_bound = type(target) is MethodType
    code = getattr(target.__func__ if is_bound else target, "__code__", None)
    if type(code) is not CodeType:
        return ()
    return code.co_varnames[int(is_bound) : code.co_argcount]
