"""The life of a process, simulated: the main program, and what the interpreter does at its end."""

from __future__ import annotations

import atexit
import itertools
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final

from raceproof.world import executors, record, threads
from raceproof.world.children import children
from raceproof.world.exits import OutOfControl, give_up
from raceproof.world.fibers import ExecutionAbandoned
from raceproof.world.scheduler import machine
from raceproof.world.unraisable import tell_unraisable


def run_main(program: Callable[[], None]) -> None:
    """Be the main thread of an execution: run `program`, then end as the interpreter would."""
    threads.reset()
    executors.reset()
    at_exit.reset()
    try:
        try:
            program()
        except BaseException as error:
            if threads.is_outside(error):
                raise
            _crashed(error)
        finish_main()
    except ExecutionAbandoned:
        raise
    except OutOfControl as error:
        give_up(error)
    except BaseException:
        if not machine.end:
            raise


def finish_main() -> None:
    """What the interpreter does when the main program is over."""
    threads.end_of_main()
    try:
        threads.before_joining.run()
    except Exception as error:
        tell_unraisable(error, "in: <module 'threading'>")
    executors.join_all()
    threads.join_everybody()
    at_exit.run()
    children.check()


_real_shutdown: Final[Any] = threading._shutdown  # type: ignore[attr-defined]


def shutdown() -> None:
    """`threading._shutdown`: wait, as at the end, for everybody but daemons."""
    if not machine.active:
        _real_shutdown()
        return
    threads.before_joining.run()
    executors.join_all()
    threads.join_everybody()


def _crashed(error: BaseException) -> None:
    present = record.current
    if isinstance(error, SystemExit):
        code = error.code
        if code is None or code == 0:
            return
        if isinstance(code, int):
            present.status = code & 0xFF
        else:
            print(code, file=sys.stderr)
            present.status = 1
        present.exit = f"SystemExit: {code}"
        return
    record.hide_own_frames(error)
    present.status = 130 if isinstance(error, KeyboardInterrupt) else 1
    present.exit = record.one_line(error)
    present.crash = error
    if sys.excepthook is sys.__excepthook__:
        with present.output.aside():
            sys.excepthook(type(error), error, error.__traceback__)
        return
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except Exception as another:
        with present.output.aside():
            print("Error in sys.excepthook:", file=sys.stderr)
            print(record.formatted(another), end="", file=sys.stderr)
            print("\nOriginal exception was:", file=sys.stderr)
            print(record.formatted(error), end="", file=sys.stderr)


class AtExit:
    """The module `atexit`, for the execution under way."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []
        self._register = atexit.register
        self._unregister = atexit.unregister

    def reset(self) -> None:
        """A new execution begins."""
        self._callbacks.clear()
        if weakref.finalize._registered_with_atexit:  # type: ignore[attr-defined]
            for name, value in finalizers().items():
                setattr(weakref.finalize, name, value)

    def register(self, func: Any, /, *args: Any, **kwargs: Any) -> Any:
        """`atexit.register`."""
        if not machine.active:
            return self._register(func, *args, **kwargs)
        if not callable(func):
            raise TypeError("the first argument must be callable")
        self._callbacks.append((func, args, kwargs))
        return func

    def unregister(self, func: Any, /) -> None:
        """`atexit.unregister`."""
        if machine.active:
            self._callbacks = [entry for entry in self._callbacks if entry[0] != func]
        else:
            self._unregister(func)

    def run(self) -> None:
        """Call what was registered, the last one first."""
        while self._callbacks:
            func, args, kwargs = self._callbacks.pop()
            try:
                func(*args, **kwargs)
            except BaseException as error:
                if threads.is_outside(error):
                    raise
                tell_unraisable(error, "in atexit callback", func)

    def replacements(self) -> dict[str, Any]:
        """The functions of the module that are replaced."""
        return {"register": self.register, "unregister": self.unregister}


at_exit: Final = AtExit()


def finalizers() -> dict[str, Any]:
    """What `weakref.finalize` knows in a new process: no finalizers, and none that ran at exit."""
    return {
        "_registry": {}, "_shutdown": False, "_dirty": False, "_registered_with_atexit": False,
        "_index_iter": itertools.count(),
    }  # fmt: skip
