"""Conditions that the program states about itself: one that always holds, one that sometimes does.

Both are judged over all the interleavings of a search.  Outside of a search `always` is an
assertion, and `sometimes` says nothing.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

_machine: Any = None
"""The scheduler, once there was a search; asking for it earlier would import everything."""


def always(condition: object, label: str = "") -> None:
    """Say that `condition` is true whenever this line is reached, in every interleaving.

    It raises `AssertionError` if it is not.  Unlike an `assert`, it cannot be lost in a handler
    for exceptions or in a future that nobody reads: the search reports it all the same, under
    its `label` (default: file and line).

    >>> import raceproof, threading
    >>> def sell():
    ...     stock = [1]
    ...     def buy():
    ...         if stock[0]:
    ...             stock[0] -= 1
    ...             raceproof.always(stock[0] >= 0, "nothing is sold twice")
    ...     buyers = [threading.Thread(target=buy) for _ in range(2)]
    ...     for buyer in buyers:
    ...         buyer.start()
    ...     for buyer in buyers:
    ...         buyer.join()
    >>> report = raceproof.explore(sell)
    >>> report.verdict
    'finding'
    """
    if condition:
        return
    label = label or _caller()
    record = _record()
    if record is not None:
        record.broken.append(label)
    raise AssertionError(f"not always: {label}")


def sometimes(condition: object, label: str = "") -> None:
    """Say that `condition` is true in at least one of the interleavings that reach this line.

    A complete search in which it never is reports that: the case that a test is meant for does
    not come up.  It never raises.

    >>> import raceproof, threading
    >>> def race():
    ...     seen = []
    ...     def write(n):
    ...         seen.append(n)
    ...     writers = [threading.Thread(target=write, args=(n,)) for n in (1, 2)]
    ...     for writer in writers:
    ...         writer.start()
    ...     for writer in writers:
    ...         writer.join()
    ...     raceproof.sometimes(seen == [2, 1], "the second is first")
    ...     raceproof.sometimes(len(seen) == 3, "one is seen twice")
    >>> report = raceproof.explore(race)
    >>> [finding.message for finding in report.findings]
    ['one is seen twice: never, in 2 interleavings that came there']
    """
    record = _record()
    if record is not None:
        label = label or _caller()
        record.hopes[label] = record.hopes.get(label, False) or bool(condition)


def _record() -> Any:
    """The record of the execution under way, if there is one."""
    global _machine
    if _machine is None:
        scheduler = sys.modules.get("raceproof.world.scheduler")
        if scheduler is None:
            return None
        _machine = scheduler.machine
    if not _machine.active or _machine.end or _machine.afterlife:
        return None
    return sys.modules["raceproof.world.record"].current


def _caller() -> str:
    frame = sys._getframe(2)
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


__all__: Final = ["always", "sometimes"]
