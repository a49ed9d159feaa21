"""Runs a generated program in three ways, and notes all that can be seen of each run: as it is,
rewritten with hooks that do nothing, and rewritten in an execution with hooks at work.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import io
import linecache
import pickle
import re
import sys
import traceback
import types
import typing
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from instrument import inert_hooks
from instrument.generated.stage import STAGE

from raceproof.events import Site
from raceproof.instrument.hooks import Hooks
from raceproof.instrument.rewriting import rewrite
from raceproof.world.execution import Plan
from raceproof.world.scheduler import machine

FILE = "program.py"
HIDDEN = ("_rp_",)


@dataclass(frozen=True)
class Seen:
    """What a run printed, with the tracebacks of what it raised, and what it left behind."""

    output: str
    left: tuple[str, ...]
    lines: tuple[str, ...] = ()
    """The way that it took, if it was followed."""

    @property
    def is_telling(self) -> bool:
        """Not cut off by a limit of the interpreter, which comes earlier for deeper calls."""
        return not re.search("RecursionError|MemoryError", self.output)

    def fails_otherwise(self, other: Seen) -> bool:
        """Whether a call that is wrong twice fails of the other mistake.

        In `xs.apend(x)` where there is no `x` either, rewritten code misses `x` first.
        """
        missing = "(?m)^(NameError|UnboundLocalError): "
        return len(re.findall(missing, self.output)) < len(re.findall(missing, other.output))


def plain(source: str) -> Seen:
    """The program as it is."""
    return _run(_compiled(source), _compiled(STAGE, "stage.py"), lambda body: body())


def plain_followed(source: str) -> Seen:
    """The program as it is, line by line."""
    return _followed(lambda follow: _run(_compiled(source), _compiled(STAGE, "stage.py"), follow))


def rewritten_followed(source: str) -> Seen:
    """The program rewritten, line by line."""
    with inert_hooks.installed():
        return _followed(lambda follow: _run(_code(source)[0], _stage()[0], follow))


def _followed(run: Callable[[Callable[[Callable[[], None]], None]], Seen]) -> Seen:
    lines: list[str] = []
    last: dict[int, int] = {}

    def trace(frame: types.FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename != FILE:
            return None
        step = f"{event} {frame.f_code.co_name} {frame.f_lineno}"
        # Where a jump lands on its own line, that may be said once more.
        if event != "line" or last.get(id(frame)) != frame.f_lineno:
            lines.append(step)
        last[id(frame)] = frame.f_lineno if event == "line" else 0
        return trace

    def follow(body: Callable[[], None]) -> None:
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            body()
        finally:
            sys.settrace(before)

    seen = run(follow)
    return Seen(seen.output, seen.left, tuple(lines))


def rewritten(source: str) -> Seen:
    """The program rewritten, with hooks that only check how they are called."""
    with inert_hooks.installed():
        return _run(_code(source)[0], _stage()[0], lambda body: body())


def executed(source: str) -> Seen:
    """The program rewritten, as the first thread of two in an execution."""
    stage, stage_sites = _stage()
    code, sites = _code(source)
    hooks = Hooks(machine, [Site("", "", 0, "", "", ""), *stage_sites, *sites])

    def execute(body: Callable[[], None]) -> None:
        def first() -> None:
            machine.spawn(lambda: None, "other", False)  # from now on, accesses are events
            body()

        machine.forget()
        machine.execute(first, Plan())

    hooks.install()
    try:
        return _run(code, stage, execute)
    finally:
        hooks.remove()
        machine.forget()


def _compiled(source: str, file: str = FILE) -> types.CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(source, file, "exec", dont_inherit=True)


def _rewritten(
    source: str, first_site: int, file: str, module: str
) -> tuple[types.CodeType, list[Site]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = rewrite(source, file, module, first_site, is_watched=lambda name: name == "stage")
        return compile(found.tree, file, "exec", dont_inherit=True), found.sites


@cache
def _stage() -> tuple[types.CodeType, list[Site]]:
    return _rewritten(STAGE, 1, "stage.py", "stage")


@lru_cache(1)
def _code(source: str) -> tuple[types.CodeType, list[Site]]:
    return _rewritten(source, len(_stage()[1]) + 1, FILE, "program")


def _run(
    code: types.CodeType, stage: types.CodeType, execute: Callable[[Callable[[], None]], None]
) -> Seen:
    modules = {name: types.ModuleType(name) for name in ("stage", "program")}
    program = modules["program"]
    program.__dict__.update(show=_show, __file__=FILE)

    def body() -> None:
        exec(stage, vars(modules["stage"]))
        try:
            exec(code, vars(program))
        except Exception as error:  # of `_show`, which looks for names that are similar
            print("ended by", type(error), error)

    output = io.StringIO()
    with (
        _present(modules),
        _without_collection(),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        execute(body)
        left = tuple(_survey(vars(program)))
    return Seen(_anonymous(output.getvalue()), tuple(map(_anonymous, left)))


@contextlib.contextmanager
def _present(modules: dict[str, types.ModuleType]) -> Iterator[None]:
    before = {name: sys.modules[name] for name in modules if name in sys.modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            sys.modules.pop(name, None)
        sys.modules.update(before)


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """What generators in cycles print when they are closed is printed to nobody, afterwards."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect(0)
        if collects:
            gc.enable()


