"""Optimal dynamic partial-order reduction: each distinct interleaving once, and no other.

The executions form a tree, walked depth first, each run again from the start.  After an execution
every race in it that could go the other way is planted as a branch (a *wakeup sequence*) at the
event that came first; *sleep sets* keep the search from planting what it has already run.

Source: Abdulla, Aronis, Jonsson and Sagonas, "Optimal dynamic partial order reduction", POPL 2014
(algorithm 2), and "Source sets", JACM 64(4), 2017.  Two departures, neither of which changes what
is run: a race becomes a branch only when the walk comes back to its place (most never do within a
budget, and working out a branch costs time in proportion to the execution), and a race that has
become a branch is not looked at again in the executions that share it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from raceproof.events import Operation, ThreadId, dependent
from raceproof.search.happens_before import HappensBefore, Race
from raceproof.search.strategy import Strategy
from raceproof.search.trace import Step, Trace, wakeup_sequence
from raceproof.world.execution import Execution, Plan

Sleep = dict[ThreadId, Operation]
MAX_PENDING = 64
"""Races kept at one place before they are worked into branches: bounds the memory they hold."""


@dataclass(slots=True)
class WakeupTree:
    """An ordered tree of the steps to be run from some place; the root has no step."""

    step: Step | None = None
    children: list[WakeupTree] = field(default_factory=list)

    def insert(self, sequence: list[Step]) -> bool:
        """Add `sequence` unless a leaf covers it already; whether the tree grew."""
        node, rest = self, sequence
        while True:
            for child in node.children:
                assert child.step is not None
                remaining = without_initial(child.step, rest)
                if remaining is not None:
                    break
            else:
                for step in rest:
                    child = WakeupTree(step)
                    node.children.append(child)
                    node = child
                return bool(rest)
            if not child.children:
                return False
            node, rest = child, remaining


def without_initial(step: Step, sequence: list[Step]) -> list[Step] | None:
    """`sequence` without `step`, if that step can come first in it; None if it cannot.

    A step whose thread does not occur can come first when it commutes with all the others.
    """
    thread, operation = step
    for position, (other, its_operation) in enumerate(sequence):
        if other == thread:
            return sequence[:position] + sequence[position + 1 :]
        if dependent(operation, its_operation):
            return None
    return sequence


@dataclass(slots=True)
class Frame:
    """A place on the current path at which there is, or may be, something else to try."""

    sleep: Sleep | None = None
    """Threads that must not go next here; None: as recorded when the path came by."""
    tree: WakeupTree = field(default_factory=WakeupTree)
    races: list[tuple[Race, Trace]] = field(default_factory=list)
    done: int = 0
    """Children that have been explored to the end."""
    leaves: int = 0
    """Executions that it took to explore them."""
    since: int = 0
    """Executions there had been when the present child began."""


class Dpor(Strategy):
    """A `Strategy`: every Mazurkiewicz trace of the program, each exactly once."""

    def __init__(self) -> None:
        self.threads: list[ThreadId] = []
        self.operations: list[Operation] = []
        self.order = HappensBefore(self.threads, self.operations)
        self.races: list[Race] = []
        """The races found in the newest execution (also those within the part it repeats)."""
        self.redundant = 0
        self.slips = 0
        self._frames: dict[int, Frame] = {}
        self._sleeps: list[tuple[int, Sleep]] = []
        self._retry: dict[int, list[Race]] = {}
        """Event index -> races it ends that must be looked at again in each execution, because
        where they would be planted some thread sleeps."""
        self._started = False
        self._known = 0
        self._executions = 0

    # -- Strategy --------------------------------------------------------------------------------

    def next_plan(self) -> Plan | None:
        """See `Strategy`."""
        if not self._started:
            self._started = True
            return self._plan([], 0, {})
        while self._frames:
            index = max(self._frames)
            frame = self._frames[index]
            self._plant(index, frame)
            if frame.tree.children:
                return self._branch(index, frame)
            del self._frames[index]
        return None

    def learn(self, execution: Execution) -> None:
        """See `Strategy`."""
        self._executions += 1
        self.slips += execution.slips
        if execution.end == "redundant":
            self.redundant += 1
        known = self._known
        while self._sleeps and self._sleeps[-1][0] >= known:
            self._sleeps.pop()
        self._sleeps.extend(execution.sleeps)
        self.order.before = execution.before
        fresh = self.order.extend()
        if not execution.truncated:
            fresh += self.order.races_of_blocked(execution.blocked)
        if execution.tail is not None:
            fresh = [race for race in fresh if race.first < execution.tail]
        self.races = fresh
        if execution.slips:
            # The path is not the one that the branches further down were meant for.
            for index in [i for i in self._frames if i >= len(self.threads)]:
                del self._frames[index]
        trace = Trace(list(self.threads), list(self.operations), list(self.order.clocks))
        for races in list(self._retry.values()):
            for race in races:
                self._note(race, trace)
        for race in fresh:
            if self._note(race, trace) and race.second is not None:
                self._retry.setdefault(race.second, []).append(race)

    def estimate(self) -> float:
        """The number of executions, from the part of the tree that has been walked.

        From the bottom of the present path upwards: a child that is still to come is taken to be as
        large as those of its siblings that are done (or, when there are none, as the one under
        way).  Compare Knuth, "Estimating the efficiency of backtrack programs", 1975.
        """
        size = 1.0
        for index in sorted(self._frames, reverse=True):
            frame = self._frames[index]
            sleep = self._sleep_at(index)
            waiting = len({race.thread for race, _ in frame.races} - sleep.keys())
            still = max(len(frame.tree.children), waiting)
            typical = frame.leaves / frame.done if frame.done else size
            size = frame.leaves + size + still * typical
        return max(size, float(self._executions))

    def close(self) -> None:
        """The search is over: leave the locations to whoever looks at an execution next."""
        self.order.cut(0)

    # -- the tree --------------------------------------------------------------------------------

    def _plan(self, script: list[ThreadId], known: int, sleep: Sleep) -> Plan:
        self._known = known
        return Plan(
            script=script, known=known, threads=self.threads, operations=self.operations,
            before=self.order.before, sleep=sleep, patient=True,
        )  # fmt: skip

    def _sleep_at(self, index: int) -> Sleep:
        """The sleep set before event `index` of the current path."""
        frame = self._frames.get(index)
        if frame is not None and frame.sleep is not None:
            return frame.sleep
        found: Sleep = {}
        for start, sleep in reversed(self._sleeps):
            if start <= index:
                found = sleep
                break
        return found

    def _note(self, race: Race, trace: Trace) -> bool:
        """Keep a race for when the walk comes back to it.

        Whether it must be kept again in later executions that share it: only where a thread
        sleeps, since only there can it be turned down (the rest of the execution decides).
        """
        frame = self._frames.get(race.first)
        if frame is None:
            frame = self._frames[race.first] = Frame(since=self._executions - 1)
        frame.races.append((race, trace))
        if len(frame.races) >= MAX_PENDING:
            self._plant(race.first, frame)
        return bool(self._sleep_at(race.first))

    def _plant(self, index: int, frame: Frame) -> None:
        """Turn the races kept at a place into branches."""
        if not frame.races:
            return
        sleep = self._sleep_at(index)
        for race, trace in frame.races:
            sequence = wakeup_sequence(race, trace)
            for step in sleep.items():
                if without_initial(step, sequence) is not None:
                    break
            else:
                frame.tree.insert(sequence)
        frame.races.clear()

    def _branch(self, index: int, frame: Frame) -> Plan:
        """Leave the current path at `index` for the first branch there."""
        sleep = dict(self._sleep_at(index))
        sleep[self.threads[index]] = self.operations[index]
        frame.sleep = sleep
        frame.done += 1
        frame.leaves += self._executions - frame.since
        frame.since = self._executions
        self.order.cut(index)
        for later in [i for i in self._retry if i >= index]:
            del self._retry[later]
        while self._sleeps and self._sleeps[-1][0] > index:
            self._sleeps.pop()
        script = list(self.threads)
        node = frame.tree.children.pop(0)
        first = node
        depth = index
        while True:
            assert node.step is not None
            script.append(node.step[0])
            depth += 1
            if not node.children:
                break
            following = node.children[0]
            if len(node.children) > 1:
                self._frames[depth] = Frame(
                    None, WakeupTree(None, node.children[1:]), since=self._executions
                )
            node = following
        assert first.step is not None
        return self._plan(script, index, {t: o for t, o in sleep.items() if t != first.step[0]})
