"""Which program the user means, and whether it can be run at all.

Everything that is wrong with it from the outside (missing, a directory, not Python) is found here,
before anything is explored, so that the message can say what to do about it.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import warnings


class Unusable(Exception):
    """There is no such program, or it is none; the message says why."""


def find_script(script: str) -> str:
    """The file to run for `script`; of a directory that is its `__main__.py`, as for Python."""
    if script == "-":
        raise Unusable("a program cannot be read from standard input: name a file")
    if os.path.isdir(script):
        inner = os.path.join(script, "__main__.py")
        if not os.path.isfile(inner):
            raise Unusable(f"{script} is a directory without a __main__.py: name a script in it")
        script = inner
    elif not os.path.exists(script):
        raise Unusable(f"no such file: {script}{_suggestion(script)}")
    if not os.path.isfile(script):
        raise Unusable(f"{script} is not a regular file")
    check_source(script)
    return script


def find_module(name: str, directory: str) -> str | None:
    """The file that `python -m name` would run from `directory`; None if only an import can tell.

    Nothing is imported: the code of parent packages is part of the program under test.
    """
    if name.endswith(".py") or not all(part.isidentifier() for part in name.split(".")):
        hint = name[:-3].replace(os.sep, ".") if name.endswith(".py") else ""
        raise Unusable(
            f"{name} is not the name of a module"
            + (f" (without -m it is a script; the module would be {hint})" if hint else "")
        )
    file = _origin(name, [directory, *sys.path])
    if file is not None:
        check_source(file)
    return file


def _origin(name: str, path: list[str]) -> str | None:
    spec = None
    search: list[str] | None = path
    known = ""
    for part in name.split("."):
        full = f"{known}.{part}" if known else part
        if search is None:
            raise Unusable(f"no module named {name}: {known} is not a package")
        try:
            spec = importlib.machinery.PathFinder.find_spec(full, search)
        except KeyError:
            # A namespace package inside a package asks for its parent, which is not imported.
            return None
        if spec is None and not known:
            # Editable installations have import hooks of their own; no parent, hence no import.
            spec = importlib.util.find_spec(full)
        if spec is None:
            raise Unusable(f"no module named {full} (looked in {directory_name(path[0])} first)")
        try:
            locations = spec.submodule_search_locations
            search = None if locations is None else list(locations)
        except KeyError:
            return None
        known = full
    if search is not None:
        main = importlib.machinery.PathFinder.find_spec(f"{name}.__main__", search)
        if main is None:
            raise Unusable(f"{name} is a package without a __main__ module: it cannot be run")
        spec = main
    assert spec is not None
    if spec.origin in ("built-in", "frozen"):
        raise Unusable(f"{name} is part of the interpreter: there is no source to run")
    if spec.origin is None or not spec.origin.endswith((".py", ".pyw")):
        raise Unusable(f"{name} is not Python source: {spec.origin or 'no file'}")
    return spec.origin


def directory_name(path: str) -> str:
    """How to call a directory in a sentence."""
    return "the current directory" if path in ("", os.getcwd()) else path


def check_source(file: str) -> None:
    """Raise `Unusable` if `file` cannot be read or does not parse."""
    try:
        with open(file, "rb") as stream:
            source = stream.read()
    except OSError as error:
        raise Unusable(f"{file} cannot be read: {error.strerror or error}") from None
    if b"\0" in source:
        raise Unusable(f"{file} is not Python source text")
    try:
        with warnings.catch_warnings():
            # The program's own warnings are shown when it runs, not when we look at it.
            warnings.simplefilter("ignore")
            compile(source, file, "exec", dont_inherit=True)
    except SyntaxError as error:
        import traceback

        shown = "".join(traceback.format_exception_only(error)).rstrip()
        raise Unusable(f"{file} does not parse\n{shown}") from None
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise Unusable(f"{file} does not parse: {error or type(error).__name__}") from None


def _suggestion(path: str) -> str:
    import difflib

    directory, name = os.path.split(path)
    try:
        present = sorted(os.listdir(directory or "."))
    except OSError:
        return f" (nor is there a directory {directory})"
    programs = [entry for entry in present if entry.endswith((".py", ".pyw"))]
    close = difflib.get_close_matches(name, programs, n=1)
    return f" (did you mean {os.path.join(directory, close[0])}?)" if close else ""
