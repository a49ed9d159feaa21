"""What a program changes in its process, and each execution finds as it was before the first.

Only what has changed is put back, so that an execution that changes nothing costs next to nothing.
What libraries set up when they are imported stays: they are imported once.
"""

from __future__ import annotations

import _locale
import builtins
import gc
import logging
import os
import sys
import threading
import time
import warnings
from typing import Any, Final

MISSING: Final = object()
ATTRIBUTES: Final = (
    (os, "environ"), (sys, "tracebacklimit"), (sys, "dont_write_bytecode"),
    (sys, "breakpointhook"), (warnings, "showwarning"), (warnings, "formatwarning"),
    (logging, "_warnings_showwarning"), (logging, "raiseExceptions"),
    (logging, "_logRecordFactory"), (logging, "lastResort"), (threading, "_trace_hook"),
    (threading, "_profile_hook"), (builtins, "print"), (builtins, "open"), (builtins, "input"),
    (builtins, "__import__"), (builtins, "_"),
)  # fmt: skip
"""Names that programs are known to give another value."""
LISTS: Final = ((sys, "path"), (sys, "argv"))
"""Lists that programs change, or replace."""

_chdir: Final = os.chdir
_umask: Final = os.umask
_set_stack_size: Final = threading.stack_size


class Surroundings:
    """The state of the process when this is made."""

    def __init__(self) -> None:
        self._attributes: list[tuple[dict[str, Any], str, Any]] = []
        for module, name in ATTRIBUTES:
            self._attributes.append((vars(module), name, vars(module).get(name, MISSING)))
        self._lists = [
            (module, name, getattr(module, name), list(getattr(module, name)))
            for module, name in LISTS
        ]
        self._filters = warnings.filters, list(warnings.filters)
        self._environ = _raw_environment().copy()
        self._variables = dict(os.environ)
        self._timezone = time.tzname
        self._directory = _directory()
        self._handle = _handle_of_directory()
        self._umask = _umask(0o22)
        _umask(self._umask)
        self._locale = _locale.setlocale(_locale.LC_ALL, None)
        self._limit = sys.getrecursionlimit()
        self._stack_size = stack_size()
        self.stacks_changed = False
        """The program has said how large the stacks of its threads are to be."""
        self._collection = (gc.get_threshold(), gc.get_debug())

    def restore(self, imported: bool = False) -> None:
        """Undo what was done since.

        If there were libraries `imported`, they may have set up filters for warnings.
        """
        if sys.getrecursionlimit() != self._limit:
            sys.setrecursionlimit(self._limit)
        for namespace, name, value in self._attributes:
            if namespace.get(name, MISSING) is not value:
                if value is MISSING:
                    del namespace[name]
                else:
                    namespace[name] = value
        for module, name, original, contents in self._lists:
            if getattr(module, name) is not original:
                setattr(module, name, original)
            if original != contents:
                original[:] = contents
        if imported:
            self._filters = warnings.filters, list(warnings.filters)
        else:
            self._restore_filters()
        if _raw_environment() != self._environ:
            self._restore_environment()
        self._restore_process()

    def _restore_filters(self) -> None:
        filters, contents = self._filters
        if warnings.filters is not filters or filters != contents:
            warnings.filters = filters
            filters[:] = contents  # type: ignore[index]

    def _restore_environment(self) -> None:
        variables = self._variables
        for name in [name for name in os.environ if name not in variables]:
            del os.environ[name]
        for name, value in variables.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        if time.tzname != self._timezone and hasattr(time, "tzset"):
            time.tzset()

    def _restore_process(self) -> None:
        if _directory() != self._directory:
            self._return()
        _umask(self._umask)
        if _locale.setlocale(_locale.LC_ALL, None) != self._locale:
            _locale.setlocale(_locale.LC_ALL, self._locale)
        if stack_size() != self._stack_size:
            self.stacks_changed = True
            _set_stack_size(self._stack_size)
        if (gc.get_threshold(), gc.get_debug()) != self._collection:
            gc.set_threshold(*self._collection[0])
            gc.set_debug(self._collection[1])
        sockets = sys.modules.get("_socket")
        if sockets is not None and sockets.getdefaulttimeout() is not None:
            sockets.setdefaulttimeout(None)

    def _return(self) -> None:
        try:
            if self._handle is not None:
                os.fchdir(self._handle)
                if _directory() is not None:
                    return
            # It was removed, and put back since: another directory with the same name.
            if self._directory is not None:
                _chdir(self._directory)
                self.close()
                self._handle = _handle_of_directory()
        except OSError:
            pass  # it is not there any more

    def close(self) -> None:
        """Nothing more will be restored."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class Tracing:
    """The trace and profile functions of the thread, as they are when this is made."""

    __slots__ = ("_profile", "_trace")

    def __init__(self) -> None:
        self._trace = sys.gettrace()
        self._profile = sys.getprofile()

    def restore(self) -> None:
        """Take those of the program away.  A debugger that takes itself away may do so."""
        trace, profile = sys.gettrace(), sys.getprofile()
        if trace is not None and trace is not self._trace:
            sys.settrace(self._trace)
        if profile is not None and profile is not self._profile:
            sys.setprofile(self._profile)


def stack_size() -> int:
    """How large the stacks of new threads are, in bytes; 0: as the system likes."""
    # To ask is to set the default.
    size = _set_stack_size()
    _set_stack_size(size)
    return size


def _raw_environment() -> dict[Any, Any]:
    # Copying and comparing it decoded would take a hundred times as long.
    environ: Any = os.environ
    found: dict[Any, Any] = getattr(environ, "_data", environ)
    return found


def _directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def _handle_of_directory() -> int | None:
    """Finds the way back even if the directory is renamed."""
    if not hasattr(os, "fchdir"):
        return None
    try:
        return os.open(os.curdir, os.O_RDONLY)
    except OSError:
        return None
