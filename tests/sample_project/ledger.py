"""What is tested: accounts, one of them wrong, and a registry that lives as long as the process."""

import logging
import threading
from dataclasses import dataclass, field

log = logging.getLogger(__name__)


class Account:
    """Forgets its lock."""

    def __init__(self, balance=0):
        self.balance = balance

    def deposit(self, amount):
        self.balance += amount


@dataclass
class SafeAccount:
    balance: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def deposit(self, amount):
        with self.lock:
            self.balance += amount
        log.info("deposited %d", amount)


class Registry:
    """Made once, when somebody asks for it."""

    _instance = None
    _lock = threading.Lock()

    def __init__(self):
        self.names = []

    @classmethod
    def get(cls):
        with cls._lock:
            if cls._instance is None:
                cls._instance = cls()
            return cls._instance

    def add(self, name):
        with self._lock:
            if name in self.names:
                raise ValueError(f"{name} is there already")
            self.names.append(name)


def transfer(one, other):
    """Takes two locks, in the order in which they come."""
    with one.lock, other.lock:
        one.balance -= 1
        other.balance += 1


def together(*functions):
    """Run functions in threads of their own, and wait for all of them."""
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
