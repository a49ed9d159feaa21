"""What a search is: something that says what the next execution must do, and learns from it."""

from __future__ import annotations

from typing import Protocol

from raceproof.world.execution import Execution, Plan


class Strategy(Protocol):
    """Three methods, called in this order for each execution.

    A search keeps what it wants between executions; the scheduler keeps nothing.
    """

    def next_plan(self) -> Plan | None:
        """What to run next; None when there is nothing left to try."""

    def learn(self, execution: Execution) -> None:
        """The execution of the last plan is over."""

    def estimate(self) -> float:
        """How many executions there are, as far as one can tell."""
