"""One execution of the program under test: which thread runs, until when, and what it did.

Every thread announces its next operation before it takes place (`Scheduler.access` for data,
`Scheduler.sync` for primitives).  As long as the plan lets the running thread go on, that costs one
call; otherwise the thread that is to go next is switched to, and the announcing thread waits with
its operation pending.  So in every state the next operation of every thread is known.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container
from random import Random
from time import perf_counter
from types import FrameType
from typing import Any, Final, NoReturn

from raceproof.events import (
    READ,
    STATE,
    UPDATE,
    WRITE,
    Access,
    Operation,
    ThreadId,
    dependent,
)
from raceproof.world.carriers import AUTO, hub_class
from raceproof.world.execution import (
    FINISHED,
    NEW,
    STARTED,
    Blocked,
    Departure,
    Execution,
    Plan,
    VirtualThread,
)
from raceproof.world.fibers import ExecutionAbandoned, Hub, OutOfFibers
from raceproof.world.naming import Naming, ObjectTable
from raceproof.world.spinners import Rounds, Spinner, Spinners
from raceproof.world.thread_state import ThreadState

FOREVER: Final = sys.maxsize
MAX_REFUSALS: Final = 200
"""How often a thread may ignore that it has to go."""

MOST_EARLY: Final = 2
"""How often a thread gives up a wait early; after that, only when nobody else can go on.

