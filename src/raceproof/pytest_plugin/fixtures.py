"""Setting up and tearing down one test again and again, and no more of pytest than that.

All that is said here about pytest's insides: the stack of what is set up, requests, the cached
results of fixtures.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from raceproof.pytest_plugin.subtests import held_reports
from raceproof.world.belongings import Root


def _nothing() -> None:
    """What there is to set up, or tear down, for a test that has seen to it itself."""


class Rounds:
    """A test that is set up, run and torn down many times between its setup and its teardown."""

    def __init__(self, item: pytest.Function) -> None:
        self.item = item
        self._state: Any = item.session._setupstate
        self._directory: Path | None = None
        self._inner: Callable[[Any], Any] = lambda test: test
        self._stash: dict[Any, Any] = {}
        self._wide: dict[str, Any] = {}
        self._numbers: dict[str, int] | None = None

    def run_inside_of(self, decorator: str) -> None:
        """Call what the decorator that left this attribute on the test has wrapped."""

        def inner(test: Any) -> Any:
            function = getattr(test, "__func__", test)
            if not hasattr(function, decorator):
                return test
            wrapped = function.__wrapped__
            owner = getattr(test, "__self__", None)
            return wrapped if owner is None else wrapped.__get__(owner)

        self._inner = inner
        self.item.obj = inner(self.item.obj)

    # -- fixtures of a wider scope ---------------------------------------------------------------

    def set_up_wide_fixtures(self) -> None:
        """Those that the rounds share."""
        request = self.item._request
        for name in self.item.fixturenames:
            if self._scope_of(name) not in ("function", None):
                request.getfixturevalue(name)
        definitions: dict[str, Any] = request._fixture_defs
        self._wide = {n: d for n, d in definitions.items() if d.scope != "function"}

    def wide_fixtures(self) -> Iterator[Root]:
        """Their values, by their names."""
        for name, definition in self._wide.items():
            if definition.cached_result is not None:
                value = definition.cached_result[0]
                yield Root(f"the {definition.scope}-scoped fixture {name!r}", value)

    def _scope_of(self, name: str) -> str | None:
        definitions = self.item._fixtureinfo.name2fixturedefs.get(name)
        return str(definitions[-1].scope) if definitions else None

    # -- a round ---------------------------------------------------------------------------------

    def begin(self) -> None:
        """Whatever the last round has left is forgotten."""
        item: Any = self.item
        stash = item.stash._storage
        self._stash = self._stash or dict(stash)
        self.end()
        self._remove_directory()
        stash.clear()
        stash.update(self._stash)
        item._initrequest()
        item.__dict__.pop("_excinfo", None)
        item.__dict__.pop("setup", None)  # that of the search, which was for the first time
        if isinstance(item.parent, pytest.Class):
            instance = item._getinstance() if hasattr(item, "_getinstance") else None
            if instance is not None:
                item._instance = instance
                item._obj = getattr(instance, item.originalname)
        item.obj = self._inner(item.obj)
        _forget_logs(item)

    def set_up(self) -> None:
        """The fixtures of the test itself; the others are there already."""
        self._state.setup(self.item)
        definition = getattr(self.item._request, "_fixture_defs", {}).get("tmp_path")
        if definition is not None and definition.cached_result is not None:
            self._directory = definition.cached_result[0]

    def run(self) -> None:
        """Call the test; what it raises comes out, also that of a `unittest.TestCase`."""
        item: Any = self.item
        with held_reports(item) as held:
            type(item).runtest(item)
        caught = item.__dict__.pop("_excinfo", None)
        if caught:
            raise caught[0].value
        if held.failure is not None:
            raise held.failure

    def tear_down(self) -> None:
        """Undo `set_up`."""
        self._state.teardown_exact(self.item.parent)

    def end(self) -> None:
        """If the round was not torn down, because it was given up, that is done now."""
        if self.item in self._state.stack:
            # What it raises in a round that was given up says nothing.
            with suppress(Exception, pytest.fail.Exception, pytest.skip.Exception):
                self.tear_down()
            self._forget_unfinished_fixtures()

    def _forget_unfinished_fixtures(self) -> None:
        """Fixtures that were given up while they were being set up are not known as such."""
        definitions: Any = self.item._fixtureinfo.name2fixturedefs
        for definition in (one for several in definitions.values() for one in several):
            if definition.scope == "function":
                definition._finalizers.clear()
                definition.cached_result = None

    # -- before and after all rounds -------------------------------------------------------------

    def leave(self) -> None:
        """Look like a test that has been set up, and has nothing to be torn down."""
        item: Any = self.item
        item.setup, item.teardown = _nothing, _nothing
        if item not in self._state.stack:
            self._state.setup(item)
        if self._stash:
            for key, value in self._stash.items():
                item.stash._storage.setdefault(key, value)

    def _remove_directory(self) -> None:
        """The temporary directory has the same name in each round."""
        factory = getattr(self.item.config, "_tmp_path_factory", None)
        numbers = getattr(factory, "_next_number", None)
        if numbers is not None:  # from pytest 9.1 on; before, it looked what was there
            if self._numbers is None:
                self._numbers = dict(numbers)
            numbers.clear()
            numbers.update(self._numbers)
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None


def _forget_logs(item: pytest.Item) -> None:
    """What was logged so far belongs to other rounds."""
    from _pytest.logging import caplog_handler_key, caplog_records_key

    plugin: Any = item.config.pluginmanager.get_plugin("logging-plugin")
    handler = item.stash.get(caplog_handler_key, None)
    if handler is not None:
        handler.reset()
        records = item.stash.get(caplog_records_key, None)
        if records is not None:
            records["call"] = handler.records
    if plugin is not None:
        plugin.report_handler.reset()
