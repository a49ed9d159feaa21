"""Getting on with other plugins: time limits, coverage, captured output."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pytest

from raceproof.options import Options
from raceproof.world.carriers import GREENLET, hub_class, name_of
from raceproof.world.output import Line

OF_TIME_LIMIT: Final = 0.5
"""The part of a test's time limit that its search may take; explaining takes time as well."""


def within_time_limit(item: pytest.Item, options: Options) -> Options:
    """The options, with a budget that ends well before pytest-timeout would end the test."""
    plugin: Any = sys.modules.get("pytest_timeout")
    if plugin is None or not item.config.pluginmanager.hasplugin("timeout"):
        return options
    try:
        limit = plugin._get_item_settings(item).timeout
    except AttributeError:
        return options
    if not limit or limit <= 0:
        return options
    return replace(options, max_seconds=min(options.max_seconds, limit * OF_TIME_LIMIT))


@contextmanager
def coverage_of_fibers(threads: str) -> Iterator[None]:
    """Tell a tracer of coverage that keeps a stack of calls that there are many stacks, if the
    option `threads` says so.

    (This is what coverage's own setting `concurrency = greenlet` does.)  Threads of the operating
    system are something that it knows about.
    """
    tracers: list[Any] = []
    if name_of(hub_class(threads)) == GREENLET:
        import greenlet

        tracers = [tracer for tracer in _tracers() if tracer.concur_id_func is None]
        for tracer in tracers:
            tracer.concur_id_func = greenlet.getcurrent
    try:
        yield
    finally:
        for tracer in tracers:
            tracer.concur_id_func = None


def _tracers() -> list[Any]:
    coverage: Any = sys.modules.get("coverage")
    measuring = coverage.Coverage.current() if coverage is not None else None
    tracers = getattr(getattr(measuring, "_collector", None), "tracers", [])
    return [tracer for tracer in tracers if hasattr(tracer, "concur_id_func")]


@contextmanager
def warnings_unless(unwanted: Callable[[], bool]) -> Iterator[None]:
    """Take back the warnings that were given meanwhile, if they are `unwanted` by then."""
    # While pytest records warnings, they are appended to a list of its own.
    log: Any = getattr(getattr(warnings, "_showwarnmsg_impl", None), "__self__", None)
    before = len(log) if isinstance(log, list) else 0
    try:
        yield
    finally:
        if isinstance(log, list) and unwanted():
            del log[before:]


def drop_captured(item: pytest.Item) -> None:
    """Forget what was captured in this phase of a test."""
    manager: Any = item.config.pluginmanager.get_plugin("capturemanager")
    if manager is not None:
        manager.read_global_capture()


def print_lines(lines: Iterable[Line]) -> None:
    """Print what an interleaving has printed, for pytest to capture."""
    for line in lines:
        stream = sys.stderr if line.stream == "stderr" else sys.stdout
        print(line.text, file=stream)
