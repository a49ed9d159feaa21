"""What is known of threads that wait in loops: who hears of what, who comes out after all."""

from __future__ import annotations

from typing import Final

from raceproof.events import READ, WRITE, Access, Operation, ThreadId
from raceproof.world.execution import VirtualThread
from raceproof.world.scheduling.state import State
from raceproof.world.spinners import Rounds, Spinner

MOST_EARLY: Final = 2
"""How often a thread gives up a wait early; after that, only when nobody else can go on.

Threads that poll would have no end of orders otherwise.  (The bound is on what the thread itself
has done, so that equivalent interleavings agree on it.)
"""
LAST_CHANCE: Final = 20_000
"""Rounds, unwatched, after which a loop that nobody is left to end counts as going on for ever."""


def _never(_state: object, _: ThreadId) -> bool:
    return False


class LoopKnowledge(State):
    """Threads that wait in loops, and loops that looked as if they waited."""

    def _tell_spinners(self, operation: Operation) -> None:
        """Threads that spin on something that this operation changes may look again.

        (Or they will, later: see `Plan.patient`.)  After an event that happened only because nobody
        could go on, all of them may.
        """
        if operation.fence:
            for spinner in self.spinning.release(self.working):
                spinner.thread.pending = self._spin_operation("look again")
            self.working = 0
            return
        for spinner in self.spinning.hear(operation):
            if spinner.thread is self.current or not spinner.idle:
                continue
            spinner.news = True
            spinner.rounds.promised = False
            if not self.patient:
                self.spinning.take(spinner.thread)
                spinner.thread.pending = self._spin_operation("look again")

    def _spin_operation(self, kind: str, accesses: tuple[Access, ...] = ()) -> Operation:
        """Standing still at the head of a loop ("spin"), and going on from there: because nobody
        else can ("retry"), or for another reason ("look again")."""
        key = (kind, *[location for location, _ in accesses])
        found = self.naming.spins.get(key)
        if found is None:
            if kind == "spin":
                guards = ((accesses[0][0], _never),)
                found = Operation(kind, accesses, guards=guards, passive=True)
            elif kind == "retry":
                changes = ((self.idle, WRITE), (self.naming.time, READ))
                found = Operation(kind, changes, fence=True)
            else:
                found = Operation(kind, ((self.idle, READ),), passive=True)
            self.naming.spins[key] = found
        return found

    def expires_early(self, thread: VirtualThread) -> bool:
        """Whether a wait of `thread` gives up early this time, where waits may do so."""
        thread.early += 1
        return thread.early <= MOST_EARLY

    def is_overdue(self, thread: VirtualThread) -> bool:
        """Whether, by the clock of `thread`, the wait of another thread should be over."""
        return self._earliest_deadline() <= thread.clock

    def let_time_pass(self, seconds: float) -> None:
        """Nothing happens for so long that the running thread may as well see the time go by."""
        thread = self.current
        thread.clock = max(thread.clock, min(thread.clock + seconds, self._earliest_deadline()))

    def _earliest_deadline(self) -> float:
        deadlines = (t.deadline for t in self.live.values() if t.deadline is not None)
        return min(deadlines, default=float("inf"))

    def _give_chance(self) -> VirtualThread | None:
        """Somebody whose loop may go on unwatched, to see whether it really never ends."""
        for spinner in self.spinning.waiting:
            if spinner.may_be_work and spinner.rounds.site not in self.endless:
                self.chance = self.spinning.take(spinner.thread)
                self.chances = LAST_CHANCE
                self.watching = self.recording = False
                spinner.thread.pending = self._spin_operation("look again")
                return spinner.thread
        return None

    def learn_of_loop(self, rounds: Rounds) -> None:
        """A loop looked as if it waited for others, but came to an end by itself.

        What was left out as mere waiting may have been more than that.
        """
        if rounds.place in self.insights:
            return
        self.learn(rounds.place)
        if rounds.place not in self.insights:
            self.misjudged.add(rounds.site)

    def _come_out(self, spinner: Spinner) -> None:
        """A loop that seemed never to end did end."""
        self.chance = None
        if spinner.learns:
            self.learn_of_loop(spinner.rounds)
            if self.learned:
                self.conclude("restless")
        else:
            self.outside.add(spinner.rounds.site)
        self.truncated = True

    def _learn_of_loops(self) -> None:
        """Which loops did not do the same as before although nothing had changed?"""
        if self.chance is not None:
            if self.chance.learns:
                self.learn_of_loop(self.chance.rounds)
                self.end = "restless" if self.learned else self.end
            self.chance = None
        latest: dict[ThreadId, Operation] = {}
        for thread in self.everyone:
            promised = [
                rounds
                for rounds in thread.loops.values()
                if isinstance(rounds, Rounds) and rounds.promised
            ]
            if promised and not latest:
                latest = dict(zip(self.threads, self.operations, strict=False))
            for rounds in promised:
                last = latest.get(thread.tid)
                if last is None or last.fence or last.passive or last in rounds.operations:
                    continue
                self.learn_of_loop(rounds)
