"""Events: operations are announced, wait for the turn of their thread, and are recorded."""

from __future__ import annotations

from typing import Any

from raceproof.events import Operation, dependent
from raceproof.world.execution import Departure, VirtualThread
from raceproof.world.scheduling.choice import Choice


class Events(Choice):
    """Records what happens; accesses to data are events."""

    def access(self, operation: Operation, subject: Any = None) -> None:
        """The running thread is about to access data; returns when it may."""
        thread = self.current
        thread.pending = operation
        if self.step >= self.limit:
            self._hand_over(thread)
            if not self.watching:
                return
        step = self.step
        if step < self.known:
            if self.operations[step] is not operation:
                self._diverged(step, operation)
        else:
            self.threads.append(thread.tid)
            self.operations.append(operation)
            if self.sleep:
                self._wake_sleepers(step + 1, operation)
        self.step = step + 1
        if self.observer is not None:
            self.observer.on_event(step, thread, operation, subject)
        if self.spinning.waiting:
            self._tell_spinners(operation)

    def reserve(self, operation: Operation) -> bool:
        """Announce an operation whose exact footprint depends on the state it will meet.

        True if another thread ran in between: work out the footprint anew, then `commit` it.
        """
        thread = self.current
        thread.pending = operation
        if self.step >= self.limit:
            epoch = self.step
            self._hand_over(thread)
            return self.step != epoch
        return False

    def commit(self, operation: Operation, subject: Any = None) -> None:
        """The reserved operation takes place, with this footprint."""
        if self.watching:
            thread = self.current
            thread.pending = operation
            self._append(thread, operation, subject)

    def prolong(self, part: Operation, whole: Operation | None) -> None:
        """The event that took place last goes on with `part`, nothing having come between, and is
        now `whole`; None if that is not how it went before."""
        step = self.step - 1
        if whole is None:
            self._diverged(step, part)
        elif step >= self.known:
            self.operations[step] = whole
            if self.sleep:
                self._wake_sleepers(step + 1, part)
        if self.spinning.waiting:
            self._tell_spinners(part)

    def _append(self, thread: VirtualThread, operation: Operation, subject: Any) -> None:
        """The event takes place.  (`access` does the same in place, being called most.)"""
        step = self.step
        if step < self.known:
            if self.operations[step] is not operation:
                self._diverged(step, operation)
        else:
            self.threads.append(thread.tid)
            self.operations.append(operation)
            if self.sleep:
                self._wake_sleepers(step + 1, operation)
        self.step = step + 1
        if self.observer is not None:
            self.observer.on_event(step, thread, operation, subject)
        if self.spinning.waiting:
            self._tell_spinners(operation)

    def _record(self, thread: VirtualThread, operation: Operation, subject: Any) -> None:
        """The event takes place, and the search may want to know in which state."""
        accesses = operation.accesses
        if len(accesses) == 1:
            self.before[self.step] = (accesses[0][0].state,)
        else:
            self.before[self.step] = tuple([location.state for location, _ in accesses])
        self._append(thread, operation, subject)

    def _stand_still(self, thread: VirtualThread, operation: Operation, subject: Any) -> None:
        """Let others go before `operation`, because it has to wait or because it is their turn."""
        thread.blocking_subject = subject
        if self.observer is not None:
            self.observer.on_announce(thread, operation, not operation.enabled(thread.tid))
        self._hand_over(thread)
        thread.blocking_subject = None

    def _has_expired(self, thread: VirtualThread) -> bool:
        """Whether the wait of `thread` has just been ended for it."""
        expired, thread.expired = thread.expired, False
        if expired:
            thread.naps += 1
        return expired

    def _diverged(self, step: int, operation: Operation) -> None:
        place = self.where()
        if place.rpartition(":")[0] not in self.watched_files:
            place = ""
        self.departure = Departure(step, self.current.name, self.operations[step], operation, place)
        self.conclude("diverged")

    def _wake_sleepers(self, step: int, operation: Operation) -> None:
        """Threads whose pending operation is dependent with this one need no longer sleep."""
        sleep = self.sleep
        tid = self.current.tid
        awake = [t for t, pending in sleep.items() if t == tid or dependent(pending, operation)]
        if awake:
            self.sleep = {t: pending for t, pending in sleep.items() if t not in awake}
            self.sleeps.append((step, self.sleep))
