"""Threads that go round a loop because there is nothing for them to do yet: they wait, like those
that wait for a lock, until somebody changes what they look at or nobody else can go on.

A round that changed nothing and found nothing might as well not have taken place.  So the search
(`Plan.patient`) lets such a thread stand until everybody else does: what it would do if it looked
later is another order, which the search runs anyway, in which it looks later to begin with.
(Compare the treatment of spin loops as assumptions in GenMC: Kokologiannakis, Ren, Vafeiadis,
"Dynamic partial order reductions for spinloops", FMCAD 2021.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from raceproof.events import Operation, conflicting
from raceproof.world.execution import VirtualThread

FEW_RETRIES: Final = 2
"""Times that a thread looks again without any reason to, before it is left alone with its loop for
a last chance; each time it may go round more often."""
WORK_RETRIES: Final = 4
"""The same for one that works until it is told to stop, and gets no such chance; and for several
that may keep each other from coming out."""
TIMED_RETRIES: Final = 12
"""The same for one that counts its pauses or looks at the clock: it may give up sometime."""
FIRST_JUMP: Final = 0.001
LONGEST_JUMP: Final = 1e12
"""Seconds by which the clock is put forward for those who look at it, eight times as far each time:
whatever they wait for to be over soon is."""


@dataclass(slots=True)
class Rounds:
    """What a thread has done in a loop since it entered it."""

    site: int
    owner: int
    """Whose loop it is: the id of a frame or an iterator, which may be used again by another."""
    counted: bool
    """It ends by itself, or is otherwise in a state that cannot be seen."""
    head: int
    """The step at which the present round began."""
    naps: int
    readings: int
    switches: int
    """Those of the scheduler when the present round began."""
    place: str = ""
    """See `Loop`."""
    asks: tuple[str, ...] = ()
    """Functions whose results decide whether it goes on."""
    variables: tuple[Any, ...] | None = ()
    """The values of the variables that matter, at its head; None: not known."""
    first: Operation | None = None
    """The first operation of the last round."""
    operations: list[Operation] = field(default_factory=list)
    """Those of the last round."""
    alike: int = 0
    """Rounds in a row with the operations of the one before."""
    napped: int = 0
    """Rounds that let time pass."""
    expiries: int = 0
    """Rounds in a row in which nothing came of a wait with a timeout."""
    retries: int = 0
    """Times that it looked again for want of anybody else who could go on."""
    free: int = 0
    """Rounds that it may go before it waits again."""
    ask: int = 8
    """Rounds alike after which it is asked whether they get anywhere."""
    cycles: int = 0
    """Rounds in a row that have written the same values."""
    written: list[Any] | None = None
    finite: bool = False
    """It goes through something that has an end."""
    restless: bool = False
    """The loop is known to come to an end by itself."""
    promised: bool = False
    """It looked again without anything having changed, so it should do the same as before."""


@dataclass(slots=True)
class Spinner:
    """A thread that waits at the head of a loop."""

    thread: VirtualThread
    operation: Operation
    """What it looks at."""
    rounds: Rounds
    idle: bool
    """Its last round changed nothing; otherwise it is one that works on and on."""
    same: bool
    """Its next round must be as the last one was, unless something changes."""
    clocked: bool
    """It looks at the clock."""
    told: bool = False
    """It works on and on, until somebody tells it to stop."""
    cycling: bool = False
    """It works on and on, and does exactly the same each time."""
    news: bool = False
    """Somebody has changed what it looks at, since it did."""

    def is_exhausted(self, alone: bool) -> bool:
        """Whether looking again without any reason has been tried often enough.

        `alone`: nobody else works on and on, so that it can be in nobody's way.
        """
        retries = self.rounds.retries
        if self.idle:
            gives_up = self.clocked or (self.rounds.napped and not self.same)
            return retries >= (TIMED_RETRIES if gives_up else FEW_RETRIES)
        if self.cycling and alone:
            return retries >= FEW_RETRIES
        return (self.told or self.cycling) and retries >= WORK_RETRIES

    @property
    def exact(self) -> bool:
        """Whether nothing but a change of what it looks at can make a difference."""
        return self.idle and self.same and not self.clocked

    @property
    def learns(self) -> bool:
        """Whether it shows, should it come out of the loop now, that the loop never was a wait."""
        return self.may_be_work and not self.news and not self.clocked and not self.rounds.napped

    @property
    def may_be_work(self) -> bool:
        """Whether it may come out of the loop by something that cannot be seen."""
        return (self.idle or self.cycling) and not self.rounds.expiries

    def retry(self, latest: float) -> None:
        """It may look again although nothing has changed; the clock may go on until `latest`."""
        rounds, thread = self.rounds, self.thread
        if self.clocked:
            jump = min(FIRST_JUMP * 8**rounds.retries, LONGEST_JUMP)
            thread.clock = max(thread.clock, min(thread.clock + jump, latest))
        if not self.idle:
            rounds.free = 4 ** (rounds.retries + 1)
        elif self.same:
            rounds.free = 0 if self.clocked else 4**rounds.retries - 1
        else:
            rounds.free = 2**rounds.retries - 1
        rounds.promised = self.learns
        rounds.retries += 1


class Spinners:
    """Those who wait in loops at present."""

    def __init__(self) -> None:
        self.waiting: list[Spinner] = []

    def __bool__(self) -> bool:
        return bool(self.waiting)

    def add(self, spinner: Spinner) -> None:
        """It waits from now on."""
        self.waiting.append(spinner)

    def take(self, thread: VirtualThread) -> Spinner:
        """It waits no longer."""
        for position, spinner in enumerate(self.waiting):
            if spinner.thread is thread:
                return self.waiting.pop(position)
        raise AssertionError(f"{thread!r} does not spin")

    def release(self, working: int) -> list[Spinner]:
        """Somebody went on for want of anybody else: now all may, those who work for so many rounds
        (if that was one of them)."""
        found, self.waiting = self.waiting, []
        for spinner in found:
            if not spinner.idle:
                spinner.rounds.free = max(spinner.rounds.free, working)
        return found

    def hear(self, operation: Operation) -> list[Spinner]:
        """Something happens: those for whom it is news."""
        return [one for one in self.waiting if conflicting(one.operation, operation)]

    def with_news(self) -> Spinner | None:
        """One who would find something new if it looked."""
        known = [one for one in self.waiting if one.idle and one.news]
        return min(known, key=_by_thread, default=None)

    def has_news(self, thread: VirtualThread) -> bool:
        """Whether there is news for `thread`, which waits in a loop."""
        return any(one.thread is thread and one.idle and one.news for one in self.waiting)

    def next(self, waiting: VirtualThread | None) -> VirtualThread | None:
        """Who looks again, now that nobody can go on; `waiting`: whose wait ends first."""
        late = self.with_news()
        if late is not None:
            return late.thread
        alone = sum(1 for one in self.waiting if not one.idle) == 1
        able = [one for one in self.waiting if not one.is_exhausted(alone)]
        timed = [one for one in able if not one.exact]
        if timed:
            first = min(timed, key=_by_clock).thread
            if waiting is None or (first.clock, first.tid) < (waiting.deadline or 0.0, waiting.tid):
                return first
        if waiting is not None:
            return waiting
        return min(able, key=_by_retries).thread if able else None


def _by_thread(spinner: Spinner) -> int:
    return spinner.thread.tid


def _by_clock(spinner: Spinner) -> tuple[float, int]:
    return (spinner.thread.clock, spinner.thread.tid)


def _by_retries(spinner: Spinner) -> tuple[int, int]:
    return (spinner.rounds.retries, spinner.thread.tid)
