"""One execution of the program under test: which thread runs, until when, and what it did.

Every thread announces its next operation before it takes place (`Scheduler.access` for data,
`Scheduler.sync` for primitives).  As long as the plan lets the running thread go on, that costs one
call; otherwise the thread that is to go next is switched to, and the announcing thread waits with
its operation pending.  So in every state the next operation of every thread is known.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Final

from raceproof.events import ThreadId
from raceproof.world.execution import FINISHED, STARTED, Blocked, Execution, Plan, VirtualThread
from raceproof.world.fibers import ExecutionAbandoned, Hub, OutOfFibers
from raceproof.world.scheduling.waits import Waits

AFTERLIFE: Final = 60
"""Events for which daemons go on after the main thread is over."""


class Scheduler(Waits):
    """Runs executions, one at a time.

    There is one scheduler in a process (`machine`): hooks and simulated primitives reach it by
    name because the program under test cannot hand it to them.
    """

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

    @property
    def obstructs_exit(self) -> bool:
        """Whether threads were left standing that would not let the interpreter end."""
        return self._hub is not None and self._hub.obstructs_exit

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


machine: Final = Scheduler()
"""The scheduler of this process."""
