"""A test as the thing to explore: in each execution it is set up, called and torn down."""

from __future__ import annotations

import shlex
import sys
import types
import warnings
from collections.abc import Container, Iterator
from typing import Any, Final

import pytest

from raceproof.functions import FunctionStage, function_behind
from raceproof.instrument.loader import Loader
from raceproof.programs import Stage
from raceproof.pytest_plugin.fixtures import Rounds
from raceproof.pytest_plugin.kept import stem_for
from raceproof.world.belongings import Root
from raceproof.world.exits import Escape
from raceproof.world.output import Line
from raceproof.world.record import Record

_test_modules: Final = pytest.StashKey[frozenset[str]]()


def other_test_modules(item: pytest.Item) -> frozenset[str]:
    """The files of all tests but this one, and but those that its module imports from."""
    stash = item.session.stash
    files = stash.get(_test_modules, None)
    if files is None:
        nodes = (other.getparent(pytest.Module) for other in item.session.items)
        files = frozenset(str(node.path) for node in nodes if node is not None)
        stash[_test_modules] = files
    own = item.getparent(pytest.Module)
    used = {str(own.path)} if own is not None else set()
    for value in vars(own.obj).values() if own is not None else ():
        name = value.__name__ if isinstance(value, types.ModuleType) else _module_of(value)
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            used.add(file)
    return files - used


def _module_of(value: Any) -> str:
    try:
        module = value.__module__
    except Exception:  # whatever some object in the tests may think of when it is asked
        return ""
    return module if isinstance(module, str) else ""


class TestTarget:
    """One item of pytest."""

    __test__ = False

    def __init__(self, rounds: Rounds) -> None:
        """Raises `NoFunction`."""
        item = self._item = rounds.item
        self._rounds = rounds
        self._behind = function_behind(item.obj)
        self._caught: list[warnings.WarningMessage] = []
        self._finished = 0
        self.title = self.nodeid = item.nodeid
        self.directory = str(item.config.rootpath)
        self.namespace = self._behind.__globals__
        self.unrelated: Container[str] = other_test_modules(item)
        self.values: dict[str, Any] = {}
        self.warnings: dict[tuple[Any, ...], warnings.WarningMessage] = {}
        """All the warnings that there were, each once."""
        self.printed: list[Line] = []
        """What was printed in the first round."""

    @property
    def roots(self) -> Iterator[Root]:
        """The fixtures that the rounds share."""
        return self._rounds.wide_fixtures()

    @property
    def stem(self) -> str:
        """A name for files about it, which no other test has."""
        return stem_for(self.nodeid)

    @property
    def origin(self) -> dict[str, Any]:
        """Where a replay file finds it."""
        return {"script": None, "module": None, "arguments": [], "test": self.nodeid}

    def rerun_command(self, file: str) -> str:
        """The command that runs the interleaving in a file."""
        return f"pytest {shlex.quote(self.nodeid)} --raceproof-replay {shlex.quote(file)}"

    def stage(self, loader: Loader) -> Stage:
        """Its stage."""
        return FunctionStage(self, loader, self._behind)

    def begin(self) -> None:
        """Before each execution."""
        self._rounds.begin()

    def call(self, loader: Loader) -> None:
        """A round."""
        with warnings.catch_warnings(record=True) as self._caught:
            try:
                self._rounds.set_up()
                try:
                    self._rounds.run()
                except Exception:
                    self._tear_down_after_failure()
                    raise
                self._rounds.tear_down()
            except (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception) as error:
                if not self._finished:
                    raise Escape(error) from None
                raise

    def warn_once(self) -> None:
        """Give each warning of all the rounds, once."""
        for message in self.warnings.values():
            warnings.warn_explicit(
                message.message, message.category, message.filename, message.lineno
            )

    def _tear_down_after_failure(self) -> None:
        """The failure is what counts, whatever tearing down may raise."""
        try:
            self._rounds.tear_down()
        except Exception as error:
            print(f"tearing down raised {type(error).__name__}: {error}", file=sys.stderr)

    def end(self, record: Record) -> None:
        """After each execution."""
        self._rounds.end()
        for message in self._caught:
            key = (message.category, str(message.message), message.filename, message.lineno)
            self.warnings.setdefault(key, message)
        if not self._finished:
            self.printed = list(record.output.lines)
        self._finished += 1
