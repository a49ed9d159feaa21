"""Switches of an interleaving that only an interpreter without a GIL can make.

With a GIL, some accesses of a thread to data are one step.  An interleaving in which others come in
between cannot happen there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from raceproof.events import Operation, ThreadId


def is_torn(
    threads: Sequence[ThreadId],
    operations: Sequence[Operation],
    is_one_step: Callable[[int, int], bool],
) -> bool:
    """Whether something comes between two accesses of a thread that are one step.

    `is_one_step` tells that of two sites.
    """
    last: dict[ThreadId, int] = {}
    for index, thread in enumerate(threads):
        before = last.get(thread, -1)
        last[thread] = index
        if before < 0 or before == index - 1:
            continue
        one, other = operations[before], operations[index]
        if one.site and other.site and is_one_step(one.site, other.site):
            return True
    return False
