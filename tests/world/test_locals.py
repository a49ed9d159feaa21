"""`threading.local`: each thread has its own attributes."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from world.simulation import run, value


def in_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_each_thread_has_its_own_attributes() -> None:
    def program() -> Any:
        data = threading.local()
        data.x = 1
        seen: list[Any] = []

        def work() -> None:
            seen.append(hasattr(data, "x"))
            data.x = 2
            seen.append(data.x)
            del data.x
            seen.append(vars(data))

        in_thread(work)
        return seen, data.x

    assert value(program) == ([False, 2, {}], 1)


def test_a_subclass_is_initialized_in_each_thread() -> None:
    def program() -> Any:
        class Counter(threading.local):
            kind = "counter"

            def __init__(self, start: int) -> None:
                inits.append(start)
                self.value = start

            def add(self) -> int:
                self.value += 1
                return self.value

        inits: list[int] = []
        counter = Counter(5)
        seen = [counter.add(), counter.add()]
        in_thread(lambda: seen.append(counter.add()))
        return seen, inits, counter.kind, isinstance(counter, threading.local)

    assert value(program) == ([6, 7, 6], [5, 5], "counter", True)


def test_misuse() -> None:
    def program() -> None:
        with pytest.raises(TypeError, match="Initialization arguments are not supported"):
            threading.local(1)  # type: ignore[call-arg]
        data = threading.local()
        with pytest.raises(AttributeError, match="'__dict__' is read-only"):
            data.__dict__ = {}
        with pytest.raises(AttributeError, match="x"):
            _ = data.x
        with pytest.raises(AttributeError, match="x"):
            del data.x

    value(program)


def test_values_are_dropped_with_their_thread() -> None:
    def program() -> Any:
        class Noisy:
            def __del__(self) -> None:
                print("dropped")

        data = threading.local()

        def work() -> None:
            data.noisy = Noisy()

        in_thread(work)
        print("joined")

    assert run(program).printed == ["dropped", "joined"]


def test_one_that_outlives_its_execution() -> None:
    kept: list[Any] = []

    class Data(threading.local):
        pass

    def first() -> None:
        kept.append((threading.local(), Data()))
        kept[0][0].x = kept[0][1].x = 1

    def second() -> Any:
        return [hasattr(data, "x") for data in kept[0]]

    run(first)
    assert value(second) == [False, False]
    kept[0][0].x = 3
    assert kept[0][0].x == 3
