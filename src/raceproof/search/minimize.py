"""From an interleaving that fails to a smaller one that fails in the same way.

A schedule is taken as blocks (a thread and how many events it performs).  Blocks are removed and
joined, and whatever still shows the same fault, and is simpler, is kept.  A script that cannot be
followed any more is followed as far as it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from raceproof.events import ThreadId
from raceproof.world.execution import Execution

FURTHER = 64
"""How many more events a thread may perform to come to its end rather than be preempted."""

Block = tuple[ThreadId, int]
Cost = tuple[int, int, int, int]


@dataclass(slots=True)
class Attempt:
    """An execution of a candidate schedule."""

    execution: Execution
    fails: bool
    """Whether it shows the fault in question."""
    length: int
    """Events up to and including the one that completes the fault."""
    outcome: Any = None
    """What it came to, if it came to an end."""


Try = Callable[[list[ThreadId]], Attempt]


def blocks_of(script: list[ThreadId]) -> list[Block]:
    """A schedule as blocks."""
    blocks: list[Block] = []
    for thread in script:
        if blocks and blocks[-1][0] == thread:
            blocks[-1] = (thread, blocks[-1][1] + 1)
        else:
            blocks.append((thread, 1))
    return blocks


def script_of(blocks: list[Block]) -> list[ThreadId]:
    """The schedule that the blocks stand for."""
    return [thread for thread, count in blocks for _ in range(count)]


def cost(attempt: Attempt) -> Cost:
    """Fewer threads are better, then fewer preemptions, context switches, events."""
    script = attempt.execution.threads[: attempt.length]
    preemptions = sum(1 for step in attempt.execution.preemptions if step < attempt.length)
    return (len(set(script)), preemptions, len(blocks_of(script)), len(script))


def minimize(first: Attempt, attempt: Try, spent: Callable[[], bool]) -> Attempt:
    """The simplest failing execution found; `spent()` tells when to stop looking."""
    best = first
    improved = True
    while improved and not spent():
        improved = False
        for candidate in smaller(blocks_of(best.execution.threads[: best.length])):
            if spent():
                break
            result = attempt(script_of(candidate))
            if result.fails and cost(result) < cost(best):
                best = result
                improved = True
                break
    return best


def smaller(blocks: list[Block]) -> Iterator[list[Block]]:
    """Schedules that may be simpler than `blocks`, the most promising first."""
    count = len(blocks)
    size = count // 2
    while size >= 1:
        for start in range(count - size, -1, -size):
            yield blocks[:start] + blocks[start + size :]
        size //= 2
    for i in range(count):
        for j in range(i + 2, count):
            if blocks[i][0] == blocks[j][0]:
                joined = (blocks[i][0], blocks[i][1] + blocks[j][1])
                yield [*blocks[:i], joined, *blocks[i + 1 : j], *blocks[j + 1 :]]
                yield [*blocks[:i], *blocks[i + 1 : j], joined, *blocks[j + 1 :]]
                break
    for i, (thread, events) in enumerate(blocks):
        for fewer in shorter(events):
            yield [*blocks[:i], (thread, fewer), *blocks[i + 1 :]]
    for i, (thread, events) in enumerate(blocks):
        # As far as it gets: where a thread comes to its end, nothing was taken from it.
        yield [*blocks[:i], (thread, events + FURTHER), *blocks[i + 1 :]]


def shorter(events: int) -> Iterator[int]:
    """Numbers of events to try instead: the small ones, then closer and closer ones."""
    yield from range(1, min(events, 6))
    step = events // 2
    while step and events > 6:
        if events - step >= 6:
            yield events - step
        step //= 2
