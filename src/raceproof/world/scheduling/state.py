"""What the scheduler knows: of the process, of the exploration, of the execution under way."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container
from random import Random
from time import perf_counter
from types import FrameType
from typing import Final, NoReturn

from raceproof.events import STATE, Operation, ThreadId
from raceproof.world.carriers import AUTO, hub_class
from raceproof.world.execution import Departure, Plan, VirtualThread
from raceproof.world.fibers import ExecutionAbandoned, Hub
from raceproof.world.naming import Naming, ObjectTable
from raceproof.world.spinners import Spinner, Spinners
from raceproof.world.thread_state import ThreadState

MAX_REFUSALS: Final = 200
"""How often a thread may ignore that it has to go."""


class State:
    """The fields of the scheduler, and how an execution or a thread is brought to an end."""

    current: VirtualThread
    """The running thread."""

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

    @property
    def ident(self) -> int:
        """The thread of the operating system in which the execution under way runs."""
        assert self._hub is not None
        return self._hub.ident

    def conclude(self, end: str, detail: str = "") -> NoReturn:
        """End the execution here and now; does not return."""
        if not self.end:
            self.end = end
            self.detail = detail
        self.watching = self.recording = False
        assert self._hub is not None
        self._hub.switch()
        raise ExecutionAbandoned

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

    def _keep_time_limit(self) -> None:
        """End the execution if it has gone on for too long, or if nobody wants it any more."""
        if self.interrupted:
            self.conclude("interrupted")
        if perf_counter() - self.started_at > self.max_seconds:
            place = self.where()
            if place.rpartition(":")[0] not in self.watched_files:
                place = "no line that is watched"
            self.conclude(
                "steps",
                f"{self.current.name} was still running after {self.max_seconds:.3g} s, at {place}",
            )
