"""Runs a program as it is and rewritten with inert hooks, and notes all that can be seen of it."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import traceback
import types
import warnings
from dataclasses import dataclass

from instrument import inert_hooks

from raceproof.instrument.rewriting import rewrite

FILE = "program.py"


@dataclass(frozen=True)
class Seen:
    output: str
    error: tuple[str, str] | None
    frames: tuple[tuple[int, str], ...]
    """Line and function of each frame of the traceback that is the program's own."""
    names: frozenset[str]
    """The globals that it left behind."""


def _nameless(text: str) -> str:
    """Without the addresses of objects."""
    return re.sub(r"0x[0-9a-fA-F]+", "0x", text)


def run(code: types.CodeType) -> Seen:
    module = types.ModuleType("program")
    output = io.StringIO()
    error, frames = None, []
    before = sys.modules.get("program")
    sys.modules["program"] = module
    try:
        with contextlib.redirect_stdout(output):
            exec(code, vars(module))
    except Exception as caught:
        error = type(caught).__name__, _nameless(str(caught))
        for frame in traceback.extract_tb(caught.__traceback__):
            if frame.filename == FILE:
                frames.append((frame.lineno or 0, frame.name))
    finally:
        del sys.modules["program"]
        if before is not None:
            sys.modules["program"] = before
    return Seen(_nameless(output.getvalue()), error, tuple(frames), frozenset(vars(module)))


def run_plain(source: str) -> Seen:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return run(compile(source, FILE, "exec", dont_inherit=True))


def run_rewritten(source: str) -> Seen:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = compile(rewrite(source, FILE, "program", 1).tree, FILE, "exec", dont_inherit=True)
    with inert_hooks.installed():
        return run(code)
