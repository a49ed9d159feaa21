"""Happens-before over the events of one execution, and the pairs of events worth reversing.

Each event gets a vector clock; where an event meets an earlier dependent one that is not already
ordered before it, and nothing lies between the two, their order was decided by the scheduler: a
*race*.  The state is kept from execution to execution and cut back to the part that they share.

Source: Flanagan and Godefroid, "Dynamic partial-order reduction for model checking software",
POPL 2005, section 4; for operations that can be disabled, the reversal is against the event that
disabled the operation rather than the one that enabled it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from raceproof.events import WRITE, Location, Operation, ThreadId
from raceproof.world.execution import Blocked

Clock = list[int]
"""clock[t]: the index of the last event of thread t that is ordered before; -1 for none."""


@dataclass(frozen=True, slots=True)
class Race:
    """Event `first` came before the operation of `thread`, and it could have been the other way.

    `second` is the index of that operation; None if it never took place.
    """

    first: int
    second: int | None
    thread: ThreadId
    operation: Operation


class HappensBefore:
    """The order of the events `threads[i]`, `operations[i]`, which the caller extends and cuts."""

    def __init__(self, threads: list[ThreadId], operations: list[Operation]) -> None:
        self.threads = threads
        self.operations = operations
        self.before: dict[int, tuple[object, ...]] = {}
        self.clocks: list[Clock] = []
        self._of_thread: dict[ThreadId, list[int]] = {}
        self._width = 0

    def ordered(self, first: int, second: int) -> bool:
        """Whether event `first` happens before event `second` (or is the same)."""
        thread = self.threads[first]
        if thread == self.threads[second]:
            return first <= second
        clock = self.clocks[second]
        return thread < len(clock) and clock[thread] >= first

    def cut(self, length: int) -> None:
        """Forget the events from index `length` on."""
        threads, operations = self.threads, self.operations
        for index in range(len(self.clocks) - 1, length - 1, -1):
            for location, _ in operations[index].accesses:
                history = location.history
                if history and history[-1][0] == index:
                    history.pop()
            self._of_thread[threads[index]].pop()
        del self.clocks[length:]
        del threads[length:]
        del operations[length:]

    def extend(self) -> list[Race]:
        """Order the events that have been appended since; returns their races, in order."""
        races: list[Race] = []
        threads, operations, clocks = self.threads, self.operations, self.clocks
        of_thread = self._of_thread
        if threads:
            self._width = max(self._width, max(threads) + 1)
        width = self._width
        for index in range(len(clocks), len(threads)):
            me, operation = threads[index], operations[index]
            mine = of_thread.get(me)
            if mine is None:
                mine = of_thread[me] = []
            base = clocks[mine[-1]] if mine else [-1] * width
            known = len(base)
            concurrent: list[int] | None = None
            for location, mode in operation.accesses:
                history = location.history
                if history:
                    _, last_mode, group, earlier = history[-1]
                    if mode == last_mode and mode != WRITE:
                        before = earlier
                        group = (*[i for i in group if threads[i] != me], index)
                    else:
                        before = earlier = group
                        group = (index,)
                    for i in before:
                        thread = threads[i]
                        if thread != me and (thread >= known or base[thread] < i):
                            if concurrent is None:
                                concurrent = [i]
                            elif i not in concurrent:
                                concurrent.append(i)
                else:
                    earlier = ()
                    group = (index,)
                history.append((index, mode, group, earlier))
            if operation.fence:
                concurrent = [last[-1] for t, last in of_thread.items() if last and t != me]
            if concurrent:
                newest = concurrent
                if len(concurrent) > 1:
                    newest = [
                        i
                        for i in concurrent
                        if not any(k != i and self.ordered(i, k) for k in concurrent)
                    ]
                if operation.fence and operation.instead_of is not None:
                    disabler = self._disabler(operation.instead_of, me, index, base)
                    if disabler is not None:
                        races.append(Race(disabler, index, me, operation.instead_of))
                elif not (operation.fence or operation.passive):
                    for i in newest:
                        self._race(i, index, me, operation, base, races)
                clock = base + [-1] * (width - known)
                for i in concurrent:
                    other = clocks[i]
                    for thread, position in enumerate(other):
                        if position > clock[thread]:
                            clock[thread] = position
                    if i > clock[threads[i]]:
                        clock[threads[i]] = i
                clocks.append(clock)
            else:
                clocks.append(base)
            mine.append(index)
        return races

    def _race(
        self, first: int, second: int, me: ThreadId, operation: Operation, base: Clock,
        races: list[Race],
    ) -> None:  # fmt: skip
        if operation.guards and (
            not self.enabled_without(operation, me, first) or self._only_enables(first, operation)
        ):
            # `first` made the operation possible, so the two cannot change places.  Whoever made
            # it impossible before that can.
            found = self._disabler(operation, me, first, base)
            if found is None:
                return
            first = found
        for known in reversed(races):
            if known.second != second:
                break
            if known.first == first:
                return
        races.append(Race(first, second, me, operation))

    def _only_enables(self, first: int, operation: Operation) -> bool:
        """Whether all that `operation` has to do with event `first` could not be without it."""
        shared = operation.locations & self.operations[first].locations
        return bool(shared) and all(location.enabling for location in shared)

    def races_of_blocked(self, blocked: list[Blocked]) -> list[Race]:
        """The reversals that would have let a thread go on which is stuck at the end."""
        races: list[Race] = []
        end = len(self.threads)
        for stuck in blocked:
            operation, me = stuck.operation, stuck.thread.tid
            if operation.passive or not operation.guards or operation.enabled(me):
                continue
            mine = self._of_thread.get(me)
            base = self.clocks[mine[-1]] if mine else []
            first = self._disabler(operation, me, end, base)
            if first is not None:
                races.append(Race(first, None, me, operation))
        return races

    def _disabler(self, operation: Operation, me: ThreadId, end: int, base: Clock) -> int | None:
        """The newest event before `end` without which `operation` would have been possible."""
        indices = sorted(
            {
                entry[0]
                for location, _ in operation.guards
                for entry in location.history
                if entry[0] < end
            },
            reverse=True,
        )
        for index in indices:
            thread = self.threads[index]
            if thread == me or (thread < len(base) and base[thread] >= index):
                if len(operation.guards) == 1:
                    return None  # and so came all that is older
                continue
            if self.enabled_without(operation, me, index):
                return index
        return None

    def enabled_without(self, operation: Operation, me: ThreadId, first: int) -> bool:
        """Whether the guards of `operation` hold when event `first` and all that came of it do not
        happen, but everything else does."""
        return all(
            guard(self._state_without(location, first), me) for location, guard in operation.guards
        )

    def _state_without(self, location: Location, first: int) -> object:
        # Events that change a state are in a total order: what came of `first` is the rest of it.
        history = location.history
        for position in range(bisect_left(history, first, key=_index_of), len(history)):
            event = history[position][0]
            if event >= len(self.clocks) or self.ordered(first, event):
                break
        else:
            return location.state
        accesses = self.operations[event].accesses
        for (other, _), state in zip(accesses, self.before[event], strict=True):
            if other is location:
                return state
        raise AssertionError("an event on a location does not access it")


def _index_of(entry: tuple[int, int, tuple[int, ...], tuple[int, ...]]) -> int:
    return entry[0]
