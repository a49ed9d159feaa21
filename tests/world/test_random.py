"""Chance: the same in every execution, whatever the order of the threads."""

from __future__ import annotations

import os
import random
import secrets
import threading
import uuid
from collections.abc import Callable
from random import randint
from typing import Any

from world.simulation import explore, run, value


def draw() -> Any:
    return (
        random.random(), randint(1, 1_000), random.choice("abcdefgh"), random.sample(range(99), 3),
        os.urandom(4), uuid.uuid4(), secrets.token_hex(4), random.Random().random(),
        random.SystemRandom().random(), uuid.uuid1(),
    )  # fmt: skip


def test_executions_draw_the_same() -> None:
    # The clock has a say in `uuid1`.
    assert run(draw, start=0).result == run(draw, start=0).result


def test_the_seed_of_the_run_decides() -> None:
    # A version 1 UUID says what time it is, so that has to be the same as well.
    first, again, other = (run(draw, seed=seed, start=0.0).result for seed in (1, 1, 2))
    assert first == again != other


def in_threads(work: Callable[[], Any], number: int = 2) -> tuple[Any, ...]:
    found: list[Any] = [None] * number

    def keep(n: int) -> None:
        found[n] = work()

    threads = [threading.Thread(target=keep, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tuple(found)


def test_each_thread_draws_from_a_stream_of_its_own() -> None:
    def program() -> Any:
        lock = threading.Lock()

        def work() -> float:
            with lock:
                return random.random()

        return in_threads(work)

    explored = explore(program)
    assert explored.executions == 2
    assert len(explored.results) == 1
    assert len(set(next(iter(explored.results)))) == 2


def test_a_seed_gives_what_it_gives_in_plain_python() -> None:
    def program() -> Any:
        random.seed(7)
        os.urandom(3)
        first = [random.random(), random.gauss(0, 1)]
        state = random.getstate()
        again = random.random()
        random.setstate(state)
        return first, again == random.random()

    generator = random.Random(7)
    assert value(program) == ([generator.random(), generator.gauss(0, 1)], True)


def test_a_seed_is_the_base_for_the_streams_of_threads_started_later() -> None:
    def seeded(number: int) -> Callable[[], Any]:
        def program() -> Any:
            random.seed(number)
            return in_threads(random.random)

        return program

    assert value(seeded(1)) == value(seeded(1))
    assert value(seeded(1)) != value(seeded(2))


def test_real_chance_is_back_afterwards() -> None:
    value(draw)
    assert os.urandom(16) != os.urandom(16)
    assert uuid.uuid4() != uuid.uuid4()
    random.seed(3)
    assert random.random() == random.Random(3).random()
