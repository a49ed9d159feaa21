"""Semaphore: so many permits, and whoever finds none waits."""

import threading

import pytest
from world.driver import explore, run, start, together, value

from raceproof.world.primitives.semaphore import BoundedSemaphore, Semaphore
from raceproof.world.scheduler import machine


def test_no_more_threads_than_permits_are_inside():
    def program():
        semaphore = Semaphore(2)
        inside, most = 0, []

        def work():
            nonlocal inside
            with semaphore:
                inside += 1
                most.append(inside)
                inside -= 1

        together(work, work, work)
        return max(most)

    assert max(explore(program).results) <= 2


def test_a_release_lets_a_waiter_go_on():
    def program():
        semaphore = Semaphore(0)
        together(semaphore.acquire, semaphore.acquire, lambda: semaphore.release(2))
        return semaphore._value

    found = explore(program)
    assert set(found.results) == {0}
    assert set(found.ends) == {"finished"}


def test_too_few_permits_leave_somebody_waiting():
    def program():
        semaphore = Semaphore(1)
        together(semaphore.acquire, semaphore.acquire)

    found = explore(program)
    assert found.executions == 2
    assert set(found.blocked) == {
        (("MainThread", "join"), ("t0", "acquire")),
        (("MainThread", "join"), ("t1", "acquire")),
    }


def test_a_try_takes_what_is_there():
    def program():
        semaphore = Semaphore(1)
        return tuple(
            together(lambda: semaphore.acquire(False), lambda: semaphore.acquire(timeout=0))
        )

    assert explore(program).results == {(True, False): 1, (False, True): 1}


def test_a_wait_gives_up_when_nobody_gives_back():
    def program():
        semaphore = Semaphore(0)
        start(lambda: None)
        return semaphore.acquire(timeout=4), machine.current.clock

    assert set(explore(program).results) == {(False, 4.0)}


def test_a_wait_does_not_give_up_while_others_can_go_on():
    def program():
        semaphore = Semaphore(0)
        return together(lambda: semaphore.acquire(timeout=0.1), semaphore.release)[0]

    assert set(explore(program).results) == {True}


def test_errors_are_those_of_the_real_one():
    def program():
        with pytest.raises(ValueError, match=r"^semaphore initial value must be >= 0$"):
            Semaphore(-1)
        semaphore = Semaphore()
        with pytest.raises(ValueError, match=r"^n must be one or more$"):
            semaphore.release(0)
        with pytest.raises(ValueError, match=r"^can't specify timeout for non-blocking acquire$"):
            semaphore.acquire(False, 1)
        bounded = BoundedSemaphore(2)
        with pytest.raises(ValueError, match=r"^Semaphore released too many times$"):
            bounded.release()
        bounded.acquire()
        with pytest.raises(ValueError, match=r"^Semaphore released too many times$"):
            bounded.release(2)
        bounded.release()
        return bounded._value

    assert value(program) == 2


def test_it_looks_like_the_real_one():
    def program():
        return repr(Semaphore(3)), repr(BoundedSemaphore(3))

    plain, bounded = value(program)
    assert plain.startswith("<threading.Semaphore at 0x")
    assert plain.endswith(": value=3>")
    assert bounded.endswith(": value=3/3>")


def test_what_it_waits_for_is_told():
    _, execution = run(lambda: Semaphore(0).acquire())
    (blocked,) = execution.blocked
    assert blocked.operation.kind == "acquire"
    assert blocked.operation.accesses[0][0].label == "Semaphore"


def test_outside_of_an_execution_it_is_the_real_one():
    assert type(Semaphore()) is threading.Semaphore
    assert type(BoundedSemaphore()) is threading.BoundedSemaphore

    class Sub(Semaphore):
        pass

    semaphore = Sub(1)
    assert semaphore.acquire()
    assert semaphore.acquire()
    semaphore.release()
