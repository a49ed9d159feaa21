"""Lock: one holder at a time, in every order; and the interface of the real one."""

import _thread
import copy
import threading

import pytest
from world.driver import explore, run, start, together, value

from raceproof.world.primitives.lock import Lock
from raceproof.world.primitives.timeouts import MUST_NOT_BE_NEGATIVE
from raceproof.world.scheduler import machine


def test_at_most_one_thread_holds_it_in_any_order():
    def program():
        lock = Lock()
        inside, most = 0, []

        def work():
            nonlocal inside
            with lock:
                inside += 1
                most.append(inside)
                with Lock():
                    pass  # a place at which the others could come in
                inside -= 1

        together(work, work, work)
        return max(most)

    found = explore(program)
    assert set(found.results) == {1}
    assert found.executions == 6


def test_acquiring_twice_waits_for_ever():
    def program():
        lock = Lock()
        lock.acquire()
        lock.acquire()

    _, execution = run(program)
    assert execution.end == "stuck"
    (blocked,) = execution.blocked
    assert blocked.operation.kind == "acquire"
    assert blocked.operation.accesses[0][0].label == "Lock"
    assert blocked.thread.blocking_subject.holder() == blocked.thread.tid


def test_opposite_orders_can_deadlock():
    def program():
        one, other = Lock(), Lock()

        def forth():
            with one, other:
                pass

        def back():
            with other, one:
                pass

        together(forth, back)

    found = explore(program)
    assert found.executions == 3
    assert found.ends == {"finished": 2, "stuck": 1}
    assert set(found.blocked) == {(("MainThread", "join"), ("t0", "acquire"), ("t1", "acquire"))}


def test_a_try_fails_if_somebody_holds_it():
    def program():
        lock = Lock()
        got = []

        def work():
            if lock.acquire(blocking=False):
                got.append(True)
                lock.release()

        with lock:
            together(work)
        together(work)
        return len(got)

    assert explore(program).results == {1: 1}


def test_two_failing_tries_commute():
    def program():
        lock = Lock()
        with lock:
            return together(lambda: lock.acquire(False), lambda: lock.acquire(timeout=0))

    found = explore(lambda: tuple(program()))
    assert found.results == {(False, False): 1}


def test_a_wait_gives_up_only_when_nobody_can_go_on():
    def program():
        lock, other = Lock(), Lock()

        def holder():
            with lock:
                with other:
                    pass
                with other:
                    pass

        def impatient():
            got = lock.acquire(timeout=0.001)
            lock.release()
            return got

        return together(holder, impatient)[1]

    assert explore(program).results == {True: 2}


def test_a_wait_gives_up_when_the_lock_never_comes_free():
    def program():
        lock = Lock()
        lock.acquire()
        before = machine.current.clock
        got = together(lambda: (lock.acquire(timeout=2.5), machine.current.clock))[0]
        return got[0], got[1] - before

    assert explore(program).results == {(False, 2.5): 1}


def test_another_thread_may_release_it():
    def program():
        lock = Lock()
        lock.acquire()
        start(lock.release)
        lock.acquire()
        return lock.locked()

    assert set(explore(program).results) == {True}


def test_errors_are_those_of_the_real_one():
    def program():
        lock = Lock()
        with pytest.raises(RuntimeError, match=r"^release unlocked lock$"):
            lock.release()
        with pytest.raises(ValueError, match=r"^can't specify a timeout for a non-blocking call$"):
            lock.acquire(False, 1)
        with pytest.raises(ValueError, match=f"^{MUST_NOT_BE_NEGATIVE}$"):
            lock.acquire(timeout=-2)
        with pytest.raises(OverflowError):
            lock.acquire(timeout=threading.TIMEOUT_MAX * 2)
        with pytest.raises(TypeError):
            lock.acquire(timeout=None)
        with pytest.raises(TypeError, match=r"^cannot pickle '_thread.lock' object$"):
            copy.deepcopy(lock)
        with pytest.raises(TypeError, match="is not an acceptable base type"):
            type("Sub", (Lock,), {})
        with pytest.raises(TypeError):
            Lock(1)
        return True

    assert value(program) is True


def test_it_looks_like_the_real_one():
    def program():
        lock = Lock()
        open_ = repr(lock)
        with lock as entered:
            return open_.split(" at ")[0], repr(lock).split(" at ")[0], entered, lock.locked()

    assert value(program) == (
        "<unlocked _thread.lock object",
        "<locked _thread.lock object",
        True,
        True,
    )
    real = _thread.allocate_lock()
    assert {name for name in dir(real) if not name.startswith("__")} <= set(dir(Lock))


def test_outside_of_an_execution_it_is_the_real_one():
    assert type(Lock()) is type(_thread.allocate_lock())
    assert isinstance(_thread.allocate_lock(), Lock)


def test_one_that_is_left_over_blocks_nobody():
    left = []

    def program():
        lock = Lock()
        lock.acquire()
        left.append(lock)

    run(program)
    (lock,) = left
    assert lock.acquire() is True
    assert lock.acquire(False) is True
    lock.release()
    lock.release()


def test_one_that_outlives_its_execution_starts_afresh():
    kept = []

    def program():
        if not kept:
            kept.append(Lock())
        together(lambda: kept[0].acquire(False), lambda: kept[0].acquire(False))

    run(lambda: (kept.append(Lock()), kept[0].acquire()))
    found = explore(program)
    assert found.executions == 2


def test_its_name_is_the_same_in_every_execution():
    names = []

    def program():
        def work():
            names.append((machine.current.tid, Lock()._state_location.owner.name))

        together(work, work)

    explore(program)
    explore(program)
    assert len(set(names)) == 2
