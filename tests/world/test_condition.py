"""Condition: wait without the lock until notified, then go on with it."""

import threading

import pytest
from world.driver import explore, run, start, together, value

from raceproof.world.primitives.condition import Condition
from raceproof.world.primitives.lock import Lock
from raceproof.world.primitives.rlock import RLock
from raceproof.world.scheduler import machine


def test_checking_under_the_lock_never_loses_a_wakeup():
    def program():
        condition = Condition()
        ready = []

        def consumer():
            with condition:
                while not ready:
                    condition.wait()
                return ready.pop()

        def producer():
            with condition:
                ready.append("item")
                condition.notify()

        return together(consumer, producer)[0]

    found = explore(program)
    assert found.results == {"item": 2}


def test_waiting_without_checking_loses_a_wakeup():
    def program():
        condition = Condition()

        def consumer():
            with condition:
                condition.wait()

        def producer():
            with condition:
                condition.notify()

        together(consumer, producer)

    found = explore(program)
    assert found.ends == {"finished": 1, "stuck": 1}
    assert set(found.blocked) == {(("MainThread", "join"), ("t0", "wake"))}


def test_waiters_are_picked_in_the_order_in_which_they_came():
    def program():
        condition = Condition(Lock())
        came, woken, due = [], [], []

        def waiter(name):
            with condition:
                came.append(name)
                if condition.wait(1):
                    woken.append(name)

        def notifier():
            with condition:
                due.extend(came[:1])
                condition.notify()

        together(lambda: waiter(0), lambda: waiter(1), notifier)
        return tuple(due), tuple(woken)

    assert set(explore(program).results) == {((), ()), ((0,), (0,)), ((1,), (1,))}


def test_notify_wakes_as_many_as_told():
    def program():
        condition = Condition()
        woken = []

        def waiter():
            with condition:
                if condition.wait(5):
                    woken.append(1)

        def notifier(n):
            with condition:
                condition.notify(n)

        threads = start(waiter, waiter, waiter)
        machine.join(start(lambda: notifier(2))[0])
        for thread in threads:
            machine.join(thread)
        return len(woken)

    found = explore(program)
    assert set(found.results) == {0, 1, 2}


def test_notify_all_wakes_everybody():
    def program():
        condition = Condition()
        ready = []

        def waiter():
            with condition:
                while not ready:
                    condition.wait()

        def notifier():
            with condition:
                ready.append(1)
                condition.notify_all()

        together(waiter, waiter, notifier)

    assert set(explore(program).ends) == {"finished"}


def test_a_reentrant_lock_is_given_up_whole():
    def program():
        condition = Condition()
        ready = []

        def waiter():
            with condition, condition:
                while not ready:
                    condition.wait()
                return condition._lock._recursion_count()

        def notifier():
            with condition:
                ready.append(1)
                condition.notify()

        return together(waiter, notifier)[0]

    assert set(explore(program).results) == {2}


def test_a_wait_gives_up_when_nobody_notifies():
    def program():
        condition = Condition()
        start(lambda: None)
        with condition:
            got = condition.wait(1.5)
            return got, machine.current.clock, condition._is_owned()

    assert set(explore(program).results) == {(False, 1.5, True)}


def test_whoever_gave_up_is_not_picked_any_more():
    def program():
        condition = Condition()
        woken = []

        def impatient():
            with condition:
                condition.wait(1)
                condition.wait_for(lambda: woken, 10)

        def patient():
            with condition:
                condition.wait()
                woken.append(1)
                condition.notify()

        machine.join(start(lambda: None)[0])
        threads = start(impatient, patient)
        machine.join(threads[0], 2)
        with condition:
            condition.notify(2)
        machine.join(threads[0])
        return condition._state_location.state

    assert explore(program).results.keys() <= {(), None}


def test_a_wait_of_no_length_looks_whether_a_notify_came():
    def program():
        condition = Condition()

        def waiter():
            with condition:
                return condition.wait(0)

        def notifier():
            with condition:
                condition.notify()

        return together(waiter, notifier)[0]

    assert set(explore(program).results) == {True, False}


def test_wait_for_returns_the_last_value_of_its_predicate():
    def program():
        condition = Condition()
        items = []

        def waiter():
            with condition:
                return condition.wait_for(lambda: items and items[0])

        def notifier():
            with condition:
                items.append("there")
                condition.notify()

        return together(waiter, notifier)[0]

    assert set(explore(program).results) == {"there"}


def test_wait_for_adds_up_the_time():
    def program():
        condition = Condition()
        looks = []

        def nudge():
            with condition:
                condition.notify()

        start(nudge)
        with condition:
            result = condition.wait_for(lambda: looks.append(1), 3)
        return result, machine.current.clock

    assert set(explore(program).results) == {(None, 3.0)}


def test_errors_are_those_of_the_real_one():
    def program():
        for condition in (Condition(), Condition(Lock())):
            with pytest.raises(RuntimeError, match=r"^cannot wait on un-acquired lock$"):
                condition.wait()
            with pytest.raises(RuntimeError, match=r"^cannot notify on un-acquired lock$"):
                condition.notify()
            with pytest.raises(RuntimeError, match=r"^cannot notify on un-acquired lock$"):
                condition.notify_all()
        return True

    assert value(program)


def test_two_conditions_share_a_lock():
    def program():
        lock = Lock()
        not_empty, not_full = Condition(lock), Condition(lock)
        items = []

        def put(item):
            with not_full:
                while items:
                    not_full.wait()
                items.append(item)
                not_empty.notify()

        def get():
            with not_empty:
                while not items:
                    not_empty.wait()
                not_full.notify()
                return items.pop()

        results = together(lambda: put(1), lambda: put(2), get, get)
        return tuple(sorted(results[2:]))

    found = explore(program)
    assert set(found.results) == {(1, 2)}


def test_any_lock_will_do():
    class Wrapped:
        def __init__(self):
            self.lock = Lock()

        def acquire(self, *args):
            return self.lock.acquire(*args)

        def release(self):
            self.lock.release()

        def __enter__(self):
            return self.acquire()

        def __exit__(self, *_):
            self.release()

    def program():
        condition = Condition(Wrapped())
        ready = []

        def waiter():
            with condition:
                while not ready:
                    condition.wait()
                return True

        def notifier():
            with condition:
                ready.append(1)
                condition.notify()

        return together(waiter, notifier)[0]

    found = explore(program)
    assert set(found.results) == {True}


def test_it_looks_like_the_real_one():
    def program():
        return repr(Condition(RLock()))

    text = value(program)
    assert text.startswith("<Condition(<unlocked _thread.RLock object owner=0 count=0 at 0x")
    assert text.endswith(", 0)>")


def test_what_it_waits_for_is_told():
    def program():
        condition = Condition()
        with condition:
            condition.wait()

    _, execution = run(program)
    (blocked,) = execution.blocked
    assert blocked.operation.kind == "wake"
    assert {place.label for place, _ in blocked.operation.accesses} == {"Condition", "RLock"}


def test_outside_of_an_execution_it_is_the_real_one():
    assert type(Condition()) is threading.Condition
