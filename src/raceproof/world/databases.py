"""`sqlite3`: a statement is one step, and a connection belongs to the thread that made it.

Databases in memory are shared by the threads that share a connection, and each statement reads or
changes the whole of one.  Those in files are put back after each execution like other files.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from raceproof.events import READ, WRITE, Attribute, Location
from raceproof.world.exits import inside
from raceproof.world.scheduler import machine
from raceproof.world.threads import get_ident
from raceproof.world.unwatched import announce, data_operation

PARAMETERS: Final = (
    "database", "timeout", "detect_types", "isolation_level", "check_same_thread", "factory",
    "cached_statements", "uri",
)  # fmt: skip
COMPANIONS: Final = ("", "-journal", "-wal", "-shm")
"""What SQLite appends to the name of a database for the files beside it."""
LOOKING: Final = ("select", "explain", "values", "pragma")
"""Statements that change nothing (mostly), by their first word."""


class Owner:
    """Which thread may use a connection and its cursors, and what they work on."""

    __slots__ = ("_error", "_ident", "_place")

    def __init__(self, error: type[Exception], check: bool, name: str | None) -> None:
        """`name`: of a database in memory."""
        self._error = error
        self._ident = get_ident() if check else None
        self._place: Location | None = None
        if name is not None:
            shared = machine.objects.numbered(machine.current.tid, "database")
            shared.label = ""
            self._place = shared.location(Attribute(f"database {name!r}"))

    def check(self) -> None:
        """Raise what SQLite's own check would, which knows nothing of simulated threads."""
        if self._ident is not None and machine.active and self._ident != get_ident():
            raise self._error(
                "SQLite objects created in a thread can only be used in that same thread. The "
                f"object was created in thread id {self._ident} and this is thread id "
                f"{get_ident()}."
            )

    def announce(self, statement: object) -> None:
        """The running thread is about to have this executed."""
        place = self._place
        if place is None or not machine.watching:
            return
        looks = isinstance(statement, str) and statement.lstrip().lower().startswith(LOOKING)
        kind, mode = ("read", READ) if looks else ("write", WRITE)
        announce(data_operation(place.owner, kind, ((place, mode),)))


def connector(module: ModuleType, remember: Callable[[str], None]) -> Callable[..., Any]:
    """What stands for `sqlite3.connect`; `remember` is told of files that may be changed."""
    original: Any = vars(module)["connect"]
    error: type[Exception] = vars(module)["ProgrammingError"]
    cursor = _cursor_class(vars(module)["Cursor"])
    connection_classes = functools.cache(functools.partial(_connection_class, cursor))

    @functools.wraps(original)
    def connect(*args: Any, **kwargs: Any) -> Any:
        if not inside():
            return original(*args, **kwargs)
        given = dict(zip(PARAMETERS, args, strict=False)) | kwargs
        database = given.get("database")
        try:
            name = os.fsdecode(database)  # type: ignore[arg-type]
        except TypeError:
            return original(*args, **kwargs)  # which will complain
        in_memory = name in ("", ":memory:")
        if not in_memory and not given.get("uri"):
            for companion in COMPANIONS:
                remember(os.path.realpath(name) + companion)
        check = bool(given.get("check_same_thread", True))
        factory = given.get("factory", vars(module)["Connection"])
        if not isinstance(factory, type):
            return original(*args, **kwargs)
        arguments = dict(kwargs)
        if len(args) > PARAMETERS.index("factory"):
            return original(*args, **kwargs)
        arguments["factory"] = connection_classes(factory)
        made = original(*args, **arguments)
        made._rp_owner = Owner(error, check, name if in_memory else None)
        return made

    return connect


def _cursor_class(kind: Any) -> Any:
    class Cursor(kind):  # type: ignore[misc]
        """A cursor that looks who uses it."""

        __module__ = "sqlite3"

        def _owner(self) -> Owner:
            found: Owner = self.connection._rp_owner
            found.check()
            return found

        def execute(self, *args: Any) -> Any:
            self._owner().announce(args[0] if args else None)
            return super().execute(*args)

        def executemany(self, *args: Any) -> Any:
            self._owner().announce(None)
            return super().executemany(*args)

        def executescript(self, *args: Any) -> Any:
            self._owner().announce(None)
            return super().executescript(*args)

        def fetchone(self) -> Any:
            self._owner()
            return super().fetchone()

        def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
            self._owner()
            return super().fetchmany(*args, **kwargs)

        def fetchall(self) -> Any:
            self._owner()
            return super().fetchall()

    return Cursor


def _connection_class(cursor_class: Any, kind: Any) -> Any:
    class Connection(kind):  # type: ignore[misc]
        """A connection that looks who uses it."""

        _rp_owner: Owner

        def cursor(self, factory: Any = cursor_class) -> Any:
            self._rp_owner.check()
            return super().cursor(factory)

        def execute(self, *args: Any) -> Any:
            return self.cursor().execute(*args)

        def executemany(self, *args: Any) -> Any:
            return self.cursor().executemany(*args)

        def executescript(self, *args: Any) -> Any:
            return self.cursor().executescript(*args)

        def commit(self) -> None:
            self._rp_owner.check()
            super().commit()

        def rollback(self) -> None:
            self._rp_owner.check()
            if self.in_transaction:
                self._rp_owner.announce(None)
            super().rollback()

        def close(self) -> None:
            self._rp_owner.check()
            super().close()

        def create_function(self, *args: Any, **kwargs: Any) -> None:
            self._rp_owner.check()
            super().create_function(*args, **kwargs)

    Connection.__name__ = Connection.__qualname__ = kind.__name__
    Connection.__module__ = kind.__module__
    return Connection
