"""Small concurrent programs made by chance, for comparing searches.

A program is data: for each thread a list of statements, each a tuple whose first item is the name
of a method of `Interpreter`.  Running one gives everything that its threads could see, in order.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from raceproof.events import READ, WRITE, Operation
from raceproof.world import clock, threads
from raceproof.world.execution import VirtualThread
from raceproof.world.primitives.barrier import Barrier
from raceproof.world.primitives.condition import Condition
from raceproof.world.primitives.event import Event
from raceproof.world.primitives.lock import Lock
from raceproof.world.primitives.queue import Queue, SimpleQueue
from raceproof.world.primitives.rlock import RLock
from raceproof.world.primitives.semaphore import BoundedSemaphore, Semaphore
from raceproof.world.scheduler import machine

Statement = tuple[Any, ...]
Program = tuple[tuple[Statement, ...], ...]

TIMEOUTS = (None, 0, 1, 2)


class Interpreter:
    """Runs a program once; a new one for each execution."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.seen: dict[tuple[int, ...], list[Any]] = {}
        """By thread path: what each statement that returns something returned or raised."""
        self.values = {"x": 0, "y": 0}
        self.children: dict[VirtualThread, list[VirtualThread]] = {}
        self.rested: set[VirtualThread] = set()
        self.locks = {"lock": Lock(), "other": Lock(), "rlock": RLock()}
        self.semaphore = Semaphore(1)
        self.bounded = BoundedSemaphore(2)
        self.event = Event()
        self.conditions = {"lock": Condition(self.locks["lock"]), "rlock": Condition()}
        self.locks["condition"] = self.conditions["rlock"]
        self.barrier = Barrier(2)
        self.acting = Barrier(2, action=lambda: self.write("x", 7))
        self.queue = Queue(1)
        self.endless = SimpleQueue()

    def main(self) -> None:
        """The body of the main thread."""
        threads = [
            machine.spawn(self.body(statements), f"t{n}", False)
            for n, statements in enumerate(self.program)
        ]
        for thread in threads:
            machine.join(thread)

    def body(self, statements: tuple[Statement, ...]) -> Callable[[], None]:
        def run() -> None:
            self.run(statements)
            # When main ends, whoever is left dies wherever it is; that is not the subject here.
            for child in self.children.get(machine.current, ()):
                machine.join(child)

        return run

    def run(self, statements: tuple[Statement, ...]) -> None:
        me = machine.current
        seen = self.seen.setdefault(me.path, [])
        for name, *arguments in statements:
            try:
                result = getattr(self, name)(*arguments)
            except Exception as error:
                result = type(error).__name__
            if result is not None:
                seen.append(result)

    # -- statements ------------------------------------------------------------------------------

    def read(self, name: str) -> int:
        if machine.watching:
            machine.access(variable(name)[0])
        return self.values[name]

    def write(self, name: str, value: int) -> None:
        if machine.watching:
            machine.access(variable(name)[1])
        self.values[name] = value

    def holding(self, name: str, *body: Statement) -> None:
        with self.locks[name]:
            self.run(body)

    def trying(self, name: str, timeout: float, *body: Statement) -> bool:
        lock = self.locks[name]
        if not (lock.acquire(False) if timeout == 0 else lock.acquire(timeout=timeout)):
            return False
        try:
            self.run(body)
        finally:
            lock.release()
        return True

    def locked(self) -> bool:
        return self.locks["lock"].locked()

    def release(self) -> None:
        self.locks["lock"].release()

    def permit(self, timeout: float | None) -> bool:
        return self.semaphore.acquire(timeout=timeout)

    def give_back(self) -> None:
        self.semaphore.release()

    def bounded_permit(self, timeout: float | None) -> bool:
        return self.bounded.acquire(timeout=timeout)

    def bounded_give_back(self) -> None:
        self.bounded.release()

    def set(self) -> None:
        self.event.set()

    def clear(self) -> None:
        self.event.clear()

    def is_set(self) -> bool:
        return self.event.is_set()

    def wait(self, timeout: float | None) -> bool:
        return self.event.wait(timeout)

    def condition_wait(self, name: str, timeout: float | None) -> bool:
        return self.conditions[name].wait(timeout)

    def notify(self, name: str, count: int) -> None:
        self.conditions[name].notify(count)

    def notify_all(self, name: str) -> None:
        self.conditions[name].notify_all()

    def meet(self, timeout: float | None) -> int:
        return self.barrier.wait(timeout)

    def meet_and_act(self, timeout: float | None) -> int:
        return self.acting.wait(timeout)

    def abort(self) -> None:
        self.barrier.abort()

    def reset(self) -> None:
        self.barrier.reset()

    def broken(self) -> bool:
        return self.barrier.broken

    def waiting(self) -> int:
        return self.barrier.n_waiting

    def put(self, item: int, timeout: float | None) -> None:
        self.queue.put(item, timeout=timeout)

    def put_nowait(self, item: int) -> None:
        self.queue.put_nowait(item)

    def get(self, timeout: float | None) -> int:
        return self.queue.get(timeout=timeout)

    def get_nowait(self) -> int:
        return self.queue.get_nowait()

    def size(self) -> int:
        return self.queue.qsize()

    def task_done(self) -> None:
        self.queue.task_done()

    def join_queue(self) -> None:
        self.queue.join()

    def put_simple(self, item: int) -> None:
        self.endless.put(item)

    def get_simple(self, timeout: float | None) -> int:
        return self.endless.get(timeout=timeout)

    def rest(self) -> None:
        me = machine.current
        if me not in self.rested:  # once more, and it would count as polling
            self.rested.add(me)
            clock.sleep(1)

    def count(self) -> int:
        return threads.count()

    def start(self, *body: Statement) -> None:
        thread = machine.spawn(self.body(body), "sub", False)
        self.children.setdefault(machine.current, []).append(thread)

    def join(self, timeout: float | None) -> bool | None:
        children = self.children.get(machine.current)
        return machine.join(children[-1], timeout) if children else None


