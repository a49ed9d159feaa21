"""The mistakes that have a name: for each a code that never changes, and what reports call it.

Each code has a page of its own in `docs/codes/`, with a program that makes the mistake and one that
does not; `raceproof explain CODE` shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of mistake."""

    number: str
    """"RP101": stable, for programs that read reports and for people who search."""
    name: str
    """In a few words, as in the headline of a finding."""
    summary: str
    """One sentence: what the program does."""


_TABLE: Final = (
    Code("RP100", "race",
         "the result depends on how the steps of threads interleave"),
    Code("RP101", "lost update",
         "a thread overwrites a value with one computed from an older read"),
    Code("RP102", "check-then-act",
         "a thread acts on what it has checked, and another changes it in between"),
    Code("RP103", "iterate while mutate",
         "a container is changed while another thread iterates over it"),
    Code("RP104", "lazy initialisation",
         "two threads find something missing, and both create it"),
    Code("RP105", "publication before initialisation",
         "something is made visible to others before it is ready"),
    Code("RP106", "order violation",
         "a thread relies on another having come first, and nothing makes it wait"),
    Code("RP107", "torn pair of variables",
         "variables that belong together are seen, or left, half changed"),
    Code("RP201", "lost wakeup",
         "a notification comes before the thread waits that needs it"),
    Code("RP202", "`if` instead of `while` around a wait",
         "a thread goes on after a wait without checking again"),
    Code("RP203", "notify() without holding the lock",
         "a condition is notified by a thread that does not hold its lock"),
    Code("RP204", "missed notify_all()",
         "several threads wait, and only one of them is woken"),
    Code("RP205", "event cleared before it was seen",
         "an event is set and cleared before the thread looks that waits for it"),
    Code("RP206", "result of a timed wait ignored",
         "a wait gives up, and its thread goes on as if it had not"),
    Code("RP207", "waits for ever",
         "a thread waits for something that nobody is left to do"),
    Code("RP208", "spins for ever",
         "a thread goes round a loop that nobody is left to end"),
    Code("RP301", "self-deadlock",
         "a thread waits for a lock that it holds itself"),
    Code("RP302", "lock-order deadlock",
         "threads take the same locks in different orders and wait for each other"),
    Code("RP303", "lock not released",
         "a thread leaves, by an exception say, and keeps its lock"),
    Code("RP304", "locks that protect nothing",
         "threads use the same data under different locks"),
    Code("RP305", "circular wait",
         "threads wait for each other in a circle"),
    Code("RP306", "lock used without holding it",
         "a thread releases a lock, or waits on a condition, without holding the lock"),
    Code("RP307", "semaphore released too often",
         "more permits are given back than were taken, so too many threads get in"),
    Code("RP308", "barrier with too few parties",
         "fewer threads come to a barrier than it waits for"),
    Code("RP401", "unread exception in a future",
         "a task fails in some orders, and nobody asks its future for the result"),
    Code("RP402", "failure",
         "the program fails in every order: no race"),
)  # fmt: skip

CODES: Final = {code.number: code for code in _TABLE}
