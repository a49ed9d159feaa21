"""Which mistake a failing interleaving shows: the first recogniser that knows it names it.

Each recogniser takes the evidence and gives a `Mistake` or None.  They go from the special to the
general, so that a lost update under a semaphore that was released too often is the semaphore's.
"""

from __future__ import annotations

from raceproof.judge.evidence import Evidence
from raceproof.judge.mistakes import conditions, locks, order, pairs, standstills, variables
from raceproof.judge.mistakes.mistake import Mistake, Recogniser

__all__ = ["Mistake", "recognise"]

STANDSTILLS: tuple[Recogniser, ...] = (
    conditions.notify_without_lock,
    locks.not_released,
    locks.self_deadlock,
    locks.lock_order,
    standstills.circle,
    standstills.barrier,
    standstills.spinning,
    conditions.lost_wakeup,
    conditions.missed_notify_all,
    conditions.event_cleared,
    variables.check_before_wait,
    standstills.for_ever,
)

OTHERS: tuple[Recogniser, ...] = (
    locks.misuse,
    conditions.wait_ignored,
    conditions.checked_once,
    order.unread_future,
    order.every_time,
    variables.iterate_while_mutate,
    locks.permits,
    locks.different_locks,
    variables.lost_update,
    variables.lazy_initialisation,
    variables.check_then_act,
    variables.check_then_act_on_another,
    variables.check_primitive,
    pairs.publication,
    pairs.torn_pair,
    order.violation,
    order.unnamed,
)


def recognise(evidence: Evidence) -> Mistake:
    """The mistake that an interleaving shows."""
    for recogniser in OTHERS if evidence.stuck is None else STANDSTILLS:
        mistake = recogniser(evidence)
        if mistake is not None:
            return mistake
    raise AssertionError("the last recogniser knows everything")