def give_source(source: str) -> None:
    """Lets tracebacks and `inspect` find the text of the program."""
    for file, text in ((FILE, source), ("stage.py", STAGE)):
        lines = text.splitlines(keepends=True)
        linecache.cache[file] = (len(text), None, lines, file)


def _show(error: BaseException) -> None:
    """Prints an exception as the interpreter would: with lines, and carets under columns."""
    print("".join(traceback.format_exception(error)))


def _anonymous(text: str) -> str:
    """Without the addresses of objects, and the numbers of tasks."""
    return re.sub(r"0x[0-9a-fA-F]+|Task-\d+", "0x", text)


def _survey(namespace: dict[str, Any]) -> Iterator[str]:
    """The public names, and what can be asked about the functions and classes among them."""
    for name, value in namespace.items():
        if name in ("__builtins__", "__warningregistry__"):
            continue
        yield f"{name}: {type(value).__name__}"
        if isinstance(value, type) and value.__module__ == "program":
            yield from _facts_of_class(name, value)
        elif isinstance(value, types.FunctionType) and value.__module__ == "program":
            yield from _facts_of_function(name, value)


def _facts_of_class(name: str, cls: type) -> Iterator[str]:
    for attribute, value in vars(cls).items():
        if attribute == "__static_attributes__":
            continue
        yield f"{name}.{attribute}: {type(value).__name__}"
        if isinstance(value, types.FunctionType):
            yield from _facts_of_function(f"{name}.{attribute}", value)
    yield from _answers(name, cls, inspect.getsource, typing.get_type_hints, inspect.getdoc)


def _facts_of_function(name: str, function: types.FunctionType) -> Iterator[str]:
    code = function.__code__
    visible = [[n for n in names if not n.startswith(HIDDEN)]
               for names in (code.co_varnames, code.co_freevars, code.co_cellvars)]  # fmt: skip
    yield f"{name}: {sorted(visible[0])} {visible[1]} {sorted(visible[2])} {code.co_flags:x}"
    yield f"{name}: {function.__qualname__} {code.co_firstlineno} {function.__doc__!r}"
    asked = (inspect.signature, inspect.getsource, inspect.getdoc, typing.get_type_hints)
    yield from _answers(name, function, *asked, pickle.dumps)


def _answers(name: str, thing: Any, *questions: Callable[[Any], Any]) -> Iterator[str]:
    for question in questions:
        try:
            answer = str(question(thing))
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        yield f"{question.__name__}({name}): {answer}"
