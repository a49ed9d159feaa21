"""The programs again in the form that frontrun takes: shared state, workers, an invariant.

The threads do what those of the script do; state that the script makes at module level is made
afresh by `setup`.  The account's pool becomes two workers, since frontrun controls no executors.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Worker = Callable[[Any], None]


@dataclass
class Recast:
    """What `frontrun.explore` is called with."""

    setup: Callable[[], Any]
    workers: list[Worker]
    invariant: Callable[[Any], bool]


class RacyCounter:
    """As in counter_racy.py."""

    def __init__(self) -> None:
        self.value = 0

    def count(self, times: int) -> None:
        """Increment `times` times."""
        for _ in range(times):
            self.value += 1


class LockedCounter:
    """As in counter_locked.py."""

    def __init__(self) -> None:
        self.value = 0
        self.lock = threading.Lock()

    def count(self, times: int) -> None:
        """Increment `times` times."""
        for _ in range(times):
            with self.lock:
                self.value += 1


class NotingCounter(LockedCounter):
    """A locked counter that notes who came when."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[int] = []

    def count_as(self, who: int, times: int) -> None:
        """Increment `times` times as `who`."""
        for _ in range(times):
            with self.lock:
                self.value += 1
                self.order.append(who)


class Table:
    """As in philosophers.py."""

    def __init__(self, seats: int) -> None:
        self.forks = [threading.Lock() for _ in range(seats)]
        self.meals = [0] * seats

    def dine(self, seat: int) -> None:
        """Eat once."""
        first, second = sorted((seat, (seat + 1) % len(self.forks)))
        with self.forks[first], self.forks[second]:
            self.meals[seat] += 1


class QueueBuffer:
    """As in buffer_queue.py."""

    def __init__(self) -> None:
        self.buffer: queue.Queue[int] = queue.Queue(maxsize=1)
        self.received: list[int] = []

    def produce(self, start: int, items: int) -> None:
        """Put `items` numbers."""
        for number in range(start, start + items):
            self.buffer.put(number)

    def consume(self, items: int) -> None:
        """Get as many."""
        for _ in range(items):
            self.received.append(self.buffer.get())


class ConditionBuffer:
    """As in buffer_condition.py."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.changed = threading.Condition()
        self.received: list[int] = []

    def put(self, item: int) -> None:
        """Wait for room, then store."""
        with self.changed:
            while self.items:
                self.changed.wait()
            self.items.append(item)
            self.changed.notify_all()

    def get(self) -> int:
        """Wait for an item, then take it."""
        with self.changed:
            while not self.items:
                self.changed.wait()
            item = self.items.pop()
            self.changed.notify_all()
            return item

    def produce(self, items: int) -> None:
        """Put `items` numbers."""
        for number in range(items):
            self.put(number)

    def consume(self, items: int) -> None:
        """Get as many."""
        for _ in range(items):
            self.received.append(self.get())


class BankAccount:
    """As in account_racy.py, but a refusal is noted instead of raised into a future."""

    def __init__(self) -> None:
        self.balance = 1000
        self.refused = 0

    def withdraw(self, amount: int) -> None:
        """Take `amount`, if it is there."""
        if self.balance >= amount:
            new_balance = self.balance - amount
            time.sleep(0.1)
            self.balance = new_balance
        else:
            self.refused += 1


def _counting_as(who: int, times: int) -> Worker:
    return lambda counter: counter.count_as(who, times)


def _dining(seat: int) -> Worker:
    return lambda table: table.dine(seat)


def recast(program: str, arguments: tuple[str, ...], noting_orders: bool = False) -> Recast | None:
    """The program of that name with these arguments; None if there is no recast of it."""
    numbers = [int(argument) for argument in arguments]
    if program in ("counter_racy", "counter_locked"):
        threads, times = numbers
        if noting_orders:
            return Recast(
                NotingCounter,
                [_counting_as(who, times) for who in range(threads)],
                lambda c: bool(c.value == threads * times),
            )
        return Recast(
            RacyCounter if program == "counter_racy" else LockedCounter,
            [lambda counter: counter.count(times)] * threads,
            lambda c: bool(c.value == threads * times),
        )
    if program == "philosophers":
        (seats,) = numbers
        return Recast(
            lambda: Table(seats),
            [_dining(seat) for seat in range(seats)],
            lambda t: bool(t.meals == [1] * seats),
        )
    if program == "buffer_queue":
        (items,) = numbers
        workers: list[Worker] = [
            lambda state: state.produce(0, items),
            lambda state: state.produce(100, items),
            lambda state: state.consume(2 * items),
        ]
        return Recast(QueueBuffer, workers, lambda s: len(s.received) == 2 * items)
    if program == "buffer_condition":
        (items,) = numbers
        workers = [lambda state: state.produce(items), lambda state: state.consume(items)]
        return Recast(ConditionBuffer, workers, lambda s: s.received == list(range(items)))
    if program == "account_racy":
        workers = [lambda account: account.withdraw(500), lambda account: account.withdraw(700)]
        return Recast(BankAccount, workers, lambda a: a.refused == 1 and a.balance in (300, 500))
    return None
