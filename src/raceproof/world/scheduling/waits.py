"""Operations of primitives may have to wait: for their guards, or for time to pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raceproof.events import READ, WRITE, Operation
from raceproof.world.execution import VirtualThread
from raceproof.world.scheduling.choice import SHORTEST
from raceproof.world.scheduling.loop_knowledge import MOST_EARLY
from raceproof.world.scheduling.loops import Loops


class Waits(Loops):
    """Waits without and with an end, tries, and sleeps in code that is not watched."""

    def sync(self, operation: Operation, subject: Any = None, timeout: float | None = None) -> bool:
        """The running thread is about to use a primitive; returns when it may.

        Returns False if the wait for the operation's guards expired instead (`timeout` seconds
        of virtual time; None: wait for ever).  The caller applies the effect.
        """
        thread = self.current
        if not self.active or self.end:
            self.unwind()
        if not self.recording:
            return self._sync_unrecorded(thread, operation, timeout, subject)
        thread.pending = operation
        tid = thread.tid
        if timeout is not None:
            # Even if there is nothing to wait for by now: the thread might have come earlier.
            self.timed_waits = True
        if self.step >= self.limit or not operation.enabled(tid):
            if timeout is not None and self.timeouts != "never":
                thread.deadline = thread.clock + timeout
            self._stand_still(thread, operation, subject)
            thread.deadline = None
            if self._has_expired(thread):
                operation = self._expiry(operation)
                thread.pending = operation
                if self.recording:
                    self._record(thread, operation, subject)
                return False
            if self.truncated:
                return True
        self._record(thread, operation, subject)
        return True

    def _sync_unrecorded(
        self, thread: VirtualThread, operation: Operation, timeout: float | None, subject: Any
    ) -> bool:
        """Like `sync`, before the first thread is started and after the last recorded event."""
        if self.truncated:
            # It may be polling.
            self.pass_unrecorded_loop()
        if operation.enabled(thread.tid):
            if self.observer is not None:
                self.observer.on_unrecorded(thread, operation, subject)
            return True
        thread.pending = operation
        if timeout is not None:
            thread.deadline = thread.clock + timeout
        self._stand_still(thread, operation, subject)
        thread.deadline = None
        return not self._has_expired(thread)

    def _expiry(self, operation: Operation) -> Operation:
        """The event "this wait gave up": ordered after everything, since nothing else could run."""
        owner = operation.accesses[0][0].owner
        key = ("expired", operation.kind, operation.locations)
        found = owner.operations.get(key)
        if found is None:
            accesses = (*operation.accesses, (self.naming.time, READ), (self.idle, WRITE))
            found = owner.operations[key] = Operation(
                "timeout of " + operation.kind, accesses, fence=True, instead_of=operation
            )
        return found

    def turn(
        self, announced: Operation, decide: Callable[[], Operation], subject: Any = None
    ) -> Operation:
        """Wait for the guards of `announced`; what then takes place is what `decide` says.

        For operations whose footprint depends on the state that they meet.  `decide` may apply the
        effect on the side; states of accessed locations change only after `turn` has returned.
        """
        thread = self.current
        if not self.active or self.end:
            self.unwind()
        thread.pending = announced
        if self.recording:
            if self.step >= self.limit or not announced.enabled(thread.tid):
                self._stand_still(thread, announced, subject)
        elif not announced.enabled(thread.tid):
            self._stand_still(thread, announced, subject)
        operation = decide()
        if self.recording:
            thread.pending = operation
            self._record(thread, operation, subject)
        return operation

    def tries(self, timeout: float | None) -> bool:
        """Whether a wait of this length (None: for ever) is a try: to be announced by `attempt`.

        One of no length always is; any other that has an end is if timeouts may come early.
        """
        return timeout == 0 or (
            timeout is not None
            and self.timeouts == "any"
            and self.recording
            and not self.end
            and self.current.early < MOST_EARLY
        )

    def attempt(
        self, success: Operation, failure: Operation, possible: Callable[[], bool], subject: Any,
        patience: float | None = 0,
    ) -> bool:  # fmt: skip
        """A try: `success` happens if `possible()` when its turn comes, else `failure`.

        Both have the same guards, if any.  With `patience` (seconds) it is a wait that may expire
        at any time.  That is a try, too: its turn comes after all others have gone as far as they
        can, or wherever the search wants it.  Returns which; the caller applies the effect.
        """
        thread = self.current
        if not self.active or self.end:
            self.unwind()
        if not self.recording:
            if self.truncated:
                self.pass_unrecorded_loop()
            return possible()
        thread.pending = success
        if patience:
            failure = self._early_expiry(success, failure)
            self._wait_patiently(thread, success, possible, subject, thread.clock + patience)
        elif self.step >= self.limit or (success.guards and not success.enabled(thread.tid)):
            self._stand_still(thread, success, subject)
        succeeded = possible()
        if self.recording:
            if patience and not succeeded:
                thread.naps += 1
                thread.early += 1
                if self._others_could_go_on(thread):
                    self.preemptions.append(self.step)
            thread.pending = operation = success if succeeded else failure
            self._record(thread, operation, subject)
        return succeeded

    def _wait_patiently(
        self, thread: VirtualThread, operation: Operation, possible: Callable[[], bool],
        subject: Any, deadline: float,
    ) -> None:  # fmt: skip
        """Let others go first until `possible()`; returns earlier when the plan says so."""
        self.timed_waits = True
        thread.deadline = deadline
        thread.hoped_for = possible
        unscripted = self.step >= len(self.script)
        if (
            self.step >= self.limit
            or (unscripted and not possible())
            or not operation.enabled(thread.tid)
        ):
            self._stand_still(thread, operation, subject)
        thread.deadline = thread.hoped_for = None
        if not possible():
            # As after a sleep, it is this thread's own clock that has moved on.
            thread.clock = max(thread.clock, deadline)

    def _early_expiry(self, success: Operation, failure: Operation) -> Operation:
        """The event "this wait gave up": what `failure` looks at and changes, under its name."""
        owner = success.accesses[0][0].owner
        key = ("gave up", success)
        found = owner.operations.get(key)
        if found is None:
            found = owner.operations[key] = Operation(
                "timeout of " + success.kind, failure.accesses, guards=failure.guards,
                instead_of=success,
            )  # fmt: skip
        return found

    def _others_could_go_on(self, thread: VirtualThread) -> bool:
        """Whether it was not for want of anybody else that it is the turn of `thread`."""
        return any(
            other is not thread and other.pending.enabled(other.tid) and not other.waits_patiently()  # type: ignore[union-attr]
            for other in self.live.values()
        )

    def rest(self, seconds: float) -> None:
        """The running thread sleeps in code that is not watched, where it may be polling.

        What it will look at next cannot be known, so this is where others get their turn, and
        where time may pass.  It could go on at any time all the same, so this is an event.
        """
        thread = self.current
        if not self.active or self.end:
            self.unwind()
        thread.clock = max(self.clock, thread.clock) + max(seconds, SHORTEST)
        self.spins += 1
        self._keep_time_limit()
        if not self.recording:
            if self.truncated:
                self._rest_unrecorded(thread)
            return
        thread.pending = operation = self._thread_operation(thread, "sleep")
        polling = self._has_only_looked(thread)
        self.fair_only = self.fair_only or polling
        thread.deadline = thread.clock
        thread.resting = polling or self.plan.chooser is None
        if self.step >= min(self.limit, len(self.script)):
            self.giving_way = polling and len(self.live) > 1
            self._hand_over(thread)
        thread.resting = False
        thread.deadline = None
        if self.recording:
            self._record(thread, operation, None)

    def _rest_unrecorded(self, thread: VirtualThread) -> None:
        thread.pending = self._thread_operation(thread, "sleep")
        thread.deadline = thread.clock
        thread.resting = True
        self._hand_over(thread)
        thread.resting = False
        thread.deadline = None

    def _has_only_looked(self, thread: VirtualThread) -> bool:
        """Whether `thread` has changed nothing since it slept last."""
        for step in range(self.step - 1, -1, -1):
            if self.threads[step] == thread.tid:
                operation = self.operations[step]
                if operation.kind == "sleep":
                    return True
                if not (operation.fence or all(mode == READ for _, mode in operation.accesses)):
                    return False
        return False
