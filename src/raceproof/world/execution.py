"""What an execution is asked to do, what it leaves behind, and the threads that take part in it.

Plain data between the search, which writes plans and reads executions, and the scheduler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from raceproof.events import STATE, Operation, SharedObject, ThreadId
from raceproof.world.fibers import Fiber

NEW, STARTED, FINISHED = "new", "started", "finished"
"""States of the location of a thread."""


@dataclass(slots=True)
class Plan:
    """What an execution has to do: follow `script`, then go on as it likes but for `sleep`.

    `script[i]` is the thread that performs event i.  The first `known` events repeat those of an
    earlier execution, whose records are `threads` and `operations` (both of that length; the
    execution appends to them); any departure from them is non-determinism.  From event `known` on
    the threads in `sleep` must not perform their pending operation until something that is
    dependent with it has happened: that was explored before.
    """

    script: list[ThreadId] = field(default_factory=list)
    known: int = 0
    threads: list[ThreadId] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    before: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    sleep: dict[ThreadId, Operation] = field(default_factory=dict)
    lenient: bool = False
    """Skip entries of the script that cannot be followed instead of calling it divergence."""
    stop_after_script: bool = False
    """End the execution where the script ends, as "stopped"."""
    chooser: Callable[[list[VirtualThread], VirtualThread], VirtualThread] | None = None
    """Decides where the script does not; `None`: go on with the same thread while possible."""
    at_every_event: bool = False
    """Ask `chooser` before every event, not only where the running thread cannot go on."""
    ask_after_start: bool = False
    """Ask `chooser` also when a thread has been started."""
    patient: bool = False
    """Let a thread that spins stand until nobody else can go on, even if there is news for it: the
    order in which it looks later is run anyway."""
    observer: Observer | None = None


class Observer:
    """Hears of each event of an execution with the live objects; for replays that report."""

    def on_event(
        self, index: int, thread: VirtualThread, operation: Operation, subject: Any
    ) -> None:
        """Event `index` is about to take effect."""

    def on_unrecorded(self, thread: VirtualThread, operation: Operation, subject: Any) -> None:
        """`operation` is about to take effect, and is no event: there is only one thread yet, or
        the limit on events has been reached."""

    def on_announce(self, thread: VirtualThread, operation: Operation, blocked: bool) -> None:
        """`thread` is about to do `operation` and stands still; `blocked`: it has to."""

    def on_create(self, shared: SharedObject) -> None:
        """The running thread is making a primitive."""

    def on_end(self, thread: VirtualThread) -> None:
        """`thread` has done what it was to do, which is forgotten after this."""

    def on_switch(self, index: int, source: VirtualThread, target: VirtualThread) -> None:
        """Before event `index`, the processor goes from `source` to `target`."""


@dataclass(slots=True)
class Departure:
    """Where an execution first went another way than the one that it was to repeat."""

    step: int
    """Index of the event."""
    thread: str
    """Name of the thread that was to perform it."""
    expected: Operation | None
    """What it did there before; None: that is not on record."""
    found: Operation | None
    """What it was about to do instead; None: it was over, or not there."""
    place: str = ""
    """Where it stood, if that is known: "file:line (function)"."""


@dataclass(slots=True)
class Blocked:
    """A thread that had not finished when its execution ended, and what it was about to do."""

    thread: VirtualThread
    operation: Operation


@dataclass(slots=True)
class Execution:
    """What happened: the events, and how it ended."""

    threads: list[ThreadId]
    operations: list[Operation]
    before: dict[int, tuple[Any, ...]]
    """Event index -> states of the guarded locations just before it (as in its accesses)."""
    sleeps: list[tuple[int, dict[ThreadId, Operation]]]
    """(index, sleep set before event index), where it changes."""
    end: str
    """"finished", "stuck" (nobody can go on), "redundant", "diverged", "exit", "steps"."""
    detail: str = ""
    blocked: list[Blocked] = field(default_factory=list)
    everyone: list[VirtualThread] = field(default_factory=list)
    departure: Departure | None = None
    """Set if it did not go as planned, whether it ended because of that or not."""
    truncated: bool = False
    """The execution went on after its last recorded event, with nobody watching."""
    slips: int = 0
    preemptions: list[int] = field(default_factory=list)
    """Events before which the processor was taken from a thread that could have gone on."""
    tail: int | None = None
    """The event from which on it does nothing that other executions do not do as well: a thread
    that had looked too early, in a loop, looks again.  None: there is none."""


class VirtualThread:
    """A thread of the program under test, as the scheduler sees it."""

    __slots__ = (
        "blocking_subject", "children", "clock", "daemon", "deadline", "early", "expired", "fiber",
        "finished", "hoped_for", "location", "loops", "model", "name", "naps", "path", "pending",
        "readings", "resting", "shared", "storage", "tid",
    )  # fmt: skip

    def __init__(self, tid: ThreadId, path: tuple[int, ...], shared: SharedObject) -> None:
        self.tid = tid
        self.path = path
        self.shared = shared
        self.location = shared.location(STATE)
        self.location.state = NEW
        self.name = ""
        self.daemon = False
        self.fiber: Fiber | None = None
        self.pending: Operation | None = None
        self.finished = False
        self.children = 0
        self.clock = 0.0
        """Seconds since the start of the execution, on this thread's own clock."""
        self.deadline: float | None = None
        """When the pending operation gives up waiting, or sleeping; None: never."""
        self.expired = False
        self.early = 0
        """Waits that it has given up early."""
        self.hoped_for: Callable[[], bool] | None = None
        """Whether what it waits for has come about, while a wait of its may expire at any time."""
        self.model: Any = None
        self.storage: dict[Any, Any] = {}
        """For the simulated standard library: thread-locals and the like."""
        self.resting = False
        """Sleeps, and others should have their turn first; what it does next is not known."""
        self.loops: dict[int, Any] = {}
        """For each loop, by its site: what the thread has done in it."""
        self.naps = 0
        """Times that it has let time pass."""
        self.readings = 0
        """Times that it has looked at a clock."""
        self.blocking_subject: Any = None
        """What it waits for, or is about to use, while it stands still."""

    def waits_patiently(self) -> bool:
        """Whether it can go on only by giving up a wait early."""
        return self.hoped_for is not None and not self.hoped_for()

    def __repr__(self) -> str:
        return f"<thread {self.tid} {self.name!r}>"
