"""Threads at the head of a loop: they wait there, or let others go now and then."""

from __future__ import annotations

from raceproof.events import READ, UPDATE, WRITE, Access, Operation, ThreadId
from raceproof.world.execution import FINISHED, NEW, VirtualThread
from raceproof.world.scheduling.events import Events
from raceproof.world.spinners import Rounds, Spinner


def _started(state: object, _: ThreadId) -> bool:
    return state is not NEW


def _finished(state: object, _: ThreadId) -> bool:
    return state is FINISHED


class Loops(Events):
    """What threads that go round a loop ask for."""

    def wait_in_loop(
        self, rounds: Rounds, accesses: tuple[Access, ...], *, idle: bool = True,
        same: bool = False, clocked: bool = False, told: bool = False, cycling: bool = False,
        news: bool = False,
    ) -> None:  # fmt: skip
        """The running thread stands at the head of a loop, and has nothing to do there.

        `accesses` are what it looks at; for the rest see `Spinner`.
        """
        rounds.promised = False
        if news and not self.patient:
            return
        thread = self.current
        pending = self._spin_operation("spin", accesses or ((thread.location, READ),))
        spinner = Spinner(thread, pending, rounds, idle, same, clocked, told, cycling, news)
        self._stand_in_loop(spinner)
        if not idle:
            self.fair_only = True
        elif clocked or rounds.napped:
            self.timed_waits = True
        elif not same:
            self.counting = True

    def _stand_in_loop(self, spinner: Spinner) -> None:
        thread = spinner.thread
        thread.pending = spinner.operation
        self.spinning.add(spinner)
        if self.observer is not None:
            self.observer.on_announce(thread, spinner.operation, True)
        self._hand_over(thread)
        if self._has_expired(thread):
            thread.pending = self._spin_operation("retry")
        if self.recording:
            assert thread.pending is not None
            self._record(thread, thread.pending, None)
        spinner.rounds.head = self.step
        spinner.rounds.naps = thread.naps

    def _lose_chance(self, spinner: Spinner) -> None:
        """It never ends.  Nothing has happened since it was last watched."""
        self.chance = None
        self.endless.add(spinner.rounds.site)
        self.watching = self.recording = True
        self._stand_in_loop(spinner)

    def pass_unrecorded_loop(self) -> None:
        """An unrecorded thread goes round a loop: now and then, give the others a turn."""
        self.spins += 1
        if self.chance is not None:
            self.chances -= 1
            if self.chances <= 0 and all(map(self.is_watched_function, self.chance.rounds.asks)):
                self._lose_chance(self.chance)
                return
            # (Else it may wait for something that cannot be seen, and which takes real time.)
        if self.spins % 256 == 0:
            self._keep_time_limit()
            if len(self.live) > 1 and self.chance is None:
                thread = self.current
                thread.pending = self._thread_operation(thread, "yield")
                self._hand_over(thread)

    def pass_idle_loop(self) -> bool:
        """A thread goes round a loop without any operation: it may do so for a long time.

        Whether it has done so long enough for somebody to ask what it does there.
        """
        self.spins += 1
        if self.spins % 1024:
            return False
        self._keep_time_limit()
        return True

    def _thread_operation(self, thread: VirtualThread, kind: str) -> Operation:
        operations = thread.shared.operations
        operation = operations.get(kind)
        if operation is None:
            place = thread.location
            if kind == "begin":
                operation = Operation(kind, ((place, READ),), guards=((place, _started),))
            elif kind == "join":
                operation = Operation(kind, ((place, READ),), guards=((place, _finished),))
            elif kind == "join at once":
                operation = Operation("join", ((place, READ),))
            elif kind in ("is_alive", "yield"):
                operation = Operation(kind, ((place, READ),))
            elif kind == "sleep":
                operation = Operation(kind, ((place, READ), (self.naming.time, UPDATE)))
            elif kind == "start":
                operation = Operation(kind, ((place, WRITE), (self.naming.threads, UPDATE)))
            else:
                operation = Operation(kind, ((place, WRITE),))
            operations[kind] = operation
        return operation