def variable(name: str) -> tuple[Operation, Operation]:
    """Reading and writing it, as events."""
    shared = machine.naming.object(("variable", name), name)
    found = shared.operations
    if not found:
        place = shared.location("value")
        found["read"] = Operation("read", ((place, READ),))
        found["write"] = Operation("write", ((place, WRITE),))
    return found["read"], found["write"]


class Generator:
    """Makes programs; `topics` are the groups of statements that one program draws on."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.count = 0

    def program(self) -> Program:
        chance = self.chance
        topics = chance.sample(sorted(TOPICS), chance.choice((1, 1, 2, 3)))
        self.makers = [maker for topic in topics for maker in TOPICS[topic]]
        threads = chance.choice((2, 2, 3))
        size = 4 if threads == 2 else 3
        self.count = 0
        return tuple(self.statements(chance.randint(1, size)) for _ in range(threads))

    def statements(self, size: int) -> tuple[Statement, ...]:
        return tuple(self.chance.choice(self.makers)(self) for _ in range(size))

    def inside(self) -> tuple[Statement, ...]:
        """The body of a with block or of another thread."""
        return self.statements(self.chance.choice((0, 1, 1, 2)))

    def pick(self, *of: Any) -> Any:
        return self.chance.choice(of)

    def timeout(self) -> float | None:
        return self.chance.choice(TIMEOUTS)

    def fresh(self) -> int:
        """A value that no other statement stores."""
        self.count += 1
        return self.count


def _under(name: str, *body: Statement) -> Statement:
    return ("holding", name, *body)


Maker = Callable[[Generator], Statement]

VARIABLES: list[Maker] = [
    lambda g: ("read", g.pick("x", "y")),
    lambda g: ("write", g.pick("x", "y"), g.fresh()),
]

TOPICS: dict[str, list[Maker]] = {
    "variables": VARIABLES,
    "locks": [
        *VARIABLES,
        lambda g: _under(g.pick("lock", "other"), *g.inside()),
        lambda g: _under("rlock", *g.inside()),
        lambda g: ("trying", g.pick("lock", "rlock"), g.pick(0, 0, 1), *g.inside()),
    ],
    "bare locks": [
        lambda g: _under("lock", *g.inside()),
        lambda g: ("trying", "lock", g.pick(0, 0, 1), *g.inside()),
        lambda g: ("locked",),
        lambda g: ("release",),
    ],
    "semaphore": [
        lambda g: ("permit", g.timeout()),
        lambda g: ("permit", None),
        lambda g: ("give_back",),
        lambda g: ("give_back",),
        lambda g: ("write", "x", g.fresh()),
        lambda g: ("read", "x"),
    ],
    "bounded": [
        lambda g: ("bounded_permit", g.timeout()),
        lambda g: ("bounded_permit", None),
        lambda g: ("bounded_give_back",),
    ],
    "event": [
        lambda g: ("set",),
        lambda g: ("set",),
        lambda g: ("clear",),
        lambda g: ("is_set",),
        lambda g: ("wait", g.timeout()),
        lambda g: ("wait", None),
        lambda g: ("write", "x", g.fresh()),
        lambda g: ("read", "x"),
    ],
    "condition": [
        lambda g: _under("lock", ("condition_wait", "lock", g.timeout())),
        lambda g: _under("lock", ("condition_wait", "lock", None), *g.inside()),
        lambda g: _under("lock", ("notify", "lock", g.pick(1, 1, 2))),
        lambda g: _under("lock", *g.inside(), ("notify_all", "lock")),
        lambda g: ("write", "x", g.fresh()),
        lambda g: ("read", "x"),
    ],
    "condition of its own": [
        lambda g: _under("condition", _under("condition", ("condition_wait", "rlock", None))),
        lambda g: _under("condition", ("condition_wait", "rlock", g.timeout())),
        lambda g: _under("condition", ("notify", "rlock", 1)),
        lambda g: ("condition_wait", "rlock", None),
        lambda g: ("notify_all", "rlock"),
    ],
    "barrier": [
        lambda g: ("meet", None),
        lambda g: ("meet", None),
        lambda g: ("meet", g.timeout()),
        lambda g: ("write", "x", g.fresh()),
        lambda g: ("read", "x"),
        lambda g: (g.pick("abort", "reset", "broken", "waiting"),),
    ],
    "barrier with action": [
        lambda g: ("meet_and_act", None),
        lambda g: ("meet_and_act", g.timeout()),
        lambda g: ("read", "x"),
    ],
    "queue": [
        lambda g: ("put", g.fresh(), g.timeout()),
        lambda g: ("put", g.fresh(), None),
        lambda g: ("get", g.timeout()),
        lambda g: ("get", None),
        lambda g: ("put_nowait", g.fresh()),
        lambda g: ("get_nowait",),
        lambda g: ("size",),
    ],
    "tasks": [
        lambda g: ("put", g.fresh(), None),
        lambda g: ("get", None),
        lambda g: ("task_done",),
        lambda g: ("join_queue",),
    ],
    "simple queue": [
        lambda g: ("put_simple", g.fresh()),
        lambda g: ("get_simple", g.timeout()),
        lambda g: ("get_simple", None),
        lambda g: ("read", "x"),
        lambda g: ("write", "x", g.fresh()),
    ],
    "threads": [
        *VARIABLES,
        lambda g: ("start", *g.inside()),
        lambda g: ("join", g.pick(None, None, 1)),
        lambda g: ("count",),
    ],
    "sleeping": [
        *VARIABLES,
        lambda g: ("rest",),
        lambda g: ("rest",),
        lambda g: ("start", *g.inside()),
        lambda g: ("join", g.pick(None, None, 1)),
    ],
}
