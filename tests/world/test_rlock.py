"""RLock: its holder comes in again; the others wait until it has gone out as often."""

import _thread
import sys

import pytest
from world.driver import explore, run, together, value

from raceproof.world.primitives.rlock import RLock
from raceproof.world.scheduler import machine


def test_the_holder_comes_in_again():
    def program():
        lock = RLock()
        with lock, lock:
            lock.acquire(False)
            lock.acquire(timeout=1)
            depth = lock._recursion_count()
            lock.release()
            lock.release()
        return depth, lock._recursion_count(), lock._is_owned()

    assert value(program) == (4, 0, False)


def test_others_wait_for_the_last_release():
    def program():
        lock = RLock()
        order = []

        def work(name):
            with lock:
                order.append(name)
                with lock:
                    order.append(name)
                order.append(name)

        together(lambda: work("a"), lambda: work("b"))
        return "".join(order)

    found = explore(program)
    assert found.results == {"aaabbb": 1, "bbbaaa": 1}


def test_coming_in_again_is_no_event():
    def program():
        lock = RLock()

        def work():
            with lock, lock, lock:
                pass

        together(work)

    _, execution = run(program)
    kinds = [operation.kind for operation in execution.operations]
    assert kinds == ["start", "begin", "acquire", "release", "finish", "join", "finish"]


def test_a_try_by_another_fails():
    def program():
        lock = RLock()
        with lock:
            return tuple(together(lambda: lock.acquire(False), lambda: lock.acquire(timeout=1)))

    assert explore(program).results == {(False, False): 1}


def test_only_the_holder_may_release():
    def program():
        lock = RLock()
        with pytest.raises(RuntimeError, match=r"^cannot release un-acquired lock$"):
            lock.release()
        with lock:
            error = together(lock.release)[0]
        return str(error)

    assert value(program) == "cannot release un-acquired lock"


def test_it_can_be_given_up_whole_and_taken_back():
    def program():
        lock = RLock()
        lock.acquire()
        lock.acquire()
        saved = lock._release_save()
        free = together(lambda: lock.acquire(False) and (lock.release() or True))[0]
        lock._acquire_restore(saved)
        return free, lock._recursion_count()

    assert value(program) == (True, 2)


def test_the_holder_is_known():
    def program():
        lock = RLock()
        nobody = lock.holder()
        with lock:
            return nobody, lock.holder() == machine.current.tid

    assert value(program) == (None, True)


def test_it_looks_like_the_real_one():
    def program():
        lock = RLock()
        with lock:
            return repr(lock).split(" at ")[0]

    assert value(program) == "<locked _thread.RLock object owner=1 count=1"
    names = {name for name in dir(_thread.RLock()) if not name.startswith("__")}
    assert names <= set(dir(RLock))
    assert hasattr(RLock, "locked") == (sys.version_info >= (3, 14))


def test_it_can_be_subclassed():
    class Counting(RLock):
        count = 0

        def acquire(self, *args, **kwargs):
            self.count += 1
            return super().acquire(*args, **kwargs)

    def program():
        lock = Counting()
        lock.acquire()
        lock.acquire()
        return lock.count, lock._recursion_count()

    assert value(program) == (2, 2)
    outside = Counting()
    assert outside.acquire() is True
    outside.release()


def test_outside_of_an_execution_it_is_the_real_one():
    assert type(RLock()) is _thread.RLock
