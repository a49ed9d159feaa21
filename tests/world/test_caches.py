"""Caches of functions: looking up and storing are steps, and the function may run in between."""

from __future__ import annotations

import copy
import functools
import pickle
import random
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from world.simulation import explore, value

from raceproof.world.calculating import only_calculates
from raceproof.world.scheduler import machine


@pytest.fixture(autouse=True)
def _watch_this_file() -> Iterator[None]:
    machine.watched_files, before = {__file__}, machine.watched_files
    yield
    machine.watched_files = before
    machine.unlearn()


def in_threads(*bodies: Callable[[], Any]) -> list[Any]:
    results: list[Any] = [None] * len(bodies)

    def run(position: int) -> None:
        results[position] = bodies[position]()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Thing:
    """Something that is not equal to another one."""


def calls_of(decorate: Callable[..., Any], threads: int, results: Callable[[], Any]) -> Any:
    """How many calls there are, and how many results, if so many threads ask at the same time."""

    def program() -> tuple[int, int]:
        calls = []

        @decorate
        def make(key: str) -> Any:
            calls.append(key)
            return results()

        found = in_threads(*[lambda: make("key")] * threads)
        return len(calls), len({id(one) for one in found})

    return program


@pytest.mark.parametrize("decorate", [functools.cache, functools.lru_cache, functools.lru_cache(2)])
def test_a_function_may_run_twice_and_give_two_results(decorate: Callable[..., Any]) -> None:
    found = explore(calls_of(decorate, 2, Thing))
    assert set(found.results) == {(1, 1), (2, 2)}
    assert found.executions == 4


def test_three_threads() -> None:
    found = explore(calls_of(functools.cache, 3, Thing))
    assert set(found.results) == {(1, 1), (2, 2), (3, 3)}


def test_equal_results_take_fewer_orders() -> None:
    program = calls_of(functools.cache, 3, lambda: 1)
    assert set(explore(program).results) == {(1, 1), (2, 1), (3, 1)}
    assert explore(program).executions < explore(calls_of(functools.cache, 3, Thing)).executions


def test_a_lock_around_the_call_makes_it_one() -> None:
    def program() -> int:
        calls = []
        lock = threading.Lock()

        @functools.cache
        def make() -> Thing:
            calls.append(1)
            return Thing()

        def locked() -> None:
            with lock:
                make()

        in_threads(locked, locked)
        return len(calls)

    found = explore(program)
    assert set(found.results) == {1}
    assert found.executions == 2


def test_what_only_calculates_is_no_step() -> None:
    def program() -> list[int]:
        namespace: dict[str, Any] = {"cache": functools.cache}
        source = "@cache\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
        exec(compile(source, __file__, "exec"), namespace)
        return [*in_threads(*[lambda: namespace["fib"](12)] * 3), namespace["fib"].cache_info()[3]]

    def repeat() -> tuple[int, ...]:
        return tuple(program())

    found = explore(repeat)
    assert found.results.keys() == {(144, 144, 144, 13)}
    assert found.executions == 1


def test_calculated_lists_are_found_out_to_be_objects() -> None:
    def program() -> int:
        @functools.cache
        def parts(text: str) -> list[str]:
            return [part.strip() for part in text.split(",")]

        one, other = in_threads(lambda: parts("a, b"), lambda: parts("a, b"))
        assert one == other == ["a", "b"]
        return len({id(one), id(other)})

    assert explore(program).executions == 1
    assert machine.learned
    assert set(explore(program).results) == {1, 2}


def test_behaviour_on_one_thread() -> None:
    def program() -> Any:
        calls = []

        @functools.lru_cache(maxsize=2, typed=True)
        def double(x: Any, *, times: int = 2) -> Any:
            """Doc."""
            calls.append(x)
            return x * times

        found = [double(1), double(1.0), double(1), double(2), double(1.0), double(1, times=3)]
        info = double.cache_info()
        double.cache_clear()

        class Owner:
            @functools.lru_cache  # noqa: B019
            def method(self, x: int) -> int:
                return x

            @classmethod
            @functools.cache
            def of_class(cls) -> str:
                return cls.__name__

        owner = Owner()
        with pytest.raises(TypeError):
            double([])
        with pytest.raises(ZeroDivisionError):
            functools.cache(lambda: 1 // 0)()
        empty = functools.lru_cache(0)(lambda: len(calls))
        empty()
        return (
            found, tuple(info), tuple(double.cache_info()), list(map(str, calls)),
            double.cache_parameters(), double.__name__, double.__doc__, double.__wrapped__(2),
            owner.method(3), owner.of_class(), Owner.of_class(), tuple(empty.cache_info()),
            isinstance(double, functools._lru_cache_wrapper), copy.copy(double) is double,
            copy.deepcopy([double])[0] is double, double.__reduce__().rpartition(".")[2],
            tuple(Owner.method.cache_info()),
        )  # fmt: skip

    assert value(program) == program()


def remembering(value: int, known: list[int] = []) -> int:  # noqa: B006
    known.append(value)
    return value


def asking(value: int) -> int:
    return value + len(CALLS)


def drawing(value: int) -> float:
    return random.random() * value


def adding(value: int, *more: int, times: int = 1) -> int:
    total = value * times
    for one in more:
        total += max(one, 0)
    return sum([part + 1 for part in (total, 1)])


CALLS: list[int] = []


def test_which_functions_only_calculate() -> None:
    assert only_calculates(adding)
    assert only_calculates(lambda text: text.strip().split(","))
    inner = adding
    for other in (remembering, asking, drawing, print, Thing, lambda: inner(1), lambda: print(1)):
        assert not only_calculates(other)


def test_caches_of_the_library_are_left_alone() -> None:
    def program() -> bool:
        library = functools.lru_cache(pickle.dumps)
        in_threads(lambda: library("x"), lambda: library("x"))
        return type(library).__module__ == "functools"

    found = explore(program)
    assert set(found.results) == {True}
    assert found.executions == 1


def test_a_cached_property_runs_as_often_as_this_version_allows() -> None:
    def program() -> tuple[int, int]:
        calls = []

        class Owner:
            @functools.cached_property
            def made(self) -> Thing:
                calls.append(1)
                return Thing()

        owner = Owner()
        found = in_threads(lambda: owner.made, lambda: owner.made)
        assert owner.made in found
        return len(calls), len({id(one) for one in found})

    found = explore(program)
    if sys.version_info >= (3, 12):
        # (Its being looked up is an event only in watched code.)
        assert found.ends.keys() == {"finished"}
    else:
        assert set(found.results) == {(1, 1)}


def test_a_cached_property_keeps_its_errors() -> None:
    def program() -> str:
        class Slotted:
            __slots__ = ()
            made = functools.cached_property(lambda self: 1)

        made = functools.cached_property(lambda self: 1)
        made.__set_name__(Slotted, "made")
        made.__set_name__(Slotted, "made")
        try:
            return str(Slotted().made)
        except TypeError as error:
            return str(error)

    assert value(program) == program()