Threads that poll would have no end of orders otherwise.  (The bound is on what the thread itself
has done, so that equivalent interleavings agree on it.)
"""

SHORTEST: Final = 1e-3
"""Seconds that a wait lasts at least before it expires: nobody need look more often than that."""

IN_VAIN: Final = 1_000
LONG: Final = 3_600.0
"""When so many sleeps in a row, and so many seconds, have changed nothing, nothing will."""

AFTERLIFE: Final = 60
"""Events for which daemons go on after the main thread is over."""
LAST_CHANCE: Final = 20_000
"""Rounds, unwatched, after which a loop that nobody is left to end counts as going on for ever."""


def _started(state: object, _: ThreadId) -> bool:
    return state is not NEW


def _finished(state: object, _: ThreadId) -> bool:
    return state is FINISHED


def _by_deadline(thread: VirtualThread) -> tuple[float, ThreadId]:
    # Not the order of `live`: that depends on the order in which threads were started.
    return (FOREVER if thread.deadline is None else thread.deadline, thread.tid)


def _never(_state: object, _: ThreadId) -> bool:
    return False


class Scheduler:
    """Runs executions, one at a time.

    There is one scheduler in a process (`machine`): hooks and simulated primitives reach it by
    name because the program under test cannot hand it to them.
    """

    def __init__(self) -> None:
        self.active = False
        """An execution is under way."""
        self.watching = False
        """Accesses to data are events (more than one thread has been started, and the limit on
        recorded events is not reached)."""
        self.recording = False
        """Operations of primitives are events."""
        self.naming = Naming()
        self.objects = ObjectTable(self.naming)
        self.max_events = 20_000
        self.quantum = 1_999  # prime: loops are not interrupted at the same place each time
        self.max_seconds = 30.0
        self.timeouts = "idle"
        """When a wait with a timeout may expire: if nobody else can go on ("idle"), at any time
        ("any"), or never ("never")."""
        self.clock = 0.0
        self.watched_files: Container[str] = ()
        self.started_at = 0.0
        self.preparing = False
        """It is raceproof that is at work, not the program: a module is being rewritten."""
        self.is_watched_function: Callable[[str], bool] = lambda name: True
        """Whether watched code has a function or method of this name."""
        self.epoch = 0
        """Counts executions; primitives that outlive one notice by it."""
        self.beginning = 0
        """The first execution of the exploration at hand."""
        self.timed_waits = False
        """Some wait with a timeout had to wait."""
        self.daemons_cut_off = False
        """Some thread could still have gone on when an execution was ended for good."""
        self.fair_only = False
        """Some loop let time pass, and was followed only as far as others could still act."""
        self.loops_ran = False
        """Some event loop has run its tasks, in the order that it keeps by itself."""
        self.insights: set[str] = set()
        """What executions have taught about the program, and later ones go by; see `learn`."""
        self.learned = False
        """There are new ones."""
        self.teachable = True
        """New ones are welcome."""
        self._hub_class = hub_class(AUTO)
        self.counting = False
        """Some loop that counts its rounds was followed for a number of them only."""
        self.endless: set[int] = set()
        """Loops (by their sites) that were given a last chance."""
        self.outside: set[int] = set()
        """Loops that came to an end because of something that cannot be seen."""
        self.misjudged: set[int] = set()
        """Loops that looked like waits and were none; it was too late to start again."""
        self._hub: Hub | None = None
        self.refusals = 0
        self.thread_state = ThreadState()
        self.forget()
        self._reset(Plan())

    def forget(self) -> None:
        """Start a new exploration: names given so far mean nothing any more."""
        self.naming = Naming()
        self.objects = ObjectTable(self.naming)
        self.beginning = self.epoch + 1
        self.timed_waits = self.fair_only = self.counting = self.daemons_cut_off = False
        self.loops_ran = False
        # Whoever goes on for want of anybody else, or after that, has this in common.
        self.idle = self.naming.object("idle", "thread").location(STATE)

    def learn(self, insight: str) -> None:
        """From now on, operations are announced that were not so far, or go by other names.

        So what was found out up to now is of no use: who leads the search has to start it again.
        """
        if self.teachable and insight not in self.insights:
            self.insights.add(insight)
            self.learned = True

    def unlearn(self) -> None:
        """The next program is another one."""
        self.insights.clear()
        self.learned, self.teachable = False, True
        self.endless.clear()
        self.outside.clear()
        self.misjudged.clear()

    def where(self, frame: FrameType | None = None) -> str:
        """The innermost line of watched code on a stack (default: the caller's)."""
        frame = frame or sys._getframe(1)
        inner = ""
        at: FrameType | None = frame
        while at is not None:
            place = f"{at.f_code.co_filename}:{at.f_lineno} ({at.f_code.co_qualname})"
            if at.f_code.co_filename in self.watched_files:
                return place
            inner = inner or place
            at = at.f_back
        return inner

    def interrupt(self) -> None:
        """End the execution under way at its next event (from a signal handler)."""
        self.interrupted = True
        self.limit = 0

    # -- one execution ---------------------------------------------------------------------------

    def _reset(self, plan: Plan) -> None:
        self.plan = plan
        self.step = 0
        self.known = plan.known
        self.script = plan.script
        self.threads = plan.threads
        self.operations = plan.operations
        self.before = plan.before
        self.sleep: dict[ThreadId, Operation] = {}
        self.sleeps: list[tuple[int, dict[ThreadId, Operation]]] = []
        self.spinning = Spinners()
        self.working = 0
        """Rounds that those who work on and on may go, now that nobody else can."""
        self.patient = plan.patient
        self.tail: int | None = None
        self.mixer: Random | None = None
        """Threads that work on and on may keep step with each other: then it chooses among them."""
        self.chance: Spinner | None = None
        """Its loop is being given a last chance to end."""
        self.chances = 0
        self.observer = plan.observer
        self.limit = 0
        self.share_end = -1
        self.vain = 0
        """How often in a row none but a thread that sleeps could go on."""
        self.vain_since = 0.0
        self.clock = 0.0
        self.truncated = False
        self.slips = 0
        self.departure: Departure | None = None
        self.spins = 0
        self.switches = 0
        """Times that another thread has gone on than the one that ran."""
        self.live: dict[ThreadId, VirtualThread] = {}
        self.everyone: list[VirtualThread] = []
        self.preemptions: list[int] = []
        self.end = ""
        self.detail = ""
        self.interrupted = False
        self.afterlife = 0
        """Once the main thread is over: the event at which the process ends for good, even if
        threads that are daemons could go on."""
        self.giving_way = False
        """The running thread sleeps in a loop: if others can go on, it is their turn."""

    def execute(self, body: Callable[[], None], plan: Plan) -> Execution:
        """Run `body` as the main thread, steered by `plan`, until nobody can go on."""
        self._reset(plan)
        self.epoch += 1
        self.thread_state.reset()
        self.objects.clear()
        self.objects.on_create = None if self.observer is None else self.observer.on_create
        self._hub = self._hub_here()
        self.started_at = perf_counter()
        main = self._make_thread(0, ())
        main.name = "MainThread"
        main.location.state = STARTED
        main.fiber = self._hub.fiber(self._runner(main, body), main.tid)
        self.current = main
        self.live[0] = main
        self.active = True
        self.watching = False
        self.recording = False
        try:
            self._hub.serve(main.fiber)
        finally:
            blocked = [
                Blocked(thread, thread.pending)
                for thread in self.live.values()
                if thread.pending is not None and not thread.finished
            ]
            self.watching = self.recording = False
            self._abandon_all()
            self.active = False
        if self._hub.error is not None:
            error, self._hub.error = self._hub.error, None
            raise error
        self._learn_of_loops()
        if self.step < self.known and self.end in ("finished", "exit"):
            self._cannot_follow(self.step, plan.script[self.step], None)
            self.end = "diverged"
        return Execution(
            self.threads, self.operations, self.before, self.sleeps, self.end, self.detail,
            blocked, self.everyone, self.departure, self.truncated, self.slips, self.preemptions,
            self.tail,
        )  # fmt: skip

    def carry_by(self, kind: type[Hub]) -> None:
        """Have the threads of the executions to come carried by fibers of this kind."""
        self._hub_class = kind
        self._hub = self._hub_here()

    @property
    def carrier(self) -> type[Hub]:
        """What kind of fibers carries the threads."""
        return self._hub_class

    @property
    def ident(self) -> int:
        """The thread of the operating system in which the execution under way runs."""
        assert self._hub is not None
        return self._hub.ident

    def release_fibers(self) -> None:
        """Let go of what is kept for executions to come."""
        if self._hub is not None:
            self._hub.close()

    def _hub_here(self) -> Hub:
        """The hub on the running stack; normally there is one for the whole process."""
        hub = self._hub
        if hub is not None and type(hub) is self._hub_class and hub.is_here:
            return hub
        self.release_fibers()
        return self._hub_class()

    def _make_thread(self, tid: ThreadId, path: tuple[int, ...]) -> VirtualThread:
        shared = self.naming.object(("thread", path), "thread")
        thread = VirtualThread(tid, path, shared)
        self.everyone.append(thread)
        return thread

    def _runner(self, thread: VirtualThread, body: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                if self.recording and thread.pending is not None:
                    self._record(thread, thread.pending, thread)
                body()
            except ExecutionAbandoned:
                return
            if not self.active or self.end:
                return
            try:
                self._finish(thread)
            except ExecutionAbandoned:
                return

        return run

    def _abandon_all(self) -> None:
        """Unwind whoever is still alive.  Hooks and primitives do nothing meanwhile."""
        assert self._hub is not None
        for thread in self.everyone:
            fiber = thread.fiber
            if fiber is not None:
                self.current = thread
                self.refusals = 0
                fiber.abandon()
                self._hub.take_back(fiber)
            thread.fiber = None

    def conclude(self, end: str, detail: str = "") -> NoReturn:
        """End the execution here and now; does not return."""
        if not self.end:
            self.end = end
            self.detail = detail
        self.watching = self.recording = False
        assert self._hub is not None
        self._hub.switch()
        raise ExecutionAbandoned

    def break_off(self, end: str, detail: str) -> None:
        """End the execution although the running thread does not come back (from a signal
        handler, so that whatever it is at can be interrupted)."""
        self.end = self.end or end
        self.detail = self.detail or detail
        assert self._hub is not None
        self._hub.break_in()

    def leave_the_world(self) -> None:
        """Simulate nothing any more: an execution that cannot be ended stands still for ever, and
        its process has nothing left to do but say so (called by any thread)."""
        self.active = self.watching = self.recording = False

    def unwind(self) -> NoReturn:
        """The execution is over: the running thread has to go.

        One that will not (`except BaseException` in an endless loop) is left standing.
        """
        self.refusals += 1
        if self.refusals > MAX_REFUSALS:
            assert self._hub is not None
            while True:
                self._hub.switch()
        raise ExecutionAbandoned

    @property
    def obstructs_exit(self) -> bool:
        """Whether threads were left standing that would not let the interpreter end."""
        return self._hub is not None and self._hub.obstructs_exit

    # -- threads ---------------------------------------------------------------------------------

    def spawn(self, body: Callable[[], None], name: str, daemon: bool) -> VirtualThread:
        """Make and start a thread; returns the thread."""
        parent = self.current
        path = (*parent.path, parent.children)
        parent.children += 1
        thread = self._make_thread(self.naming.thread_id(path), path)
        thread.name = name
        thread.daemon = daemon
        thread.clock = parent.clock
        if self.chance is not None:
            self._come_out(self.chance)
        if not self.recording and not self.truncated:
            self.recording = True
            self.watching = True
        self.sync(self._thread_operation(thread, "start"), thread)
        thread.location.state = STARTED
        assert self._hub is not None
        try:
            thread.fiber = self._hub.fiber(self._runner(thread, body), thread.tid)
        except OutOfFibers as error:
            self.conclude("uncontrolled", str(error))
        thread.pending = self._thread_operation(thread, "begin")
        self.live[thread.tid] = thread
        if self.plan.ask_after_start and self.recording:
            self.limit = self.step
        return thread

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

    def join(self, thread: VirtualThread, timeout: float | None = None) -> bool:
        """Wait until `thread` has finished; False when the wait expired (`timeout` in seconds)."""
        if self.tries(timeout):
            done = self.attempt(
                self._thread_operation(thread, "join at once"),
                self._thread_operation(thread, "is_alive"),
                lambda: thread.location.state is FINISHED,
                thread,
                timeout,
            )
        else:
            done = self.sync(self._thread_operation(thread, "join"), thread, timeout)
        if done:
            self.current.clock = max(self.current.clock, thread.clock)
        return done

    def look_whether_alive(self, thread: VirtualThread) -> bool:
        """`Thread.is_alive`: a read of the thread's state."""
        self.sync(self._thread_operation(thread, "is_alive"), thread)
        return thread.location.state is STARTED

    def _finish(self, thread: VirtualThread) -> None:
        """The body of `thread` is over: say so, and go on with somebody else."""
        self.sync(self._thread_operation(thread, "finish"), thread)
        thread.location.state = FINISHED
        thread.finished = True
        thread.pending = None
        del self.live[thread.tid]
        if thread.path == ():
            # The interpreter joins the threads that are not daemons before main is over (see
            # `threads.py`), so whoever is left dies with the process.  They go on for a while all
            # the same, unheard: what they would have done next might have come before, and the
            # search learns of it only if it happens.
            if not self.recording or not self.live:
                self.end = "finished"
                return
            self.afterlife = self.step + AFTERLIFE
        successor = self._choose(thread)
        if self.observer is not None:
            self.observer.on_switch(self.step, thread, successor)
        self.current = successor
        assert thread.fiber is not None
        assert successor.fiber is not None
        thread.fiber.continue_into(successor.fiber)

    # -- events ----------------------------------------------------------------------------------

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
        if self.step >= self.limit or not operation.enabled(tid):
            if timeout is not None:
                self.timed_waits = True
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

    def _stand_still(self, thread: VirtualThread, operation: Operation, subject: Any) -> None:
        """Let others go before `operation`, because it has to wait or because it is their turn."""
        thread.blocking_subject = subject
        if self.observer is not None:
            self.observer.on_announce(thread, operation, not operation.enabled(thread.tid))
        self._hand_over(thread)
        thread.blocking_subject = None

    def _record(self, thread: VirtualThread, operation: Operation, subject: Any) -> None:
        """The event takes place, and the search may want to know in which state."""
        accesses = operation.accesses
        if len(accesses) == 1:
            self.before[self.step] = (accesses[0][0].state,)
        else:
            self.before[self.step] = tuple([location.state for location, _ in accesses])
        self._append(thread, operation, subject)

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

    def _has_expired(self, thread: VirtualThread) -> bool:
        """Whether the wait of `thread` has just been ended for it."""
        expired, thread.expired = thread.expired, False
        if expired:
            thread.naps += 1
        return expired

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

    def _diverged(self, step: int, operation: Operation) -> None:
        place = self.where()
        if place.rpartition(":")[0] not in self.watched_files:
            place = ""
        self.departure = Departure(step, self.current.name, self.operations[step], operation, place)
        self.conclude("diverged")

    def _cannot_follow(self, step: int, tid: ThreadId, thread: VirtualThread | None) -> None:
        """The script has a thread perform event `step` that cannot do so: note the first time."""
        if self.departure is None:
            expected = self.operations[step] if step < self.known else None
            name = next((one.name for one in self.everyone if one.tid == tid), "")
            pending = None if thread is None else thread.pending
            self.departure = Departure(step, name, expected, pending)

    def _wake_sleepers(self, step: int, operation: Operation) -> None:
        """Threads whose pending operation is dependent with this one need no longer sleep."""
        sleep = self.sleep
        tid = self.current.tid
        awake = [t for t, pending in sleep.items() if t == tid or dependent(pending, operation)]
        if awake:
            self.sleep = {t: pending for t, pending in sleep.items() if t not in awake}
            self.sleeps.append((step, self.sleep))

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

    # -- loops that come to an end after all -----------------------------------------------------

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

    def _lose_chance(self, spinner: Spinner) -> None:
        """It never ends.  Nothing has happened since it was last watched."""
        self.chance = None
        self.endless.add(spinner.rounds.site)
        self.watching = self.recording = True
        self._stand_in_loop(spinner)

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

    def give_way(self) -> None:
        """The running thread would be as content to go on later: let others go first.

        (Musuvathi and Qadeer, "Fair stateless model checking", PLDI 2008: a thread that yields has
        a lower priority until the others have had their turn.)
        """
        self.fair_only = True
        if self.step >= len(self.script) and len(self.live) > 1:
            self.giving_way = True
            self.limit = self.step

    def prefer_those_at(self, subject: Any) -> None:
        """Threads that wait for this object go first, unless the plan says otherwise."""
        if (
            self.recording
            and self.plan.chooser is None
            and self.step >= len(self.script)
            and any(thread.blocking_subject is subject for thread in self.live.values())
        ):
            self.giving_way = True
            self.limit = self.step

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

    def _keep_time_limit(self) -> None:
        """End the execution if it has gone on for too long, or if nobody wants it any more."""
        if self.interrupted:
            self.conclude("interrupted")
        if perf_counter() - self.started_at > self.max_seconds:
            self.conclude(
                "steps",
                f"{self.current.name} was still running after "
                f"{self.max_seconds:.3g} s, at {self.where()}",
            )

    # -- switching -------------------------------------------------------------------------------

    def _hand_over(self, thread: VirtualThread) -> None:
        """Let whoever is to go next go; returns when `thread` is."""
        willingly = self.giving_way or thread.resting
        target = self._choose(thread)
        if target is not thread:
            if (
                not willingly
                and thread.pending.enabled(thread.tid)  # type: ignore[union-attr]
                and not thread.waits_patiently()
            ):
                self.preemptions.append(self.step)
            self.switches += 1
            if self.observer is not None:
                self.observer.on_switch(self.step, thread, target)
            here, there = thread.fiber, target.fiber
            assert here is not None
            assert there is not None
            if here.current() is not here.stack:
                self.conclude(
                    "uncontrolled",
                    f"{thread.name} runs in a greenlet of its own, at {self.where()}: raceproof "
                    "would not find back there, because it has greenlets for threads; use "
                    "--threads os",
                )
            self.current = target
            state = self.thread_state
            if state.active:
                state.leave(thread)
            there.switch()
            if state.active:
                state.enter(thread)
            if self.end:
                raise ExecutionAbandoned

    def _enter_unknown(self, step: int) -> None:
        """From the first event that is not a repetition on, the sleep set counts."""
        if step == self.known and not self.sleeps:
            self.sleep = dict(self.plan.sleep)
            self.sleeps.append((step, self.sleep))

    def _choose(self, thread: VirtualThread) -> VirtualThread:
        """Who performs event `step`.  Sets `limit`: until which event that thread may go on."""
        if self.interrupted:
            self.conclude("interrupted")
        if self.chance is not None:
            self._come_out(self.chance)
        if self.afterlife and (
            self._is_cut_off() or not any(t.pending.enabled(t.tid) for t in self.live.values())  # type: ignore[union-attr]
        ):
            self.conclude("finished")
        if self.truncated:
            return self._choose_unrecorded(thread)
        step = self.step
        if step >= self.max_events:
            self._stop_recording()
            pending = thread.pending
            if pending is not None and pending.enabled(thread.tid) and not thread.resting:
                return thread  # to take the processor away here would be a preemption
            return self._choose_unrecorded(thread)
        script = self.script
        while step < len(script):
            tid = script[step]
            target = self.live.get(tid)
            possible = False
            if target is not None and target.pending is not None:
                possible = target.pending.enabled(tid)
                if not possible and (
                    self._first_idle() is target or self.spinning.has_news(target)
                ):
                    self._expire(target)
                    possible = True
            if possible:
                assert target is not None
                if step < self.known:
                    end = step + 1
                    known = self.known
                    while end < known and script[end] == tid:
                        end += 1
                    self.limit = end
                    return target
                self._enter_unknown(step)
                self.limit = step + 1
                return target
            self._cannot_follow(step, tid, target)
            if step < self.known and not self.plan.lenient:
                self.conclude("diverged")
            self.slips += 1
            del script[step : step + 1 if self.plan.lenient else len(script)]
        if self.plan.stop_after_script:
            self.conclude("stopped")
        self._enter_unknown(step)
        return self._choose_freely(thread)

    def _is_cut_off(self) -> bool:
        """Whether the daemons have had what they get after the end of the main thread."""
        if self.step < self.afterlife:
            return False
        self.daemons_cut_off = True
        return True

    def _choose_freely(self, thread: VirtualThread) -> VirtualThread:
        sleep = self.sleep
        everyone = self.live.values()
        enabled = [t for t in everyone if not t.resting and t.pending.enabled(t.tid)]  # type: ignore[union-attr]
        if enabled:
            self.vain = 0
            if self.step == self.share_end and (spinner := self.spinning.with_news()):
                # Whoever is running does not stop, perhaps because of the one who spins.
                self._expire(spinner.thread)
                self.limit = self.share_end = self.step + self.quantum
                return spinner.thread
        else:
            # Now time passes.
            due = self._first_idle()
            if due is None or self._sleeps_in_vain(due):
                due = self._give_chance()
                if due is None:
                    self.conclude("stuck")
                self.limit = FOREVER
                return due
            if not due.resting:
                self._expire(due)
                self.limit = self.step + 1
                return due
        awake = [t for t in enabled if t.tid not in sleep] if sleep else enabled
        plan = self.plan
        if not awake:
            awake = [t for t in everyone if t.resting and t.tid not in sleep]
            if not awake:
                self.conclude("redundant")
            awake = [min(awake, key=_by_deadline)]
        elif self.timeouts == "any" and not plan.at_every_event:
            # Waits that could expire now do so when there is nothing else to do.
            busy = [t for t in awake if not t.waits_patiently()]
            if not busy:
                awake += [t for t in everyone if t.resting and t.tid not in sleep]
            awake = busy or [min(awake, key=_by_deadline)]
        if self.mixer is not None and (plan.chooser is None or plan.at_every_event):
            target = self.mixer.choice(awake)
            self.limit = self.step + 1
        elif plan.chooser is not None:
            target = plan.chooser(awake, thread)
            self.limit = self.step + 1 if plan.at_every_event else FOREVER
        elif thread in awake and self.step != self.share_end and not self.giving_way:
            target = thread
            self.limit = self.share_end = self.step + self.quantum
        else:
            # `thread` cannot go on, or has had its share: the next one in line.
            later = [t for t in awake if t.tid > thread.tid]
            target = later[0] if later else awake[0]
            self.limit = self.share_end = self.step + self.quantum
        self.giving_way = False
        if self.limit > self.max_events:
            self.limit = self.max_events
        if self.afterlife and self.limit > self.afterlife:
            self.limit = self.afterlife
        return target

    def _stop_recording(self) -> None:
        """Too many events to think about: let the rest of the program run, unwatched."""
        self.truncated = True
        self.watching = self.recording = False
        self.limit = FOREVER

    def _choose_unrecorded(self, thread: VirtualThread) -> VirtualThread:
        enabled = [
            t
            for t in self.live.values()
            if not t.resting and t.pending.enabled(t.tid)  # type: ignore[union-attr]
        ]
        busy = [t for t in enabled if not t.waits_patiently()]
        if busy:
            self.vain = 0
            return next((t for t in busy if t.tid > thread.tid), busy[0])
        if enabled:
            return min(enabled, key=_by_deadline)
        due = self._first_idle()
        if due is None or self._sleeps_in_vain(due):
            self.conclude("stuck")
        if not due.resting:
            self._expire(due)
        return due

    def _first_idle(self) -> VirtualThread | None:
        """When nobody can go on but threads that rest: who is the first that goes on when time
        passes?  None also when somebody can.
        """
        first: VirtualThread | None = None
        time = 0.0
        for thread in self.live.values():
            assert thread.pending is not None
            if not thread.resting and thread.pending.enabled(thread.tid):
                return None
            due = thread.deadline
            # Not the order of `live`: that depends on the order in which threads were started.
            if due is not None and (
                first is None or due < time or (due == time and thread.tid < first.tid)
            ):
                first, time = thread, due
        return self.spinning.next(first) if self.spinning else first

    def _sleeps_in_vain(self, thread: VirtualThread) -> bool:
        """Whether threads that sleep have long been the only ones to go on, `thread` being next."""
        if not thread.resting or len(self.live) == 1:
            return False
        if not self.vain:
            self.vain_since = thread.clock
        self.vain += 1
        return self.vain > IN_VAIN and thread.clock - self.vain_since > LONG

    def _expire(self, thread: VirtualThread) -> None:
        """End the wait of `thread`, moving the clock to its deadline; a spinner looks again."""
        self.vain = 0
        thread.expired = True
        if thread.deadline is not None:
            self.clock = max(self.clock, thread.deadline)
            thread.clock = max(self.clock, thread.clock + SHORTEST)
            return
        spinner = self.spinning.take(thread)
        if spinner.idle and spinner.news:
            if self.tail is None:
                self.tail = self.step
            self.patient = False
            return
        spinner.retry(self._earliest_deadline())
        if not spinner.idle:
            self.working = spinner.rounds.free
            self.mixer = self.mixer or Random(self.step)


machine: Final = Scheduler()
"""The scheduler of this process."""
