"""What the program does when its tasks run one after the other: the measure of other orders."""

from __future__ import annotations

from time import perf_counter

from raceproof.interruption import Interruption
from raceproof.judge.outcomes import Outcome
from raceproof.search.serial import SerialOrders
from raceproof.session import Session
from raceproof.world.scheduler import machine


class Reference:
    """The outcomes of the orders without preemption, found out as far as they are asked for."""

    def __init__(self, session: Session, seconds: float, interruption: Interruption) -> None:
        self._session = session
        self._orders = SerialOrders(machine)
        self.outcomes: set[Outcome] = set()
        self._seconds = seconds
        self._spent = 0.0
        self._interruption = interruption
        self.undecided = False
        """Some outcome was neither found nor were the orders exhausted."""

    def contains(self, outcome: Outcome) -> bool | None:
        """Whether some serial order gives this outcome; None if there was no time to be sure."""
        if outcome in self.outcomes:
            return True
        start = perf_counter()
        try:
            while not self._orders.exhausted:
                if self._spent + perf_counter() - start > self._seconds or self._interruption:
                    self.undecided = True
                    return None
                plan = self._orders.next_plan()
                if plan is None:
                    break
                run = self._session.run(plan)
                self._orders.learn(run.execution)
                if run.execution.end in ("finished", "exit"):
                    self.outcomes.add(run.outcome)
                    if run.outcome == outcome:
                        return True
        finally:
            self._spent += perf_counter() - start
        # If all of them get stuck, they are no measure for an order that does not.
        return False if self.outcomes else None
